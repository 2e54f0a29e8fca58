/**
 * What is checked of a batch that somebody else built, before it becomes part of a log. Its records stay closed as far as
 * possible: the header and the checksum say most of it, and the bytes are to be handed on, not understood.
 */

import { EngineError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { TimestampType } from '../types.ts';
import {
  APPEND_TIME_BIT,
  attributesOf,
  BATCH_HEADER_BYTES,
  baseSequenceOf,
  batchBytesOf,
  batchFault,
  compressionOf,
  hasAppendTime,
  isControl,
  isTransactional,
  producerEpochOf,
  producerIdOf,
  recordCountOf,
  sealBatch,
  writeInt64,
} from './batch-view.ts';
import { firstWithoutKey } from './record-reader.ts';
import { VarintReader } from './varint.ts';

/** Compression is three bits; these are given a meaning by the format. */
const COMPRESSION_MAX = 4;

/** What a topic asks of every record. */
export interface RecordRules {
  /** The topic is compacted: a record without a key could never be replaced. */
  readonly needsKeys: boolean;
  readonly timestampType: TimestampType;
  readonly recordBytesMax: number;
}

/** Throws `invalid_batch` or `record_too_large`; what it lets pass can be stored as it is. */
export function checkForeignBatch(bytes: Buffer, rules: RecordRules): void {
  const fault = Buffer.isBuffer(bytes) ? foreignFault(bytes, rules) : 'it is no Buffer';
  if (fault !== null) throw new EngineError('invalid_batch', `not a record batch for this topic: ${fault}`);
  if (bytes.length > limits.batchBytesMax) {
    throw new EngineError('record_too_large', `the batch has ${bytes.length} bytes; at most ${limits.batchBytesMax}`);
  }
  checkRecordSizes(bytes, rules.recordBytesMax);
}

function foreignFault(bytes: Buffer, { timestampType }: RecordRules): string | null {
  const fault = batchFault(bytes, 0, bytes.length);
  if (fault !== null) return fault;
  if (batchBytesOf(bytes) !== bytes.length) return `${bytes.length - batchBytesOf(bytes)} bytes follow the batch`;
  const count = recordCountOf(bytes);
  const lastDelta = bytes.readInt32BE(23);
  if (count < 1 || lastDelta !== count - 1) return `${count} records up to delta ${lastDelta}`;
  if (count > limits.recordsPerAppendMax) return `${count} records; at most ${limits.recordsPerAppendMax}`;
  const isIdempotent = producerIdOf(bytes) >= 0;
  if (isIdempotent && (producerEpochOf(bytes) < 0 || baseSequenceOf(bytes) < 0))
    return `producer ${producerIdOf(bytes)} without epoch or sequence`;
  if (isControl(bytes) || isTransactional(bytes)) return 'this log has no transactions';
  if (compressionOf(bytes) > COMPRESSION_MAX) return `compression ${compressionOf(bytes)} has no meaning`;
  if (timestampType === 'create' && hasAppendTime(bytes))
    return 'it says that its timestamps are the times of appending';
  return null;
}

/** Of an uncompressed batch the lengths of the records are followed to its end; a compressed one is one length. */
function checkRecordSizes(bytes: Buffer, recordBytesMax: number): void {
  const count = recordCountOf(bytes);
  if (compressionOf(bytes) !== 0) {
    const payload = bytes.length - BATCH_HEADER_BYTES;
    // Of several records nobody can say from outside which of them is how large.
    if (count === 1 && payload > recordBytesMax)
      throw new EngineError('record_too_large', `one record of ${payload} bytes; at most ${recordBytesMax}`);
    return;
  }
  const reader = new VarintReader(bytes, BATCH_HEADER_BYTES);
  for (let index = 0; index < count; index += 1) {
    const length = nextLength(reader, index);
    if (length > recordBytesMax)
      throw new EngineError('record_too_large', `record ${index} has ${length} bytes; at most ${recordBytesMax}`);
    reader.position += length;
  }
  if (reader.position !== bytes.length)
    throw new EngineError('invalid_batch', `not a record batch for this topic: its records end at ${reader.position}`);
}

function nextLength(reader: VarintReader, index: number): number {
  try {
    const length = reader.next();
    if (length >= 0 && reader.position + length <= reader.bytes.length) return length;
  } catch {
    // runs out of the bytes: the same fault as a length that does
  }
  throw new EngineError('invalid_batch', `not a record batch for this topic: record ${index} runs out of it`);
}

/** Throws `key_required`, or `invalid_batch` when there are no records to look at. */
export function checkBatchKeys(batch: Buffer): void {
  let without: number | undefined;
  try {
    without = firstWithoutKey(batch);
  } catch (cause) {
    throw new EngineError('invalid_batch', `not a record batch for this topic: ${String(cause)}`, { cause });
  }
  if (without !== undefined) throw new EngineError('key_required', `record ${without} of the batch has no key`);
}

/** All records get this time, whatever theirs were. The bytes that the checksum covers change, so it is made anew. */
export function stampAppendTime(bytes: Buffer, nowMs: number): void {
  bytes.writeInt16BE(attributesOf(bytes) | APPEND_TIME_BIT, 21);
  writeInt64(bytes, 35, nowMs);
  sealBatch(bytes);
}
