/** Waiting in the examples: for what is expected, never for longer than a minute, and never for ever. */

import { setTimeout as sleep } from 'node:timers/promises';

const deadlineMs = 60_000;
const lookEveryMs = 5;

/** Resolves when it is so; rejects after a minute, saying what did not happen. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  while (!isSo()) {
    if (performance.now() > endMs) throw new Error(`${what}: it did not happen within ${deadlineMs / 1000} s`);
    await sleep(lookEveryMs);
  }
}

/** The value below which this part of them lies; NaN of nothing. */
export function percentile(values: readonly number[], part: number): number {
  const ordered = values.toSorted((a, b) => a - b);
  return ordered[Math.min(ordered.length - 1, Math.floor(ordered.length * part))] ?? Number.NaN;
}
