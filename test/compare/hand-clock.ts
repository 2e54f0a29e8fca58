/** A clock of a run that is moved by hand. */

import type { RunClock } from '../../src/compare/load/load-run.ts';

/** Time passes only while the sender waits: however busy the machine is, no message is late unless the wire makes it so. */
export class HandClock implements RunClock {
  #nowMs = 0;
  readonly #waiting: { readonly atMs: number; readonly due: () => void }[] = [];

  now(): number {
    return this.#nowMs;
  }

  async sleep(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed++) {
      // Whatever the wire does in this turn, it does before time goes on.
      await new Promise<void>((resolve) => setImmediate(resolve));
      this.#nowMs++;
      const due = this.#waiting.filter(({ atMs }) => atMs <= this.#nowMs);
      for (const one of due) {
        this.#waiting.splice(this.#waiting.indexOf(one), 1);
        one.due();
      }
    }
  }

  at(atMs: number, due: () => void): void {
    this.#waiting.push({ atMs, due });
  }
}
