/** A run that is under way. */

import type { CompareOptions } from './compare-options.ts';
import type { Journal } from './journal.ts';
import type { RunBrokers } from './run-brokers.ts';
import type { RunPlan } from './run-plan.ts';
import type { Steps } from './run-steps.ts';
import type { SystemsContext } from './systems.ts';
import type { Wire } from './wire.ts';

/** What every part of a run that is under way needs. */
export interface Going {
  /** Of the brokers as they are now. */
  readonly context: SystemsContext;
  readonly brokers: RunBrokers;
  readonly options: CompareOptions;
  readonly plan: RunPlan;
  readonly wires: readonly Wire[];
  /** In the name of everything that is made. */
  readonly prefix: string;
  readonly journal: Journal | null;
  readonly steps: Steps;
}
