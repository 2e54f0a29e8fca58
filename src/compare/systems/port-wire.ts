/** The wire over the port: one for all systems, since the port is one. */

import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Consumer,
  type Delivery,
  limits,
  type MessagingPort,
  type Position,
  type Persistence,
  PortError,
  type PublishOutcome,
} from '../../adapters/index.ts';
import type { DurabilityReached } from '../report/model.ts';
import { queueTypeOf, type SystemId } from './system-ids.ts';
import {
  type ConsumeOptions,
  type SendResult,
  type SubscriptionSpec,
  type TopicSpec,
  type Wire,
  type WireConsumer,
  type WireMessage,
  type WirePublisher,
  WireRefusal,
} from './wire.ts';

const pullWaitMs = 1_000;
/** What one pull takes at most: small enough that acks flow while the next is on its way. */
const pullMessagesMax = 500;

export interface PortWireOptions {
  readonly system: SystemId;
  readonly name: string;
  readonly port: MessagingPort;
  /** What an acked publish reaches by default; replaced by what the first outcome says. */
  readonly durability: DurabilityReached;
  readonly configuration: Readonly<Record<string, string>>;
}

export function openPortWire(options: PortWireOptions): Wire {
  const { system, port } = options;
  const queueType = queueTypeOf[system];
  let reached = options.durability;

  return {
    system,
    name: options.name,
    layer: 'port',
    product: port.info.product,
    version: port.info.version,
    capabilities: queueType === null ? port.capabilities() : port.capabilities(queueType),
    get durability() {
      return reached;
    },
    configuration: options.configuration,
    publishModes,
    async createTopic(name, spec) {
      if (spec.isRouted === true)
        throw new WireRefusal('capability_unsupported', 'a subscription of the port gets its whole topic');
      const type = queueType === null ? {} : { queueType };
      await refusing(port.createTopic({ name, partitions: spec.partitions, ...type, ...keeping(system, spec) }));
    },
    deleteTopic: (name) => refusing(port.deleteTopic(name)),
    async createSubscription(spec) {
      refuseRules(spec);
      await refusing(port.createSubscription(subscriptionOptions(spec)));
    },
    deleteSubscription: (name) => refusing(deleteWithDeadLetters(port, name)),
    async deadLettersOf(name) {
      const { deadLetterTopic } = await refusing(port.describeSubscription(name));
      if (deadLetterTopic === null) throw new WireRefusal('topic_not_found', `${name} has no dead letters`);
      const reader = `${deadLetterTopic}-reader`;
      await refusing(port.createSubscription({ name: reader, topic: deadLetterTopic, start: 'earliest' }));
      return reader;
    },
    publisher: (topic, { mode } = {}) =>
      Promise.resolve(
        portPublisher(port, topic, durabilityOf(mode), (durability) => {
          if (mode === undefined) reached = durability;
        }),
      ),
    async consume(subscription, consumeOptions) {
      const consumer = await refusing(port.subscribe(subscription, { credit: { messages: consumeOptions.credit } }));
      return pump(port, consumer, consumeOptions);
    },
    seek: (subscription: string, to: Position) => refusing(port.seek(subscription, to)),
    close: () => port.close(),
  };
}

/** For users dead letters outlive their subscription; a comparison leaves nothing behind. */
async function deleteWithDeadLetters(port: MessagingPort, name: string): Promise<void> {
  const { deadLetterTopic } = await port.describeSubscription(name);
  await port.deleteSubscription(name);
  if (deadLetterTopic !== null) await port.deleteTopic(deadLetterTopic);
}

const publishModes = ['default', 'memory', 'os', 'fsync'] as const;

function durabilityOf(mode: string | undefined): Persistence | null {
  if (mode === undefined || mode === 'default') return null;
  const known = publishModes.find((name) => name === mode);
  if (known === undefined || known === 'default')
    throw new WireRefusal('invalid_argument', `no publish mode "${mode}"`);
  return known;
}

/** What keeps and removes messages, in each backend's options: fine enough that it can be seen in seconds. */
function keeping(system: SystemId, { retention, isCompacted, isSynced, copies }: TopicSpec) {
  const options = {
    ...(retention === undefined ? {} : segmentOptions(system, retention.segmentBytes)),
    ...(isCompacted === true && system === 'kafka' ? { 'segment.ms': 50, 'min.cleanable.dirty.ratio': 0 } : {}),
    ...(isCompacted === true && system === 'log' ? { segmentBytes: compactedSegmentBytes } : {}),
    ...(isSynced === true && system === 'kafka' ? { 'flush.messages': 1 } : {}),
    ...(copies !== undefined && system === 'kafka' ? { 'min.insync.replicas': Math.floor(copies / 2) + 1 } : {}),
  };
  return {
    ...(retention === undefined ? {} : { retention: { bytes: retention.bytes } }),
    ...(isCompacted === true ? { cleanup: 'compact' as const } : {}),
    ...(copies === undefined ? {} : { replicas: copies }),
    ...(Object.keys(options).length === 0 ? {} : { options }),
  };
}

const compactedSegmentBytes = 16 * 1024;

function segmentOptions(system: SystemId, bytes: number): Record<string, number> {
  if (system === 'kafka') return { 'segment.bytes': bytes };
  return system === 'log' ? { segmentBytes: bytes } : { 'x-stream-max-segment-size-bytes': bytes };
}

