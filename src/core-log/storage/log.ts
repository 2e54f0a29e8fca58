/** One partition's log: its segments in order, of which the last is written. Knows bytes and offsets, not who waits. */

import { join } from 'node:path';
import { EngineError, writeError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Clock } from '../platform/clock.ts';
import type { File, FileSystem } from '../platform/file-system.ts';
import type { Sieve } from '../record/batch-sieve.ts';
import { damaged } from './batch-read.ts';
import { type CleanedSegment, type CompactionTools, cleanGroup, groupsOf, learnKeys } from './compaction.ts';
import { MARK_FILE, type SyncedMark, encodeMark, segmentPath } from './format.ts';
import { type RecoveredLog, recoverLog, unreadableLog } from './recovery.ts';
import { type PartitionState, writeState } from './partition-state.ts';
import { type RetentionPolicy, segmentsBelow, segmentsToDrop } from './retention.ts';
import { Segment } from './segment.ts';
import type { SpaceReserve } from './space-reserve.ts';
import { cleanedPath, type SegmentRange, swapSegments } from './segment-swap.ts';
import { writeAgain } from './write-again.ts';

/** What the topic says about its segments; can change while the log is open. */
export interface LogPolicy {
  readonly segmentBytes: number;
  /** null: the age follows from retention. */
  readonly segmentMs: number | null;
  readonly retention: RetentionPolicy;
  readonly isCompacted: boolean;
  readonly deleteRetentionMs: number;
}

export interface LogOptions extends LogPolicy {
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly reserve: SpaceReserve;
  readonly directory: string;
}

interface Swap {
  readonly range: SegmentRange;
  readonly old: readonly Segment[];
  readonly next: Segment;
  /** Lets the files of the old ones be closed. */
  readonly letGo: () => void;
}

/** An append failed and what it left could not be cut off again: the file is not what we think it is. */
export class TruncateFailed extends Error {
  override readonly name = 'TruncateFailed';
}

export class Log {
  #options: LogOptions;
  #state: PartitionState;
  #segments: Segment[];
  #markFile: File | undefined;
  #markSequence: number;
  #synced: SyncedMark;
  #marked: SyncedMark | undefined;
  #isDirectoryDirty = false;
  /** The removal of the segment before the first may not be on the disk. */
  #isRetiredUnsynced = false;
  /** Closed segments with open files, the one used last at the end. */
  #loaded: Segment[] = [];
  #dropping: Promise<number> | undefined;
  #stateWritten: Promise<void> = Promise.resolve();
  #markSaved: Promise<void> = Promise.resolve();
  #maintenance: Promise<void> = Promise.resolve();
  /** A compacted segment on its way into the place of those that it was made from. */
  #swap: Swap | undefined;
  /** When the next tombstone may go, as far as a pass since the start has seen. */
  #horizonMs = Infinity;

