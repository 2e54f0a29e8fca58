/** Of each key the latest offset, as far as the memory for it goes. */

import { createHash } from 'node:crypto';
import { limits } from '../limits.ts';

export class LatestOffsets {
  readonly #offsets = new Map<string, number>();
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get isFull(): boolean {
    return this.#bytes >= this.#bytesMax;
  }

  note(key: Buffer, offset: number): void {
    const name = nameOf(key);
    if (!this.#offsets.has(name)) this.#bytes += name.length + limits.compactionKeyOverheadBytes;
    this.#offsets.set(name, offset);
  }

  /** A later record has this key. */
  isSuperseded(key: Buffer, offset: number): boolean {
    const latest = this.#offsets.get(nameOf(key));
    return latest !== undefined && latest > offset;
  }
}

/** Bytes as characters; the first one keeps digests and keys apart. */
function nameOf(key: Buffer): string {
  if (key.length <= limits.compactionKeyBytesMax) return `=${key.toString('latin1')}`;
  return `#${createHash('sha256').update(key).digest('base64')}`;
}
