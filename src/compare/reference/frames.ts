/**
 * What goes to a Java process and comes back: frames of DataInputStream's and DataOutputStream's own types (java/Main.java draws them).
 *
 *     | length (int32) | kind (1) | fields ... |          big endian; text: uint16 length and bytes; byte strings: int32 length, -1 for none
 */

const textBytesMax = 0xffff;
const firstRoomBytes = 256;

export class FrameWriter {
  #buffer = Buffer.allocUnsafe(firstRoomBytes);
  #length = 4;

  constructor(kind: number) {
    this.byte(kind);
  }

  byte(value: number): this {
    const at = this.#room(1);
    this.#buffer.writeInt8(value, at);
    return this;
  }

  boolean(value: boolean): this {
    return this.byte(value ? 1 : 0);
  }

  int(value: number): this {
    const at = this.#room(4);
    this.#buffer.writeInt32BE(value | 0, at);
    return this;
  }

  long(value: number): this {
    const at = this.#room(8);
    this.#buffer.writeBigInt64BE(BigInt(value), at);
    return this;
  }

  double(value: number): this {
    const at = this.#room(8);
    this.#buffer.writeDoubleBE(value, at);
    return this;
  }

  /** As Java reads it: the same bytes as UTF-8 but for NUL and what is outside of the basic plane, which no name here has. */
  text(value: string): this {
    const bytes = Buffer.from(value);
    if (bytes.length > textBytesMax) throw new RangeError(`a text of ${bytes.length} bytes does not fit into a frame`);
    const at = this.#room(2);
    this.#buffer.writeUInt16BE(bytes.length, at);
    return this.#raw(bytes);
  }

  bytes(value: Uint8Array | null): this {
    this.int(value === null ? -1 : value.length);
    return value === null ? this : this.#raw(value);
  }

  ints(values: Int32Array): this {
    const at = this.#room(values.length * 4);
    for (const [index, value] of values.entries()) this.#buffer.writeInt32BE(value, at + index * 4);
    return this;
  }

  doubles(values: Float64Array): this {
    const at = this.#room(values.length * 8);
    for (const [index, value] of values.entries()) this.#buffer.writeDoubleBE(value, at + index * 8);
    return this;
  }

  frame(): Buffer {
    this.#buffer.writeInt32BE(this.#length - 4, 0);
    return this.#buffer.subarray(0, this.#length);
  }

  #raw(bytes: Uint8Array): this {
    const at = this.#room(bytes.length);
    this.#buffer.set(bytes, at);
    return this;
  }

  /** First this, then the buffer: it may be another one afterwards. */
  #room(bytes: number): number {
    const at = this.#length;
    this.#length += bytes;
    if (this.#length > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#length, this.#buffer.length * 2));
      this.#buffer.copy(larger);
      this.#buffer = larger;
    }
    return at;
  }
}

export class FrameReader {
  readonly #frame: Buffer;
  #at = 0;

  constructor(frame: Buffer) {
    this.#frame = frame;
  }

  byte(): number {
    return this.#frame.readInt8(this.#skip(1));
  }

  boolean(): boolean {
    return this.byte() !== 0;
  }

  int(): number {
    return this.#frame.readInt32BE(this.#skip(4));
  }

  long(): number {
    return Number(this.#frame.readBigInt64BE(this.#skip(8)));
  }

  double(): number {
    return this.#frame.readDoubleBE(this.#skip(8));
  }

  text(): string {
    const length = this.#frame.readUInt16BE(this.#skip(2));
    const at = this.#skip(length);
    return this.#frame.toString('utf8', at, at + length);
  }

  bytes(): Buffer | null {
    const length = this.int();
    if (length < 0) return null;
    const at = this.#skip(length);
    return this.#frame.subarray(at, at + length);
  }

  ints(count: number): Int32Array {
    const at = this.#skip(count * 4);
    return Int32Array.from({ length: count }, (_, index) => this.#frame.readInt32BE(at + index * 4));
  }

  doubles(count: number): Float64Array {
    const at = this.#skip(count * 8);
    return Float64Array.from({ length: count }, (_, index) => this.#frame.readDoubleBE(at + index * 8));
  }

  raw(count: number): Buffer {
    const at = this.#skip(count);
    return this.#frame.subarray(at, at + count);
  }

  #skip(bytes: number): number {
    const at = this.#at;
    this.#at += bytes;
    return at;
  }
}

/** Cuts a stream of bytes into frames; each is handed out without its length. */
export class FrameCutter {
  #parts: Buffer[] = [];
  #bytes = 0;
  readonly #onFrame: (frame: Buffer) => void;

  constructor(onFrame: (frame: Buffer) => void) {
    this.#onFrame = onFrame;
  }

  push(chunk: Buffer): void {
    this.#parts.push(chunk);
    this.#bytes += chunk.length;
    for (;;) {
      const length = this.#nextLength();
      if (length === null || this.#bytes < 4 + length) return;
      const all = this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts);
      const rest = all.subarray(4 + length);
      this.#parts = rest.length === 0 ? [] : [rest];
      this.#bytes = rest.length;
      this.#onFrame(all.subarray(4, 4 + length));
    }
  }

  /** Parts are joined only when a frame is whole: a large one comes in thousands of pieces. */
  #nextLength(): number | null {
    if (this.#bytes < 4) return null;
    const [first] = this.#parts;
    if (first !== undefined && first.length >= 4) return first.readInt32BE(0);
    this.#parts = [Buffer.concat(this.#parts)];
    return (this.#parts[0] as Buffer).readInt32BE(0);
  }
}
