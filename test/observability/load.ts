/**
 * A load that uses every door, and its own books: what it published and when, and what each subscription has settled. The metrics are held to these books,
 * not to themselves.
 */

import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';

const TICK_MS = 50;
/** After a publish that was held up, such as by a broker that is away. What was not sent then is not made up for. */
const MESSAGES_MAX = 500;

interface Answer {
  readonly status: number;
  readonly json: ReturnType<typeof JSON.parse>;
}

export class Load {
  readonly topic: string;
  /** Keeps up; fails some, and gives some up. */
  readonly quick: string;
  /** Settles a few, and so falls behind. */
  readonly slow: string;
  /** For a stream of the test. */
  readonly live: string;
  readonly #url: string;
  readonly #settled = new Map<string, number>();
  /** When so many had been stored: at the end of each publish. */
  readonly #stored: { readonly atMs: number; readonly count: number }[] = [];
  #published = 0;
  #isPublishing = false;
  #isConsuming = false;
  #work: Promise<unknown>[] = [];

  constructor(url: string, topic = `orders-${randomUUID().slice(0, 8)}`) {
    this.#url = url;
    this.topic = topic;
    this.quick = `${topic}-quick`;
    this.slow = `${topic}-slow`;
    this.live = `${topic}-live`;
  }

  /** @param topicOptions as the queue type of RabbitMQ. */
  async prepare(topicOptions: object = {}): Promise<void> {
    await this.#ok('topics', { name: this.topic, ...topicOptions });
    await this.#ok('subscriptions', {
      name: this.quick,
      topic: this.topic,
      retry: { minBackoffMs: 10 },
    });
    await this.#ok('subscriptions', { name: this.live, topic: this.topic });
    await this.#ok('subscriptions', {
      name: this.slow,
      topic: this.topic,
      ackDeadlineMs: 2_000,
      // None is given up by itself: the books would not know of it.
      retry: { maxAttempts: 100 },
    });
  }

  /** Messages a second, in small publishes at the times they are due. */
  start(rate: number): void {
    this.#isPublishing = true;
    this.#isConsuming = true;
    this.#work = [this.#publish(rate), this.#consumeQuick(), this.#consumeSlow()];
  }

  /** For the end of a test, however it ended. */
  async stop(): Promise<void> {
    this.#isPublishing = false;
    this.#isConsuming = false;
    await Promise.allSettled(this.#work);
  }

  async stopPublishing(): Promise<void> {
    this.#isPublishing = false;
    await this.#work[0];
  }

  async stopConsuming(): Promise<void> {
    this.#isConsuming = false;
    await Promise.all(this.#work);
  }

  /** Messages a second between two moments, by the books. */
  rate(fromMs: number, toMs: number): number {
    return ((this.#storedAt(toMs) - this.#storedAt(fromMs)) / (toMs - fromMs)) * 1_000;
  }

  /** When the first message was stored, by the books. */
  get firstStoredMs(): number {
    return this.#stored[0]?.atMs ?? Number.NaN;
  }

  get published(): number {
    return this.#published;
  }

  lag(subscription: string): number {
    return this.#published - (this.#settled.get(subscription) ?? 0);
  }

  async #publish(rate: number): Promise<void> {
    const startedMs = performance.now();
    let due = 0;
    while (this.#isPublishing) {
      const owed = Math.floor(((performance.now() - startedMs) * rate) / 1_000) - due;
      if (owed > 0) {
        const messages = Array.from({ length: Math.min(owed, MESSAGES_MAX) }, () => ({ value: 'x'.repeat(100) }));
        due += owed;
        const { json } = await this.#ask(`topics/${this.topic}/messages`, { messages });
        const stored = (json.results as { problem?: unknown }[] | undefined)?.filter(
          ({ problem }) => problem === undefined,
        );
        this.#published += stored?.length ?? 0;
        this.#stored.push({ atMs: Date.now(), count: this.#published });
      }
      await new Promise((resolve) => setTimeout(resolve, TICK_MS)); // the pace of the load, not a wait for something
    }
  }

  async #consumeQuick(): Promise<void> {
    let turn = 0;
    while (this.#isConsuming) {
      const tokens = await this.#pull(this.quick, 100);
      if (tokens.length === 0) continue;
      turn += 1;
      const [first, second, ...rest] = tokens;
      if (turn % 5 === 0 && first !== undefined && second !== undefined) {
        await this.#settle(this.quick, 'nack', [first], false);
        await this.#settle(this.quick, 'reject', [second], true);
        if (rest.length > 0) await this.#settle(this.quick, 'ack', rest, true);
      } else await this.#settle(this.quick, 'ack', tokens, true);
    }
  }

  /** One of ten is settled; of the others some run out and some are given back. */
  async #consumeSlow(): Promise<void> {
    while (this.#isConsuming) {
      const tokens = await this.#pull(this.slow, 10);
      if (tokens.length === 0) continue;
      await this.#settle(this.slow, 'ack', tokens.slice(0, 1), true);
      await this.#settle(this.slow, 'release', tokens.slice(2), false);
    }
  }

  async #pull(subscription: string, maxMessages: number): Promise<string[]> {
    const { status, json } = await this.#ask(`subscriptions/${subscription}/pull`, { maxMessages, waitMs: 200 });
    if (status !== 200) await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    return ((json.deliveries ?? []) as { ackToken: string }[]).map(({ ackToken }) => ackToken);
  }

  async #settle(subscription: string, call: string, tokens: readonly string[], isSettled: boolean): Promise<void> {
    if (tokens.length === 0) return;
    const { json } = await this.#ask(`subscriptions/${subscription}/${call}`, { tokens });
    const done = ((json.results ?? []) as { status: string }[]).filter(({ status }) => status === 'ok').length;
    if (isSettled) this.#settled.set(subscription, (this.#settled.get(subscription) ?? 0) + done);
  }

  #storedAt(ms: number): number {
    return this.#stored.findLast(({ atMs }) => atMs <= ms)?.count ?? 0;
  }

  async #ok(path: string, body: unknown): Promise<void> {
    const { status, json } = await this.#ask(path, body);
    if (status >= 300) throw new Error(`${path}: ${status} ${JSON.stringify(json)}`);
  }

  async #ask(path: string, body: unknown): Promise<Answer> {
    const answer = await fetch(`${this.#url}/v1/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { status: answer.status, json: await answer.json() };
  }
}
