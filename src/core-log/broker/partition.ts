/**
 * One partition: gives offsets, shows readers what is written, wakes those who wait, and refuses appends when its log
 * cannot be trusted. A record is visible once it is in the page cache, whatever durability its append waits for: a
 * reader may see it before a power cut takes it away, but never after.
 */

import { EngineError, inFile } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Clock } from '../platform/clock.ts';
import type { BatchBuffers } from '../record/batch-buffers.ts';
import { buildBatch } from '../record/batch-builder.ts';
import { checkBatchKeys, checkForeignBatch, type RecordRules, stampAppendTime } from '../record/batch-door.ts';
import {
  baseOffsetOf,
  compressionOf,
  lastOffsetOf,
  placeBatch,
  producerEpochOf,
  producerIdOf,
} from '../record/batch-view.ts';
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
  RecordPosition,
} from '../types.ts';
import { HotTail, type HotTailBudget } from './hot-tail.ts';
import type { InflatedBatches } from './inflated-batches.ts';
import type { KnownId, MessageIdBudget } from './message-ids.ts';
import type { ProducerIds } from './producer-ids.ts';
import type { SentBatch } from './producer-state.ts';
import { ID_HEADER, Publishers } from './publishers.ts';

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
  readonly buffers: BatchBuffers;
  readonly inflated: InflatedBatches;
  readonly ids: MessageIdBudget;
  readonly producerIds: ProducerIds;
  /** Its batches were written before publishers were known by their batches. */
  readonly isWithoutPast: boolean;
}

let partitionsOpened = 0;

export class Partition {
  readonly name: string;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #commit: GroupCommit;
  readonly #tail: HotTail;
  readonly #buffers: BatchBuffers;
  readonly #inflated: InflatedBatches;
  readonly #publishers: Publishers;
  readonly #producerIds: ProducerIds;
  /** Not the name: a topic can be deleted and made again. */
  readonly #id: string;
  readonly #waiters = new Set<AppendWaiter>();
  /** The offset of the next append that is accepted: ahead of the log by what is queued. */
  #nextOffset: number;
  #rules: RecordRules;
  #fenced: EngineError | null;
  /** Nothing is known of what it holds: to show it as empty would be a lie. */
  readonly #isUnreadable: boolean;
  /** Why nothing works any more: the topic is gone or the engine closed. */
  #gone: EngineError | undefined;
  #compacting: Promise<number> | undefined;
  #appendsWaiting = 0;
  #bytesWaiting = 0;
  /** When the append that waits last may go on. */
  #turn: Promise<void> = Promise.resolve();

