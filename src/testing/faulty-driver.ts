/** The native driver with faults planted in front of it, and a note of everything that passes: what was stored in which order. */

import type {
  Driver,
  DriverDelivery,
  Intake,
  IntakeCredit,
  IntakeSink,
  MetaStore,
  OutgoingMessage,
  PositionState,
} from '../adapters/driver.ts';
import { PortError } from '../adapters/errors.ts';
import type {
  Durability,
  Health,
  Persistence,
  Position,
  PublishOutcome,
  ReadResult,
  SubscriptionDefinition,
  SubscriptionLag,
  TopicDefinition,
} from '../adapters/port.ts';
import type { Activity } from './activity.ts';
import type { Arrivals } from './arrivals.ts';
import type { PlantedFaults } from './faults.ts';
import type { BrokerClock } from './test-clock.ts';

export interface FaultyDriverParts {
  readonly faults: PlantedFaults;
  readonly clock: BrokerClock;
  readonly activity: Activity;
  readonly arrivals: Arrivals;
}

type PublishOptions = Parameters<Driver['publish']>[2];

export class FaultyDriver implements Driver {
  readonly #driver: Driver;
  readonly #parts: FaultyDriverParts;
  readonly #cutOff = new Set<() => void>();

  constructor(driver: Driver, parts: FaultyDriverParts) {
    this.#driver = driver;
    this.#parts = parts;
  }

