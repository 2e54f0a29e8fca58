/**
 * The wire: what scenarios and workloads drive, once for the port and once for each bare client. It adds no promise of its
 * own: through `port` it shows what Sluice's mapping does, through `bare` what the broker and its usual client do.
 */

import type { CapabilityTable, Position } from '../../adapters/index.ts';
import type { DrivenLoad, DrivenResult } from '../load/driven-load.ts';
import type { DurabilityReached, Layer } from '../report/model.ts';
import type { SystemId } from './system-ids.ts';

export interface WireMessage {
  readonly key: string | null;
  readonly value: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  /** Given to a wire that has no such thing, the publish is refused; it is never ignored. */
  readonly ttlMs?: number;
  readonly priority?: number;
  readonly delayMs?: number;
}

export interface TopicSpec {
  readonly partitions: number;
  /** Kept at least; `segmentBytes` is how coarse it may be, where the system is told. */
  readonly retention?: { readonly bytes: number; readonly segmentBytes: number };
  /** Keeps the latest message of each key, and looks for the others at once rather than every so often. */
  readonly isCompacted?: boolean;
  /** The broker picks what a subscription gets by the message's key, as its `only` says. */
  readonly isRouted?: boolean;
  /** Each answered publish is on the disk. */
  readonly isSynced?: boolean;
  /** On so many nodes, and acknowledged when a majority of them has it. */
  readonly copies?: number;
  /** Delays that `delayMs` will ask for. */
  readonly delaysMs?: readonly number[];
}

export interface PublisherOptions {
  /** One of the wire's `publishModes`; its first by default. */
  readonly mode?: string;
}

export type SendResult = { readonly fate: 'acked' } | { readonly fate: 'refused' | 'unknown'; readonly code: string };

export interface WirePublisher {
  /** Hands the messages over; `settled` is called once for each, by its index, when its fate is known. Never throws for a message. */
  publish(messages: readonly WireMessage[], settled: (index: number, result: SendResult) => void): void;
  close(): Promise<void>;
}

export interface WireDelivery {
  readonly key: string | null;
  readonly value: Buffer;
  readonly partition: number;
  readonly offset: number | null;
  /** 1 for the first; null where neither broker nor layer tells. */
  readonly attempt: number | null;
  /** Whether the broker says that it was handed out before; null where it says nothing of the kind. */
  readonly isRedelivered: boolean | null;
  /** Computed when asked: a workload does not. */
  readonly headers: () => Readonly<Record<string, string>>;
  readonly ack: () => void;
  readonly nack: () => void;
  /** Given back as failed, where the broker knows that from given back as untouched (RabbitMQ: basic.reject with requeue). */
  readonly fail?: () => void;
  /** For good: to the dead letters where there are any. */
  readonly reject: () => void;
}

export interface ConsumeOptions {
  readonly credit: number;
  /** `batch`: acked by the wire after `onDelivery` returned, up to `ackBatch` at once. `each`: by the delivery's own functions.
   *  `before`: taken as done when it
   *  arrives, at most once; `onDelivery` comes when the work of `workMs` on it is done, one after the other. */
  readonly settle:
    | { readonly kind: 'batch'; readonly ackBatch: number }
    | { readonly kind: 'each' }
    | { readonly kind: 'before'; readonly workMs: number };
  readonly onDelivery: (delivery: WireDelivery) => void;
  /** The consumer ended by itself: the run is broken. */
  readonly onError: (error: unknown) => void;
}

export interface WireConsumer {
  /** Sends what is still to be acked, gives the rest back, stops. Idempotent. */
  close(): Promise<void>;
}

export interface SubscriptionSpec {
  readonly name: string;
  readonly topic: string;
  readonly start: Position;
  readonly ordering: 'none' | 'key';
  readonly maxAttempts?: number;
  readonly credit?: number;
  readonly rules?: QueueRules;
}

