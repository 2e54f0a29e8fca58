/** Waits for what was written to leave the process. Whoever waits goes on when the other side is gone, too: libraries forget callbacks then. */

export class Flushes {
  readonly #waiting = new Set<() => void>();
  #isOver = false;

  get isOver(): boolean {
    return this.#isOver;
  }

  /** @param write writes, and calls `flushed` when that has left the process. Not called when the other side is gone. */
  async of(write: (flushed: () => void) => void): Promise<void> {
    if (this.#isOver) return;
    await new Promise<void>((resolve) => {
      this.#waiting.add(resolve);
      write(() => {
        this.#waiting.delete(resolve);
        resolve();
      });
    });
  }

  /** The other side is gone. */
  end(): void {
    this.#isOver = true;
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}
