/** What a comparison is asked, and how. */

import type { ObtainedBrokers } from '../../brokers/index.ts';
import type { Assertion } from '../conclusions/assertions.ts';
import type { LiveMetrics } from './live-metrics.ts';
import type { RunQuestion } from './plan.ts';

/** The question (`systems`, `layers`, `profile`, ...) and how it is asked. */
export interface CompareOptions extends RunQuestion {
  /** A missing one ends the run with SystemMissing; else it is left out and said so. */
  readonly systemsAreRequired: boolean;
  readonly assertions: readonly Assertion[];
  /** What reproduces the run. */
  readonly command: string;
  readonly onProgress: (line: string) => void;
  readonly signal?: AbortSignal;
  /** Also independent tools on the same brokers, beside our instrument. */
  readonly checksAgreement?: boolean;
  /** Load may be put on brokers that are not on this machine. */
  readonly allowsRemote: boolean;
  /** Brokers that somebody else started and will end; without it the run gets its own. */
  readonly brokers?: ObtainedBrokers;
  /** Every row is kept here as it comes; with `resume` what is there already is not run again. */
  readonly journal?: {
    readonly directory: string;
    readonly resume: boolean;
    readonly flags: Readonly<Record<string, unknown>>;
  };
  /** What runs now, what is done and about how long the rest takes. */
  readonly onState?: (state: RunState) => void;
  /** For those who watch the run by its metrics. */
  readonly live?: LiveMetrics;
}

export interface RunState {
  readonly now: string;
  readonly done: number;
  readonly total: number;
  readonly leftMs: number;
}
