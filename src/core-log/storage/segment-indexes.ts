/** Both indexes of a segment while it is written or scanned, and the facts that its seal will hold. */

import { limits } from '../limits.ts';
import { batchBytesOf, lastOffsetOf, maxTimestampOf } from '../record/batch-view.ts';
import { SparseIndex } from './sparse-index.ts';
import { TimeIndex } from './time-index.ts';

export class SegmentIndexes {
  readonly offsets: SparseIndex;
  readonly times: TimeIndex;
  maxTimestamp = -1;
  #maxTimestampOffset: number;
  #bytesSinceEntry = 0;

  constructor(
    baseOffset: number,
    loaded?: { readonly offsets: Buffer; readonly times: Buffer; readonly maxTimestamp: number },
  ) {
    this.#maxTimestampOffset = baseOffset;
    this.offsets = new SparseIndex(baseOffset, loaded?.offsets);
    this.times = new TimeIndex(baseOffset, loaded?.times);
    if (loaded !== undefined) this.maxTimestamp = loaded.maxTimestamp;
  }

  /** A batch at `position` of the segment, its header at `at` of `bytes`. */
  note(bytes: Buffer, at: number, position: number): void {
    const lastOffset = lastOffsetOf(bytes, at);
    const timestamp = maxTimestampOf(bytes, at);
    if (timestamp > this.maxTimestamp) {
      this.maxTimestamp = timestamp;
      this.#maxTimestampOffset = lastOffset;
    }
    if (this.#bytesSinceEntry > limits.indexIntervalBytes) {
      this.offsets.append({ lastOffset, position });
      this.times.append(this.maxTimestamp, this.#maxTimestampOffset);
      this.#bytesSinceEntry = 0;
    }
    this.#bytesSinceEntry += batchBytesOf(bytes, at);
  }

  /** The segment gets no more batches: its latest time becomes the last entry. */
  finish(): void {
    if (this.maxTimestamp >= 0) this.times.append(this.maxTimestamp, this.#maxTimestampOffset);
  }
}
