/**
 * The driver: what a backend author writes. open-port.ts calls it with validated, complete input, never after close(),
 * never for a topic or subscription that does not exist, and turns it into the port: definitions, limits, leases,
 * ordering lanes, retries, dead letters and deadlines are done there, once, for every backend.
 */

import type { CapabilityTable } from './capabilities.ts';
import type { PortError } from './errors.ts';
import type {
  BackendInfo,
  Durability,
  Header,
  Health,
  Message,
  Persistence,
  Position,
  PublishOutcome,
  QueueType,
  ReadResult,
  StorageFigures,
  SubscriptionDefinition,
  SubscriptionLag,
  TopicDefinition,
} from './port.ts';

/** A message to publish: complete, validated, with its partition decided. */
export interface OutgoingMessage {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly Header[];
  readonly contentType: string | null;
  readonly id: string;
  /** The publisher gave the id, so it may come again: where `publish.dedup` is claimed a repetition is not stored. */
  readonly isIdGiven?: boolean;
  readonly timestampMs: number;
  readonly partition: number;
  readonly delayMs?: number;
  readonly ttlMs?: number;
  readonly priority?: number;
}

/** A message as it arrived. The driver may hang its own state on a class that implements this; the object is the handle. */
export interface DriverDelivery {
  readonly message: Message;
  /** 1 for the first; as the backend (or its cursor) counted. */
  readonly attempt: number;
  /** Bytes of key, value and headers. */
  readonly bytes: number;
}

/** What an intake tells. Calls may come at any time after `openIntake` was called, also before it resolved. */
export interface IntakeSink {
  /** In stored order per partition. Never more unsettled at once than granted. */
  deliver(delivery: DriverDelivery): void;
  /** These can no longer be settled (channel died, partition went to another member); they will come again. */
  lost(deliveries: readonly DriverDelivery[]): void;
  /** The intake ended for good: `subscription_not_found` when deleted under it. A broker that is away is not an end: reconnect. */
  ended(error: PortError): void;
}

export interface IntakeCredit {
  readonly messages: number;
  readonly bytes: number;
}

/**
 * A position of a subscription on a log, for a token that another process (or this one, earlier) gave out: `settled` before;
 * `free`: it was not settled, and is now if that was asked for; `elsewhere`: another process has it.
 */
export type PositionState = 'settled' | 'free' | 'elsewhere';

/** One process's share of a subscription: at most one per subscription and port. */
export interface Intake {
  /**
   * `local`: a failed message stays here and is tried again by the port; `requeue`: it goes back to the backend with
   * `giveBack(counted)` after its back-off. Ordered subscriptions are always `local`.
   */
  readonly retryMode: 'local' | 'requeue';
  /** New absolute bound of unsettled messages and bytes. May take effect late, never by taking back. */
  grant(credit: IntakeCredit): void;
  /** Done. Resolves when the backend has it as well as it ever will; a lost one resolves too. */
  ack(delivery: DriverDelivery): Promise<void> | void;
  /** Back to the backend: `counted` for a failed one, else untouched. Not called again for this delivery. */
  giveBack(delivery: DriverDelivery, counted: boolean): Promise<void> | void;
  /** A local retry: the message has now been delivered `attempt` times. Backends with a cursor keep it. */
  noteAttempt?(delivery: DriverDelivery, attempt: number): void;
  /** As the driver's `settlePosition`, for a position that none of the unsettled deliveries has. */
  settlePosition?(partition: number, offset: number, settles: boolean): Promise<PositionState>;
  /**
   * Where an ack can be refused after it was taken note of: resolves when all that was settled before the call is written, and tries
   * again what was refused. Rejects as `ack` does.
   */
  written?(): Promise<void>;
  /** Stops deliveries, writes what is to be written, frees everything. Unsettled messages come again later. Idempotent. */
  close(): Promise<void>;
}

/** A small replicated key-value log for definitions, shared by every process on the same backend. */
export interface MetaStore {
  /** Definitions of the configuration: `put` is refused. */
  readonly isReadOnly?: boolean;
  /** Resolves when everything that was put before this call, by any process, has been handed to `apply`. */
  refresh(): Promise<void>;
  /** Resolves when durable and applied. null deletes. */
  put(key: string, value: string | null): Promise<void>;
}

export interface Driver {
  readonly info: BackendInfo;
  capabilities(queueType?: QueueType): CapabilityTable;

  /** `apply` is called for every entry, from the oldest, before this resolves and again as others change them. */
  openMeta(apply: (key: string, value: string | null) => void): Promise<MetaStore>;

