/** Timestamp -> where to start looking. An entry (T, O) says: when it was made, no batch so far was later than T, and the
 *  batch ending at O was that late. So whoever looks for a time after T may start at O. */

import { readInt64, writeInt64 } from '../record/batch-view.ts';
import { EntryBuffer } from './entry-buffer.ts';

const ENTRY_BYTES = 12;

export class TimeIndex {
  readonly #baseOffset: number;
  readonly #entries: EntryBuffer;
  #lastTimestamp = -1;

  constructor(baseOffset: number, bytes?: Buffer) {
    this.#baseOffset = baseOffset;
    this.#entries = new EntryBuffer(ENTRY_BYTES, bytes);
    const { count } = this.#entries;
    if (count > 0) this.#lastTimestamp = readInt64(this.#entries.bytes, (count - 1) * ENTRY_BYTES);
  }

  get bytes(): Buffer {
    return this.#entries.bytes;
  }

  /** Only a later time than before is an entry: the times of an index rise. */
  append(maxTimestamp: number, offset: number): void {
    if (maxTimestamp <= this.#lastTimestamp) return;
    const { bytes, at } = this.#entries.push();
    writeInt64(bytes, at, maxTimestamp);
    bytes.writeInt32BE(offset - this.#baseOffset, at + 8);
    this.#lastTimestamp = maxTimestamp;
  }

  /** Records before this offset are all earlier than `timestamp`. */
  startFor(timestamp: number): number {
    const found = this.#entries.lastWhere((bytes, at) => readInt64(bytes, at) < timestamp);
    return found < 0 ? this.#baseOffset : this.#baseOffset + this.#entries.bytes.readInt32BE(found * ENTRY_BYTES + 8);
  }
}
