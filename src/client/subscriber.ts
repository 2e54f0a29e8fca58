/**
 * A subscription as an async iterator, over long pulls. At most `credit` deliveries are out; their leases are extended while they are held,
 * here or by the application, up to `holdMs`. A gateway that is away is waited for, up to `outageMs`.
 *
 * What was fetched and nobody took yet is held too: that is what makes the next message ready when the last one is settled. `credit: 1`
 * fetches nothing ahead.
 */

import { SluiceError } from './errors.ts';
import type { PullAnswer, SubscriptionDefinition } from './generated/schemas.ts';
import { backoffMs, type Gateway, sleep } from './http.ts';
import { clientLimits } from './limits.ts';
import { receivedMessage, type ReceivedMessage } from './messages.ts';
import { type SettleCall, type SettleOptions, type SettleStatus, Settling } from './settling.ts';

export interface SubscribeOptions {
  /** At most so many deliveries out and not settled. Default 100. */
  readonly credit?: number;
  /** Ends the subscriber: what it holds is given back. */
  readonly signal?: AbortSignal;
  /** Values as bytes, whatever their content type. */
  readonly encoding?: 'auto' | 'base64';
  /** A lease is extended while its delivery is held. Default true. */
  readonly extend?: boolean;
  /** No longer than this for one delivery. Default ten minutes. */
  readonly holdMs?: number;
  /** A gateway that cannot be reached, or says that it may be tried again, is tried again for so long. Default five minutes. */
  readonly outageMs?: number;
  /** One pull waits so long at the gateway. Default 20 s. */
  readonly waitMs?: number;
  /** Ends when nothing came for so long. Default: never. */
  readonly idleMs?: number;
}

/**
 * Of a settle. `expired`: the lease had ended, and the message comes again. `already`: settled before. `elsewhere`: another gateway
 * handed it out and may hold its lease, at whose end the message comes again. `invalid`: no token of this subscription.
 */
export type { SettleStatus } from './settling.ts';

export interface Delivery {
  readonly message: ReceivedMessage;
  /** 1 for the first. */
  readonly attempt: number;
  readonly token: string;
  /** Done. */
  ack(): Promise<SettleStatus>;
  /** Failed: it comes again after `delayMs`, or the back-off of the subscription. Counts an attempt. */
  nack(options?: { readonly delayMs?: number; readonly reason?: string }): Promise<SettleStatus>;
  /** Untouched: give back now. Counts no attempt where the backend can tell. */
  release(): Promise<SettleStatus>;
  /** To the dead letters now. */
  reject(options?: { readonly reason?: string }): Promise<SettleStatus>;
  /** Moves the end of the lease to so long from now. It is done by itself while the delivery is held, unless `extend` is false. */
  extend(deadlineMs: number): Promise<SettleStatus>;
}

interface Held {
  readonly token: string;
  readonly takenAtMs: number;
  extendedAtMs: number;
}

export class Subscriber implements AsyncIterable<Delivery>, AsyncDisposable {
  readonly subscription: string;
  readonly #gateway: Gateway;
  readonly #options: SubscribeOptions;
  readonly #settling: Settling;
  readonly #end = new AbortController();
  /** When something came last; before that, when the first pull that brought nothing began. */
  #lastCameMs: number | undefined;
  readonly #held = new Map<string, Held>();
  /** With a handler of `run`: finished, not given back, when the subscriber closes. */
  readonly #handled = new Set<string>();
  #ready: Delivery[] = [];
  #leaseMs: Promise<number> | undefined;
  #extending: NodeJS.Timeout | undefined;
  #whenSettled: (() => void) | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(gateway: Gateway, subscription: string, options: SubscribeOptions) {
    const { credit = clientLimits.creditMessages } = options;
    if (!(Number.isInteger(credit) && credit >= 1)) {
      throw new SluiceError('invalid_argument', `credit must be a whole number from 1 on, not ${credit}`, {
        retryable: false,
      });
    }
    this.#gateway = gateway;
    this.subscription = subscription;
    this.#options = { ...options, credit };
    this.#settling = new Settling(gateway, subscription);
    const { signal } = options;
    if (signal?.aborted === true) void this.close();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  readonly #onAbort = (): void => void this.close();

  /** How many deliveries are out, those that nobody took yet included. */
  get heldCount(): number {
    return this.#held.size;
  }

