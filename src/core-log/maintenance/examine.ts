/**
 * Looks at every byte of a partition and says what is wrong with it. The same two sides as recovery (storage/recovery.ts):
 * what is bad below the synced mark was on the disk and is damage; what is bad above it is a write that was torn, which the
 * next open cuts off by itself, and only a note.
 */

import { EngineError } from '../errors.ts';
import type { FileSystem } from '../platform/file-system.ts';
import { baseOffsetOf, isControl, lastOffsetOf, maxTimestampOf, recordCountOf } from '../record/batch-view.ts';
import { inflateBatch } from '../record/compression.ts';
import { readRecords } from '../record/record-reader.ts';
import { DELETED_SUFFIX, type SyncedMark, segmentOfName, segmentPath } from '../storage/format.ts';
import { follows } from '../storage/batch-scanner.ts';
import { readState, statePath } from '../storage/partition-state.ts';
import { readMark } from '../storage/recovery.ts';
import { swapPath, swapsIn } from '../storage/segment-swap.ts';
import type { LogRecord } from '../types.ts';
import type { PartitionPlace } from './data-layout.ts';
import { IndexCheck, type IndexFiles, readIndexFiles } from './index-check.ts';
import { walkBatches } from './walk.ts';

export interface Problem {
  /** `note`: nothing is lost, and the next open puts it in order by itself. */
  readonly severity: 'damage' | 'note';
  readonly topic: string | null;
  readonly partition: number | null;
  readonly file: string;
  readonly position: number;
  readonly reason: string;
}

/** A run of whole batches with no damage in it. */
export interface WholeRun {
  readonly from: number;
  to: number;
  readonly firstOffset: number;
  nextOffset: number;
  maxTimestamp: number;
  batches: number;
}

export interface SegmentExam {
  readonly baseOffset: number;
  readonly file: string;
  readonly bytes: number;
  readonly runs: readonly WholeRun[];
  readonly records: number;
  /** After its last whole batch. */
  readonly nextOffset: number;
  /** Where damage begins, null when there is none; above the mark it is a torn tail. */
  readonly badFrom: number | null;
  /** The indexes lie, with a seal that vouches for them. */
  readonly hasWrongIndex: boolean;
}

export interface PartitionExam {
  readonly place: PartitionPlace;
  readonly mark: SyncedMark | null;
  readonly markSequence: number;
  readonly segments: readonly SegmentExam[];
  /** Before this offset compaction may have left gaps between offsets: they are no damage. */
  readonly gapsBelow: number;
  /** What the partition knew beside its log is lost. */
  readonly isStateLost: boolean;
  /** Above every offset that was ever given out, as far as anything here knows. */
  readonly nextOffset: number;
  readonly problems: readonly Problem[];
}

export interface ExamineOptions {
  /** Somebody writes: a batch at the end may be half there. */
  readonly isInUse: boolean;
  readonly cleanShutdown: boolean;
}

export async function examinePartition(
  files: FileSystem,
  place: PartitionPlace,
  options: ExamineOptions,
): Promise<PartitionExam> {
  return await new Examination(files, place, options).run();
}

class Examination {
  readonly #files: FileSystem;
  readonly #place: PartitionPlace;
  readonly #options: ExamineOptions;
  readonly #problems: Problem[] = [];
  #mark: SyncedMark | null = null;
  #nextOffset = 0;
  #gapsBelow = 0;

  constructor(files: FileSystem, place: PartitionPlace, options: ExamineOptions) {
    this.#files = files;
    this.#place = place;
    this.#options = options;
  }

