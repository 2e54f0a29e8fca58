/**
 * Kafka's record batch, version 2, written and read. kafkajs has a codec of its own, but it keeps headers in an object,
 * which loses their order, and decodes the header list in quadratic time.
 *
 *   0         8        12           16      17    21           23                27              35             43
 *   +---------+--------+------------+-------+-----+------------+-----------------+---------------+--------------+
 *   | base    | length | leader     | magic | CRC | attributes | last offset     | base          | max          |
 *   | offset  |        | epoch      | = 2   | 32C |            | delta           | timestamp     | timestamp    |
 *   +---------+--------+------------+-------+-----+------------+-----------------+---------------+--------------+
 *   43            51               53              57      61
 *   +-------------+----------------+---------------+-------+----------
 *   | producer id | producer epoch | base sequence | count | records ...
 *   +-------------+----------------+---------------+-------+----------
 *
 * `length` counts from byte 12, the CRC covers everything from byte 21. A record, every number a zigzag varint:
 *
 *   length | attributes (one byte) | timestamp delta | offset delta | key length, key | value length, value | n x header
 */

import { crc32c } from '@node-rs/crc32';
import { CONTENT_TYPE_HEADER, ID_HEADER } from '../log-codec.ts';
import type { Header, Message } from '../port.ts';
import { decompress } from './compression.ts';
import { KafkaFault } from './errors.ts';

export const BATCH_OVERHEAD_BYTES = 61;
const LENGTH_AT = 8;
const MAGIC_AT = 16;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const COMPRESSION_MASK = 0x07;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;
const ABORT_MARKER = 0;
const ID_HEADER_BYTES = Buffer.from(ID_HEADER);
const CONTENT_TYPE_BYTES = Buffer.from(CONTENT_TYPE_HEADER);

export interface RecordToWrite {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly { readonly name: string; readonly value: Buffer }[];
  readonly timestampMs: number;
}

export interface FetchedRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Of the first header of that name, which is not among `headers`. */
  readonly contentType: string | null;
  readonly id: string | null;
  /** A null value, which Kafka allows, became an empty one. */
  readonly headers: readonly Header[];
}

/** @param topic as the port names it. */
export function messageOf(record: FetchedRecord, topic: string, partition: number): Message {
  const { offset, timestamp, key, value, headers, contentType, id } = record;
  return { topic, partition, offset, key, value, headers, contentType, id, timestampMs: timestamp };
}

/** At least what the record takes in a batch; headers as given. */
export function recordBytes(record: RecordToWrite): number {
  let bytes = 32 + (record.key?.length ?? 0) + (record.value?.length ?? 0);
  for (const { name, value } of record.headers) bytes += 10 + name.length * 3 + value.length;
  return bytes;
}

/** One uncompressed batch of at least one record, offsets from 0, as a producer sends it. */
export function encodeBatch(records: readonly RecordToWrite[]): Buffer {
  const baseTimestamp = records[0]?.timestampMs ?? 0;
  let maxTimestamp = baseTimestamp;
  let capacity = BATCH_OVERHEAD_BYTES;
  for (const record of records) {
    capacity += recordBytes(record);
    if (record.timestampMs > maxTimestamp) maxTimestamp = record.timestampMs;
  }
  const out = Buffer.allocUnsafe(capacity);
  let at = BATCH_OVERHEAD_BYTES;
  for (let index = 0; index < records.length; index += 1) {
    at = writeRecord(out, at, records[index] as RecordToWrite, index, baseTimestamp);
  }
  out.writeBigInt64BE(0n, 0);
  out.writeInt32BE(at - 12, LENGTH_AT);
  out.writeInt32BE(-1, 12);
  out.writeInt8(2, MAGIC_AT);
  out.writeInt16BE(0, ATTRIBUTES_AT);
  out.writeInt32BE(records.length - 1, 23);
  out.writeBigInt64BE(BigInt(baseTimestamp), 27);
  out.writeBigInt64BE(BigInt(maxTimestamp), 35);
  out.writeBigInt64BE(-1n, 43);
  out.writeInt16BE(-1, 51);
  out.writeInt32BE(-1, 53);
  out.writeInt32BE(records.length, 57);
  out.writeUInt32BE(crc32c(out.subarray(ATTRIBUTES_AT, at)), CRC_AT);
  return out.subarray(0, at);
}

