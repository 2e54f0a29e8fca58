/**
 * A process with little memory and a lot to publish: `node --max-old-space-size=256 --import tsx heap-child.ts <json>`. It publishes
 * without waiting for answers, tries again what is refused, then reads everything back. Prints one line of JSON.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { openPort } from '../../src/adapters/index.ts';
import type { PublishMessage, TopicOptions } from '../../src/adapters/port.ts';
import { PortError } from '../../src/adapters/errors.ts';

export interface HeapTask {
  readonly backend: 'native' | 'rabbitmq' | 'kafka';
  readonly config: Record<string, unknown>;
  readonly topic: TopicOptions;
  readonly messages: number;
}

export interface HeapReport {
  readonly stored: number;
  /** Publish calls that were turned away, by code; each was made again. */
  readonly turnedAway: Readonly<Record<string, number>>;
  readonly unknown: number;
  readonly received: number;
  /** Stored, and not received. */
  readonly lost: number;
  readonly duplicated: number;
  readonly peakRssBytes: number;
}

const PER_CALL = 500;
const VALUE_BYTES = 1_024;
/** What was turned away comes again after this, as the error suggests. */
const RETRY_MS = 100;
/** A little more than the port takes (publishInFlightMessagesMax is 100 of these), so that it has to turn calls away. */
const CALLS_MAX = 120;
const CALLS_PER_TURN = 50;
const READ_WITHIN_MS = 120_000;

const task = JSON.parse(process.argv[2] ?? '') as HeapTask;
const port = await openPort({ backend: task.backend, config: task.config });
await port.createTopic(task.topic);
const { name } = task.topic;
await port.createSubscription({ name, topic: name, onExhausted: 'block', ackDeadlineMs: 600_000 });

const stored = new Uint8Array(task.messages);
const seen = new Uint8Array(task.messages);
const turnedAway: Record<string, number> = {};
let unknown = 0;
let peakRssBytes = 0;

const calls = new Set<Promise<void>>();
for (let from = 0; from < task.messages; from += PER_CALL) {
  const call = publish(from, Math.min(task.messages, from + PER_CALL));
  calls.add(call);
  void call.finally(() => calls.delete(call));
  peakRssBytes = Math.max(peakRssBytes, process.memoryUsage.rss());
  // As somebody does who has never heard of back-pressure: so many calls are made while the first ones are not answered.
  if (calls.size >= CALLS_MAX) await Promise.race(calls);
  else if (from % (PER_CALL * CALLS_PER_TURN) === 0) await new Promise((resolve) => setImmediate(resolve));
}
await Promise.all(calls);

let received = 0;
let duplicated = 0;
const expected = stored.reduce((sum, each) => sum + each, 0);
let found = 0;
const consumer = await port.subscribe(name, { credit: { messages: 1_000 } });
const endsAt = performance.now() + READ_WITHIN_MS;
while (found < expected && performance.now() < endsAt) {
  const deliveries = await consumer.pull({ maxMessages: 1_000, waitMs: 1_000 });
  peakRssBytes = Math.max(peakRssBytes, process.memoryUsage.rss());
  for (const { message } of deliveries) {
    const number = message.value?.readUInt32BE(0) ?? -1;
    received += 1;
    if (seen[number] === 1) duplicated += 1;
    else if (stored[number] === 1) found += 1;
    seen[number] = 1;
  }
  if (deliveries.length > 0)
    await port.ack(
      name,
      deliveries.map(({ token }) => token),
    );
}
await consumer.close();
await port.deleteTopic(name);
await port.close();
const report: HeapReport = {
  stored: expected,
  turnedAway,
  unknown,
  received,
  lost: expected - found,
  duplicated,
  peakRssBytes,
};
console.log(JSON.stringify(report));

async function publish(from: number, to: number): Promise<void> {
  let left = Array.from({ length: to - from }, (_, index) => from + index);
  while (left.length > 0) {
    left = await attempt(left);
    if (left.length > 0) await delay(RETRY_MS);
  }
}

/** Resolves with those that were refused. */
async function attempt(numbers: readonly number[]): Promise<number[]> {
  try {
    const outcomes = await port.publish(name, numbers.map(messageOf));
    const refused: number[] = [];
    for (const [index, outcome] of outcomes.entries()) {
      const number = numbers[index] as number;
      if (outcome.kind === 'stored') stored[number] = 1;
      else if (outcome.kind === 'unknown') unknown += 1;
      else {
        turnedAway[outcome.error.code] = (turnedAway[outcome.error.code] ?? 0) + 1;
        refused.push(number);
      }
    }
    return refused;
  } catch (reason) {
    const { code, retryable } = PortError.from(reason);
    if (!retryable) throw reason;
    turnedAway[code] = (turnedAway[code] ?? 0) + numbers.length;
    return [...numbers];
  }
}

function messageOf(number: number): PublishMessage {
  const value = Buffer.alloc(VALUE_BYTES, 120);
  value.writeUInt32BE(number, 0);
  return { value };
}
