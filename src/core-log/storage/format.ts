/**
 * What lies on the disk, version 2. All numbers big endian, offsets and positions as Kafka names and writes them.
 * Version 1 had no partition-state, no .publishers and no gaps between offsets; all its files are read as they are.
 *
 *   <dataDir>/format-version                 JSON: {"format":"sluice-log","version":2,"id":"..."}
 *   <dataDir>/lock                           who has the directory open (platform/directory-lock.ts)
 *   <dataDir>/lock.socket                    a socket that listens while it is open, seen from other containers (platform/socket-lock.ts)
 *   <dataDir>/clean-shutdown                 there only between a clean close and the next open
 *   <dataDir>/meta/<name>.map                durable maps (storage/durable-map.ts)
 *   <dataDir>/topics/<topic>-<partition>/    one partition:
 *     <20 digits>.log                        record batches, one after the other (record/batch-view.ts)
 *     <20 digits>.index                      sparse: every ~4 KiB of log one entry
 *     <20 digits>.timeindex
 *     <20 digits>.seal                       what is true of a closed segment and its indexes
 *     <20 digits>.log.<20 digits>.cleaned    what compaction is making of the segments from the one offset to the other
 *     <20 digits>.log.<20 digits>.swap       the same, made (storage/segment-swap.ts)
 *     synced-mark                            up to where a sync is known to have succeeded
 *     <20 digits>.publishers                 who published what before that offset (storage/publishers-file.ts)
 *     partition-state                        what was deleted and compacted (storage/partition-state.ts)
 *     <20 digits>.log.<position>.quarantine  what recovery cut off, from that segment and position on
 *
 *   .index entry, 8 bytes                    .timeindex entry, 12 bytes
 *     0  last offset - base offset  int32      0  max timestamp so far          int64
 *     4  position of that batch     int32      8  its batch's last offset - base  int32
 *
 *   .seal, 52 bytes                          one slot of synced-mark, 48 bytes; two slots, written in turn
 *     0  'SLSL'                                0  'SLMK'
 *     4  version 1             uint32          4  version 1               uint32
 *     8  bytes of log          int64           8  sequence                int64   the higher one is valid
 *    16  next offset           int64          16  base offset of segment  int64
 *    24  max timestamp         int64          24  position in it          int64
 *    32  created, ms           int64          32  next offset there       int64
 *    40  crc of .index         uint32         40  0                       uint32
 *    44  crc of .timeindex     uint32         44  crc of the slot before  uint32
 *    48  crc of the seal before uint32
 */

import { join } from 'node:path';
import { readInt64, writeInt64 } from '../record/batch-view.ts';
import { crc32c } from '../record/crc32c.ts';

export { FORMAT_VERSION } from './format-version.ts';
export const FORMAT_NAME = 'sluice-log';
/** Before it no batch has a producer id, and no id was ever refused. */
export const PUBLISHERS_SINCE_VERSION = 2;
/** Of seals and marks; the format as a whole may change without them. */
const PART_VERSION = 1;

export const SEGMENT_SUFFIXES = ['.log', '.index', '.timeindex', '.seal'] as const;
export type SegmentSuffix = (typeof SEGMENT_SUFFIXES)[number];
export const MARK_FILE = 'synced-mark';
/** A file or directory on its way out: removed when found. */
export const DELETED_SUFFIX = '.deleted';

const NAME_DIGITS = 20;
const SEAL_BYTES = 52;
const MARK_BYTES = 48;
const SEAL_TAG = 0x534c534c;
const MARK_TAG = 0x534c4d4b;

export function segmentPath(directory: string, baseOffset: number, suffix: SegmentSuffix): string {
  return join(directory, `${String(baseOffset).padStart(NAME_DIGITS, '0')}${suffix}`);
}

/** The base offset in the name of a `.log` file, or null for any other name. */
export function segmentOfName(name: string): number | null {
  return /^\d{20}\.log$/.test(name) ? Number(name.slice(0, NAME_DIGITS)) : null;
}

export interface Seal {
  readonly size: number;
  readonly nextOffset: number;
  /** -1: there is no record. */
  readonly maxTimestamp: number;
  readonly createdMs: number;
  readonly indexCrc: number;
  readonly timeIndexCrc: number;
}

export function encodeSeal(seal: Seal): Buffer {
  const bytes = Buffer.alloc(SEAL_BYTES);
  bytes.writeUInt32BE(SEAL_TAG, 0);
  bytes.writeUInt32BE(PART_VERSION, 4);
  writeInt64(bytes, 8, seal.size);
  writeInt64(bytes, 16, seal.nextOffset);
  writeInt64(bytes, 24, seal.maxTimestamp);
  writeInt64(bytes, 32, seal.createdMs);
  bytes.writeUInt32BE(seal.indexCrc, 40);
  bytes.writeUInt32BE(seal.timeIndexCrc, 44);
  bytes.writeUInt32BE(crc32c(bytes.subarray(0, 48)), 48);
  return bytes;
}

/** null when it is not a whole seal: it is then made again from the log. */
export function decodeSeal(bytes: Buffer): Seal | null {
  if (bytes.length !== SEAL_BYTES || bytes.readUInt32BE(0) !== SEAL_TAG || bytes.readUInt32BE(4) !== PART_VERSION)
    return null;
  if (bytes.readUInt32BE(48) !== crc32c(bytes.subarray(0, 48))) return null;
  return {
    size: readInt64(bytes, 8),
    nextOffset: readInt64(bytes, 16),
    maxTimestamp: readInt64(bytes, 24),
    createdMs: readInt64(bytes, 32),
    indexCrc: bytes.readUInt32BE(40),
    timeIndexCrc: bytes.readUInt32BE(44),
  };
}

/** Everything before `position` of segment `segment`, and all segments before it, is on the disk. */
export interface SyncedMark {
  readonly segment: number;
  readonly position: number;
  readonly nextOffset: number;
}

/** The bytes of a slot and where they belong: the slot that holds the older mark. */
export function encodeMark(mark: SyncedMark, sequence: number): { readonly bytes: Buffer; readonly position: number } {
  const bytes = Buffer.alloc(MARK_BYTES);
  bytes.writeUInt32BE(MARK_TAG, 0);
  bytes.writeUInt32BE(PART_VERSION, 4);
  writeInt64(bytes, 8, sequence);
  writeInt64(bytes, 16, mark.segment);
  writeInt64(bytes, 24, mark.position);
  writeInt64(bytes, 32, mark.nextOffset);
  bytes.writeUInt32BE(crc32c(bytes.subarray(0, 44)), 44);
  return { bytes, position: (sequence % 2) * MARK_BYTES };
}

/** The newest whole mark, or null when no slot is whole. A torn write leaves the slot of the mark before it. */
export function decodeMark(bytes: Buffer): { readonly mark: SyncedMark; readonly sequence: number } | null {
  const slots = [0, MARK_BYTES].flatMap((at) => {
    const slot = bytes.subarray(at, at + MARK_BYTES);
    if (slot.length !== MARK_BYTES || slot.readUInt32BE(0) !== MARK_TAG || slot.readUInt32BE(4) !== PART_VERSION)
      return [];
    if (slot.readUInt32BE(44) !== crc32c(slot.subarray(0, 44))) return [];
    const mark = { segment: readInt64(slot, 16), position: readInt64(slot, 24), nextOffset: readInt64(slot, 32) };
    return [{ mark, sequence: readInt64(slot, 8) }];
  });
  return slots.sort((a, b) => b.sequence - a.sequence)[0] ?? null;
}
