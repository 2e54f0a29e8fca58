/** One partition's log: its segments in order, of which the last is written. Knows bytes and offsets, not who waits. */

import { join } from 'node:path';
import { EngineError, writeError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Clock } from '../platform/clock.ts';
import type { File, FileSystem } from '../platform/file-system.ts';
import { damaged } from './batch-read.ts';
import { MARK_FILE, type SyncedMark, encodeMark, segmentPath } from './format.ts';
import { type RecoveredLog, recoverLog } from './recovery.ts';
import { type RetentionPolicy, segmentsToDrop } from './retention.ts';
import { Segment } from './segment.ts';

export interface LogOptions {
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly directory: string;
  readonly segmentBytes: number;
  readonly retention: RetentionPolicy;
}

/** An append failed and what it left could not be cut off again: the file is not what we think it is. */
export class TruncateFailed extends Error {
  override readonly name = 'TruncateFailed';
}

export class Log {
  readonly #options: LogOptions;
  #segments: Segment[];
  #markFile: File | undefined;
  #markSequence: number;
  #synced: SyncedMark;
  #marked: SyncedMark | undefined;
  #isDirectoryDirty = false;
  /** Closed segments with open files, the one used last at the end. */
  #loaded: Segment[] = [];
  #dropping: Promise<number> | undefined;

  private constructor(options: LogOptions, recovered: RecoveredLog) {
    this.#options = options;
    this.#segments = recovered.segments.map((facts) => new Segment(options.files, options.directory, facts));
    this.#markSequence = recovered.markSequence;
    this.#synced = this.#endMark();
  }

  /** Makes the directory with an empty log; it is on the disk when this resolves. */
  static async create(options: LogOptions): Promise<void> {
    const { files, directory, clock } = options;
    await files.makeDirectory(directory);
    const segment = await Segment.create(files, directory, 0, clock.nowMs());
    await segment.sync();
    await segment.close();
    const mark = await files.open(join(directory, MARK_FILE), 'write');
    try {
      const { bytes, position } = encodeMark({ segment: 0, position: 0, nextOffset: 0 }, 1);
      await mark.write([bytes], position);
      await mark.dataSync();
    } finally {
      await mark.close();
    }
    await files.syncDirectory(directory);
  }

  /** Recovers what is there. A log that is not fenced is then on the disk to its end, and can be written. */
  static async open(
    options: LogOptions,
    isClean: boolean,
  ): Promise<{ readonly log: Log; readonly recovered: RecoveredLog }> {
    const recovered = await recoverLog(options.files, options.directory, { isClean, nowMs: options.clock.nowMs() });
    const log = new Log(options, recovered);
    try {
      if (recovered.fenced === null) await log.#activate(recovered);
    } catch (reason) {
      await log.release();
      throw reason;
    }
    return { log, recovered };
  }

