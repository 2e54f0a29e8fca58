/** What of the list of properties (S01 to S51) no scenario asks, and why: printed in docs/SCENARIOS.md and in every report. */

export interface NotRun {
  readonly id: string;
  /** Its row in the list of properties. */
  readonly number: string;
  readonly reason: string;
}

export const notRun: readonly NotRun[] = [];
