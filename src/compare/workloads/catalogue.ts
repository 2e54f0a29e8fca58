/** The workloads by name and how large each is in every profile. */

import type { Layer, Profile, WorkloadMode } from '../report/model.ts';
import { type VariantName, variantNames } from '../systems/system-ids.ts';
import { type CoursePart, courseMessages, courseMs } from './course.ts';
import type { LadderSpec } from './ladder.ts';
import type { Plan, SizeShare } from './plan.ts';
import { type ReaderSpec, useWorkloads } from './uses.ts';

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
  /** At least so long; with `warmupMaxMs` longer until the run is steady, and never longer than that. */
  readonly warmupMs: number;
  readonly warmupMaxMs?: number;
  readonly measuredMs: number;
  readonly publishWindow: number;
  readonly credit: number;
  readonly ackBatch: number;
  /** In mode `sustainable-rate`: the rates that are tried; `warmupMs` and `measuredMs` are those of a step. */
  readonly ladder?: LadderSpec;
  /** Phases of the measured window, with consumers away in some. */
  readonly course?: readonly CoursePart[];
  /** How long after the window an answer still counts as one in time; 50 ms by default. */
  readonly onTimeGraceMs?: number;
  /** Never more repeats than these, whatever the profile has. */
  readonly repeatsMax?: number;
  /** The same for rest and grpc, and for reference rows. */
  readonly gatewayRepeatsMax?: number;
  readonly referenceRepeatsMax?: number;
  /** Also by these settings, on the layer bare, where their systems are run. */
  readonly variants?: readonly VariantName[];
  /** The same for them. */
  readonly variantRepeatsMax?: number;
  /** A mix of sizes, of which `messageBytes` is the mean. */
  readonly sizes?: readonly SizeShare[];
  /** Who reads, one for each subscription and then those that replay; without it all subscriptions are alike. */
  readonly readers?: readonly ReaderSpec[];
}

interface ProfileSize {
  readonly warmupMs: number;
  /** Where time is short, the warm-up is what it is, and the row says whether it was enough. */
  readonly warmupMaxMs: number;
  readonly measuredMs: number;
  readonly repeats: number;
  readonly primaryRepeats: number;
  readonly replayMessages: number;
  readonly bareEverywhere: boolean;
  readonly sustainable: SustainableSize;
}

interface SustainableSize {
  readonly ladder: LadderSpec;
  readonly warmupMs: number;
  readonly measuredMs: number;
  readonly repeatsMax: number;
  readonly layers: readonly Layer[];
  readonly has100b: boolean;
}

/** As reference comparisons have it: a p99 that a person who waits does not notice. */
const sustainableP99MsMax = 100;

const ladders: Readonly<Record<Profile, SustainableSize>> = {
  // Asked for by name only, to see that it works.
  smoke: {
    ladder: {
      startPerSecond: 1_000,
      mostPerSecond: 64_000,
      rungsPerDoubling: 2,
      p99MsMax: sustainableP99MsMax,
      triesPerRung: 2,
      stepsMax: 12,
      searchMsMax: 10_000,
      confirmMs: 500,
    },
    warmupMs: 100,
    measuredMs: 300,
    repeatsMax: 1,
    layers: ['bare', 'port'],
    has100b: false,
  },
  // About twenty seconds for each system, once: half an hour has no room for more.
  standard: {
    ladder: {
      startPerSecond: 2_000,
      mostPerSecond: 128_000,
      rungsPerDoubling: 8,
      p99MsMax: sustainableP99MsMax,
      triesPerRung: 2,
      stepsMax: 14,
      searchMsMax: 20_000,
      confirmMs: 2_000,
    },
    warmupMs: 250,
    measuredMs: 750,
    repeatsMax: 1,
    layers: ['bare'],
    has100b: false,
  },
  full: {
    ladder: {
      startPerSecond: 1_000,
      mostPerSecond: 128_000,
      rungsPerDoubling: 16,
      p99MsMax: sustainableP99MsMax,
      triesPerRung: 2,
      stepsMax: 30,
      searchMsMax: 120_000,
      confirmMs: 6_000,
    },
    warmupMs: 500,
    measuredMs: 1_500,
    repeatsMax: 3,
    layers: ['bare'],
    has100b: true,
  },
};

