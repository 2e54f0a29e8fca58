/**
 * The stage of one scenario: topics and subscriptions with names of their own, publishing that is awaited, receiving up to
 * a marker, and everything taken down again. Waiting is always for an event, with a deadline.
 */

import type { Capability, Position } from '../../adapters/index.ts';
import type { ScenarioVerdict } from '../report/model.ts';
import type {
  ConsumeOptions,
  QueueRules,
  SendResult,
  SubscriptionSpec,
  TopicSpec,
  Wire,
  WireConsumer,
  WireDelivery,
  WireMessage,
} from '../systems/wire.ts';
import { isRefusalCode, WireRefusal } from '../systems/wire.ts';

/** A code stands in a report where there are no words for it. */
const refusalWords: Readonly<Record<string, string>> = {
  broker_has_none: 'the broker has no such thing',
};

const publishChunk = 500;
const drainCredit = 200;
const drainPollMs = 10;
/** How long after the last expected message something that should not come is waited for. */
const quietMs = 150;

export interface Text extends Pick<WireMessage, 'headers' | 'ttlMs' | 'priority' | 'delayMs'> {
  readonly key?: string;
  readonly text: string;
}

export interface Received {
  readonly key: string | null;
  readonly text: string;
  readonly partition: number;
  readonly offset: number | null;
  readonly attempt: number | null;
  readonly isRedelivered: boolean | null;
  readonly headers: () => Readonly<Record<string, string>>;
  /** On the clock of the stage. */
  readonly atMs: number;
}

/** The property could not be judged: a wait was too long, or the stage broke. Becomes INCONCLUSIVE. */
export class Undecided extends Error {
  override readonly name = 'Undecided';
}

export interface DrainBounds {
  readonly count: number;
  readonly quietMs: number;
  /** A text that must come before silence counts. */
  readonly marker?: string;
}

export class Stage {
  readonly #wire: Wire;
  readonly #prefix: string;
  readonly #deadlineAt: number;
  readonly #now: () => number;
  readonly #topics: string[] = [];
  #isStruck = false;
  readonly #subscriptions: string[] = [];
  readonly #consumers: WireConsumer[] = [];
  readonly #specs = new Map<string, SubscriptionSpec>();

  constructor(options: {
    readonly wire: Wire;
    readonly prefix: string;
    readonly deadlineMs: number;
    readonly now: () => number;
  }) {
    this.#wire = options.wire;
    this.#prefix = options.prefix;
    this.#now = options.now;
    this.#deadlineAt = options.now() + options.deadlineMs;
  }

  async topic(name: string, spec: number | TopicSpec = 1): Promise<string> {
    const full = `${this.#prefix}-${name}`;
    this.#topics.push(full);
    try {
      await this.#wire.createTopic(full, typeof spec === 'number' ? { partitions: spec } : spec);
    } catch (reason) {
      // What was refused is not there to be removed; anything else may be.
      if (reason instanceof WireRefusal) this.#topics.pop();
      throw reason;
    }
    return full;
  }

  async subscription(
    name: string,
    topic: string,
    options: {
      readonly start?: Position;
      readonly ordering?: 'none' | 'key';
      readonly maxAttempts?: number;
      readonly credit?: number;
      readonly rules?: QueueRules;
    } = {},
  ): Promise<string> {
    const full = `${this.#prefix}-${name}`;
    const { start = 'latest', ordering = 'none', ...rest } = options;
    const spec = { name: full, topic, start, ordering, ...rest };
    await this.#wire.createSubscription(spec);
    this.#specs.set(full, spec);
    this.#subscriptions.push(full);
    return full;
  }

  /** Makes a subscription known to another wire: a client keeps in mind what it made, the port looks it up. */
  async adopt(wire: Wire, subscription: string): Promise<void> {
    const spec = this.#specs.get(subscription);
    if ((wire.layer !== 'bare' && wire.layer !== 'reference') || spec === undefined) return;
    await this.within(wire.createSubscription({ ...spec, start: 'earliest' }), 'a subscription to be known');
  }

