/**
 * Load on a port that goes on through a fault, and knows afterwards what became of every message: publishers in lanes (a lane is a
 * key, so one partition), a consumer that takes what comes, one that keeps the order of keys where the backend has any, a ledger.
 */

import { setTimeout as delay } from 'node:timers/promises';
import type { MessagingPort, PublishOutcome, TopicOptions } from '../../src/adapters/port.ts';
import { PortError } from '../../src/adapters/errors.ts';
import { type Answer, AckedLedger, Receptions, type Verdict } from './ledger.ts';
import { uniqueName, until } from './waiting.ts';

export interface LoadOptions {
  /** As it is named in results: `kafka`, `rabbitmq-quorum`. */
  readonly system: string;
  readonly topic?: Omit<TopicOptions, 'name'>;
  readonly lanes?: number;
  readonly messagesPerPublish?: number;
  /** Between two publishes of a lane. */
  readonly paceMs?: number;
  readonly bytes?: number;
  readonly ackDeadlineMs?: number;
}

/** When something first was well again, in ms after a moment. */
export interface Recovery {
  readonly storedMs: number;
  readonly deliveredMs: number;
}

/** A publisher that is refused does not come back at once. */
const REFUSED_PAUSE_MS = 100;
const READ_LIMIT = 1_000;
const DRAIN_MS = 60_000;

interface Reader {
  readonly subscription: string;
  readonly receptions: Receptions;
  /** By name, of those that were published after `#watchFromMs`. */
  firstNewAtMs: number | null;
  /** Between two receptions, since gaps are watched. */
  longestGapMs: number;
  lastAtMs: number | null;
}

export class Load {
  readonly system: string;
  readonly topic: string;
  readonly ledger = new AckedLedger();
  readonly refusals = new Map<string, number>();
  /** The longest that a publish call took, by its answer. */
  readonly slowestMs: Record<Answer, number> = { stored: 0, refused: 0, unknown: 0 };
  /** Where stored ones are, by `partition/offset`; only on backends with offsets. */
  readonly #places = new Map<string, string>();
  readonly #port: MessagingPort;
  readonly #options: LoadOptions;
  readonly #readers: Reader[] = [];
  readonly #reading: Promise<void>[] = [];
  readonly #stopReading = new AbortController();
  #lanes: Promise<unknown> = Promise.resolve();
  #isPublishing = false;
  #watchFromMs = Number.POSITIVE_INFINITY;
  #firstStoredAtMs: number | null = null;
  readonly #isNew = new Set<string>();
  failure: unknown;

  private constructor(port: MessagingPort, options: LoadOptions) {
    this.#port = port;
    this.#options = options;
    this.system = options.system;
    this.topic = uniqueName(`fault-${options.system}`);
  }

