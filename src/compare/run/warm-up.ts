/**
 * Brokers that have just started, brought to what they are like after a while, before cells are measured on them. Kafka runs on a virtual
 * machine that compiles what it is asked for often, step by step: its Java producer took three times as much and more after two minutes of
 * load as on a broker that had just started (docs/COMPARING.md). The warm-up of a cell is seconds, and warms client and topic.
 *
 * Bursts as fast as they go, one after the other, until the broker's processor time for a million messages stays where it is.
 */

import { execFile } from 'node:child_process';
import type { MeasureCell } from '../load/measure-cell.ts';
import { NotMeasurable } from '../load/workload-run.ts';
import type { Layer, WarmUp, WorkloadRow } from '../report/model.ts';
import { median } from '../statistics/index.ts';
import { backendOf, systemOf } from '../systems/system-ids.ts';
import { otherBrokerOf } from '../systems/systems.ts';
import { withDeadline } from '../waiting.ts';
import { deriveSeed, warmUpLoads } from '../workloads/index.ts';
import type { Going } from './going.ts';
import type { LoadMakers } from './load-makers.ts';

/** As many of the last bursts are alike ... */
const burstsCompared = 3;
/** ... within this part of their mean, which is what bursts of a warm broker swing on two shared cores ... */
const tolerance = 0.1;
/** ... and the last of them is not this part cheaper than the first: it would go on. */
const stillFalling = 0.06;
/** A compiler that works in steps has plateaus: what stays where it is earlier has mostly not come to the last one. */
const burstsOfCompilerMin = 8;
/** A machine on which nothing settles is measured as it is, and the report says so. */
export const burstsMax = 16;
/** A client begins no burst after this time; the one that has a compiler to wait for has more. A share group alone takes five seconds to begin. */
export const clientMsMax = { usual: 30_000, compiler: 75_000 } as const;
/** What the bursts left in memory is written before cells are measured: theirs is not the time of a sync. */
const syncMsMax = 30_000;

/** A client that loads a broker until that is warm. */
export interface Warmer {
  readonly system: string;
  readonly layer: Layer;
  readonly burstsMin: number;
  readonly msMax: number;
  /**
   * Before each burst a load of many small requests. What a broker does once for a request is compiled after some thousands of them, and bursts
   * have few and large ones.
   */
  readonly asksOften: boolean;
}

type Place = Pick<Warmer, 'system' | 'layer'>;

/**
 * For every broker that cells are going to use, the clients that load it, one after the other: the Java programs that the run has, so that none of
 * them is measured before it is compiled itself, and then the usual client. Kafka comes before RabbitMQ, and of Kafka's the Java producer first:
 * it asks three times as much of the broker in the same time. Pure.
 */
export function warmersOf(cells: readonly Place[], wires: readonly Place[]): readonly Warmer[] {
  const brokers = new Set(cells.map(({ system }) => brokerOf(system)).filter((broker) => broker !== null));
  return [...brokers]
    .toSorted((one, other) => one.localeCompare(other, 'en'))
    .flatMap((broker) => {
      const own = wires.filter(({ system }) => brokerOf(system) === broker);
      const programs = own
        .filter(({ layer }) => layer === 'reference')
        .toSorted((one, other) => order(one) - order(other));
      const usual = own.find(({ layer }) => layer === 'bare') ?? own.find(({ layer }) => layer !== 'reference');
      return [...programs, ...(usual === undefined ? [] : [usual])].map(({ system, layer }, index) => {
        const isKafka = systemOf(system) === 'kafka';
        const isFirst = isKafka && index === 0;
        return {
          system,
          layer,
          burstsMin: isFirst ? burstsOfCompilerMin : burstsCompared,
          msMax: isFirst ? clientMsMax.compiler : clientMsMax.usual,
          asksOften: isKafka && system !== 'kafka-share',
        };
      });
    });
}

function order({ system }: Place): number {
  return system === 'kafka-java' ? 0 : 1;
}

/** null for the log, which is no broker and has a new process instead. */
function brokerOf(system: string): string | null {
  return systemOf(system) === 'log' ? null : `${backendOf[systemOf(system)]} ${otherBrokerOf(system) ?? ''}`;
}

/** Whether there were enough bursts and the last of them are alike. `costs`: of each its processor time, or its time. Pure. */
export function isSteady(costs: readonly number[], burstsMin: number): boolean {
  if (costs.length < burstsMin) return false;
  const last = costs.slice(-burstsCompared);
  const mean = last.reduce((sum, cost) => sum + cost, 0) / last.length;
  const isFalling = (last.at(-1) ?? 0) < (last[0] ?? 0) * (1 - stillFalling);
  return !isFalling && last.every((cost) => Math.abs(cost - mean) <= tolerance * mean);
}

/** What a report says of them: how far a broker that has just started was from a warm one. Pure. */
export function warmUpsInWords(warmUps: readonly WarmUp[]): readonly string[] {
  const loaded = warmUps.filter(({ messagesPerSecond }) => messagesPerSecond.length > 0);
  const changes = [...new Set(loaded.map(({ system }) => system))].map((system) => {
    const own = loaded.filter((one) => one.system === system);
    const middle = (of: (one: WarmUp) => number | null | undefined): number =>
      median(own.map(of).filter((value) => typeof value === 'number'));
    const rates = [middle((one) => one.messagesPerSecond[0]), middle((one) => one.messagesPerSecond.at(-1))];
    const costs = [
      middle((one) => one.brokerCpuSecondsPerMillion[0]),
      middle((one) => one.brokerCpuSecondsPerMillion.at(-1)),
    ];
    const paces = rates.map((rate) => Math.round(rate).toLocaleString('en')).join(' → ');
    return `${system} ${paces}${costs.some(Number.isNaN) ? '' : ` (${costs.map((cost) => Math.round(cost * 10) / 10).join(' → ')})`}`;
  });
  const moving = warmUps.filter((one) => !one.isSteady).length;
  return [
    ...(changes.length === 0
      ? []
      : [
          `Brokers that had just started were loaded before cells were measured, until their processor time stayed where it was or, by one client, for about ${clientMsMax.usual / 1000} to ${clientMsMax.compiler / 1000} s. Messages a second, first burst → last (seconds of the broker’s processor for a million): ${changes.join(', ')}.`,
        ]),
    ...(moving === 0
      ? []
      : [
          `${moving} of ${warmUps.length} such warm-ups ended before the processor time stayed where it was: what came after them may be of a broker that was not quite warm.`,
        ]),
  ];
}

