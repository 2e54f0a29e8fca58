/**
 * Whether a run has settled: the last windows of its warm-up are alike in rate and in latency. A figure of a system that is still
 * warming up (code not compiled yet, pages not in the cache, a group still joining) is a figure of the warm-up. Pure.
 */

/** Compared with each other. */
const windowsCompared = 3;
/** The warm-up is cut into so many, the least that may be compared and one that is thrown away. */
export const windowsOfWarmup = windowsCompared + 1;
/** Beside what random arrivals make of a rate: three standard errors of a Poisson count. */
const rateTolerance = 0.05;
const standardErrors = 3;
/** Of the mean p50 of the windows: medians of a few hundred messages swing that far on shared cores ... */
const latencyTolerance = 0.25;
/** ... and below this a swing says nothing, whatever share it is. */
const latencyToleranceMs = 1;

export interface WarmupWindow {
  readonly ms: number;
  readonly received: number;
  readonly p50Ms: number;
}

export interface Steadiness {
  readonly isSteady: boolean;
  /** Why not; null where it is. */
  readonly because: string | null;
}

export function steadinessOf(windows: readonly WarmupWindow[]): Steadiness {
  const last = windows.slice(-windowsCompared);
  if (last.length < windowsCompared) return unsteady('the warm-up is too short to compare windows of it');
  if (last.some(({ received }) => received === 0)) return unsteady('nothing came in one of the last three windows');
  const rates = last.map(({ received, ms }) => received / ms);
  const fewest = Math.min(...last.map(({ received }) => received));
  const allowed = rateTolerance + standardErrors / Math.sqrt(fewest);
  const swing = farthest(rates) / mean(rates);
  if (swing > allowed)
    return unsteady(`the rate swung by ${percent(swing)} in the last three windows, allowed ${percent(allowed)}`);
  const latencies = last.map(({ p50Ms }) => p50Ms);
  const allowedMs = Math.max(latencyTolerance * mean(latencies), latencyToleranceMs);
  if (farthest(latencies) > allowedMs)
    return unsteady(
      `p50 went from ${ms(Math.min(...latencies))} to ${ms(Math.max(...latencies))} ms in the last three windows, allowed ${ms(allowedMs)} ms around their mean`,
    );
  return { isSteady: true, because: null };
}

function unsteady(because: string): Steadiness {
  return { isSteady: false, because };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** How far the one farthest from the mean is from it. */
function farthest(values: readonly number[]): number {
  const middle = mean(values);
  return Math.max(...values.map((value) => Math.abs(value - middle)));
}

function percent(part: number): string {
  return `${Math.round(part * 100)} %`;
}

function ms(value: number): string {
  return String(Number(value.toPrecision(3)));
}
