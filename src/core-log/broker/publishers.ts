/**
 * Who published to a partition and what, as far as it must be known to tell a repetition: idempotent producers and message
 * ids. Kept in memory, written down now and then, and read from the log behind that after a crash: a batch and the knowledge
 * of it cannot be on the disk one without the other.
 */

import { limits } from '../limits.ts';
import type { Clock } from '../platform/clock.ts';
import type { FileSystem } from '../platform/file-system.ts';
import { compressionOf, lastOffsetOf, producerIdOf } from '../record/batch-view.ts';
import { readRecords } from '../record/record-reader.ts';
import type { Log } from '../storage/log.ts';
import { readPublishers, writePublishers } from '../storage/publishers-file.ts';
import type { LogRecord } from '../types.ts';
import { type MessageIdBudget, MessageIds } from './message-ids.ts';
import { ProducerState } from './producer-state.ts';

/** The record header that carries a message's id, in bytes and as text. */
export const ID_HEADER = 'sluice-id';
const ID_HEADER_BYTES = Buffer.from(ID_HEADER);

interface PublishersPlace {
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly directory: string;
}

export class Publishers {
  readonly producers = new ProducerState();
  readonly ids: MessageIds;
  readonly #place: PublishersPlace;
  readonly #log: Log;
  #bytesSinceSnapshot = 0;
  #snapshotOffset = 0;
  #writing: Promise<void> = Promise.resolve();
  #isWriting = false;
  #isClosed = false;

  constructor(place: PublishersPlace, log: Log, budget: MessageIdBudget) {
    this.#place = place;
    this.#log = log;
    this.ids = new MessageIds(budget);
  }

  /** Reads what was written down and the log behind it. Rejects as reading the log does. */
  async restore(): Promise<void> {
    const { files, directory, clock } = this.#place;
    const snapshot = await readPublishers(files, directory, this.#log.nextOffset);
    if (snapshot !== null) {
      this.#snapshotOffset = snapshot.offset;
      const producers = snapshot.producers.map(({ batches, ...producer }) => ({
        ...producer,
        batches: batches.map((batch) => ({ ...batch, isRefused: false })),
        expected: undefined,
      }));
      this.producers.restore(producers);
      for (const { id, offset, acceptedMs } of snapshot.ids) this.ids.note(id, offset, acceptedMs);
    }
    const nowMs = clock.nowMs();
    const end = this.#log.nextOffset;
    for (let offset = Math.max(this.#snapshotOffset, this.#log.oldestOffset); offset < end; ) {
      const batches = await this.#log.read(offset, limits.scanChunkBytes);
      if (batches.length === 0) return;
      for (const batch of batches) this.#found(batch, nowMs, end);
      offset = lastOffsetOf(batches.at(-1) as Buffer) + 1;
    }
  }

  get isEmpty(): boolean {
    return this.producers.size === 0 && this.ids.size === 0;
  }

  /** So many bytes were written. When they are many, what is known is written down in the background. */
  written(bytes: number): void {
    this.#bytesSinceSnapshot += bytes;
    if (this.#bytesSinceSnapshot < limits.publishersSnapshotBytes || this.#isWriting) return;
    // Without it the next start reads more of the log: no reason to disturb anybody.
    void this.snapshot({ sync: false }).catch(() => undefined);
  }

  rollback(nextOffset: number): void {
    this.producers.rollback(nextOffset);
    this.ids.rollback(nextOffset);
  }

  /** Writes down what is known of everything that is in the log. */
  async snapshot(options: { readonly sync: boolean }): Promise<void> {
    // Closed, the ids are forgotten: what would be written down now would take the place of what is known.
    if (this.#isClosed) return;
    const offset = this.#log.nextOffset;
    if (offset === this.#snapshotOffset && !options.sync) return;
    const { files, directory } = this.#place;
    const snapshot = {
      offset,
      producers: this.producers.before(offset),
      ids: Array.from(this.ids.before(offset), ([id, known]) => ({ id, ...known })),
    };
    this.#bytesSinceSnapshot = 0;
    this.#isWriting = true;
    const written = this.#writing.then(async () => {
      await writePublishers(files, directory, snapshot, options);
      this.#snapshotOffset = offset;
    });
    this.#writing = written
      .catch(() => undefined) // the caller is told
      .finally(() => {
        this.#isWriting = false;
      });
    await written;
  }

  /** Nothing is written any more, and nothing is remembered. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#writing;
    this.ids.close();
  }

  /** When a message came the log does not say: it counts as if it came now, so that no window is cut short by a restart. */
  #found(batch: Buffer, nowMs: number, end: number): void {
    if (producerIdOf(batch) >= 0) this.producers.note(batch, nowMs, end);
    // Ids are given to the record-wise door, and that compresses nothing.
    if (compressionOf(batch) !== 0 || !batch.includes(ID_HEADER_BYTES)) return;
    const records: LogRecord[] = [];
    try {
      readRecords(batch, 0, everything, records);
    } catch {
      return; // built wrong by somebody else: no id of ours is in it
    }
    for (const { headers, offset } of records) {
      const header = headers.find(({ name }) => name === ID_HEADER);
      if (header?.value !== undefined && header.value !== null) this.ids.note(header.value.toString(), offset, nowMs);
    }
  }
}

const everything = { maxRecords: Infinity, maxBytes: Infinity };
