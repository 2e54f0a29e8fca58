/**
 * The batches written last, of all partitions, in memory: readers at the end of a log do not read the disk. One budget
 * for the engine; what was written first goes first, whosever it is. So a partition's batches here are always the end
 * of its log without holes. Of a partition that nobody reads only a little is kept.
 *
 * A batch that leaves and was built here and never shown to a reader gives its memory to the next ones.
 */

import { limits } from '../limits.ts';
import type { BatchBuffers } from '../record/batch-buffers.ts';
import { baseOffsetOf, lastOffsetOf } from '../record/batch-view.ts';

interface Entry {
  readonly tail: HotTail;
  readonly batch: Buffer;
  /** Nobody but this tail holds the bytes. */
  isReusable: boolean;
  isGone: boolean;
}

/** The budget, shared by the tails of all partitions. */
export class HotTailBudget {
  readonly #bytesMax: number;
  readonly #buffers: BatchBuffers;
  #bytes = 0;
  /** In the order of writing; some are gone already. */
  #entries: Entry[] = [];
  #first = 0;
  #kept = 0;

  constructor(bytesMax: number, buffers: BatchBuffers) {
    this.#bytesMax = bytesMax;
    this.#buffers = buffers;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(entry: Entry): void {
    this.#entries.push(entry);
    this.#kept += 1;
    this.#bytes += entry.batch.length;
    while (this.#bytes > this.#bytesMax) {
      const oldest = this.#entries[this.#first] as Entry;
      this.#first += 1;
      // Those of a tail go in the order in which they came, so this is its first.
      if (!oldest.isGone) oldest.tail.dropFirst();
    }
    // Taking them out one by one would move the whole array each time.
    if (this.#entries.length > 1_024 && this.#kept * 2 < this.#entries.length) {
      this.#entries = this.#entries.filter(({ isGone }) => !isGone);
      this.#first = 0;
    }
  }

  gone(entry: Entry): void {
    entry.isGone = true;
    this.#kept -= 1;
    this.#bytes -= entry.batch.length;
    this.reuse(entry.batch, entry.isReusable);
  }

  reuse(batch: Buffer, isReusable: boolean): void {
    if (isReusable) this.#buffers.give(batch);
  }
}

export class HotTail {
  readonly #budget: HotTailBudget;
  #entries: (Entry | undefined)[] = [];
  #first = 0;
  #bytes = 0;
  /** Written since somebody last read. */
  #unreadBytes = 0;

  constructor(budget: HotTailBudget) {
    this.#budget = budget;
  }

  /** `isOurs`: built here, and nobody else holds its bytes. They may be overwritten from now on, unless a reader got them. */
  add(batch: Buffer, isOurs: boolean): void {
    const isUnread = this.#unreadBytes > limits.hotTailUnreadBytesMax;
    this.#unreadBytes += batch.length;
    if (batch.length > limits.hotTailBatchBytesMax) {
      this.clear();
      this.#budget.reuse(batch, isOurs);
      return;
    }
    const entry = { tail: this, batch, isReusable: isOurs, isGone: false };
    this.#entries.push(entry);
    this.#bytes += batch.length;
    this.#budget.add(entry);
    while (isUnread && this.#bytes > limits.hotTailUnreadBytesMax && this.#entries.length - this.#first > 1)
      this.dropFirst();
  }

  dropFirst(): void {
    const entry = this.#entries[this.#first] as Entry;
    this.#entries[this.#first] = undefined;
    this.#first += 1;
    this.#bytes -= entry.batch.length;
    this.#budget.gone(entry);
    if (this.#first > 64 && this.#first * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
  }

  clear(): void {
    while (this.#first < this.#entries.length) this.dropFirst();
    this.#entries = [];
    this.#first = 0;
  }

  /** Somebody reads the partition, or waits at its end: what comes now is kept for them. */
  want(): void {
    this.#unreadBytes = 0;
  }

  /** The batch that holds `offset` and those after it, up to `maxBytes`; null when it is not here. */
  from(offset: number, maxBytes: number): readonly Buffer[] | null {
    const oldest = this.#entries[this.#first];
    if (oldest === undefined || offset < baseOffsetOf(oldest.batch)) return null;
    let low = this.#first;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (lastOffsetOf((this.#entries[middle] as Entry).batch) < offset) low = middle + 1;
      else high = middle;
    }
    const found: Buffer[] = [];
    for (let bytes = 0; low < this.#entries.length && (found.length === 0 || bytes < maxBytes); low += 1) {
      const entry = this.#entries[low] as Entry;
      entry.isReusable = false;
      found.push(entry.batch);
      bytes += entry.batch.length;
    }
    return found.length > 0 ? found : null;
  }
}
