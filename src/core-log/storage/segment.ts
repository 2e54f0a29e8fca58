/**
 * One segment: a file of batches and its two indexes. The last segment of a partition is active: it has its file and
 * indexes open and grows. The others are closed: they are loaded when somebody reads them, and let go when many are.
 *
 * `size` counts only bytes of writes that succeeded: what a failed write left behind is not part of the log.
 */

import { inFile } from '../errors.ts';
import type { File, FileSystem } from '../platform/file-system.ts';
import { batchBytesOf, lastOffsetOf, maxTimestampOf } from '../record/batch-view.ts';
import { inflateBatch } from '../record/compression.ts';
import { crc32c } from '../record/crc32c.ts';
import { firstAtOrAfter } from '../record/record-reader.ts';
import { type BatchPlace, damaged, placeFault, readBatches } from './batch-read.ts';
import { BatchScanner, findBatchBehind } from './batch-scanner.ts';
import { type Seal, SEGMENT_SUFFIXES, DELETED_SUFFIX, decodeSeal, encodeSeal, segmentPath } from './format.ts';
import { SegmentIndexes } from './segment-indexes.ts';
import { readWhole, writeWhole } from './whole-file.ts';

export interface SegmentFacts {
  readonly baseOffset: number;
  readonly size: number;
  readonly nextOffset: number;
  readonly maxTimestamp: number;
  readonly createdMs: number;
  /** Known after a scan; undefined: to be loaded from the index files. */
  readonly indexes?: SegmentIndexes | undefined;
}

export class Segment {
  readonly baseOffset: number;
  readonly createdMs: number;
  readonly #files: FileSystem;
  readonly #directory: string;
  #size: number;
  #syncedSize: number;
  /** Cuts of what failed writes left; one that is not on the disk yet makes the segment dirty like an append. */
  #cuts = 0;
  #syncedCuts = 0;
  #nextOffset: number;
  #maxTimestamp: number;
  #file: File | undefined;
  #indexes: SegmentIndexes | undefined;
  #loading: Promise<void> | undefined;
  #users = 0;
  #isLetGo = false;
  #whenIdle: (() => void)[] = [];

  constructor(files: FileSystem, directory: string, facts: SegmentFacts) {
    this.#files = files;
    this.#directory = directory;
    this.baseOffset = facts.baseOffset;
    this.createdMs = facts.createdMs;
    this.#size = facts.size;
    this.#syncedSize = facts.size;
    this.#nextOffset = facts.nextOffset;
    this.#maxTimestamp = facts.maxTimestamp;
    this.#indexes = facts.indexes;
  }

  /** A new, empty segment; a file of this name, left by a creation that failed, is emptied. */
  static async create(files: FileSystem, directory: string, baseOffset: number, createdMs: number): Promise<Segment> {
    const indexes = new SegmentIndexes(baseOffset);
    const segment = new Segment(files, directory, {
      baseOffset,
      size: 0,
      nextOffset: baseOffset,
      maxTimestamp: -1,
      createdMs,
      indexes,
    });
    await segment.activate();
    return segment;
  }