  static async start(port: MessagingPort, options: LoadOptions): Promise<Load> {
    const load = new Load(port, options);
    await port.createTopic({ name: load.topic, partitions: 3, ...options.topic });
    for (const ordering of ['none', 'key'] as const) {
      const name = `${load.topic}-${ordering}`;
      await port.createSubscription({
        name,
        topic: load.topic,
        ordering,
        onExhausted: 'block',
        ackDeadlineMs: options.ackDeadlineMs ?? 30_000,
      });
      load.#readers.push({
        subscription: name,
        receptions: new Receptions(),
        firstNewAtMs: null,
        longestGapMs: 0,
        lastAtMs: null,
      });
    }
    for (const reader of load.#readers) load.#reading.push(load.#read(port, reader, load.#stopReading.signal));
    load.resume();
    return load;
  }

  /** Names of the queues or topics on the broker that must be there for the load to go on. */
  get subscriptions(): readonly string[] {
    return this.#readers.map(({ subscription }) => subscription);
  }

  get stored(): number {
    return this.ledger.stored;
  }

  get received(): number {
    return Math.min(...this.#readers.map(({ receptions }) => receptions.count));
  }

  get notStored(): number {
    return [...this.refusals.values()].reduce((sum, each) => sum + each, 0);
  }

  resume(): void {
    this.#isPublishing = true;
    const lanes = Array.from({ length: this.#options.lanes ?? 4 }, (_, lane) => this.#publish(lane));
    this.#lanes = Promise.all(lanes).catch((reason: unknown) => (this.failure ??= reason));
  }

  /** Resolves when no publish is out any more. */
  async pause(): Promise<void> {
    this.#isPublishing = false;
    await this.#lanes;
  }

  /** Resolves when more than so many messages were refused or left unknown: the fault is felt. */
  async untilNotStored(before: number, withinMs: number): Promise<void> {
    await until(
      () => `${this.system} feels it (${this.#stateText()})`,
      () => this.notStored > before,
      withinMs,
    );
  }

  /** Resolves when a message published from now on was stored, and one received by every subscription. */
  async recovered(sinceMs: number, withinMs: number): Promise<Recovery> {
    this.#isNew.clear();
    this.#firstStoredAtMs = null;
    for (const reader of this.#readers) reader.firstNewAtMs = null;
    this.#watchFromMs = performance.now();
    await until(
      () => `${this.system} publishes and delivers again (${this.#stateText()})`,
      () => this.#firstStoredAtMs !== null && this.#readers.every(({ firstNewAtMs }) => firstNewAtMs !== null),
      withinMs,
    );
    this.#watchFromMs = Number.POSITIVE_INFINITY;
    const deliveredAtMs = Math.max(...this.#readers.map(({ firstNewAtMs }) => firstNewAtMs ?? 0));
    return {
      storedMs: Math.round((this.#firstStoredAtMs ?? 0) - sinceMs),
      deliveredMs: Math.round(deliveredAtMs - sinceMs),
    };
  }

  /** Resolves when this many more are stored and received. */
  async flowed(messages: number, withinMs = 30_000): Promise<void> {
    const [stored, received] = [this.stored, this.received];
    await until(
      () => `${messages} more through ${this.system} (${this.#stateText()})`,
      () => this.stored >= stored + messages && this.received >= received + messages,
      withinMs,
    );
  }

  /** One more consumer on each subscription; call what it resolves with to have them leave, with what they hold. */
  async join(port: MessagingPort): Promise<() => Promise<void>> {
    const leaving = new AbortController();
    const reading = this.#readers.map((reader) => this.#read(port, reader, leaving.signal));
    return async () => {
      leaving.abort();
      await Promise.all(reading);
    };
  }

  watchGaps(): void {
    for (const reader of this.#readers) reader.lastAtMs = performance.now();
  }

  get longestGapMs(): number {
    return Math.max(...this.#readers.map(({ longestGapMs }) => longestGapMs));
  }

  /** Ends the publishing, waits until what was stored has come, and says what became of all. */
  async audit(): Promise<{ readonly none: Verdict; readonly key: Verdict }> {
    await this.pause();
    if (this.failure !== undefined) throw this.failure;
    const stored = this.ledger.storedNames();
    // What is missing at the deadline is lost; the verdict says so with its names.
    await until(
      'all that was stored is received',
      () => this.#readers.every(({ receptions }) => stored.every((name) => receptions.hasName(name))),
      DRAIN_MS,
    ).catch(() => undefined);
    const [none, key] = this.#readers.map(({ receptions }) => this.ledger.verdict(receptions));
    return { none: none as Verdict, key: key as Verdict };
  }

  /** Stored messages that are not where their answer said. */
  async misplaced(): Promise<string[]> {
    const found = new Map<string, string>();
    const { partitions } = await this.#port.describeTopic(this.topic);
    for (let partition = 0; partition < partitions; partition += 1) {
      for (let from: number | 'earliest' = 'earliest', more = true; more; ) {
        const page = await this.#port.read(this.topic, partition, from, READ_LIMIT);
        for (const { offset, value } of page.messages) found.set(`${partition}/${offset}`, nameIn(value));
        more = page.messages.length > 0;
        from = page.next;
      }
    }
    return [...this.#places].filter(([place, name]) => found.get(place) !== name).map(([, name]) => name);
  }

  async end(): Promise<void> {
    await this.pause();
    this.#stopReading.abort();
    await Promise.all(this.#reading);
    this.ledger.close();
  }

  async #publish(lane: number): Promise<void> {
    const { messagesPerPublish = 20, paceMs = 10, bytes = 100 } = this.#options;
    const padding = 'x'.repeat(bytes);
    while (this.#isPublishing) {
      const startedAtMs = performance.now();
      const numbers = this.ledger.send(lane, messagesPerPublish);
      const isNew = startedAtMs >= this.#watchFromMs;
      if (isNew) for (const number of numbers) this.#isNew.add(`${lane}:${number}`);
      const outcomes = await this.#outcomes(lane, numbers, padding);
      const tookMs = performance.now() - startedAtMs;
      for (const [index, { kind, error, place }] of outcomes.entries()) {
        this.ledger.answered(lane, numbers[index] as number, kind);
        if (place !== undefined) this.#places.set(place, `${lane}:${numbers[index]}`);
        this.slowestMs[kind] = Math.max(this.slowestMs[kind], Math.round(tookMs));
        if (error !== undefined) this.refusals.set(error, (this.refusals.get(error) ?? 0) + 1);
      }
      if (isNew && outcomes.some(({ kind }) => kind === 'stored')) this.#firstStoredAtMs ??= performance.now();
      await delay(outcomes.every(({ kind }) => kind === 'stored') ? paceMs : REFUSED_PAUSE_MS);
    }
  }

  async #outcomes(
    lane: number,
    numbers: readonly number[],
    padding: string,
  ): Promise<{ readonly kind: Answer; readonly error?: string; readonly place?: string }[]> {
    try {
      const outcomes: readonly PublishOutcome[] = await this.#port.publish(
        this.topic,
        numbers.map((number) => ({ key: `lane-${lane}`, value: `${lane}:${number} ${padding}` })),
      );
      return outcomes.map((outcome) => {
        if (outcome.kind !== 'stored') return { kind: outcome.kind, error: outcome.error.code };
        const { kind, partition, offset } = outcome;
        return offset === null ? { kind } : { kind, place: `${partition}/${offset}` };
      });
    } catch (reason) {
      // The port rejects only when nothing was tried.
      return numbers.map(() => ({ kind: 'refused', error: PortError.from(reason).code }));
    }
  }

  /** Resolves when the signal has ended it. What ends it otherwise is the load's failure. */
  async #read(port: MessagingPort, reader: Reader, signal: AbortSignal): Promise<void> {
    try {
      const consumer = await port.subscribe(reader.subscription, { credit: { messages: 500 }, signal });
      for await (const { token, message } of consumer) {
        this.#note(reader, nameIn(message.value));
        void port.ack(reader.subscription, [token]).catch((reason: unknown) => (this.failure ??= reason));
      }
      await consumer.close();
    } catch (reason) {
      if (!signal.aborted) this.failure ??= reason;
    }
  }

  #note(reader: Reader, name: string): void {
    const [lane = -1, number = -1] = name.split(':').map(Number);
    reader.receptions.note(lane, number);
    if (reader.lastAtMs !== null) {
      reader.longestGapMs = Math.max(reader.longestGapMs, performance.now() - reader.lastAtMs);
      reader.lastAtMs = performance.now();
    }
    if (this.#isNew.has(name)) reader.firstNewAtMs ??= performance.now();
  }

  #stateText(): string {
    return `stored ${this.stored}, received ${this.received}, refused by ${JSON.stringify([...this.refusals])}`;
  }
}

function nameIn(value: Buffer | null): string {
  return value?.toString().split(' ')[0] ?? '';
}
