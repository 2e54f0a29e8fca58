/**
 * How long the oldest message of a queue has waited, as far as that can be known without taking it: nobody but a consumer can look at the head of
 * a queue over AMQP, and what was taken and given back is told apart for ever (`redelivered`, the broker's count of deliveries).
 *
 *   this process holds deliveries        the oldest of them: a queue hands out its head first, so what is still in it came later
 *   nobody consumes, messages wait       at least since they were first seen to wait, or since the oldest of those that were given back here
 *   others consume                       nothing: only they know
 */

import { bounds } from './bounds.ts';

/** A passive declare, and what is here. */
export interface QueueLook {
  readonly ready: number;
  readonly consumers: number;
  /** Timestamp of the oldest delivery that this process holds. */
  readonly heldSinceMs: number | undefined;
}

interface Waiting {
  readonly sinceMs: number;
  readonly ready: number;
  /** Until then the broker may not have it back yet, or still count our consumer. */
  readonly settlesAtMs: number;
}

export class QueueAges {
  /** By queue: those which were seen to hold messages that nobody takes. */
  readonly #waiting = new Map<string, Waiting>();

  /** Of the oldest message, in milliseconds; undefined when none waits, and when only others know. */
  ageMs(queue: string, { ready, consumers, heldSinceMs }: QueueLook, nowMs: number): number | undefined {
    const before = this.#waiting.get(queue);
    if (heldSinceMs !== undefined || consumers > 0 || ready === 0) {
      if (nowMs >= (before?.settlesAtMs ?? 0)) this.#waiting.delete(queue);
      return heldSinceMs === undefined ? undefined : ageOf(heldSinceMs, nowMs);
    }
    // Fewer than before: somebody came and went, so what was seen first may be gone.
    const sinceMs = before === undefined || ready < before.ready ? nowMs : before.sinceMs;
    this.#waiting.set(queue, { sinceMs, ready, settlesAtMs: 0 });
    return ageOf(sinceMs, nowMs);
  }

  /** What this process held goes back to the queue: at least that waits, until somebody consumes. */
  gaveBack(queue: string, oldestMs: number, nowMs: number): void {
    this.#waiting.set(queue, { sinceMs: oldestMs, ready: 1, settlesAtMs: nowMs + bounds.requeueSettleMs });
  }

  forget(queue: string): void {
    this.#waiting.delete(queue);
  }
}

/** A publisher may give a timestamp of the future. */
function ageOf(sinceMs: number, nowMs: number): number {
  return Math.max(0, Math.round(nowMs - sinceMs));
}