  /**
   * The next delivery; undefined when the subscriber was closed. Several may wait at a time.
   * @throws SluiceError, such as `subscription_not_found`.
   */
  async next(): Promise<Delivery | undefined> {
    const turn = this.#turn.then(async () => await this.#nextInTurn());
    this.#turn = turn.catch(() => undefined);
    return await turn;
  }

  /** Ends with the loop, when it is left too: what is held then is given back. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Delivery, void, undefined> {
    try {
      for (let delivery = await this.next(); delivery !== undefined; delivery = await this.next()) yield delivery;
    } finally {
      await this.close();
    }
  }

  /**
   * Calls the handler for each delivery, up to `concurrency` at a time: acknowledged when it returns, failed (nack) when it throws. Resolves
   * when the subscriber is closed and the last handler has returned: what a handler has is finished, the rest given back.
   */
  async run(
    handler: (message: ReceivedMessage, delivery: Delivery) => Promise<void> | void,
    options: { readonly concurrency?: number; readonly onError?: (error: unknown, delivery: Delivery) => void } = {},
  ): Promise<void> {
    const worker = async (): Promise<void> => {
      for (let delivery = await this.next(); delivery !== undefined; delivery = await this.next()) {
        this.#handled.add(delivery.token);
        try {
          await handler(delivery.message, delivery);
          if (this.#held.has(delivery.token)) await delivery.ack();
        } catch (error) {
          options.onError?.(error, delivery);
          // Should it fail too, the lease ends by itself.
          if (this.#held.has(delivery.token))
            await delivery.nack({ reason: String(error).slice(0, 1_000) }).catch(() => undefined);
        } finally {
          this.#handled.delete(delivery.token);
        }
      }
    };
    const workers = Array.from({ length: options.concurrency ?? 1 }, worker);
    try {
      await Promise.all(workers);
    } finally {
      await this.close();
      await Promise.allSettled(workers);
      clearInterval(this.#extending);
    }
  }

  /** No more pulls; what is out and not settled is given back, uncounted where the backend can tell. Idempotent, at most some seconds. */
  async close(): Promise<void> {
    this.#closing ??= this.#closeNow();
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #closeNow(): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#end.abort();
    this.#whenSettled?.();
    if (this.#handled.size === 0) clearInterval(this.#extending);
    this.#ready = [];
    const untouched = [...this.#held.keys()].filter((token) => !this.#handled.has(token));
    const released = Promise.allSettled(untouched.map(async (token) => await this.#settle('release', token)));
    const late = new AbortController();
    // A gateway that is gone needs nothing given back: the leases end.
    await Promise.race([released, sleep(clientLimits.closeMs, late.signal).catch(() => undefined)]);
    late.abort();
  }

  async #nextInTurn(): Promise<Delivery | undefined> {
    let awaySinceMs: number | undefined;
    for (let attempt = 1; !this.#end.signal.aborted; ) {
      const ready = this.#ready.shift();
      if (ready !== undefined) return ready;
      try {
        if ((await this.#hasRoom()) && !(await this.#pull()) && this.#isIdle()) {
          await this.close();
          break;
        }
        awaySinceMs = undefined;
        attempt = 1;
      } catch (reason) {
        if (this.#end.signal.aborted) break;
        const error = reason as SluiceError;
        awaySinceMs ??= performance.now();
        const { outageMs = clientLimits.outageMs } = this.#options;
        if (error.retryable !== true || performance.now() - awaySinceMs > outageMs) {
          await this.close();
          throw reason;
        }
        await sleep(backoffMs(attempt, error.retryAfterMs), this.#end.signal).catch(() => undefined); // closed: the loop sees it
        attempt += 1;
      }
    }
    return undefined;
  }

  /** Waits for a settle where the credit is used up. */
  async #hasRoom(): Promise<boolean> {
    if (this.#held.size < (this.#options.credit as number)) return true;
    await new Promise<void>((resolve) => {
      this.#whenSettled = resolve;
    });
    return !this.#end.signal.aborted && this.#held.size < (this.#options.credit as number);
  }

  /** One pull may wait for less than the time that nothing may come. A timer's millisecond either way is none. */
  #isIdle(): boolean {
    const { idleMs } = this.#options;
    if (idleMs === undefined) return false;
    this.#lastCameMs ??= performance.now() - Math.min(idleMs, clientLimits.pullWaitMs);
    return performance.now() - this.#lastCameMs >= idleMs - 5;
  }

  /** Whether anything came. */
  async #pull(): Promise<boolean> {
    const { pullWaitMs } = clientLimits;
    const { idleMs = pullWaitMs, waitMs = Math.min(idleMs, pullWaitMs), encoding, extend = true } = this.#options;
    if (extend) await this.#keepExtending();
    const room = (this.#options.credit as number) - this.#held.size;
    const { body } = await this.#gateway.call<PullAnswer>({
      method: 'POST',
      path: `/v1/subscriptions/${encodeURIComponent(this.subscription)}/pull`,
      query: { encoding },
      body: { maxMessages: Math.min(room, clientLimits.messagesPerRequestMax), waitMs },
      signal: this.#end.signal,
      timeoutMs: waitMs + clientLimits.timeoutMs,
      isRepeatable: false,
      attempts: 1, // the loop around it tries again, and knows for how long
      trace: null, // for whichever messages come: a trace in which somebody subscribed would never end
    });
    const now = performance.now();
    if (body.deliveries.length > 0) this.#lastCameMs = now;
    for (const { ackToken, attempt, message } of body.deliveries) {
      this.#held.set(ackToken, { token: ackToken, takenAtMs: now, extendedAtMs: now });
      this.#ready.push(this.#delivery(ackToken, attempt, receivedMessage(message)));
    }
    return body.deliveries.length > 0;
  }

  #delivery(token: string, attempt: number, message: ReceivedMessage): Delivery {
    return {
      token,
      attempt,
      message,
      ack: async () => await this.#settle('ack', token),
      nack: async (options) => await this.#settle('nack', token, options),
      release: async () => await this.#settle('release', token),
      reject: async (options) => await this.#settle('reject', token, options),
      extend: async (deadlineMs) => await this.#settling.settle('extend', token, { deadlineMs }),
    };
  }

  async #settle(call: SettleCall, token: string, options?: SettleOptions): Promise<SettleStatus> {
    // From here on it is not extended: settled or not, it is no longer held.
    if (this.#held.delete(token)) {
      this.#whenSettled?.();
      this.#whenSettled = undefined;
    }
    return await this.#settling.settle(call, token, options);
  }

  async #keepExtending(): Promise<void> {
    if (this.#extending !== undefined) return;
    this.#leaseMs ??= this.#askLease();
    let leaseMs: number;
    try {
      leaseMs = await this.#leaseMs;
    } catch (reason) {
      this.#leaseMs = undefined;
      throw reason;
    }
    if (this.#end.signal.aborted) return;
    const everyMs = Math.max(20, leaseMs * clientLimits.extendAfterPart);
    this.#extending = setInterval(() => this.#extendHeld(leaseMs, everyMs), everyMs / 2);
  }

  async #askLease(): Promise<number> {
    const { body } = await this.#gateway.call<SubscriptionDefinition>({
      method: 'GET',
      path: `/v1/subscriptions/${encodeURIComponent(this.subscription)}`,
      signal: this.#end.signal,
      isRepeatable: true,
    });
    return body.ackDeadlineMs;
  }

  #extendHeld(leaseMs: number, everyMs: number): void {
    const now = performance.now();
    const { holdMs = clientLimits.holdMs } = this.#options;
    for (const held of this.#held.values()) {
      if (now - held.extendedAtMs < everyMs * 0.75 || now - held.takenAtMs + leaseMs > holdMs) continue;
      held.extendedAtMs = now;
      void this.#settling.settle('extend', held.token, { deadlineMs: leaseMs }).then(
        (status) => {
          // Lost: a seek, another gateway, a deadline that came first. Its settle will say so; it takes no room meanwhile.
          if (status !== 'ok' && this.#held.delete(held.token)) this.#dropReady(held.token);
        },
        () => undefined, // the next round tries again, twice before the lease ends
      );
    }
  }

  /** One that nobody took yet and that comes again anyway. */
  #dropReady(token: string): void {
    this.#ready = this.#ready.filter((delivery) => delivery.token !== token);
    this.#whenSettled?.();
    this.#whenSettled = undefined;
  }
}
