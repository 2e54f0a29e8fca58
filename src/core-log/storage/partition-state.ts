/**
 * What a partition knows that its log does not say, in one small file that is replaced as a whole:
 *
 *   partition-state, 36 bytes
 *     0  'SLPS'
 *     4  version 1             uint32
 *     8  low watermark         int64    records before it were deleted, whether their bytes are still there or not
 *    16  first dirty offset    int64    before it no key is there twice
 *    24  gaps below            int64    before it offsets may be missing, since compaction took them; nowhere else
 *    32  crc of the bytes before  uint32
 *
 * `gaps below` is on the disk before the first gap is: so recovery can still tell a gap that was made from one that
 * happened.
 */

import { join } from 'node:path';
import type { FileSystem } from '../platform/file-system.ts';
import { readInt64, writeInt64 } from '../record/batch-view.ts';
import { crc32c } from '../record/crc32c.ts';
import { readWhole, replaceWhole } from './whole-file.ts';

export interface PartitionState {
  readonly lowWatermark: number;
  readonly firstDirty: number;
  readonly gapsBelow: number;
}

export const freshState: PartitionState = { lowWatermark: 0, firstDirty: 0, gapsBelow: 0 };

const STATE_FILE = 'partition-state';
const STATE_BYTES = 36;
const STATE_TAG = 0x534c5053;
const STATE_VERSION = 1;

export function statePath(directory: string): string {
  return join(directory, STATE_FILE);
}

/** A partition that has no such file is fresh; null: the file is not what was written. */
export async function readState(files: FileSystem, directory: string): Promise<PartitionState | null> {
  const bytes = await readWhole(files, statePath(directory));
  if (bytes === null) return freshState;
  if (bytes.length !== STATE_BYTES || bytes.readUInt32BE(0) !== STATE_TAG) return null;
  if (bytes.readUInt32BE(4) !== STATE_VERSION || bytes.readUInt32BE(32) !== crc32c(bytes.subarray(0, 32))) return null;
  return { lowWatermark: readInt64(bytes, 8), firstDirty: readInt64(bytes, 16), gapsBelow: readInt64(bytes, 24) };
}

/** Resolves when it is on the disk. */
export async function writeState(files: FileSystem, directory: string, state: PartitionState): Promise<void> {
  const bytes = Buffer.alloc(STATE_BYTES);
  bytes.writeUInt32BE(STATE_TAG, 0);
  bytes.writeUInt32BE(STATE_VERSION, 4);
  writeInt64(bytes, 8, state.lowWatermark);
  writeInt64(bytes, 16, state.firstDirty);
  writeInt64(bytes, 24, state.gapsBelow);
  bytes.writeUInt32BE(crc32c(bytes.subarray(0, 32)), 32);
  await replaceWhole(files, directory, statePath(directory), bytes);
}
