/**
 * Memory for batches that are built here. A batch that is written and that no reader was shown gives its memory to a later one:
 * fresh memory has to be asked from the kernel page by page, zeroed and collected again, which takes as long as filling it.
 *
 * Kept by size, eight sizes for each power of two, so that at most an eighth is left empty. The one given back last is taken first:
 * it is still in the processor's cache.
 */

import { limits } from '../limits.ts';

export class BatchBuffers {
  readonly #free = new Map<number, ArrayBuffer[]>();
  #bytes = 0;

  /** Unwritten memory of this size, whatever was in it. */
  take(size: number): Buffer {
    if (size < limits.pooledBatchBytesMin) return Buffer.allocUnsafe(size);
    // Node's own pool is for small buffers; asking it for a large one costs more than not asking.
    if (size > limits.pooledBatchSizeMax) return Buffer.allocUnsafeSlow(size);
    const room = roomFor(size);
    const free = this.#free.get(room)?.pop();
    if (free === undefined) return Buffer.from(Buffer.allocUnsafeSlow(room).buffer, 0, size);
    this.#bytes -= room;
    return Buffer.from(free, 0, size);
  }

  /** Takes back what `take` gave. Nobody may look at these bytes any more. */
  give(bytes: Buffer): void {
    const { byteLength: room } = bytes.buffer;
    const isOurs = bytes.length >= limits.pooledBatchBytesMin && bytes.length <= limits.pooledBatchSizeMax;
    if (!isOurs || this.#bytes + room > limits.pooledBatchBytesMax) return;
    this.#bytes += room;
    const free = this.#free.get(room);
    if (free === undefined) this.#free.set(room, [bytes.buffer as ArrayBuffer]);
    else free.push(bytes.buffer as ArrayBuffer);
  }
}

function roomFor(size: number): number {
  const step = 2 ** (28 - Math.clz32(size));
  return Math.ceil(size / step) * step;
}
