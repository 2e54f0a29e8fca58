/** Offset -> where to start looking in the segment. An entry holds a batch's last offset and the position of that batch. */

import { EntryBuffer } from './entry-buffer.ts';

const ENTRY_BYTES = 8;

export interface IndexEntry {
  readonly lastOffset: number;
  readonly position: number;
}

export class SparseIndex {
  readonly #baseOffset: number;
  readonly #entries: EntryBuffer;

  constructor(baseOffset: number, bytes?: Buffer) {
    this.#baseOffset = baseOffset;
    this.#entries = new EntryBuffer(ENTRY_BYTES, bytes);
  }

  get bytes(): Buffer {
    return this.#entries.bytes;
  }

  append(entry: IndexEntry): void {
    const { bytes, at } = this.#entries.push();
    bytes.writeInt32BE(entry.lastOffset - this.#baseOffset, at);
    bytes.writeInt32BE(entry.position, at + 4);
  }

  /** The last entry whose batch ends at or before `offset`; null when the search starts at the segment's begin. */
  floor(offset: number): IndexEntry | null {
    const relative = offset - this.#baseOffset;
    const found = this.#entries.lastWhere((bytes, at) => bytes.readInt32BE(at) <= relative);
    if (found < 0) return null;
    const { bytes } = this.#entries;
    const at = found * ENTRY_BYTES;
    return { lastOffset: this.#baseOffset + bytes.readInt32BE(at), position: bytes.readInt32BE(at + 4) };
  }
}
