/**
 * Group commit of one partition: appends that arrive together share a write, and those that want it a sync. Answers in
 * order: `memory` when accepted, `os` after the write, `fsync` after a sync that began after the write.
 *
 *   queue --write--> log (page cache) --sync--> disk
 *
 * A failed write is undone, and everything queued is refused with it: their offsets were counted on from it. A failed
 * sync ends the partition: the kernel may have dropped the pages, and the next sync would not tell.
 */

import { EngineError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Clock, Timer } from '../platform/clock.ts';
import type { LogPersistence } from '../types.ts';
import { shouldSync, shouldWrite } from './flush-policy.ts';
import { type Log, TruncateFailed } from './log.ts';

export interface QueuedBatch {
  readonly bytes: Buffer;
  readonly durability: LogPersistence;
  readonly stored: () => void;
  readonly failed: (reason: EngineError) => void;
}

export interface CommitListener {
  /** The batches are in the log: readers may see them. */
  written(batches: readonly QueuedBatch[]): void;
  /** Queued batches were refused; the next offset is the log's again. */
  refused(): void;
  /** No more appends, for this reason. */
  fenced(reason: EngineError): void;
}

const NOTHING = Buffer.alloc(0);

export class GroupCommit {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #listener: CommitListener;
  #queue: QueuedBatch[] = [];
  /** Of the queue and of the write under way. */
  #queuedBytes = 0;
  /** Of the queue. */
  #waitingBytes = 0;
  #eagerAppends = 0;
  #unsynced: QueuedBatch[] = [];
  #unsyncedBytes = 0;
  /** How often what was queued was refused: offsets given out before that may be given out again. */
  #refusals = 0;
  #isScheduled = false;
  #isWriting = false;
  #isSyncing = false;
  #failure: EngineError | undefined;
  #syncFailure: EngineError | undefined;
  #markTimer: Timer | undefined;
  #markWrite: Promise<void> | undefined;
  #idleWaiters: (() => void)[] = [];
  #roomWaiters: (() => void)[] = [];

  constructor(log: Log, clock: Clock, listener: CommitListener) {
    this.#log = log;
    this.#clock = clock;
    this.#listener = listener;
  }

  get hasRoom(): boolean {
    return this.#queuedBytes < limits.queuedBytesMax;
  }

