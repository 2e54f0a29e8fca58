/** The workloads by name and how large each is in every profile. */

import type { Layer, Profile, WorkloadMode } from '../report/model.ts';
import type { Plan } from './plan.ts';

export interface WorkloadSpec {
  readonly id: string;
  readonly title: string;
  /** `flow`: publish and consume at once. `replay`: publish and consume, then a second reader reads all of it again. */
  readonly kind: 'flow' | 'replay';
  readonly mode: WorkloadMode;
  readonly layers: readonly Layer[];
  readonly messageBytes: number;
  /** Offered load; null for own-maximum and for the re-reading of `replay`. */
  readonly ratePerSecond: number | null;
  readonly arrival: 'uniform' | 'poisson' | 'closed-window' | 'trace';
  /** The plan's length: with a rate it follows from rate and time, else it caps the run. */
  readonly messages: number;
  readonly partitions: number;
  readonly subscriptions: number;
  readonly consumersPerSubscription: number;
  readonly ordering: 'none' | 'key';
  readonly keys: number;
  readonly keyDistribution: 'none' | 'uniform' | 'zipf';
  readonly warmupMs: number;
  readonly measuredMs: number;
  readonly publishWindow: number;
  readonly credit: number;
  readonly ackBatch: number;
}

interface ProfileSize {
  readonly warmupMs: number;
  readonly measuredMs: number;
  readonly repeats: number;
  readonly replayMessages: number;
  readonly bareEverywhere: boolean;
}

const sizes: Readonly<Record<Profile, ProfileSize>> = {
  smoke: { warmupMs: 250, measuredMs: 1_000, repeats: 1, replayMessages: 5_000, bareEverywhere: false },
  // Ten thousand samples at the equal load are the fewest that say anything about the slowest of a thousand.
  standard: { warmupMs: 1_000, measuredMs: 2_000, repeats: 5, replayMessages: 25_000, bareEverywhere: false },
  full: { warmupMs: 5_000, measuredMs: 20_000, repeats: 10, replayMessages: 500_000, bareEverywhere: true },
};

/** What smoke leaves out to end in a minute. */
const smokeCells: readonly { readonly id: string; readonly mode: WorkloadMode }[] = [
  { id: 'throughput-1k', mode: 'equal-load' },
  { id: 'throughput-1k', mode: 'own-maximum' },
];

/** A rate that every system of the range carries on two cores, so that latencies stand side by side. */
const equalLoadPerSecond = 5_000;
/** Four copies of each message leave the broker: a quarter of the rate keeps the delivered load the same. */
const fanOutPerSecond = 1_250;
/** Above what any client here reaches: the plan must not end before the window does. */
const ownMaximumPerSecondCap = 250_000;

/** Unconfirmed publishes: what one kafkajs client needs for full batches, given to all alike. */
const publishWindow = 4_000;
/** Prefetch: RabbitMQ's advice is 100-300 for a remote consumer; more costs nothing on loopback. */
const credit = 1_000;
/** Optimum of quorum queues (50-100); the same bound of redelivery after a crash for all. */
const ackBatch = 100;

const common = {
  partitions: 4,
  subscriptions: 1,
  consumersPerSubscription: 1,
  ordering: 'none',
  keys: 1_000,
  keyDistribution: 'uniform',
  publishWindow,
  credit,
  ackBatch,
} as const;

export function repeatsOf(profile: Profile): number {
  return sizes[profile].repeats;
}

/**
 * In the order in which the report shows them; every cell carries the layers it is run on. `all`: with the workloads that
 * the profile leaves out by default, in its size.
 */
