/**
 * What goes between a run and its generator, over Node's channel for child processes (structured clones, so that plans of traces,
 * histograms and series stay what they are). One call at a time.
 *
 *     run                                             generator
 *      | -- open: how to get to a system ---------------> |   opens a client, and keeps it for later cells
 *      | -- ceiling: of a workload ---------------------> |   the load against nothing
 *      | -- measure: workload, seed or plan ------------> |
 *      |      <--- watch n, at the beginning of a window  |   the run looks at /proc: broker and generator
 *      |      <--- point, several times ----------------- |
 *      |      <--- unwatch n, at its end ---------------- |
 *      | -- used n ------------------------------------> |   what both have used goes into the row
 *      |      <--- answer: the row, with its histograms   |
 */

import type { MeasuredCell, PlanSource } from '../load/measure-cell.ts';
import type { RemoteTarget } from '../remote/index.ts';
import type { SeriesPoint } from '../report/model.ts';
import type { ObservedUsage } from '../usage/usage-observer.ts';
import type { WorkloadSpec } from '../workloads/index.ts';

export interface CellOrder {
  /** Of a client that was opened. */
  readonly client: string;
  readonly spec: WorkloadSpec;
  readonly source: PlanSource;
  readonly repeat: number;
  readonly prefix: string;
  readonly generatorCeiling: number | null;
}

export type Call =
  | { readonly call: 'open'; readonly client: string; readonly target: RemoteTarget }
  | { readonly call: 'ceiling'; readonly spec: WorkloadSpec }
  | { readonly call: 'measure'; readonly cell: CellOrder }
  | { readonly call: 'close' };

export type ToGenerator =
  | (Call & { readonly id: number })
  | { readonly call: 'used'; readonly watch: number; readonly usage: ObservedUsage };

export type FromGenerator =
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string }
  | { readonly kind: 'point'; readonly point: SeriesPoint }
  | { readonly kind: 'watch' | 'unwatch'; readonly watch: number };

/** The answer to `measure`. */
export type CellAnswer = MeasuredCell | { readonly notMeasurable: string };
