/**
 * THE PORT: all that the gateway and the comparison know of a broker. One interface over the native log, RabbitMQ and
 * Kafka; `openPort` (open-port.ts) makes one from a driver. Every rejection is a `PortError` with a stable code.
 *
 * Contract in short. A publish outcome is `stored` only after its durability was reached; `refused` is certainly not
 * stored; `unknown` may be either. Delivery is at least once. Nothing is silently ignored: what a backend cannot do is
 * refused with `capability_unsupported`.
 */

import type { CapabilityTable } from './capabilities.ts';
import type { PortError } from './errors.ts';

// ------------------------------------------------------------------------------------------------ messages

/** Headers keep their order and may repeat. Text values are UTF-8 bytes. */
export interface Header {
  readonly name: string;
  readonly value: Buffer;
}

/** What a publisher hands in. Strings are stored as UTF-8. `null` value is a tombstone. */
export interface PublishMessage {
  readonly key?: string | Uint8Array | null;
  readonly value: string | Uint8Array | null;
  readonly headers?: readonly { readonly name: string; readonly value: string | Uint8Array }[];
  readonly contentType?: string;
  /** At most 200 characters; made by the port if absent. Where `publish.dedup` is claimed, a message that comes again with
   *  the same id to the same partition is answered with the first one's place; without key and partition the id chooses it. */
  readonly id?: string;
  /** Milliseconds since 1970; the port's clock if absent. */
  readonly timestampMs?: number;
  /** Fixed partition; else murmur2 of the key; else a sticky partition per call. */
  readonly partition?: number;
  readonly delayMs?: number;
  readonly ttlMs?: number;
  readonly priority?: number;
}

/** What a consumer or reader gets. */
export interface Message {
  readonly topic: string;
  readonly partition: number;
  /** null where the backend has no offsets. */
  readonly offset: number | null;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Without the ones that carry content type and id on logs. */
  readonly headers: readonly Header[];
  readonly contentType: string | null;
  /** null for messages of other clients that have none. */
  readonly id: string | null;
  readonly timestampMs: number;
}

// ------------------------------------------------------------------------------------------------ trace context

/** Of whoever calls, in the form of W3C: from a request that brought it. What cannot be read is as if it were not there. */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** A call made for somebody whose trace goes on here; needed where no span of the same trace is active (docs/TRACING.md). */
export interface Traced {
  readonly traceContext?: TraceContext;
}

// ------------------------------------------------------------------------------------------------ publish

export type Persistence = 'memory' | 'os' | 'fsync';

/** What was reached: on how many nodes (`copies`), and how deep (`persistence`), when the publish was answered. */
export interface Durability {
  readonly persistence: Persistence;
  readonly copies: number;
}

/** With a `traceContext`, messages that have no `traceparent` of their own get one; so too where no span is made of it. */
export interface PublishOptions extends Traced {
  /** At least this persistence, else `capability_unsupported`. Without it: the backend's default (fsync on the native log). */
  readonly durability?: Persistence;
  /** At least this many copies, else `capability_unsupported`. */
  readonly minCopies?: number;
  readonly signal?: AbortSignal;
}

export type PublishOutcome =
  | {
      readonly kind: 'stored';
      readonly id: string;
      readonly partition: number;
      readonly offset: number | null;
      readonly durability: Durability;
      /** True when the id was already stored; position is then the first one's. */
      readonly duplicate?: boolean;
    }
  | { readonly kind: 'refused'; readonly id: string; readonly error: PortError }
  | { readonly kind: 'unknown'; readonly id: string; readonly error: PortError };

// ------------------------------------------------------------------------------------------------ topics and subscriptions

export type QueueType = 'quorum' | 'classic' | 'stream';

