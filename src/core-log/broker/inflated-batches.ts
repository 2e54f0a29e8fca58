/**
 * Compressed batches that were decoded lately, of all partitions, within one budget: a reader that takes a few records at a
 * time from a large batch would otherwise decode it each time.
 */

import { baseOffsetOf } from '../record/batch-view.ts';
import { inflateBatch } from '../record/compression.ts';

export class InflatedBatches {
  readonly #bytesMax: number;
  /** The one used last at the end. */
  readonly #kept = new Map<string, Buffer>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Rejects as `inflateBatch` does. `partition` is a name that no other partition has, before or after. */
  async of(partition: string, batch: Buffer): Promise<Buffer> {
    // Place and checksum: after a write that was undone another batch may have the same place.
    const key = `${partition} ${baseOffsetOf(batch)} ${batch.readUInt32BE(17)}`;
    const known = this.#kept.get(key);
    if (known !== undefined) {
      this.#kept.delete(key);
      this.#kept.set(key, known);
      return known;
    }
    const inflated = await inflateBatch(batch);
    if (!this.#kept.has(key)) this.#keep(key, inflated);
    return inflated;
  }

  #keep(key: string, inflated: Buffer): void {
    if (inflated.length > this.#bytesMax) return;
    this.#kept.set(key, inflated);
    this.#bytes += inflated.length;
    for (const [oldest, { length }] of this.#kept) {
      if (this.#bytes <= this.#bytesMax) return;
      this.#kept.delete(oldest);
      this.#bytes -= length;
    }
  }
}
