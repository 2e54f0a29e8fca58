/** Medians of repeats with a bootstrap interval: how sure a figure is, and whether two figures differ. */

import type { Spread } from '../report/model.ts';
import { seededRandom } from '../workloads/random.ts';

const resamples = 1_000;
/** With one repeat nobody knows the spread; on a shared machine a factor below this has been seen by chance. */
export const singleRepeatFloor = 0.5;

export function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const ordered = values.toSorted((a, b) => a - b);
  const middle = Math.floor(ordered.length / 2);
  const upper = ordered[middle] as number;
  return ordered.length % 2 === 1 ? upper : ((ordered[middle - 1] as number) + upper) / 2;
}

/** Median and 95 % percentile-bootstrap interval. With one value the interval is that value: no spread is known. */
export function spreadOf(values: readonly number[], seed: number): Spread {
  const middle = median(values);
  if (values.length < 2) return { median: middle, low: middle, high: middle, count: values.length };
  const random = seededRandom(seed);
  const medians = Array.from({ length: resamples }, () =>
    median(values.map(() => values[Math.floor(random() * values.length)] as number)),
  ).sort((a, b) => a - b);
  const low = medians[Math.floor(resamples * 0.025)] as number;
  const high = medians[Math.ceil(resamples * 0.975) - 1] as number;
  return { median: middle, low, high, count: values.length };
}

/** To three decimals, as figures stand in a report: of milliseconds the microseconds. */
export function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** Differences below it are not called differences, however quiet a run was: a fraction. */
export const leastNoiseFloor = 0.1;

export type Comparison = 'higher' | 'lower' | 'no-difference-shown';

/**
 * Is `a` above `b`? Only when the intervals do not overlap and the medians differ by more than the noise floor
 * (a fraction, such as 0.1). With a single repeat on either side the floor is `singleRepeatFloor`.
 */
export function compareSpreads(a: Spread, b: Spread, noiseFloor: number): Comparison {
  const floor = Math.min(a.count, b.count) < 2 ? Math.max(noiseFloor, singleRepeatFloor) : noiseFloor;
  if (a.low > b.high && a.median > b.median * (1 + floor)) return 'higher';
  if (a.high < b.low && b.median > a.median * (1 + floor)) return 'lower';
  return 'no-difference-shown';
}