export interface TopicOptions {
  readonly name: string;
  /** Default 1, at most `limits.partitionsPerTopicMax`. */
  readonly partitions?: number;
  readonly retention?: { readonly ms?: number; readonly bytes?: number };
  readonly cleanup?: 'delete' | 'compact';
  /** RabbitMQ only; default quorum. Refused elsewhere. */
  readonly queueType?: QueueType;
  readonly replicas?: number;
  /** Options of one backend, by their own names (Kafka topic configs such as `flush.messages`). Unknown ones are refused. */
  readonly options?: Readonly<Record<string, string | number | boolean>>;
}

/** A topic as it stands: every default filled in. */
export interface TopicDefinition {
  readonly name: string;
  readonly partitions: number;
  readonly retention: { readonly ms: number | null; readonly bytes: number | null };
  readonly cleanup: 'delete' | 'compact';
  readonly queueType: QueueType | null;
  readonly replicas: number | null;
  readonly options: Readonly<Record<string, string | number | boolean>>;
}

/** Where a new subscription starts, or where a seek goes. Offsets are by partition number. */
export type Position =
  | 'earliest'
  | 'latest'
  | { readonly timestampMs: number }
  | { readonly offsets: Readonly<Record<string, number>> };

export type Ordering = 'none' | 'key' | 'partition';

export interface SubscriptionOptions {
  readonly name: string;
  readonly topic: string;
  /** Default latest. */
  readonly start?: Position;
  /** Default none. */
  readonly ordering?: Ordering;
  /** Default 30,000. */
  readonly ackDeadlineMs?: number;
  /** Default 1,000 messages and 16 MiB, over all consumers of this process. */
  readonly maxInFlight?: { readonly messages?: number; readonly bytes?: number };
  /** Default 100 ms, doubled up to 60,000 ms, 5 attempts. */
  readonly retry?: { readonly minBackoffMs?: number; readonly maxBackoffMs?: number; readonly maxAttempts?: number };
  /** Default deadLetter. `block`: keep trying for ever. */
  readonly onExhausted?: 'deadLetter' | 'drop' | 'block';
  /** Default NAME.dead; made when it does not exist. */
  readonly deadLetterTopic?: string;
  /** Capabilities that must not be `unsupported`, else the subscription is refused. */
  readonly requires?: readonly string[];
}

export interface SubscriptionDefinition {
  readonly name: string;
  readonly topic: string;
  readonly start: Position;
  readonly ordering: Ordering;
  readonly ackDeadlineMs: number;
  readonly maxInFlight: { readonly messages: number; readonly bytes: number };
  readonly retry: { readonly minBackoffMs: number; readonly maxBackoffMs: number; readonly maxAttempts: number };
  readonly onExhausted: 'deadLetter' | 'drop' | 'block';
  readonly deadLetterTopic: string | null;
  readonly requires: readonly string[];
}

/** What of a topic may change: what is given replaces what was, null takes a bound or an option away, the rest stays. */
export interface TopicChanges {
  /** Can only grow. Keys then go to other partitions than before: order by key holds on either side of the change, not across it. */
  readonly partitions?: number;
  readonly retention?: { readonly ms?: number | null; readonly bytes?: number | null };
  readonly cleanup?: 'delete' | 'compact';
  readonly options?: Readonly<Record<string, string | number | boolean | null>>;
}

/** What of a subscription may change; consumers that are open go on with it. */
export interface SubscriptionChanges {
  readonly ackDeadlineMs?: number;
  readonly maxInFlight?: { readonly messages?: number; readonly bytes?: number };
  readonly retry?: { readonly minBackoffMs?: number; readonly maxBackoffMs?: number; readonly maxAttempts?: number };
}

export interface AlterOptions {
  /** Only while the definition is the one of this revision, or one of these (`definitionRevision`), else `precondition_failed`. */
  readonly ifRevision?: string | readonly string[];
}

export interface SubscriptionLag {
  readonly partitions: readonly {
    readonly partition: number;
    readonly lag: number;
    /** Age of the first message that is not settled, by its timestamp; absent where nothing waits, and where it is not known here. */
    readonly oldestUnackedMs?: number;
  }[];
  readonly total: number;
}

