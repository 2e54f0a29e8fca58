/**
 * The batches written last, of all partitions, in memory: readers at the end of a log do not read the disk. One budget
 * for the engine; what was written first goes first, whosever it is. So a partition's batches here are always the end
 * of its log without holes.
 */

import { limits } from '../limits.ts';
import { baseOffsetOf, lastOffsetOf } from '../record/batch-view.ts';

interface Entry {
  readonly tail: HotTail;
  readonly bytes: number;
}

/** The budget, shared by the tails of all partitions. */
export class HotTailBudget {
  readonly #bytesMax: number;
  #bytes = 0;
  #entries: Entry[] = [];
  #first = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(tail: HotTail, bytes: number): void {
    this.#entries.push({ tail, bytes });
    this.#bytes += bytes;
    while (this.#bytes > this.#bytesMax) {
      const oldest = this.#entries[this.#first] as Entry;
      this.#first += 1;
      this.#bytes -= oldest.bytes;
      oldest.tail.evict();
    }
    // Shifting one by one would move the whole array each time.
    if (this.#first > 1_024 && this.#first * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
  }
}

export class HotTail {
  readonly #budget: HotTailBudget;
  #batches: (Buffer | undefined)[] = [];
  #first = 0;

  constructor(budget: HotTailBudget) {
    this.#budget = budget;
  }

  add(batch: Buffer): void {
    if (batch.length > limits.hotTailBatchBytesMax) {
      this.clear();
      return;
    }
    this.#batches.push(batch);
    this.#budget.add(this, batch.length);
  }

  /** The budget's oldest entry of this tail is gone. */
  evict(): void {
    // After clear() the budget still counts what was cleared: its evictions must not hit newer batches.
    if (this.#clearedEntries > 0) {
      this.#clearedEntries -= 1;
      return;
    }
    this.#batches[this.#first] = undefined;
    this.#first += 1;
    if (this.#first > 64 && this.#first * 2 > this.#batches.length) {
      this.#batches = this.#batches.slice(this.#first);
      this.#first = 0;
    }
  }

  clear(): void {
    this.#clearedEntries += this.#batches.length - this.#first;
    this.#batches = [];
    this.#first = 0;
  }

  #clearedEntries = 0;

  /** The batch that holds `offset` and those after it, up to `maxBytes`; null when it is not here. */
  from(offset: number, maxBytes: number): readonly Buffer[] | null {
    const oldest = this.#batches[this.#first];
    if (oldest === undefined || offset < baseOffsetOf(oldest)) return null;
    let low = this.#first;
    let high = this.#batches.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (lastOffsetOf(this.#batches[middle] as Buffer) < offset) low = middle + 1;
      else high = middle;
    }
    const found: Buffer[] = [];
    for (let bytes = 0; low < this.#batches.length && (found.length === 0 || bytes < maxBytes); low += 1) {
      const batch = this.#batches[low] as Buffer;
      found.push(batch);
      bytes += batch.length;
    }
    return found.length > 0 ? found : null;
  }
}