function writeRecord(out: Buffer, start: number, record: RecordToWrite, index: number, baseTimestamp: number): number {
  const timestampDelta = record.timestampMs - baseTimestamp;
  let body = 1 + varintSize(timestampDelta) + varintSize(index) + bytesSize(record.key) + bytesSize(record.value);
  body += varintSize(record.headers.length);
  for (const { name, value } of record.headers) {
    const nameBytes = Buffer.byteLength(name);
    body += varintSize(nameBytes) + nameBytes + bytesSize(value);
  }
  let at = writeVarint(out, start, body);
  out[at] = 0;
  at = writeVarint(out, at + 1, timestampDelta);
  at = writeVarint(out, at, index);
  at = writeBytes(out, at, record.key);
  at = writeBytes(out, at, record.value);
  at = writeVarint(out, at, record.headers.length);
  for (const { name, value } of record.headers) {
    at = writeVarint(out, at, Buffer.byteLength(name));
    at += out.write(name, at);
    at = writeBytes(out, at, value);
  }
  return at;
}

function writeBytes(out: Buffer, at: number, bytes: Buffer | null): number {
  if (bytes === null) return writeVarint(out, at, -1);
  const from = writeVarint(out, at, bytes.length);
  return from + bytes.copy(out, from);
}

function bytesSize(bytes: Buffer | null): number {
  return bytes === null ? 1 : varintSize(bytes.length) + bytes.length;
}

function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1;
}

function varintSize(value: number): number {
  let rest = zigzag(value);
  let size = 1;
  while (rest > 0x7f) {
    rest = Math.floor(rest / 0x80);
    size += 1;
  }
  return size;
}

function writeVarint(out: Buffer, start: number, value: number): number {
  let rest = zigzag(value);
  let at = start;
  while (rest > 0x7f) {
    out[at] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
    at += 1;
  }
  out[at] = rest;
  return at + 1;
}

// ------------------------------------------------------------------------------------------------ reading

export interface DecodedRecords {
  readonly records: readonly FetchedRecord[];
  /** The offset after the last whole batch: control records and compacted ones are behind it too. */
  readonly nextOffset: number;
}

/**
 * The records at or above `fromOffset` in what a fetch returned: whole batches, the last one perhaps cut short by the size
 * limit. Control records and those of aborted transactions are left out. Throws a `client` fault for a wrong CRC and for a
 * compression that this driver does not read.
 */
export function decodeRecords(
  bytes: Buffer,
  fromOffset: number,
  aborted: readonly { readonly producerId: bigint; readonly firstOffset: number }[],
): DecodedRecords {
  const records: FetchedRecord[] = [];
  const abortedLeft = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset);
  const abortedNow = new Set<bigint>();
  let nextOffset = fromOffset;
  let at = 0;
  while (at + BATCH_OVERHEAD_BYTES <= bytes.length) {
    const end = at + 12 + bytes.readInt32BE(at + LENGTH_AT);
    if (end > bytes.length) break;
    const batch = bytes.subarray(at, end);
    at = end;
    checkBatch(batch);
    const baseOffset = Number(batch.readBigInt64BE(0));
    const lastOffset = baseOffset + batch.readInt32BE(23);
    if (lastOffset < fromOffset) continue;
    nextOffset = lastOffset + 1;
    const attributes = batch.readInt16BE(ATTRIBUTES_AT);
    const producerId = batch.readBigInt64BE(43);
    while (abortedLeft[0] !== undefined && abortedLeft[0].firstOffset <= lastOffset) {
      abortedNow.add((abortedLeft.shift() as { producerId: bigint }).producerId);
    }
    if ((attributes & CONTROL) !== 0) {
      if (isAbortMarker(batch)) abortedNow.delete(producerId);
    } else if ((attributes & TRANSACTIONAL) === 0 || !abortedNow.has(producerId)) {
      readRecords(batch, attributes, baseOffset, fromOffset, records);
    }
  }
  return { records, nextOffset };
}

function checkBatch(batch: Buffer): void {
  const magic = batch.readInt8(MAGIC_AT);
  if (magic !== 2) throw new KafkaFault('client', `record batches of format ${magic} are not read: only 2 is`);
  if (batch.readUInt32BE(CRC_AT) !== crc32c(batch.subarray(ATTRIBUTES_AT))) {
    throw new KafkaFault('client', `the record batch at offset ${batch.readBigInt64BE(0)} has a wrong CRC`);
  }
}

