/**
 * What is out with the consumers of a session: a lease for each message, found by its token, that ends when it is settled or its
 * deadline comes. Tokens whose lease ran out are remembered for a while, so that a late ack can be told so.
 */

import type { PortClock } from './clock.ts';
import type { DueQueue, DueTask } from './due-queue.ts';
import { limits } from './limits.ts';
import type { Entry } from './ready-queue.ts';
import type { SessionConsumer } from './session-consumer.ts';

export interface Lease {
  readonly token: string;
  readonly entry: Entry;
  readonly consumer: SessionConsumer;
  /** By the monotonic clock. */
  deadlineMs: number;
  /** Only for leases with a deadline of their own; the others expire in the order they were made. */
  extended: DueTask | null;
}

export class Leases {
  readonly #clock: PortClock;
  readonly #due: DueQueue;
  readonly #onExpired: (lease: Lease) => void;
  /** In the order they expire: the deadline is the same for all. */
  readonly #leases = new Map<string, Lease>();
  readonly #extended = new Map<string, Lease>();
  readonly #expiredTokens = new Set<string>();
  #expiryTask: DueTask | undefined;

  /** @param options.onExpired the deadline came; the lease is over already. */
  constructor(options: {
    readonly clock: PortClock;
    readonly due: DueQueue;
    readonly onExpired: (lease: Lease) => void;
  }) {
    this.#clock = options.clock;
    this.#due = options.due;
    this.#onExpired = options.onExpired;
  }

  all(): readonly Lease[] {
    return [...this.#leases.values(), ...this.#extended.values()];
  }

  of(token: string): Lease | undefined {
    return this.#leases.get(token) ?? this.#extended.get(token);
  }

  hasExpired(token: string): boolean {
    return this.#expiredTokens.has(token);
  }

  /** The deadline is not before that of any lease that was added earlier. */
  add(token: string, entry: Entry, consumer: SessionConsumer, deadlineMs: number): void {
    this.#leases.set(token, { token, entry, consumer, deadlineMs, extended: null });
    consumer.hold(entry.delivery.bytes);
    if (this.#expiryTask === undefined) this.#expiryTask = this.#due.at(deadlineMs, () => this.#expireDue());
  }

  /** Settled: its consumer has credit for another one. */
  end(lease: Lease): void {
    if (!this.#leases.delete(lease.token)) this.#extended.delete(lease.token);
    if (lease.extended !== null) this.#due.cancel(lease.extended);
    lease.consumer.letGo(lease.entry.delivery.bytes);
  }

  /** It ended otherwise: its token answers `expired` from now on. */
  endAsExpired(lease: Lease): void {
    this.end(lease);
    this.#rememberExpired(lease.token);
  }

  extend(lease: Lease, deadlineMs: number): void {
    if (lease.extended !== null) this.#due.cancel(lease.extended);
    this.#setApart(lease, deadlineMs);
  }

  /** Those that are out keep their deadlines when later ones get another: with two they would no more expire in the order they were made. */
  keepDeadlines(): void {
    for (const lease of this.#leases.values()) this.#setApart(lease, lease.deadlineMs);
  }

  /** As if the deadline had come. */
  expire(lease: Lease): void {
    this.endAsExpired(lease);
    this.#onExpired(lease);
  }

  /** The session is over, and its consumers with it. */
  clear(): void {
    for (const { token } of this.all()) this.#rememberExpired(token);
    this.#leases.clear();
    this.#extended.clear();
  }

  #setApart(lease: Lease, deadlineMs: number): void {
    this.#leases.delete(lease.token);
    this.#extended.set(lease.token, lease);
    lease.deadlineMs = deadlineMs;
    lease.extended = this.#due.at(deadlineMs, () => this.expire(lease));
  }

  #expireDue(): void {
    this.#expiryTask = undefined;
    const nowMs = this.#clock.monotonicMs();
    for (const lease of this.#leases.values()) {
      if (lease.deadlineMs > nowMs) {
        this.#expiryTask = this.#due.at(lease.deadlineMs, () => this.#expireDue());
        return;
      }
      this.expire(lease);
    }
  }

  #rememberExpired(token: string): void {
    this.#expiredTokens.add(token);
    if (this.#expiredTokens.size <= limits.expiredTokensKept) return;
    for (const oldest of this.#expiredTokens) {
      this.#expiredTokens.delete(oldest);
      return;
    }
  }
}
