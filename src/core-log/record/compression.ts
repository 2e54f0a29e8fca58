/**
 * Compressed batches: stored as they come, opened when their records are read. The codec is loaded when the first batch of
 * its kind is met. Whoever wrote the batch also wrote the sizes in it, so no memory is taken on their word: what a batch
 * may become is bounded before it is decoded, or while it is.
 */

import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { EngineError } from '../errors.ts';
import { limits } from '../limits.ts';
import {
  attributesOf,
  BATCH_HEADER_BYTES,
  BATCH_LENGTH_END,
  baseOffsetOf,
  batchBytesOf,
  COMPRESSION_BITS,
  compressionOf,
  sealBatch,
} from './batch-view.ts';

interface Codec {
  readonly name: string;
  /** Rejects, with any error, what it cannot decode and what would be larger than `bytesMax`. */
  readonly decode: (bytes: Buffer, bytesMax: number) => Promise<Uint8Array>;
}

const GZIP = 1;
const SNAPPY = 2;
const LZ4 = 3;
const ZSTD = 4;

/** By the number in the attributes. */
const codecs: Readonly<Record<number, Codec>> = {
  [GZIP]: {
    name: 'gzip',
    decode: async (bytes, bytesMax) => await promisify(gunzip)(bytes, { maxOutputLength: bytesMax }),
  },
  [SNAPPY]: { name: 'snappy', decode: decodeSnappy },
  [LZ4]: { name: 'lz4', decode: decodeLz4 },
  [ZSTD]: { name: 'zstd', decode: decodeZstd },
};

/**
 * The batch as if it had not been compressed: a header without compression and the records behind it. Its checksum is not
 * made anew. Rejects with `unsupported_compression` or `undecodable_batch`.
 */
export async function inflateBatch(batch: Buffer, bytesMax: number = limits.inflatedBytesMax): Promise<Buffer> {
  const compression = compressionOf(batch);
  if (compression === 0) return batch;
  const codec = codecs[compression];
  const what = `the batch at offset ${baseOffsetOf(batch)}`;
  if (codec === undefined)
    throw new EngineError('unsupported_compression', `${what} has compression ${compression}, which has no meaning`);
  let records: Uint8Array;
  try {
    records = await codec.decode(batch.subarray(BATCH_HEADER_BYTES, batchBytesOf(batch)), bytesMax);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError('undecodable_batch', `${what} cannot be decoded as ${codec.name}: ${why}`, { cause });
  }
  const inflated = Buffer.allocUnsafeSlow(BATCH_HEADER_BYTES + records.length);
  batch.copy(inflated, 0, 0, BATCH_HEADER_BYTES);
  inflated.set(records, BATCH_HEADER_BYTES);
  inflated.writeInt32BE(inflated.length - BATCH_LENGTH_END, 8);
  inflated.writeInt16BE(attributesOf(batch) & ~COMPRESSION_BITS, 21);
  return inflated;
}

/**
 * The batch with its records compressed, in a way that every reader of such logs knows; for batches that compaction changed.
 * What was zstd becomes gzip: there is no encoder for it here.
 */
export async function deflateBatch(batch: Buffer, compression: number): Promise<Buffer> {
  if (compression === 0) return batch;
  const code = compression === ZSTD ? GZIP : compression;
  const records = await encode(batch.subarray(BATCH_HEADER_BYTES), code);
  const deflated = Buffer.concat([batch.subarray(0, BATCH_HEADER_BYTES), records]);
  deflated.writeInt32BE(deflated.length - BATCH_LENGTH_END, 8);
  deflated.writeInt16BE(attributesOf(batch) | code, 21);
  sealBatch(deflated);
  return deflated;
}

async function encode(records: Buffer, code: number): Promise<Uint8Array> {
  if (code === GZIP) return await promisify(gzip)(records);
  if (code === LZ4) return await (await import('lz4-napi')).compressFrame(records);
  const { compress } = await import('snappy');
  const parts: Uint8Array[] = [XERIAL_MAGIC, XERIAL_VERSIONS];
  for (let at = 0; at < records.length; at += XERIAL_BLOCK_BYTES) {
    const block = await compress(records.subarray(at, at + XERIAL_BLOCK_BYTES));
    const length = Buffer.alloc(4);
    length.writeInt32BE(block.length, 0);
    parts.push(length, block);
  }
  return Buffer.concat(parts);
}

/**
 * Raw snappy, or the framing of the xerial library, which Kafka's Java client writes:
 *
 *   0x82 'SNAPPY' 0x00 | version int32 | oldest compatible version int32 | blocks: length int32, raw snappy
 */
async function decodeSnappy(bytes: Buffer, bytesMax: number): Promise<Uint8Array> {
  const { uncompress } = await import('snappy');
  const blocks = bytes.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC) ? xerialBlocks(bytes) : [bytes];
  checkSize(
    blocks.reduce((sum, block) => sum + snappySize(block), 0),
    bytesMax,
  );
  const parts: Uint8Array[] = [];
  for (const block of blocks) parts.push((await uncompress(block, { asBuffer: true })) as Buffer);
  return Buffer.concat(parts);
}