/** Where the outcome of a create differs only in whether it was there before. */
export interface Created<T> {
  readonly created: boolean;
  readonly definition: T;
}

// ------------------------------------------------------------------------------------------------ consume

export interface Credit {
  readonly messages: number;
  readonly bytes?: number;
}

export interface Delivery {
  /** Opaque and signed; names the lease. At most `limits.tokenCharactersMax` characters. */
  readonly token: string;
  /** 1 on the first delivery. nack, an expired lease and a died consumer count; release does not. */
  readonly attempt: number;
  /** Milliseconds since 1970 when the lease ends unless extended. */
  readonly deadlineMs: number;
  readonly message: Message;
}

/**
 * `expired`: the lease had ended. `already`: settled before, the same way or another. `invalid`: no token of this subscription.
 * `elsewhere`: another gateway may hold the lease; send it there (docs/SEVERAL-GATEWAYS.md).
 */
export const settleStatuses = ['ok', 'expired', 'already', 'invalid', 'elsewhere'] as const;
export type SettleStatus = (typeof settleStatuses)[number];

export interface TokenResult {
  readonly token: string;
  readonly status: SettleStatus;
  /** With `elsewhere`: the name of that gateway, if it has one. */
  readonly gateway?: string;
}

/**
 * One member of a subscription. At most `credit` messages are outstanding at a time; settling one grants one again.
 * `for await` ends when the consumer, its port or its signal closes it; it throws `subscription_not_found` when the
 * subscription is deleted under it.
 */
export interface Consumer extends AsyncIterable<Delivery>, AsyncDisposable {
  readonly subscription: string;
  /**
   * Resolves with 1..max deliveries as soon as there are any, or with none after `waitMs`.
   * Do not mix with `for await` on the same consumer.
   */
  pull(options: {
    readonly maxMessages: number;
    readonly maxBytes?: number;
    readonly waitMs: number;
    readonly signal?: AbortSignal;
    readonly traceContext?: TraceContext;
  }): Promise<readonly Delivery[]>;
  /** Gives back what was delivered and not settled (as release), then resolves. Idempotent. */
  close(): Promise<void>;
}

// ------------------------------------------------------------------------------------------------ read

export interface ReadResult {
  readonly messages: readonly Message[];
  /** The offset to go on from. */
  readonly next: number;
}

// ------------------------------------------------------------------------------------------------ the port

export interface BackendInfo {
  /** The registry's name: native, rabbitmq, kafka. */
  readonly backend: string;
  /** Such as `RabbitMQ`, and its version as the broker tells it. */
  readonly product: string;
  readonly version: string;
  /** The system whose manners it has (`--like`); absent where it is itself. */
  readonly like?: string;
}

export interface Health {
  readonly ok: boolean;
  /** Why not, in a sentence; or what is notable. */
  readonly detail: string;
}

/** Of a backend that keeps the messages itself, on this machine: for metrics. */
export interface StorageFigures {
  readonly topics: readonly {
    readonly topic: string;
    readonly bytes: number;
    readonly segments: number;
    readonly partitions: number;
    /** Partitions that refuse appends. */
    readonly fenced: number;
  }[];
  /** Of the file system that the data lies on. */
  readonly disk: { readonly freeBytes: number; readonly sizeBytes: number };
  /** How long the last start needed until it answered. */
  readonly recoveryMs: number;
}

export interface MessagingPort extends AsyncDisposable {
  readonly info: BackendInfo;

  /** The claims of the backend; with a topic's queue type where they differ by it. */
  capabilities(queueType?: QueueType): CapabilityTable;

