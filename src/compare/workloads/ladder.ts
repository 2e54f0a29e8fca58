/**
 * The rates at which a system is tried, decided before the run: rungs of equal ratio from a lowest rate on. Every system climbs the
 * same ladder, and a rung is the same messages at the same times for all of them; which rungs are climbed is the system's doing. Pure.
 */

import { createHash } from 'node:crypto';

export interface LadderSpec {
  /** The lowest rung. */
  readonly startPerSecond: number;
  /** No rung is above it. */
  readonly mostPerSecond: number;
  /** How fine the last of the search is: 16 rungs are 4.4 % apart. */
  readonly rungsPerDoubling: number;
  /** The bound on the end-to-end p99, from the intended send time. */
  readonly p99MsMax: number;
  /** A rung has failed when it failed so often: one pause of a shared machine is not the system's rate. */
  readonly triesPerRung: number;
  /** The search ends with what it has at the first of these. */
  readonly stepsMax: number;
  readonly searchMsMax: number;
  /** How long the rate that was found is then held. */
  readonly confirmMs: number;
}

/** Of the rate that was found: what is held, and published. */
export const confirmedShare = 0.95;

export function rungRate({ startPerSecond, rungsPerDoubling }: LadderSpec, rung: number): number {
  return Math.round(startPerSecond * 2 ** (rung / rungsPerDoubling));
}

/** Equal for every system, as the hash of a plan is. */
export function ladderHash(ladder: LadderSpec, seed: number, sizes: Readonly<Record<string, unknown>>): string {
  return createHash('sha256').update(JSON.stringify({ ladder, seed, sizes })).digest('hex');
}
