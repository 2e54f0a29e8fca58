/**
 * What other clients compressed, read: gzip by Node, zstd by fzstd, snappy and LZ4 here: their packages bound no output and decode
 * frames only on another thread, while a fetch is taken apart in one go. Only reading: what this driver writes is not compressed. The
 * batch's own CRC was checked before, so the checksums inside are passed over.
 */

import { gunzipSync } from 'node:zlib';
import { Decompress } from 'fzstd';
import { KafkaFault } from './errors.ts';
import { kafkaLimits } from './kafka-limits.ts';

const codecs: readonly string[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

/** Values of the topic config `compression.type` whose batches are read. */
export const readableCompressions: ReadonlySet<string> = new Set([
  'producer',
  'uncompressed',
  'gzip',
  'snappy',
  'lz4',
  'zstd',
]);

/** @throws KafkaFault `client` for a codec that is not read, bytes that make no sense, and more than the limit. */
export function decompress(section: Buffer, codec: number): Buffer {
  const name = codecs[codec] ?? String(codec);
  try {
    if (name === 'none') return section;
    if (name === 'gzip') return gunzipSync(section, { maxOutputLength: kafkaLimits.decompressedBytesMax });
    if (name === 'snappy') return unsnappy(section);
    if (name === 'lz4') return unlz4(section);
    if (name === 'zstd') return unzstd(section);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new KafkaFault('client', `a batch compressed with ${name} cannot be read: ${why}`, { cause });
  }
  throw new KafkaFault('client', `messages of this topic are compressed with ${name}, which is not read`);
}

/** Grows as needed, up to the limit; copies within it may overlap, which is how both formats write runs. */
class Output {
  #bytes: Buffer;
  #length = 0;

  constructor(expected: number) {
    this.#bytes = Buffer.allocUnsafe(Math.min(Math.max(expected, 64), kafkaLimits.decompressedBytesMax));
  }

  append(from: Buffer, start: number, length: number): void {
    if (start + length > from.length) throw new RangeError('it ends too early');
    this.#reserve(length);
    from.copy(this.#bytes, this.#length, start, start + length);
    this.#length += length;
  }

  /** The `length` bytes that begin `distance` before the end. */
  repeat(distance: number, length: number): void {
    if (distance < 1 || distance > this.#length) throw new RangeError('it refers to what is not there');
    this.#reserve(length);
    const bytes = this.#bytes;
    let to = this.#length;
    for (let from = to - distance; to < this.#length + length; to += 1, from += 1) bytes[to] = bytes[from] as number;
    this.#length = to;
  }

  done(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(length: number): void {
    const wanted = this.#length + length;
    if (wanted > kafkaLimits.decompressedBytesMax)
      throw new RangeError(`it holds more than ${kafkaLimits.decompressedBytesMax} bytes`);
    if (wanted <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(
      Math.min(Math.max(wanted, this.#bytes.length * 2), kafkaLimits.decompressedBytesMax),
    );
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}

const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);
const XERIAL_HEAD_BYTES = 16;

/**
 * Java's clients write blocks in a frame of their own, others one bare block.
 *
 *   0x82 "SNAPPY" 0 | version int32 | compatible int32 | for each block: length int32, block
 */
function unsnappy(section: Buffer): Buffer {
  const output = new Output(section.length * 3);
  if (!section.subarray(0, XERIAL.length).equals(XERIAL)) {
    snappyBlock(section, output);
    return output.done();
  }
  for (let at = XERIAL_HEAD_BYTES; at < section.length; ) {
    const end = at + 4 + section.readInt32BE(at);
    if (end <= at || end > section.length) throw new RangeError('a block is longer than what is left');
    snappyBlock(section.subarray(at + 4, end), output);
    at = end;
  }
  return output.done();
}

/**
 *   length as varint | elements, the kind of each in the low two bits of its first byte (tag):
 *   00  literal: length - 1 in six bits, or from 60 on in the 1 to 4 bytes that follow; then its bytes
 *   01  copy: length - 4 in three bits, distance in three bits and a byte
 *   10  copy: length - 1 in six bits, distance in two bytes         11  the same with four bytes
 */
function snappyBlock(block: Buffer, output: Output): void {
  let at = 0;
  while (block.readUInt8(at) > 0x7f) at += 1; // the length is known when it ends
  at += 1;
  while (at < block.length) {
    const tag = block.readUInt8(at);
    at += 1;
    const high = tag >> 2;
    switch (tag & 3) {
      case 0: {
        const more = Math.max(0, high - 59);
        const length = (more === 0 ? high : block.readUIntLE(at, more)) + 1;
        output.append(block, at + more, length);
        at += more + length;
        break;
      }
      case 1:
        output.repeat(((tag >> 5) << 8) | block.readUInt8(at), (high & 7) + 4);
        at += 1;
        break;
      case 2:
        output.repeat(block.readUInt16LE(at), high + 1);
        at += 2;
        break;
      default:
        output.repeat(block.readUInt32LE(at), high + 1);
        at += 4;
    }
  }
}

const LZ4_MAGIC = 0x184d2204;
const LZ4_BLOCK_CHECKSUMS = 0x10;
const LZ4_CONTENT_SIZE = 0x08;
const LZ4_DICTIONARY = 0x01;
const LZ4_IS_PLAIN = 0x80000000;

/**
 *   magic uint32 | flags | sizes | content size uint64, if flagged | header checksum |
 *   for each block: length uint32, its highest bit for a block that is not compressed; block; checksum uint32, if flagged |
 *   length 0 | content checksum, if flagged
 *
 * Blocks may refer to those before them, so all go into one output.
 */
function unlz4(section: Buffer): Buffer {
  if (section.readUInt32LE(0) !== LZ4_MAGIC) throw new RangeError('it is no frame of LZ4');
  const flags = section.readUInt8(4);
  if ((flags & LZ4_DICTIONARY) !== 0) throw new RangeError('it wants a dictionary');
  const output = new Output(section.length * 3);
  let at = 4 + 2 + ((flags & LZ4_CONTENT_SIZE) === 0 ? 0 : 8) + 1;
  for (;;) {
    const head = section.readUInt32LE(at);
    at += 4;
    if (head === 0) return output.done();
    const length = head & ~LZ4_IS_PLAIN;
    if (at + length > section.length) throw new RangeError('a block is longer than what is left');
    if ((head & LZ4_IS_PLAIN) !== 0) output.append(section, at, length);
    else lz4Block(section.subarray(at, at + length), output);
    at += length + ((flags & LZ4_BLOCK_CHECKSUMS) === 0 ? 0 : 4);
  }
}

/**
 * Sequences: a byte with two lengths of four bits, the literal's and the copy's less 4; where one is 15, bytes that are added to it
 * follow, until one is not 255. The literal; the distance in two bytes; the rest of the copy's length. The last has a literal only.
 */
function lz4Block(block: Buffer, output: Output): void {
  let at = 0;
  while (at < block.length) {
    const token = block.readUInt8(at);
    at += 1;
    const literal = lengthFrom(token >> 4);
    output.append(block, at, literal);
    at += literal;
    if (at >= block.length) return;
    const distance = block.readUInt16LE(at);
    at += 2;
    output.repeat(distance, lengthFrom(token & 15) + 4);
  }

  function lengthFrom(start: number): number {
    let length = start;
    if (start < 15) return length;
    for (let byte = 255; byte === 255; at += 1) {
      byte = block.readUInt8(at);
      length += byte;
    }
    return length;
  }
}

const ZSTD_MAGIC = 0xfd2fb528;
const ZSTD_SINGLE_SEGMENT = 0x20;

/**
 * The decoder takes memory for the window before it decodes anything, on the word of the frame's head:
 *
 *   magic uint32 | descriptor: code of the content size << 6, single segment << 5, code of the dictionary | window, unless single
 *   segment: exponent - 10 << 3, eighths | dictionary | content size, of one byte for code 0 and then of 2, 4, 8
 */
function unzstd(section: Buffer): Buffer {
  if (section.readUInt32LE(0) !== ZSTD_MAGIC) throw new RangeError('it is no frame of zstd');
  const window = zstdWindowBytes(section, section.readUInt8(4));
  if (window > kafkaLimits.decompressedBytesMax) throw new RangeError(`it wants a window of ${window} bytes`);
  const output = new Output(section.length * 3);
  const decoder = new Decompress((part) => {
    output.append(Buffer.from(part.buffer, part.byteOffset, part.length), 0, part.length);
  });
  decoder.push(section, true);
  return output.done();
}

function zstdWindowBytes(section: Buffer, descriptor: number): number {
  if ((descriptor & ZSTD_SINGLE_SEGMENT) === 0) {
    const window = section.readUInt8(5);
    return 2 ** (10 + (window >> 3)) * (1 + (window & 7) / 8);
  }
  const at = 5 + ([0, 1, 2, 4][descriptor & 3] as number);
  const sizes = [() => section.readUInt8(at), () => section.readUInt16LE(at) + 256, () => section.readUInt32LE(at)];
  return sizes[descriptor >> 6]?.() ?? Number(section.readBigUInt64LE(at));
}