  /** Fills in the backend's own defaults (queueType, replicas) and refuses what it does not know (`invalid_argument`, `capability_unsupported`). Pure. */
  completeTopic(topic: TopicDefinition): TopicDefinition;
  /** Refuses combinations the backend cannot do (start, ordering, onExhausted). Pure. */
  checkSubscription(subscription: SubscriptionDefinition, topic: TopicDefinition): void;
  /** The definition of a dead-letter topic for subscriptions of this topic: one that keeps messages without a subscription. Pure. */
  deadLetterTopic(name: string, source: TopicDefinition): TopicDefinition;

  /** Makes the physical topic. Idempotent: called again after a crash in between. */
  createTopic(topic: TopicDefinition): Promise<void>;
  /**
   * Makes the physical topic what `to` says, for these subscriptions too. Idempotent. Refuses with `capability_unsupported` before anything
   * is changed. A driver without it changes no topic.
   */
  alterTopic?(
    from: TopicDefinition,
    to: TopicDefinition,
    subscriptions: readonly SubscriptionDefinition[],
  ): Promise<void>;
  deleteTopic(topic: TopicDefinition): Promise<void>;
  /**
   * Makes queues, cursors or group offsets, so that every later publish reaches it. Idempotent.
   * @param isMadeElsewhere whether another process has made it meanwhile. A driver that writes down where a subscription starts asks after it
   * has looked where the log ends, and before it writes. With yes it writes nothing. With no the other process, if there is one, has not been
   * answered yet when the log's end was seen, so that all that is published after its answer comes after that end.
   */
  createSubscription(
    subscription: SubscriptionDefinition,
    topic: TopicDefinition,
    isMadeElsewhere?: () => Promise<boolean>,
  ): Promise<void>;
  /**
   * Refuses with `capability_unsupported` what is fixed on the backend for as long as the subscription lives. Pure: the port itself keeps
   * deadlines, bounds and retries. A driver without it lets all of those change.
   */
  checkAlteredSubscription?(from: SubscriptionDefinition, to: SubscriptionDefinition, topic: TopicDefinition): void;
  deleteSubscription(subscription: SubscriptionDefinition, topic: TopicDefinition): Promise<void>;

  /** What a publish to this topic reaches when it asks for this; throws `capability_unsupported` when it cannot. Pure and cheap. */
  durability(
    topic: TopicDefinition,
    asked: { readonly persistence?: Persistence; readonly minCopies?: number },
  ): Durability;

  /**
   * One outcome per message, in order. Settles every message, whatever dies: `refused` only when certainly not stored,
   * `unknown` when it was sent and no answer came. Must not throw for a single message's sake.
   * A backend that keeps nothing without a subscription refuses with `unroutable`.
   */
  publish(
    topic: TopicDefinition,
    messages: readonly OutgoingMessage[],
    options: { readonly durability: Durability; readonly signal: AbortSignal | undefined },
  ): Promise<readonly PublishOutcome[]>;

  openIntake(
    subscription: SubscriptionDefinition,
    topic: TopicDefinition,
    sink: IntakeSink,
    credit: IntakeCredit,
  ): Promise<Intake>;

  /** Only called while this port has no open intake on the subscription. */
  seek(subscription: SubscriptionDefinition, topic: TopicDefinition, to: Position): Promise<void>;
  lag(subscription: SubscriptionDefinition, topic: TopicDefinition): Promise<SubscriptionLag>;
  /**
   * Whether a position needs no delivery any more; with `settles`, that it needs none from now on. Only of backends whose messages have
   * positions and whose `read` can show them, and only called while this port has no open intake on the subscription.
   */
  settlePosition?(
    subscription: SubscriptionDefinition,
    topic: TopicDefinition,
    partition: number,
    offset: number,
    settles: boolean,
  ): Promise<PositionState>;
  read(
    topic: TopicDefinition,
    partition: number,
    from: 'earliest' | 'latest' | number,
    limit: number,
  ): Promise<ReadResult>;

  health(): Promise<Health>;
  /** Only of a driver that keeps the messages itself. */
  storage?(): Promise<StorageFigures>;
  close(): Promise<void>;
}

/** Told as things happen, for metrics. Must not throw. */
export interface DriverHooks {
  /** A sync of a file has ended, well or not. Only of a driver that keeps the messages itself. */
  readonly synced?: (durationMs: number) => void;
}

/** What `registry.ts` loads for a backend's name. `config` is the backend's own section of the configuration, unchecked. */
export interface DriverModule {
  readonly openDriver: (config: Readonly<Record<string, unknown>>, hooks?: DriverHooks) => Promise<Driver>;
}
