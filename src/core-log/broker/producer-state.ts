/**
 * What a partition knows of idempotent producers: of each the batches it sent last, so that one that is sent again is
 * answered instead of stored, and one that is missing is noticed. Built from batch headers alone.
 *
 *   sent before, among the last five   ->  duplicate: the answer is the first one's place
 *   the sequence goes on               ->  new
 *   the sequence jumps or goes back    ->  out_of_order_sequence
 *   an older epoch than the last one   ->  producer_fenced
 *   a newer epoch                      ->  new, when it begins at sequence 0
 *   a producer that is not known       ->  new, at any sequence: what was known of it may have expired
 *
 * Batches count from when they are accepted: those that follow are on their way already. When a write fails, all that was
 * accepted after it is forgotten again.
 */

import { EngineError } from '../errors.ts';
import { limits } from '../limits.ts';
import {
  baseOffsetOf,
  baseSequenceOf,
  lastOffsetOf,
  lastSequenceOf,
  producerEpochOf,
  producerIdOf,
  sequenceAfter,
} from '../record/batch-view.ts';

export interface SentBatch {
  readonly epoch: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  /** Its write failed after all: whoever was told of it must be told that, too. */
  isRefused: boolean;
}

export interface ProducerEntry {
  readonly id: number;
  /** Oldest first: the last five that are written, and those on their way. */
  readonly batches: SentBatch[];
  lastUsedMs: number;
  /** Where it must go on, while no batch says so: its first one was refused, and a later one must not take its place. */
  expected: { readonly epoch: number; readonly sequence: number } | undefined;
}

export class ProducerState {
  /** The one used longest ago first. */
  readonly #producers = new Map<number, ProducerEntry>();

  get size(): number {
    return this.#producers.size;
  }

  /** The batch that this one repeats, or null when it is new. Throws `out_of_order_sequence` or `producer_fenced`. */
  check(batch: Buffer, partition: string): SentBatch | null {
    const id = producerIdOf(batch);
    const producer = this.#producers.get(id);
    if (producer === undefined) return null;
    const epoch = producerEpochOf(batch);
    const first = baseSequenceOf(batch);
    const last = lastSequenceOf(batch);
    const repeated = producer.batches.findLast(
      (sent) => sent.epoch === epoch && sent.firstSequence === first && sent.lastSequence === last,
    );
    if (repeated !== undefined) return repeated;
    const expected = expectedOf(producer);
    if (epoch < expected.epoch)
      throw new EngineError(
        'producer_fenced',
        `producer ${id} has epoch ${expected.epoch} on ${partition}; ${epoch} is over`,
      );
    const sequence = epoch > expected.epoch ? 0 : expected.sequence;
    if (first !== sequence)
      throw new EngineError(
        'out_of_order_sequence',
        `producer ${id}, epoch ${epoch}, sent sequence ${first} to ${partition} where ${sequence} follows`,
      );
    return null;
  }

  /** A placed batch was accepted, or found in the log. `writtenOffset`: what is before it cannot be refused any more. */
  note(batch: Buffer, nowMs: number, writtenOffset: number): void {
    const id = producerIdOf(batch);
    const producer = this.#producers.get(id) ?? { id, batches: [], lastUsedMs: nowMs, expected: undefined };
    this.#producers.delete(id);
    this.#producers.set(id, producer);
    producer.lastUsedMs = nowMs;
    const { batches } = producer;
    batches.push({
      epoch: producerEpochOf(batch),
      firstSequence: baseSequenceOf(batch),
      lastSequence: lastSequenceOf(batch),
      baseOffset: baseOffsetOf(batch),
      lastOffset: lastOffsetOf(batch),
      isRefused: false,
    });
    // What may still be refused does not push out what is sure.
    while ((batches[limits.producerBatchesKept]?.lastOffset ?? Infinity) < writtenOffset) batches.shift();
    this.#expire(nowMs);
  }

  /** Offsets from here on were not written and will be given out again. */
  rollback(nextOffset: number): void {
    for (const producer of this.#producers.values()) {
      let refused: SentBatch | undefined;
      while ((producer.batches.at(-1)?.lastOffset ?? -1) >= nextOffset) {
        refused = producer.batches.pop() as SentBatch;
        refused.isRefused = true;
      }
      if (refused !== undefined && producer.batches.length === 0)
        producer.expected ??= { epoch: refused.epoch, sequence: refused.firstSequence };
    }
  }

  /** What is known of batches before `offset`: the one used longest ago first. */
  before(offset: number): ProducerEntry[] {
    return [...this.#producers.values()].flatMap((producer) => {
      const batches = producer.batches
        .filter(({ lastOffset }) => lastOffset < offset)
        .slice(-limits.producerBatchesKept);
      return batches.length === 0 ? [] : [{ ...producer, batches }];
    });
  }

  restore(entries: readonly ProducerEntry[]): void {
    for (const entry of entries) this.#producers.set(entry.id, entry);
  }

  /** The last batch of every producer: compaction leaves it, if need be without its records. */
  lastOffsets(): ReadonlySet<number> {
    return new Set([...this.#producers.values()].flatMap(({ batches }) => batches.at(-1)?.lastOffset ?? []));
  }

  #expire(nowMs: number): void {
    for (const [id, { lastUsedMs }] of this.#producers) {
      const isKept = nowMs - lastUsedMs < limits.producerExpiryMs && this.#producers.size <= limits.producersMax;
      if (isKept) return;
      this.#producers.delete(id);
    }
  }
}

function expectedOf({ batches, expected }: ProducerEntry): { readonly epoch: number; readonly sequence: number } {
  const last = batches.at(-1);
  if (last !== undefined) return { epoch: last.epoch, sequence: sequenceAfter(last.lastSequence, 1) };
  return expected ?? { epoch: -1, sequence: 0 };
}
