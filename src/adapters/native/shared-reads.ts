/**
 * Reads for all subscriptions of this process. Those of one topic that keep up read the same places one after the other: what one of them
 * read is checked and made into messages once, and kept for the others for as long as `READS_KEPT` newer reads.
 *
 * The log never changes what lies under an offset, so a read that was kept may at most be short of what was appended since.
 */

import { type Engine, EngineError } from '../../core-log/index.ts';
import { fromRecord } from '../log-codec.ts';
import type { ReadResult } from '../port.ts';

/** Enough to keep consumers busy, little enough to be fair between partitions. */
const READ = { maxRecords: 2_000, maxBytes: 128 * 1024 };
/** Of all topics together: at most 8 MiB of the log, or as many batches if they are larger. */
const READS_KEPT = 64;

interface Kept {
  readonly topic: string;
  readonly result: Promise<ReadResult>;
}

export class SharedReads {
  readonly #engine: Engine;
  readonly #kept = new Map<string, Kept>();
  readonly #readers = new Map<string, number>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  join(topic: string): void {
    this.#readers.set(topic, (this.#readers.get(topic) ?? 0) + 1);
  }

  leave(topic: string): void {
    const left = (this.#readers.get(topic) ?? 0) - 1;
    if (left > 0) this.#readers.set(topic, left);
    else this.#readers.delete(topic);
    if (left < 2) this.forget(topic);
  }

  /** The topic is deleted: another one of its name has other messages. */
  forget(topic: string): void {
    for (const [place, kept] of this.#kept) if (kept.topic === topic) this.#kept.delete(place);
  }

  /** The messages from `offset` on, up to the bounds above; none at the end. @throws EngineError as `Engine.fetch`. */
  async read(topic: string, partition: number, offset: number): Promise<ReadResult> {
    if ((this.#readers.get(topic) ?? 0) < 2) return await this.#fetch(topic, partition, offset);
    const place = `${partition}:${offset}:${topic}`;
    const known = this.#kept.get(place);
    if (known !== undefined) return await known.result;
    const kept = { topic, result: this.#fetch(topic, partition, offset) };
    this.#kept.set(place, kept);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > READS_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    const isWorthKeeping = await kept.result.then(
      ({ messages }) => messages.length > 0,
      () => false,
    );
    // At the end there is nothing to keep, and soon something to read.
    if (!isWorthKeeping && this.#kept.get(place) === kept) this.#kept.delete(place);
    return await kept.result;
  }

  /** Retention may have passed the reader, who then goes on with the oldest that is left. */
  async #fetch(topic: string, partition: number, offset: number): Promise<ReadResult> {
    let fetched: Awaited<ReturnType<Engine['fetch']>>;
    try {
      fetched = await this.#engine.fetch(topic, partition, offset, READ);
    } catch (reason) {
      if (!(reason instanceof EngineError) || reason.code !== 'offset_out_of_range') throw reason;
      const { earliest, next } = this.#engine.status(topic, partition);
      fetched = await this.#engine.fetch(topic, partition, offset > next ? next : earliest, READ);
    }
    const messages = fetched.records.map((record) => fromRecord(topic, partition, record));
    return { messages, next: fetched.next };
  }
}
