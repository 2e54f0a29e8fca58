/**
 * The wire: what scenarios and workloads drive, once for the port and once for each bare client. It adds no promise of its
 * own: through `port` it shows what Sluice's mapping does, through `bare` what the broker and its usual client do.
 */

import type { CapabilityTable, Position } from '../adapters/index.ts';
import type { DurabilityReached, Layer } from './report/model.ts';
import type { SystemId } from './system-ids.ts';

export interface WireMessage {
  readonly key: string | null;
  readonly value: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
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
  readonly ack: () => void;
  readonly nack: () => void;
}

export interface ConsumeOptions {
  readonly credit: number;
  /** `batch`: acked by the wire after `onDelivery` returned, up to `ackBatch` at once. `each`: by the delivery's own functions. */
  readonly settle: { readonly kind: 'batch'; readonly ackBatch: number } | { readonly kind: 'each' };
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

export interface Wire {
  readonly system: SystemId;
  readonly layer: Layer;
  readonly product: string;
  readonly version: string;
  readonly capabilities: CapabilityTable | null;
  /** What an acked publish of this wire has reached. */
  readonly durability: DurabilityReached;
  /** Settings in effect, by their own names. */
  readonly configuration: Readonly<Record<string, string>>;

  createTopic(name: string, options: { readonly partitions: number }): Promise<void>;
  deleteTopic(name: string): Promise<void>;
  /** Resolves when every later publish will reach it. */
  createSubscription(spec: SubscriptionSpec): Promise<void>;
  /** And the dead-letter topic that came with it. */
  deleteSubscription(name: string): Promise<void>;
  publisher(topic: string): Promise<WirePublisher>;
  consume(subscription: string, options: ConsumeOptions): Promise<WireConsumer>;
  /** Only while the subscription has no consumer. Rejects with WireRefusal where there is no replay. */
  seek(subscription: string, to: Position): Promise<void>;
  close(): Promise<void>;
}