/** What a queue of RabbitMQ could be told and the port does not offer, on any backend. */
function refuseRules({ rules }: SubscriptionSpec): void {
  const asked = Object.keys(rules ?? {}).filter((name) => name !== 'hasDeadLetters' && name !== 'priorityMax');
  if (asked.length > 0)
    throw new WireRefusal('capability_unsupported', `the port has no such rule of a subscription: ${asked.join(', ')}`);
}

function subscriptionOptions(spec: SubscriptionSpec) {
  return {
    name: spec.name,
    topic: spec.topic,
    start: spec.start,
    ordering: spec.ordering,
    retry: {
      minBackoffMs: 20,
      maxBackoffMs: 20,
      ...(spec.maxAttempts === undefined ? {} : { maxAttempts: spec.maxAttempts }),
    },
    ...(spec.credit === undefined ? {} : { maxInFlight: { messages: spec.credit } }),
  };
}

// ------------------------------------------------------------------------------------------------ publish

function portPublisher(
  port: MessagingPort,
  topic: string,
  durability: Persistence | null,
  note: (reached: DurabilityReached) => void,
): WirePublisher {
  const inFlight = new Set<Promise<void>>();
  return {
    publish(messages, settled) {
      for (let from = 0; from < messages.length; from += limits.messagesPerPublishMax) {
        const call = publishSlice(port, topic, messages, from, durability, settled, note);
        inFlight.add(call);
        void call.finally(() => inFlight.delete(call));
      }
    },
    async close() {
      await Promise.all(inFlight);
    },
  };
}

/** Never rejects: every message gets its fate, whatever happens to the call. */
async function publishSlice(
  port: MessagingPort,
  topic: string,
  messages: readonly WireMessage[],
  from: number,
  durability: Persistence | null,
  settled: (index: number, result: SendResult) => void,
  note: (reached: DurabilityReached) => void,
): Promise<void> {
  const slice = messages.slice(from, from + limits.messagesPerPublishMax);
  try {
    const outcomes = await port.publish(topic, slice.map(toPublish), durability === null ? {} : { durability });
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.kind === 'stored') note(outcome.durability);
      settled(from + index, resultOf(outcome));
    }
  } catch (reason) {
    // The port rejects only when nothing was tried.
    const { code } = PortError.from(reason);
    for (let index = 0; index < slice.length; index++) settled(from + index, { fate: 'refused', code });
  }
}

function toPublish(message: WireMessage) {
  const { key, value, headers, ttlMs, priority, delayMs } = message;
  return {
    key,
    value,
    ...(headers === undefined
      ? {}
      : { headers: Object.entries(headers).map(([name, text]) => ({ name, value: text })) }),
    ...(ttlMs === undefined ? {} : { ttlMs }),
    ...(priority === undefined ? {} : { priority }),
    ...(delayMs === undefined ? {} : { delayMs }),
  };
}

function resultOf(outcome: PublishOutcome): SendResult {
  switch (outcome.kind) {
    case 'stored':
      return { fate: 'acked' };
    case 'refused':
      return { fate: 'refused', code: outcome.error.code };
    case 'unknown':
      return { fate: 'unknown', code: outcome.error.code };
  }
}

// ------------------------------------------------------------------------------------------------ consume

function pump(port: MessagingPort, consumer: Consumer, options: ConsumeOptions): WireConsumer {
  const settling = new Set<Promise<unknown>>();
  const abort = new AbortController();
  let isClosed = false;

  const track = (work: Promise<unknown>) => {
    const guarded = work.catch((reason: unknown) => {
      if (!isClosed) options.onError(reason);
    });
    settling.add(guarded);
    void guarded.finally(() => settling.delete(guarded));
  };
  const settleOne = (kind: 'ack' | 'nack' | 'reject', token: string) =>
    track(port[kind](consumer.subscription, [token]));

  const hand = (delivery: Delivery) =>
    options.onDelivery({
      key: delivery.message.key === null ? null : delivery.message.key.toString(),
      value: delivery.message.value ?? Buffer.alloc(0),
      partition: delivery.message.partition,
      offset: delivery.message.offset,
      attempt: delivery.attempt,
      isRedelivered: delivery.attempt > 1,
      headers: () => Object.fromEntries(delivery.message.headers.map(({ name, value }) => [name, value.toString()])),
      ack: () => settleOne('ack', delivery.token),
      nack: () => settleOne('nack', delivery.token),
      reject: () => settleOne('reject', delivery.token),
    });

  const loop = async () => {
    while (!isClosed) {
      const deliveries = await consumer.pull({
        maxMessages: pullMessagesMax,
        waitMs: pullWaitMs,
        signal: abort.signal,
      });
      const tokens = deliveries.map((delivery) => delivery.token);
      if (options.settle.kind === 'before' && tokens.length > 0) await port.ack(consumer.subscription, tokens);
      for (const delivery of deliveries) {
        if (options.settle.kind === 'before') await sleep(options.settle.workMs);
        hand(delivery);
      }
      if (options.settle.kind !== 'batch') continue;
      for (let from = 0; from < tokens.length; from += options.settle.ackBatch)
        track(port.ack(consumer.subscription, tokens.slice(from, from + options.settle.ackBatch)));
    }
  };
  const running = loop().catch((reason: unknown) => {
    if (!isClosed) options.onError(reason);
  });

  let closing: Promise<void> | null = null;
  const close = async () => {
    isClosed = true;
    abort.abort();
    await running;
    await Promise.all(settling);
    await consumer.close();
  };
  return {
    close() {
      closing ??= close();
      return closing;
    },
  };
}

async function refusing<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (reason) {
    const error = PortError.from(reason);
    throw new WireRefusal(error.code, error.message, { cause: error });
  }
}
