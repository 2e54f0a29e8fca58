/**
 * One process's share of a subscription, for every backend alike: an intake of the driver on one side, consumers on the
 * other; between them leases, ordering lanes, retries with back-off and dead letters.
 *
 * A message is in exactly one state: ready (or queued in its lane), leased to a consumer, waiting for its back-off, gone.
 * A consumer asks (pull); nobody is handed what nobody asked for, so the lease starts when the message leaves.
 *
 * Non-obvious: `lost` may come at any time (a rebalance, a dead channel). The message will come again from the backend, so
 * its lease ends here at once and its token answers `expired`: an ack would promise what nobody can keep.
 */

import { type AckToken, fingerprint, type TokenSigner } from './ack-tokens.ts';
import { type PortClock, systemClock } from './clock.ts';
import { DueQueue } from './due-queue.ts';
import type { Driver, DriverDelivery, Intake, IntakeCredit } from './driver.ts';
import { PortError } from './errors.ts';
import type { TokenPosition } from './late-tokens.ts';
import { Leases } from './leases.ts';
import { limits } from './limits.ts';
import type {
  Consumer,
  Credit,
  Delivery,
  Message,
  SettleStatus,
  SubscriptionDefinition,
  TopicDefinition,
} from './port.ts';
import { type Entry, ReadyQueue } from './ready-queue.ts';
import { SessionConsumer } from './session-consumer.ts';
import type { PortTracing } from './tracing.ts';

/** What a session tells its port: for metrics and for forgetting it. */
export interface SessionHooks {
  storeDeadLetter(subscription: SubscriptionDefinition, letter: DeadLetter): Promise<void>;
  event(name: SessionEvent, subscription: SubscriptionDefinition): void;
  closed(session: SubscriptionSession): void;
}

export type SessionEvent = 'redelivered' | 'lease_expired' | 'dead_lettered' | 'dropped';

export interface DeadLetter {
  readonly message: Message;
  readonly attempts: number;
  readonly reason: string;
}

/** Undefined for a token that names no lease of this session and none that ran out in it (late-tokens.ts). */
export type KnownStatus = SettleStatus | undefined;

