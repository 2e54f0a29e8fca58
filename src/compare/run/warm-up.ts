/**
 * Brokers that have just started, brought to what they are like after a while, before a round of cells is measured on them. Kafka runs on
 * a virtual machine that compiles what it is asked for often, step by step: its Java producer took three times as much after minutes of load as
 * on a broker that had just started (docs/COMPARING.md). The warm-up of a cell is seconds, and warms client and topic.
 *
 * Bursts as fast as they go, one after the other, until the broker's processor time for a million messages stays where it is.
 */

import { ClientFailed, GeneratorGone } from '../generator/index.ts';
import type { MeasureCell } from '../load/measure-cell.ts';
import { NotMeasurable } from '../load/workload-run.ts';
import type { Layer, WarmUp, WorkloadRow } from '../report/model.ts';
import { median, rounded } from '../statistics/index.ts';
import { backendOf, systemOf } from '../systems/system-ids.ts';
import { otherBrokerOf } from '../systems/systems.ts';
import { deriveSeed, warmUpLoads } from '../workloads/index.ts';
import type { Going } from './going.ts';
import type { LoadMakers } from './load-makers.ts';

/** As many of the last bursts are alike ... */
const burstsCompared = 3;
/** ... within this part of their mean: repeats of a cell on two shared cores swing as far. */
const tolerance = 0.1;
/** A compiler that works in steps has plateaus: what stays where it is earlier has mostly not come to the last one. */
const burstsOfCompilerMin = 8;
/** A machine on which nothing settles is measured as it is, and the report says so. */
export const burstsMax = 12;

/** A client that loads a broker until that is warm. */
export interface Warmer {
  readonly system: string;
  readonly layer: Layer;
  readonly burstsMin: number;
  /**
   * Before each burst a load of many small requests. What a broker does once for a request is compiled after some thousands of them, and bursts
   * have few and large ones.
   */
  readonly asksOften: boolean;
}

type Place = Pick<Warmer, 'system' | 'layer'>;

/**
 * For every broker that cells are going to use, by one client after the other. Of Kafka's the Java client comes first, where it is among the
 * rows: it asks three times as much of the broker in the same time. kafkajs comes after it. RabbitMQ's code is compiled before it
 * runs; it is loaded as long as it takes to see that its processor time is the same. Pure.
 */
export function warmersOf(cells: readonly Place[], wires: readonly Place[]): readonly Warmer[] {
  const brokers = new Set(cells.map(({ system }) => brokerOf(system)));
  brokers.delete(null);
  return [...brokers].flatMap((broker) => {
    const own = wires.filter(({ system }) => brokerOf(system) === broker);
    const usual = own.find(({ layer }) => layer === 'bare') ?? own.find(({ layer }) => layer !== 'reference');
    const java = own.find(({ system }) => system === 'kafka-java');
    return [...new Set([java, usual ?? own[0]])]
      .filter((place) => place !== undefined)
      .map(({ system, layer }, index) => {
        const isFirstOfKafka = index === 0 && systemOf(system) === 'kafka';
        const burstsMin = isFirstOfKafka ? burstsOfCompilerMin : burstsCompared;
        return { system, layer, burstsMin, asksOften: isFirstOfKafka };
      });
  });
}

/** null for the log, which is no broker and has a new process for each round. */
function brokerOf(system: string): string | null {
  return systemOf(system) === 'log' ? null : `${backendOf[systemOf(system)]} ${otherBrokerOf(system) ?? ''}`;
}

/** Whether there were enough bursts and the last of them are alike. `costs`: of each its processor time, or its time. Pure. */
export function isSteady(costs: readonly number[], burstsMin: number): boolean {
  if (costs.length < burstsMin) return false;
  const last = costs.slice(-burstsCompared);
  const mean = last.reduce((sum, cost) => sum + cost, 0) / last.length;
  return last.every((cost) => Math.abs(cost - mean) <= tolerance * mean);
}

