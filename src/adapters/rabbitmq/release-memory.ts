/**
 * Of an ordered subscription on quorum queues: deliveries that the queue counted though nothing failed. Such a subscription is closed with
 * its channel, because only then everything comes back in order, and the queue counts that for every message on the channel. This process
 * takes it off again; another one cannot know.
 */

import { bounds } from './bounds.ts';

export class ReleaseMemory {
  readonly #counted = new Map<string, number>();

  /** To be taken off the queue's count. */
  countedFor(id: string | null): number {
    return id === null ? 0 : (this.#counted.get(id) ?? 0);
  }

  /** Once more given back untouched, by closing. The oldest are forgotten beyond the bound. */
  note(id: string | null): void {
    if (id === null) return;
    const counted = this.countedFor(id) + 1;
    this.#counted.delete(id);
    this.#counted.set(id, counted);
    const [oldest] = this.#counted.keys();
    if (this.#counted.size > bounds.attemptsRemembered && oldest !== undefined) this.#counted.delete(oldest);
  }

  forget(id: string | null): void {
    if (id !== null) this.#counted.delete(id);
  }
}
