/**
 * A pass of compaction over the closed segments of a log: first the latest offset of each key in what is dirty is learned, as
 * far as memory goes; then every segment up to there is written anew without the records that have a later one, group by
 * group. Appends go on meanwhile: nothing here touches the segment that is written, and the event loop is given back after
 * every slice.
 *
 *   | compacted before          | dirty, learned in this pass     | dirty, for the next pass | active |
 *   0                           first dirty                       end of the map             its base
 *   |<-------------- written anew -------------->|
 */

import { EngineError, type EngineErrorCode, writeError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Clock } from '../platform/clock.ts';
import type { File, FileSystem } from '../platform/file-system.ts';
import { siftBatch, type Sieve } from '../record/batch-sieve.ts';
import { batchBytesOf, isControl, lastOffsetOf } from '../record/batch-view.ts';
import { inflateBatch } from '../record/compression.ts';
import { readRecords } from '../record/record-reader.ts';
import type { LogRecord } from '../types.ts';
import { damaged } from './batch-read.ts';
import { BatchScanner } from './batch-scanner.ts';
import { LatestOffsets } from './latest-offsets.ts';
import { SegmentIndexes } from './segment-indexes.ts';
import { cleanedPath, type SegmentRange } from './segment-swap.ts';

/** A closed segment, all of it on the disk. */
export interface ClosedSegment {
  readonly path: string;
  readonly baseOffset: number;
  readonly nextOffset: number;
  readonly size: number;
}

export interface CompactionTools {
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly directory: string;
  readonly gapsBelow: number;
  /** Throws when the log is to be left: asked after every slice. */
  readonly checkStop: () => void;
}

/** What was learned of the dirty part. */
export interface Learned {
  readonly latest: LatestOffsets;
  /** Records from here on were not looked at. */
  readonly end: number;
}

export interface CleanedSegment {
  readonly range: SegmentRange;
  readonly size: number;
  readonly indexes: SegmentIndexes;
  readonly removed: number;
  /** When the next of its tombstones may go. */
  readonly horizonMs: number;
  /** It is not what it was made from. */
  readonly isChanged: boolean;
}

/** Learns the keys from `firstDirty` on. Rejects with `log_corrupt`, or as `checkStop` does. */
export async function learnKeys(
  segments: readonly ClosedSegment[],
  firstDirty: number,
  tools: CompactionTools,
): Promise<Learned> {
  const latest = new LatestOffsets(limits.compactionMapBytesMax);
  let end = firstDirty;
  for (const segment of segments) {
    if (segment.nextOffset <= firstDirty) continue;
    for await (const batch of batchesOf(segment, tools)) {
      if (lastOffsetOf(batch) < firstDirty) continue;
      if (latest.isFull) return { latest, end };
      for (const { key, offset } of await recordsOf(batch)) if (key !== null) latest.note(key, offset);
      end = lastOffsetOf(batch) + 1;
    }
    end = segment.nextOffset;
  }
  return { latest, end };
}

/** Neighbours that fit into one segment, in groups, so that a log of many updates does not become one of many tiny files. */
export function groupsOf<T extends ClosedSegment>(segments: readonly T[], segmentBytes: number): T[][] {
  const groups: T[][] = [];
  let bytes = 0;
  for (const segment of segments) {
    const group = groups.at(-1);
    const base = group?.[0]?.baseOffset ?? 0;
    const fits =
      group !== undefined &&
      group.length < limits.compactionGroupSegmentsMax &&
      bytes + segment.size <= segmentBytes &&
      segment.nextOffset - base <= limits.segmentOffsetsMax;
    if (fits) group.push(segment);
    else groups.push([segment]);
    bytes = fits ? bytes + segment.size : segment.size;
  }
  return groups;
}

