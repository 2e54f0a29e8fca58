/** A growing row of entries of one size, as an index file has them: bytes all the time, so that writing is no conversion. */

const FIRST_ENTRIES = 64;

export class EntryBuffer {
  readonly entryBytes: number;
  #bytes: Buffer;
  #count: number;

  constructor(entryBytes: number, bytes: Buffer = Buffer.alloc(0)) {
    this.entryBytes = entryBytes;
    this.#bytes = bytes;
    this.#count = Math.floor(bytes.length / entryBytes);
  }

  get count(): number {
    return this.#count;
  }

  /** The entries, valid until the next push. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#count * this.entryBytes);
  }

  /** The buffer to write the new entry into, and where. */
  push(): { readonly bytes: Buffer; readonly at: number } {
    const at = this.#count * this.entryBytes;
    if (at + this.entryBytes > this.#bytes.length) {
      const grown = Buffer.alloc(Math.max(FIRST_ENTRIES * this.entryBytes, this.#bytes.length * 2));
      this.#bytes.copy(grown, 0, 0, at);
      this.#bytes = grown;
    }
    this.#count += 1;
    return { bytes: this.#bytes, at };
  }

  /** The last entry for which `isBefore` holds, given that it holds for a front part of them; -1 when for none. */
  lastWhere(isBefore: (bytes: Buffer, at: number) => boolean): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBefore(this.#bytes, middle * this.entryBytes)) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
