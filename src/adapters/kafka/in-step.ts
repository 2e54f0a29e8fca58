/**
 * What many subscriptions do from time to time, done at the same moments: an idle process is woken for them together, and waking is
 * most of what idling costs (docs/PERFORMANCE.md). Nobody waits for anybody; each only chooses the end of its own wait.
 */

/**
 * How long to wait now, in ms, for the waits of all who ask with this period to end together.
 * @param nowMs of a clock that all of them share.
 * @returns the period on average: at least half of it, less than one and a half.
 */
export function waitInStep(periodMs: number, nowMs: number = performance.now()): number {
  const left = periodMs - (nowMs % periodMs);
  return Math.round(left < periodMs / 2 ? left + periodMs : left);
}
