/** How much a figure changed between two sets of repeats, and how much two sets of the same thing differ. */

import { seededRandom } from '../workloads/random.ts';
import { median } from './spread.ts';

const resamples = 1_000;

export interface Effect {
  /** Median after divided by median before. */
  readonly ratio: number;
  /** 95 % bootstrap interval of the ratio, both sides resampled; null where a side has a single repeat: no spread is known. */
  readonly interval: { readonly low: number; readonly high: number } | null;
}

/** null without repeats, or where the median before is 0: there is no ratio. */
export function effectOf(before: readonly number[], after: readonly number[], seed: number): Effect | null {
  const middle = median(before);
  if (before.length === 0 || after.length === 0 || middle === 0) return null;
  const ratio = median(after) / middle;
  if (before.length < 2 || after.length < 2) return { ratio, interval: null };
  const random = seededRandom(seed);
  const again = (values: readonly number[]) =>
    median(values.map(() => values[Math.floor(random() * values.length)] as number));
  const ratios = Array.from({ length: resamples }, () => again(after) / again(before)).sort((a, b) => a - b);
  return {
    ratio,
    interval: {
      low: ratios[Math.floor(resamples * 0.025)] as number,
      high: ratios[Math.ceil(resamples * 0.975) - 1] as number,
    },
  };
}

/** How far from 1 the ratio of two equal things may be, as far as this pair shows: the end of its interval that is farther away. */
export function noiseOf(first: readonly number[], second: readonly number[], seed: number): number | null {
  const effect = effectOf(first, second, seed);
  if (effect === null) return null;
  const ratios = effect.interval === null ? [effect.ratio] : [effect.interval.low, effect.interval.high];
  // Something and nothing are no measure of each other: too small a figure, such as the processor time of a run of a few milliseconds.
  if (ratios.some((ratio) => ratio <= 0)) return null;
  // A half and a double are equally far.
  return Math.max(...ratios.map((ratio) => (ratio >= 1 ? ratio : 1 / ratio) - 1));
}
