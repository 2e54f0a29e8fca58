/**
 * What goes between a scenario and its wire in another process, over Node's own channel for child processes (structured
 * clones, so buffers stay buffers).
 *
 *     parent -> child   { call, id, args }                  child -> parent   { kind: 'answer', id, value | error }
 *     parent -> child   { call: 'publish', id, ... }        child -> parent   { kind: 'settled', publisher, batch, index, result }
 *     parent -> child   { call: 'settle', consumer, ... }   child -> parent   { kind: 'delivery' | 'consumerFailed', consumer, ... }
 */

import type { Position } from '../../adapters/index.ts';
import type {
  ConsumeOptions,
  PublisherOptions,
  SendResult,
  SubscriptionSpec,
  TopicSpec,
  WireMessage,
} from '../systems/wire.ts';
import type { RemoteTarget } from './target.ts';

export type SettleAction = 'ack' | 'nack' | 'reject';

export type Request =
  | { readonly call: 'open'; readonly id: number; readonly target: RemoteTarget }
  | { readonly call: 'createTopic'; readonly id: number; readonly name: string; readonly spec: TopicSpec }
  | {
      readonly call: 'deleteTopic' | 'deleteSubscription' | 'deadLettersOf';
      readonly id: number;
      readonly name: string;
    }
  | { readonly call: 'createSubscription'; readonly id: number; readonly spec: SubscriptionSpec }
  | { readonly call: 'publisher'; readonly id: number; readonly topic: string; readonly options: PublisherOptions }
  | { readonly call: 'closePublisher' | 'closeConsumer'; readonly id: number; readonly handle: number }
  | {
      readonly call: 'consume';
      readonly id: number;
      readonly subscription: string;
      readonly credit: number;
      readonly settle: ConsumeOptions['settle'];
    }
  | { readonly call: 'seek'; readonly id: number; readonly name: string; readonly to: Position }
  | { readonly call: 'close'; readonly id: number }
  | {
      readonly call: 'publish';
      readonly handle: number;
      readonly batch: number;
      readonly messages: readonly WireMessage[];
    }
  | { readonly call: 'settle'; readonly handle: number; readonly delivery: number; readonly action: SettleAction };

export interface RemoteDelivery {
  readonly number: number;
  readonly key: string | null;
  readonly value: Uint8Array;
  readonly partition: number;
  readonly offset: number | null;
  readonly attempt: number | null;
  readonly isRedelivered: boolean | null;
  readonly headers: Readonly<Record<string, string>>;
}

export type Reply =
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'refused'; readonly id: number; readonly code: string | null; readonly message: string }
  | { readonly kind: 'settled'; readonly batch: number; readonly index: number; readonly result: SendResult }
  | { readonly kind: 'delivery'; readonly handle: number; readonly delivery: RemoteDelivery }
  | { readonly kind: 'consumerFailed'; readonly handle: number; readonly message: string };

/** What the opened wire is, told once. */
export interface Opened {
  readonly product: string;
  readonly version: string;
  readonly publishModes: readonly string[];
}
