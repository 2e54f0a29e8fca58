/**
 * Nobody has to trust us: what our instrument measures, and what independent tools measure of the same broker by the same client at
 * the same settings, side by side. Ours is the instrument of the reference rows (a Java program that keeps a log, and the books of
 * every other row over it); a tool shares nothing with it but the client library.
 *
 * Turns are taken, ours and theirs, so that what drifts on the machine meets both. Nothing is hidden: what lies outside of the bound
 * is said to, with what is known of the reason.
 */

import { brokersOf, openWire, type SystemsContext } from '../systems/systems.ts';
import { NoReference, openReferenceWire, type ReferenceTarget } from '../reference/index.ts';
import type { AgreementRow, Profile, WorkloadRow } from '../report/model.ts';
import { runWorkload } from '../load/workload-run.ts';
import { spreadOf } from '../statistics/index.ts';
import type { ReferenceName } from '../systems/system-ids.ts';
import type { Wire } from '../systems/wire.ts';
import { planFromSpec, type WorkloadSpec } from '../workloads/index.ts';
import { amqpLoop, endToEndLatency, producerPerformance } from './tools.ts';

/** Ours by theirs must lie between 1 / 1.15 and 1.15. */
const agreementMax = 0.15;

export interface AgreementOptions {
  readonly context: SystemsContext;
  readonly profile: Profile;
  /** Prefix of every name that is made. */
  readonly prefix: string;
  readonly seed: number;
  readonly onProgress: (line: string) => void;
  readonly signal?: AbortSignal;
}

export interface AgreementResult {
  readonly rows: readonly AgreementRow[];
  /** What could not be checked, and why. */
  readonly reasons: readonly { readonly id: string; readonly reason: string }[];
}

interface Sizes {
  readonly turns: number;
  readonly warmupMs: number;
  readonly measuredMs: number;
  /** Of ProducerPerformance at its maximum; twice as many before are its warm-up. */
  readonly kafkaMessages: number;
  readonly oneByOne: number;
}

const sizes: Readonly<Record<Profile, Sizes>> = {
  smoke: { turns: 1, warmupMs: 1_000, measuredMs: 1_500, kafkaMessages: 50_000, oneByOne: 1_000 },
  standard: { turns: 3, warmupMs: 2_000, measuredMs: 3_000, kafkaMessages: 150_000, oneByOne: 3_000 },
  full: { turns: 5, warmupMs: 4_000, measuredMs: 10_000, kafkaMessages: 1_000_000, oneByOne: 10_000 },
};

const messageBytes = 1024;
const partitions = 4;
const equalRate = 2_000;
const kafkaWindow = 4_000;
const rabbitWindow = 1_000;
const prefetch = 1_000;
const ackBatch = 100;

/** About how long the check takes. */
export function agreementMs(profile: Profile): number {
  const { turns, warmupMs, measuredMs } = sizes[profile];
  return pairs.length * turns * 2 * (processMs + warmupMs + measuredMs);
}

/** Start, warm-up and end of a Java process. */
const processMs = 6_000;

/** Resolves with a row for each pair; never rejects for what a tool or a broker did. */
export async function checkAgreement(options: AgreementOptions): Promise<AgreementResult> {
  const rows: AgreementRow[] = [];
  const reasons: { id: string; reason: string }[] = [];
  for (const pair of pairs) {
    options.signal?.throwIfAborted();
    try {
      rows.push(await checkPair(pair, options));
    } catch (reason) {
      reasons.push({ id: `agreement ${pair.id}`, reason: reason instanceof Error ? reason.message : String(reason) });
      options.onProgress(`agreement ${pair.id}: not measured, ${reasons.at(-1)?.reason}`);
    }
  }
  return { rows, reasons };
}

async function checkPair(pair: Pair, options: AgreementOptions): Promise<AgreementRow> {
  const { profile, seed, onProgress } = options;
  const size = sizes[profile];
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let turn = 0; turn < size.turns; turn++) {
    options.signal?.throwIfAborted();
    const prefix = `${options.prefix}-agree-${pair.id}-${turn}`;
    const both = [
      async () => void ours.push(await measureOurs(pair, options, size, prefix)),
      async () => void theirs.push(await measureTheirs(pair, options, size, prefix)),
    ];
    // Each goes first in every other turn.
    for (const measure of turn % 2 === 0 ? both : both.toReversed()) await measure();
  }
  const row = rowOf(pair, spreadOf(ours, seed), spreadOf(theirs, seed));
  onProgress(
    `agreement ${pair.id}: ours ${row.ours.median}, theirs ${row.theirs.median} ${pair.unit}, ratio ${row.ratio}`,
  );
  return row;
}

function rowOf(pair: Pair, ours: AgreementRow['ours'], theirs: AgreementRow['theirs']): AgreementRow {
  const ratio = ours.median / theirs.median;
  return {
    id: pair.id,
    system: pair.name,
    figure: pair.figure,
    unit: pair.unit,
    settings: pair.settings,
    tool: pair.tool,
    ours,
    theirs,
    ratio: Math.round(ratio * 1000) / 1000,
    bound: agreementMax,
    agrees: isAgreement(ratio),
    differs: pair.differs,
  };
}