/** What a queue may be told; a wire without such a thing refuses the subscription. */
export interface QueueRules {
  readonly messageTtlMs?: number;
  readonly lengthMax?: number;
  readonly overflow?: 'drop-head' | 'reject-publish';
  readonly priorityMax?: number;
  /** Rejected, expired, dropped and exhausted messages go to the subscription `deadLettersOf(name)`. */
  readonly hasDeadLetters?: boolean;
  /** Only messages with this key, of a topic that is routed. */
  readonly only?: string;
}

const ruleWords: Readonly<Record<keyof QueueRules, string>> = {
  messageTtlMs: 'time to live of its messages',
  lengthMax: 'limit to its length',
  overflow: 'way to say what happens when it is full',
  priorityMax: 'priorities',
  hasDeadLetters: 'dead letters',
  only: 'binding by key',
};

/** For a refusal: `dead letters, priorities`. */
export function rulesInWords(rules: QueueRules): string {
  return (Object.keys(rules) as (keyof QueueRules)[]).map((rule) => ruleWords[rule]).join(', ');
}

/** What the layer or broker below refuses to do. `code` is `capability_unsupported` only where it really said so. */
export class WireRefusal extends Error {
  override readonly name = 'WireRefusal';
  readonly code: string;

  constructor(code: string, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** Codes that say "there is no such thing here": an answer to a question, not a failure. */
export function isRefusalCode(code: string): boolean {
  return code === 'capability_unsupported' || code === 'broker_has_none' || code === 'broker_refused';
}

export interface Wire {
  readonly system: SystemId;
  /** As the report names it: the system, with the version where that was asked for (`rabbitmq-quorum@3.10`). */
  readonly name: string;
  readonly layer: Layer;
  readonly product: string;
  readonly version: string;
  readonly capabilities: CapabilityTable | null;
  /** What an acked publish of this wire has reached. */
  readonly durability: DurabilityReached;
  /** `stock` by default: as the vendor ships it, or tuned by the lines of `settings/table.ts`. */
  readonly settings?: 'stock' | 'tuned';
  /** Settings in effect, by their own names. */
  readonly configuration: Readonly<Record<string, string>>;

  /** Processes between the client and the system, such as a gateway's: their cost counts as the system's. */
  readonly pids?: () => readonly number[];
  /** What is special about every row that it gives, as sentences. */
  readonly notes?: readonly string[];

  /** How a publish may be made, in the system's own words; the first is the usual one. */
  readonly publishModes: readonly string[];

  createTopic(name: string, spec: TopicSpec): Promise<void>;
  deleteTopic(name: string): Promise<void>;
  /** Resolves when every later publish will reach it. */
  createSubscription(spec: SubscriptionSpec): Promise<void>;
  /** And the dead-letter topic that came with it. */
  deleteSubscription(name: string): Promise<void>;
  /** The dead letters of a subscription as a subscription of their own; rejects with WireRefusal where there are none. */
  deadLettersOf(subscription: string): Promise<string>;
  publisher(topic: string, options?: PublisherOptions): Promise<WirePublisher>;
  consume(subscription: string, options: ConsumeOptions): Promise<WireConsumer>;
  /** Only while the subscription has no consumer. Rejects with WireRefusal where there is no replay. */
  seek(subscription: string, to: Position): Promise<void>;
  /** Messages to several topics, all or none. Absent where there is no such thing. */
  transact?(
    entries: readonly { readonly topic: string; readonly value: Buffer }[],
    end: 'commit' | 'abort',
  ): Promise<void>;
  /**
   * The `count` messages of a topic to another by a reader whose place is stored with each result or not at all, and whose
   * clients are gone once, in the middle of message `crashAt`. Absent where there is no such thing.
   */
  transform?(
    from: string,
    to: string,
    options: { readonly subscription: string; readonly count: number; readonly crashAt: number },
  ): Promise<void>;
  /** The client's process sends and receives the load itself, and tells afterwards what happened when. Absent where this process does. */
  drive?(load: DrivenLoad): Promise<DrivenResult>;
  close(): Promise<void>;
}
