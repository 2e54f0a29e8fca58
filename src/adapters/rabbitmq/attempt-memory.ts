/** How often messages on classic queues were tried, by message id: the queue itself only knows "delivered before". */

import { bounds } from './bounds.ts';

export class AttemptMemory {
  readonly #failed = new Map<string, number>();

  /** The number of this delivery, from 1. Unknown and delivered before: at least once failed, as far as anyone can tell. */
  attemptOf(id: string | null, isRedelivered: boolean): number {
    const failed = id === null ? undefined : this.#failed.get(id);
    return (failed ?? (isRedelivered ? 1 : 0)) + 1;
  }

  /** Delivered `failed` times without success. The oldest are forgotten beyond the bound. */
  set(id: string | null, failed: number): void {
    if (id === null) return;
    this.#failed.delete(id);
    this.#failed.set(id, failed);
    if (this.#failed.size <= bounds.attemptsRemembered) return;
    for (const oldest of this.#failed.keys()) {
      this.#failed.delete(oldest);
      return;
    }
  }

  forget(id: string | null): void {
    if (id !== null) this.#failed.delete(id);
  }
}
