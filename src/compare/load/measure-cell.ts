/** What is asked of one measurement, wherever its load is made: in this process or in the generator's. */

import type { Fault } from './validity.ts';
import type { SeriesPoint, WorkloadRow } from '../report/model.ts';
import { measureWorkload, type WorkloadRunOptions } from './workload-run.ts';
import { type Plan, planFromSpec, type WorkloadSpec } from '../workloads/index.ts';

/** A plan, or the seed that it follows from: one of a million messages is made where it is needed, the same everywhere. */
export type PlanSource = { readonly plan: Plan } | { readonly seed: number };

export interface CellQuestion {
  readonly spec: WorkloadSpec;
  readonly source: PlanSource;
  readonly repeat: number;
  /** Unique: prefix of every name that is made. */
  readonly prefix: string;
  readonly generatorCeiling: number | null;
  readonly onSample?: (point: SeriesPoint) => void;
}

export interface MeasuredCell {
  readonly row: WorkloadRow;
  /** The kind of what stands against it; null where it is valid. */
  readonly fault: Fault | null;
}

/** Rejects with NotMeasurable; every other failure is an invalid row. */
export type MeasureCell = (question: CellQuestion) => Promise<MeasuredCell>;

export function planFor(spec: WorkloadSpec, source: PlanSource): Plan {
  return 'plan' in source ? source.plan : planFromSpec({ ...spec, seed: source.seed });
}

/** By this process: for clients that drive their load themselves, and in the generator. */
export function measureWith(rest: Pick<WorkloadRunOptions, 'wire' | 'pids' | 'usage' | 'clock'>): MeasureCell {
  return async ({ source, ...question }) =>
    await measureWorkload({ ...question, ...rest, plan: planFor(question.spec, source) });
}
