/** What lies where in a data directory, found without opening it: nothing is locked, made, changed or removed. */

import { join } from 'node:path';
import { EngineError } from '../errors.ts';
import { lockOwner } from '../platform/directory-lock.ts';
import type { FileSystem } from '../platform/file-system.ts';
import { CLEAN_FILE, CLEAN_TEXT, FORMAT_FILE, checkFormat } from '../storage/data-directory.ts';
import { DELETED_SUFFIX } from '../storage/format.ts';
import { readWhole } from '../storage/whole-file.ts';
import { topicDefaults } from '../options.ts';
import type { LogTopic } from '../types.ts';
import { type MapSight, readMap } from './map-file.ts';

export interface PartitionPlace {
  readonly topic: string;
  readonly partition: number;
  readonly directory: string;
}

export interface TopicEntry {
  readonly topic: LogTopic;
  /** Marked as deleted: the next open finishes that. */
  readonly isGoing: boolean;
}

export interface DataLayout {
  readonly directory: string;
  readonly format: { readonly version: number; readonly id: string | null };
  /** Who has it open, in words; null: nobody. What is seen may then be in the middle of a change. */
  readonly inUseBy: string | null;
  readonly cleanShutdown: boolean;
  readonly maps: readonly MapSight[];
  readonly topics: readonly TopicEntry[];
  /** Of the topics that are not going. */
  readonly partitions: readonly PartitionPlace[];
  /** Directories beside the partitions that belong to no topic. */
  readonly strangers: readonly string[];
  /** Directories that an earlier open put aside. */
  readonly orphans: readonly string[];
}

export const MAP_NAMES = ['topics', 'metadata', 'cursors', 'producers'] as const;

/** Rejects with `not_a_data_directory` or `format_too_new`. */
export async function layoutOf(files: FileSystem, directory: string): Promise<DataLayout> {
  const status = await files.status(directory);
  if (status === undefined) throw new EngineError('not_a_data_directory', `${directory} does not exist`);
  if (!status.isDirectory) throw new EngineError('not_a_data_directory', `${directory} is a file`);
  if ((await checkFormat(files, directory)) === 'empty')
    throw new EngineError('not_a_data_directory', `${directory} is empty: no log was ever opened there`);
  const maps = [];
  for (const name of MAP_NAMES) maps.push(await readMap(files, join(directory, 'meta'), name));
  const topics = topicEntries(maps[0]);
  const names = await files.list(join(directory, 'topics'));
  const partitions = topics.filter(({ isGoing }) => !isGoing).flatMap(({ topic }) => placesOf(directory, topic));
  const owned = new Set(topics.flatMap(({ topic }) => placesOf(directory, topic)).map((place) => place.directory));
  return {
    directory,
    format: await formatOf(files, directory),
    inUseBy: await lockOwner(directory),
    cleanShutdown: (await readWhole(files, join(directory, CLEAN_FILE)))?.toString() === CLEAN_TEXT,
    maps,
    topics,
    partitions,
    strangers: names
      .map((name) => join(directory, 'topics', name))
      .filter((path) => !owned.has(path) && !path.endsWith(DELETED_SUFFIX)),
    orphans: (await files.list(join(directory, 'orphans'))).map((name) => join(directory, 'orphans', name)),
  };
}

/** One partition's place. Rejects with `topic_not_found`. */
export function placeIn(layout: DataLayout, topic: string, partition: number): PartitionPlace {
  const place = layout.partitions.find((one) => one.topic === topic && one.partition === partition);
  if (place !== undefined) return place;
  const names = [...new Set(layout.partitions.map((one) => one.topic))];
  const numbers = layout.partitions.filter((one) => one.topic === topic).length;
  throw new EngineError(
    'topic_not_found',
    numbers === 0
      ? `${layout.directory} has no topic "${topic}"; it has ${names.slice(0, 10).join(', ') || 'none'}`
      : `topic "${topic}" has partitions 0 to ${numbers - 1}, not ${partition}`,
  );
}

function placesOf(directory: string, { name, partitions }: LogTopic): PartitionPlace[] {
  return Array.from({ length: partitions }, (_, partition) => ({
    topic: name,
    partition,
    directory: join(directory, 'topics', `${name}-${partition}`),
  }));
}

/** What cannot be read is left out here; verify names it. */
function topicEntries(map: MapSight | undefined): TopicEntry[] {
  return [...(map?.entries ?? [])].flatMap(([name, bytes]) => {
    const entry = topicEntry(name, bytes);
    return entry === null ? [] : [entry];
  });
}

/** null when the entry is not one of a topic. */
export function topicEntry(name: string, bytes: Buffer): TopicEntry | null {
  try {
    const { isGoing, ...topic } = JSON.parse(bytes.toString()) as LogTopic & { readonly isGoing: boolean };
    return topic.name === name && Number.isInteger(topic.partitions)
      ? { topic: { ...topicDefaults, ...topic }, isGoing }
      : null;
  } catch {
    return null; // the caller says what that means
  }
}

async function formatOf(files: FileSystem, directory: string): Promise<DataLayout['format']> {
  const text = (await readWhole(files, join(directory, FORMAT_FILE)))?.toString() ?? '{}';
  const { version, id } = JSON.parse(text) as { readonly version: number; readonly id?: string };
  return { version, id: id ?? null };
}
