/**
 * Puts a compacted segment in the place of those that it was made from. A crash at any step leaves the old ones or the new
 * one, never both and never neither:
 *
 *   1  <base>.log.<end>.cleaned   written and synced      crash: removed at the next open
 *   2  renamed to .swap, synced                           from here on it counts; crash: the next open goes on with 3
 *   3  the logs from base to end removed but the first, and the first one's indexes; synced
 *   4  .swap renamed to <base>.log, synced
 *
 * The end is in the name, so that the next open knows what it replaces without reading it.
 */

import { join } from 'node:path';
import type { FileSystem } from '../platform/file-system.ts';
import { SEGMENT_SUFFIXES, segmentOfName, segmentPath } from './format.ts';

const SWAP_NAME = /^(\d{20})\.log\.(\d{20})\.swap$/;
const CLEANED_NAME = /^\d{20}\.log\.\d{20}\.cleaned$/;

/** The offsets that a compacted segment stands for: `end` is the next one's first. */
export interface SegmentRange {
  readonly base: number;
  readonly end: number;
}

export function cleanedPath(directory: string, range: SegmentRange): string {
  return `${rangePath(directory, range)}.cleaned`;
}

/** Steps 2 to 4, for a cleaned file that is on the disk. After a rejection any of them may be done: to be called again, before
 *  anything else happens to these segments. */
export async function swapSegments(files: FileSystem, directory: string, range: SegmentRange): Promise<void> {
  const cleaned = cleanedPath(directory, range);
  if ((await files.status(cleaned)) !== undefined) await files.rename(cleaned, swapPath(directory, range));
  await files.syncDirectory(directory);
  if ((await files.status(swapPath(directory, range))) !== undefined) await finishSwap(files, directory, range);
}

/** Of the names in a partition's directory: swaps that were not brought to their end. */
export function swapsIn(names: readonly string[]): SegmentRange[] {
  return names.flatMap((name) => {
    const [, base, end] = SWAP_NAME.exec(name) ?? [];
    return base === undefined || end === undefined ? [] : [{ base: Number(base), end: Number(end) }];
  });
}

/** Whatever a crash left of a compaction is removed or brought to its end. */
export async function finishSwaps(files: FileSystem, directory: string): Promise<void> {
  const names = await files.list(directory);
  for (const name of names) if (CLEANED_NAME.test(name)) await files.remove(join(directory, name));
  for (const range of swapsIn(names)) await finishSwap(files, directory, range);
}

async function finishSwap(files: FileSystem, directory: string, range: SegmentRange): Promise<void> {
  const { base, end } = range;
  for (const name of await files.list(directory)) {
    const other = segmentOfName(name);
    if (other === null || other < base || other >= end) continue;
    for (const suffix of SEGMENT_SUFFIXES) {
      // The first one's log is replaced by a rename: its name is never without a file.
      if (other !== base || suffix !== '.log') await files.remove(segmentPath(directory, other, suffix));
    }
  }
  // An old log that came back after the rename would hold offsets that the new one has, too.
  await files.syncDirectory(directory);
  await files.rename(swapPath(directory, range), segmentPath(directory, base, '.log'));
  await files.syncDirectory(directory);
}

export function swapPath(directory: string, range: SegmentRange): string {
  return `${rangePath(directory, range)}.swap`;
}

function rangePath(directory: string, { base, end }: SegmentRange): string {
  return `${segmentPath(directory, base, '.log')}.${String(end).padStart(20, '0')}`;
}
