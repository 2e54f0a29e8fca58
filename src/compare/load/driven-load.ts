/** A load that a client's own process drives: what it is told, and what is known when it is over. */

import type { LoadRun } from './load-run.ts';
import type { Measured } from '../usage/meter.ts';
import type { Plan, WorkloadSpec } from '../workloads/index.ts';

export interface DrivenLoad {
  /** Filled with what happened, on the clock that `setNow` moves: by the books of every other run. */
  readonly run: LoadRun;
  readonly setNow: (ms: number) => void;
  readonly spec: WorkloadSpec;
  readonly plan: Plan;
  /** Of the payload codec: payloads of other runs are strangers. */
  readonly codecRun: number;
  readonly topic: string;
  readonly subscriptions: readonly string[];
  /** Of the broker, descendants included. */
  readonly pids: readonly number[];
}

export interface DrivenResult {
  readonly measured: Measured;
  /** What the program does against nothing, messages per second; null where that was not measured. */
  readonly generatorCeiling: number | null;
}