/** Resolves when each has had its bursts. A broker that cannot be loaded is left as it is: its cells say why. */
export async function warmUp(
  going: Going,
  makers: Pick<LoadMakers, 'forCell'>,
  { round, warmers }: { readonly round: number; readonly warmers: readonly Warmer[] },
): Promise<readonly WarmUp[]> {
  const { options, journal } = going;
  const done: WarmUp[] = [];
  for (const warmer of warmers) {
    const place = `round ${round + 1}: ${warmer.system} ${warmer.layer}`;
    try {
      const one = await warmOne(going, makers, { round, warmer });
      done.push(one);
      journal?.add({ kind: 'warm-up', warmUp: one });
      options.onProgress(`${place}: ${inWords(one)}`);
    } catch (reason) {
      if (!isOfTheClient(reason)) throw reason;
      options.onProgress(`${place}: not warmed up, ${reason.message}`);
    }
  }
  return done;
}

function isOfTheClient(reason: unknown): reason is Error {
  return reason instanceof NotMeasurable || reason instanceof GeneratorGone || reason instanceof ClientFailed;
}

async function warmOne(
  { options, steps, prefix }: Going,
  makers: Pick<LoadMakers, 'forCell'>,
  { round, warmer }: { readonly round: number; readonly warmer: Warmer },
): Promise<WarmUp> {
  const { system, layer, burstsMin, asksOften } = warmer;
  const name = `sluice-cmp-${prefix}-warm-${round}-${system.replace('@', '-')}-${layer}`;
  const costs: number[] = [];
  const rates: number[] = [];
  while (costs.length < burstsMax && !isSteady(costs, burstsMin)) {
    options.signal?.throwIfAborted();
    const number = costs.length;
    steps.begin(`warming up for round ${round + 1}: ${system} ${layer}, burst ${number + 1}`);
    const measure = await makers.forCell(warmer);
    const load = async (kind: keyof typeof warmUpLoads): Promise<WorkloadRow> => {
      const source = { seed: deriveSeed(options.seed, `warm-up/${kind}/${number}`) };
      const asked: Parameters<MeasureCell>[0] = {
        spec: warmUpLoads[kind],
        source,
        repeat: 0,
        prefix: `${name}-${kind}-${number}`,
        generatorCeiling: null,
      };
      return (await measure(asked)).row;
    };
    if (asksOften) await load('often');
    const { cost, publish } = await load('burst');
    if (!(publish.messagesPerSecond > 0)) throw new NotMeasurable('a burst brought nothing to the broker');
    costs.push(cost.brokerCpuSecondsPerMillion ?? Math.round(1e9 / publish.messagesPerSecond) / 1000);
    rates.push(Math.round(publish.messagesPerSecond));
  }
  return {
    round,
    system,
    layer,
    isSteady: isSteady(costs, burstsMin),
    brokerCpuSecondsPerMillion: costs,
    messagesPerSecond: rates,
  };
}

function inWords({ isSteady: isWarm, brokerCpuSecondsPerMillion: costs, messagesPerSecond: rates }: WarmUp): string {
  const [first, last] = [`${costs[0]} s at ${rates[0]}/s`, `${costs.at(-1)} s at ${rates.at(-1)}/s`];
  return `${isWarm ? 'warm' : 'not steady'} after ${costs.length} bursts, the broker's processor time for a million messages from ${first} to ${last}`;
}

/** What a report says of them: how far a broker that has just started was from a warm one. Pure. */
export function warmUpsInWords(warmUps: readonly WarmUp[]): readonly string[] {
  if (warmUps.length === 0) return [];
  const changes = [...new Set(warmUps.map(({ system }) => system))].map((system) => {
    const costs = warmUps.filter((one) => one.system === system).map((one) => one.brokerCpuSecondsPerMillion);
    const [first, last] = [median(costs.map((all) => all[0] ?? 0)), median(costs.map((all) => all.at(-1) ?? 0))];
    return `${system} ${rounded(first)} → ${rounded(last)}`;
  });
  const moving = warmUps.filter((one) => !one.isSteady).length;
  return [
    `Brokers that had just started were loaded before each round until their processor time stayed where it was. Seconds for a million messages, first burst → last: ${changes.join(', ')}.`,
    ...(moving === 0
      ? []
      : [
          `${moving} of ${warmUps.length} such warm-ups ended at their longest, before the processor time stayed where it was: what came after them may be of a broker that was not quite warm.`,
        ]),
  ];
}
