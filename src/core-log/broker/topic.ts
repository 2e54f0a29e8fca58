/**
 * A topic and its partitions on the disk. The map of topics is the truth: a directory without an entry there is a
 * creation that did not finish or a deletion that did.
 *
 *   create:  directories, synced  ->  entry     crash in between: directories without records, removed at the next open
 *   grow:    the same for the new ones
 *   delete:  entry marked as going  ->  directories away  ->  no entry     crash in between: the next open goes on
 */

import { join } from 'node:path';
import { EngineError } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { FileSystem } from '../platform/file-system.ts';
import { crc32c } from '../record/crc32c.ts';
import { DELETED_SUFFIX, segmentOfName } from '../storage/format.ts';
import { topicDefaults } from '../options.ts';
import type { RecordRules } from '../record/batch-door.ts';
import { Log, type LogOptions, type LogPolicy } from '../storage/log.ts';
import type { SpaceReserve } from '../storage/space-reserve.ts';
import type { LogTopic } from '../types.ts';
import type { Partition } from './partition.ts';

/** What a file system allows for a name, less the time before it. */
const ASIDE_NAME_LENGTH = 255 - 20;

export interface Topic {
  readonly definition: LogTopic;
  readonly partitions: readonly Partition[];
}

export interface TopicPlace {
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly reserve: SpaceReserve;
  /** The directory of all partitions. */
  readonly directory: string;
}

export function logOptions(place: TopicPlace, topic: LogTopic, partition: number): LogOptions {
  const { files, clock, reserve } = place;
  return { files, clock, reserve, directory: partitionDirectory(place, topic.name, partition), ...logPolicy(topic) };
}

export function logPolicy(topic: LogTopic): LogPolicy {
  const { segmentBytes, segmentMs, retention, cleanup, deleteRetentionMs } = topic;
  // Without "delete" nothing leaves for being old or much: it may be the only record of its key.
  const isDeleting = cleanup !== 'compact';
  return {
    segmentBytes,
    segmentMs,
    retention: isDeleting ? retention : { ms: null, bytes: null },
    isCompacted: cleanup !== 'delete',
    deleteRetentionMs,
  };
}

export function recordRules({ cleanup, timestampType, maxRecordBytes }: LogTopic): RecordRules {
  return { needsKeys: cleanup !== 'delete', timestampType, recordBytesMax: maxRecordBytes };
}

/** The directories of a new topic, or of the partitions from `first` on, empty and on the disk. */
export async function createDirectories(place: TopicPlace, topic: LogTopic, first = 0): Promise<void> {
  for (let partition = first; partition < topic.partitions; partition += 1)
    await Log.create(logOptions(place, topic, partition));
  await place.files.syncDirectory(place.directory);
}

export async function removeDirectories(place: TopicPlace, topic: LogTopic): Promise<void> {
  const { files } = place;
  for (let partition = 0; partition < topic.partitions; partition += 1) {
    const directory = partitionDirectory(place, topic.name, partition);
    if ((await files.status(directory)) === undefined) continue;
    // By renaming first: half a directory never has a partition's name. To a short name: the topic's may be as long as a
    // file system allows. Should two have the same, both are on their way out.
    const going = join(
      place.directory,
      `${crc32c(Buffer.from(topic.name)).toString(16)}-${partition}${DELETED_SUFFIX}`,
    );
    await files.remove(going);
    await files.rename(directory, going);
    await files.remove(going);
  }
  await files.syncDirectory(place.directory);
}

/** Directories that no topic owns: removed when they hold no records, else put aside: the map of topics may be the one
 *  that is wrong, and records are not thrown away on its word. */
export async function clearStrangers(
  place: TopicPlace,
  topics: readonly LogTopic[],
  asideDirectory: string,
): Promise<void> {
  const { files, directory, clock } = place;
  const owned = new Set(
    topics.flatMap(({ name, partitions }) =>
      Array.from({ length: partitions }, (_, partition) => `${name}-${partition}`),
    ),
  );
  for (const name of await files.list(directory)) {
    if (owned.has(name)) continue;
    const path = join(directory, name);
    if (name.endsWith(DELETED_SUFFIX) || (await isWithoutRecords(files, path))) {
      await files.remove(path);
      continue;
    }
    await files.makeDirectory(asideDirectory);
    // The end of a long name, because there the partition's number is.
    await files.rename(path, join(asideDirectory, `${clock.nowMs()}.${name.slice(-ASIDE_NAME_LENGTH)}`));
    await files.syncDirectory(asideDirectory);
  }
  await files.syncDirectory(directory);
}

export function encodeTopic(topic: LogTopic, isGoing: boolean): Buffer {
  return Buffer.from(JSON.stringify({ ...topic, isGoing }));
}

export function decodeTopic(bytes: Buffer): { readonly topic: LogTopic; readonly isGoing: boolean } {
  try {
    const { isGoing, ...topic } = JSON.parse(bytes.toString()) as LogTopic & { readonly isGoing: boolean };
    return { topic: { ...topicDefaults, ...topic }, isGoing };
  } catch (cause) {
    throw new EngineError('log_corrupt', `the entry of a topic cannot be read: ${bytes.toString().slice(0, 80)}`, {
      cause,
    });
  }
}

async function isWithoutRecords(files: FileSystem, directory: string): Promise<boolean> {
  if ((await files.status(directory))?.isDirectory !== true) return false;
  for (const name of await files.list(directory)) {
    const status = await files.status(join(directory, name));
    if (name.endsWith('.quarantine')) return false;
    if (segmentOfName(name) !== null && (status?.size ?? 0) > 0) return false;
  }
  return true;
}

function partitionDirectory(place: TopicPlace, topic: string, partition: number): string {
  return join(place.directory, `${topic}-${partition}`);
}
