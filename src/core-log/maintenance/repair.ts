/**
 * Makes damaged partitions writable again. Nothing is thrown away: what leaves a log is in a quarantine file beside it, on
 * the disk, before the log is changed. In this order, so that a crash at any point leaves a partition that is still damaged
 * and can be repaired again:
 *
 *   1  what is cut is copied into quarantine      synced
 *   2  each changed segment is written anew, synced, and takes the old one's name; the last one first, because the hole at
 *      its end must be there before the first damage is gone, and with it the fence and the last trace of what was given out
 *   3  segments of which nothing is left go       the last one first
 *   4  the synced mark moves to the end           from now on the partition is whole
 */

import { join } from 'node:path';
import { EngineError } from '../errors.ts';
import { limits } from '../limits.ts';
import { type File, type FileSystem, systemFileSystem } from '../platform/file-system.ts';
import { holeBatches } from '../record/hole-batch.ts';
import {
  DELETED_SUFFIX,
  MARK_FILE,
  SEGMENT_SUFFIXES,
  type SyncedMark,
  encodeMark,
  segmentPath,
} from '../storage/format.ts';
import { freshState, statePath, writeState } from '../storage/partition-state.ts';
import { freeName } from '../storage/quarantine.ts';
import { finishSwaps } from '../storage/segment-swap.ts';
import { type DataLayout, layoutOf, placeIn } from './data-layout.ts';
import { examinePartition, type Problem } from './examine.ts';
import { type CutRange, type OffsetRange, type RepairPlan, type SegmentPlan, planRepair } from './repair-plan.ts';

export interface RepairOptions {
  /** Only this topic, and of it only this partition; default all that are damaged. */
  readonly topic?: string;
  readonly partition?: number;
  /** Keeps the whole batches behind the damage; default false: the log ends where damage begins. */
  readonly keepLater?: boolean;
  /** Says what would be done and does nothing. */
  readonly dryRun?: boolean;
  readonly fileSystem?: FileSystem;
}

export interface PartitionRepair {
  readonly topic: string;
  readonly partition: number;
  readonly damage: readonly Problem[];
  /** Bytes that leave the log, and the quarantine file that they are kept in; null in a dry run. */
  readonly cut: readonly {
    readonly file: string;
    readonly from: number;
    readonly to: number;
    readonly quarantine: string | null;
  }[];
  /** Offsets whose records are lost. They are never given out again. */
  readonly lost: readonly OffsetRange[];
  readonly keptBatches: number;
  readonly keptBytes: number;
  /** The offset that the next append gets. */
  readonly nextOffset: number;
}

export interface RepairReport {
  readonly directory: string;
  readonly isDryRun: boolean;
  readonly keepLater: boolean;
  /** Empty: no partition is damaged. */
  readonly partitions: readonly PartitionRepair[];
  /** Damage that this repair does not mend: of the maps. */
  readonly left: readonly Problem[];
}

/**
 * @throws EngineError `directory_locked` while anybody has the directory open, `not_a_data_directory`, `format_too_new`,
 * `topic_not_found`, `storage_full`.
 */
export async function repairLog(directory: string, options: RepairOptions = {}): Promise<RepairReport> {
  const files = options.fileSystem ?? systemFileSystem;
  const layout = await layoutOf(files, directory);
  if (layout.inUseBy !== null)
    throw new EngineError('directory_locked', `${directory} is open in ${layout.inUseBy}: end it first`);
  if (options.dryRun === true) return await repairAll(files, layout, options);
  const lock = await files.lock(directory);
  if ('owner' in lock) throw new EngineError('directory_locked', `${directory} is open in ${lock.owner}: end it first`);
  try {
    return await repairAll(files, layout, options);
  } finally {
    await lock.release();
  }
}

async function repairAll(files: FileSystem, layout: DataLayout, options: RepairOptions): Promise<RepairReport> {
  const { topic, partition, keepLater = false, dryRun = false } = options;
  if (topic === undefined && partition !== undefined)
    throw new EngineError('invalid_option', `partition ${partition} of which topic?`);
  if (topic !== undefined) placeIn(layout, topic, partition ?? 0);
  const places = layout.partitions.filter(
    (place) => (topic ?? place.topic) === place.topic && (partition ?? place.partition) === place.partition,
  );
  const partitions: PartitionRepair[] = [];
  const state = { isInUse: false, cleanShutdown: layout.cleanShutdown };
  for (const place of places) {
    if (!dryRun) await finishSwaps(files, place.directory);
    const plan = planRepair(await examinePartition(files, place, state), keepLater);
    if (plan === null) continue;
    const quarantine = dryRun ? null : await carryOut(files, plan);
    partitions.push(reportOf(plan, quarantine));
    if (dryRun) continue;
    const after = await examinePartition(files, place, state);
    const left = after.problems.find(({ severity }) => severity === 'damage');
    if (left !== undefined)
      throw new EngineError(
        'log_corrupt',
        `${left.file} is still damaged at position ${left.position}: ${left.reason}`,
      );
  }
  return { directory: layout.directory, isDryRun: dryRun, keepLater, partitions, left: mapDamage(layout) };
}

async function carryOut(files: FileSystem, plan: RepairPlan): Promise<readonly string[]> {
  const { directory } = plan.exam.place;
  if ((await files.status(directory)) === undefined) await files.makeDirectory(directory);
  const quarantine: string[] = [];
  for (const cut of plan.cut) quarantine.push(await setAside(files, cut));
  if (quarantine.length > 0) await files.syncDirectory(directory);
  for (const segment of plan.segments.toReversed()) await mend(files, directory, segment);
  for (const { baseOffset, file } of plan.removed.toReversed()) {
    await removeIndexes(files, directory, baseOffset);
    await files.remove(file);
  }
  await files.syncDirectory(directory);
  if (plan.exam.isStateLost) await renewState(files, directory, plan.nextOffset);
  const last = plan.segments.at(-1) as SegmentPlan;
  const end = (await files.status(segmentPath(directory, last.baseOffset, '.log')))?.size ?? 0;
  await saveMark(
    files,
    directory,
    { segment: last.baseOffset, position: end, nextOffset: plan.nextOffset },
    plan.exam.markSequence + 1,
  );
  await files.syncDirectory(directory);
  return quarantine;
}