  get path(): string {
    return segmentPath(this.#directory, this.baseOffset, '.log');
  }

  get size(): number {
    return this.#size;
  }

  get nextOffset(): number {
    return this.#nextOffset;
  }

  /** -1 when there is no record. */
  get maxTimestamp(): number {
    return this.#indexes?.maxTimestamp ?? this.#maxTimestamp;
  }

  get isDirty(): boolean {
    return this.#syncedSize < this.#size || this.#syncedCuts < this.#cuts;
  }

  get isLoaded(): boolean {
    return this.#file !== undefined;
  }

  /** Opens the file for appending at `size`; what lies behind it is cut off. */
  async activate(): Promise<void> {
    await this.#load();
    await this.#file?.close();
    this.#file = undefined;
    const file = await this.#files.open(this.path, 'write');
    try {
      await file.truncate(this.#size);
    } catch (reason) {
      await file.close();
      throw reason;
    }
    this.#file = file;
  }

  /** Writes whole, placed batches to the end. After a rejection `truncate` must succeed before the next append. */
  async append(batches: readonly Buffer[]): Promise<void> {
    const file = this.#opened();
    await file.write(batches, this.#size);
    const indexes = this.#indexes as SegmentIndexes;
    for (const batch of batches) {
      indexes.note(batch, 0, this.#size);
      this.#size += batch.length;
      this.#nextOffset = lastOffsetOf(batch) + 1;
    }
  }

  /** Cuts off what a failed write may have left. */
  async truncate(): Promise<void> {
    await this.#opened().truncate(this.#size);
    // Only now: a sync that began before, and ends after, does not speak of the cut.
    this.#cuts += 1;
  }

  /** Everything appended before the call is on the disk. */
  async sync(): Promise<void> {
    await this.#use(async (file) => {
      const size = this.#size;
      const cuts = this.#cuts;
      await file.dataSync();
      this.#syncedCuts = cuts;
      this.#syncedSize = Math.max(this.#syncedSize, size);
    });
  }

  /** Writes index files and seal. They need no sync: what does not fit the log is made again from it. */
  async seal(): Promise<void> {
    const indexes = this.#indexes as SegmentIndexes;
    indexes.finish();
    const offsets = indexes.offsets.bytes;
    const times = indexes.times.bytes;
    const seal: Seal = {
      size: this.#size,
      nextOffset: this.#nextOffset,
      maxTimestamp: indexes.maxTimestamp,
      createdMs: Math.floor(this.createdMs),
      indexCrc: crc32c(offsets),
      timeIndexCrc: crc32c(times),
    };
    await writeWhole(this.#files, segmentPath(this.#directory, this.baseOffset, '.index'), offsets);
    await writeWhole(this.#files, segmentPath(this.#directory, this.baseOffset, '.timeindex'), times);
    await writeWhole(this.#files, segmentPath(this.#directory, this.baseOffset, '.seal'), encodeSeal(seal));
  }

  /** At least the batch that holds `offset`, then more up to `maxBytes`; `offset` must be below `nextOffset`. Empty when
   *  compaction took everything from there on, which can be so before `gapsBelow` only. */
  read(offset: number, maxBytes: number, gapsBelow: number): Promise<readonly Buffer[]> {
    const end = this.#size;
    const offsets = { min: this.baseOffset, max: this.#nextOffset - 1 };
    return this.#use((file, indexes) => {
      const from = indexes.offsets.floor(offset) ?? { position: 0, baseOffset: this.baseOffset };
      return readBatches(file, { from, end, offset, maxBytes, offsets, gapsBelow });
    });
  }

  /** The first offset, at or after `fromOffset`, with a timestamp at or after `timestamp`; undefined when there is none. */
  offsetForTimestamp(timestamp: number, fromOffset: number, gapsBelow: number): Promise<number | undefined> {
    const end = this.#size;
    return this.#use(async (file, indexes) => {
      const start = Math.max(indexes.times.startFor(timestamp), fromOffset);
      let place: BatchPlace = indexes.offsets.floor(start) ?? { position: 0, baseOffset: this.baseOffset };
      const scanner = new BatchScanner(file, place.position, end);
      for (let batch = await scanner.next(null); batch !== null; batch = await scanner.next(null)) {
        const fault = placeFault(place, batch.bytes, batch.at, gapsBelow);
        if (fault !== null) throw damaged(file.path, batch.position, fault, null);
        place = { position: scanner.position, baseOffset: lastOffsetOf(batch.bytes, batch.at) + 1 };
        // Most batches are passed by what their header says: only those that can hold the time are opened.
        if (maxTimestampOf(batch.bytes, batch.at) < timestamp) continue;
        const bytes = batch.bytes.subarray(batch.at, batch.at + batchBytesOf(batch.bytes, batch.at));
        const found = firstAtOrAfter(await this.#inflated(bytes), start, timestamp);
        if (found !== undefined) return found.offset;
      }
      if (scanner.fault !== null) throw damaged(file.path, scanner.fault.position, scanner.fault.reason, null);
      return undefined;
    });
  }

  /** Resolves when the file is open; it stays so until `isOver` resolves. Whoever reads then reads what there was, whatever
   *  becomes of the name. */
  async holdOpen(isOver: Promise<void>): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#use(async () => {
        resolve();
        await isOver;
      }).catch(reject);
    });
  }

  /** Closes the file once nobody uses it. The segment loads itself again when it is read. */
  async letGo(): Promise<void> {
    if (this.#users > 0) {
      this.#isLetGo = true;
      return;
    }
    this.#isLetGo = false;
    const file = this.#file;
    this.#file = undefined;
    this.#maxTimestamp = this.maxTimestamp;
    this.#indexes = undefined;
    await file?.close();
  }

  /** Resolves when nobody reads it and the file is closed; the next use is the caller's mistake. */
  async close(): Promise<void> {
    await this.#idle();
    await this.letGo();
  }

  /** The log loses its name: a crash before `remove` leaves nothing that looks like a segment. */
  async retire(): Promise<void> {
    await this.#files.rename(this.path, this.path + DELETED_SUFFIX);
  }

  /** Removes the files of a retired segment. */
  async remove(): Promise<void> {
    await this.close();
    for (const suffix of SEGMENT_SUFFIXES) {
      if (suffix !== '.log') await this.#files.remove(segmentPath(this.#directory, this.baseOffset, suffix));
    }
    await this.#files.remove(this.path + DELETED_SUFFIX);
  }

  async #inflated(batch: Buffer): Promise<Buffer> {
    try {
      return await inflateBatch(batch);
    } catch (reason) {
      throw inFile(this.path, reason);
    }
  }

  #opened(): File {
    if (this.#file === undefined) throw new Error(`${this.path} is not open`);
    return this.#file;
  }

  async #use<T>(work: (file: File, indexes: SegmentIndexes) => Promise<T>): Promise<T> {
    this.#users += 1;
    try {
      await this.#load();
      return await work(this.#opened(), this.#indexes as SegmentIndexes);
    } finally {
      this.#users -= 1;
      if (this.#users === 0) {
        if (this.#isLetGo) await this.letGo();
        for (const wake of this.#whenIdle.splice(0)) wake();
      }
    }
  }

  #idle(): Promise<void> {
    return this.#users === 0 ? Promise.resolve() : new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  async #load(): Promise<void> {
    if (this.#file !== undefined && this.#indexes !== undefined) return;
    this.#loading ??= this.#loadNow().finally(() => {
      this.#loading = undefined;
    });
    await this.#loading;
  }

  async #loadNow(): Promise<void> {
    this.#file ??= await this.#files.open(this.path, this.#size === 0 ? 'write' : 'read');
    this.#indexes ??= (await this.#readIndexes()) ?? (await this.#rebuildIndexes());
  }

  /** The index files, when the seal says that they are the ones written with it; null otherwise. */
  async #readIndexes(): Promise<SegmentIndexes | null> {
    const seal = await readSeal(this.#files, this.#directory, this.baseOffset);
    if (seal === null || seal.size !== this.#size) return null;
    const offsets = await readWhole(this.#files, segmentPath(this.#directory, this.baseOffset, '.index'));
    const times = await readWhole(this.#files, segmentPath(this.#directory, this.baseOffset, '.timeindex'));
    if (offsets === null || times === null) return null;
    if (crc32c(offsets) !== seal.indexCrc || crc32c(times) !== seal.timeIndexCrc) return null;
    return new SegmentIndexes(this.baseOffset, { offsets, times, maxTimestamp: seal.maxTimestamp });
  }

  async #rebuildIndexes(): Promise<SegmentIndexes> {
    // What of it is damage was decided when the log was opened: here every whole batch counts, gaps or not.
    const gapsBelow = this.#nextOffset;
    const options = { pastDamage: true, gapsBelow };
    const { indexes, fault } = await scanSegment(this.#opened(), this.baseOffset, this.#size, options);
    this.#indexes = indexes;
    // A seal would tell the next open not to look, and damage must be found again. On a full disk there is none.
    if (fault === null) await this.seal().catch(() => undefined);
    return indexes;
  }
}

export interface SegmentScan {
  readonly indexes: SegmentIndexes;
  /** Where the first bad bytes are, and why; null when all is whole. */
  readonly fault: { readonly position: number; readonly reason: string } | null;
  /** The first whole batch behind the fault; null when there is none, or nobody asked for it. */
  readonly offsetBehindFault: number | null;
  /** After the last whole batch that was seen. */
  readonly end: number;
  readonly nextOffset: number;
}

/** Looks at every batch of a segment. `pastDamage`: goes on with the whole batches behind bad bytes. Before `gapsBelow`
 *  offsets may be missing. */
export async function scanSegment(
  file: File,
  baseOffset: number,
  size: number,
  options: { readonly pastDamage: boolean; readonly gapsBelow: number },
): Promise<SegmentScan> {
  const { pastDamage, gapsBelow } = options;
  const indexes = new SegmentIndexes(baseOffset);
  let scanner = new BatchScanner(file, 0, size, gapsBelow);
  let fault: SegmentScan['fault'] = null;
  let offsetBehindFault: number | null = null;
  let nextOffset = baseOffset;
  let end = 0;
  for (;;) {
    for (let batch = await scanner.next(nextOffset); batch !== null; batch = await scanner.next(nextOffset)) {
      indexes.note(batch.bytes, batch.at, batch.position);
      nextOffset = lastOffsetOf(batch.bytes, batch.at) + 1;
      end = scanner.position;
    }
    fault ??= scanner.fault;
    if (scanner.fault === null || !pastDamage) return { indexes, fault, offsetBehindFault, end, nextOffset };
    const offsets = { min: nextOffset, max: Number.MAX_SAFE_INTEGER };
    const { position } = scanner.fault;
    const whole = await findBatchBehind(file, position, size, offsets);
    if (whole === null) return { indexes, fault, offsetBehindFault, end, nextOffset };
    nextOffset = whole.baseOffset;
    offsetBehindFault ??= nextOffset;
    scanner = new BatchScanner(file, whole.position, size, gapsBelow);
  }
}

export async function readSeal(files: FileSystem, directory: string, baseOffset: number): Promise<Seal | null> {
  const bytes = await readWhole(files, segmentPath(directory, baseOffset, '.seal'));
  return bytes === null ? null : decodeSeal(bytes);
}
