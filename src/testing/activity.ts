/** Waiting for something to happen in the broker: whoever waits looks again after each publish and each settlement. */

import { PortError } from '../adapters/errors.ts';
import { testingLimits } from './limits.ts';

export class Activity {
  #waiters: (() => void)[] = [];

  happened(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }

  /**
   * Resolves with what `look` finds, as soon as it finds something.
   * @throws PortError `deadline_exceeded` after `timeoutMs` of real time, with what `describe` says.
   */
  async until<T>(
    look: () => Promise<T | undefined>,
    timeoutMs: number | undefined,
    describe: () => string,
  ): Promise<T> {
    const waitMs = timeoutMs ?? testingLimits.waitMsDefault;
    if (!(waitMs >= 0 && waitMs <= testingLimits.waitMsMax))
      throw new PortError('invalid_argument', `timeoutMs ${waitMs} must be from 0 to ${testingLimits.waitMsMax}`);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, waitMs, 'late');
    });
    try {
      for (;;) {
        // Before the look: what happens during it must not be missed.
        const next = new Promise<void>((resolve) => this.#waiters.push(resolve));
        const found = await look();
        if (found !== undefined) return found;
        if ((await Promise.race([next, late])) === 'late')
          throw new PortError('deadline_exceeded', `after ${waitMs} ms: ${describe()}`);
      }
    } finally {
      clearTimeout(timer);
    }
  }
}
