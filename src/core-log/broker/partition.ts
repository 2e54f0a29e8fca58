/**
 * One partition: gives offsets, shows readers what is written, wakes those who wait, and refuses appends when its log
 * cannot be trusted. A record is visible once it is in the page cache, whatever durability its append waits for: a
 * reader may see it before a power cut takes it away, but never after.
 */

import { EngineError, inFile } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Clock } from '../platform/clock.ts';
import { buildBatch } from '../record/batch-builder.ts';
import { checkBatchKeys, checkForeignBatch, type RecordRules, stampAppendTime } from '../record/batch-door.ts';
import { baseOffsetOf, compressionOf, lastOffsetOf, placeBatch } from '../record/batch-view.ts';
import { inflateBatch } from '../record/compression.ts';
import { readRecords } from '../record/record-reader.ts';
import { GroupCommit, type QueuedBatch } from '../storage/group-commit.ts';
import { Log, type LogOptions, type LogPolicy } from '../storage/log.ts';
import type { RecoveredLog } from '../storage/recovery.ts';
import type {
  AppendResult,
  BatchesResult,
  FetchResult,
  LogPersistence,
  LogRecord,
  PartitionStatus,
  RecordInput,
} from '../types.ts';
import { HotTail, type HotTailBudget } from './hot-tail.ts';
import type { InflatedBatches } from './inflated-batches.ts';

interface AppendWaiter {
  readonly offset: number;
  /** Also wakes when what is queued was refused: then the record that it waits for does not come. */
  readonly untilRefused: boolean;
  readonly wake: (hasMore: boolean) => void;
}

export interface PartitionOptions {
  readonly name: string;
  readonly log: LogOptions;
  readonly rules: RecordRules;
  readonly budget: HotTailBudget;
  readonly inflated: InflatedBatches;
}

let partitionsOpened = 0;

export class Partition {
  readonly name: string;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #commit: GroupCommit;
  readonly #tail: HotTail;
  readonly #inflated: InflatedBatches;
  /** Not the name: a topic can be deleted and made again. */
  readonly #id: string;
  readonly #waiters = new Set<AppendWaiter>();
  /** The offset of the next append that is accepted: ahead of the log by what is queued. */
  #nextOffset: number;
  #rules: RecordRules;
  #fenced: EngineError | null;
  /** Why nothing works any more: the topic is gone or the engine closed. */
  #gone: EngineError | undefined;
  #appendsWaiting = 0;
  /** When the append that waits last may go on. */
  #turn: Promise<void> = Promise.resolve();