/** Writes what is left of the group to its `.cleaned` file, synced. */
export async function cleanGroup(
  group: readonly ClosedSegment[],
  sieve: Sieve,
  tools: CompactionTools,
): Promise<CleanedSegment> {
  const first = group[0] as ClosedSegment;
  const range = { base: first.baseOffset, end: (group.at(-1) as ClosedSegment).nextOffset };
  const path = cleanedPath(tools.directory, range);
  await tools.files.remove(path);
  const file = await tools.files.open(path, 'write');
  try {
    const output = new CleanedFile(file, range.base);
    for (const segment of group) {
      for await (const batch of batchesOf(segment, tools)) await output.sift(batch, sieve);
    }
    await output.flush();
    await file.dataSync();
    return {
      range,
      size: output.size,
      indexes: output.indexes,
      removed: output.removed,
      horizonMs: output.horizonMs,
      isChanged: output.isChanged || group.length > 1,
    };
  } catch (reason) {
    await tools.files.remove(path).catch(() => undefined); // the next open removes it, too
    throw reason;
  } finally {
    await file.close();
  }
}

class CleanedFile {
  readonly indexes: SegmentIndexes;
  readonly #file: File;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  size = 0;
  removed = 0;
  horizonMs = Infinity;
  isChanged = false;

  constructor(file: File, baseOffset: number) {
    this.#file = file;
    this.indexes = new SegmentIndexes(baseOffset);
  }

  async sift(batch: Buffer, sieve: Sieve): Promise<void> {
    const sifted = (await unlessUnreadable(siftBatch(batch, sieve))) ?? { batch, removed: 0, horizonMs: null };
    this.removed += sifted.removed;
    if (sifted.horizonMs !== null) this.horizonMs = Math.min(this.horizonMs, sifted.horizonMs);
    if (sifted.batch !== batch) this.isChanged = true;
    if (sifted.batch === null) return;
    const position = this.size + this.#waitingBytes;
    // Positions are 31 bits; noting when tombstones were seen makes a batch a little larger.
    if (position + sifted.batch.length > limits.segmentBytesMax)
      throw new EngineError(
        'record_too_large',
        `the compacted segment would be larger than ${limits.segmentBytesMax} bytes`,
      );
    this.indexes.note(sifted.batch, 0, position);
    this.#waiting.push(sifted.batch);
    this.#waitingBytes += sifted.batch.length;
    if (this.#waitingBytes >= limits.compactionSliceBytes) await this.flush();
  }

  async flush(): Promise<void> {
    try {
      if (this.#waiting.length > 0) await this.#file.write(this.#waiting, this.size);
    } catch (reason) {
      throw writeError(reason, this.#file.path);
    }
    this.size += this.#waitingBytes;
    this.#waiting = [];
    this.#waitingBytes = 0;
  }
}

/** The batches of a segment, each checked; a batch is valid until the next one. */
async function* batchesOf(segment: ClosedSegment, tools: CompactionTools): AsyncGenerator<Buffer> {
  const file = await tools.files.open(segment.path, 'read');
  try {
    const scanner = new BatchScanner(file, 0, segment.size, tools.gapsBelow);
    let expected = segment.baseOffset;
    let slice = 0;
    for (let found = await scanner.next(expected); found !== null; found = await scanner.next(expected)) {
      const size = batchBytesOf(found.bytes, found.at);
      const batch = found.bytes.subarray(found.at, found.at + size);
      expected = lastOffsetOf(batch) + 1;
      yield batch;
      slice += size;
      if (slice < limits.compactionSliceBytes) continue;
      slice = 0;
      await new Promise<void>((resolve) => tools.clock.soon(resolve));
      tools.checkStop();
    }
    if (scanner.fault !== null) throw damaged(segment.path, scanner.fault.position, scanner.fault.reason, null);
  } finally {
    await file.close();
  }
}

async function recordsOf(batch: Buffer): Promise<readonly LogRecord[]> {
  if (isControl(batch)) return [];
  const open = await unlessUnreadable(inflateBatch(batch));
  const records: LogRecord[] = [];
  if (open !== undefined) await unlessUnreadable(readInto(records, open));
  return records;
}

async function readInto(records: LogRecord[], batch: Buffer): Promise<void> {
  readRecords(batch, 0, { maxRecords: Infinity, maxBytes: Infinity }, records);
}

/** A batch that was built wrong, or with a codec that is not known, stays as it is: nobody can tell what is in it. */
async function unlessUnreadable<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (reason) {
    const isUnreadable =
      reason instanceof RangeError || (reason instanceof EngineError && unreadable.includes(reason.code));
    if (isUnreadable) return undefined;
    throw reason;
  }
}

const unreadable: readonly EngineErrorCode[] = ['undecodable_batch', 'unsupported_compression'];
