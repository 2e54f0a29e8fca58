/**
 * The ids of the messages that came last, with their places: a message that comes again is answered with the first one's
 * place instead of being stored. Bounded by time and number; the oldest are forgotten first.
 */

import { limits } from '../limits.ts';

export interface KnownId {
  readonly offset: number;
  readonly acceptedMs: number;
  /** Its write failed after all. */
  isRefused: boolean;
}

/** How many ids all partitions remember together. */
export class MessageIdBudget {
  count = 0;
}

export class MessageIds {
  readonly #budget: MessageIdBudget;
  /** Oldest first. */
  readonly #known = new Map<string, KnownId>();

  constructor(budget: MessageIdBudget) {
    this.#budget = budget;
  }

  get size(): number {
    return this.#known.size;
  }

  find(id: string, nowMs: number): KnownId | undefined {
    const known = this.#known.get(id);
    return known !== undefined && isCurrent(known, nowMs) ? known : undefined;
  }

  note(id: string, offset: number, nowMs: number): void {
    this.#forget(id);
    this.#known.set(id, { offset, acceptedMs: nowMs, isRefused: false });
    this.#budget.count += 1;
    this.#expire(nowMs);
  }

  /** Offsets from here on were not written and will be given out again. */
  rollback(nextOffset: number): void {
    for (const [id, known] of this.#known) {
      if (known.offset < nextOffset) continue;
      known.isRefused = true;
      this.#forget(id);
    }
  }

  /** Those of offsets before this one, oldest first. */
  *before(offset: number): IterableIterator<[string, KnownId]> {
    for (const entry of this.#known) if (entry[1].offset < offset) yield entry;
  }

  clear(): void {
    this.#budget.count -= this.#known.size;
    this.#known.clear();
  }

  #forget(id: string): void {
    if (this.#known.delete(id)) this.#budget.count -= 1;
  }

  #expire(nowMs: number): void {
    for (const [id, known] of this.#known) {
      const isTooMany =
        this.#known.size > limits.messageIdsPerPartitionMax ||
        (this.#budget.count > limits.messageIdsMax && this.#known.size > 1);
      if (!isTooMany && isCurrent(known, nowMs)) return;
      this.#forget(id);
    }
  }
}

function isCurrent({ acceptedMs }: KnownId, nowMs: number): boolean {
  return nowMs - acceptedMs < limits.messageIdWindowMs;
}
