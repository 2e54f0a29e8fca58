/**
 * A chapter's world: the port, names nobody else uses, and the few moves that most chapters make. Everything made here is
 * removed by `cleanUp`, also after a failure.
 */

import { randomBytes } from 'node:crypto';
import type { Capability, CapabilityTable } from '../adapters/capabilities.ts';
import { PortError } from '../adapters/errors.ts';
import type {
  Consumer,
  Credit,
  Delivery,
  Message,
  MessagingPort,
  PublishMessage,
  PublishOptions,
  PublishOutcome,
  SettleStatus,
  SubscriptionOptions,
  TokenResult,
  TopicOptions,
} from '../adapters/port.ts';
import { check, ConformanceFailure, equal, Untested } from './expect.ts';
import { brokerTiming, POLL_INTERVAL_MS, type Timing } from './timing.ts';

export type StoredOutcome = Extract<PublishOutcome, { kind: 'stored' }>;
export type TopicChanges = Omit<Partial<TopicOptions>, 'name'>;
export type SubscriptionChanges = Omit<Partial<SubscriptionOptions>, 'topic'>;

/** Options that topics need on this target, always or for one capability (such as `flush.messages` for fsync on Kafka). For
 *  `compaction` and `ttl.retention`: those with which they come within the deadline; without them compaction is looked at
 *  only for what holds at any time, and retention is untested. */
export interface TopicNeeds {
  readonly always?: TopicChanges;
  readonly forCapability?: Partial<Record<Capability, TopicChanges>>;
}

interface WorldOptions {
  readonly timing?: Timing;
  readonly topics?: TopicNeeds;
  readonly openAnother?: () => Promise<MessagingPort>;
}

const EVERYTHING: Credit = { messages: 1_000 };
const PULL_WAIT_MAX_MS = 1_000;

export class World {
  readonly port: MessagingPort;
  readonly timing: Timing;
  readonly capabilities: CapabilityTable;
  readonly #needs: TopicNeeds;
  readonly #openAnother: (() => Promise<MessagingPort>) | undefined;
  readonly #prefix = `cf-${randomBytes(5).toString('hex')}`;
  readonly #topics = new Set<string>();
  readonly #consumers: Consumer[] = [];
  readonly #ports: MessagingPort[] = [];
  #names = 0;

