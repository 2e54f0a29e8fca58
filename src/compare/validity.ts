/** When a run's figures may be printed: nothing lost, nothing foreign, promises kept, load really offered. Pure. */

import type { Checks, LatencySummary } from './report/model.ts';
import type { WorkloadSpec } from './workloads/index.ts';

/** Later than this the load was another than the one asked for. Below it, slip is part of every latency, which counts from the intended time. */
export const slipP99MsMax = 50;
export const achievedMin = 0.99;

export interface RunNotes {
  /** Everything acked had come when the drain ended. */
  readonly drained: boolean;
  readonly notes: readonly string[];
}

export interface ValidityInput {
  readonly spec: Pick<WorkloadSpec, 'mode' | 'ordering' | 'kind'>;
  readonly checks: Checks;
  readonly slip: Pick<LatencySummary, 'p99'>;
  readonly run: { readonly failure: Error | null; readonly plannedInWindow: number; readonly ackedOnTime: number };
  readonly notes: RunNotes;
}

/** The first reason against it; null when the run is valid. Duplicates are allowed (at least once) and counted. */
export function validity({ spec, checks, slip, run, notes }: ValidityInput): string | null {
  if (run.failure !== null) return `it broke: ${run.failure.message}`;
  if (checks.phantom > 0) return `${checks.phantom} messages were received that were never sent, or damaged`;
  if (checks.lost > 0) return `${checks.lost} acknowledged messages were lost`;
  if (!notes.drained) return 'the drain ended before everything had come';
  if (checks.unknown > 0) return `${checks.unknown} publishes ended with an unknown outcome`;
  if (checks.refused > 0) return `${checks.refused} publishes were refused`;
  if (spec.ordering === 'key' && checks.reordered > 0)
    return `${checks.reordered} messages came out of the promised order`;
  if (checks.received === 0) return 'nothing was received';
  if (spec.mode === 'own-maximum') return null;
  if (slip.p99 > slipP99MsMax) return `the generator was late: slip p99 ${slip.p99} ms, allowed ${slipP99MsMax} ms`;
  if (run.ackedOnTime < run.plannedInWindow * achievedMin)
    return `only ${run.ackedOnTime} of ${run.plannedInWindow} offered messages were acknowledged in time (99 % needed)`;
  return null;
}