/** Nobody knows any more what was deleted or compacted: nothing counts as deleted, and gaps are let pass up to the end. */
async function renewState(files: FileSystem, directory: string, nextOffset: number): Promise<void> {
  const path = statePath(directory);
  await files.rename(path, await freeName(files, `${path}.quarantine`));
  await writeState(files, directory, { ...freshState, gapsBelow: nextOffset });
}

async function mend(files: FileSystem, directory: string, plan: SegmentPlan): Promise<void> {
  if (plan.isUnchanged && plan.segment?.hasWrongIndex !== true) return;
  // The indexes first: a new log may have the old one's size, and the seal would then vouch for their old positions. The
  // next open makes them from the log.
  for (const suffix of ['.index', '.timeindex'] as const)
    await files.remove(segmentPath(directory, plan.baseOffset, suffix));
  if (!plan.isUnchanged) await writeAnew(files, directory, plan);
  await files.remove(segmentPath(directory, plan.baseOffset, '.seal'));
}

/** The quarantine file's path. The name says where the bytes were. */
async function setAside(files: FileSystem, { segment, from, to }: CutRange): Promise<string> {
  const path = await freeName(files, `${segment.file}.${from}.quarantine`);
  const source = await files.open(segment.file, 'read');
  const into = await files.open(path, 'write');
  try {
    await copyBytes(source, { from, to }, into, 0);
    await into.dataSync();
  } finally {
    await into.close();
    await source.close();
  }
  return path;
}

/** A draft that a crash leaves has a name that the next open removes. */
async function writeAnew(files: FileSystem, directory: string, plan: SegmentPlan): Promise<void> {
  const path = segmentPath(directory, plan.baseOffset, '.log');
  const draft = `${path}.repair${DELETED_SUFFIX}`;
  await files.remove(draft);
  const into = await files.open(draft, 'write');
  const source = plan.segment === null ? undefined : await files.open(path, 'read');
  let size = 0;
  let timestamp = 0;
  try {
    for (const part of plan.parts) {
      if (part.kind === 'keep' && source !== undefined) {
        size = await copyBytes(source, part.run, into, size);
        timestamp = Math.max(timestamp, part.run.maxTimestamp);
      } else if (part.kind === 'hole') {
        const { from, to } = part.range;
        const reason = `offsets ${from} to ${to - 1} were lost and the log was repaired`;
        for (const batch of holeBatches(from, to, { timestamp, reason })) {
          await into.write([batch], size);
          size += batch.length;
        }
      }
    }
    await into.dataSync();
  } finally {
    await source?.close();
    await into.close();
  }
  await files.rename(draft, path);
  await files.syncDirectory(directory);
}

/** Resolves with the position after what was copied. */
async function copyBytes(
  source: File,
  range: { readonly from: number; readonly to: number },
  into: File,
  at: number,
): Promise<number> {
  const chunk = Buffer.allocUnsafe(Math.min(limits.scanChunkBytes, range.to - range.from));
  let done = 0;
  while (range.from + done < range.to) {
    const wanted = Math.min(chunk.length, range.to - range.from - done);
    const count = await source.read(chunk.subarray(0, wanted), range.from + done);
    if (count === 0)
      throw new EngineError('read_failed', `${source.path} ended at ${range.from + done} while it was copied`);
    await into.write([chunk.subarray(0, count)], at + done);
    done += count;
  }
  return at + done;
}

async function removeIndexes(files: FileSystem, directory: string, baseOffset: number): Promise<void> {
  for (const suffix of SEGMENT_SUFFIXES)
    if (suffix !== '.log') await files.remove(segmentPath(directory, baseOffset, suffix));
}

async function saveMark(files: FileSystem, directory: string, mark: SyncedMark, sequence: number): Promise<void> {
  const file = await files.open(join(directory, MARK_FILE), 'write');
  try {
    const { bytes, position } = encodeMark(mark, sequence);
    await file.write([bytes], position);
    await file.dataSync();
  } finally {
    await file.close();
  }
}

function reportOf(plan: RepairPlan, quarantine: readonly string[] | null): PartitionRepair {
  const kept = plan.segments.flatMap(({ parts }) => parts.flatMap((part) => (part.kind === 'keep' ? [part.run] : [])));
  return {
    topic: plan.exam.place.topic,
    partition: plan.exam.place.partition,
    damage: plan.damage,
    cut: plan.cut.map(({ segment, from, to }, index) => ({
      file: segment.file,
      from,
      to,
      quarantine: quarantine?.[index] ?? null,
    })),
    lost: plan.lost,
    keptBatches: kept.reduce((sum, { batches }) => sum + batches, 0),
    keptBytes: kept.reduce((sum, { from, to }) => sum + to - from, 0),
    nextOffset: plan.nextOffset,
  };
}

function mapDamage({ maps }: DataLayout): Problem[] {
  return maps.flatMap(({ file, wholeBytes, nextWholeAt }) =>
    nextWholeAt === null
      ? []
      : [
          {
            severity: 'damage',
            topic: null,
            partition: null,
            file,
            position: wholeBytes,
            reason: `bad bytes before a whole entry at ${nextWholeAt}`,
          },
        ],
  );
}
