/** What is in a data directory, told without reading it all: names, sizes, offsets. Changes nothing, also while it is in use. */

import { join } from 'node:path';
import { type FileSystem, systemFileSystem } from '../platform/file-system.ts';
import { lastOffsetOf } from '../record/batch-view.ts';
import { BatchScanner } from '../storage/batch-scanner.ts';
import { type SyncedMark, segmentOfName, segmentPath } from '../storage/format.ts';
import { readMark } from '../storage/recovery.ts';
import { readSeal } from '../storage/segment.ts';
import type { LogTopic } from '../types.ts';
import { type DataLayout, layoutOf, type PartitionPlace } from './data-layout.ts';

export interface SegmentSight {
  readonly file: string;
  readonly baseOffset: number;
  readonly nextOffset: number;
  readonly bytes: number;
  /** The latest record's time; null: not known without reading it all. */
  readonly maxTimestamp: number | null;
  readonly isSealed: boolean;
}

export interface PartitionSight {
  readonly topic: string;
  readonly partition: number;
  readonly directory: string;
  readonly earliest: number;
  readonly next: number;
  readonly bytes: number;
  readonly syncedMark: SyncedMark | null;
  readonly segments: readonly SegmentSight[];
  /** What recovery or a repair cut off. */
  readonly quarantine: readonly { readonly file: string; readonly bytes: number }[];
}

export interface CursorSight {
  readonly key: string;
  readonly bytes: number;
  /** Where it stands, in words, when somebody knows its form. */
  readonly position: string | null;
}

export interface DirectorySight {
  readonly directory: string;
  readonly format: DataLayout['format'];
  readonly inUseBy: string | null;
  readonly cleanShutdown: boolean;
  readonly bytes: number;
  readonly topics: readonly (LogTopic & { readonly isGoing: boolean })[];
  readonly partitions: readonly PartitionSight[];
  readonly maps: readonly {
    readonly name: string;
    readonly file: string;
    readonly bytes: number;
    readonly entries: number;
  }[];
  readonly cursors: readonly CursorSight[];
  readonly quarantine: readonly { readonly file: string; readonly bytes: number }[];
  readonly strangers: readonly string[];
  readonly orphans: readonly string[];
}

export interface InspectOptions {
  readonly fileSystem?: FileSystem;
  /** Cursors are opaque bytes to the engine; whoever wrote them says what they mean. */
  readonly describeCursor?: (key: string, value: Buffer) => string | null;
}

/** @throws EngineError `not_a_data_directory`, `format_too_new` */
export async function inspectLog(directory: string, options: InspectOptions = {}): Promise<DirectorySight> {
  const { fileSystem: files = systemFileSystem, describeCursor = () => null } = options;
  const layout = await layoutOf(files, directory);
  const partitions: PartitionSight[] = [];
  for (const place of layout.partitions) partitions.push(await partitionSight(files, place));
  const cursors = [...(layout.maps.find(({ name }) => name === 'cursors')?.entries ?? [])];
  return {
    directory,
    format: layout.format,
    inUseBy: layout.inUseBy,
    cleanShutdown: layout.cleanShutdown,
    bytes: [...partitions, ...layout.maps].reduce((sum, { bytes }) => sum + bytes, 0),
    topics: layout.topics.map(({ topic, isGoing }) => ({ ...topic, isGoing })),
    partitions,
    maps: layout.maps.map(({ name, file, bytes, entries }) => ({ name, file, bytes, entries: entries.size })),
    cursors: cursors
      .map(([key, value]) => ({ key, bytes: value.length, position: describeCursor(key, value) }))
      .sort((a, b) => (a.key < b.key ? -1 : 1)),
    quarantine: await quarantineIn(files, join(directory, 'meta')),
    strangers: layout.strangers,
    orphans: layout.orphans,
  };
}

async function partitionSight(
  files: FileSystem,
  { topic, partition, directory }: PartitionPlace,
): Promise<PartitionSight> {
  const mark = (await readMark(files, directory))?.mark ?? null;
  const names = await files.list(directory);
  const bases = names.flatMap((name) => segmentOfName(name) ?? []).sort((a, b) => a - b);
  const segments: SegmentSight[] = [];
  for (const [index, baseOffset] of bases.entries()) {
    const sight = await segmentSight(files, directory, { baseOffset, mark, follower: bases[index + 1] ?? null });
    if (sight !== null) segments.push(sight);
  }
  return {
    topic,
    partition,
    directory,
    earliest: segments[0]?.baseOffset ?? 0,
    next: segments.at(-1)?.nextOffset ?? mark?.nextOffset ?? 0,
    bytes: segments.reduce((sum, { bytes }) => sum + bytes, 0),
    syncedMark: mark,
    segments,
    quarantine: await quarantineIn(files, directory),
  };
}

/** null: it went away while we looked. */
async function segmentSight(
  files: FileSystem,
  directory: string,
  about: { readonly baseOffset: number; readonly mark: SyncedMark | null; readonly follower: number | null },
): Promise<SegmentSight | null> {
  const { baseOffset, mark, follower } = about;
  const file = segmentPath(directory, baseOffset, '.log');
  const status = await files.status(file);
  if (status === undefined) return null;
  const seal = await readSeal(files, directory, baseOffset);
  const isSealed = seal?.size === status.size;
  return {
    file,
    baseOffset,
    nextOffset: isSealed ? seal.nextOffset : (follower ?? (await endOf(files, file, baseOffset, status.size, mark))),
    bytes: status.size,
    maxTimestamp: isSealed ? seal.maxTimestamp : null,
    isSealed,
  };
}

/** The offset after the last whole batch: looked for from the synced mark on, which is at most a second behind. */
async function endOf(
  files: FileSystem,
  path: string,
  baseOffset: number,
  size: number,
  mark: SyncedMark | null,
): Promise<number> {
  const isMarked = mark?.segment === baseOffset && mark.position <= size;
  let next = isMarked ? mark.nextOffset : baseOffset;
  const file = await files.open(path, 'read');
  try {
    const scanner = new BatchScanner(file, isMarked ? mark.position : 0, size);
    for (let found = await scanner.next(null); found !== null; found = await scanner.next(null))
      next = lastOffsetOf(found.bytes, found.at) + 1;
    return next;
  } finally {
    await file.close();
  }
}

async function quarantineIn(files: FileSystem, directory: string) {
  const found: { readonly file: string; readonly bytes: number }[] = [];
  for (const name of await files.list(directory)) {
    if (!/\.quarantine(-\d+)?$/.test(name)) continue;
    const file = join(directory, name);
    found.push({ file, bytes: (await files.status(file))?.size ?? 0 });
  }
  return found;
}
