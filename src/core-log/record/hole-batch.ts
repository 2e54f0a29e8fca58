/**
 * A batch that stands for offsets whose records are lost, so that a log keeps one unbroken row of offsets: a control batch,
 * which every reader of this format skips, ours and Kafka's. It holds one record that says what happened:
 *
 *   key    version int16 (0) | type int16 (0x534c)     unknown to Kafka, which passes over types that it does not know
 *   value  text
 */

import { buildBatch } from './batch-builder.ts';
import { CRC_FROM, placeBatch } from './batch-view.ts';
import { crc32c } from './crc32c.ts';

const HOLE_TYPE = 0x534c;
const CONTROL_BIT = 0x20;
/** The last offset delta is a signed 32-bit number. */
const OFFSETS_PER_BATCH_MAX = 2 ** 31;

/** Batches for the offsets from `from` to before `to`, placed; none when there are none. */
export function holeBatches(from: number, to: number, about: { timestamp: number; reason: string }): Buffer[] {
  const batches: Buffer[] = [];
  for (let at = from; at < to; at += OFFSETS_PER_BATCH_MAX)
    batches.push(holeBatch(at, Math.min(to, at + OFFSETS_PER_BATCH_MAX), about));
  return batches;
}

function holeBatch(from: number, to: number, { timestamp, reason }: { timestamp: number; reason: string }): Buffer {
  const key = Buffer.alloc(4);
  key.writeInt16BE(HOLE_TYPE, 2);
  const batch = buildBatch([{ key, value: reason, timestamp: Math.max(0, timestamp) }], 0);
  batch.writeInt16BE(CONTROL_BIT, 21);
  batch.writeInt32BE(to - from - 1, 23);
  batch.writeUInt32BE(crc32c(batch.subarray(CRC_FROM)), 17);
  placeBatch(batch, from);
  return batch;
}
