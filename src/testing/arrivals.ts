/** The order in which messages were stored, over all partitions of a topic: a log has one order per partition only. */

import type { PublishOutcome } from '../adapters/port.ts';

export class Arrivals {
  readonly #topics = new Map<string, Map<string, number>>();
  #count = 0;

  note(topic: string, outcomes: readonly PublishOutcome[]): void {
    const arrivals = this.#topics.get(topic) ?? new Map<string, number>();
    this.#topics.set(topic, arrivals);
    for (const outcome of outcomes) {
      if (outcome.kind !== 'stored') continue;
      this.#count += 1;
      arrivals.set(`${outcome.partition}:${outcome.offset}`, this.#count);
    }
  }

  /** undefined: nobody saw it stored, such as after a sync that failed. */
  of(topic: string, partition: number, offset: number): number | undefined {
    return this.#topics.get(topic)?.get(`${partition}:${offset}`);
  }

  /** Another topic of this name begins at offset 0 again. */
  forget(topic: string): void {
    this.#topics.delete(topic);
  }
}