/** Ours by theirs: as much above as below. Pure. */
export function isAgreement(ratio: number): boolean {
  return ratio <= 1 + agreementMax && ratio >= 1 / (1 + agreementMax);
}

interface Place {
  readonly brokers: readonly string[];
  readonly url: string;
  /** Ends the tool. */
  readonly signal: AbortSignal | undefined;
}

interface Pair {
  readonly id: string;
  readonly name: ReferenceName;
  readonly figure: string;
  readonly unit: string;
  readonly settings: string;
  readonly tool: string;
  /** What is not equal all the same: where the two disagree, the first place to look. */
  readonly differs: string;
  readonly driving?: ReferenceTarget['driving'];
  readonly clientOptions?: ReferenceTarget['clientOptions'];
  readonly spec: (size: Sizes) => Partial<WorkloadSpec>;
  readonly read: (row: WorkloadRow) => number;
  readonly theirs: (place: Place, size: Sizes, prefix: string) => Promise<number>;
}

/** Ours has warmed up on a topic of its own before its own warm-up begins: so long. */
const extraWarmupMs = 3_000;

const kafkaProducer = { acks: 'all', 'linger.ms': 5, 'batch.size': 16_384 } as const;

const pairs: readonly Pair[] = [
  {
    id: 'kafka-producer-maximum',
    name: 'kafka-java',
    figure: 'publish rate, as many as it can',
    unit: 'messages/s',
    settings: `1 KiB, no key, ${partitions} partitions, acks=all, linger 5 ms, batches of 16 KiB, at most 4 MB unanswered, nobody reads`,
    tool: 'ProducerPerformance of Kafka 4.3, its steady state',
    differs:
      'the bound of what is unanswered is 4,000 messages in ours and a buffer of 4 MB in theirs, which also holds what is not sent yet; theirs sends the same bytes again and again, ours makes and checks each',
    spec: () => ({ subscriptions: 0, publishWindow: kafkaWindow }),
    read: (row) => row.publish.messagesPerSecond,
    theirs: async ({ brokers, signal }, size, topic) =>
      (
        await producerPerformance({
          brokers,
          signal,
          topic,
          messageBytes,
          ratePerSecond: null,
          messages: size.kafkaMessages * 3,
          warmupMessages: size.kafkaMessages * 2,
          properties: { ...kafkaProducer, 'buffer.memory': kafkaWindow * messageBytes },
        })
      ).messagesPerSecond,
  },
  {
    id: 'kafka-producer-latency',
    name: 'kafka-java',
    figure: `mean time from send to answer at ${equalRate} messages/s`,
    unit: 'ms',
    settings: `1 KiB, no key, ${partitions} partitions, acks=all, linger 5 ms, batches of 16 KiB, nobody reads`,
    tool: 'ProducerPerformance of Kafka 4.3, its steady state',
    differs:
      'both count from the moment of the sending, as the tool knows no other; theirs throttles in bursts, after each of which it sleeps, ours has a time for each message; a mean has every pause of the machine in it',
    driving: { countsFromSend: true },
    spec: () => ({ subscriptions: 0, publishWindow: kafkaWindow, ratePerSecond: equalRate, arrival: 'uniform' }),
    read: (row) => row.latencyMs.publish.mean,
    theirs: async ({ brokers, signal }, size, topic) =>
      (
        await producerPerformance({
          brokers,
          signal,
          topic,
          messageBytes,
          ratePerSecond: equalRate,
          messages: (equalRate * (size.warmupMs + extraWarmupMs + size.measuredMs)) / 1000,
          warmupMessages: (equalRate * (size.warmupMs + extraWarmupMs)) / 1000,
          properties: kafkaProducer,
        })
      ).latencyMs,
  },
  {
    id: 'kafka-end-to-end',
    name: 'kafka-java',
    figure: 'mean time from send to reception, one message at a time',
    unit: 'ms',
    settings:
      '1 KiB, one partition, acks=all, linger 0, the next is sent when the one before was received; from a cold start',
    tool: 'EndToEndLatency of Kafka 4.3',
    differs:
      'neither warms up: the first hundred messages, which are the compilation of the client, are in both means; ours has sent 64 probes before',
    driving: { isCold: true, backlogMax: 0 },
    clientOptions: { 'producer.linger.ms': '0', commits: 'never' },
    spec: (size) => ({
      partitions: 1,
      publishWindow: 1,
      warmupMs: 0,
      measuredMs: 0,
      messages: size.oneByOne,
    }),
    read: (row) => row.latencyMs.endToEnd.mean,
    theirs: async ({ brokers, signal }, size, topic) =>
      await endToEndLatency({ brokers, signal, topic, messageBytes, messages: size.oneByOne }),
  },
  ...(['maximum', 'latency'] as const).map((kind): Pair => {
    const ratePerSecond = kind === 'maximum' ? null : equalRate;
    return {
      id: `rabbitmq-quorum-${kind}`,
      name: 'rabbitmq-quorum-java',
      figure:
        kind === 'maximum'
          ? 'rate of reception, as many as it can'
          : `median time from send to reception at ${equalRate} messages/s`,
      unit: kind === 'maximum' ? 'messages/s' : 'ms',
      settings: `1 KiB, one quorum queue, persistent, confirms, at most ${rabbitWindow.toLocaleString('en')} unconfirmed, prefetch ${prefetch.toLocaleString('en')}, acks of ${ackBatch} at once`,
      tool: "a loop of its own on RabbitMQ's Java client",
      differs:
        'ours publishes to a fanout exchange that is bound to the queue, theirs to the default exchange; a started batch of acks goes after 10 ms in ours and when it is full in theirs',
      driving: { countsFromSend: true },
      spec: () => ({
        publishWindow: rabbitWindow,
        ...(ratePerSecond === null ? {} : { ratePerSecond, arrival: 'uniform' as const }),
      }),
      read: (row) => (kind === 'maximum' ? row.consume.messagesPerSecond : row.latencyMs.endToEnd.p50),
      async theirs({ url, signal }, size, queue) {
        const loop = await amqpLoop({
          url,
          signal,
          queueType: 'quorum',
          queue,
          messageBytes,
          window: rabbitWindow,
          prefetch,
          ackBatch,
          ratePerSecond,
          warmupMs: size.warmupMs + extraWarmupMs,
          measuredMs: size.measuredMs,
        });
        return kind === 'maximum' ? loop.messagesPerSecond : loop.endToEndMs;
      },
    };
  }),
];

