/**
 * What makes pull stateless for clients: per subscription one consumer of the port, shared by all pulls, with the
 * credit of all that the subscription's maxInFlight lets out. It is opened by the first pull and closed when nobody pulled for a while and
 * nothing is outstanding, so that what it prefetched goes to other members.
 *
 * Non-obvious: a nacked message waits for its back-off inside the port's session; closing the consumer would cut the wait
 * short. So "outstanding" includes the longest back-off that may still run.
 */

import {
  type Consumer,
  type Delivery,
  limits,
  type MessagingPort,
  PortError,
  type TokenResult,
  type TraceContext,
} from '../adapters/index.ts';
import { type GatewayLimits, gatewayLimits } from './limits.ts';

export interface PullOptions {
  readonly maxMessages: number;
  readonly maxBytes: number;
  readonly waitMs: number;
  readonly signal: AbortSignal;
  readonly traceContext?: TraceContext;
}

interface PullSession {
  readonly consumer: Promise<Consumer>;
  maxBackoffMs: number;
  pulling: number;
  /** Tokens, because a client may also settle what came to it by a stream of the same subscription. */
  readonly outstanding: Set<string>;
  leasesEndMs: number;
  backoffEndsMs: number;
  idleTimer: NodeJS.Timeout | undefined;
}

export class PullSessions {
  readonly #port: MessagingPort;
  readonly #idleMs: number;
  readonly #bounds: Pick<GatewayLimits, 'pullSessionsMax' | 'pullsWaitingPerSubscriptionMax'>;
  readonly #sessions = new Map<string, PullSession>();
  #isClosed = false;

  constructor(
    port: MessagingPort,
    idleMs: number = gatewayLimits.pullIdleMs,
    bounds: Pick<GatewayLimits, 'pullSessionsMax' | 'pullsWaitingPerSubscriptionMax'> = gatewayLimits,
  ) {
    this.#port = port;
    this.#idleMs = idleMs;
    this.#bounds = bounds;
  }

  get openCount(): number {
    return this.#sessions.size;
  }