export function workloadsOf(profile: Profile, which: 'default' | 'all' = 'default'): readonly WorkloadSpec[] {
  const size = sizes[profile];
  const other: readonly Layer[] = size.bareEverywhere ? ['bare', 'port'] : ['port'];
  const all: readonly WorkloadSpec[] = [
    ...throughput('throughput-1k', '1 KiB messages', 1024, size, profile, ['rest', 'grpc'], ['reference']),
    ...throughput('throughput-100b', '100 B messages', 100, size, profile),
    {
      ...common,
      ...timed(size, fanOutPerSecond),
      id: 'fan-out',
      title: 'Four subscriptions, each gets every message (1 KiB)',
      kind: 'flow',
      mode: 'equal-load',
      layers: other,
      messageBytes: 1024,
      subscriptions: 4,
    },
    {
      ...common,
      ...timed(size, equalLoadPerSecond),
      id: 'ordering',
      title: 'Order by key with four competing consumers and skewed keys (256 B)',
      kind: 'flow',
      mode: 'equal-load',
      layers: ['port'],
      messageBytes: 256,
      consumersPerSubscription: 4,
      ordering: 'key',
      keyDistribution: 'zipf',
    },
    {
      ...common,
      id: 'replay',
      title: 'A second reader reads everything again, as fast as it can (1 KiB)',
      kind: 'replay',
      mode: 'own-maximum',
      layers: other,
      messageBytes: 1024,
      ratePerSecond: null,
      arrival: 'closed-window',
      messages: size.replayMessages,
      warmupMs: 0,
      measuredMs: 0,
    },
  ];
  return profile === 'smoke' && which === 'default'
    ? all.filter((spec) => smokeCells.some((cell) => cell.id === spec.id && cell.mode === spec.mode))
    : all;
}

/** A trace as a workload: its own times, keys and sizes, at the speed asked for. Pure. */
export function traceWorkload(plan: Plan, name: string, layers: readonly Layer[]): WorkloadSpec {
  const lastMs = plan.sendAtMs.at(-1) ?? 0;
  const measuredMs = Math.max(1, Math.ceil(lastMs) + 1);
  return {
    ...common,
    id: 'trace',
    title: `The trace ${name}, ${plan.count} messages`,
    kind: 'flow',
    mode: 'equal-load',
    layers,
    messageBytes: Math.round(plan.payloadBytes / Math.max(1, plan.count)),
    ratePerSecond: Math.round((plan.count / measuredMs) * 1_000_000) / 1000,
    arrival: 'trace',
    messages: plan.count,
    keys: plan.keyNames.length,
    warmupMs: 0,
    measuredMs,
  };
}

/** Every workload's id, for `--only` and for messages about a wrong one. */
export const workloadIds: readonly string[] = [...new Set(workloadsOf('full').map((spec) => spec.id))];

function throughput(
  id: string,
  title: string,
  messageBytes: number,
  size: ProfileSize,
  profile: Profile,
  gatewayLayers: readonly Layer[] = [],
  referenceLayers: readonly Layer[] = [],
): readonly WorkloadSpec[] {
  const shared = { ...common, id, kind: 'flow', messageBytes } as const;
  return [
    {
      ...shared,
      ...timed(size, equalLoadPerSecond),
      title: `${title} at the same rate for all`,
      mode: 'equal-load',
      layers: [
        ...(profile === 'smoke' ? ['port' as const] : ['bare' as const, 'port' as const]),
        ...gatewayLayers,
        ...referenceLayers,
      ],
    },
    {
      ...shared,
      title: `${title}, as many as each can`,
      mode: 'own-maximum',
      // Half an hour has no room for what a gateway can do at most; its price is in the rows at the equal load.
      layers: ['bare', 'port', ...(profile === 'standard' ? [] : gatewayLayers), ...referenceLayers],
      ratePerSecond: null,
      arrival: 'closed-window',
      messages: (ownMaximumPerSecondCap * (size.warmupMs + Math.min(size.measuredMs, 4_000))) / 1000,
      warmupMs: size.warmupMs,
      measuredMs: Math.min(size.measuredMs, 4_000),
    },
  ];
}

function timed(size: ProfileSize, ratePerSecond: number) {
  return {
    ratePerSecond,
    arrival: 'poisson',
    messages: Math.ceil((ratePerSecond * (size.warmupMs + size.measuredMs)) / 1000),
    warmupMs: size.warmupMs,
    measuredMs: size.measuredMs,
  } as const;
}