// ------------------------------------------------------------------------------------------------ ours and theirs

/** In a process of its own each time, as each run of a tool is one. */
async function measureOurs(pair: Pair, options: AgreementOptions, size: Sizes, prefix: string): Promise<number> {
  const wire = await openReferenceWire(pair.name, {
    ...targetOf(options.context, pair.name),
    ...(pair.driving === undefined ? {} : { driving: pair.driving }),
    ...(pair.clientOptions === undefined ? {} : { clientOptions: pair.clientOptions }),
  });
  try {
    return pair.read(await rowOfOurs(wire, pair, options, size, `${prefix}-ours`));
  } finally {
    await wire.close();
  }
}

async function rowOfOurs(
  wire: Wire,
  pair: Pair,
  { seed }: AgreementOptions,
  size: Sizes,
  prefix: string,
): Promise<WorkloadRow> {
  const asked = pair.spec(size);
  const ratePerSecond = asked.ratePerSecond ?? null;
  const seconds = (size.warmupMs + size.measuredMs) / 1000;
  const spec: WorkloadSpec = {
    id: pair.id,
    title: pair.figure,
    kind: 'flow',
    mode: ratePerSecond === null ? 'own-maximum' : 'equal-load',
    layers: ['reference'],
    messageBytes,
    ratePerSecond,
    arrival: 'closed-window',
    messages: Math.ceil((ratePerSecond ?? ownMaximumPerSecondCap) * seconds),
    partitions,
    subscriptions: 1,
    consumersPerSubscription: 1,
    ordering: 'none',
    keys: 0,
    keyDistribution: 'none',
    warmupMs: size.warmupMs,
    measuredMs: size.measuredMs,
    publishWindow: kafkaWindow,
    credit: prefetch,
    ackBatch,
    ...asked,
  };
  const plan = planFromSpec({ ...spec, seed });
  const row = await runWorkload({ wire, spec, plan, repeat: 0, prefix, pids: [], generatorCeiling: null });
  // Where nobody reads, nothing is received, and that is no fault.
  if (!row.valid && !(spec.subscriptions === 0 && row.checks.acked === row.checks.sent && row.checks.acked > 0))
    throw new Error(`our own run was invalid: ${row.invalidBecause}`);
  return row;
}

const ownMaximumPerSecondCap = 250_000;

/** Kafka's tools use a topic that is there; the loop makes its queue itself. */
async function measureTheirs(pair: Pair, options: AgreementOptions, size: Sizes, prefix: string): Promise<number> {
  const { context } = options;
  const place = { ...placeOf(context, pair.name), signal: options.signal };
  if (pair.name !== 'kafka-java') return await pair.theirs(place, size, prefix);
  const wire = await openWire(context, 'kafka', 'bare');
  try {
    await wire.createTopic(prefix, { partitions: pair.spec(size).partitions ?? partitions });
    return await pair.theirs(place, size, prefix);
  } finally {
    await wire.deleteTopic(prefix).catch(() => undefined);
    await wire.close();
  }
}

function targetOf(context: SystemsContext, name: ReferenceName): ReferenceTarget {
  const own = brokersOf(context, name);
  return { rabbitmq: own?.rabbitmq ?? null, kafka: own?.kafka ?? null };
}

function placeOf(context: SystemsContext, name: ReferenceName): Omit<Place, 'signal'> {
  const { rabbitmq, kafka } = targetOf(context, name);
  if (rabbitmq === null && kafka === null) throw new NoReference('no broker');
  return { brokers: kafka?.brokers ?? [], url: rabbitmq?.url ?? '' };
}