/** A control record's key: version, type; both int16. */
function isAbortMarker(batch: Buffer): boolean {
  // Compaction takes the marker away in time, and keeps its batch without it.
  if (batch.readInt32BE(57) === 0) return false;
  const reader = new RecordReader(batch, BATCH_OVERHEAD_BYTES);
  reader.varint();
  reader.skip(1);
  reader.varint();
  reader.varint();
  const key = reader.bytes();
  return key !== null && key.length >= 4 && key.readInt16BE(2) === ABORT_MARKER;
}

function readRecords(
  batch: Buffer,
  attributes: number,
  baseOffset: number,
  fromOffset: number,
  into: FetchedRecord[],
): void {
  const count = batch.readInt32BE(57);
  const baseTimestamp = Number(batch.readBigInt64BE(27));
  const appendTimestamp = (attributes & LOG_APPEND_TIME) === 0 ? null : Number(batch.readBigInt64BE(35));
  const reader = new RecordReader(decompress(batch.subarray(BATCH_OVERHEAD_BYTES), attributes & COMPRESSION_MASK), 0);
  for (let index = 0; index < count; index += 1) {
    const length = reader.varint();
    const end = reader.at + length;
    reader.skip(1);
    const timestamp = baseTimestamp + reader.varint();
    const offset = baseOffset + reader.varint();
    if (offset < fromOffset) {
      reader.at = end;
      continue;
    }
    const key = reader.bytes();
    const value = reader.bytes();
    reader.readHeaders();
    const { contentType, id, headers } = reader;
    into.push({ offset, timestamp: appendTimestamp ?? timestamp, key, value, contentType, id, headers });
    reader.at = end;
  }
}

const NO_HEADERS: readonly Header[] = [];
const EMPTY = Buffer.alloc(0);

class RecordReader {
  readonly #bytes: Buffer;
  at: number;
  /** Of the last record whose headers were read. */
  contentType: string | null = null;
  id: string | null = null;
  headers: readonly Header[] = NO_HEADERS;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  skip(count: number): void {
    this.at += count;
  }

  varint(): number {
    let byte = this.#next();
    let value = byte & 0x7f;
    for (let scale = 0x80; byte > 0x7f; scale *= 0x80) {
      byte = this.#next();
      value += (byte & 0x7f) * scale;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  bytes(): Buffer | null {
    const length = this.varint();
    if (length < 0) return null;
    const from = this.at;
    this.at += length;
    return this.#bytes.subarray(from, this.at);
  }

  /** Our own two become text at once, without a buffer each: every message of ours has them. */
  readHeaders(): void {
    this.contentType = null;
    this.id = null;
    this.headers = NO_HEADERS;
    let others: Header[] | undefined;
    for (let left = this.varint(); left > 0; left -= 1) {
      const name = this.#name();
      if (name === ID_HEADER && this.id === null) this.id = this.#text();
      else if (name === CONTENT_TYPE_HEADER && this.contentType === null) this.contentType = this.#text();
      else {
        others ??= [];
        others.push({ name, value: this.bytes() ?? EMPTY });
      }
    }
    if (others !== undefined) this.headers = others;
  }

  #name(): string {
    const length = this.varint();
    const from = this.at;
    this.at += length;
    if (length === ID_HEADER_BYTES.length && this.#isAt(from, ID_HEADER_BYTES)) return ID_HEADER;
    if (length === CONTENT_TYPE_BYTES.length && this.#isAt(from, CONTENT_TYPE_BYTES)) return CONTENT_TYPE_HEADER;
    return this.#bytes.toString('utf8', from, this.at);
  }

  #isAt(from: number, bytes: Buffer): boolean {
    for (let index = 0; index < bytes.length; index += 1) {
      if (this.#bytes[from + index] !== bytes[index]) return false;
    }
    return true;
  }

  #text(): string {
    const length = this.varint();
    if (length <= 0) return '';
    const from = this.at;
    this.at += length;
    return this.#bytes.toString('utf8', from, this.at);
  }

  #next(): number {
    const byte = this.#bytes[this.at];
    if (byte === undefined) throw new KafkaFault('client', 'a record ends before its length says so');
    this.at += 1;
    return byte;
  }
}
