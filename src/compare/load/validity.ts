/** When a run's figures may be printed: nothing lost, nothing foreign, promises kept, load really offered. Pure. */

import type { Checks, LatencySummary } from '../report/model.ts';
import type { WorkloadSpec } from '../workloads/index.ts';

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
  readonly run: {
    readonly failure: Error | null;
    readonly plannedInWindow: number;
    readonly ackedOnTime: number;
    /** How long the sender waited for room. */
    readonly blockedMs?: number;
  };
  readonly notes: RunNotes;
}

/** What kind of reason it is: what was promised was not kept, the run broke, or the load was not the one asked for. */
export interface Fault {
  readonly kind: 'loss' | 'broken' | 'generator' | 'achieved';
  readonly reason: string;
}

/** The first reason against it; null when the run is valid. Duplicates are allowed (at least once) and counted. */
export function validity(input: ValidityInput): string | null {
  return faultOf(input)?.reason ?? null;
}

/** The same with its kind. */
export function faultOf({ spec, checks, slip, run, notes }: ValidityInput): Fault | null {
  const as = (kind: Fault['kind'], reason: string): Fault => ({ kind, reason });
  if (run.failure !== null) return as('broken', `it broke: ${run.failure.message}`);
  if (checks.phantom > 0)
    return as(
      'loss',
      `${checks.phantom} messages were received that were never sent, refused as not stored, or damaged`,
    );
  if (checks.lost > 0) return as('loss', `${checks.lost} acknowledged messages were lost`);
  if (!notes.drained) return as('broken', 'the drain ended before everything had come');
  if (checks.unknown > 0) return as('broken', `${checks.unknown} publishes ended with an unknown outcome`);
  if (checks.refused > 0) return as('broken', `${checks.refused} publishes were refused`);
  if (spec.ordering === 'key' && checks.reordered > 0)
    return as('broken', `${checks.reordered} messages came out of the promised order`);
  if (checks.received === 0) return as('broken', 'nothing was received');
  if (spec.mode === 'own-maximum') return null;
  if (slip.p99 > slipP99MsMax) {
    const blockedMs = Math.round(run.blockedMs ?? 0);
    const late = `the generator was late: slip p99 ${slip.p99} ms, allowed ${slipP99MsMax} ms`;
    // Held up for so long by what was not answered, it is the system that was late.
    return blockedMs >= slip.p99
      ? as('achieved', `${late}; it waited ${blockedMs} ms because too many messages were unanswered`)
      : as('generator', late);
  }
  if (run.ackedOnTime < run.plannedInWindow * achievedMin)
    return as(
      'achieved',
      `only ${run.ackedOnTime} of ${run.plannedInWindow} offered messages were acknowledged in time (99 % needed)`,
    );
  return null;
}