  /** Resolves when there may be room, or nothing will be written any more. */
  room(): Promise<void> {
    return new Promise((resolve) => this.#roomWaiters.push(resolve));
  }

  submit(batch: QueuedBatch): void {
    if (this.#failure !== undefined) {
      batch.failed(this.#failure);
      return;
    }
    this.#queue.push(batch);
    this.#queuedBytes += batch.bytes.length;
    this.#waitingBytes += batch.bytes.length;
    if (batch.durability !== 'fsync') this.#eagerAppends += 1;
    if (batch.durability === 'memory') batch.stored();
    this.#schedule();
  }

  /** Resolves when what was accepted up to `offset` has this durability: for who did not append it and must know.
   *  Rejects as the append itself would have. */
  async reached(offset: number, durability: LogPersistence): Promise<void> {
    if (durability === 'memory') return;
    const refusals = this.#refusals;
    while (this.#log.nextOffset <= offset) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#refusals !== refusals)
        throw new EngineError('write_failed', `the write of offset ${offset} failed; nothing of it was kept`);
      await this.#settled();
    }
    if (durability === 'fsync') await this.#nextSync();
  }

  /** A sync that begins now or later, with a place in the group but no bytes. */
  #nextSync(): Promise<void> {
    return new Promise((stored, failed) => {
      if (this.#syncFailure !== undefined) {
        failed(this.#syncFailure);
        return;
      }
      this.#unsynced.push({ bytes: NOTHING, durability: 'fsync', stored, failed });
      this.#unsyncedBytes += 1; // so that there is something to do
      this.#changed();
    });
  }

  /** Runs `work` while no write is under way and none begins. */
  async betweenWrites(work: () => Promise<void>): Promise<void> {
    while (this.#isWriting) await this.#settled();
    this.#isWriting = true;
    try {
      await work();
    } finally {
      this.#isWriting = false;
      this.#changed();
    }
  }

  /** Resolves when the queue is empty, everything is answered and nothing is under way. */
  async drained(): Promise<void> {
    while (this.#queue.length > 0 || this.#unsynced.length > 0 || this.#isWriting || this.#isSyncing)
      await this.#settled();
    this.#markTimer?.cancel();
    this.#markTimer = undefined;
    await this.#markWrite;
  }

  /** Refuses everything queued, and everything to come. */
  stop(reason: EngineError): void {
    this.#failure ??= reason;
    this.#refuseQueue(reason);
    this.#changed();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#clock.soon(() => {
      this.#isScheduled = false;
      this.#changed();
    });
  }

  /** Something began or ended: does what is due now. */
  #changed(): void {
    const isSyncDue = shouldSync({
      unsyncedBytes: this.#unsyncedBytes,
      waitingBytes: this.#waitingBytes,
      isSyncing: this.#isSyncing,
    });
    if (isSyncDue) void this.#sync();
    const isWriteDue = shouldWrite({
      queuedBytes: this.#queuedBytes,
      eagerAppends: this.#eagerAppends,
      isWriting: this.#isWriting,
      isSyncing: this.#isSyncing,
    });
    if (isWriteDue) void this.#write();
    for (const wake of this.#idleWaiters.splice(0)) wake();
  }

  #settled(): Promise<void> {
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    const group = this.#takeGroup();
    try {
      const count = await this.#log.append(group.map(({ bytes }) => bytes));
      this.#written(count === group.length ? group : group.slice(0, count));
      if (count < group.length) this.#putBack(group.slice(count));
      if (this.#failure !== undefined) this.#refuseQueue(this.#failure);
    } catch (reason) {
      this.#putBack(group);
      this.#writeFailed(reason);
    }
    this.#isWriting = false;
    this.#changed();
  }

  #written(batches: readonly QueuedBatch[]): void {
    this.#count(batches);
    this.#listener.written(batches);
    for (const batch of batches) {
      if (batch.durability === 'os') batch.stored();
      else if (batch.durability === 'fsync' && this.#syncFailure !== undefined) batch.failed(this.#syncFailure);
      else if (batch.durability === 'fsync') {
        this.#unsynced.push(batch);
        this.#unsyncedBytes += batch.bytes.length;
      }
    }
  }

  async #sync(): Promise<void> {
    this.#isSyncing = true;
    const waiting = this.#unsynced;
    this.#unsynced = [];
    this.#unsyncedBytes = 0;
    try {
      await this.#log.sync();
    } catch (cause) {
      this.#isSyncing = false;
      this.#syncFailed(waiting, cause);
      return;
    }
    this.#isSyncing = false;
    // What was held back goes first: those who are answered now build their next batches while it is written.
    this.#changed();
    for (const batch of waiting) batch.stored();
    this.#saveMarkLater();
  }

  #syncFailed(waiting: readonly QueuedBatch[], cause: unknown): void {
    const text = `sync of ${this.#log.path} failed: ${String(cause)}`;
    const reason = new EngineError('sync_failed', `${text}; the records may be on the disk or not`, { cause });
    this.#syncFailure = reason;
    this.#fence(
      new EngineError('fenced', `${text}; the partition takes no more appends until it is opened again`, { cause }),
    );
    const unsynced = this.#unsynced;
    this.#unsynced = [];
    this.#unsyncedBytes = 0;
    for (const batch of [...waiting, ...unsynced]) batch.failed(reason);
    this.#changed();
  }

  /** The first batches of the queue, which they leave; they count as queued until they are written. */
  #takeGroup(): QueuedBatch[] {
    let bytes = 0;
    let count = 0;
    while (count < this.#queue.length && (count === 0 || bytes < limits.groupBytesMax)) {
      bytes += (this.#queue[count] as QueuedBatch).bytes.length;
      count += 1;
    }
    const group = count === this.#queue.length ? this.#queue : this.#queue.slice(0, count);
    this.#queue = count === this.#queue.length ? [] : this.#queue.slice(count);
    this.#waitingBytes -= bytes;
    return group;
  }

  #putBack(group: readonly QueuedBatch[]): void {
    this.#queue = [...group, ...this.#queue];
    this.#waitingBytes += group.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  /** These are queued no more. */
  #count(batches: readonly QueuedBatch[]): void {
    for (const { bytes, durability } of batches) {
      this.#queuedBytes -= bytes.length;
      if (durability !== 'fsync') this.#eagerAppends -= 1;
    }
    if (this.hasRoom) for (const wake of this.#roomWaiters.splice(0)) wake();
  }

  #writeFailed(reason: unknown): void {
    if (reason instanceof EngineError) {
      this.#refuseQueue(reason);
      return;
    }
    const what =
      reason instanceof TruncateFailed ? reason.message : `writing ${this.#log.path} failed: ${String(reason)}`;
    this.#fence(
      new EngineError('fenced', `${what}; the partition takes no more appends until it is opened again`, {
        cause: reason,
      }),
    );
  }

  #fence(reason: EngineError): void {
    this.#failure ??= reason;
    this.#refuseQueue(reason);
    this.#listener.fenced(reason);
  }

  #refuseQueue(reason: EngineError): void {
    this.#refusals += 1;
    const refused = this.#queue;
    this.#queue = [];
    this.#waitingBytes = 0;
    this.#count(refused);
    this.#listener.refused();
    for (const batch of refused) if (batch.durability !== 'memory') batch.failed(reason);
  }

  #saveMarkLater(): void {
    if (this.#markTimer !== undefined || !this.#log.isMarkBehind) return;
    this.#markTimer = this.#clock.after(limits.markDelayMs, () => {
      this.#markTimer = undefined;
      // An older mark on the disk is allowed: recovery then looks at more. The next sync tries again.
      this.#markWrite = this.#log.saveMark().catch(() => undefined);
    });
  }
}
