/**
 * Zigzag varints as Kafka's records use them: seven bits a byte, lowest first, the high bit says that more follow.
 * Numbers instead of bigints: 32-bit values by shifts, larger ones by division, exact up to 2^53.
 */

const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;
/** Ten bytes hold 64 bits; more is not a varint. */
const BYTES_MAX = 10;

export function varintSize(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  if (zigzag < 0x80) return 1;
  if (zigzag < 0x4000) return 2;
  if (zigzag < 0x200000) return 3;
  if (zigzag < 0x10000000) return 4;
  return 5;
}

/** Returns the position after it. */
export function writeVarint(into: Uint8Array, position: number, value: number): number {
  let zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  if (zigzag < 0x80) {
    into[position] = zigzag;
    return position + 1;
  }
  let at = position;
  while (zigzag >= 0x80) {
    into[at++] = (zigzag & 0x7f) | 0x80;
    zigzag >>>= 7;
  }
  into[at++] = zigzag;
  return at;
}

export function varlongSize(value: number): number {
  if (value >= INT32_MIN && value <= INT32_MAX) return varintSize(value);
  let zigzag = value >= 0 ? value * 2 : -value * 2 - 1;
  let size = 1;
  while (zigzag >= 0x80) {
    zigzag = Math.floor(zigzag / 0x80);
    size += 1;
  }
  return size;
}

/** `value` within ±2^52, so that its zigzag form is exact. Returns the position after it. */
export function writeVarlong(into: Uint8Array, position: number, value: number): number {
  if (value >= INT32_MIN && value <= INT32_MAX) return writeVarint(into, position, value);
  let zigzag = value >= 0 ? value * 2 : -value * 2 - 1;
  let at = position;
  while (zigzag >= 0x80) {
    into[at++] = (zigzag % 0x80) | 0x80;
    zigzag = Math.floor(zigzag / 0x80);
  }
  into[at++] = zigzag;
  return at;
}

/** Reads varints one after the other; a value that runs out of the bytes throws RangeError. */
export class VarintReader {
  readonly bytes: Buffer;
  position: number;

  constructor(bytes: Buffer, position: number) {
    this.bytes = bytes;
    this.position = position;
  }

  next(): number {
    const { bytes } = this;
    let at = this.position;
    let byte = bytes[at++];
    if (byte === undefined) throw new RangeError('a varint runs out of its bytes');
    if (byte < 0x80) {
      this.position = at;
      return (byte >>> 1) ^ -(byte & 1);
    }
    let value = byte & 0x7f;
    let shift = 7;
    while (shift < 28) {
      byte = bytes[at++];
      if (byte === undefined) throw new RangeError('a varint runs out of its bytes');
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.position = at;
        return (value >>> 1) ^ -(value & 1);
      }
      shift += 7;
    }
    return this.#long(value, at);
  }

  /** From the fifth byte on shifts would overflow 32 bits. */
  #long(low: number, from: number): number {
    let value = low;
    let scale = 2 ** 28;
    for (let at = from; at - this.position < BYTES_MAX; at += 1) {
      const byte = this.bytes[at];
      if (byte === undefined) throw new RangeError('a varint runs out of its bytes');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        this.position = at + 1;
        return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      }
      scale *= 0x80;
    }
    throw new RangeError(`a varint is longer than ${BYTES_MAX} bytes`);
  }
}
