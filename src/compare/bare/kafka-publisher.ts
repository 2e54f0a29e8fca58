/** Batches over a kafkajs producer: what comes while sends are under way goes with the next one. */

import type { Message, Producer } from 'kafkajs';
import type { SendResult, WireMessage, WirePublisher } from '../systems/wire.ts';

const batchMessagesMax = 1_000;

export interface Batching {
  /** The longest that a message waits for others. */
  readonly lingerMs: number;
  /** A send of at least this many starts even while others are under way; fewer wait for a place or the linger. */
  readonly worthwhile: number;
}

export const usualBatching: Batching = { lingerMs: 5, worthwhile: 200 };
/** Below what a broker takes by default (1 MiB), with room for keys and headers. */
const batchBytesMax = 800_000;
/** More than one keeps the broker busy while the next is encoded. The connection keeps the order in which they are written. */
const sendsInFlightMax = 4;

interface Waiting {
  readonly message: Message;
  readonly index: number;
  readonly settled: (index: number, result: SendResult) => void;
}

export function batchingPublisher(
  producer: Producer,
  topic: string,
  { acks, lingerMs, worthwhile }: Batching & { readonly acks: number },
): WirePublisher {
  let waiting: Waiting[] = [];
  let sendsInFlight = 0;
  let timer: NodeJS.Timeout | null = null;
  let onIdle: (() => void) | null = null;
  /** The first send finds the leader and connects; what is sent meanwhile may overtake it. */
  let hasSent = false;
  /**
   * kafkajs encodes a request in as many steps as it has partitions, and writes it after the last: of two that begin in one turn of the event
   * loop, the smaller is written first. So one begins in each turn.
   */
  let hasBegun = false;
  /** Of what waits, so many of the first have waited for the linger. */
  let overdue = 0;

  const send = async (batch: readonly Waiting[]) => {
    try {
      await producer.send({ topic, acks, messages: batch.map((entry) => entry.message) });
      for (const entry of batch) entry.settled(entry.index, { fate: 'acked' });
    } catch (reason) {
      const result = resultOf(reason);
      for (const entry of batch) entry.settled(entry.index, result);
    }
    hasSent = true;
    sendsInFlight--;
    pump();
    if (sendsInFlight === 0 && waiting.length === 0) onIdle?.();
  };

  const pump = () => {
    const mayGo = overdue > 0 || sendsInFlight === 0 || waiting.length >= worthwhile;
    if (waiting.length > 0 && mayGo && !hasBegun && sendsInFlight < (hasSent ? sendsInFlightMax : 1)) {
      const count = countWithin(waiting);
      const batch = waiting.slice(0, count);
      waiting = waiting.slice(count);
      overdue = Math.max(0, overdue - count);
      sendsInFlight++;
      hasBegun = true;
      setImmediate(() => {
        hasBegun = false;
        pump();
      });
      void send(batch);
    }
    if (waiting.length === 0) return;
    timer ??= setTimeout(() => {
      timer = null;
      overdue = waiting.length;
      pump();
    }, lingerMs);
  };

  return {
    publish(messages, settled) {
      if (messages.some(isMoreThanKafkaCan)) {
        for (const index of messages.keys()) settled(index, { fate: 'refused', code: 'broker_has_none' });
        return;
      }
      for (const [index, message] of messages.entries()) waiting.push({ message: toKafka(message), index, settled });
      pump();
    },
    async close() {
      if (sendsInFlight > 0 || waiting.length > 0)
        await new Promise<void>((resolve) => {
          onIdle = resolve;
        });
      await producer.disconnect();
    },
  };
}

/** By these the broker says that it stored nothing of the batch. */
const refusals = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);

function resultOf(reason: unknown): SendResult {
  const code = reason instanceof Error ? reason.message : String(reason);
  return { fate: refusals.has(typeOf(reason)) ? 'refused' : 'unknown', code };
}

/** kafkajs puts the error of the protocol inside that of its retries. */
function typeOf(reason: unknown): string {
  for (let error = reason; error instanceof Error; error = error.cause) if ('type' in error) return String(error.type);
  return '';
}

/** How many of the first make a batch; one at least, whatever its size. */
function countWithin(waiting: readonly Waiting[]): number {
  let bytes = 0;
  for (const [index, { message }] of waiting.entries()) {
    if (index >= batchMessagesMax) return index;
    bytes += message.value?.length ?? 0;
    if (bytes > batchBytesMax && index > 0) return index;
  }
  return waiting.length;
}

/** A record of Kafka has a key, a value, headers and a timestamp. */
function isMoreThanKafkaCan({ ttlMs, priority, delayMs }: WireMessage): boolean {
  return ttlMs !== undefined || priority !== undefined || delayMs !== undefined;
}

function toKafka(message: WireMessage): Message {
  const { key, value } = message;
  return message.headers === undefined ? { key, value } : { key, value, headers: { ...message.headers } };
}