  private constructor(options: PartitionOptions, log: Log, { fenced, isUnreadable }: RecoveredLog) {
    const { clock } = options.log;
    this.name = options.name;
    partitionsOpened += 1;
    this.#id = `${options.name} ${partitionsOpened}`;
    this.#inflated = options.inflated;
    this.#log = log;
    this.#clock = clock;
    this.#rules = options.rules;
    this.#producerIds = options.producerIds;
    this.#publishers = new Publishers(options.log, log, options.ids);
    this.#tail = new HotTail(options.budget);
    this.#buffers = options.buffers;
    this.#nextOffset = log.nextOffset;
    this.#fenced = fenced;
    this.#isUnreadable = isUnreadable;
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
    const partition = new Partition(options, log, recovered);
    if (!partition.isFenced) await partition.#learn(options.isWithoutPast);
    return { partition, recovered: { ...recovered, fenced: partition.#fenced } };
  }

  /** Without its publishers' past a repetition would be stored twice: when that cannot be read the partition is fenced. */
  async #learn(isWithoutPast: boolean): Promise<void> {
    try {
      if (!isWithoutPast) await this.#guarded(() => this.#publishers.restore());
      else if (this.#log.nextOffset > 0) await this.#publishers.snapshot({ sync: true });
    } catch (reason) {
      const fault =
        reason instanceof EngineError ? reason : new EngineError('read_failed', String(reason), { cause: reason });
      this.#fence(fault);
      this.#commit.stop(fault);
    }
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

  append(
    records: readonly RecordInput[],
    durability: LogPersistence,
    ids?: readonly (string | null)[],
  ): Promise<AppendResult> {
    // Not an async function: the hot path has one promise.
    try {
      this.#checkWritable();
      if (ids !== undefined) {
        checkIds(ids, records.length);
        if (this.#mustWait)
          return this.#later(bytesOfRecords(records), () => this.#acceptIdentified(records, ids, durability));
        return this.#acceptIdentified(records, ids, durability);
      }
      if (this.#mustWait) return this.#later(bytesOfRecords(records), () => this.#acceptRecords(records, durability));
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
      if (mustOpen) return this.#later(bytes.length, () => this.#acceptBatch(bytes, durability), open);
      if (this.#mustWait) return this.#later(bytes.length, () => this.#acceptBatch(bytes, durability));
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
    if (!this.#log.isDeletedBefore(offset)) await this.#commit.reached(offset - 1, 'fsync');
    await this.#log.deleteBefore(offset);
    await this.#drop();
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
    this.#tail.want();
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
    this.#checkKnown();
    const next = this.#log.nextOffset;
    return (await this.#guarded(() => this.#log.offsetForTimestamp(timestamp))) ?? next;
  }

  /** Resolves with the number of segments removed. A fenced partition is left as it is: it is evidence. */
  async applyRetention(): Promise<number> {
    if (this.#fenced !== null || this.#gone !== undefined) return 0;
    let failure: unknown;
    try {
      await this.#rollIfOld();
    } catch (reason) {
      failure = reason; // on a full disk no segment can be closed, and those that may go must go all the more
    }
    if (this.#gone !== undefined) return 0;
    const removed = await this.#drop();
    if (failure !== undefined) throw failure;
    return removed;
  }

  /** Whether a pass of compaction is worth its while; old segments are closed first, so that they take part. */
  async isCompactionDue(): Promise<boolean> {
    if (!this.#rules.needsKeys || this.#fenced !== null || this.#gone !== undefined) return false;
    await this.#rollIfOld();
    return this.#gone === undefined && this.#log.isCompactionDue;
  }

  /** Compacts all closed segments; resolves with the number of records removed. Appends go on meanwhile. */
  async compact(): Promise<number> {
    if (!this.#rules.needsKeys || this.#fenced !== null || this.#gone !== undefined) return 0;
    this.#compacting ??= this.#guarded(() => this.#compact()).finally(() => {
      this.#compacting = undefined;
    });
    return await this.#compacting;
  }

  async #compact(): Promise<number> {
    await this.#rollIfOld();
    // A record goes because of a later one, so that one must be on the disk; and the mark must not be in what is changed.
    if (!this.#log.isReadyToCompact && this.#log.nextOffset > 0) {
      await this.#commit.reached(this.#log.nextOffset - 1, 'fsync');
      await this.#log.saveMark();
    }
    let removed = 0;
    for (let isDone = false; !isDone; ) {
      if (!this.#publishers.isEmpty) await this.#publishers.snapshot({ sync: true });
      const pass = await this.#log.compact({
        kept: this.#publishers.producers.lastOffsets(),
        checkStop: () => {
          if (this.#gone !== undefined) throw this.#gone;
          if (this.#fenced !== null) throw this.#fenced;
        },
      });
      ({ isDone } = pass);
      removed += pass.removed;
      // Readers are shown what is in the files, not what was.
      this.#tail.clear();
    }
    return removed;
  }

  async #rollIfOld(): Promise<void> {
    await this.#commit.betweenWrites(async () => {
      if (this.#gone === undefined) await this.#log.rollIfOld();
    });
  }

  async #drop(): Promise<number> {
    // What goes may be the only place that still says who published it.
    if (this.#log.droppable > 0 && !this.#publishers.isEmpty) {
      // On a full disk nothing can be written down, and segments must go all the more: then the log is asked after a crash.
      await this.#publishers.snapshot({ sync: true }).catch(() => undefined);
    }
    if (this.#gone !== undefined) return 0; // closed meanwhile, and so without it: the next engine lets them go
    return await this.#log.applyRetention();
  }

  /** Everything accepted is written and synced, then the files are closed. Appends and reads are refused from now on. */
  async close(reason: EngineError): Promise<void> {
    this.#leave(reason);
    await this.#compacting?.catch(() => undefined); // whoever asked for it is told
    await this.#commit.drained();
    // Without it the next open reads what it does not say from the log.
    if (!this.isFenced) await this.#publishers.snapshot({ sync: false }).catch(() => undefined);
    await this.#publishers.close();
    await this.#log.close(this.isFenced);
  }

  /** What is queued is refused, and the files are closed as they are. */
  async abandon(reason: EngineError): Promise<void> {
    this.#leave(reason);
    this.#commit.stop(reason);
    await this.#compacting?.catch(() => undefined); // whoever asked for it is told
    await this.#commit.drained();
    await this.#publishers.close();
    await this.#log.release();
  }

  #acceptRecords(records: readonly RecordInput[], durability: LogPersistence): Promise<AppendResult> {
    const { needsKeys, timestampType, recordBytesMax } = this.#rules;
    if (needsKeys) checkKeys(records, this.name);
    const nowMs = this.#clock.nowMs();
    const bytes = buildBatch(records, nowMs, recordBytesMax, this.#buffers);
    if (timestampType === 'append') stampAppendTime(bytes, nowMs);
    return this.#accept(bytes, durability, true);
  }

  /** Stores the records whose ids are not known, and answers for the others with the places of the first ones. */
  async #acceptIdentified(
    records: readonly RecordInput[],
    ids: readonly (string | null)[],
    durability: LogPersistence,
  ): Promise<AppendResult> {
    const nowMs = this.#clock.nowMs();
    const baseOffset = this.#nextOffset;
    const fresh: RecordInput[] = [];
    const freshIds = new Map<string, number>();
    const repeated: KnownId[] = [];
    const positions = records.map((record, index): RecordPosition => {
      const id = ids[index] ?? null;
      const known = id === null ? undefined : this.#publishers.ids.find(id, nowMs);
      if (known !== undefined) repeated.push(known);
      const first = known?.offset ?? (id === null ? undefined : freshIds.get(id));
      if (first !== undefined) return { offset: first, isDuplicate: true };
      const offset = baseOffset + fresh.length;
      if (id !== null) freshIds.set(id, offset);
      fresh.push(id === null ? record : withId(record, id));
      return { offset, isDuplicate: false };
    });
    const stored = fresh.length === 0 ? undefined : this.#acceptRecords(fresh, durability);
    for (const [id, offset] of freshIds) this.#publishers.ids.note(id, offset, nowMs);
    const [ofFresh, ofRepeated] = await Promise.allSettled([
      stored,
      this.#alsoStored(repeated, (known) => known.offset, durability),
    ]);
    if (ofFresh.status === 'rejected') throw ofFresh.reason;
    if (ofRepeated.status === 'rejected') {
      if (stored === undefined) throw ofRepeated.reason;
      // To hand on a plain no would be a lie: what is new of it is in the log.
      const text = `part of the append to ${this.name} is stored, and of what was sent before it is not known`;
      throw new EngineError('sync_failed', `${text}: ${String(ofRepeated.reason)}`, { cause: ofRepeated.reason });
    }
    const offsets = positions.map(({ offset }) => offset);
    return {
      baseOffset: Math.min(...offsets),
      lastOffset: Math.max(...offsets),
      durability,
      positions,
      ...(stored === undefined && { isDuplicate: true }),
    };
  }

  #acceptBatch(bytes: Buffer, durability: LogPersistence): Promise<AppendResult> {
    const nowMs = this.#clock.nowMs();
    const isIdempotent = producerIdOf(bytes) >= 0;
    const { producers } = this.#publishers;
    if (isIdempotent) this.#producerIds.checkEpoch(producerIdOf(bytes), producerEpochOf(bytes));
    const sent = isIdempotent ? producers.check(bytes, this.name) : null;
    if (sent !== null) return this.#acceptRepeated(sent, durability);
    if (this.#rules.timestampType === 'append') stampAppendTime(bytes, nowMs);
    const answer = this.#accept(bytes, durability, false);
    if (isIdempotent) producers.note(bytes, nowMs, this.#log.nextOffset);
    return answer;
  }

  async #acceptRepeated(sent: SentBatch, durability: LogPersistence): Promise<AppendResult> {
    await this.#alsoStored([sent], ({ lastOffset }) => lastOffset, durability);
    return { baseOffset: sent.baseOffset, lastOffset: sent.lastOffset, durability, isDuplicate: true };
  }

  /** What is answered for a repetition must hold of the first one: it may be on its way still, or less deep than is asked now. */
  async #alsoStored<T extends { readonly isRefused: boolean }>(
    first: readonly T[],
    offsetOf: (of: T) => number,
    durability: LogPersistence,
  ): Promise<void> {
    if (first.length === 0) return;
    await this.#commit.reached(
      first.reduce((last, of) => Math.max(last, offsetOf(of)), 0),
      durability,
    );
    if (first.some(({ isRefused }) => isRefused))
      throw new EngineError('write_failed', `the first of what was sent twice to ${this.name} could not be written`);
  }

  #accept(bytes: Buffer, durability: LogPersistence, isOurs: boolean): Promise<AppendResult> {
    const baseOffset = this.#nextOffset;
    placeBatch(bytes, baseOffset);
    const nextOffset = lastOffsetOf(bytes) + 1;
    this.#nextOffset = nextOffset;
    return new Promise((resolve, reject) => {
      const stored = (): void => resolve({ baseOffset, lastOffset: nextOffset - 1, durability });
      this.#commit.submit({ bytes, isOurs, durability, stored, failed: reject });
    });
  }

  get #mustWait(): boolean {
    return !this.#commit.hasRoom || this.#appendsWaiting > 0;
  }

  /** The queue is full, or there is something to `prepare`: the append waits, and in its turn, before it is accepted. */
  async #later(
    bytes: number,
    accept: () => Promise<AppendResult>,
    prepare?: () => Promise<void>,
  ): Promise<AppendResult> {
    const isTooMuch = this.#bytesWaiting > 0 && this.#bytesWaiting + bytes > limits.waitingBytesMax;
    if (isTooMuch || this.#appendsWaiting >= limits.waitingAppendsMax) {
      const waiting = `${this.#appendsWaiting} appends of ${this.#bytesWaiting} bytes`;
      throw new EngineError('queue_full', `${waiting} wait for ${this.name} already`);
    }
    this.#appendsWaiting += 1;
    this.#bytesWaiting += bytes;
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
      this.#bytesWaiting -= bytes;
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
    this.#checkKnown();
    const { startOffset } = this.#log;
    if (!Number.isSafeInteger(offset) || offset < startOffset || offset > this.#nextOffset) {
      throw new EngineError(
        'offset_out_of_range',
        `offset ${offset} of ${this.name} is outside ${startOffset} to ${this.#log.nextOffset}`,
      );
    }
  }

  #checkKnown(): void {
    if (this.#gone !== undefined) throw this.#gone;
    if (!this.#isUnreadable || this.#fenced === null) return;
    const { message, damage } = this.#fenced;
    const code = this.#fenced.code === 'log_corrupt' ? 'log_corrupt' : 'read_failed';
    throw new EngineError(code, `${this.name} cannot be read: ${message}`, {
      cause: this.#fenced,
      ...(damage && { damage }),
    });
  }

  async #batchesFrom(offset: number, maxBytes: number): Promise<readonly Buffer[]> {
    this.#tail.want();
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
    // A refusal while this write was under way counted it as not written.
    this.#nextOffset = Math.max(this.#nextOffset, this.#log.nextOffset);
    let written = 0;
    for (const { bytes, isOurs } of batches) {
      this.#tail.add(bytes, isOurs === true);
      written += bytes.length;
    }
    this.#publishers.written(written);
    if (this.#waiters.size === 0) return;
    for (const waiter of this.#waiters) if (this.#log.nextOffset > waiter.offset) waiter.wake(true);
  }

  #refused(): void {
    this.#nextOffset = this.#log.nextOffset;
    this.#publishers.rollback(this.#nextOffset);
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

function checkIds(ids: readonly (string | null)[], count: number): void {
  if (ids.length !== count) throw new EngineError('invalid_option', `${ids.length} ids for ${count} records`);
  const { messageIdCharactersMax } = limits;
  const wrong = ids.findIndex(
    (id) => id !== null && (typeof id !== 'string' || id === '' || id.length > messageIdCharactersMax),
  );
  if (wrong !== -1)
    throw new EngineError('invalid_option', `ids[${wrong}] is not a text of 1 to ${messageIdCharactersMax} characters`);
}

/** About, without a look at the characters of texts. */
function bytesOfRecords(records: readonly RecordInput[]): number {
  let bytes = 0;
  for (const { key, value, headers = [] } of records) {
    bytes += (key?.length ?? 0) + (value?.length ?? 0);
    for (const header of headers) bytes += header.name.length + (header.value?.length ?? 0);
  }
  return bytes;
}

function withId(record: RecordInput, id: string): RecordInput {
  return { ...record, headers: [...(record.headers ?? []), { name: ID_HEADER, value: id }] };
}