  /** The dead letters of a subscription as one of its own. */
  async deadLettersOf(subscription: string): Promise<string> {
    const name = await this.within(this.#wire.deadLettersOf(subscription), 'the dead letters');
    // Those of a queue go with it; a reader of ours does not.
    if (this.#wire.layer === 'port') this.#subscriptions.push(name);
    return name;
  }

  /** Resolves with every fate, in order. */
  async publish(topic: string, texts: readonly Text[], mode?: string): Promise<readonly SendResult[]> {
    const publisher = await this.#wire.publisher(topic, mode === undefined ? {} : { mode });
    const results: SendResult[] = [];
    for (let from = 0; from < texts.length; from += publishChunk) {
      const chunk = texts.slice(from, from + publishChunk).map(toMessage);
      await this.within(
        new Promise<void>((resolve) => {
          let open = chunk.length;
          publisher.publish(chunk, (index, result) => {
            results[from + index] = result;
            if (--open === 0) resolve();
          });
        }),
        `${chunk.length} publishes to be answered`,
      );
    }
    await this.within(publisher.close(), 'the publisher to close');
    return results;
  }

  /** As publish, for a stage that needs all of them stored. What cannot be asked for at all is the wire's refusal. */
  async publishAcked(topic: string, texts: readonly Text[], mode?: string): Promise<void> {
    const results = await this.publish(topic, texts, mode);
    const failed = results.find((result) => result.fate !== 'acked');
    if (failed === undefined) return;
    if (failed.fate === 'refused' && isRefusalCode(failed.code))
      throw new WireRefusal(failed.code, `a publish was refused: ${refusalWords[failed.code] ?? failed.code}`);
    throw new Undecided(`a publish that the scenario needs was ${failed.fate}: ${failed.code}`);
  }

  async consume(
    subscription: string,
    options: Omit<ConsumeOptions, 'onError'> & Partial<Pick<ConsumeOptions, 'onError'>>,
  ): Promise<WireConsumer> {
    const consumer = await this.within(
      this.#wire.consume(subscription, { onError: () => {}, ...options }),
      'a consumer to open',
    );
    this.#consumers.push(consumer);
    return consumer;
  }

  /**
   * Reads and acks until a text that `isLast` accepts, then a moment longer for what should not come, and closes.
   * Rejects with Undecided when that never arrives.
   */
  async receiveUntil(
    subscription: string,
    isLast: (text: string) => boolean,
    credit = 200,
  ): Promise<readonly Received[]> {
    const received: Received[] = [];
    const arrived = signal();
    const consumer = await this.consume(subscription, {
      credit,
      settle: { kind: 'batch', ackBatch: 50 },
      onDelivery: (delivery) => {
        received.push(this.toReceived(delivery));
        if (isLast(delivery.value.toString())) arrived.resolve();
      },
      onError: arrived.reject,
    });
    await this.within(arrived.promise, `the last message (${received.length} came)`);
    await this.pause(quietMs);
    await this.within(consumer.close(), 'a consumer to close');
    return received;
  }

  /** Reads and acks until `count` different texts came or nothing has come for `quietMs`; then closes. */
  async drain(
    subscription: string,
    { count, quietMs: patienceMs, marker }: DrainBounds,
    wire: Wire = this.#wire,
  ): Promise<readonly Received[]> {
    const received: Received[] = [];
    const different = new Set<string>();
    const over = signal();
    let lastAt = this.#now();
    const consumer = await this.within(
      wire.consume(subscription, {
        credit: drainCredit,
        settle: { kind: 'batch', ackBatch: 50 },
        onDelivery: (delivery) => {
          received.push(this.toReceived(delivery));
          different.add(delivery.value.toString());
          lastAt = this.#now();
        },
        onError: over.reject,
      }),
      'a consumer to open',
    );
    this.#consumers.push(consumer);
    lastAt = this.#now();
    const isQuiet = async () => {
      // Without the marker silence may only mean that the system is not yet back.
      const isEarly = () => marker !== undefined && !different.has(marker);
      while (!this.isOver && (isEarly() || (different.size < count && this.#now() - lastAt < patienceMs)))
        await this.pause(drainPollMs);
    };
    await this.within(Promise.race([isQuiet(), over.promise]), 'the rest to be read');
    await this.pause(quietMs);
    await this.within(consumer.close(), 'a consumer to close');
    return received;
  }

  /** The scenario has ended, or its time has: what still loops for it stops, or the process would never end. */
  get isOver(): boolean {
    return this.#isStruck || this.#now() >= this.#deadlineAt;
  }

  get nowMs(): number {
    return this.#now();
  }

  /** Polls until it holds; Undecided when the time is over first. */
  async until(holds: () => boolean, what: string): Promise<void> {
    await this.within(
      (async () => {
        while (!holds() && this.#now() < this.#deadlineAt) await this.pause(drainPollMs);
      })(),
      what,
    );
    if (!holds()) throw new Undecided(`the scenario's time ended while waiting for ${what}`);
  }

  toReceived(delivery: WireDelivery): Received {
    const { key, partition, offset, attempt, isRedelivered, headers } = delivery;
    const text = delivery.value.toString();
    return { key, text, partition, offset, attempt, isRedelivered, headers, atMs: this.#now() };
  }

  /** Rejects with Undecided when the scenario's time is over first. */
  async within<T>(work: Promise<T>, what: string): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const leftMs = Math.max(0, this.#deadlineAt - this.#now());
      timer = setTimeout(() => reject(new Undecided(`the scenario's time ended while waiting for ${what}`)), leftMs);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => setTimeout(resolve, ms));
  }

  /** Removes everything (with the other wire, where the stage's own may be dead), whatever fails on the way; resolves with what could not be removed. */
  async strike(instead?: Wire): Promise<readonly string[]> {
    this.#isStruck = true;
    const failures: string[] = [];
    const attempt = async (work: Promise<void>) => {
      const timed = within(work, strikeStepMsMax);
      await timed.catch((reason: unknown) => failures.push(reason instanceof Error ? reason.message : String(reason)));
    };
    const wire = instead ?? this.#wire;
    await Promise.all(this.#consumers.map((consumer) => attempt(consumer.close())));
    // The last first: it may read what an earlier one brings with it, its dead letters.
    for (const name of this.#subscriptions.toReversed()) {
      // Another wire must first know it.
      if (instead !== undefined) await this.adopt(wire, name).catch(() => undefined);
      await attempt(wire.deleteSubscription(name));
    }
    for (const name of this.#topics) await attempt(wire.deleteTopic(name));
    return failures;
  }
}

const strikeStepMsMax = 10_000;

async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A promise and its ends. */
export function signal(): {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
} {
  let resolve: () => void = () => {};
  let reject: (reason: unknown) => void = () => {};
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  // Whoever awaits it learns of a rejection; a scenario that failed earlier for the same reason does not await any more.
  promise.catch(() => {});
  return { promise, resolve, reject };
}

/** `prefix-0`, `prefix-1`, ... */
export function texts(prefix: string, count: number): readonly Text[] {
  return Array.from({ length: count }, (_, i) => ({ text: `${prefix}-${i}` }));
}

/** A property that was seen to hold: natively, or by the adapter's work, as the layer itself says. */
export function held(wire: Wire, capability: Capability): ScenarioVerdict {
  return wire.capabilities?.[capability].level === 'emulated' ? 'EMULATED' : 'PASS';
}

export function countOf(received: readonly Received[], prefix: string): number {
  return new Set(received.filter(({ text }) => text.startsWith(`${prefix}-`)).map(({ text }) => text)).size;
}

/** Deliveries beyond the first of each text. */
export function duplicatesIn(received: readonly Received[]): number {
  return received.length - new Set(received.map(({ text }) => text)).size;
}

function toMessage({ key, text, ...rest }: Text): WireMessage {
  return { key: key ?? null, value: Buffer.from(text), ...rest };
}
