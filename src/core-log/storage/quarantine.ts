/** What recovery cuts off is not thrown away: it is copied into one file beside the segment, synced, before the cut. */

import { limits } from '../limits.ts';
import type { File, FileSystem } from '../platform/file-system.ts';
import { SEGMENT_SUFFIXES, segmentPath } from './format.ts';

export interface CutPiece {
  readonly baseOffset: number;
  /** From here on the segment is cut. */
  readonly position: number;
  readonly size: number;
  /** The part before stays; otherwise the whole segment goes. */
  readonly isKept: boolean;
}

/** Resolves with the quarantine file's path when copy and cut are on the disk. A crash in between leaves a copy and the
 *  bytes, and the next recovery makes another copy: nothing is lost. */
export async function quarantine(files: FileSystem, directory: string, pieces: readonly CutPiece[]): Promise<string> {
  const [first] = pieces;
  if (first === undefined) throw new Error('nothing is to be cut');
  const path = await freeName(
    files,
    `${segmentPath(directory, first.baseOffset, '.log')}.${first.position}.quarantine`,
  );
  const into = await files.open(path, 'write');
  try {
    let at = 0;
    for (const piece of pieces) at = await copyPiece(files, directory, piece, into, at);
    await into.dataSync();
  } finally {
    await into.close();
  }
  await files.syncDirectory(directory);
  // Last first: a crash on the way leaves no hole.
  for (const piece of pieces.toReversed()) await cut(files, directory, piece);
  await files.syncDirectory(directory);
  return path;
}

async function copyPiece(
  files: FileSystem,
  directory: string,
  piece: CutPiece,
  into: File,
  at: number,
): Promise<number> {
  const from = await files.open(segmentPath(directory, piece.baseOffset, '.log'), 'read');
  try {
    const chunk = Buffer.alloc(Math.min(limits.scanChunkBytes, piece.size - piece.position));
    let copied = 0;
    while (piece.position + copied < piece.size) {
      const count = await from.read(chunk, piece.position + copied);
      if (count === 0) break;
      await into.write([chunk.subarray(0, count)], at + copied);
      copied += count;
    }
    return at + copied;
  } finally {
    await from.close();
  }
}

async function cut(files: FileSystem, directory: string, piece: CutPiece): Promise<void> {
  if (!piece.isKept) {
    for (const suffix of SEGMENT_SUFFIXES) await files.remove(segmentPath(directory, piece.baseOffset, suffix));
    return;
  }
  // They tell of the segment as it was, and must not be believed when it has grown to that size again.
  for (const suffix of SEGMENT_SUFFIXES)
    if (suffix !== '.log') await files.remove(segmentPath(directory, piece.baseOffset, suffix));
  const file = await files.open(segmentPath(directory, piece.baseOffset, '.log'), 'write');
  try {
    await file.truncate(piece.position);
    await file.dataSync();
  } finally {
    await file.close();
  }
}

/** `wanted`, or with a number behind it when there is such a file already. */
export async function freeName(files: FileSystem, wanted: string): Promise<string> {
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? wanted : `${wanted}-${number}`;
    if ((await files.status(name)) === undefined) return name;
  }
}
