/**
 * Deadlines of many calls that all get the same time: who began first is due first, so one timer is enough for all of them. A timer and
 * a race for each publish cost more than handing the message to its driver.
 */

interface Waiting {
  readonly dueMs: number;
  readonly expire: () => void;
}

export class AnswerDeadlines {
  readonly #timeoutMs: number;
  /** In the order they began. */
  readonly #waiting = new Set<Waiting>();
  #timer: NodeJS.Timeout | undefined;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Settles as `work` does, or with what `late` makes when that takes longer than the timeout; what `work` does then is ignored. */
  within<T>(work: Promise<T>, late: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const waiting = { dueMs: performance.now() + this.#timeoutMs, expire: () => resolve(late()) };
      this.#add(waiting);
      work.then(
        (value) => {
          this.#remove(waiting);
          resolve(value);
        },
        (reason: unknown) => {
          this.#remove(waiting);
          reject(reason as Error);
        },
      );
    });
  }

  /** The timer is kept, and keeps the process only while somebody waits. */
  #add(waiting: Waiting): void {
    if (this.#waiting.size === 0) {
      if (this.#timer === undefined) this.#timer = setTimeout(() => this.#look(), this.#timeoutMs);
      else this.#timer.ref();
    }
    this.#waiting.add(waiting);
  }

  #remove(waiting: Waiting): void {
    this.#waiting.delete(waiting);
    if (this.#waiting.size === 0) this.#timer?.unref();
  }

  #look(): void {
    this.#timer = undefined;
    const nowMs = performance.now();
    for (const waiting of this.#waiting) {
      if (waiting.dueMs > nowMs) {
        // A timer may come up to a millisecond early.
        this.#timer = setTimeout(() => this.#look(), waiting.dueMs - nowMs + 1);
        return;
      }
      this.#waiting.delete(waiting);
      waiting.expire();
    }
  }
}
