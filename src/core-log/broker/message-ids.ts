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

/** How many ids all partitions remember together. Above the bound the oldest of all go, wherever they are. */
export class MessageIdBudget {
  readonly #max: number;
  readonly #tables = new Set<MessageIds>();
  count = 0;

  constructor(max: number = limits.messageIdsMax) {
    this.#max = max;
  }

  join(table: MessageIds): void {
    this.#tables.add(table);
  }

  leave(table: MessageIds): void {
    this.#tables.delete(table);
  }

  relieve(nowMs: number): void {
    if (this.count <= this.#max) return;
    for (const table of this.#tables) table.dropExpired(nowMs);
    while (this.count > this.#max) {
      let oldest: MessageIds | undefined;
      let nextMs = Infinity;
      for (const table of this.#tables) {
        const { oldestMs } = table;
        if (oldestMs === undefined) continue;
        if (oldest?.oldestMs === undefined || oldestMs < oldest.oldestMs) {
          nextMs = oldest?.oldestMs ?? Infinity;
          oldest = table;
        } else nextMs = Math.min(nextMs, oldestMs);
      }
      // Some at a time, since all tables are looked at for them: those that are as old as the oldest of another one, about.
      if (oldest === undefined || oldest.dropOldest(droppedTogether, nextMs + 1_000) === 0) return;
    }
  }
}

const droppedTogether = 64;

export class MessageIds {
  readonly #budget: MessageIdBudget;
  /** Oldest first. */
  readonly #known = new Map<string, KnownId>();

  constructor(budget: MessageIdBudget) {
    this.#budget = budget;
    budget.join(this);
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
    while (this.#known.size > limits.messageIdsPerPartitionMax) this.dropOldest(1);
    this.dropExpired(nowMs);
    this.#budget.relieve(nowMs);
  }

  /** When the one that goes first was accepted. */
  get oldestMs(): number | undefined {
    const [oldest] = this.#known.values();
    return oldest?.acceptedMs;
  }

  dropExpired(nowMs: number): void {
    for (const [id, known] of this.#known) {
      if (isCurrent(known, nowMs)) return;
      this.#forget(id);
    }
  }

  /** The oldest one, and more that were accepted until then. @returns how many. */
  dropOldest(count: number, untilMs = Infinity): number {
    let dropped = 0;
    for (const [id, { acceptedMs }] of this.#known) {
      if (dropped >= count || (dropped > 0 && acceptedMs > untilMs)) break;
      this.#forget(id);
      dropped += 1;
    }
    return dropped;
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

  /** Nothing is remembered any more. */
  close(): void {
    this.#budget.count -= this.#known.size;
    this.#known.clear();
    this.#budget.leave(this);
  }

  #forget(id: string): void {
    if (this.#known.delete(id)) this.#budget.count -= 1;
  }
}

function isCurrent({ acceptedMs }: KnownId, nowMs: number): boolean {
  return nowMs - acceptedMs < limits.messageIdWindowMs;
}