  get waitingCount(): number {
    let waiting = 0;
    for (const { pulling } of this.#sessions.values()) waiting += pulling;
    return waiting;
  }

  /**
   * Deliveries as soon as there are any; none after the wait or when the signal aborts.
   * @throws PortError `subscription_not_found`, `too_many_in_flight`, `draining`.
   */
  async pull(subscription: string, options: PullOptions): Promise<readonly Delivery[]> {
    const startedAt = performance.now();
    const isFirst = !this.#sessions.has(subscription);
    try {
      return await this.#pullOnce(subscription, options);
    } catch (reason) {
      if (isFirst || options.signal.aborted || this.#isClosed) throw reason;
      // The consumer of an earlier pull had ended, perhaps long ago: deleted and made again meanwhile, the subscription is there. A new
      // one knows.
      const leftMs = Math.max(0, options.waitMs - (performance.now() - startedAt));
      return await this.#pullOnce(subscription, { ...options, waitMs: leftMs });
    }
  }

  async #pullOnce(subscription: string, options: PullOptions): Promise<readonly Delivery[]> {
    const session = this.#session(subscription);
    if (session.pulling >= this.#bounds.pullsWaitingPerSubscriptionMax) {
      throw new PortError('too_many_in_flight', `${session.pulling} pulls wait on subscription "${subscription}"`, {
        retryAfterMs: 1_000,
      });
    }
    session.pulling += 1;
    clearTimeout(session.idleTimer);
    try {
      const deliveries = await (await session.consumer).pull(options);
      this.#noteDelivered(session, deliveries);
      return deliveries;
    } catch (reason) {
      // Ended under us: the next try opens a new one, and learns whether the subscription is gone.
      this.#forget(subscription, session);
      throw PortError.from(reason);
    } finally {
      session.pulling -= 1;
      this.#armIdleTimer(subscription, session);
    }
  }

  /** To be told of every settled token. `keepsForMs`: how long the port may hold these messages still (a nack's delay). */
  noteSettled(subscription: string, results: readonly TokenResult[], keepsForMs = 0): void {
    const session = this.#sessions.get(subscription);
    if (session === undefined) return;
    for (const { token, status } of results) if (status === 'ok') session.outstanding.delete(token);
    if (keepsForMs > 0) session.backoffEndsMs = Math.max(session.backoffEndsMs, Date.now() + keepsForMs);
  }

  /** The longest the port may hold a nacked message of this subscription when the nack names no delay. */
  maxBackoffMs(subscription: string): number {
    return this.#sessions.get(subscription)?.maxBackoffMs ?? 0;
  }

  noteExtended(subscription: string, deadlineMs: number): void {
    const session = this.#sessions.get(subscription);
    if (session !== undefined) session.leasesEndMs = Math.max(session.leasesEndMs, Date.now() + deadlineMs);
  }

  /** Gives back everything outstanding; waiting pulls are answered empty. New pulls are refused as `draining`. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const closing = [...this.#sessions].map(
      async ([subscription, session]) => await this.#close(subscription, session),
    );
    await Promise.allSettled(closing);
  }

  #session(subscription: string): PullSession {
    if (this.#isClosed) throw new PortError('draining', 'this gateway is shutting down', { retryAfterMs: 1_000 });
    const existing = this.#sessions.get(subscription);
    if (existing !== undefined) return existing;
    if (this.#sessions.size >= this.#bounds.pullSessionsMax) {
      throw new PortError('too_many_in_flight', `${this.#sessions.size} subscriptions are being pulled from`, {
        retryAfterMs: 1_000,
      });
    }
    const session: PullSession = {
      consumer: this.#open(subscription, (maxBackoffMs) => {
        session.maxBackoffMs = maxBackoffMs;
      }),
      maxBackoffMs: 0,
      pulling: 0,
      outstanding: new Set(),
      leasesEndMs: 0,
      backoffEndsMs: 0,
      idleTimer: undefined,
    };
    this.#sessions.set(subscription, session);
    return session;
  }

  async #open(subscription: string, note: (maxBackoffMs: number) => void): Promise<Consumer> {
    const { retry } = await this.#port.describeSubscription(subscription);
    note(retry.maxBackoffMs);
    // As much as there can be: the subscription's own maxInFlight bounds it, also after it was changed.
    const credit = { messages: limits.maxInFlightMessages, bytes: limits.maxInFlightBytes };
    return await this.#port.subscribe(subscription, { credit });
  }

  #noteDelivered(session: PullSession, deliveries: readonly Delivery[]): void {
    const last = deliveries.at(-1);
    if (last === undefined) return;
    for (const { token } of deliveries) session.outstanding.add(token);
    // More than a subscription can have out: the oldest have expired, and nobody said so.
    for (const oldest of session.outstanding) {
      if (session.outstanding.size <= limits.maxInFlightMessages) break;
      session.outstanding.delete(oldest);
    }
    session.leasesEndMs = Math.max(session.leasesEndMs, last.deadlineMs);
  }

  #armIdleTimer(subscription: string, session: PullSession): void {
    if (session.pulling > 0 || this.#sessions.get(subscription) !== session) return;
    clearTimeout(session.idleTimer);
    session.idleTimer = setTimeout(() => this.#closeIfIdle(subscription, session), this.#idleMs);
    session.idleTimer.unref();
  }

  #closeIfIdle(subscription: string, session: PullSession): void {
    const now = Date.now();
    if (session.outstanding.size > 0 && now >= session.leasesEndMs) {
      // Their leases ended: the port holds them for a back-off now.
      session.backoffEndsMs = Math.max(session.backoffEndsMs, session.leasesEndMs + session.maxBackoffMs);
      session.outstanding.clear();
    }
    if (session.outstanding.size > 0 || now < session.backoffEndsMs) this.#armIdleTimer(subscription, session);
    else void this.#close(subscription, session);
  }

  #forget(subscription: string, session: PullSession): void {
    if (this.#sessions.get(subscription) === session) this.#sessions.delete(subscription);
    clearTimeout(session.idleTimer);
    // The consumer may have ended already or never have opened; either way there is nothing left to tell anyone.
    void session.consumer.then(async (consumer) => await consumer.close()).catch(() => undefined);
  }

  async #close(subscription: string, session: PullSession): Promise<void> {
    if (this.#sessions.get(subscription) === session) this.#sessions.delete(subscription);
    clearTimeout(session.idleTimer);
    try {
      await (await session.consumer).close();
    } catch {
      // Never opened: whoever pulled was told.
    }
  }
}
