/**
 * Records to one batch. Two walks over the records and one allocation: the first walk adds up the sizes, the second
 * writes. A record, every length and delta a zigzag varint, a length of -1 meaning null:
 *
 *   length | attributes int8 (0) | timestamp delta | offset delta | key length | key | value length | value |
 *   header count | per header: name length | name | value length | value
 */

import { EngineError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { RecordInput } from '../types.ts';
import type { BatchBuffers } from './batch-buffers.ts';
import { BATCH_HEADER_BYTES, BATCH_LENGTH_END, MAGIC, sealBatch, writeInt64 } from './batch-view.ts';
import { varintSize, varlongSize, writeVarint, writeVarlong } from './varint.ts';

const NO_PRODUCER = -1;
const NULL_LENGTH = -1;
/** Zigzag doubles a value, and numbers are exact up to 2^53. */
const TIMESTAMP_MAX = 2 ** 52 - 1;

/** Body lengths of the records between the two walks. Building is synchronous, so one array serves all. */
let bodyLengths = new Int32Array(1_024);

/** A batch at base offset 0, to be placed. Throws `invalid_option` or `record_too_large`; nothing is kept then. */
export function buildBatch(
  records: readonly RecordInput[],
  nowMs: number,
  recordBytesMax: number = limits.recordBytesMax,
  buffers?: BatchBuffers,
): Buffer {
  const count = records.length;
  checkCount(count);
  const first = records[0] as RecordInput;
  const baseTimestamp = timestampOf(first, nowMs, 0);
  const { size, maxTimestamp } = measure(records, nowMs, baseTimestamp, recordBytesMax);
  const bytes = buffers === undefined ? Buffer.allocUnsafe(size) : buffers.take(size);
  writeInt64(bytes, 0, 0);
  bytes.writeInt32BE(size - BATCH_LENGTH_END, 8);
  bytes.writeInt32BE(0, 12);
  bytes[16] = MAGIC;
  bytes.writeInt16BE(0, 21);
  bytes.writeInt32BE(count - 1, 23);
  writeInt64(bytes, 27, baseTimestamp);
  writeInt64(bytes, 35, maxTimestamp);
  writeInt64(bytes, 43, NO_PRODUCER);
  bytes.writeInt16BE(NO_PRODUCER, 51);
  bytes.writeInt32BE(NO_PRODUCER, 53);
  bytes.writeInt32BE(count, 57);
  let at = BATCH_HEADER_BYTES;
  for (let index = 0; index < count; index += 1) {
    const record = records[index] as RecordInput;
    at = writeVarint(bytes, at, bodyLengths[index] as number);
    at = writeRecord(bytes, at, record, index, (record.timestamp ?? nowMs) - baseTimestamp);
  }
  sealBatch(bytes);
  return bytes;
}

function checkCount(count: number): void {
  if (count < 1) throw new EngineError('invalid_option', 'an append needs at least one record');
  if (count > limits.recordsPerAppendMax) {
    throw new EngineError('record_too_large', `${count} records in one append; at most ${limits.recordsPerAppendMax}`);
  }
}

function measure(
  records: readonly RecordInput[],
  nowMs: number,
  baseTimestamp: number,
  recordBytesMax: number,
): { size: number; maxTimestamp: number } {
  const count = records.length;
  if (bodyLengths.length < count) bodyLengths = new Int32Array(count * 2);
  let size = BATCH_HEADER_BYTES;
  let maxTimestamp = baseTimestamp;
  for (let index = 0; index < count; index += 1) {
    const record = records[index] as RecordInput;
    const timestamp = timestampOf(record, nowMs, index);
    if (timestamp > maxTimestamp) maxTimestamp = timestamp;
    const body = bodySize(record, index, timestamp - baseTimestamp);
    if (body > recordBytesMax) {
      throw new EngineError('record_too_large', `record ${index} has ${body} bytes; at most ${recordBytesMax}`);
    }
    bodyLengths[index] = body;
    size += varintSize(body) + body;
  }
  if (size > limits.batchBytesMax) {
    throw new EngineError('record_too_large', `the append has ${size} bytes; at most ${limits.batchBytesMax}`);
  }
  return { size, maxTimestamp };
}

function timestampOf(record: RecordInput, nowMs: number, index: number): number {
  const { timestamp } = record;
  if (timestamp === undefined) return nowMs;
  if (!Number.isInteger(timestamp) || timestamp < 0 || timestamp > TIMESTAMP_MAX) {
    throw new EngineError('invalid_option', `records[${index}].timestamp ${timestamp} is not milliseconds since 1970`);
  }
  return timestamp;
}

function bodySize(record: RecordInput, index: number, timestampDelta: number): number {
  const { key, value, headers } = record;
  let size = 1 + varlongSize(timestampDelta) + varintSize(index);
  size += fieldSize(key ?? null, index, 'key') + fieldSize(value, index, 'value');
  if (headers === undefined) return size + 1;
  size += varintSize(headers.length);
  for (const header of headers) {
    if (typeof header.name !== 'string')
      throw new EngineError('invalid_option', `records[${index}].headers has a name that is not a string`);
    size += fieldSize(header.name, index, 'headers') + fieldSize(header.value, index, 'headers');
  }
  return size;
}

function fieldSize(field: string | Uint8Array | null, index: number, name: string): number {
  if (field === null) return 1;
  if (typeof field !== 'string' && !(field instanceof Uint8Array)) {
    throw new EngineError('invalid_option', `records[${index}].${name} is neither text, bytes nor null`);
  }
  const length = typeof field === 'string' ? textBytes(field) : field.length;
  return varintSize(length) + length;
}

/** Below this a loop is faster than a call into the runtime: header names, keys and ids are short. */
const SHORT_BYTES = 40;

function textBytes(text: string): number {
  return isShortAscii(text) ? text.length : Buffer.byteLength(text);
}

function isShortAscii(text: string): boolean {
  const { length } = text;
  if (length > SHORT_BYTES) return false;
  for (let index = 0; index < length; index += 1) if (text.charCodeAt(index) > 0x7f) return false;
  return true;
}

function writeRecord(
  bytes: Buffer,
  position: number,
  record: RecordInput,
  offsetDelta: number,
  timestampDelta: number,
): number {
  const { key, value, headers } = record;
  let at = position;
  bytes[at++] = 0;
  at = writeVarlong(bytes, at, timestampDelta);
  at = writeVarint(bytes, at, offsetDelta);
  at = writeField(bytes, at, key ?? null);
  at = writeField(bytes, at, value);
  if (headers === undefined) {
    bytes[at++] = 0;
    return at;
  }
  at = writeVarint(bytes, at, headers.length);
  for (const header of headers) {
    at = writeField(bytes, at, header.name);
    at = writeField(bytes, at, header.value);
  }
  return at;
}

function writeField(bytes: Buffer, position: number, field: string | Uint8Array | null): number {
  if (field === null) return writeVarint(bytes, position, NULL_LENGTH);
  if (typeof field === 'string') return writeText(bytes, position, field);
  const { length } = field;
  const at = writeVarint(bytes, position, length);
  if (length > SHORT_BYTES) bytes.set(field, at);
  else for (let index = 0; index < length; index += 1) bytes[at + index] = field[index] as number;
  return at + length;
}

function writeText(bytes: Buffer, position: number, text: string): number {
  if (!isShortAscii(text)) {
    const at = writeVarint(bytes, position, Buffer.byteLength(text));
    return at + bytes.write(text, at);
  }
  const { length } = text;
  const at = writeVarint(bytes, position, length);
  for (let index = 0; index < length; index += 1) bytes[at + index] = text.charCodeAt(index);
  return at + length;
}
