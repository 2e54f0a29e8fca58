/**
 * Follows the course of a run while it goes: takes the consumers away for a backlog and brings them back, and writes down what each
 * phase was: rates, latency, the backlog at its worst, how long the system took to come back, and what the broker used.
 */

import type { LoadRun } from './load-run.ts';
import type { Phase } from '../report/model.ts';
import type { UsageObserver } from '../usage/usage-observer.ts';
import { isWithoutConsumers, type PartWindow, partWindows, type WorkloadSpec } from '../workloads/index.ts';
import { rounded } from '../statistics/index.ts';

export interface CourseOptions {
  readonly run: LoadRun;
  readonly spec: WorkloadSpec;
  readonly usage: UsageObserver;
  readonly closeConsumers: () => Promise<void>;
  readonly openConsumers: () => Promise<void>;
}

const lookEveryMs = 10;
/** A backlog of so many milliseconds' messages is none: that much is always under way. */
const settledBacklogMs = 50;

/** Without its latencies, which are known when everything has come. */
type UnfinishedPhase = Phase & { readonly figures: NonNullable<Phase['figures']> };

/** Resolves with a phase for each part when the last is over, or the run broke. */
export async function followCourse(options: CourseOptions): Promise<readonly UnfinishedPhase[]> {
  const phases: UnfinishedPhase[] = [];
  let before: PartWindow | null = null;
  for (const part of partWindows(options.spec.course ?? [])) {
    phases.push(await followPart(options, part, before));
    before = part;
  }
  return phases;
}

/** The phases with the latencies of the messages that were due in each: after the drain, since those of a backlog come late. */
export function withLatencies(phases: readonly UnfinishedPhase[], run: LoadRun): readonly Phase[] {
  return phases.map((phase, index) => {
    const { p50, p99, count } = run.latencyOfPart(index).summary();
    if (count === 0) return phase;
    return { ...phase, figures: { ...phase.figures, endToEndP50Ms: p50, endToEndP99Ms: p99, samples: count } };
  });
}

async function followPart(
  { run, spec, usage, closeConsumers, openConsumers }: CourseOptions,
  part: PartWindow,
  before: PartWindow | null,
): Promise<UnfinishedPhase> {
  const wasWithout = before !== null && isWithoutConsumers(before);
  await untilWindowMs(run, part.fromMs);
  // Joining takes its time; meanwhile the phase goes on, which is what a consumer that comes back meets.
  const moved = isWithoutConsumers(part) ? closeConsumers() : wasWithout ? openConsumers() : Promise.resolve();
  moved.catch((reason: unknown) => run.fail(reason));
  const start = countsOf(run);
  const watching = usage.watch();
  const settledBelow = ((spec.ratePerSecond ?? 0) * settledBacklogMs) / 1000;
  const mustSettle = before !== null && (before.phase === 'burst' || before.phase === 'backlog');
  let backlogMax = run.checker.missing;
  let settledAfterMs: number | null = null;
  while (run.failure === null && run.sinceWindowMs < part.toMs) {
    await pause(lookEveryMs);
    const backlog = run.checker.missing;
    backlogMax = Math.max(backlogMax, backlog);
    if (mustSettle && settledAfterMs === null && backlog <= settledBelow)
      settledAfterMs = run.sinceWindowMs - part.fromMs;
  }
  await moved;
  const end = countsOf(run);
  const seconds = (end.atMs - start.atMs) / 1000;
  const used = await watching.stop();
  return {
    phase: part.phase,
    fromMs: part.fromMs,
    toMs: part.toMs,
    note: mustSettle
      ? settledAfterMs === null
        ? 'the backlog was not gone when it ended'
        : `the backlog was gone after ${Math.round(settledAfterMs)} ms`
      : null,
    figures: {
      publishedPerSecond: rounded((end.acked - start.acked) / seconds),
      receivedPerSecond: rounded((end.received - start.received) / seconds),
      endToEndP50Ms: null,
      endToEndP99Ms: null,
      samples: 0,
      backlogMax,
      settledAfterMs: settledAfterMs === null ? null : Math.round(settledAfterMs),
      brokerCores: used.broker === null ? null : rounded(used.broker.cpuSeconds / used.seconds),
    },
  };
}

function countsOf(run: LoadRun) {
  return { atMs: run.nowMs(), acked: run.checker.ackedCount, received: run.checker.receivedCount };
}

async function untilWindowMs(run: LoadRun, ms: number): Promise<void> {
  while (run.failure === null && run.sinceWindowMs < ms)
    await pause(Math.max(1, Math.min(lookEveryMs, ms - run.sinceWindowMs)));
}

async function pause(ms: number): Promise<void> {
  await new Promise<void>((resolve) => setTimeout(resolve, ms));
}
