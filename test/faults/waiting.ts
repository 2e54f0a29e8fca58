/** Waiting for what several sides may tell, and names that nobody else has. */

import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

const LOOK_AGAIN_MS = 10;

/** Resolves when it holds; fails with `what` after the deadline. */
export async function until(
  what: string | (() => string),
  holds: () => boolean | Promise<boolean>,
  withinMs = 20_000,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > deadline)
      throw new Error(`not within ${withinMs} ms: ${typeof what === 'string' ? what : what()}`);
    await delay(LOOK_AGAIN_MS);
  }
}

export function uniqueName(prefix: string): string {
  return `${prefix}-${randomBytes(4).toString('hex')}`;
}

/** Few in a normal run, many with SLUICE_LONG=1. */
export function rounds(normal: number, long: number): number {
  return process.env['SLUICE_LONG'] === '1' ? long : normal;
}