const sizes: Readonly<Record<Profile, ProfileSize>> = {
  smoke: {
    warmupMs: 250,
    warmupMaxMs: 250,
    measuredMs: 1_000,
    repeats: 1,
    primaryRepeats: 1,
    replayMessages: 5_000,
    bareEverywhere: false,
    sustainable: ladders.smoke,
  },
  // Ten thousand samples at the equal load are the fewest that say anything about the slowest of a thousand.
  standard: {
    warmupMs: 1_000,
    warmupMaxMs: 1_000,
    measuredMs: 2_000,
    repeats: 5,
    primaryRepeats: 10,
    replayMessages: 15_000,
    bareEverywhere: false,
    sustainable: ladders.standard,
  },
  // An evening: three times as long as a cell of standard, on all layers, on fresh data. Longer cells of fewer repeats would say more of one
  // run and less of the next one.
  full: {
    warmupMs: 2_000,
    warmupMaxMs: 3_000,
    measuredMs: 6_000,
    repeats: 5,
    primaryRepeats: 10,
    replayMessages: 75_000,
    bareEverywhere: true,
    sustainable: ladders.full,
  },
};

/** What smoke leaves out to end in a minute. */
const smokeCells: readonly { readonly id: string; readonly mode: WorkloadMode }[] = [
  { id: 'throughput-1k', mode: 'equal-load' },
  { id: 'throughput-1k', mode: 'own-maximum' },
];

/** A rate that every system of the range carries on two cores, so that latencies stand side by side. */
const equalLoadPerSecond = 5_000;
/** A burst of four times as much is more than some systems take: then it shows how they come back. */
const coursePerSecond = 2_500;
const burstFactor = 4;
/** Of rows that decide nothing between systems, but show what a gateway costs and what another client does: the time goes to the others. */
const besideRepeatsMax = 3;
/** Of the workloads that no primary comparison is about. */
const secondaryRepeats = 3;
const replayRepeatsMax = 3;
/** Four copies of each message leave the broker: a quarter of the rate keeps the delivered load the same. */
const fanOutPerSecond = 1_250;
/** Above what any client here reaches: the plan must not end before the window does. */
const ownMaximumPerSecondCap = 250_000;

/** Of the loads that make a broker warm. Shorter ones are half clean-up; longer ones see less of the way. */
const warmUpOftenMs = 1_500;
const warmUpBurstMs = 1_500;

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

/** Of the cells of the primary comparisons. */
export function primaryRepeatsOf(profile: Profile): number {
  return sizes[profile].primaryRepeats;
}

/**
 * In the order in which the report shows them; every cell carries the layers it is run on. `all`: with the workloads that
 * the profile leaves out by default, in its size.
 */
export function workloadsOf(profile: Profile, which: 'default' | 'all' = 'default'): readonly WorkloadSpec[] {
  const size = sizes[profile];
  const other: readonly Layer[] = size.bareEverywhere ? ['bare', 'port'] : ['port'];
  const secondary = profile === 'smoke' ? {} : { repeatsMax: secondaryRepeats };
  // A second reading has little spread, and half of its cells are spent on writing what is read.
  const ofReplay = profile === 'smoke' ? {} : { repeatsMax: replayRepeatsMax };
  const all: readonly WorkloadSpec[] = [
    ...throughput('throughput-1k', '1 KiB messages', 1024, size, profile, ['rest', 'grpc'], ['reference']).map(
      (spec) => ({
        ...spec,
        ...variantsOf(profile, which),
      }),
    ),
    ...throughput('throughput-100b', '100 B messages', 100, size, profile).map((spec) => ({ ...spec, ...secondary })),
    {
      ...common,
      ...timed(size, fanOutPerSecond),
      ...secondary,
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
      ...secondary,
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
      ...ofReplay,
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
    sustainable('sustainable-1k', 'The highest rate of 1 KiB messages that can go on for ever', 1024, size),
    ...(size.sustainable.has100b || which === 'all'
      ? [sustainable('sustainable-100b', 'The highest rate of 100 B messages that can go on for ever', 100, size)]
      : []),
    ...(profile === 'full' || which === 'all' ? [course(size)] : []),
    ...useWorkloads(profile, common),
  ];
  return profile === 'smoke' && which === 'default'
    ? all.filter((spec) => smokeCells.some((cell) => cell.id === spec.id && cell.mode === spec.mode))
    : all;
}

const warmUpLoad = {
  ...common,
  id: 'warm-up',
  title: 'Load for a broker that has just started (1 KiB)',
  kind: 'flow',
  layers: ['bare', 'port', 'rest', 'grpc', 'reference'],
  messageBytes: 1024,
  warmupMs: 0,
} as const;

/** What makes a broker warm: many small requests, and as much as goes. */
export const warmUpLoads = {
  often: {
    ...warmUpLoad,
    mode: 'equal-load',
    ratePerSecond: equalLoadPerSecond,
    arrival: 'poisson',
    messages: (equalLoadPerSecond * warmUpOftenMs) / 1000,
    measuredMs: warmUpOftenMs,
  },
  burst: {
    ...warmUpLoad,
    mode: 'own-maximum',
    ratePerSecond: null,
    arrival: 'closed-window',
    messages: (ownMaximumPerSecondCap * warmUpBurstMs) / 1000,
    measuredMs: warmUpBurstMs,
  },
} as const satisfies Readonly<Record<string, WorkloadSpec>>;

/** Half an hour has room for the tier that has no other system of its promise; tuned settings are for `full`, and for who asks. */
function variantsOf(profile: Profile, which: 'default' | 'all'): Pick<WorkloadSpec, 'variants' | 'variantRepeatsMax'> {
  if (profile === 'smoke') return {};
  if (profile === 'full') return { variants: variantNames, variantRepeatsMax: secondaryRepeats };
  return which === 'all'
    ? { variants: variantNames }
    : { variants: ['kafka-fsync'], variantRepeatsMax: secondaryRepeats };
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
      layers: [...equalLoadLayers(id, profile), ...gatewayLayers, ...referenceLayers],
      ...besideRepeats(profile),
    },
    {
      ...shared,
      title: `${title}, as many as each can`,
      mode: 'own-maximum',
      // Half an hour has no room for what a gateway can do at most; its price is in the rows at the equal load.
      layers: ['bare', 'port', ...(profile === 'standard' ? [] : gatewayLayers), ...referenceLayers],
      ...besideRepeats(profile),
      ratePerSecond: null,
      arrival: 'closed-window',
      messages: (ownMaximumPerSecondCap * (size.warmupMaxMs + Math.min(size.measuredMs, 4_000))) / 1000,
      warmupMs: size.warmupMs,
      ...longerWarmup(size),
      measuredMs: Math.min(size.measuredMs, 4_000),
    },
  ];
}

