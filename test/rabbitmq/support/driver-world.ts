/** A driver and what its tests need: names of their own, definitions with defaults, and an intake that remembers what it was told. */

import { randomBytes } from 'node:crypto';
import type {
  Driver,
  DriverDelivery,
  Intake,
  IntakeCredit,
  IntakeSink,
  OutgoingMessage,
} from '../../../src/adapters/driver.ts';
import type { PortError } from '../../../src/adapters/errors.ts';
import type { PublishOutcome, SubscriptionDefinition, TopicDefinition } from '../../../src/adapters/port.ts';
import { openDriver } from '../../../src/adapters/rabbitmq/index.ts';

export const WAIT_MS = 20_000;

export function unique(name: string): string {
  return `${name}-${randomBytes(5).toString('hex')}`;
}

/** Resolves when `condition` holds; looks again at every turn of a short timer. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = WAIT_MS,
): Promise<void> {
  const endsAt = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > endsAt) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

let ids = 0;

export function message(value: string, more: Partial<OutgoingMessage> = {}): OutgoingMessage {
  ids += 1;
  return {
    key: null,
    value: Buffer.from(value),
    headers: [],
    contentType: null,
    id: `m${ids}`,
    timestampMs: Date.now(),
    partition: 0,
    ...more,
  };
}

export function messages(count: number, prefix = 'v'): OutgoingMessage[] {
  return Array.from({ length: count }, (_, index) => message(`${prefix}${index}`));
}

export function valueOf(delivery: DriverDelivery): string {
  return delivery.message.value?.toString() ?? 'null';
}

export class DriverWorld {
  readonly driver: Driver;

  private constructor(driver: Driver) {
    this.driver = driver;
  }

  static async open(url: string, more: Record<string, unknown> = {}): Promise<DriverWorld> {
    return new DriverWorld(await openDriver({ url, ...more }));
  }

  async topic(change: Partial<TopicDefinition> = {}): Promise<TopicDefinition> {
    const topic = this.driver.completeTopic({
      name: unique('topic'),
      partitions: 1,
      retention: { ms: null, bytes: null },
      cleanup: 'delete',
      queueType: null,
      replicas: null,
      options: {},
      ...change,
    });
    await this.driver.createTopic(topic);
    return topic;
  }

  async subscription(
    topic: TopicDefinition,
    change: Partial<SubscriptionDefinition> = {},
  ): Promise<SubscriptionDefinition> {
    const subscription: SubscriptionDefinition = {
      name: unique('sub'),
      topic: topic.name,
      start: 'latest',
      ordering: 'none',
      ackDeadlineMs: 30_000,
      maxInFlight: { messages: 1_000, bytes: 16 * 1024 * 1024 },
      retry: { minBackoffMs: 10, maxBackoffMs: 10, maxAttempts: 5 },
      onExhausted: 'block',
      deadLetterTopic: null,
      requires: [],
      ...change,
    };
    this.driver.checkSubscription(subscription, topic);
    await this.driver.createSubscription(subscription, topic);
    return subscription;
  }

  async publish(topic: TopicDefinition, batch: readonly OutgoingMessage[]): Promise<readonly PublishOutcome[]> {
    const durability = this.driver.durability(topic, {});
    return await this.driver.publish(topic, batch, { durability, signal: undefined });
  }

  async intake(
    subscription: SubscriptionDefinition,
    topic: TopicDefinition,
    credit: IntakeCredit = { messages: 1_000, bytes: 16 * 1024 * 1024 },
  ): Promise<RecordingIntake> {
    const recording = new RecordingIntake();
    recording.intake = await this.driver.openIntake(subscription, topic, recording, credit);
    return recording;
  }
}

/** Unsettled deliveries, and everything that was ever told. */
export class RecordingIntake implements IntakeSink {
  intake!: Intake;
  readonly all: DriverDelivery[] = [];
  readonly unsettled = new Set<DriverDelivery>();
  readonly lostOnes: DriverDelivery[] = [];
  mostUnsettled = 0;
  endedWith: PortError | undefined;
  /** Called with each delivery, after it was recorded. */
  onDelivery: (delivery: DriverDelivery) => void = () => undefined;

  deliver(delivery: DriverDelivery): void {
    this.all.push(delivery);
    this.unsettled.add(delivery);
    this.mostUnsettled = Math.max(this.mostUnsettled, this.unsettled.size);
    this.onDelivery(delivery);
  }

  lost(deliveries: readonly DriverDelivery[]): void {
    for (const delivery of deliveries) this.unsettled.delete(delivery);
    this.lostOnes.push(...deliveries);
  }

  ended(error: PortError): void {
    this.endedWith = error;
  }

  async ack(delivery: DriverDelivery): Promise<void> {
    this.unsettled.delete(delivery);
    await this.intake.ack(delivery);
  }

  async giveBack(delivery: DriverDelivery, counted: boolean): Promise<void> {
    this.unsettled.delete(delivery);
    await this.intake.giveBack(delivery, counted);
  }

  async ackAll(): Promise<void> {
    for (const delivery of Array.from(this.unsettled)) await this.ack(delivery);
  }

  async received(count: number): Promise<void> {
    await until(`${count} deliveries (got ${this.all.length})`, () => this.all.length >= count);
  }

  get values(): string[] {
    return this.all.map(valueOf);
  }
}
