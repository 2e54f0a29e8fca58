/**
 * What the mapping looks like on the broker: names and arguments, pure.
 *
 *   PREFIX.t.TOPIC        exchange, direct: routing key = partition number
 *   PREFIX.t.TOPIC.P      stream of partition P (queueType stream)
 *   PREFIX.s.SUB.P        queue of an ordered subscription, one for each partition, single active consumer
 *   PREFIX.s.SUB.all      queue of an unordered subscription, bound to every partition
 *   PREFIX.p.SUB.all      empty, auto-deleted: every process with an ordered subscription open has a consumer on it, to be counted
 *   PREFIX.c.SUB.P        cursor and lease of a subscription on a stream (see cursor-lease.ts)
 *   PREFIX.k.SUB.P        copy of the newest cursor, to be read by anyone
 *   PREFIX.d.TOPIC.N      queue of messages that wait, and its exchange: one for each step of delay (see delay-queues.ts)
 *   PREFIX.meta           stream of definitions
 *
 * The part after the last dot is always a number or `all`, so no two names of different things are equal.
 */

import { createHash } from 'node:crypto';
import type { SubscriptionDefinition, TopicDefinition } from '../port.ts';
import { bounds } from './bounds.ts';
import type { BrokerVersion } from './version.ts';

export type QueueArguments = Readonly<Record<string, string | number | boolean>>;

/** Routing key of messages that RabbitMQ itself dead-letters: dead-letter topics have one partition. */
const DEAD_LETTER_PARTITION = '0';
const SEGMENT_BYTES_MAX = 500_000_000;
const SEGMENT_BYTES_MIN = 64 * 1024;
/** Retention works on whole segments: this many fit into what is to be kept. */
const SEGMENTS_KEPT = 4;
/** A message that RabbitMQ counts out although the port did not: only after far more failures than the port allows. */
const DELIVERY_LIMIT_FACTOR = 10;
const DELIVERY_LIMIT_MARGIN = 100;

export const SEGMENT_BYTES_OPTION = 'x-stream-max-segment-size-bytes';

export class Topology {
  readonly #prefix: string;
  readonly #version: BrokerVersion;

  constructor(prefix: string, version: BrokerVersion) {
    this.#prefix = prefix;
    this.#version = version;
  }

  get metaStream(): string {
    return `${this.#prefix}.meta`;
  }

  exchange(topic: string): string {
    return short(`${this.#prefix}.t.${topic}`);
  }

  stream(topic: string, partition: number): string {
    return short(`${this.#prefix}.t.${topic}.${partition}`);
  }

  routingKey(_topic: string, partition: number): string {
    return String(partition);
  }

  /** Anything but a partition of the topic for a key that no message of ours has. */
  partitionOf(_topic: string, routingKey: string): number {
    return Number(routingKey);
  }

  presenceQueue(subscription: string): string | undefined {
    return short(`${this.#prefix}.p.${subscription}.all`);
  }

  cursorQueue(subscription: string, partition: number): string {
    return short(`${this.#prefix}.c.${subscription}.${partition}`);
  }

  cursorCopy(subscription: string, partition: number): string {
    return short(`${this.#prefix}.k.${subscription}.${partition}`);
  }

  delayQueue(topic: string, step: number): string {
    return short(`${this.#prefix}.d.${topic}.${step}`);
  }

  /** Quorum, whatever the topic is: only there dead-lettering is confirmed. @param delayMs the longest of its messages. */
  delayQueueArguments(topic: TopicDefinition, delayMs: number): QueueArguments {
    return {
      'x-queue-type': 'quorum',
      'x-quorum-initial-group-size': topic.replicas ?? 1,
      'x-dead-letter-exchange': this.exchange(topic.name),
      'x-dead-letter-strategy': 'at-least-once',
      'x-overflow': 'reject-publish',
      'x-expires': delayMs + bounds.delayQueueIdleMs,
    };
  }

  /** The queues of a subscription on a queue topic, each with the partitions that it is bound to. */
  subscriptionQueues(
    subscription: SubscriptionDefinition,
    topic: TopicDefinition,
  ): { name: string; partitions: number[] }[] {
    const partitions = Array.from({ length: topic.partitions }, (_, partition) => partition);
    if (subscription.ordering === 'none') {
      return [{ name: short(`${this.#prefix}.s.${subscription.name}.all`), partitions }];
    }
    return partitions.map((partition) => ({
      name: short(`${this.#prefix}.s.${subscription.name}.${partition}`),
      partitions: [partition],
    }));
  }

