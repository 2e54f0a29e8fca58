/** Worlds of the Kafka tests: the shared broker or a skip, topics of their own, a sink that remembers, waiting for events. */

import { randomBytes } from 'node:crypto';
import { inject, type TestContext } from 'vitest';
import type { Driver, DriverDelivery, IntakeSink, OutgoingMessage } from '../../src/adapters/driver.ts';
import { openDriver } from '../../src/adapters/kafka/index.ts';
import type { Position, PublishOutcome, SubscriptionDefinition, TopicDefinition } from '../../src/adapters/port.ts';

export function kafkaOf(ctx: TestContext): readonly string[] {
  const handle = inject('kafka');
  if (handle === null) return ctx.skip('no Kafka could be had');
  return handle.brokers;
}

export function uniqueName(prefix: string): string {
  return `${prefix}-${randomBytes(5).toString('hex')}`;
}

/** A driver on these brokers, closed when the test ends. */
export async function driverOn(brokers: readonly string[], ctx: TestContext): Promise<Driver> {
  const driver = await openDriver({ brokers });
  ctx.onTestFinished(async () => await driver.close());
  return driver;
}

export function topicOf(name: string, partitions: number, options: TopicDefinition['options'] = {}): TopicDefinition {
  return {
    name,
    partitions,
    retention: { ms: null, bytes: null },
    cleanup: 'delete',
    queueType: null,
    replicas: 1,
    options,
  };
}

export function subscriptionOf(topic: TopicDefinition, start: Position = 'earliest'): SubscriptionDefinition {
  return {
    name: uniqueName('sub'),
    topic: topic.name,
    start,
    ordering: 'none',
    ackDeadlineMs: 30_000,
    maxInFlight: { messages: 10_000, bytes: 64 * 1024 * 1024 },
    retry: { minBackoffMs: 100, maxBackoffMs: 1_000, maxAttempts: 5 },
    onExhausted: 'block',
    deadLetterTopic: null,
    requires: [],
  };
}

export function message(value: string, partition = 0, more: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return {
    key: null,
    value: Buffer.from(value),
    headers: [],
    contentType: null,
    id: value.slice(0, 50),
    timestampMs: Date.now(),
    partition,
    ...more,
  };
}

/** Publishes in calls of 500, several at once; every outcome in order. */
export async function publishAll(
  driver: Driver,
  topic: TopicDefinition,
  messages: readonly OutgoingMessage[],
): Promise<readonly PublishOutcome[]> {
  const calls: Promise<readonly PublishOutcome[]>[] = [];
  for (let from = 0; from < messages.length; from += 500) {
    const options = { durability: driver.durability(topic, {}), signal: undefined };
    calls.push(driver.publish(topic, messages.slice(from, from + 500), options));
  }
  return (await Promise.all(calls)).flat();
}

/** Remembers what an intake told, in order, and lets a test wait for more. */
export class RecordingSink implements IntakeSink {
  readonly delivered: DriverDelivery[] = [];
  readonly lostOnes: DriverDelivery[] = [];
  readonly errors: unknown[] = [];
  /** Called for every delivery; for settling at once. */
  onDelivery: (delivery: DriverDelivery) => void = () => undefined;

  deliver(delivery: DriverDelivery): void {
    this.delivered.push(delivery);
    this.onDelivery(delivery);
  }

  lost(deliveries: readonly DriverDelivery[]): void {
    this.lostOnes.push(...deliveries);
  }

  ended(error: unknown): void {
    this.errors.push(error);
  }

  values(): string[] {
    return this.delivered.map(({ message: { value } }) => String(value));
  }
}

/** Polls, because what is waited for may be told by several sides; fails with the last answer after the deadline. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, deadlineMs = 15_000): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