  private constructor(options: LogOptions, recovered: RecoveredLog) {
    this.#options = options;
    this.#segments = recovered.segments.map((facts) => new Segment(options.files, options.directory, facts));
    this.#state = recovered.state;
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

  /** Recovers what is there. A log that is not fenced is then on the disk to its end, and can be written. One whose disk
   *  refuses that is fenced, so that the others can be opened. */
  static async open(
    options: LogOptions,
    isClean: boolean,
  ): Promise<{ readonly log: Log; readonly recovered: RecoveredLog }> {
    const { files, directory, clock } = options;
    let recovered: RecoveredLog;
    try {
      recovered = await recoverLog(files, directory, { isClean, nowMs: clock.nowMs() });
    } catch (reason) {
      const fenced = reason instanceof EngineError ? reason : refused(directory, 'opened', reason);
      recovered = unreadableLog(clock.nowMs(), fenced);
    }
    const log = new Log(options, recovered);
    try {
      if (recovered.fenced === null) await log.#activate(recovered);
    } catch (reason) {
      await log.release();
      recovered = { ...recovered, fenced: refused(log.path, 'made ready for appends', reason) };
    }
    return { log, recovered };
  }

  /** The oldest offset that is kept. After the loss of a tail that was not synced the watermark may be ahead of the log. */
  get startOffset(): number {
    const lowWatermark = Math.min(this.#state.lowWatermark, this.nextOffset);
    return Math.max(this.oldestOffset, lowWatermark);
  }

  /** On the disk. That retention has let go of a segment is not: its file may still be there, and come back with the next
   *  open. */
  isDeletedBefore(offset: number): boolean {
    return offset <= this.#state.lowWatermark;
  }

  /** Where its files begin: at or before the start. */
  get oldestOffset(): number {
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

  /** The file that has, or had, this offset. */
  pathOf(offset: number): string {
    return this.#covering(Math.max(offset, this.startOffset)).path;
  }

  /** From now on; what is open already is closed by the new rules when it is next written. */
  configure(policy: LogPolicy): void {
    this.#options = { ...this.#options, ...policy };
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
    if (!this.#options.reserve.isWhole) await this.#options.reserve.checkWhole();
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

  /** Writes down up to where syncs succeeded. One write after the other: each takes the slot of the one before the last. */
  async saveMark(): Promise<void> {
    const saved = this.#markSaved.then(() => this.#saveMark());
    this.#markSaved = saved.catch(() => undefined); // the caller is told
    await saved;
  }

  async #saveMark(): Promise<void> {
    const mark = this.#synced;
    this.#markFile ??= await this.#options.files.open(join(this.#options.directory, MARK_FILE), 'write');
    this.#markSequence += 1;
    const { bytes, position } = encodeMark(mark, this.#markSequence);
    await this.#markFile.write([bytes], position);
    await this.#markFile.dataSync();
    this.#marked = mark;
  }

  /** Batches from the one with `offset` on or, where compaction took it, from the next one; up to `maxBytes`. `offset`
   *  within start and next; empty when compaction took all that was left. */
  async read(offset: number, maxBytes: number): Promise<readonly Buffer[]> {
    for (let from = offset; from < this.nextOffset; ) {
      const { found, end } = await this.#readSegment(from, maxBytes);
      if (found.length > 0) return found;
      from = end;
    }
    return [];
  }

  async #readSegment(
    offset: number,
    maxBytes: number,
  ): Promise<{ readonly found: readonly Buffer[]; readonly end: number }> {
    const { gapsBelow } = this.#state;
    return await this.#reading(offset, async (segment) => {
      const next = this.#after(segment);
      if (offset < segment.nextOffset)
        return { found: await segment.read(offset, maxBytes, gapsBelow), end: next?.baseOffset ?? segment.nextOffset };
      if (next !== undefined && next.baseOffset <= gapsBelow) return { found: [], end: next.baseOffset };
      throw damaged(
        segment.path,
        segment.size,
        `offsets ${segment.nextOffset} on are missing`,
        next?.baseOffset ?? null,
      );
    });
  }

  /** The first offset with a record at or after `timestamp`; undefined when there is none. */
  async offsetForTimestamp(timestamp: number): Promise<number | undefined> {
    const segments = this.#segments.slice(); // retention may shorten the row while we wait
    const { gapsBelow } = this.#state;
    for (const segment of segments) {
      if (segment.maxTimestamp < timestamp || segment.nextOffset <= this.startOffset) continue;
      const from = Math.max(segment.baseOffset, this.startOffset);
      try {
        const offset = await this.#reading(from, (current) => current.offsetForTimestamp(timestamp, from, gapsBelow));
        if (offset !== undefined) return offset;
      } catch (reason) {
        if (this.#segments.includes(segment)) throw reason;
      }
    }
    return undefined;
  }

  /** Records before `offset`, which is at most the synced end, are gone when it resolves: it is on the disk. */
  async deleteBefore(offset: number): Promise<void> {
    if (this.isDeletedBefore(offset)) return;
    await this.#changeState(({ lowWatermark }) => ({ lowWatermark: Math.max(lowWatermark, offset) }));
  }

  /** Closes the active segment when it is too old to be kept open. Must not overlap an append. */
  async rollIfOld(): Promise<void> {
    if (this.#isOld()) await this.#roll();
  }

  /** Segments that retention would remove now. */
  get droppable(): number {
    const deleted = segmentsBelow(this.#segments, this.#state.lowWatermark);
    const { retention, clock } = this.#options;
    return deleted + segmentsToDrop(this.#segments.slice(deleted), retention, clock.nowMs());
  }

  /** Whether a pass would be worth its while now: enough is dirty, or tombstones may go. */
  get isCompactionDue(): boolean {
    if (!this.#options.isCompacted) return false;
    const closed = this.#segments.slice(0, -1);
    const dirty = closed.filter(({ nextOffset }) => nextOffset > this.#state.firstDirty);
    const bytes = (segments: readonly Segment[]): number => segments.reduce((sum, { size }) => sum + size, 0);
    if (dirty.length > 0 && bytes(dirty) >= bytes(closed) * limits.compactionDirtyRatioMin) return true;
    return this.#horizonMs <= this.#options.clock.nowMs();
  }

  /** Segments that are on the disk to their end, and of which the mark on the disk does not speak: those can be compacted. */
  get #compactable(): readonly Segment[] {
    const marked = this.#marked?.segment ?? 0;
    return this.#segments.filter(({ baseOffset }) => baseOffset < marked && baseOffset < this.#active.baseOffset);
  }

  /** No closed segment would be left out for want of a sync and a mark. */
  get isReadyToCompact(): boolean {
    return this.#marked?.segment === this.#active.baseOffset;
  }

  /**
   * One pass over the closed segments. Resolves with the number of records removed and whether something is left for the
   * next pass. `kept`: last offsets of batches whose headers stay. Rejects as `checkStop` does, and with what reading and
   * writing reject with; what was done till then stays done.
   */
  async compact(options: {
    readonly kept: ReadonlySet<number>;
    readonly checkStop: () => void;
  }): Promise<{ readonly removed: number; readonly isDone: boolean }> {
    const { files, clock, directory, segmentBytes, deleteRetentionMs } = this.#options;
    await this.#maintained(async () => undefined);
    const closed = this.#compactable;
    const tools = { files, clock, directory, gapsBelow: this.#state.gapsBelow, checkStop: options.checkStop };
    const { latest, end } = await learnKeys(closed, this.#state.firstDirty, tools);
    const touched = closed.filter(({ baseOffset }) => baseOffset < end);
    const last = touched.at(-1);
    if (last === undefined) return { removed: 0, isDone: true };
    const nowMs = clock.nowMs();
    const sieve = {
      isSuperseded: (key: Buffer, offset: number) => latest.isSuperseded(key, offset),
      nowMs,
      horizonMs: nowMs + deleteRetentionMs,
      kept: options.kept,
    };
    // On the disk before the first gap is, so that a gap is never taken for a loss, nor a loss for a gap.
    await this.#changeState(({ gapsBelow }) => ({ gapsBelow: Math.max(gapsBelow, last.nextOffset) }));
    let removed = 0;
    let horizonMs = Infinity;
    for (const group of groupsOf(touched, segmentBytes)) {
      const cleaned = await this.#maintained(() => this.#compactGroup(group, sieve, tools));
      removed += cleaned?.removed ?? 0;
      horizonMs = Math.min(horizonMs, cleaned?.horizonMs ?? Infinity);
    }
    this.#horizonMs = horizonMs;
    await this.#changeState(({ firstDirty }) => ({ firstDirty: Math.max(firstDirty, end) }));
    return { removed, isDone: touched.length === closed.length && end >= last.nextOffset };
  }

  async #compactGroup(
    group: readonly Segment[],
    sieve: Sieve,
    tools: CompactionTools,
  ): Promise<CleanedSegment | undefined> {
    const { files, directory } = this.#options;
    const left = group.filter((segment) => this.#segments.includes(segment));
    // Retention came first.
    if (left.length === 0) return undefined;
    const cleaned = await cleanGroup(left, sieve, { ...tools, gapsBelow: this.#state.gapsBelow });
    if (!cleaned.isChanged) {
      await files.remove(cleanedPath(directory, cleaned.range));
      return cleaned;
    }
    const { range, size, indexes } = cleaned;
    const { createdMs } = left.at(-1) as Segment;
    const { maxTimestamp } = indexes;
    const facts = { baseOffset: range.base, size, nextOffset: range.end, maxTimestamp, createdMs, indexes };
    const next = new Segment(files, directory, facts);
    this.#swap = { range, old: left, next, letGo: await heldOpen(left) };
    await this.#finishSwap();
    await next.seal();
    await next.letGo();
    return cleaned;
  }

  /** Goes on where it was left. Which of its names are on the disk is not known after a failure; so the old segments stay in
   *  the row and open, and are read through their files, until the new one has its place for certain. */
  async #finishSwap(): Promise<void> {
    if (this.#swap === undefined) return;
    const { range, old, next, letGo } = this.#swap;
    try {
      await swapSegments(this.#options.files, this.#options.directory, range);
    } catch (reason) {
      throw writeError(reason, next.path);
    }
    this.#swap = undefined;
    this.#segments.splice(this.#segments.indexOf(old[0] as Segment), old.length, next);
    letGo();
    this.#loaded = this.#loaded.filter((other) => !old.includes(other));
    await Promise.all(old.map((segment) => segment.close()));
  }

  /** One of the works that change which segments there are, at a time; what one left undone is done first. */
  async #maintained<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#maintenance.then(async () => {
      await this.#finishSwap();
      return await work();
    });
    this.#maintenance = done.then(
      () => undefined,
      () => undefined,
    );
    return await done;
  }

  /** Removes what retention lets go; resolves with the number of segments when that is on the disk. */
  async applyRetention(): Promise<number> {
    this.#dropping ??= this.#maintained(() => this.#drop()).finally(() => {
      this.#dropping = undefined;
    });
    return await this.#dropping;
  }

  /** Seals the end, so that the next open need not look, and lets everything go. Nothing may be under way. */
  async close(isFenced: boolean): Promise<void> {
    await this.#maintenance;
    await this.#stateWritten;
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
    this.#swap?.letGo(); // the next open brings it to its end
    await Promise.all(this.#segments.map((segment) => segment.close()));
    await this.#markFile?.close();
    this.#markFile = undefined;
  }

  get #active(): Segment {
    return this.#segments.at(-1) as Segment;
  }

  async #activate({ segments, markSequence, mark }: RecoveredLog): Promise<void> {
    await this.#active.activate();
    const scanned = this.#segments.filter((_, index) => segments[index]?.indexes !== undefined);
    if (scanned.length === 0) {
      this.#marked = this.#synced;
      return;
    }
    // A batch that is whole need not be on the disk yet. What follows will be acknowledged on top of it.
    for (const segment of scanned) {
      await this.#writeAgain(segment, mark);
      await segment.sync();
      if (segment === this.#active) continue;
      await segment.seal();
      await segment.letGo();
    }
    await this.#options.files.syncDirectory(this.#options.directory);
    await this.saveMark();
    if (markSequence === 0) await this.#options.files.syncDirectory(this.#options.directory); // the mark was lost: its file is new
  }

  /** What the mark does not vouch for. */
  async #writeAgain({ path, baseOffset, size }: Segment, mark: SyncedMark | null): Promise<void> {
    if (mark !== null && baseOffset < mark.segment) return;
    const from = mark?.segment === baseOffset ? mark.position : 0;
    if (from >= size) return;
    const file = await this.#options.files.open(path, 'write');
    try {
      await writeAgain(file, from, size);
    } finally {
      await file.close();
    }
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
    const { segmentMs, retention, clock } = this.#options;
    const ageMsMax = segmentMs ?? Math.min(retention.ms ?? limits.segmentAgeMsMax, limits.segmentAgeMsMax);
    return this.#active.size > 0 && clock.nowMs() - this.#active.createdMs > ageMsMax;
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
      // Compaction put another segment in its place.
      if (offset >= this.startOffset) return await this.#reading(offset, work);
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

  /** The new state is on the disk before anybody sees it. One change at a time, each made of what the one before left, so
   *  that none undoes another. */
  async #changeState(change: (state: PartitionState) => Partial<PartitionState>): Promise<void> {
    const written = this.#stateWritten.then(async () => {
      const state = { ...this.#state, ...change(this.#state) };
      const { files, directory, reserve } = this.#options;
      await reserve.spend(() => writeState(files, directory, state));
      this.#state = state;
    });
    this.#stateWritten = written.catch(() => undefined); // the caller is told; the next one starts from what holds
    await written;
  }

  async #drop(): Promise<number> {
    const { files, directory } = this.#options;
    const count = this.droppable;
    // Oldest first, and each on the disk before the next, so that a crash on the way leaves a log without holes.
    for (let dropped = 0; dropped < count; dropped += 1) {
      if (this.#isRetiredUnsynced) await files.syncDirectory(directory);
      const segment = this.#segments.shift() as Segment;
      try {
        await segment.retire();
      } catch (reason) {
        // It has its name still. Out of the row, and the next one removed, it would stand before a hole at the next open.
        this.#segments.unshift(segment);
        throw reason;
      }
      this.#isRetiredUnsynced = true;
      this.#loaded = this.#loaded.filter((other) => other !== segment);
      await segment.remove();
      await files.syncDirectory(directory);
      this.#isRetiredUnsynced = false;
    }
    return count;
  }
}

function refused(path: string, what: string, cause: unknown): EngineError {
  const { message } = cause as Error;
  return new EngineError('fenced', `${path} could not be ${what}: ${message}; it is tried again at the next open`, {
    cause,
  });
}

/** Resolves when all are open, with what lets them go. */
async function heldOpen(segments: readonly Segment[]): Promise<() => void> {
  let letGo = (): void => undefined;
  const isOver = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  try {
    for (const segment of segments) await segment.holdOpen(isOver);
  } catch (reason) {
    letGo();
    throw reason;
  }
  return letGo;
}
