/**
 * The payload that every measured message carries, so that the receiver can tell loss, duplicates, order, corruption and
 * latency from the bytes alone, without trusting anything that a broker adds.
 *
 *   0       4       8   10  12      16      20      24              32      36
 *   +-------+-------+---+---+-------+-------+-------+---------------+-------+----------------------+
 *   | magic | run   |pro| 0 | seq   | key   | keySeq| intended, ms  | check | body: a slice of the |
 *   | SLC1  |       |duc|   |       | index |       | double        | sum   | run's random bytes   |
 *   +-------+-------+---+---+-------+-------+-------+---------------+-------+----------------------+
 *
 * Little endian. The checksum covers bytes 0..31; the body is compared with what `seq` says it must be, by memcmp, which
 * costs less than a checksum over it.
 */

import { seededRandom } from './random.ts';

export const payloadBytesMin = 36;
const magic = 0x31434c53;
const bodyPoolBytes = 256 * 1024;
/** Steps through the pool by a prime, so that neighbours differ and a compressor finds nothing. */
const bodyStride = 7_919;

export interface PayloadHeader {
  readonly producer: number;
  readonly seq: number;
  /** -1: no key. */
  readonly keyIndex: number;
  readonly keySeq: number;
  /** On the run's monotonic clock. */
  readonly intendedMs: number;
}

/** Writes and reads the payloads of one run. A payload of another run, or a damaged one, reads as null. */
export class PayloadCodec {
  readonly #run: number;
  readonly #pool: Buffer;
  readonly #poolBytes: number;

  constructor(run: number, messageBytesMax: number) {
    this.#run = run >>> 0;
    this.#poolBytes = bodyPoolBytes;
    this.#pool = randomBytes(this.#poolBytes + Math.max(0, messageBytesMax - payloadBytesMin), run);
  }

  encode(header: PayloadHeader, bytes: number): Buffer {
    const payload = Buffer.allocUnsafe(bytes);
    payload.writeUInt32LE(magic, 0);
    payload.writeUInt32LE(this.#run, 4);
    payload.writeUInt16LE(header.producer, 8);
    payload.writeUInt16LE(0, 10);
    payload.writeUInt32LE(header.seq, 12);
    payload.writeInt32LE(header.keyIndex, 16);
    payload.writeUInt32LE(header.keySeq, 20);
    payload.writeDoubleLE(header.intendedMs, 24);
    payload.writeUInt32LE(checksum(payload), 32);
    const from = this.#bodyOffset(header.seq);
    this.#pool.copy(payload, payloadBytesMin, from, from + bytes - payloadBytesMin);
    return payload;
  }

  decode(payload: Buffer): PayloadHeader | null {
    if (payload.length < payloadBytesMin) return null;
    if (payload.readUInt32LE(0) !== magic || payload.readUInt32LE(4) !== this.#run) return null;
    if (payload.readUInt32LE(32) !== checksum(payload)) return null;
    const seq = payload.readUInt32LE(12);
    const from = this.#bodyOffset(seq);
    const bodyBytes = payload.length - payloadBytesMin;
    if (this.#pool.compare(payload, payloadBytesMin, payload.length, from, from + bodyBytes) !== 0) return null;
    return {
      producer: payload.readUInt16LE(8),
      seq,
      keyIndex: payload.readInt32LE(16),
      keySeq: payload.readUInt32LE(20),
      intendedMs: payload.readDoubleLE(24),
    };
  }

  #bodyOffset(seq: number): number {
    return (seq * bodyStride) % this.#poolBytes;
  }
}

/** FNV-1a over the header before the checksum field. */
function checksum(payload: Buffer): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < 32; i++) hash = Math.imul(hash ^ (payload[i] as number), 0x01000193);
  return hash >>> 0;
}

function randomBytes(length: number, seed: number): Buffer {
  const random = seededRandom(seed);
  const bytes = Buffer.allocUnsafe(length);
  for (let i = 0; i < length; i++) bytes[i] = random() * 256;
  return bytes;
}

/** What tells payloads of one run from those of another, from the run's unique name. */
export function codecRunOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
