/** A run that is under way. */

import type { CompareOptions } from './compare-options.ts';
import type { Journal } from './journal.ts';
import type { RunBrokers } from './brokers.ts';
import type { RunPlan } from './plan.ts';
import type { Steps } from './steps.ts';
import type { SystemsContext } from '../systems/systems.ts';
import type { Wire } from '../systems/wire.ts';

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
