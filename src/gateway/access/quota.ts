/**
 * Token buckets: what a principal may do a second, and for how many seconds it may have saved that up. Requests, messages and
 * bytes each have one; a request is admitted by all or by none.
 *
 * Non-obvious: something larger than a whole bucket is admitted when the bucket is full, and leaves it in debt. Otherwise a
 * batch of 1,000 messages could never be published at 500 a second. What was delivered is taken off afterwards, because nobody
 * knows before how much it will be: then, too, the bucket may owe.
 */

import { PortError } from '../../adapters/index.ts';

export interface QuotaRates {
  readonly requestsPerSecond?: number;
  readonly messagesPerSecond?: number;
  readonly bytesPerSecond?: number;
  /** How many seconds' worth may come at once. */
  readonly burstSeconds: number;
}

/** A kind that is absent has nothing to do with it; of one that is 0 nothing may be owed. */
export interface Cost {
  readonly requests?: number;
  readonly messages?: number;
  readonly bytes?: number;
}

const kinds = ['requests', 'messages', 'bytes'] as const;
type Kind = (typeof kinds)[number];

class Bucket {
  readonly rate: number;
  readonly capacity: number;
  #level: number;
  #atMs: number;

  constructor(ratePerSecond: number, burstSeconds: number, nowMs: number) {
    this.rate = ratePerSecond;
    this.capacity = Math.max(1, ratePerSecond * burstSeconds);
    this.#level = this.capacity;
    this.#atMs = nowMs;
  }

  /** Milliseconds until so much is there; 0: now. */
  waitMs(cost: number, nowMs: number): number {
    this.#refill(nowMs);
    const wanted = Math.min(cost, this.capacity);
    return this.#level >= wanted ? 0 : Math.ceil(((wanted - this.#level) / this.rate) * 1_000);
  }

  take(cost: number, nowMs: number): void {
    this.#refill(nowMs);
    this.#level -= cost;
  }

  #refill(nowMs: number): void {
    const passedMs = Math.max(0, nowMs - this.#atMs);
    this.#level = Math.min(this.capacity, this.#level + (passedMs / 1_000) * this.rate);
    this.#atMs = nowMs;
  }
}

export class Quota {
  readonly rates: QuotaRates;
  readonly #buckets: ReadonlyMap<Kind, Bucket>;
  readonly #now: () => number;

  constructor(rates: QuotaRates, now: () => number = () => performance.now()) {
    this.rates = rates;
    this.#now = now;
    const buckets = new Map<Kind, Bucket>();
    for (const kind of kinds) {
      const rate = rates[`${kind}PerSecond`];
      if (rate !== undefined) buckets.set(kind, new Bucket(rate, rates.burstSeconds, now()));
    }
    this.#buckets = buckets;
  }

  get countsBytes(): boolean {
    return this.#buckets.has('bytes');
  }

  /** Takes the cost from all buckets, or from none. @returns 0, or the milliseconds after which it would be admitted. */
  take(cost: Cost): number {
    const waitMs = this.waitMs(cost);
    if (waitMs === 0) this.debit(cost);
    return waitMs;
  }

  waitMs(cost: Cost): number {
    const nowMs = this.#now();
    let longest = 0;
    for (const [kind, bucket] of this.#buckets) {
      const asked = cost[kind];
      if (asked !== undefined) longest = Math.max(longest, bucket.waitMs(asked, nowMs));
    }
    return longest;
  }

  /** Of what has happened already. */
  debit(cost: Cost): void {
    const nowMs = this.#now();
    for (const [kind, bucket] of this.#buckets) bucket.take(cost[kind] ?? 0, nowMs);
  }
}

export function quotaExceeded(principal: string, rates: QuotaRates, waitMs: number): PortError {
  const told = kinds.flatMap((kind) => {
    const rate = rates[`${kind}PerSecond`];
    return rate === undefined ? [] : [`${rate} ${kind}/s`];
  });
  return new PortError('quota_exceeded', `${principal} is above its quota of ${told.join(', ')}`, {
    retryAfterMs: Math.max(1, waitMs),
  });
}