export class SubscriptionSession {
  #definition: SubscriptionDefinition;
  #topic: TopicDefinition;
  readonly #driver: Driver;
  readonly #hooks: SessionHooks;
  readonly #signer: TokenSigner;
  readonly tracing: PortTracing | undefined;
  readonly #ready: ReadyQueue;
  readonly #clock: PortClock;
  readonly #due: DueQueue;
  readonly #entries = new Map<DriverDelivery, Entry>();
  readonly #leases: Leases;
  readonly #consumers = new Set<SessionConsumer>();
  #intake: Intake | undefined;
  #pumping = false;
  #ended: PortError | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: {
    readonly driver: Driver;
    readonly definition: SubscriptionDefinition;
    readonly topic: TopicDefinition;
    readonly signer: TokenSigner;
    readonly hooks: SessionHooks;
    readonly tracing?: PortTracing;
    readonly clock?: PortClock;
  }) {
    this.#clock = options.clock ?? systemClock;
    this.#due = new DueQueue(this.#clock);
    this.#leases = new Leases({ clock: this.#clock, due: this.#due, onExpired: ({ entry }) => this.#expired(entry) });
    this.#driver = options.driver;
    this.#definition = options.definition;
    this.#topic = options.topic;
    this.#signer = options.signer;
    this.#hooks = options.hooks;
    this.tracing = options.tracing;
    this.#ready = new ReadyQueue(options.definition.ordering);
  }

  get definition(): SubscriptionDefinition {
    return this.#definition;
  }

  get topic(): TopicDefinition {
    return this.#topic;
  }

  /**
   * Goes on with definitions that changed. Leases that are out keep their deadlines; only a topic with more partitions needs a new intake,
   * and what is out of the old one ends as expired, uncounted.
   */
  async use(definition: SubscriptionDefinition, topic: TopicDefinition): Promise<void> {
    const hasMorePartitions = topic.partitions !== this.#topic.partitions;
    if (definition.ackDeadlineMs !== this.#definition.ackDeadlineMs) this.#leases.keepDeadlines();
    this.#definition = definition;
    this.#topic = topic;
    if (hasMorePartitions) await this.seek(async () => undefined);
    else this.#grant();
  }

  /** Of the sessions of its process; its tokens carry it. */
  get number(): number {
    return this.#signer.session;
  }

  /** The subscription was moved: tokens of before mean nothing after a restart. */
  useEpoch(epoch: string): void {
    this.#signer.useEpoch(epoch);
  }

  get isClosing(): boolean {
    return this.#closing !== undefined || this.#ended !== undefined;
  }

  // ------------------------------------------------------------------------------------------ consumers

  addConsumer(
    credit: Required<Credit>,
    options: { readonly signal?: AbortSignal; readonly hasLocalTokens?: boolean },
  ): Consumer {
    if (this.#consumers.size >= limits.consumersPerSubscriptionMax) {
      throw new PortError(
        'too_many_in_flight',
        `subscription "${this.definition.name}" has ${this.#consumers.size} consumers in this process`,
      );
    }
    const consumer = new SessionConsumer(this, credit, options);
    this.#consumers.add(consumer);
    this.#grant();
    return consumer;
  }

  /** Opens the intake once there is a consumer to be fed. */
  async open(credit: IntakeCredit): Promise<void> {
    const intake = await this.#driver.openIntake(
      this.definition,
      this.topic,
      {
        deliver: (delivery) => this.#deliver(delivery),
        lost: (deliveries) => this.#lost(deliveries),
        ended: (error) => this.#end(error),
      },
      this.#bounded(credit),
    );
    if (this.isClosing) {
      // Closed while the backend was asked: nobody else knows of this intake, and it would read on for nobody.
      await intake.close();
      return;
    }
    this.#intake = intake;
    this.#grant();
  }

  /** Gives back what the consumer holds, as untouched; the last one closes the session. */
  async removeConsumer(consumer: SessionConsumer): Promise<void> {
    if (!this.#consumers.delete(consumer)) return;
    const held = this.#leases.all().filter((lease) => lease.consumer === consumer);
    for (const lease of held) this.#leases.endAsExpired(lease);
    if (this.#consumers.size === 0) {
      await this.close();
      return;
    }
    this.#grant();
    await Promise.all(held.map(async ({ entry }) => await this.#giveBackUntouched(entry)));
    this.#pump();
  }

  /** Wakes whoever waits, after the current burst of deliveries: one pull then takes many. */
  wake(): void {
    this.#pump();
  }

  // ------------------------------------------------------------------------------------------ hand out

  takeFor(consumer: SessionConsumer, maxMessages: number, maxBytes: number): Delivery[] {
    const deliveries: Delivery[] = [];
    const nowMs = this.#clock.nowMs();
    const monotonicMs = this.#clock.monotonicMs();
    let bytes = 0;
    while (deliveries.length < maxMessages && consumer.hasCredit) {
      const next = this.#ready.peek();
      if (next === undefined || (deliveries.length > 0 && bytes + next.delivery.bytes > maxBytes)) break;
      const entry = this.#ready.take() as Entry;
      bytes += entry.delivery.bytes;
      deliveries.push(this.#lease(entry, consumer, nowMs, monotonicMs));
    }
    return deliveries;
  }

  get readyCount(): number {
    return this.#ready.count;
  }

  get endedWith(): PortError | undefined {
    return this.#ended;
  }

  // ------------------------------------------------------------------------------------------ settle

  /** Of those tokens whose leases are out. */
  messagesOf(tokens: readonly string[]): readonly Message[] {
    return tokens.flatMap((token) => this.#leases.of(token)?.entry.delivery.message ?? []);
  }

  async ack(tokens: readonly string[]): Promise<KnownStatus[]> {
    return await this.#settle(tokens, (entry) => this.#finish(entry));
  }

  async nack(
    tokens: readonly string[],
    delayMs: number | undefined,
    reason: string | undefined,
  ): Promise<KnownStatus[]> {
    return await this.#settle(tokens, (entry) => this.#fail(entry, delayMs, reason ?? 'nack'));
  }

  async release(tokens: readonly string[]): Promise<KnownStatus[]> {
    return await this.#settle(tokens, async (entry) => await this.#giveBackUntouched(entry));
  }

  async reject(tokens: readonly string[], reason: string | undefined): Promise<KnownStatus[]> {
    return await this.#settle(tokens, async (entry) => await this.#exhaust(entry, reason ?? 'rejected'));
  }

  extend(tokens: readonly string[], deadlineMs: number): KnownStatus[] {
    return tokens.map((token) => {
      const lease = this.#leases.of(token);
      if (lease === undefined) return this.#statusWithoutLease(token);
      this.#leases.extend(lease, this.#clock.monotonicMs() + deadlineMs);
      return 'ok';
    });
  }

  /**
   * What became of a message for whose delivery another process gave a token, or this one in an earlier session; with `settles`, a free
   * one is settled.
   */
  async lookAt(token: AckToken, partition: number, offset: number, settles: boolean): Promise<TokenPosition> {
    const entry = this.#entryAt(partition, offset);
    if (entry === undefined) return (await this.#intake?.settlePosition?.(partition, offset, settles)) ?? 'held';
    if (fingerprint(entry.delivery.message) !== token.fingerprint) return 'gone';
    const isFree = (entry.state === 'ready' || entry.state === 'queued') && entry.attempt === token.attempt;
    if (!isFree) return 'held';
    if (settles) {
      await this.#finish(entry);
      this.#pump();
    }
    return 'free';
  }

  /**
   * Resolves when what was settled here before the call is as safe as its ack promised, also where the write of that ack was refused.
   * Rejects as an ack does.
   */
  async settledIsWritten(): Promise<void> {
    // A close has the intake already, and writes what is left.
    await (this.#closing ?? this.#intake?.written?.());
  }

  /** Looked for one by one: only tokens of an earlier time need it. */
  #entryAt(partition: number, offset: number): Entry | undefined {
    for (const [{ message }, entry] of this.#entries) {
      if (message.offset === offset && message.partition === partition) return entry;
    }
    return undefined;
  }

  /** Every lease ends now, as if its deadline had come: a consumer's connection was lost. */
  expireLeases(): void {
    for (const lease of this.#leases.all()) this.#leases.expire(lease);
  }

  /**
   * Everything outstanding ends as expired, without counting; the intake is closed, the cursor moved, a new intake opened.
   * One at a time: the port sees to that.
   */
  async seek(move: () => Promise<void>): Promise<void> {
    const intake = this.#intake;
    this.#intake = undefined;
    // Before the intake is closed, which may take its time: an ack in between would promise what nobody keeps.
    this.#lost([...this.#entries.keys()]);
    try {
      await intake?.close();
    } catch (reason) {
      // Its place may not be written. Without an intake the session would answer for ever with nothing.
      const error = PortError.from(reason);
      this.#end(error);
      throw error;
    }
    this.#lost([...this.#entries.keys()]);
    try {
      await move();
    } finally {
      await this.#reopen();
    }
  }

  /** A session without an intake would answer every pull with nothing for ever: so it ends, and the next pull opens another. */
  async #reopen(): Promise<void> {
    if (this.isClosing) return;
    try {
      await this.open(this.#wantedCredit());
    } catch (reason) {
      const error = PortError.from(reason);
      this.#end(error);
      throw error;
    }
  }

  /** Gives everything back and frees the intake. Idempotent. */
  async close(): Promise<void> {
    this.#closing ??= this.#closeNow();
    await this.#closing;
  }

  /** The subscription is gone, or the port closes: waiting pulls end. */
  async endWith(error: PortError): Promise<void> {
    this.#end(error);
    await this.close();
  }

  // ------------------------------------------------------------------------------------------ inside

  #deliver(delivery: DriverDelivery): void {
    if (this.isClosing) return;
    this.#entries.set(delivery, this.#ready.add(delivery));
    if (delivery.attempt > 1) this.#hooks.event('redelivered', this.definition);
    this.#pump();
  }

  #lost(deliveries: readonly DriverDelivery[]): void {
    for (const delivery of deliveries) {
      const entry = this.#entries.get(delivery);
      if (entry === undefined) continue;
      this.#entries.delete(delivery);
      this.#ready.done(entry);
    }
    for (const lease of this.#leases.all()) if (lease.entry.state === 'gone') this.#leases.endAsExpired(lease);
    this.#pump();
  }

  #end(error: PortError): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    this.#due.clear();
    for (const consumer of this.#consumers) consumer.end(error);
    this.#consumers.clear();
    this.#leases.clear();
    void this.close().catch(() => undefined); // the end was told already; a broker that is gone cannot be closed better
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      // A consumer may have many callers that wait, and one round serves the first of each: the next round serves the next ones.
      let isMore = true;
      while (isMore) isMore = this.#serveOneEach();
    });
  }

  /** Whether anything was handed out. */
  #serveOneEach(): boolean {
    const before = this.#ready.count;
    if (before === 0) return false;
    const waiting = [...this.#consumers].filter((consumer) => consumer.isWaiting);
    let left = waiting.length;
    for (const consumer of waiting) {
      if (this.#ready.count === 0) break;
      consumer.offer(Math.ceil(this.#ready.count / left));
      left -= 1;
    }
    // The one served first goes to the back of the line.
    let isServed = false;
    for (const consumer of waiting) {
      if (consumer.isWaiting || !this.#consumers.delete(consumer)) continue;
      this.#consumers.add(consumer);
      isServed = true;
    }
    return isServed || this.#ready.count < before;
  }

  #lease(entry: Entry, consumer: SessionConsumer, nowMs: number, monotonicMs: number): Delivery {
    entry.state = 'leased';
    const { message } = entry.delivery;
    const { ackDeadlineMs } = this.#definition;
    const deadlineMs = nowMs + ackDeadlineMs;
    const token = consumer.hasLocalTokens
      ? this.#signer.local()
      : this.#signer.sign(message, entry.attempt, deadlineMs);
    this.#leases.add(token, entry, consumer, monotonicMs + ackDeadlineMs);
    return { token, attempt: entry.attempt, deadlineMs, message };
  }

  async #settle(tokens: readonly string[], how: (entry: Entry) => Promise<void> | void): Promise<KnownStatus[]> {
    const pending: Promise<void>[] = [];
    let last: Promise<void> | undefined; // a driver that writes many settlements at once answers all with one promise
    const statuses = tokens.map((token): KnownStatus => {
      const lease = this.#leases.of(token);
      if (lease === undefined) return this.#statusWithoutLease(token);
      this.#leases.end(lease);
      const done = how(lease.entry) ?? undefined;
      if (done !== undefined && done !== last) pending.push(done);
      last = done ?? last;
      return 'ok';
    });
    if (this.#ready.count > 0) this.#pump();
    if (pending.length > 0) await Promise.all(pending);
    return statuses;
  }

  #statusWithoutLease(token: string): KnownStatus {
    return this.#leases.hasExpired(token) ? 'expired' : undefined;
  }

  #expired(entry: Entry): void {
    this.#hooks.event('lease_expired', this.definition);
    this.#fail(entry, undefined, 'lease expired');
    this.#pump();
  }

  #finish(entry: Entry): Promise<void> | void {
    this.#ready.done(entry);
    this.#entries.delete(entry.delivery);
    return this.#intake?.ack(entry.delivery);
  }

  #fail(entry: Entry, delayMs: number | undefined, reason: string): void {
    const { onExhausted, retry, ordering } = this.definition;
    if (onExhausted !== 'block' && entry.attempt >= retry.maxAttempts) {
      this.#exhaustAlone(entry, reason);
      return;
    }
    const wait = delayMs ?? backoffMs(entry.attempt, retry);
    entry.state = 'waiting';
    entry.hasFailed = true;
    const intake = this.#intake;
    if (intake?.retryMode === 'requeue' && ordering === 'none') {
      this.#after(wait, entry, () => {
        this.#forget(entry);
        void intake.giveBack(entry.delivery, true);
      });
      return;
    }
    intake?.noteAttempt?.(entry.delivery, entry.attempt);
    entry.attempt += 1;
    this.#after(wait, entry, () => {
      this.#hooks.event('redelivered', this.definition);
      this.#ready.again(entry);
      this.#pump();
    });
  }

  async #giveBackUntouched(entry: Entry): Promise<void> {
    if (this.#intake?.retryMode === 'requeue' && this.definition.ordering === 'none') {
      const intake = this.#intake;
      this.#forget(entry);
      await intake.giveBack(entry.delivery, false);
      return;
    }
    this.#ready.again(entry);
    this.#pump();
  }

  /** Ends a message that may not be tried again. Resolves when its dead letter is stored; a failure to store is retried. */
  async #exhaust(entry: Entry, reason: string): Promise<void> {
    entry.state = 'waiting';
    if (this.definition.deadLetterTopic === null) {
      this.#hooks.event('dropped', this.definition);
      await this.#finish(entry);
      return;
    }
    try {
      await this.#hooks.storeDeadLetter(this.definition, {
        message: entry.delivery.message,
        attempts: entry.attempt,
        reason,
      });
    } catch {
      // Closed or lost meanwhile: it comes again, and whoever has it then stores the letter.
      if (this.isClosing || !this.#entries.has(entry.delivery)) return;
      // Not stored, or not known to be: the message stays unsettled, so a second dead letter is possible and none is lost.
      this.#after(limits.deadLetterRetryMs, entry, () => this.#exhaustAlone(entry, reason));
      return;
    }
    if (!this.#entries.has(entry.delivery)) return; // lost meanwhile: it comes again
    this.#hooks.event('dead_lettered', this.definition);
    await this.#finish(entry);
    this.#pump();
  }

  /** Nobody waits for it. A backend that could not write the settlement writes it with the next one, or the message comes again. */
  #exhaustAlone(entry: Entry, reason: string): void {
    this.#exhaust(entry, reason).catch(() => undefined);
  }

  #after(delayMs: number, entry: Entry, work: () => void): void {
    if (delayMs <= 0) {
      work();
      return;
    }
    this.#due.at(this.#clock.monotonicMs() + delayMs, () => {
      if (entry.state === 'waiting') work();
    });
  }

  #forget(entry: Entry): void {
    this.#ready.done(entry);
    this.#entries.delete(entry.delivery);
  }

  #grant(): void {
    if (this.#consumers.size > 0) this.#intake?.grant(this.#wantedCredit());
  }

  #wantedCredit(): IntakeCredit {
    let messages = 0;
    let bytes = 0;
    for (const { credit } of this.#consumers) {
      messages += credit.messages;
      bytes += credit.bytes;
    }
    return this.#bounded({ messages: Math.max(1, messages), bytes: Math.max(1, bytes) });
  }

  #bounded(credit: IntakeCredit): IntakeCredit {
    const { maxInFlight } = this.definition;
    return {
      messages: Math.min(credit.messages, maxInFlight.messages),
      bytes: Math.min(credit.bytes, maxInFlight.bytes),
    };
  }

  async #closeNow(): Promise<void> {
    this.#due.clear();
    const intake = this.#intake;
    this.#intake = undefined;
    if (intake !== undefined) {
      // What failed here since it came goes back as counted, the rest as untouched.
      const entries = [...this.#entries.values()];
      const returns = entries.map(async ({ delivery, hasFailed }) => {
        await intake.giveBack(delivery, hasFailed);
      });
      // Nothing that waits for its back-off, or for its dead letter, is this session's any more.
      for (const entry of entries) entry.state = 'gone';
      this.#entries.clear();
      await Promise.allSettled(returns);
    }
    try {
      await intake?.close();
    } finally {
      for (const consumer of this.#consumers) consumer.end(undefined);
      this.#consumers.clear();
      // Also where the end could not be written: one that stayed would keep the subscription from being opened again.
      this.#hooks.closed(this);
    }
  }
}

function backoffMs(attempt: number, retry: SubscriptionDefinition['retry']): number {
  // Beyond that it is the longest anyway, and 0 times infinity is no time.
  return Math.min(retry.maxBackoffMs, retry.minBackoffMs * 2 ** Math.min(attempt - 1, 40));
}