const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_VERSIONS = Buffer.from([0, 0, 0, 1, 0, 0, 0, 1]);
const XERIAL_HEADER_BYTES = 16;
const XERIAL_BLOCK_BYTES = 32 * 1024;

function xerialBlocks(bytes: Buffer): Buffer[] {
  const blocks: Buffer[] = [];
  for (let at = XERIAL_HEADER_BYTES; at < bytes.length; ) {
    const from = at + 4;
    const length = from <= bytes.length ? bytes.readInt32BE(at) : -1;
    if (length < 0 || from + length > bytes.length) throw new RangeError(`the block at ${at} runs out of the batch`);
    blocks.push(bytes.subarray(from, from + length));
    at = from + length;
  }
  return blocks;
}

/** A raw snappy block begins with what it will become, as an unsigned varint. */
function snappySize(block: Buffer): number {
  let size = 0;
  for (let at = 0; at < 5; at += 1) {
    const byte = block[at];
    if (byte === undefined) break;
    size += (byte & 0x7f) * 2 ** (7 * at);
    if (byte < 0x80) return size;
  }
  throw new RangeError('a block does not begin with its size');
}

async function decodeLz4(bytes: Buffer, bytesMax: number): Promise<Uint8Array> {
  const { decompressFrame } = await import('lz4-napi');
  checkSize(lz4SizeMax(bytes), bytesMax);
  return await decompressFrame(bytes);
}

const LZ4_MAGIC = 0x184d2204;
const LZ4_PLAIN_BLOCK = 0x80000000;
/** A byte of a compressed block adds at most 255 bytes of a match. */
const LZ4_EXPANSION_MAX = 255;

/**
 * The most that a frame can become, by the sizes of its blocks:
 *
 *   magic uint32 | flags | block size code << 4 | content size uint64, if flag 8 | dictionary uint32, if flag 1 | header checksum |
 *   blocks: size uint32 (top bit: not compressed), bytes, checksum uint32, if flag 16 | 0 uint32       all little endian
 */
function lz4SizeMax(bytes: Buffer): number {
  if (bytes.readUInt32LE(0) !== LZ4_MAGIC) throw new RangeError('it does not begin like an lz4 frame');
  const flags = bytes.readUInt8(4);
  const blockBytesMax = 2 ** (8 + 2 * ((bytes.readUInt8(5) >>> 4) & 7));
  let at = 7 + ((flags & 8) === 0 ? 0 : 8) + ((flags & 1) === 0 ? 0 : 4);
  let size = 0;
  for (;;) {
    const word = bytes.readUInt32LE(at);
    if (word === 0) return size;
    const length = word % LZ4_PLAIN_BLOCK;
    size += word >= LZ4_PLAIN_BLOCK ? length : Math.min(blockBytesMax, length * LZ4_EXPANSION_MAX);
    at += 4 + length + ((flags & 16) === 0 ? 0 : 4);
  }
}

async function decodeZstd(bytes: Buffer, bytesMax: number): Promise<Uint8Array> {
  const { Decompress } = await import('fzstd');
  // The decoder takes the window's memory before it decodes anything.
  checkSize(zstdWindowBytes(bytes), bytesMax);
  const parts: Uint8Array[] = [];
  let size = 0;
  const decoder = new Decompress((part) => {
    size += part.length;
    checkSize(size, bytesMax);
    parts.push(part);
  });
  decoder.push(bytes, true);
  return Buffer.concat(parts, size);
}

const ZSTD_MAGIC = 0xfd2fb528;

/**
 * How far back a frame may refer. Its header:
 *
 *   magic uint32 LE | descriptor: content size code << 6, single segment << 5, dictionary code | window, unless single segment |
 *   dictionary id 0, 1, 2 or 4 bytes | content size 0 (1 if single segment), 2, 4 or 8 bytes LE
 */
function zstdWindowBytes(bytes: Buffer): number {
  if (bytes.readUInt32LE(0) !== ZSTD_MAGIC) throw new RangeError('it does not begin like a zstd frame');
  const descriptor = bytes.readUInt8(4);
  if ((descriptor & 0x20) === 0) {
    const window = bytes.readUInt8(5);
    const base = 2 ** (10 + (window >>> 3));
    return base + (base / 8) * (window & 7);
  }
  const at = 5 + ([0, 1, 2, 4][descriptor & 3] as number);
  switch (descriptor >>> 6) {
    case 0:
      return bytes.readUInt8(at);
    case 1:
      return bytes.readUInt16LE(at) + 256;
    case 2:
      return bytes.readUInt32LE(at);
    default:
      return Number(bytes.readBigUInt64LE(at));
  }
}

function checkSize(size: number, bytesMax: number): void {
  if (size > bytesMax) throw new RangeError(`it may become ${size} bytes; at most ${bytesMax}`);
}
