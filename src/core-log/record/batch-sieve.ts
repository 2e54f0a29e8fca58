/**
 * What compaction leaves of a batch. Offsets stay what they are: a batch keeps its first and last offset, whatever is taken
 * out of it; only one of which nothing is left goes, and not even that when a producer's sequence goes on from it.
 *
 *   superseded: a later record has the key               goes
 *   tombstone (null value), seen for the first time      stays; the batch notes until when (the delete horizon)
 *   tombstone, the time is over                          goes
 *   without a key                                        stays: nothing can supersede it
 */

import {
  APPEND_TIME_BIT,
  attributesOf,
  BATCH_HEADER_BYTES,
  BATCH_LENGTH_END,
  baseOffsetOf,
  baseTimestampOf,
  COMPRESSION_BITS,
  compressionOf,
  DELETE_HORIZON_BIT,
  isControl,
  lastOffsetOf,
  maxTimestampOf,
  recordCountOf,
  sealBatch,
  writeInt64,
} from './batch-view.ts';
import { deflateBatch, inflateBatch } from './compression.ts';
import { VarintReader, varintSize, varlongSize, writeVarint, writeVarlong } from './varint.ts';

export interface Sieve {
  readonly isSuperseded: (key: Buffer, offset: number) => boolean;
  /** Tombstones whose horizon is at or before it go. */
  readonly nowMs: number;
  /** The horizon of tombstones that are seen for the first time. */
  readonly horizonMs: number;
  /** The last offsets of batches that stay, if need be without records. */
  readonly kept: ReadonlySet<number>;
}

export interface Sifted {
  /** The very batch when all of it stays; null when nothing does. */
  readonly batch: Buffer | null;
  readonly removed: number;
  /** When its tombstones may go; null when there are none. */
  readonly horizonMs: number | null;
}

/** A record where it lies in an uncompressed batch: `length | attributes | timestamp delta | offset delta ...`. */
interface RawRecord {
  readonly start: number;
  readonly end: number;
  /** Where the offset delta begins: from there on nothing depends on the header. */
  readonly offsetAt: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly isTombstone: boolean;
}

/** Throws RangeError when the records are none. */
export async function siftBatch(batch: Buffer, sieve: Sieve): Promise<Sifted> {
  if (isControl(batch)) return { batch, removed: 0, horizonMs: null };
  const open = await inflateBatch(batch);
  const hasHorizon = (attributesOf(batch) & DELETE_HORIZON_BIT) !== 0;
  const horizonMs = hasHorizon ? baseTimestampOf(batch) : sieve.horizonMs;
  const areTombstonesOver = hasHorizon && horizonMs <= sieve.nowMs;
  const records = rawRecordsOf(open);
  const left = records.filter(
    ({ key, offset, isTombstone }) =>
      key === null || !(sieve.isSuperseded(key, offset) || (isTombstone && areTombstonesOver)),
  );
  const hasTombstones = left.some(({ isTombstone }) => isTombstone);
  const setsHorizon = hasTombstones && !hasHorizon;
  const removed = records.length - left.length;
  const found = { removed, horizonMs: hasTombstones ? horizonMs : null };
  if (left.length === 0) {
    if (!sieve.kept.has(lastOffsetOf(batch))) return { ...found, batch: null };
    return { ...found, batch: records.length === 0 ? batch : emptied(open) };
  }
  if (removed === 0 && !setsHorizon) return { ...found, batch };
  const rebuilt = setsHorizon ? withHorizon(open, left, horizonMs) : withRecords(open, left);
  return { ...found, batch: await deflateBatch(rebuilt, compressionOf(batch)) };
}

function rawRecordsOf(batch: Buffer): RawRecord[] {
  const baseOffset = baseOffsetOf(batch);
  const baseTimestamp = baseTimestampOf(batch);
  const reader = new VarintReader(batch, BATCH_HEADER_BYTES);
  return Array.from({ length: recordCountOf(batch) }, (_, index): RawRecord => {
    const start = reader.position;
    const length = reader.next();
    const end = reader.position + length;
    if (length < 0 || end > batch.length) throw new RangeError(`record ${index} runs out of its batch`);
    reader.position += 1;
    const timestamp = baseTimestamp + reader.next();
    const offsetAt = reader.position;
    const offset = baseOffset + reader.next();
    const keyBytes = reader.next();
    const key = keyBytes < 0 ? null : batch.subarray(reader.position, reader.position + keyBytes);
    reader.position += Math.max(0, keyBytes);
    const isTombstone = key !== null && reader.next() < 0;
    reader.position = end;
    return { start, end, offsetAt, offset, timestamp, key, isTombstone };
  });
}

/** The records as they lie: their timestamps go on counting from the same base. */
function withRecords(batch: Buffer, records: readonly RawRecord[]): Buffer {
  const size = records.reduce((sum, { start, end }) => sum + end - start, BATCH_HEADER_BYTES);
  const bytes = headerOf(batch, size);
  let at = BATCH_HEADER_BYTES;
  for (const { start, end } of records) at += batch.copy(bytes, at, start, end);
  return finished(bytes, records);
}

/** The horizon takes the place of the base timestamp, so the timestamps count from it. */
function withHorizon(batch: Buffer, records: readonly RawRecord[], horizonMs: number): Buffer {
  const bodies = records.map(({ end, offsetAt, timestamp }) => 1 + varlongSize(timestamp - horizonMs) + end - offsetAt);
  const size = bodies.reduce((sum, body) => sum + varintSize(body) + body, BATCH_HEADER_BYTES);
  const bytes = headerOf(batch, size);
  bytes.writeInt16BE(attributesOf(bytes) | DELETE_HORIZON_BIT, 21);
  writeInt64(bytes, 27, horizonMs);
  let at = BATCH_HEADER_BYTES;
  for (const [index, { end, offsetAt, timestamp }] of records.entries()) {
    at = writeVarint(bytes, at, bodies[index] as number);
    bytes[at++] = 0;
    at = writeVarlong(bytes, at, timestamp - horizonMs);
    at += batch.copy(bytes, at, offsetAt, end);
  }
  return finished(bytes, records);
}

/** The header alone, which says how far the producer came. */
function emptied(batch: Buffer): Buffer {
  const bytes = headerOf(batch, BATCH_HEADER_BYTES);
  bytes.writeInt16BE(attributesOf(bytes) & ~DELETE_HORIZON_BIT, 21);
  writeInt64(bytes, 27, -1);
  return finished(bytes, []);
}

function headerOf(batch: Buffer, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  batch.copy(bytes, 0, 0, BATCH_HEADER_BYTES);
  bytes.writeInt32BE(size - BATCH_LENGTH_END, 8);
  bytes.writeInt16BE(attributesOf(bytes) & ~COMPRESSION_BITS, 21);
  return bytes;
}

function finished(bytes: Buffer, records: readonly RawRecord[]): Buffer {
  bytes.writeInt32BE(records.length, 57);
  const hasTimesOfRecords = (attributesOf(bytes) & APPEND_TIME_BIT) === 0 && records.length > 0;
  if (hasTimesOfRecords) {
    const latest = records.reduce((max, { timestamp }) => Math.max(max, timestamp), 0);
    writeInt64(bytes, 35, Math.min(latest, maxTimestampOf(bytes)));
  }
  sealBatch(bytes);
  return bytes;
}