  /** Publishes under way are answered `unknown` now. */
  cutPublishes(): void {
    for (const cut of this.#cutOff) cut();
  }

  async publish(
    topic: TopicDefinition,
    messages: readonly OutgoingMessage[],
    options: PublishOptions,
  ): Promise<readonly PublishOutcome[]> {
    let cut: (() => void) | undefined;
    const dropped = new Promise<readonly PublishOutcome[]>((resolve) => {
      cut = () => resolve(unknownOutcomes(messages, 'the connection was dropped'));
    });
    this.#cutOff.add(cut as () => void);
    try {
      return await Promise.race([this.#publish(topic, messages, options), dropped]);
    } finally {
      this.#cutOff.delete(cut as () => void);
    }
  }

  async #publish(topic: TopicDefinition, messages: readonly OutgoingMessage[], options: PublishOptions) {
    const { faults, clock, activity, arrivals } = this.#parts;
    const delay = faults.strike(['delayPublishes'], topic.name);
    if (delay !== undefined) await new Promise<void>((resolve) => void clock.after(delay.ms, resolve));
    const fault = faults.strike(['refusePublishes', 'loseAnswers'], topic.name);
    if (fault?.kind === 'refusePublishes') return refusals(messages, fault.code);
    if (fault?.kind === 'loseAnswers' && !fault.stored) return unknownOutcomes(messages, 'the answer was lost');
    const outcomes = await this.#driver.publish(topic, messages, options);
    arrivals.note(topic.name, outcomes);
    activity.happened();
    return fault === undefined ? outcomes : unknownOutcomes(messages, 'the answer was lost');
  }

  async openIntake(
    subscription: SubscriptionDefinition,
    topic: TopicDefinition,
    sink: IntakeSink,
    credit: IntakeCredit,
  ): Promise<Intake> {
    return new WatchedIntake(await this.#driver.openIntake(subscription, topic, sink, credit), this.#parts.activity);
  }

  async deleteTopic(topic: TopicDefinition): Promise<void> {
    await this.#driver.deleteTopic(topic);
    this.#parts.arrivals.forget(topic.name);
  }

  // ------------------------------------------------------------------------------------------ as it is

  get info() {
    return this.#driver.info;
  }

  capabilities() {
    return this.#driver.capabilities();
  }

  async openMeta(apply: (key: string, value: string | null) => void): Promise<MetaStore> {
    return await this.#driver.openMeta(apply);
  }

  completeTopic(topic: TopicDefinition): TopicDefinition {
    return this.#driver.completeTopic(topic);
  }

  checkSubscription(subscription: SubscriptionDefinition, topic: TopicDefinition): void {
    this.#driver.checkSubscription(subscription, topic);
  }

  deadLetterTopic(name: string, source: TopicDefinition): TopicDefinition {
    return this.#driver.deadLetterTopic(name, source);
  }

  async createTopic(topic: TopicDefinition): Promise<void> {
    await this.#driver.createTopic(topic);
  }

  async settlePosition(
    subscription: SubscriptionDefinition,
    topic: TopicDefinition,
    partition: number,
    offset: number,
    settles: boolean,
  ): Promise<PositionState> {
    return (await this.#driver.settlePosition?.(subscription, topic, partition, offset, settles)) ?? 'elsewhere';
  }

  async alterTopic(
    from: TopicDefinition,
    to: TopicDefinition,
    subscriptions: readonly SubscriptionDefinition[],
  ): Promise<void> {
    await this.#driver.alterTopic?.(from, to, subscriptions);
  }

  checkAlteredSubscription(from: SubscriptionDefinition, to: SubscriptionDefinition, topic: TopicDefinition): void {
    this.#driver.checkAlteredSubscription?.(from, to, topic);
  }

  async createSubscription(
    subscription: SubscriptionDefinition,
    topic: TopicDefinition,
    isMadeElsewhere?: () => Promise<boolean>,
  ): Promise<void> {
    await this.#driver.createSubscription(subscription, topic, isMadeElsewhere);
  }

  async deleteSubscription(subscription: SubscriptionDefinition, topic: TopicDefinition): Promise<void> {
    await this.#driver.deleteSubscription(subscription, topic);
  }

  durability(
    topic: TopicDefinition,
    asked: { readonly persistence?: Persistence; readonly minCopies?: number },
  ): Durability {
    return this.#driver.durability(topic, asked);
  }

  async seek(subscription: SubscriptionDefinition, topic: TopicDefinition, to: Position): Promise<void> {
    await this.#driver.seek(subscription, topic, to);
  }

  async lag(subscription: SubscriptionDefinition, topic: TopicDefinition): Promise<SubscriptionLag> {
    return await this.#driver.lag(subscription, topic);
  }

  async read(
    topic: TopicDefinition,
    partition: number,
    from: 'earliest' | 'latest' | number,
    limit: number,
  ): Promise<ReadResult> {
    return await this.#driver.read(topic, partition, from, limit);
  }

  async health(): Promise<Health> {
    return await this.#driver.health();
  }

  async close(): Promise<void> {
    await this.#driver.close();
  }
}

/** Tells when something was settled. */
class WatchedIntake implements Intake {
  readonly retryMode: Intake['retryMode'];
  readonly #intake: Intake;
  readonly #activity: Activity;

  constructor(intake: Intake, activity: Activity) {
    this.retryMode = intake.retryMode;
    this.#intake = intake;
    this.#activity = activity;
  }

  async ack(delivery: DriverDelivery): Promise<void> {
    await this.#intake.ack(delivery);
    this.#activity.happened();
  }

  async giveBack(delivery: DriverDelivery, counted: boolean): Promise<void> {
    await this.#intake.giveBack(delivery, counted);
    this.#activity.happened();
  }

  grant(credit: IntakeCredit): void {
    this.#intake.grant(credit);
  }

  noteAttempt(delivery: DriverDelivery, attempt: number): void {
    this.#intake.noteAttempt?.(delivery, attempt);
    this.#activity.happened();
  }

  async settlePosition(partition: number, offset: number, settles: boolean): Promise<PositionState> {
    const state = (await this.#intake.settlePosition?.(partition, offset, settles)) ?? 'elsewhere';
    this.#activity.happened();
    return state;
  }

  async written(): Promise<void> {
    await this.#intake.written?.();
  }

  async close(): Promise<void> {
    await this.#intake.close();
  }
}

function refusals(
  messages: readonly OutgoingMessage[],
  code: ConstructorParameters<typeof PortError>[0],
): readonly PublishOutcome[] {
  const error = new PortError(code, 'refused by a planted fault');
  return messages.map(({ id }) => ({ kind: 'refused', id, error }));
}

function unknownOutcomes(messages: readonly OutgoingMessage[], why: string): readonly PublishOutcome[] {
  const error = new PortError('publish_outcome_unknown', `${why} by a planted fault`);
  return messages.map(({ id }) => ({ kind: 'unknown', id, error }));
}
