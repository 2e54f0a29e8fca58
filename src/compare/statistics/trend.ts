/** Whether a figure grows over time, and how fast, in a way that a few wild samples do not change. */

import { median } from './spread.ts';

export interface Sample {
  readonly tMs: number;
  readonly value: number;
}

export interface Trend {
  /** Theil and Sen: the median of the slopes between every two samples, per second. */
  readonly perSecond: number;
  /** Kendall's sum of ups less downs in its standard deviations: how sure it is that it grows (above) or falls (below 0). */
  readonly deviations: number;
}

/** With fewer than four samples nothing is known to grow. */
const samplesMin = 4;
/** One-sided, one in twenty. */
const growsFrom = 1.645;

/** null with too few samples, or all at one time. */
export function trendOf(samples: readonly Sample[]): Trend | null {
  if (samples.length < samplesMin) return null;
  const slopes: number[] = [];
  let ups = 0;
  for (const [i, a] of samples.entries())
    for (const b of samples.slice(i + 1)) {
      if (b.tMs === a.tMs) continue;
      slopes.push(((b.value - a.value) / (b.tMs - a.tMs)) * 1000);
      ups += Math.sign((b.value - a.value) * (b.tMs - a.tMs));
    }
  if (slopes.length === 0) return null;
  const n = samples.length;
  return { perSecond: median(slopes), deviations: ups / Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18) };
}

/** Significantly above 0, and by at least so much a second. */
export function isGrowing(trend: Trend | null, perSecondMin: number): boolean {
  return trend !== null && trend.deviations >= growsFrom && trend.perSecond >= perSecondMin;
}