  constructor(port: MessagingPort, options: WorldOptions) {
    this.port = port;
    this.timing = options.timing ?? brokerTiming;
    this.#needs = options.topics ?? {};
    this.#openAnother = options.openAnother;
    this.capabilities = port.capabilities(this.#needs.always?.queueType);
  }

  claims(capability: Capability): boolean {
    return this.capabilities[capability].level !== 'unsupported';
  }

  /** The target says what topics need for this. */
  hasNeeds(capability: Capability): boolean {
    return this.#needs.forCapability?.[capability] !== undefined;
  }

  /** Why a chapter cannot run that needs to know how to make this happen soon. */
  unmet(capability: Capability): string {
    return `nothing says with which options of a topic ${capability} shows within ${this.timing.deadlineMs} ms`;
  }

  /** A name that nobody else uses. */
  name(word: string): string {
    this.#names += 1;
    return `${this.#prefix}-${this.#names}-${word}`;
  }

  // ------------------------------------------------------------------------------------------ make

  /** The options of a topic with a fresh name; made by `topic`, or by the chapter itself (then `owns` it). */
  topicOptions(changes: TopicChanges = {}, capability?: Capability): TopicOptions {
    const needed = capability === undefined ? {} : (this.#needs.forCapability?.[capability] ?? {});
    return { ...this.#needs.always, ...needed, ...changes, name: this.name('topic') };
  }

  async topic(changes: TopicChanges = {}, capability?: Capability): Promise<string> {
    const options = this.topicOptions(changes, capability);
    this.owns(options.name);
    const { created } = await this.port.createTopic(options);
    check(created, `createTopic of the new name "${options.name}" answered created: false`);
    return options.name;
  }

  /** Removes this topic in the end, if it is there. */
  owns(topic: string): void {
    this.#topics.add(topic);
  }

  /** Messages that fail too often are dropped, unless the chapter says otherwise: no dead-letter topic is made in vain. */
  async subscription(topic: string, changes: SubscriptionChanges = {}): Promise<string> {
    const name = changes.name ?? this.name('sub');
    const options: SubscriptionOptions = { onExhausted: 'drop', ...changes, name, topic };
    if (options.onExhausted === 'deadLetter') this.owns(options.deadLetterTopic ?? `${name}.dead`);
    const { created } = await this.port.createSubscription(options);
    check(created, `createSubscription of the new name "${name}" answered created: false`);
    return name;
  }

  /** Closed in the end. */
  async consumer(
    subscription: string,
    credit: Credit = EVERYTHING,
    port: MessagingPort = this.port,
  ): Promise<Consumer> {
    const consumer = await port.subscribe(subscription, { credit });
    this.#consumers.push(consumer);
    return consumer;
  }

  /** A second port on the same backend; closed in the end. @throws Untested where there is none. */
  async anotherPort(): Promise<MessagingPort> {
    if (this.#openAnother === undefined) throw new Untested('no second port can be opened on this backend');
    const port = await this.#openAnother();
    this.#ports.push(port);
    return port;
  }

  /** Topic, subscription and consumer in one. */
  async reader(topicChanges: TopicChanges = {}, subscriptionChanges: SubscriptionChanges = {}) {
    const topic = await this.topic(topicChanges);
    const subscription = await this.subscription(topic, subscriptionChanges);
    return { topic, subscription, consumer: await this.consumer(subscription) };
  }

  // ------------------------------------------------------------------------------------------ publish

  /** Publishes and asserts that each is stored, with one outcome per message. */
  async publish(
    topic: string,
    messages: readonly PublishMessage[],
    options?: PublishOptions,
  ): Promise<readonly StoredOutcome[]> {
    const outcomes = await this.port.publish(topic, messages, options);
    equal(outcomes.length, messages.length, 'number of outcomes');
    return outcomes.map((outcome, index) => {
      if (outcome.kind === 'stored') return outcome;
      throw new ConformanceFailure(
        `message ${index} was ${outcome.kind}: ${outcome.error.code}: ${outcome.error.message}`,
      );
    });
  }

  async publishValues(
    topic: string,
    values: readonly string[],
    extra: Partial<PublishMessage> = {},
  ): Promise<readonly StoredOutcome[]> {
    return await this.publish(
      topic,
      values.map((value) => ({ ...extra, value })),
    );
  }

  // ------------------------------------------------------------------------------------------ receive

  /** Exactly `count` deliveries, by the deadline; leaves them unsettled. */
  async receive(consumer: Consumer, count: number): Promise<readonly Delivery[]> {
    const deliveries: Delivery[] = [];
    const endsAt = performance.now() + this.timing.deadlineMs;
    while (deliveries.length < count) {
      const leftMs = endsAt - performance.now();
      if (leftMs <= 0) {
        throw new ConformanceFailure(
          `${deliveries.length} of ${count} messages came within ${this.timing.deadlineMs} ms: ${deliveries.map(text).join(', ')}`,
        );
      }
      const waitMs = Math.ceil(Math.min(leftMs, PULL_WAIT_MAX_MS));
      deliveries.push(...(await consumer.pull({ maxMessages: count - deliveries.length, waitMs })));
    }
    check(deliveries.length === count, `a pull of at most ${count} messages gave ${deliveries.length}`);
    return deliveries;
  }

  async receiveOne(consumer: Consumer): Promise<Delivery> {
    const [delivery] = await this.receive(consumer, 1);
    return delivery as Delivery;
  }

  /** Receives `count`, acks them, and asserts that nothing comes after: neither a duplicate nor a stranger. */
  async receiveAll(consumer: Consumer, count: number): Promise<readonly Delivery[]> {
    const deliveries = await this.receive(consumer, count);
    await this.ack(consumer, deliveries);
    await this.nothingComes(consumer, `after all ${count} messages were acknowledged`);
    return deliveries;
  }

  async nothingComes(consumer: Consumer, when: string): Promise<void> {
    const surplus = await consumer.pull({ maxMessages: 100, waitMs: this.timing.quietMs });
    check(
      surplus.length === 0,
      `${when}, nothing may come, but ${surplus.map((delivery) => `${text(delivery)} (attempt ${delivery.attempt})`).join(', ')} did`,
    );
  }

  // ------------------------------------------------------------------------------------------ settle

  async ack(consumer: Consumer, deliveries: readonly Delivery[]): Promise<void> {
    if (deliveries.length > 0) this.#allOk('ack', await this.port.ack(consumer.subscription, tokens(deliveries)));
  }

  async nack(consumer: Consumer, deliveries: readonly Delivery[], delayMs = 0): Promise<void> {
    this.#allOk('nack', await this.port.nack(consumer.subscription, tokens(deliveries), { delayMs }));
  }

  async release(consumer: Consumer, deliveries: readonly Delivery[]): Promise<void> {
    this.#allOk('release', await this.port.release(consumer.subscription, tokens(deliveries)));
  }

  async reject(consumer: Consumer, deliveries: readonly Delivery[], reason?: string): Promise<void> {
    const options = reason === undefined ? {} : { reason };
    this.#allOk('reject', await this.port.reject(consumer.subscription, tokens(deliveries), options));
  }

  #allOk(what: string, results: readonly TokenResult[]): void {
    const bad = results.filter(({ status }) => status !== 'ok');
    check(bad.length === 0, `${what} of live tokens answered ${bad.map(({ status }) => status).join(', ')}`);
  }

  // ------------------------------------------------------------------------------------------ wait

  /** Looks at a value until it is as expected: for figures that backends bring up to date with a delay. */
  async eventually<T>(what: string, expected: T, look: () => Promise<T>): Promise<void> {
    const endsAt = performance.now() + this.timing.deadlineMs;
    for (;;) {
      const value = await look();
      if (value === expected) return;
      if (performance.now() > endsAt) {
        throw new ConformanceFailure(
          `${what} should become ${String(expected)}, was still ${String(value)} after ${this.timing.deadlineMs} ms`,
        );
      }
      await pause(POLL_INTERVAL_MS);
    }
  }

  /**
   * Closes the consumers, then removes the topics with their subscriptions.
   * @param port another one on the same backend, where the chapter closed its own.
   */
  async cleanUp(port: MessagingPort = this.port): Promise<void> {
    for (const consumer of this.#consumers) await consumer.close();
    for (const other of this.#ports) await other.close();
    for (const topic of this.#topics) {
      try {
        await port.deleteTopic(topic);
      } catch (reason) {
        const { code } = PortError.from(reason);
        if (code !== 'topic_not_found') throw reason;
      }
    }
  }
}

/** Waits on purpose: only where the claim is about time itself. */
export async function pause(ms: number): Promise<void> {
  await new Promise<void>((resolve) => {
    setTimeout(resolve, ms);
  });
}

export function text({ message }: { readonly message: Message }): string {
  return message.value === null ? 'null' : message.value.toString();
}

export function texts(deliveries: readonly { readonly message: Message }[]): readonly string[] {
  return deliveries.map(text);
}

export function tokens(deliveries: readonly Delivery[]): readonly string[] {
  return deliveries.map(({ token }) => token);
}

export function statuses(results: readonly TokenResult[]): readonly SettleStatus[] {
  return results.map(({ status }) => status);
}

/** `m-0`, `m-1`, ... */
export function numbered(count: number, prefix = 'm'): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
}
