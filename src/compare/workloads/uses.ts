/**
 * The uses that people have in mind when they ask "RabbitMQ or Kafka?", as workloads: what is sent, by which keys and in which
 * sizes, who reads it, at which pace, and who is away for a while. All of it is fixed before a run, by this table and the seed.
 * What each must show to be called suited is in advice/uses.ts. Pure.
 */

import type { Profile } from '../report/model.ts';
import type { WorkloadSpec } from './catalogue.ts';
import type { SizeShare } from './plan.ts';

/** One subscription of a use: who reads, in the words of the use. */
export interface ReaderSpec {
  readonly name: string;
  readonly ordering: 'none' | 'key';
  readonly consumers: number;
  /** It does at most so many a second, all its consumers together; without it, as many as come. */
  readonly perSecond?: number;
  /** It goes away somewhere in the first half of the window, as the plan's hash says, and is back after this part of it. */
  readonly awayPart?: number;
  /** One message in so many fails at its first attempt and comes again. */
  readonly failsOneIn?: number;
  /** Made when all has been sent, and reads everything from the beginning. */
  readonly isReplay?: boolean;
}

/** Readers that are neither slow nor go away: by their latencies a use is judged. */
export function keepsUp({ perSecond, awayPart }: ReaderSpec): boolean {
  return perSecond === undefined && awayPart === undefined;
}

interface UseRow {
  readonly id: string;
  readonly title: string;
  readonly ratePerSecond: number;
  readonly keys: number;
  readonly keyDistribution: WorkloadSpec['keyDistribution'];
  readonly sizes: readonly SizeShare[];
  readonly readers: readonly ReaderSpec[];
}

/** Small enough for every system on two cores, with two readers who do no more than this part of it. */
const slowPart = 0.8;
const awayPart = 0.3;

/** In the order of the report. */
const rows: readonly UseRow[] = [
  {
    id: 'microservice-events',
    title: 'Microservice events: five services hear of each order, in its order; one message in fifty fails at first',
    ratePerSecond: 400,
    keys: 2_000,
    keyDistribution: 'uniform',
    sizes: [
      { bytes: 200, part: 0.5 },
      { bytes: 600, part: 0.4 },
      { bytes: 2_000, part: 0.1 },
    ],
    readers: ['orders', 'payments', 'shipping', 'billing', 'mail'].map((name) => ({
      name,
      ordering: 'key',
      consumers: 1,
      ...(name === 'payments' ? { failsOneIn: 50 } : {}),
    })),
  },
  {
    id: 'shop-orders',
    title: 'Order fan-out of a shop: four readers, recommendations slow, inventory away for a while',
    ratePerSecond: 500,
    keys: 500,
    keyDistribution: 'zipf',
    sizes: [
      { bytes: 400, part: 0.7 },
      { bytes: 1_200, part: 0.25 },
      { bytes: 8_000, part: 0.05 },
    ],
    readers: [
      { name: 'database', ordering: 'key', consumers: 1 },
      { name: 'payments', ordering: 'key', consumers: 2 },
      { name: 'inventory', ordering: 'key', consumers: 1, awayPart },
      { name: 'recommendations', ordering: 'none', consumers: 1, perSecond: 500 * slowPart },
    ],
  },
  {
    id: 'monitoring',
    title: 'Monitoring and alerting: many small readings, alerts by host, a dashboard beside them',
    ratePerSecond: 3_000,
    keys: 200,
    keyDistribution: 'uniform',
    sizes: [
      { bytes: 80, part: 0.6 },
      { bytes: 160, part: 0.4 },
    ],
    readers: [
      { name: 'alerts', ordering: 'key', consumers: 2 },
      { name: 'dashboard', ordering: 'none', consumers: 1 },
    ],
  },
  {
    id: 'recommendation-stream',
    title: 'Recommendation stream: clicks of popular and rare items; the model is built anew from all of them',
    ratePerSecond: 1_500,
    keys: 2_000,
    keyDistribution: 'zipf',
    sizes: [
      { bytes: 150, part: 0.8 },
      { bytes: 500, part: 0.2 },
    ],
    readers: [
      { name: 'model', ordering: 'none', consumers: 1 },
      { name: 'rebuild', ordering: 'none', consumers: 1, isReplay: true },
    ],
  },
  {
    id: 'log-collection',
    title: 'Log collection and analysis: lines without keys, an archive that is slow, all of it read again',
    ratePerSecond: 3_000,
    keys: 0,
    keyDistribution: 'none',
    sizes: [
      { bytes: 120, part: 0.75 },
      { bytes: 400, part: 0.22 },
      { bytes: 6_000, part: 0.03 },
    ],
    readers: [
      { name: 'analysis', ordering: 'none', consumers: 2 },
      { name: 'archive', ordering: 'none', consumers: 1, perSecond: 3_000 * slowPart },
      { name: 'reindex', ordering: 'none', consumers: 1, isReplay: true },
    ],
  },
  {
    id: 'fraud-scoring',
    title: 'Fraud scoring of payments: four scorers, the payments of a card in their order, few cards much hotter',
    ratePerSecond: 1_000,
    keys: 1_000,
    keyDistribution: 'zipf',
    sizes: [{ bytes: 256, part: 1 }],
    readers: [{ name: 'scorer', ordering: 'key', consumers: 4 }],
  },
];

/** One run each in half an hour, which shows whether it works and no more than about how fast; in `full` three. */
const sizes: Readonly<
  Record<Profile, { readonly warmupMs: number; readonly measuredMs: number; readonly repeats: number }>
> = {
  smoke: { warmupMs: 250, measuredMs: 1_000, repeats: 1 },
  standard: { warmupMs: 500, measuredMs: 1_500, repeats: 1 },
  full: { warmupMs: 1_000, measuredMs: 5_000, repeats: 3 },
};

/** Through the port alone: what is asked is which system suits the use, with the same program on each. */
export function useWorkloads(
  profile: Profile,
  common: Pick<WorkloadSpec, 'partitions' | 'publishWindow' | 'credit' | 'ackBatch'>,
): readonly WorkloadSpec[] {
  const { warmupMs, measuredMs, repeats } = sizes[profile];
  return rows.map(({ sizes: mix, readers, ...row }): WorkloadSpec => {
    const live = readers.filter(({ isReplay }) => isReplay !== true);
    return {
      ...common,
      ...row,
      kind: 'flow',
      mode: 'equal-load',
      layers: ['port'],
      messageBytes: Math.round(mix.reduce((sum, { bytes, part }) => sum + bytes * part, 0)),
      arrival: 'poisson',
      messages: Math.ceil((row.ratePerSecond * (warmupMs + measuredMs)) / 1000),
      subscriptions: live.length,
      consumersPerSubscription: Math.max(...live.map(({ consumers }) => consumers)),
      ordering: live.some(({ ordering }) => ordering === 'key') ? 'key' : 'none',
      warmupMs,
      measuredMs,
      sizes: mix,
      readers,
      repeatsMax: repeats,
    };
  });
}

/** Of the workloads above: `--only` by these names. */
export const useIds: readonly string[] = rows.map(({ id }) => id);
