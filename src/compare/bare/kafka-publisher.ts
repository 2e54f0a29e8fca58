/** Batches over a kafkajs producer: what comes while sends are under way goes with the next one. */

import type { Message, Producer } from 'kafkajs';
import type { SendResult, WireMessage, WirePublisher } from '../wire.ts';

const batchMessagesMax = 1_000;
/** A send of at least this many starts even while others are under way; fewer wait for a place or the linger. */
const batchMessagesWorthwhile = 200;
const lingerMs = 5;
/** More than one keeps the broker busy while the next is encoded; the connection keeps their order. */
const sendsInFlightMax = 4;

interface Waiting {
  readonly message: Message;
  readonly index: number;
  readonly settled: (index: number, result: SendResult) => void;
}

export function batchingPublisher(producer: Producer, topic: string): WirePublisher {
  let waiting: Waiting[] = [];
  let sendsInFlight = 0;
  let timer: NodeJS.Timeout | null = null;
  let onIdle: (() => void) | null = null;

  const send = async (batch: readonly Waiting[]) => {
    try {
      await producer.send({ topic, acks: -1, messages: batch.map((entry) => entry.message) });
      for (const entry of batch) entry.settled(entry.index, { fate: 'acked' });
    } catch (reason) {
      const code = reason instanceof Error ? reason.message : String(reason);
      for (const entry of batch) entry.settled(entry.index, { fate: 'unknown', code });
    }
    sendsInFlight--;
    pump(false);
    if (sendsInFlight === 0 && waiting.length === 0) onIdle?.();
  };

  const pump = (isLingerOver: boolean) => {
    while (waiting.length > 0 && sendsInFlight < sendsInFlightMax) {
      const goes = isLingerOver || sendsInFlight === 0 || waiting.length >= batchMessagesWorthwhile;
      if (!goes) break;
      const batch = waiting.slice(0, batchMessagesMax);
      waiting = waiting.slice(batchMessagesMax);
      sendsInFlight++;
      void send(batch);
    }
    if (waiting.length === 0) return;
    timer ??= setTimeout(() => {
      timer = null;
      pump(true);
    }, lingerMs);
  };

  return {
    publish(messages, settled) {
      for (const [index, message] of messages.entries()) waiting.push({ message: toKafka(message), index, settled });
      pump(false);
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

function toKafka(message: WireMessage): Message {
  const { key, value } = message;
  return message.headers === undefined ? { key, value } : { key, value, headers: { ...message.headers } };
}
