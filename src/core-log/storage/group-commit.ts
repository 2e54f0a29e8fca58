/**
 * Group commit of one partition: appends that arrive together share a write, and those that want it a sync. Answers in
 * order: `memory` when accepted, `os` after the write, `fsync` after a sync that began after the write.
 *
 *   queue --write--> log (page cache) --sync--> disk
 *
 * A failed write is undone, and everything queued is refused with it: their offsets were counted on from it. Nobody is
 * refused before that is on the disk, else a power cut could bring back what was called not stored. A failed
 * sync ends the partition: the kernel may have dropped the pages, and the next sync would not tell. So does a write that
 * cannot be undone.
 */

import { EngineError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Clock, Timer } from '../platform/clock.ts';
import type { LogPersistence } from '../types.ts';
import { shouldSync, shouldWrite } from './flush-policy.ts';
import { type Log, TruncateFailed } from './log.ts';

export interface QueuedBatch {
  readonly bytes: Buffer;
  /** Built here: nobody else holds the bytes, and once written they may be written over. */
  readonly isOurs?: boolean;
  readonly durability: LogPersistence;
  readonly stored: () => void;
  readonly failed: (reason: EngineError) => void;
}

export interface CommitListener {
  /** The batches are in the log: readers may see them. Their bytes are not looked at again by group commit. */
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
  #eagerAppends = 0;
  /** Held in memory: not yet written, or for fsync not yet answered. */
  #pendingBytes = 0;
  #pendingAppends = 0;
  /** All bytes ever submitted, and how many of them there were after the last fsync append. */
  #submittedBytes = 0;
  #lastFsyncEnd = 0;
  #unsynced: QueuedBatch[] = [];
  #unsyncedBytes = 0;
  /** How often what was queued was refused: offsets given out before that may be given out again. */
  #refusals = 0;
  /** Up to here, counted in submitted bytes, what is written before the next sync; what comes later waits for its own. */
  #groupEnd = 0;
  #isScheduled = false;
  #isWriting = false;
  #pausesWanted = 0;
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
    return this.#pendingBytes < limits.queuedBytesMax && this.#pendingAppends < limits.queuedAppendsMax;
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
    this.#pendingBytes += batch.bytes.length;
    this.#pendingAppends += 1;
    this.#submittedBytes += batch.bytes.length;
    if (batch.durability === 'fsync') this.#lastFsyncEnd = this.#submittedBytes;
    else this.#eagerAppends += 1;
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
      this.#pendingAppends += 1;
      this.#changed();
    });
  }

  /** Runs `work` while no write is under way and none begins. Comes to its turn also when the queue is never empty. */
  async betweenWrites(work: () => Promise<void>): Promise<void> {
    this.#pausesWanted += 1;
    while (this.#isWriting) await this.#settled();
    this.#pausesWanted -= 1;
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
      groupBytesLeft: Math.max(0, this.#groupEnd - (this.#submittedBytes - this.#queuedBytes)),
      isSyncing: this.#isSyncing,
    });
    if (isSyncDue) void this.#sync();
    const isWriteDue = shouldWrite({
      queuedBytes: this.#queuedBytes,
      eagerAppends: this.#eagerAppends,
      isWriting: this.#isWriting || this.#pausesWanted > 0,
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
    let count = 0;
    let failure: { readonly reason: unknown } | undefined;
    try {
      count = await this.#log.append(group.map(({ bytes }) => bytes));
    } catch (reason) {
      failure = reason instanceof EngineError ? await this.#undone(reason) : { reason };
    }
    if (count > 0) this.#written(count === group.length ? group : group.slice(0, count));
    if (count < group.length) this.#queue = [...group.slice(count), ...this.#queue];
    if (failure !== undefined) this.#writeFailed(group, failure.reason);
    else if (this.#failure !== undefined) this.#refuseQueue(this.#failure);
    this.#isWriting = false;
    this.#changed();
  }

  /** A failed write was cut off: makes that last. Two syncs of a file at once would share one error between them. */
  async #undone(reason: EngineError): Promise<{ readonly reason: unknown }> {
    while (this.#isSyncing) await this.#settled();
    if (this.#syncFailure !== undefined) return { reason: this.#syncFailure };
    this.#isSyncing = true;
    try {
      await this.#log.sync();
      this.#isSyncing = false;
      return { reason };
    } catch (cause) {
      this.#isSyncing = false;
      return { reason: this.#syncFailed([], cause) };
    }
  }

  #written(batches: readonly QueuedBatch[]): void {
    this.#leaveQueue(batches);
    this.#listener.written(batches);
    const isFirst = this.#unsynced.length === 0;
    for (const batch of batches) {
      if (batch.durability !== 'fsync') {
        if (batch.durability === 'os') batch.stored();
        this.#forget(batch);
      } else if (this.#syncFailure !== undefined) {
        batch.failed(this.#syncFailure);
        this.#forget(batch);
      } else {
        this.#unsynced.push(batch);
        this.#unsyncedBytes += batch.bytes.length;
      }
    }
    if (isFirst) this.#groupEnd = this.#lastFsyncEnd;
    this.#wakeForRoom();
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
    for (const batch of waiting) {
      batch.stored();
      this.#forget(batch);
    }
    this.#wakeForRoom();
    this.#saveMarkLater();
  }

  /** Everybody who waits for a sync is told: there is none any more. */
  #syncFailed(waiting: readonly QueuedBatch[], cause: unknown): EngineError {
    const text = `sync of ${this.#log.path} failed: ${String(cause)}`;
    const reason = new EngineError('sync_failed', `${text}; the records may be on the disk or not`, { cause });
    this.#syncFailure = reason;
    this.#fence(
      new EngineError('fenced', `${text}; the partition takes no more appends until it is opened again`, { cause }),
    );
    const unsynced = this.#unsynced;
    this.#unsynced = [];
    this.#unsyncedBytes = 0;
    for (const batch of [...waiting, ...unsynced]) {
      batch.failed(reason);
      this.#forget(batch);
    }
    this.#wakeForRoom();
    this.#changed();
    return reason;
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
    return group;
  }

  #leaveQueue(batches: readonly QueuedBatch[]): void {
    for (const { bytes, durability } of batches) {
      this.#queuedBytes -= bytes.length;
      if (durability !== 'fsync') this.#eagerAppends -= 1;
    }
  }

  /** The batch is answered, and let go. */
  #forget({ bytes }: QueuedBatch): void {
    this.#pendingBytes -= bytes.length;
    this.#pendingAppends -= 1;
  }

  #wakeForRoom(): void {
    if (this.hasRoom) for (const wake of this.#roomWaiters.splice(0)) wake();
  }

  /** `group` is at the front of the queue again. */
  #writeFailed(group: readonly QueuedBatch[], reason: unknown): void {
    if (reason instanceof EngineError && reason !== this.#syncFailure) {
      this.#refuseQueue(reason);
      return;
    }
    const isTold = reason instanceof TruncateFailed || reason instanceof EngineError;
    const what = isTold ? reason.message : `writing ${this.#log.path} failed: ${String(reason)}`;
    // The next open may find these whole in the file: to call them refused would be a lie.
    const unknown = new EngineError('sync_failed', `${what}; the records may be in the log or not`, { cause: reason });
    this.#queue = this.#queue.slice(group.length);
    this.#refuse(group, unknown);
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
    this.#listener.refused();
    this.#refuse(refused, reason);
  }

  #refuse(batches: readonly QueuedBatch[], reason: EngineError): void {
    this.#leaveQueue(batches);
    for (const batch of batches) {
      if (batch.durability !== 'memory') batch.failed(reason);
      this.#forget(batch);
    }
    this.#wakeForRoom();
  }

  #saveMarkLater(): void {
    if (this.#markTimer !== undefined || !this.#log.isMarkBehind) return;
    this.#markTimer = this.#clock.after(limits.markDelayMs, () => {
      this.#markTimer = undefined;
      // An older mark on the disk is allowed: recovery then looks at more. The next sync tries again.
      // One at a time: a slow one must not be overtaken.
      const before = this.#markWrite ?? Promise.resolve();
      this.#markWrite = before.then(() => this.#log.saveMark()).catch(() => undefined);
    });
  }
}
