/** From a run that is over to its row in the report: rates, latencies, costs, phases, and whether it may be printed as a number. */

import { availableParallelism } from 'node:os';
import { LoadRun } from './load-run.ts';
import { limitedBy } from './limited-by.ts';
import { type Measured, nothingMeasured } from '../usage/meter.ts';
import type { Checks, HistogramData, Phase, ReaderRow, WorkloadRow } from '../report/model.ts';
import { type LatencyHistogram, rounded } from '../statistics/index.ts';
import { type Fault, faultOf, type RunNotes } from './validity.ts';
import type { Wire } from '../systems/wire.ts';
import { PayloadCodec, type Plan, type WorkloadSpec } from '../workloads/index.ts';

export interface FinishedRun {
  readonly wire: Pick<Wire, 'name' | 'layer' | 'durability' | 'settings'>;
  readonly spec: WorkloadSpec;
  readonly plan: Plan;
  readonly repeat: number;
  readonly startedAt: string;
  readonly run: LoadRun;
  readonly measured: Measured;
  readonly windowMs: number;
  readonly notes: RunNotes;
  readonly generatorCeiling: number | null;
  readonly phases: readonly Phase[];
  /** The checks as far as somebody was promised anything. */
  readonly promised: (checks: Checks) => Checks;
  readonly readers: Readonly<Record<string, ReaderRow>> | null;
}

/** The row, with the kind of what stands against it; null where it is valid. */
export function rowOf(given: FinishedRun): { readonly row: WorkloadRow; readonly fault: Fault | null } {
  const { wire, spec, plan, repeat, run, measured, windowMs, notes, generatorCeiling } = given;
  const checks: Checks = run.checker.result();
  const seconds = windowMs / 1000;
  const publish = rateOf(run.window.acked, run.window.ackedBytes, seconds);
  const consume = rateOf(run.window.received, run.window.receivedBytes, seconds);
  const brokerCores = measured.broker === null ? null : measured.broker.cpuSeconds / measured.seconds;
  const evidence = {
    mode: spec.mode,
    messagesPerSecond: spec.kind === 'replay' ? consume.messagesPerSecond : publish.messagesPerSecond,
    generatorCeiling,
    eventLoop: measured.eventLoop,
    clientCores: measured.client.cpuSeconds / measured.seconds,
    brokerCores,
    machineCores: availableParallelism(),
  };
  const slip = run.slip.summary();
  const fault = faultOf({ spec, checks: given.promised(checks), slip, run, notes });
  const invalidBecause = fault?.reason ?? null;
  const row: WorkloadRow = {
    id: spec.id,
    title: spec.title,
    system: wire.name,
    layer: wire.layer,
    durability: wire.durability,
    mode: spec.mode,
    settings: wire.settings ?? 'stock',
    parameters: parametersOf(spec, plan),
    planHash: plan.hash,
    repeat,
    startedAt: given.startedAt,
    valid: invalidBecause === null,
    ...(invalidBecause === null ? {} : { invalidBecause }),
    limitedBy: limitedBy(evidence),
    utilization: {
      brokerCores: brokerCores === null ? null : rounded(brokerCores),
      clientCores: rounded(measured.client.cpuSeconds / measured.seconds),
      eventLoop: rounded(measured.eventLoop),
    },
    checks,
    ...(spec.mode === 'equal-load'
      ? {
          offered: {
            planned: run.plannedInWindow,
            acknowledgedInTime: run.ackedOnTime,
            blockedMs: Math.round(run.blockedMs),
          },
        }
      : {}),
    publish,
    consume,
    latencyMs: { publish: run.publishLatency.summary(), endToEnd: run.endToEndLatency.summary() },
    serviceMs: { publish: shortOf(run.publishService), endToEnd: shortOf(run.endToEndService) },
    slipMs: { p50: slip.p50, p99: slip.p99, max: slip.max },
    ...(measured.eventLoopLagMs === undefined ? {} : { eventLoopLagMs: measured.eventLoopLagMs }),
    cost: costOf(measured),
    histograms: histogramsOf(run),
    series: run.series,
    phases: given.phases,
    notes: [...notes.notes, ...unsteadyNote(run)],
    ...(given.readers === null ? {} : { readers: given.readers }),
  };
  return { row, fault };
}