function besideRepeats(profile: Profile): Pick<WorkloadSpec, 'gatewayRepeatsMax' | 'referenceRepeatsMax'> {
  if (profile === 'smoke') return {};
  return {
    gatewayRepeatsMax: besideRepeatsMax,
    ...(profile === 'full' ? { referenceRepeatsMax: besideRepeatsMax } : {}),
  };
}

function sustainable(id: string, title: string, messageBytes: number, { sustainable: own }: ProfileSize): WorkloadSpec {
  const { ladder, warmupMs, measuredMs, repeatsMax, layers } = own;
  return {
    ...common,
    id,
    title,
    kind: 'flow',
    mode: 'sustainable-rate',
    layers,
    messageBytes,
    // Of every step its own.
    ratePerSecond: null,
    arrival: 'poisson',
    messages: 0,
    warmupMs,
    measuredMs,
    ladder,
    repeatsMax,
  };
}

/** A minute has room for one layer; half an hour for the price of the port at this load with one size of message. */
function equalLoadLayers(id: string, profile: Profile): readonly Layer[] {
  if (profile === 'smoke') return ['port'];
  return profile === 'standard' && id !== 'throughput-1k' ? ['bare'] : ['bare', 'port'];
}

/** What the others carry one after the other: an even load, a burst, consumers that are away and come back, nothing at all. */
function course({ warmupMs, measuredMs }: ProfileSize): WorkloadSpec {
  const unitMs = measuredMs / 4;
  const parts: readonly CoursePart[] = [
    { phase: 'steady', ms: 2 * unitMs, rateFactor: 1 },
    { phase: 'burst', ms: unitMs, rateFactor: burstFactor },
    { phase: 'steady', ms: 2 * unitMs, rateFactor: 1 },
    { phase: 'backlog', ms: unitMs, rateFactor: 1 },
    { phase: 'drain', ms: 2 * unitMs, rateFactor: 1 },
    { phase: 'idle', ms: unitMs, rateFactor: 0 },
  ];
  return {
    ...common,
    id: 'phases',
    title: 'Steady, burst, backlog, drain and idle in one course (1 KiB)',
    kind: 'flow',
    mode: 'equal-load',
    layers: ['bare'],
    messageBytes: 1024,
    ratePerSecond: coursePerSecond,
    arrival: 'poisson',
    messages: courseMessages({ warmupMs, ratePerSecond: coursePerSecond, parts }),
    warmupMs,
    measuredMs: courseMs(parts),
    // An answer that comes late in a burst is in the latencies; here it is not what decides.
    onTimeGraceMs: unitMs,
    course: parts,
    repeatsMax: 3,
  };
}

/** Nothing where the warm-up may not become longer. */
function longerWarmup({ warmupMs, warmupMaxMs }: ProfileSize): Pick<WorkloadSpec, 'warmupMaxMs'> {
  return warmupMaxMs > warmupMs ? { warmupMaxMs } : {};
}

function timed(size: ProfileSize, ratePerSecond: number) {
  return {
    ratePerSecond,
    arrival: 'poisson',
    messages: Math.ceil((ratePerSecond * (size.warmupMaxMs + size.measuredMs)) / 1000),
    warmupMs: size.warmupMs,
    ...longerWarmup(size),
    measuredMs: size.measuredMs,
  } as const;
}
