/**
 * What a partition knows of its publishers, as it was at an offset, in a file with that offset in its name. After a crash the
 * rest is read from the log behind it. It can be lost at no other price than reading more of the log, so it is only synced
 * when that part of the log is about to go.
 *
 *   <20 digits>.publishers
 *     0  'SLPB'
 *     4  version 1             uint32
 *     8  offset                int64    as in the name
 *    16  producers             uint32
 *    20  message ids           uint32
 *    24  producers, the one used longest ago first, each:
 *          id int64 | last used, ms int64 | batches uint32 | each batch, oldest first:
 *            epoch int16 | first sequence int32 | last sequence int32 | base offset int64 | last offset int64
 *        message ids, oldest first, each:
 *          offset int64 | accepted, ms int64 | bytes uint16 | utf-8
 *        crc of the bytes before  uint32
 */

import { join } from 'node:path';
import type { FileSystem } from '../platform/file-system.ts';
import { readInt64, writeInt64 } from '../record/batch-view.ts';
import { crc32c } from '../record/crc32c.ts';
import { readWhole, writeWhole } from './whole-file.ts';

export interface StoredBatch {
  readonly epoch: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
}

export interface StoredProducer {
  readonly id: number;
  readonly lastUsedMs: number;
  readonly batches: readonly StoredBatch[];
}

export interface StoredId {
  readonly id: string;
  readonly offset: number;
  readonly acceptedMs: number;
}

export interface PublishersSnapshot {
  /** Everything before it is in here, nothing after. */
  readonly offset: number;
  readonly producers: readonly StoredProducer[];
  readonly ids: readonly StoredId[];
}

const SUFFIX = '.publishers';
const NAME = /^\d{20}\.publishers$/;
const TAG = 0x534c5042;
const VERSION = 1;
const HEADER_BYTES = 24;
const PRODUCER_BYTES = 20;
const BATCH_BYTES = 26;
const ID_BYTES = 18;
const CRC_BYTES = 4;
/** One to go back to when the newest turns out not to be whole. */
const FILES_KEPT = 2;

/**
 * The newest whole one at or before `endOffset`. Those behind it are removed: they speak of batches that a power cut took,
 * and of offsets that will be given out again.
 */
export async function readPublishers(
  files: FileSystem,
  directory: string,
  endOffset: number,
): Promise<PublishersSnapshot | null> {
  for (const name of (await snapshotsIn(files, directory)).toReversed()) {
    const path = join(directory, name);
    const snapshot = offsetOf(name) > endOffset ? null : decode((await readWhole(files, path)) ?? Buffer.alloc(0));
    if (snapshot !== null && snapshot.offset === offsetOf(name)) return snapshot;
    await files.remove(path);
  }
  return null;
}

/** With `sync` it is on the disk when this resolves. Older ones than the last two are removed. */
export async function writePublishers(
  files: FileSystem,
  directory: string,
  snapshot: PublishersSnapshot,
  options: { readonly sync: boolean },
): Promise<void> {
  const path = join(directory, `${String(snapshot.offset).padStart(20, '0')}${SUFFIX}`);
  await writeWhole(files, `${path}.new`, encode(snapshot), options);
  await files.rename(`${path}.new`, path);
  if (options.sync) await files.syncDirectory(directory);
  for (const name of (await snapshotsIn(files, directory)).slice(0, -FILES_KEPT))
    await files.remove(join(directory, name));
}

async function snapshotsIn(files: FileSystem, directory: string): Promise<string[]> {
  return (await files.list(directory)).filter((name) => NAME.test(name)).toSorted();
}

function offsetOf(name: string): number {
  return Number(name.slice(0, -SUFFIX.length));
}

function encode({ offset, producers, ids }: PublishersSnapshot): Buffer {
  const idBytes = ids.map(({ id }) => Buffer.byteLength(id));
  const size =
    HEADER_BYTES +
    producers.reduce((sum, { batches }) => sum + PRODUCER_BYTES + batches.length * BATCH_BYTES, 0) +
    idBytes.reduce((sum, length) => sum + ID_BYTES + length, 0);
  const bytes = Buffer.alloc(size + CRC_BYTES);
  bytes.writeUInt32BE(TAG, 0);
  bytes.writeUInt32BE(VERSION, 4);
  writeInt64(bytes, 8, offset);
  bytes.writeUInt32BE(producers.length, 16);
  bytes.writeUInt32BE(ids.length, 20);
  let at = HEADER_BYTES;
  for (const { id, lastUsedMs, batches } of producers) {
    writeInt64(bytes, at, id);
    writeInt64(bytes, at + 8, lastUsedMs);
    bytes.writeUInt32BE(batches.length, at + 16);
    at += PRODUCER_BYTES;
    for (const batch of batches) {
      bytes.writeInt16BE(batch.epoch, at);
      bytes.writeInt32BE(batch.firstSequence, at + 2);
      bytes.writeInt32BE(batch.lastSequence, at + 6);
      writeInt64(bytes, at + 10, batch.baseOffset);
      writeInt64(bytes, at + 18, batch.lastOffset);
      at += BATCH_BYTES;
    }
  }
  for (const [index, { id, offset: place, acceptedMs }] of ids.entries()) {
    const length = idBytes[index] as number;
    writeInt64(bytes, at, place);
    writeInt64(bytes, at + 8, acceptedMs);
    bytes.writeUInt16BE(length, at + 16);
    bytes.write(id, at + ID_BYTES);
    at += ID_BYTES + length;
  }
  bytes.writeUInt32BE(crc32c(bytes.subarray(0, at)), at);
  return bytes;
}

/** null when it is not what was written. */
function decode(bytes: Buffer): PublishersSnapshot | null {
  const end = bytes.length - CRC_BYTES;
  if (end < HEADER_BYTES || bytes.readUInt32BE(0) !== TAG || bytes.readUInt32BE(4) !== VERSION) return null;
  if (bytes.readUInt32BE(end) !== crc32c(bytes.subarray(0, end))) return null;
  let at = HEADER_BYTES;
  const producers = Array.from({ length: bytes.readUInt32BE(16) }, (): StoredProducer => {
    const producer = { id: readInt64(bytes, at), lastUsedMs: readInt64(bytes, at + 8) };
    const from = at + PRODUCER_BYTES;
    const count = bytes.readUInt32BE(at + 16);
    at = from + count * BATCH_BYTES;
    const batches = Array.from({ length: count }, (_, index) => decodeBatch(bytes, from + index * BATCH_BYTES));
    return { ...producer, batches };
  });
  const ids = Array.from({ length: bytes.readUInt32BE(20) }, (): StoredId => {
    const from = at + ID_BYTES;
    const place = { offset: readInt64(bytes, at), acceptedMs: readInt64(bytes, at + 8) };
    at = from + bytes.readUInt16BE(at + 16);
    return { id: bytes.toString('utf8', from, at), ...place };
  });
  return { offset: readInt64(bytes, 8), producers, ids };
}

function decodeBatch(bytes: Buffer, at: number): StoredBatch {
  return {
    epoch: bytes.readInt16BE(at),
    firstSequence: bytes.readInt32BE(at + 2),
    lastSequence: bytes.readInt32BE(at + 6),
    baseOffset: readInt64(bytes, at + 10),
    lastOffset: readInt64(bytes, at + 18),
  };
}