/** Of a cell of which nothing came back: its question, no figures, and why. */
export function rowOfNothing(
  given: Pick<FinishedRun, 'wire' | 'spec' | 'plan' | 'repeat' | 'startedAt' | 'generatorCeiling'>,
  why: string,
): WorkloadRow {
  const run = new LoadRun(given.spec, given.plan, new PayloadCodec(0, given.spec.messageBytes));
  const { row } = rowOf({
    ...given,
    run,
    measured: nothingMeasured,
    windowMs: 1,
    notes: { drained: false, notes: [] },
    phases: [],
    promised: (checks) => checks,
    readers: null,
  });
  return { ...row, valid: false, invalidBecause: why };
}

// ------------------------------------------------------------------------------------------------ figures

function costOf(measured: Measured): WorkloadRow['cost'] {
  const { messages, bytes } = measured.counted;
  const perMillion = (cpuSeconds: number) => (messages === 0 ? null : rounded((cpuSeconds / messages) * 1e6));
  // Without a broker process of its own the system is in this process.
  const store = measured.broker ?? measured.client;
  return {
    brokerCpuSecondsPerMillion: measured.broker === null ? null : perMillion(measured.broker.cpuSeconds),
    clientCpuSecondsPerMillion: perMillion(measured.client.cpuSeconds),
    bytesWrittenPerPayloadByte: bytes === 0 ? null : rounded(store.bytesWritten / bytes),
    peakRssBytes: store.rssBytes === 0 ? null : store.rssBytes,
  };
}

function shortOf(histogram: LatencyHistogram): { readonly p50: number; readonly p99: number; readonly max: number } {
  const { p50, p99, max } = histogram.summary();
  return { p50, p99, max };
}

// ------------------------------------------------------------------------------------------------ phases

/** Of every flow: what came before the window, the window, and what was still to come after it. */
export function phasesOf(
  run: LoadRun,
  course: readonly Phase[],
  drain: { readonly fromMs: number; readonly toMs: number; readonly waiting: number },
): readonly Phase[] {
  const { warmup } = run;
  const windowMs = Math.round(run.windowMs);
  const fromMs = Math.max(windowMs, Math.round(drain.fromMs));
  const first: readonly Phase[] =
    warmup === null
      ? []
      : [
          {
            phase: 'warmup',
            fromMs: -warmup.tookMs,
            toMs: 0,
            isSteady: warmup.isSteady,
            note: warmup.because ?? `steady, limit ${warmup.limitMs} ms`,
          },
        ];
  return [
    ...first,
    ...(course.length > 0 ? course : [{ phase: 'steady', fromMs: 0, toMs: windowMs, note: null } as const]),
    {
      phase: 'drain',
      fromMs,
      toMs: Math.max(fromMs, Math.round(drain.toMs)),
      note: `${drain.waiting} messages to come`,
    },
  ];
}

/** A row of a run that had not settled says so. */
function unsteadyNote({ warmup }: LoadRun): readonly string[] {
  if (warmup === null || warmup.isSteady) return [];
  return [`not steady when its warm-up ended, at the limit of ${warmup.limitMs} ms`];
}

function rateOf(messages: number, bytes: number, seconds: number): WorkloadRow['publish'] {
  return { messagesPerSecond: rounded(messages / seconds), megabytesPerSecond: rounded(bytes / seconds / 1e6) };
}

function histogramsOf(run: LoadRun): { readonly publish: HistogramData; readonly endToEnd: HistogramData } {
  return { publish: run.publishLatency.data(), endToEnd: run.endToEndLatency.data() };
}

function parametersOf(spec: WorkloadSpec, plan: Plan): WorkloadRow['parameters'] {
  return {
    messageBytes: spec.messageBytes,
    ratePerSecond: spec.ratePerSecond,
    partitions: spec.partitions,
    subscriptions: spec.subscriptions,
    consumersPerSubscription: spec.consumersPerSubscription,
    keys: plan.keyNames.length,
    keyDistribution: spec.keyDistribution,
    arrival: spec.arrival,
    messages: plan.count,
    warmupMs: spec.warmupMs,
    measuredMs: spec.measuredMs,
    publishWindow: spec.publishWindow,
    credit: spec.credit,
    ackBatch: spec.ackBatch,
  };
}
