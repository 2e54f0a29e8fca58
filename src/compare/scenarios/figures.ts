/** Small figures that scenarios print: percentiles of a handful of samples, bounds for rare events. */

/** The sample at that share of the ordered samples; 0 of none. */
export function percentile(samples: readonly number[], share: number): number {
  const ordered = samples.toSorted((a, b) => a - b);
  return rounded(ordered[Math.min(ordered.length - 1, Math.floor(ordered.length * share))] ?? 0);
}

export function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

export function perSecond(count: number, ms: number): number {
  return Math.round((count / Math.max(1, ms)) * 1000);
}

/**
 * What can be said after `seen` events in `tries`: with none, the share that 95 of 100 such series would have shown at least
 * once (of 30 tries: below 10 %). "0 %" is never known.
 */
export function boundOf(seen: number, tries: number): string {
  if (seen > 0) return `${seen} of ${tries}`;
  const percent = (1 - 0.05 ** (1 / Math.max(1, tries))) * 100;
  return `0 of ${tries}, so with 95 % confidence below ${Math.ceil(percent)} %`;
}
