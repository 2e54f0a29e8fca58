/**
 * A record batch in place, version 2 of Kafka's format, all numbers big endian:
 *
 *    0  base offset             int64    set when it is appended; outside the checksum
 *    8  batch length            int32    bytes after this field
 *   12  partition leader epoch  int32    outside the checksum
 *   16  magic                   int8     2
 *   17  crc                     uint32   CRC-32C of everything from 21 to the end
 *   21  attributes              int16    compression 0-2, timestamp type 3, transactional 4, control 5, delete horizon 6
 *   23  last offset delta       int32
 *   27  base timestamp          int64    the delete horizon when bit 6 is set; deltas count from it all the same
 *   35  max timestamp           int64
 *   43  producer id             int64    -1: none
 *   51  producer epoch          int16
 *   53  base sequence           int32
 *   57  record count            int32
 *   61  records
 *
 * Offsets and timestamps are read as numbers, exact up to 2^53.
 */

import { crc32c } from './crc32c.ts';

export const BATCH_HEADER_BYTES = 61;
/** Base offset and length: what must be there to know how long the batch is. */
export const BATCH_LENGTH_END = 12;
export const MAGIC = 2;
export const CRC_FROM = 21;
export const COMPRESSION_BITS = 0x07;
/** All records have the batch's max timestamp, the time of their append. */
export const APPEND_TIME_BIT = 0x08;
const TRANSACTIONAL_BIT = 0x10;
const CONTROL_BIT = 0x20;
/** Compaction has seen the tombstones of the batch; they may go at the time in the place of the base timestamp. */
export const DELETE_HORIZON_BIT = 0x40;
/** Sequences are 31 bits and begin again at 0. */
const SEQUENCES = 2 ** 31;

export function readInt64(bytes: Buffer, position: number): number {
  return bytes.readInt32BE(position) * 2 ** 32 + bytes.readUInt32BE(position + 4);
}

export function writeInt64(bytes: Buffer, position: number, value: number): void {
  const high = Math.floor(value / 2 ** 32);
  bytes.writeInt32BE(high, position);
  bytes.writeUInt32BE(value - high * 2 ** 32, position + 4);
}

export function baseOffsetOf(bytes: Buffer, at = 0): number {
  return readInt64(bytes, at);
}

export function batchBytesOf(bytes: Buffer, at = 0): number {
  return BATCH_LENGTH_END + bytes.readInt32BE(at + 8);
}

export function lastOffsetOf(bytes: Buffer, at = 0): number {
  return readInt64(bytes, at) + bytes.readInt32BE(at + 23);
}

export function baseTimestampOf(bytes: Buffer, at = 0): number {
  return readInt64(bytes, at + 27);
}

export function maxTimestampOf(bytes: Buffer, at = 0): number {
  return readInt64(bytes, at + 35);
}

export function recordCountOf(bytes: Buffer, at = 0): number {
  return bytes.readInt32BE(at + 57);
}

export function attributesOf(bytes: Buffer, at = 0): number {
  return bytes.readInt16BE(at + 21);
}

export function hasAppendTime(bytes: Buffer, at = 0): boolean {
  return (attributesOf(bytes, at) & APPEND_TIME_BIT) !== 0;
}

/** Holds a marker, not records: of a transaction, or of a hole that a repair left (record/hole-batch.ts). */
export function isControl(bytes: Buffer, at = 0): boolean {
  return (attributesOf(bytes, at) & CONTROL_BIT) !== 0;
}

export function isTransactional(bytes: Buffer, at = 0): boolean {
  return (attributesOf(bytes, at) & TRANSACTIONAL_BIT) !== 0;
}

export function producerIdOf(bytes: Buffer, at = 0): number {
  return readInt64(bytes, at + 43);
}

export function producerEpochOf(bytes: Buffer, at = 0): number {
  return bytes.readInt16BE(at + 51);
}

export function baseSequenceOf(bytes: Buffer, at = 0): number {
  return bytes.readInt32BE(at + 53);
}

export function lastSequenceOf(bytes: Buffer, at = 0): number {
  return sequenceAfter(baseSequenceOf(bytes, at), bytes.readInt32BE(at + 23));
}

export function sequenceAfter(sequence: number, steps: number): number {
  return (sequence + steps) % SEQUENCES;
}

export function compressionOf(bytes: Buffer, at = 0): number {
  return bytes.readInt16BE(at + 21) & COMPRESSION_BITS;
}

/** Gives the batch its place in the partition. The checksum does not cover these fields. */
export function placeBatch(bytes: Buffer, baseOffset: number): void {
  writeInt64(bytes, 0, baseOffset);
  bytes.writeInt32BE(0, 12);
}

/** Writes the checksum that fits the bytes: for whoever changes what it covers. */
export function sealBatch(bytes: Buffer): void {
  bytes.writeUInt32BE(crc32c(bytes.subarray(CRC_FROM)), 17);
}

/** Why the header at `at` cannot be one, or null. `available`: bytes of log from `at` on, in the file. */
export function headerFault(bytes: Buffer, at: number, available: number): string | null {
  if (available < BATCH_HEADER_BYTES) return `${available} bytes are no batch`;
  const magic = bytes.readInt8(at + 16);
  if (magic !== MAGIC) return `magic ${magic} instead of ${MAGIC}`;
  const size = batchBytesOf(bytes, at);
  if (size < BATCH_HEADER_BYTES) return `batch length ${size} is below the header`;
  if (size > available) return `the batch has ${size} bytes, the log ${available}`;
  const lastDelta = bytes.readInt32BE(at + 23);
  const count = recordCountOf(bytes, at);
  // No records: compaction took them and left the header, because a producer's sequence goes on from it.
  if (count < 0 || lastDelta < 0 || lastDelta < count - 1) return `${count} records up to delta ${lastDelta}`;
  return null;
}

/** Why the whole batch at `at` is not what was written, or null. */
export function batchFault(bytes: Buffer, at: number, available: number): string | null {
  const fault = headerFault(bytes, at, available);
  if (fault !== null) return fault;
  const stored = bytes.readUInt32BE(at + 17);
  const computed = crc32c(bytes.subarray(at + CRC_FROM, at + batchBytesOf(bytes, at)));
  return stored === computed ? null : `checksum ${stored.toString(16)} stored, ${computed.toString(16)} computed`;
}