  private constructor(options: PartitionOptions, log: Log, fenced: EngineError | null) {
    const { clock } = options.log;
    this.name = options.name;
    partitionsOpened += 1;
    this.#id = `${options.name} ${partitionsOpened}`;
    this.#inflated = options.inflated;
    this.#log = log;
    this.#clock = clock;
    this.#rules = options.rules;
    this.#tail = new HotTail(options.budget);
    this.#nextOffset = log.nextOffset;
    this.#fenced = fenced;
    this.#commit = new GroupCommit(log, clock, {
      written: (batches) => this.#written(batches),
      refused: () => this.#refused(),
      fenced: (reason) => this.#fence(reason),
    });
  }

  static async open(
    options: PartitionOptions,
    isClean: boolean,
  ): Promise<{ readonly partition: Partition; readonly recovered: RecoveredLog }> {
    const { log, recovered } = await Log.open(options.log, isClean);
    return { partition: new Partition(options, log, recovered.fenced), recovered };
  }

  /** From now on. */
  configure(policy: LogPolicy, rules: RecordRules): void {
    this.#log.configure(policy);
    this.#rules = rules;
  }

  get isFenced(): boolean {
    return this.#fenced !== null;
  }

  status(): PartitionStatus {
    return {
      state: this.#fenced === null ? 'open' : 'fenced',
      reason: this.#fenced?.message ?? null,
      earliest: this.#log.startOffset,
      next: this.#log.nextOffset,
      bytes: this.#log.bytes,
      segments: this.#log.segmentCount,
    };
  }

  append(records: readonly RecordInput[], durability: LogPersistence): Promise<AppendResult> {
    // Not an async function: the hot path has one promise.
    try {
      this.#checkWritable();
      if (this.#mustWait) return this.#later(() => this.#acceptRecords(records, durability));
      return this.#acceptRecords(records, durability);
    } catch (reason) {
      return Promise.reject(reason);
    }
  }

  /** A batch that somebody else built: it is checked, placed and then kept byte for byte. The bytes belong to the log now. */
  appendBatch(bytes: Buffer, durability: LogPersistence): Promise<AppendResult> {
    try {
      this.#checkWritable();
      checkForeignBatch(bytes, this.#rules);
      const mustOpen = this.#rules.needsKeys && compressionOf(bytes) !== 0;
      if (this.#rules.needsKeys && !mustOpen) checkBatchKeys(bytes);
      // Opened in its turn, so that none that came later overtakes it meanwhile.
      const open = async (): Promise<void> => checkBatchKeys(await inflateBatch(bytes));
      if (mustOpen) return this.#later(() => this.#acceptBatch(bytes, durability), open);
      if (this.#mustWait) return this.#later(() => this.#acceptBatch(bytes, durability));
      return this.#acceptBatch(bytes, durability);
    } catch (reason) {
      return Promise.reject(reason);
    }
  }

  /** Batches as they are stored, from the one that holds `offset` on. */
  async readBatches(offset: number, maxBytes: number): Promise<BatchesResult> {
    await this.#untilWritten(offset);
    if (offset >= this.#log.nextOffset) return { batches: [], next: offset };
    const end = this.#log.nextOffset;
    const batches = await this.#batchesFrom(offset, maxBytes);
    const last = batches.at(-1);
    return { batches, next: last === undefined ? end : lastOffsetOf(last) + 1 };
  }

  /** Records before `offset` are gone; resolves with the earliest offset, on the disk. */
  async deleteRecords(offset: number): Promise<number> {
    this.#checkWritable();
    const next = this.#nextOffset;
    if (!Number.isSafeInteger(offset) || offset < 0 || offset > next)
      throw new EngineError(
        'offset_out_of_range',
        `records of ${this.name} can be deleted up to ${next}, not ${offset}`,
      );
    // The watermark must not outlive a tail that a power cut takes: the offsets would be given out again below it.
    if (offset > this.#log.startOffset) await this.#commit.reached(offset - 1, 'fsync');
    await this.#log.deleteBefore(offset);
    await this.#log.applyRetention();
    return this.#log.startOffset;
  }

  async fetch(
    offset: number,
    bounds: { readonly maxRecords: number; readonly maxBytes: number },
  ): Promise<FetchResult> {
    await this.#untilWritten(offset);
    const records: LogRecord[] = [];
    let next = offset;
    // Batches can be without a record to show: what compaction left of them, or the marks of a transaction.
    while (records.length === 0 && next < this.#log.nextOffset) next = await this.#fetchInto(records, next, bounds);
    return { records, next };
  }

  /** Adds what the next batches have, as far as the bounds go; resolves with the offset to go on from. */
  async #fetchInto(
    records: LogRecord[],
    offset: number,
    bounds: { readonly maxRecords: number; readonly maxBytes: number },
  ): Promise<number> {
    const end = this.#log.nextOffset;
    const batches = await this.#batchesFrom(offset, bounds.maxBytes);
    if (batches.length === 0) return end;
    let bytes = 0;
    let next = offset;
    for (const stored of batches) {
      const left = { maxRecords: bounds.maxRecords, maxBytes: bounds.maxBytes - bytes };
      let taken: ReturnType<typeof readRecords>;
      let batch = stored;
      try {
        if (compressionOf(stored) !== 0) batch = await this.#opened(stored);
        taken = readRecords(batch, offset, left, records);
      } catch (reason) {
        if (records.length > 0) break; // what is before it is given first; the next fetch begins with it
        throw this.#unreadable(stored, reason);
      }
      bytes += taken.bytes;
      const last = records.at(-1);
      // Behind the last record of a batch that compaction thinned out offsets may follow that are no more.
      next = taken.isAll || last === undefined ? lastOffsetOf(batch) + 1 : last.offset + 1;
      if (!taken.isAll || records.length >= bounds.maxRecords || bytes >= bounds.maxBytes) break;
    }
    return next;
  }

  /** The checksum held, so the bytes are those that came: whoever built the batch built it wrong. */
  #unreadable(batch: Buffer, reason: unknown): unknown {
    if (!(reason instanceof RangeError)) return reason;
    const where = `${this.#log.pathOf(baseOffsetOf(batch))}: the batch at offset ${baseOffsetOf(batch)}`;
    return new EngineError('undecodable_batch', `${where} holds no records: ${reason.message}`, { cause: reason });
  }

  /** The batch with records that can be read as they lie. */
  async #opened(batch: Buffer): Promise<Buffer> {
    const file = this.#log.pathOf(baseOffsetOf(batch));
    try {
      return await this.#inflated.of(this.#id, batch);
    } catch (reason) {
      throw inFile(file, reason);
    }
  }

  /** Refuses an offset that cannot be read. Accepted into memory and not written yet is waited for: whoever has seen that
   *  answer must find the record. */
  async #untilWritten(offset: number): Promise<void> {
    this.#checkReadable(offset);
    while (offset >= this.#log.nextOffset && offset < this.#nextOffset && this.#gone === undefined) {
      await this.#waitFor(offset, undefined, true);
    }
  }

  /** True when there is a record at or after `offset`; false when the signal aborts or the partition goes. */
  waitForAppend(offset: number, signal: AbortSignal | undefined): Promise<boolean> {
    if (this.#gone !== undefined || signal?.aborted === true) return Promise.resolve(false);
    if (this.#log.nextOffset > offset) return Promise.resolve(true);
    return this.#waitFor(offset, signal, false);
  }

  #waitFor(offset: number, signal: AbortSignal | undefined, untilRefused: boolean): Promise<boolean> {
    return new Promise((resolve) => {
      const onAbort = (): void => waiter.wake(false);
      const waiter: AppendWaiter = {
        offset,
        untilRefused,
        wake: (hasMore) => {
          this.#waiters.delete(waiter);
          signal?.removeEventListener('abort', onAbort);
          resolve(hasMore);
        },
      };
      this.#waiters.add(waiter);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  async offsetForTimestamp(timestamp: number): Promise<number> {
    if (this.#gone !== undefined) throw this.#gone;
    const next = this.#log.nextOffset;
    return (await this.#guarded(() => this.#log.offsetForTimestamp(timestamp))) ?? next;
  }

  /** Resolves with the number of segments removed. A fenced partition is left as it is: it is evidence. */
  async applyRetention(): Promise<number> {
    if (this.#fenced !== null || this.#gone !== undefined) return 0;
    await this.#commit.betweenWrites(() => this.#log.rollIfOld());
    return await this.#log.applyRetention();
  }

  /** Everything accepted is written and synced, then the files are closed. Appends and reads are refused from now on. */
  async close(reason: EngineError): Promise<void> {
    this.#leave(reason);
    await this.#commit.drained();
    await this.#log.close(this.isFenced);
  }

  /** What is queued is refused, and the files are closed as they are. */
  async abandon(reason: EngineError): Promise<void> {
    this.#leave(reason);
    this.#commit.stop(reason);
    await this.#commit.drained();
    await this.#log.release();
  }

  #acceptRecords(records: readonly RecordInput[], durability: LogPersistence): Promise<AppendResult> {
    const { needsKeys, timestampType, recordBytesMax } = this.#rules;
    if (needsKeys) checkKeys(records, this.name);
    const nowMs = this.#clock.nowMs();
    const bytes = buildBatch(records, nowMs, recordBytesMax);
    if (timestampType === 'append') stampAppendTime(bytes, nowMs);
    return this.#accept(bytes, durability);
  }

  #acceptBatch(bytes: Buffer, durability: LogPersistence): Promise<AppendResult> {
    if (this.#rules.timestampType === 'append') stampAppendTime(bytes, this.#clock.nowMs());
    return this.#accept(bytes, durability);
  }

  #accept(bytes: Buffer, durability: LogPersistence): Promise<AppendResult> {
    const baseOffset = this.#nextOffset;
    placeBatch(bytes, baseOffset);
    const nextOffset = lastOffsetOf(bytes) + 1;
    this.#nextOffset = nextOffset;
    return new Promise((resolve, reject) => {
      const stored = (): void => resolve({ baseOffset, lastOffset: nextOffset - 1, durability });
      this.#commit.submit({ bytes, durability, stored, failed: reject });
    });
  }

  get #mustWait(): boolean {
    return !this.#commit.hasRoom || this.#appendsWaiting > 0;
  }

  /** The queue is full, or there is something to `prepare`: the append waits, and in its turn, before it is accepted. */
  async #later(accept: () => Promise<AppendResult>, prepare?: () => Promise<void>): Promise<AppendResult> {
    if (this.#appendsWaiting >= limits.waitingAppendsMax) {
      throw new EngineError('queue_full', `${this.#appendsWaiting} appends wait for ${this.name} already`);
    }
    this.#appendsWaiting += 1;
    const turn = this.#turn.then(async () => {
      while (!this.#commit.hasRoom) await this.#commit.room();
      await prepare?.();
    });
    this.#turn = turn.catch(() => undefined); // the next one's turn comes whatever becomes of this one
    try {
      await turn;
      this.#checkWritable();
      return await accept();
    } finally {
      this.#appendsWaiting -= 1;
    }
  }

  #checkWritable(): void {
    if (this.#gone !== undefined) throw this.#gone;
    if (this.#fenced === null) return;
    const { code, message, damage } = this.#fenced;
    throw new EngineError(code, `${this.name} refuses appends: ${message}`, {
      cause: this.#fenced,
      ...(damage && { damage }),
    });
  }

  #checkReadable(offset: number): void {
    if (this.#gone !== undefined) throw this.#gone;
    const { startOffset } = this.#log;
    if (!Number.isSafeInteger(offset) || offset < startOffset || offset > this.#nextOffset) {
      throw new EngineError(
        'offset_out_of_range',
        `offset ${offset} of ${this.name} is outside ${startOffset} to ${this.#log.nextOffset}`,
      );
    }
  }

  async #batchesFrom(offset: number, maxBytes: number): Promise<readonly Buffer[]> {
    const hot = this.#tail.from(offset, maxBytes);
    if (hot !== null) return hot;
    return await this.#guarded(() => this.#log.read(offset, maxBytes));
  }

  /** Damage that a read finds fences the partition: nothing may be written on top of a log that is not what it was. */
  async #guarded<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (reason) {
      if (this.#gone !== undefined) throw this.#gone;
      if (reason instanceof EngineError && reason.code === 'log_corrupt') {
        this.#fence(reason);
        this.#commit.stop(reason);
      }
      if (reason instanceof EngineError) throw reason;
      throw new EngineError('read_failed', `reading ${this.name} failed: ${String(reason)}`, { cause: reason });
    }
  }

  #written(batches: readonly QueuedBatch[]): void {
    for (const { bytes } of batches) this.#tail.add(bytes);
    if (this.#waiters.size === 0) return;
    for (const waiter of this.#waiters) if (this.#log.nextOffset > waiter.offset) waiter.wake(true);
  }

  #refused(): void {
    this.#nextOffset = this.#log.nextOffset;
    for (const waiter of this.#waiters) if (waiter.untilRefused) waiter.wake(false);
  }

  #fence(reason: EngineError): void {
    this.#fenced ??= reason;
  }

  #leave(reason: EngineError): void {
    this.#gone ??= reason;
    for (const waiter of this.#waiters) waiter.wake(false);
    this.#tail.clear();
  }
}

function checkKeys(records: readonly RecordInput[], name: string): void {
  const without = records.findIndex(({ key }) => key === undefined || key === null);
  if (without !== -1) throw new EngineError('key_required', `records[${without}] for ${name} has no key`);
}
