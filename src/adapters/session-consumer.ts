/** A consumer's side of a session: its credit, and at most a few callers that wait for messages. */

import { PortError } from './errors.ts';
import { limits } from './limits.ts';
import type { Consumer, Credit, Delivery } from './port.ts';
import type { SubscriptionSession } from './session.ts';
import { Fifo } from './ready-queue.ts';

interface Waiter {
  readonly maxMessages: number;
  readonly maxBytes: number;
  resolve: ((deliveries: readonly Delivery[]) => void) | null;
  reject: (error: PortError) => void;
  timer: NodeJS.Timeout | undefined;
}

type PullOptions = Parameters<Consumer['pull']>[0];

export class SessionConsumer implements Consumer {
  readonly credit: Required<Credit>;
  readonly hasLocalTokens: boolean;
  readonly #session: SubscriptionSession;
  readonly #waiters = new Fifo<Waiter>();
  readonly #signal: AbortSignal | undefined;
  // Whoever ends it like that waits for nothing; what could not be given back comes again by itself.
  readonly #onAbort = (): void => void this.close().catch(() => undefined);
  #heldMessages = 0;
  #heldBytes = 0;
  #closed: Promise<void> | undefined;
  #endedWith: PortError | undefined;
  #isEnded = false;

  constructor(
    session: SubscriptionSession,
    credit: Required<Credit>,
    { signal, hasLocalTokens = false }: { readonly signal?: AbortSignal; readonly hasLocalTokens?: boolean },
  ) {
    this.#session = session;
    this.hasLocalTokens = hasLocalTokens;
    this.credit = credit;
    this.#signal = signal;
    if (signal?.aborted === true) queueMicrotask(this.#onAbort);
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  get subscription(): string {
    return this.#session.definition.name;
  }

  /** A first message is always allowed, however large. */
  get hasCredit(): boolean {
    return (
      this.#heldMessages === 0 || (this.#heldMessages < this.credit.messages && this.#heldBytes < this.credit.bytes)
    );
  }

  get isWaiting(): boolean {
    return this.#firstWaiter() !== undefined && this.hasCredit;
  }

  hold(bytes: number): void {
    this.#heldMessages += 1;
    this.#heldBytes += bytes;
  }

  letGo(bytes: number): void {
    this.#heldMessages -= 1;
    this.#heldBytes -= bytes;
    if (this.#firstWaiter() !== undefined) this.#session.wake();
  }

  /** Not async: where nobody traces, a promise less for each pull. */
  pull(options: PullOptions): Promise<readonly Delivery[]> {
    const { tracing } = this.#session;
    const tracer = tracing?.tracer;
    if (tracing === undefined || tracer === undefined) return this.#pull(options);
    return tracing.receive(tracer, this.#session.definition, options, async () => await this.#pull(options));
  }

  async #pull(options: PullOptions): Promise<readonly Delivery[]> {
    this.#throwIfEnded();
    if (this.#isEnded) return [];
    if (!(options.maxMessages >= 1))
      throw new PortError('invalid_argument', `maxMessages must be at least 1, not ${options.maxMessages}`);
    const maxBytes = options.maxBytes ?? limits.pullBytesMax;
    if (this.#firstWaiter() === undefined) {
      const deliveries = this.#session.takeFor(this, options.maxMessages, maxBytes);
      if (deliveries.length > 0 || options.waitMs <= 0) return deliveries;
    }
    return await this.#wait({ ...options, maxBytes });
  }

  /** Serves the first waiter with at most `share` messages, so that several consumers get some each. */
  offer(share: number): void {
    const waiter = this.#firstWaiter();
    if (waiter === undefined) return;
    const deliveries = this.#session.takeFor(this, Math.min(waiter.maxMessages, share), waiter.maxBytes);
    if (deliveries.length > 0) this.#answer(waiter, deliveries);
  }

  [Symbol.asyncIterator](): AsyncIterator<Delivery> {
    return {
      next: async () => {
        const [delivery] = await this.pull({ maxMessages: 1, waitMs: Number.POSITIVE_INFINITY });
        return delivery === undefined ? { done: true, value: undefined } : { done: false, value: delivery };
      },
      return: async () => {
        await this.close();
        return { done: true, value: undefined };
      },
    };
  }

  /** The session ended: with an error for whoever waits, or quietly. */
  end(error: PortError | undefined): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#endedWith = error;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    for (let waiter = this.#firstWaiter(); waiter !== undefined; waiter = this.#firstWaiter()) {
      if (error === undefined || error.code === 'closed') this.#answer(waiter, []);
      else {
        clearTimeout(waiter.timer);
        waiter.resolve = null;
        waiter.reject(error);
      }
    }
  }

  async close(): Promise<void> {
    this.#closed ??= (async () => {
      this.end(undefined);
      await this.#session.removeConsumer(this);
    })();
    await this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #throwIfEnded(): void {
    if (this.#endedWith !== undefined && this.#endedWith.code !== 'closed') throw this.#endedWith;
  }

  async #wait(options: {
    readonly maxMessages: number;
    readonly maxBytes: number;
    readonly waitMs: number;
    readonly signal?: AbortSignal;
  }) {
    return await new Promise<readonly Delivery[]>((resolve, reject) => {
      const waiter: Waiter = {
        maxMessages: options.maxMessages,
        maxBytes: options.maxBytes,
        resolve,
        reject,
        timer: undefined,
      };
      const giveUp = (): void => this.#answer(waiter, []);
      if (options.waitMs !== Number.POSITIVE_INFINITY) waiter.timer = setTimeout(giveUp, options.waitMs);
      if (options.signal !== undefined) {
        if (options.signal.aborted) {
          resolve([]);
          clearTimeout(waiter.timer);
          return;
        }
        options.signal.addEventListener('abort', giveUp, { once: true });
        const { signal } = options;
        waiter.resolve = (deliveries) => {
          signal.removeEventListener('abort', giveUp);
          resolve(deliveries);
        };
      }
      this.#waiters.push(waiter);
      this.#session.wake();
    });
  }

  #answer(waiter: Waiter, deliveries: readonly Delivery[]): void {
    const { resolve } = waiter;
    waiter.resolve = null;
    clearTimeout(waiter.timer);
    resolve?.(deliveries);
  }

  /** Waiters that were answered by time or abort are dropped on the way. */
  #firstWaiter(): Waiter | undefined {
    for (let waiter = this.#waiters.first(); waiter !== undefined; waiter = this.#waiters.first()) {
      if (waiter.resolve !== null) return waiter;
      this.#waiters.shift();
    }
    return undefined;
  }
}