  /** Identical again: `created: false`. Different: `already_exists`. Resolves when a publish to it can succeed. */
  createTopic(options: TopicOptions): Promise<Created<TopicDefinition>>;
  /** Rejects with `topic_not_found`. */
  describeTopic(name: string): Promise<TopicDefinition>;
  listTopics(): Promise<readonly TopicDefinition[]>;
  /**
   * Resolves with the topic as it is now: a publish, and every consumer of this process, knows it; other processes learn of it a moment later.
   * Rejects with `capability_unsupported` where the backend cannot change it, `invalid_argument`, `precondition_failed`, `topic_not_found`.
   */
  alterTopic(name: string, changes: TopicChanges, options?: AlterOptions): Promise<TopicDefinition>;
  /** Removes the topic with its messages and its subscriptions. Rejects with `topic_not_found`. */
  deleteTopic(name: string): Promise<void>;

  /** Resolves when every later publish to the topic will reach the subscription. */
  createSubscription(options: SubscriptionOptions): Promise<Created<SubscriptionDefinition>>;
  describeSubscription(name: string): Promise<SubscriptionDefinition>;
  listSubscriptions(): Promise<readonly SubscriptionDefinition[]>;
  /** Leases that are out keep their deadlines; all that comes after follows the change. Rejects as `alterTopic` does. */
  alterSubscription(
    name: string,
    changes: SubscriptionChanges,
    options?: AlterOptions,
  ): Promise<SubscriptionDefinition>;
  deleteSubscription(name: string): Promise<void>;

  /**
   * One outcome per message, in the order given. Rejects (instead of an outcome) only when nothing was tried:
   * `topic_not_found`, `invalid_argument`, `message_too_large`, `capability_unsupported`, `closed`.
   */
  publish(
    topic: string,
    messages: readonly PublishMessage[],
    options?: PublishOptions,
  ): Promise<readonly PublishOutcome[]>;

  /**
   * Opens a member of a subscription. Rejects with `subscription_not_found`.
   * @param options.hasLocalTokens its tokens are unsigned and mean nothing outside of this port: for a caller that settles by itself and
   *   hands no token out. Cheaper, 1 us a delivery.
   */
  subscribe(
    subscription: string,
    options: { readonly credit: Credit; readonly signal?: AbortSignal; readonly hasLocalTokens?: boolean },
  ): Promise<Consumer>;

  ack(subscription: string, tokens: readonly string[], options?: Traced): Promise<readonly TokenResult[]>;
  /** Failed: try again after `delayMs` (default: the subscription's back-off). Counts an attempt. */
  nack(
    subscription: string,
    tokens: readonly string[],
    options?: Traced & { readonly delayMs?: number; readonly reason?: string },
  ): Promise<readonly TokenResult[]>;
  /** Untouched: give back now. Counts no attempt where `ack.releaseUncounted` is not `unsupported`. */
  release(subscription: string, tokens: readonly string[], options?: Traced): Promise<readonly TokenResult[]>;
  /** Dead-letter now (or drop, as `onExhausted` says). Resolves after the dead letter is stored. */
  reject(
    subscription: string,
    tokens: readonly string[],
    options?: Traced & { readonly reason?: string },
  ): Promise<readonly TokenResult[]>;
  /** Moves the lease's end to `deadlineMs` from now. */
  extend(subscription: string, tokens: readonly string[], deadlineMs: number): Promise<readonly TokenResult[]>;

  /** Moves a subscription. Outstanding deliveries become `expired`. `capability_unsupported` where there is no replay. */
  seek(subscription: string, to: Position): Promise<void>;
  lag(subscription: string): Promise<SubscriptionLag>;

  /** Up to `limit` messages from an offset on, without a subscription. `capability_unsupported` where there is no browse. */
  read(topic: string, partition: number, from: 'earliest' | 'latest' | number, limit: number): Promise<ReadResult>;

  health(): Promise<Health>;
  /** Absent where the messages are kept by somebody else. */
  storage?(): Promise<StorageFigures>;
  /** Closes consumers (outstanding deliveries are released), settles publishes, then the backend. Idempotent, bounded in time. */
  close(): Promise<void>;
}
