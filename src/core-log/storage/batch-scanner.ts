/** Walks the batches of a file in order, each checked: what recovery and index rebuilding see. */

import { limits } from '../limits.ts';
import type { File } from '../platform/file-system.ts';
import {
  BATCH_HEADER_BYTES,
  MAGIC,
  baseOffsetOf,
  batchBytesOf,
  batchFault,
  headerFault,
} from '../record/batch-view.ts';

/** A batch that passed its checks: its header is at `at` of `bytes`, valid until the next step. */
export interface ScannedBatch {
  readonly bytes: Buffer;
  readonly at: number;
  readonly position: number;
}

export interface ScanFault {
  readonly position: number;
  readonly reason: string;
}

export class BatchScanner {
  readonly #file: File;
  readonly #end: number;
  readonly #gapsBelow: number;
  #position: number;
  #window = Buffer.alloc(0);
  #windowFrom = 0;
  fault: ScanFault | null = null;

  /** The batches between two positions of a file; `end` is the size of what is to be looked at. Up to `gapsBelow` an
   *  offset may be above the expected one. */
  constructor(file: File, from: number, end: number, gapsBelow = 0) {
    this.#file = file;
    this.#position = from;
    this.#end = end;
    this.#gapsBelow = gapsBelow;
  }

  /** Where the next step looks. */
  get position(): number {
    return this.#position;
  }

  /** The next batch, or null at the end or at a `fault`, which stays. */
  async next(expectedOffset: number | null): Promise<ScannedBatch | null> {
    if (this.fault !== null || this.#position >= this.#end) return null;
    const reason = await this.#check(expectedOffset);
    if (reason !== null) {
      this.fault = { position: this.#position, reason };
      return null;
    }
    const batch = { bytes: this.#window, at: this.#position - this.#windowFrom, position: this.#position };
    this.#position += batchBytesOf(batch.bytes, batch.at);
    return batch;
  }

  async #check(expectedOffset: number | null): Promise<string | null> {
    const left = this.#end - this.#position;
    if (!(await this.#want(Math.min(left, BATCH_HEADER_BYTES)))) return 'the file ends before it';
    const fault = headerFault(this.#window, this.#position - this.#windowFrom, left);
    if (fault !== null) return fault;
    const size = batchBytesOf(this.#window, this.#position - this.#windowFrom);
    if (size > limits.batchBytesMax) return `batch of ${size} bytes is above the limit of ${limits.batchBytesMax}`;
    if (!(await this.#want(size))) return 'the file ends within it';
    const at = this.#position - this.#windowFrom;
    const offset = baseOffsetOf(this.#window, at);
    if (expectedOffset !== null && !follows(offset, expectedOffset, this.#gapsBelow))
      return `base offset ${offset} where ${expectedOffset} follows`;
    return batchFault(this.#window, at, left);
  }

  /** Makes the window hold `size` bytes from the position on; false when the file has less than it is said to have. */
  async #want(size: number): Promise<boolean> {
    const at = this.#position - this.#windowFrom;
    if (at >= 0 && at + size <= this.#window.length) return true;
    const length = Math.min(Math.max(size, limits.scanChunkBytes), this.#end - this.#position);
    const window = Buffer.allocUnsafeSlow(length);
    const count = await this.#file.read(window, this.#position);
    this.#window = window.subarray(0, count);
    this.#windowFrom = this.#position;
    return count >= size;
  }
}

/** Whether a batch at `offset` may come where `expected` is the next: exactly there, or behind a gap that compaction made. */
export function follows(offset: number, expected: number, gapsBelow: number): boolean {
  return offset === expected || (offset > expected && offset <= gapsBelow);
}

export interface WholeBatch {
  readonly position: number;
  readonly baseOffset: number;
}

/** The first whole batch behind a faulty one: at the end that it states itself, if one is there, else wherever the bytes
 *  behind its begin look like one. In that order, because the value of a record may itself hold batches. */
export async function findBatchBehind(
  file: File,
  fault: number,
  end: number,
  offsets: { readonly min: number; readonly max: number },
): Promise<WholeBatch | null> {
  const header = Buffer.alloc(BATCH_HEADER_BYTES);
  const count = await file.read(header, fault);
  if (count === BATCH_HEADER_BYTES && headerFault(header, 0, end - fault) === null) {
    const position = fault + batchBytesOf(header);
    const next = await new BatchScanner(file, position, end).next(null);
    const baseOffset = next === null ? -1 : baseOffsetOf(next.bytes, next.at);
    if (baseOffset >= offsets.min && baseOffset <= offsets.max) return { position, baseOffset };
  }
  return await findWholeBatch(file, fault + 1, end, offsets);
}

async function findWholeBatch(
  file: File,
  from: number,
  end: number,
  offsets: { readonly min: number; readonly max: number },
): Promise<WholeBatch | null> {
  let position = from;
  while (end - position >= BATCH_HEADER_BYTES) {
    const chunk = Buffer.allocUnsafeSlow(Math.min(limits.scanChunkBytes, end - position));
    const count = await file.read(chunk, position);
    // The magic byte is the cheapest thing to look for; everything else must fit around it.
    for (
      let magicAt = chunk.indexOf(MAGIC, 16);
      magicAt !== -1 && magicAt < count;
      magicAt = chunk.indexOf(MAGIC, magicAt + 1)
    ) {
      const at = magicAt - 16;
      if (at + BATCH_HEADER_BYTES > count) break;
      if (headerFault(chunk, at, end - position - at) !== null) continue;
      const baseOffset = baseOffsetOf(chunk, at);
      if (baseOffset < offsets.min || baseOffset > offsets.max) continue;
      const scanner = new BatchScanner(file, position + at, end);
      if ((await scanner.next(baseOffset)) !== null) return { position: position + at, baseOffset };
    }
    if (count < BATCH_HEADER_BYTES) return null;
    // Headers that begin in the last bytes are seen whole by the next chunk.
    position += count - BATCH_HEADER_BYTES + 1;
  }
  return null;
}