interface WarmUpPart {
  readonly round: number;
  readonly warmers: readonly Warmer[];
  /** Brings to the disk what was written; the machine's own by default. */
  readonly sync?: () => Promise<void>;
}

/**
 * Resolves when each has had its bursts, and what they wrote is on the disk, or `syncMsMax` later. A client that fails ends its own bursts only.
 * Rejects when the run is ended.
 */
export async function warmUp(
  going: Going,
  makers: Pick<LoadMakers, 'forCell'>,
  { round, warmers, sync = syncDisks }: WarmUpPart,
): Promise<readonly WarmUp[]> {
  const { options, journal } = going;
  const done: WarmUp[] = [];
  for (const warmer of warmers) {
    const one = await warmOne(going, makers, { round, warmer });
    done.push(one);
    journal?.add({ kind: 'warm-up', warmUp: one });
    options.onProgress(`round ${round + 1}: ${inWords(one)}`);
  }
  if (done.length > 0) await sync();
  options.signal?.throwIfAborted();
  return done;
}

async function warmOne(
  { options, steps, prefix }: Going,
  makers: Pick<LoadMakers, 'forCell'>,
  { round, warmer }: { readonly round: number; readonly warmer: Warmer },
): Promise<WarmUp> {
  const { system, layer, burstsMin, msMax, asksOften } = warmer;
  const endMs = performance.now() + msMax;
  const name = `sluice-cmp-${prefix}-warm-${round}-${system.replace('@', '-')}-${layer}`;
  const cpu: (number | null)[] = [];
  const rates: number[] = [];
  const isOver = () => isSteady(costsOf(cpu, rates), burstsMin);
  const result = (): WarmUp => ({
    round,
    system,
    layer,
    isSteady: isOver(),
    brokerCpuSecondsPerMillion: cpu,
    messagesPerSecond: rates,
  });
  try {
    while (rates.length < burstsMax && performance.now() < endMs && !isOver()) {
      options.signal?.throwIfAborted();
      const number = rates.length;
      steps.begin(`warming up for round ${round + 1}: ${system} ${layer}, burst ${number + 1}`);
      const load = await loadBy(await makers.forCell(warmer), { name: `${name}-${number}`, seed: options.seed });
      if (asksOften) await load('often');
      const { cost, publish } = await load('burst');
      cpu.push(cost.brokerCpuSecondsPerMillion);
      rates.push(Math.round(publish.messagesPerSecond));
    }
    return result();
  } catch (reason) {
    options.signal?.throwIfAborted();
    // It may be left out: whatever went wrong, cells that need the same say so themselves.
    return { ...result(), isSteady: false, endedBecause: reason instanceof Error ? reason.message : String(reason) };
  }
}

/** The load of a burst rejects with NotMeasurable where it broke: what it cost would be of something else. */
async function loadBy(measure: MeasureCell, { name, seed }: { readonly name: string; readonly seed: number }) {
  return async (kind: keyof typeof warmUpLoads): Promise<WorkloadRow> => {
    const { row, fault } = await measure({
      spec: warmUpLoads[kind],
      source: { seed: deriveSeed(seed, name) },
      repeat: 0,
      prefix: `${name}-${kind}`,
      generatorCeiling: null,
    });
    if (fault?.kind === 'broken' || fault?.kind === 'loss') throw new NotMeasurable(fault.reason);
    return row;
  };
}

/** One kind of figure for all bursts: where one was not seen as a process, the time that its messages took. */
function costsOf(cpu: readonly (number | null)[], rates: readonly number[]): readonly number[] {
  const seen = cpu.filter((cost) => cost !== null);
  return seen.length === cpu.length ? seen : rates.map((rate) => 1e6 / Math.max(1, rate));
}

function inWords({ system, layer, ...one }: WarmUp): string {
  const { isSteady: isWarm, endedBecause, brokerCpuSecondsPerMillion: cpu, messagesPerSecond: rates } = one;
  const figures = (at: number) => `${rates.at(at)}/s${cpu.at(at) === null ? '' : ` at ${cpu.at(at)} s a million`}`;
  const change = rates.length === 0 ? '' : `, from ${figures(0)} to ${figures(-1)}`;
  const how = isWarm ? 'warm' : endedBecause === undefined ? 'not steady' : `not warm (${endedBecause})`;
  return `${system} ${layer} ${how} after ${rates.length} bursts${change}`;
}

/** Resolves when the kernel has written what it holds, after `syncMsMax` all the same, and where there is no such command at once. */
async function syncDisks(): Promise<void> {
  const synced = new Promise<void>((resolve) => {
    // In the middle of it a process cannot be ended; it ends by itself.
    execFile('sync', () => resolve()).unref();
  });
  await withDeadline(synced, syncMsMax).catch(() => undefined);
}