  /** The oldest offset that is kept. */
  get startOffset(): number {
    return (this.#segments[0] as Segment).baseOffset;
  }

  /** After the last record written. */
  get nextOffset(): number {
    return this.#active.nextOffset;
  }

  get bytes(): number {
    return this.#segments.reduce((sum, { size }) => sum + size, 0);
  }

  get segmentCount(): number {
    return this.#segments.length;
  }

  get path(): string {
    return this.#active.path;
  }

  /** The mark on the disk is behind what is known to be synced. */
  get isMarkBehind(): boolean {
    return this.#marked !== this.#synced;
  }

  /**
   * Writes as many of the placed batches as the active segment takes, at least one, and resolves with their number: they
   * are in the page cache. A full segment is closed first. Rejects with `storage_full` or `write_failed`, and then
   * nothing of this call is in the log; or with TruncateFailed.
   */
  async append(batches: readonly Buffer[]): Promise<number> {
    const [first] = batches;
    if (first === undefined) return 0;
    if (this.#mustRoll(first.length)) await this.#roll();
    const active = this.#active;
    let count = 1;
    let bytes = first.length;
    for (; count < batches.length; count += 1) {
      const size = (batches[count] as Buffer).length;
      if (active.size + bytes + size > this.#options.segmentBytes) break;
      bytes += size;
    }
    try {
      await active.append(count === batches.length ? batches : batches.slice(0, count));
    } catch (reason) {
      await active.truncate().catch((cause: unknown) => {
        throw new TruncateFailed(`${active.path} could not be cut back to ${active.size} bytes after a failed write`, {
          cause,
        });
      });
      throw writeError(reason, active.path);
    }
    return count;
  }

  /** What was appended before the call is on the disk, and resolves with the offset after it. After a rejection nobody
   *  may call it again. */
  async sync(): Promise<number> {
    const mark = this.#endMark();
    const dirty = this.#segments.filter(({ isDirty }) => isDirty);
    const isDirectoryDirty = this.#isDirectoryDirty;
    this.#isDirectoryDirty = false;
    // In order: what is acknowledged in a later segment must not outlive what comes before it.
    for (const segment of dirty) if (this.#segments.includes(segment)) await segment.sync();
    if (isDirectoryDirty) await this.#options.files.syncDirectory(this.#options.directory);
    if (mark.nextOffset > this.#synced.nextOffset || mark.segment > this.#synced.segment) this.#synced = mark;
    return mark.nextOffset;
  }

  /** Writes down up to where syncs succeeded. */
  async saveMark(): Promise<void> {
    const mark = this.#synced;
    this.#markFile ??= await this.#options.files.open(join(this.#options.directory, MARK_FILE), 'write');
    this.#markSequence += 1;
    const { bytes, position } = encodeMark(mark, this.#markSequence);
    await this.#markFile.write([bytes], position);
    await this.#markFile.dataSync();
    this.#marked = mark;
  }

  /** Batches from the one with `offset` on, up to `maxBytes`; `offset` within start and next. */
  async read(offset: number, maxBytes: number): Promise<readonly Buffer[]> {
    return await this.#reading(offset, async (segment) => {
      if (offset >= segment.nextOffset) {
        throw damaged(
          segment.path,
          segment.size,
          `offsets ${segment.nextOffset} on are missing`,
          this.#after(segment)?.baseOffset ?? null,
        );
      }
      return await segment.read(offset, maxBytes);
    });
  }

  /** The first offset with a record at or after `timestamp`; undefined when there is none. */
  async offsetForTimestamp(timestamp: number): Promise<number | undefined> {
    const segments = this.#segments.slice(); // retention may shorten the row while we wait
    for (const segment of segments) {
      if (segment.maxTimestamp < timestamp || !this.#segments.includes(segment)) continue;
      try {
        const offset = await this.#reading(segment.baseOffset, (current) => current.offsetForTimestamp(timestamp));
        if (offset !== undefined) return offset;
      } catch (reason) {
        if (this.#segments.includes(segment)) throw reason;
      }
    }
    return undefined;
  }

  /** Closes the active segment when it is too old to be kept open. Must not overlap an append. */
  async rollIfOld(): Promise<void> {
    if (this.#isOld()) await this.#roll();
  }

  /** Removes what retention lets go; resolves with the number of segments when that is on the disk. */
  async applyRetention(): Promise<number> {
    this.#dropping ??= this.#drop().finally(() => {
      this.#dropping = undefined;
    });
    return await this.#dropping;
  }

  /** Seals the end, so that the next open need not look, and lets everything go. Nothing may be under way. */
  async close(isFenced: boolean): Promise<void> {
    try {
      if (!isFenced) {
        await this.sync();
        // For lack of either the next open has more to read, but nothing is lost.
        await this.#active.seal().catch(() => undefined);
        await this.saveMark().catch(() => undefined);
      }
    } finally {
      await this.release();
    }
  }

  /** Closes the files without writing anything. */
  async release(): Promise<void> {
    await this.#dropping?.catch(() => undefined); // whoever asked for it is told
    await Promise.all(this.#segments.map((segment) => segment.close()));
    await this.#markFile?.close();
    this.#markFile = undefined;
  }

  get #active(): Segment {
    return this.#segments.at(-1) as Segment;
  }

  async #activate({ segments, markSequence }: RecoveredLog): Promise<void> {
    await this.#active.activate();
    const scanned = this.#segments.filter((_, index) => segments[index]?.indexes !== undefined);
    if (scanned.length === 0) {
      this.#marked = this.#synced;
      return;
    }
    // A batch that is whole need not be on the disk yet. What follows will be acknowledged on top of it.
    for (const segment of scanned) {
      await segment.sync();
      if (segment === this.#active) continue;
      await segment.seal();
      await segment.letGo();
    }
    await this.#options.files.syncDirectory(this.#options.directory);
    await this.saveMark();
    if (markSequence === 0) await this.#options.files.syncDirectory(this.#options.directory); // the mark was lost: its file is new
  }

  #endMark(): SyncedMark {
    const { baseOffset, size, nextOffset } = this.#active;
    return { segment: baseOffset, position: size, nextOffset };
  }

  #mustRoll(bytes: number): boolean {
    const { size } = this.#active;
    return size > 0 && (size + bytes > this.#options.segmentBytes || this.#isOld());
  }

  #isOld(): boolean {
    const ageMsMax = Math.min(this.#options.retention.ms ?? limits.segmentAgeMsMax, limits.segmentAgeMsMax);
    return this.#active.size > 0 && this.#options.clock.nowMs() - this.#active.createdMs > ageMsMax;
  }

  /** The seal is written before the next segment exists: a segment that is not the last has its seal, or is scanned. */
  async #roll(): Promise<void> {
    const { files, directory, clock } = this.#options;
    const old = this.#active;
    try {
      await old.seal();
      const next = await Segment.create(files, directory, old.nextOffset, clock.nowMs());
      this.#isDirectoryDirty = true;
      this.#segments.push(next);
    } catch (reason) {
      // Smaller appends may still fit the old segment; an empty file within its offsets would then be in the way.
      await files.remove(segmentPath(directory, old.nextOffset, '.log')).catch(() => undefined);
      throw reason instanceof EngineError ? reason : writeError(reason, old.path);
    }
    this.#touch(old);
  }

  /** Runs `work` on the segment that covers `offset`. A segment that retention removed meanwhile is no damage. */
  async #reading<T>(offset: number, work: (segment: Segment) => Promise<T>): Promise<T> {
    const segment = this.#covering(offset);
    try {
      return await work(segment);
    } catch (reason) {
      if (this.#segments.includes(segment)) throw reason;
      throw new EngineError('offset_out_of_range', `offset ${offset} was removed by retention`, { cause: reason });
    } finally {
      if (segment !== this.#active) this.#touch(segment);
    }
  }

  #covering(offset: number): Segment {
    let low = 0;
    let high = this.#segments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#segments[middle] as Segment).baseOffset <= offset) low = middle + 1;
      else high = middle;
    }
    const segment = this.#segments[low - 1];
    if (segment === undefined)
      throw new EngineError('offset_out_of_range', `offset ${offset} is before ${this.startOffset}`);
    return segment;
  }

  #after(segment: Segment): Segment | undefined {
    return this.#segments[this.#segments.indexOf(segment) + 1];
  }

  /** Keeps the number of open closed segments bounded. A dirty one keeps its file: it is to be synced through it. */
  #touch(segment: Segment): void {
    this.#loaded = this.#loaded.filter((other) => other !== segment && other.isLoaded);
    if (!this.#segments.includes(segment)) return;
    this.#loaded.push(segment);
    while (this.#loaded.length > limits.openSegmentsMax) {
      const oldest = this.#loaded.find(({ isDirty }) => !isDirty);
      if (oldest === undefined) return;
      this.#loaded = this.#loaded.filter((other) => other !== oldest);
      void oldest.letGo().catch(() => undefined); // closing a file that was only read loses nothing
    }
  }

  async #drop(): Promise<number> {
    const { retention, clock, files, directory } = this.#options;
    const count = segmentsToDrop(this.#segments, retention, clock.nowMs());
    // Oldest first, and each on the disk before the next, so that a crash on the way leaves a log without holes.
    for (let dropped = 0; dropped < count; dropped += 1) {
      const segment = this.#segments.shift() as Segment;
      this.#loaded = this.#loaded.filter((other) => other !== segment);
      await segment.remove();
      await files.syncDirectory(directory);
    }
    return count;
  }
}
