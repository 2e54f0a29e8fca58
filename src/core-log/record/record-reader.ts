/**
 * The records of a batch, one at a time. Keys, values and headers are views of the batch's bytes, not copies: they
 * are not to be written to, and they keep the batch in memory.
 */

import assert from 'node:assert/strict';
import type { LogHeader, LogRecord } from '../types.ts';
import {
  BATCH_HEADER_BYTES,
  baseOffsetOf,
  baseTimestampOf,
  batchBytesOf,
  compressionOf,
  hasAppendTime,
  isControl,
  lastOffsetOf,
  maxTimestampOf,
  recordCountOf,
} from './batch-view.ts';
import { VarintReader } from './varint.ts';

const noHeaders: readonly LogHeader[] = Object.freeze([]);

/** Appends to `into` the records at or after `fromOffset`, up to `maxRecords` and, after the first, `maxBytes` of keys and
 *  values. Returns the bytes taken, and whether the batch has no more. The batch must have passed its checksum and must not
 *  be compressed. */
export function readRecords(
  batch: Buffer,
  fromOffset: number,
  bounds: { readonly maxRecords: number; readonly maxBytes: number },
  into: LogRecord[],
): { readonly bytes: number; readonly isAll: boolean } {
  let taken = 0;
  const isAll = walk(batch, (record, length) => {
    if (record.offset < fromOffset) return true;
    if (into.length > 0 && taken + length > bounds.maxBytes) return false;
    into.push(record);
    taken += length;
    return into.length < bounds.maxRecords;
  });
  return { bytes: taken, isAll };
}

/** The first record, at or after `fromOffset`, with a timestamp at or after `timestamp`; undefined when there is none. */
export function firstAtOrAfter(batch: Buffer, fromOffset: number, timestamp: number): LogRecord | undefined {
  let found: LogRecord | undefined;
  walk(batch, (record) => {
    if (record.offset >= fromOffset && record.timestamp >= timestamp) found = record;
    return found === undefined;
  });
  return found;
}

/** The place in the batch of the first record without a key; undefined when all have one. */
export function firstWithoutKey(batch: Buffer): number | undefined {
  let found: number | undefined;
  walk(batch, ({ key, offset }) => {
    if (key === null) found = offset - baseOffsetOf(batch);
    return found === undefined;
  });
  return found;
}

/** True when `visit` saw every record; it stops by answering false. */
function walk(batch: Buffer, visit: (record: LogRecord, length: number) => boolean): boolean {
  assert.equal(compressionOf(batch), 0, 'a compressed batch is to be inflated first');
  if (isControl(batch)) return true; // its record is a marker and no message
  const baseOffset = baseOffsetOf(batch);
  const baseTimestamp = baseTimestampOf(batch);
  const isAppendTime = hasAppendTime(batch);
  const count = recordCountOf(batch);
  const end = batchBytesOf(batch);
  const lastDelta = lastOffsetOf(batch) - baseOffset;
  let leastDelta = 0;
  const reader = new VarintReader(batch, BATCH_HEADER_BYTES);
  for (let index = 0; index < count; index += 1) {
    const length = reader.next();
    const next = reader.position + length;
    if (length < 0 || next > end) throw new RangeError(`record ${index} runs out of its batch`);
    reader.position += 1; // attributes: none are defined
    const timestampDelta = reader.next();
    const timestamp = isAppendTime ? maxTimestampOf(batch) : baseTimestamp + timestampDelta;
    const delta = reader.next();
    // Whoever goes on from the last offset would otherwise go round in circles.
    if (delta < leastDelta || delta > lastDelta) throw new RangeError(`record ${index} has offset delta ${delta}`);
    leastDelta = delta + 1;
    const offset = baseOffset + delta;
    const key = field(reader);
    const value = field(reader);
    if (!visit(record(batch, reader.position, offset, timestamp, key, value), length)) return false;
    reader.position = next;
  }
  return true;
}

function record(
  batch: Buffer,
  headersAt: number,
  offset: number,
  timestamp: number,
  key: Buffer | null,
  value: Buffer | null,
): LogRecord {
  const headers = batch[headersAt] === 0 ? noHeaders : readHeaders(batch, headersAt);
  return { offset, timestamp, key, value, headers };
}

function readHeaders(batch: Buffer, position: number): readonly LogHeader[] {
  const reader = new VarintReader(batch, position);
  const count = reader.next();
  const headers: LogHeader[] = [];
  for (let index = 0; index < count; index += 1) {
    const name = field(reader)?.toString() ?? '';
    headers.push({ name, value: field(reader) });
  }
  return headers;
}

function field(reader: VarintReader): Buffer | null {
  const length = reader.next();
  if (length < 0) return null;
  const from = reader.position;
  if (from + length > reader.bytes.length) throw new RangeError('a field runs out of its batch');
  reader.position = from + length;
  return reader.bytes.subarray(from, from + length);
}