  async run(): Promise<PartitionExam> {
    const { directory } = this.#place;
    // The mark before the sizes: a writer moves it only behind what it has written.
    const found = await readMark(this.#files, directory);
    this.#mark = found?.mark ?? null;
    this.#nextOffset = this.#mark?.nextOffset ?? 0;
    const state = await readState(this.#files, directory);
    // Without it nobody knows which gaps were made: none is called damage.
    this.#gapsBelow = state?.gapsBelow ?? Number.MAX_SAFE_INTEGER;
    if (state === null) this.#damage(statePath(directory), 0, 'it is not what was written');
    const names = await this.#files.list(directory);
    const swaps = swapsIn(names);
    const isReplaced = (base: number): boolean => swaps.some((swap) => base >= swap.base && base < swap.end);
    const bases = names.flatMap((name) => segmentOfName(name) ?? []).filter((base) => !isReplaced(base));
    bases.push(...swaps.map(({ base }) => base));
    bases.sort((a, b) => a - b);
    const segments: SegmentExam[] = [];
    for (const [index, baseOffset] of bases.entries()) {
      const swap = swaps.find(({ base }) => base === baseOffset);
      const path = swap === undefined ? segmentPath(directory, baseOffset, '.log') : swapPath(directory, swap);
      const status = await this.#files.status(path);
      if (status === undefined) continue; // retention of whoever has it open
      this.#checkFollows(segments.at(-1), baseOffset);
      segments.push(await this.#segment(path, baseOffset, status.size, index === bases.length - 1));
    }
    this.#checkReach(segments);
    for (const name of names) this.#noteLeftover(name, bases);
    if (found === null && segments.length > 0)
      this.#note(segments[0]?.file ?? directory, 0, 'the partition has no synced mark: any bad byte counts as damage');
    return {
      place: this.#place,
      mark: this.#mark,
      markSequence: found?.sequence ?? 0,
      segments,
      gapsBelow: this.#gapsBelow,
      isStateLost: state === null,
      nextOffset: this.#nextOffset,
      problems: this.#problems,
    };
  }

  async #segment(path: string, baseOffset: number, bytes: number, isLast: boolean): Promise<SegmentExam> {
    const { directory } = this.#place;
    const gapsBelow = this.#gapsBelow;
    const indexes = await readIndexFiles(this.#files, directory, baseOffset, bytes);
    const check = indexes.trusted === null ? null : new IndexCheck(baseOffset, indexes.trusted);
    const runs: WholeRun[] = [];
    let records = 0;
    let badFrom: number | null = null;
    let isBroken = true;
    const file = await this.#files.open(path, 'read');
    try {
      for await (const step of walkBatches(file, bytes, { expected: baseOffset, gapsBelow })) {
        if (step.kind === 'gap') {
          if (step.to <= gapsBelow && !(isBroken && runs.length > 0)) continue;
          isBroken = true;
          badFrom ??= step.position;
          this.#bad(path, step.position, `offsets ${step.from} to ${step.to - 1} are missing`, baseOffset, isLast);
          continue;
        }
        const fault = step.kind === 'bad' ? step.reason : await recordsFault(step.batch);
        if (step.kind === 'bad' || fault !== null) {
          badFrom ??= step.position;
          isBroken = true;
          this.#bad(path, step.position, fault ?? '', baseOffset, isLast);
          continue;
        }
        addTo(runs, step.batch, step.position, isBroken);
        isBroken = false;
        check?.note(step.batch, step.position);
        if (!isControl(step.batch)) records += recordCountOf(step.batch);
      }
    } finally {
      await file.close();
    }
    const sealed = indexes.seal !== null && indexes.trusted !== null ? indexes.seal.nextOffset : 0;
    const isThinned = badFrom === null && sealed <= gapsBelow;
    // Compaction may have taken the end of a segment: its seal knows where it was.
    const nextOffset = Math.max(runs.at(-1)?.nextOffset ?? baseOffset, isThinned ? sealed : 0);
    this.#nextOffset = Math.max(this.#nextOffset, nextOffset, indexes.seal?.nextOffset ?? 0);
    const hasWrongIndex = badFrom === null && this.#checkIndexes(path, indexes, check, { nextOffset, runs, isLast });
    return { baseOffset, file: path, bytes, runs, records, nextOffset, badFrom, hasWrongIndex };
  }

  /** Whether an index is wrong that the engine would believe. */
  #checkIndexes(
    path: string,
    { seal, outdated }: IndexFiles,
    check: IndexCheck | null,
    about: { readonly nextOffset: number; readonly runs: readonly WholeRun[]; readonly isLast: boolean },
  ): boolean {
    // The segment that is written has its indexes in memory until it is closed.
    const isExpected = !about.isLast || (this.#options.cleanShutdown && !this.#options.isInUse);
    if (outdated !== null) {
      if (isExpected)
        this.#note(outdated.file, 0, `${outdated.reason}: it is made again from the log when it is needed`);
      return false;
    }
    const before = this.#problems.length;
    const maxTimestamp = Math.max(-1, ...about.runs.map((run) => run.maxTimestamp));
    if (seal !== null && (seal.nextOffset !== about.nextOffset || seal.maxTimestamp !== maxTimestamp)) {
      const log = `${about.nextOffset} and ${maxTimestamp}`;
      const reason = `it says next offset ${seal.nextOffset} and latest time ${seal.maxTimestamp}, the log ${log}`;
      this.#damage(path.replace(/\.log$/, '.seal'), 0, reason);
    }
    const { offsets, times } = check?.faults() ?? { offsets: null, times: null };
    if (offsets !== null) this.#damage(path.replace(/\.log$/, '.index'), 0, offsets);
    if (times !== null) this.#damage(path.replace(/\.log$/, '.timeindex'), 0, times);
    return this.#problems.length > before;
  }

  #checkFollows(previous: SegmentExam | undefined, baseOffset: number): void {
    if (previous === undefined || previous.nextOffset === baseOffset) return;
    if (previous.badFrom === null && follows(baseOffset, previous.nextOffset, this.#gapsBelow)) return;
    const path = segmentPath(this.#place.directory, baseOffset, '.log');
    const reason = `it begins at offset ${baseOffset} where ${previous.nextOffset} follows`;
    if (this.#isBelowMark(previous.baseOffset, previous.bytes)) this.#damage(path, 0, reason);
    else this.#note(path, 0, `${reason}: the next open puts it into quarantine`);
  }

  /** What was synced must be there. */
  #checkReach(segments: readonly SegmentExam[]): void {
    const { directory } = this.#place;
    const last = segments.at(-1);
    const mark = this.#mark;
    if (last === undefined) {
      this.#damage(segmentPath(directory, mark?.segment ?? 0, '.log'), 0, 'the partition has no segment file');
      return;
    }
    if (mark === null) return;
    const path = segmentPath(directory, mark.segment, '.log');
    const marked = segments.find(({ baseOffset }) => baseOffset === mark.segment);
    const were = `${mark.position} bytes of it were on the disk`;
    if (last.baseOffset < mark.segment) this.#damage(path, 0, `the file is gone, ${were}`);
    else if (marked !== undefined && marked.bytes < mark.position)
      this.#damage(path, marked.bytes, `the file ends there, ${were}`);
  }

  #noteLeftover(name: string, bases: readonly number[]): void {
    const path = `${this.#place.directory}/${name}`;
    const base = /^(\d{20})\.(?:index|timeindex|seal)$/.exec(name)?.[1];
    if (name.endsWith('.swap')) this.#note(path, 0, 'compaction was cut short: the next open ends it');
    else if (name.endsWith('.cleaned')) this.#note(path, 0, 'compaction was cut short: the next open removes it');
    else if (name.endsWith(DELETED_SUFFIX)) this.#note(path, 0, 'on its way out: the next open removes it');
    else if (base !== undefined && !bases.includes(Number(base)))
      this.#note(path, 0, 'its log is gone: the next open removes it');
  }

  #bad(path: string, position: number, reason: string, baseOffset: number, isLast: boolean): void {
    if (this.#isBelowMark(baseOffset, position)) this.#damage(path, position, reason);
    else if (this.#options.isInUse && isLast) this.#note(path, position, `${reason}: it is being written`);
    else this.#note(path, position, `${reason}: never synced; the next open cuts it off into quarantine`);
  }

  #isBelowMark(baseOffset: number, position: number): boolean {
    if (this.#mark === null || baseOffset < this.#mark.segment) return true;
    return baseOffset === this.#mark.segment && position < this.#mark.position;
  }

  #damage(file: string, position: number, reason: string): void {
    const { topic, partition } = this.#place;
    this.#problems.push({ severity: 'damage', topic, partition, file, position, reason });
  }

  #note(file: string, position: number, reason: string): void {
    const { topic, partition } = this.#place;
    this.#problems.push({ severity: 'note', topic, partition, file, position, reason });
  }
}

function addTo(runs: WholeRun[], batch: Buffer, position: number, isNew: boolean): void {
  const to = position + batch.length;
  const nextOffset = lastOffsetOf(batch) + 1;
  const maxTimestamp = maxTimestampOf(batch);
  const run = runs.at(-1);
  if (isNew || run === undefined) {
    runs.push({ from: position, to, firstOffset: baseOffsetOf(batch), nextOffset, maxTimestamp, batches: 1 });
    return;
  }
  run.to = to;
  run.nextOffset = nextOffset;
  run.maxTimestamp = Math.max(run.maxTimestamp, maxTimestamp);
  run.batches += 1;
}

/** Why the records of a batch with a good checksum cannot be read, or null: then somebody built it wrong. */
async function recordsFault(batch: Buffer): Promise<string | null> {
  const records: LogRecord[] = [];
  const all = { maxRecords: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY };
  try {
    readRecords(await inflateBatch(batch), baseOffsetOf(batch), all, records);
    return null;
  } catch (reason) {
    // The bytes are those that came: whoever built the batch built it wrong, or with a codec that is not there.
    if (reason instanceof EngineError) return null;
    return `its records cannot be read: ${reason instanceof Error ? reason.message : String(reason)}`;
  }
}