  queueArguments(subscription: SubscriptionDefinition, topic: TopicDefinition): QueueArguments {
    return {
      'x-queue-type': topic.queueType ?? 'quorum',
      ...(subscription.ordering === 'none' ? {} : { 'x-single-active-consumer': true }),
      ...(topic.queueType === 'classic' ? {} : this.#quorumArguments(subscription, topic)),
      ...(subscription.deadLetterTopic === null
        ? {}
        : {
            'x-dead-letter-exchange': this.exchange(subscription.deadLetterTopic),
            'x-dead-letter-routing-key': DEAD_LETTER_PARTITION,
          }),
    };
  }

  #quorumArguments(subscription: SubscriptionDefinition, topic: TopicDefinition): QueueArguments {
    return {
      'x-quorum-initial-group-size': topic.replicas ?? 1,
      ...this.#deliveryLimit(subscription),
      // Dead-lettering at least once is only legal with this overflow; no length is limited, so nothing overflows.
      ...(subscription.deadLetterTopic === null
        ? {}
        : { 'x-dead-letter-strategy': 'at-least-once', 'x-overflow': 'reject-publish' }),
      ...this.#consumerTimeouts(),
    };
  }

  #consumerTimeouts(): QueueArguments {
    return {
      ...(this.#version.atLeast(3, 12) ? { 'x-consumer-timeout': bounds.consumerTimeoutMs } : {}),
      ...(this.#version.atLeast(4, 3) ? { 'x-consumer-disconnected-timeout': bounds.consumerDisconnectedMs } : {}),
    };
  }

  /**
   * The broker's own default is 20 from 4.0 on, which would drop messages that the subscription still wants tried, also from a queue that was
   * declared before the upgrade. So a number is given on every version, and -1, which the old ones do not know, on none.
   */
  #deliveryLimit({ onExhausted, retry }: SubscriptionDefinition): QueueArguments {
    if (onExhausted !== 'block') {
      return { 'x-delivery-limit': retry.maxAttempts * DELIVERY_LIMIT_FACTOR + DELIVERY_LIMIT_MARGIN };
    }
    return { 'x-delivery-limit': UNLIMITED };
  }

  streamArguments(topic: TopicDefinition): QueueArguments {
    const { ms, bytes } = topic.retention;
    const segmentBytes = topic.options[SEGMENT_BYTES_OPTION] ?? (bytes === null ? undefined : segmentBytesFor(bytes));
    return {
      'x-queue-type': 'stream',
      'x-initial-cluster-size': topic.replicas ?? 1,
      ...(ms === null ? {} : { 'x-max-age': `${Math.max(1, Math.ceil(ms / 1_000))}s` }),
      ...(bytes === null ? {} : { 'x-max-length-bytes': bytes }),
      ...(segmentBytes === undefined ? {} : { [SEGMENT_BYTES_OPTION]: segmentBytes }),
    };
  }

  /** No retention: definitions are few and small, and nothing of them may be lost. */
  metaArguments(replicas: number): QueueArguments {
    return { 'x-queue-type': 'stream', 'x-initial-cluster-size': replicas };
  }

  /** Single active consumer: whoever consumes from it holds the lease of the partition. */
  cursorQueueArguments(topic: TopicDefinition): QueueArguments {
    return {
      'x-queue-type': 'quorum',
      'x-single-active-consumer': true,
      'x-max-length': bounds.cursorQueueLength,
      'x-quorum-initial-group-size': topic.replicas ?? 1,
      'x-delivery-limit': UNLIMITED,
      ...this.#consumerTimeouts(),
    };
  }

  cursorCopyArguments(topic: TopicDefinition): QueueArguments {
    return {
      'x-queue-type': 'quorum',
      'x-max-length': 1,
      'x-quorum-initial-group-size': topic.replicas ?? 1,
      'x-delivery-limit': UNLIMITED,
    };
  }
}

/** Nothing is tried so often: the largest that fits where 31 bits are kept. */
const UNLIMITED = 2 ** 31 - 1;

function segmentBytesFor(retentionBytes: number): number {
  return Math.min(SEGMENT_BYTES_MAX, Math.max(SEGMENT_BYTES_MIN, Math.ceil(retentionBytes / SEGMENTS_KEPT)));
}

/** AMQP names end at 255 bytes; longer ones keep their head and get a hash. "~" is in no name of ours, so none collides. */
function short(name: string): string {
  if (name.length <= bounds.nameBytesMax) return name;
  return `${name.slice(0, 200)}~${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;
}
