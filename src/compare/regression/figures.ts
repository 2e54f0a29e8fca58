/** The figures that two reports are compared by: where each stands, in which mode it means something, and which way is better. */

import type { WorkloadMode, WorkloadRow } from '../report/model.ts';
import type { Unit } from '../report/figures.ts';

export interface ComparedFigure {
  readonly path: string;
  readonly unit: Unit;
  readonly better: 'higher' | 'lower';
  /** At an equal load the rate is the one that was offered, at its own maximum the latency is that of a full window. */
  readonly modes: readonly WorkloadMode[];
  /** null where the row has none. */
  readonly of: (row: WorkloadRow) => number | null;
}

const both: readonly WorkloadMode[] = ['equal-load', 'own-maximum'];

export const comparedFigures: readonly ComparedFigure[] = [
  {
    path: 'publish.messagesPerSecond',
    unit: 'perSecond',
    better: 'higher',
    modes: ['own-maximum', 'sustainable-rate'],
    // A reader's workload publishes nothing in its window.
    of: (row) => row.publish.messagesPerSecond || null,
  },
  {
    path: 'consume.messagesPerSecond',
    unit: 'perSecond',
    better: 'higher',
    modes: ['own-maximum'],
    of: (row) => row.consume.messagesPerSecond,
  },
  ...(['publish', 'endToEnd'] as const).flatMap((kind) =>
    (['p50', 'p99', 'p999'] as const).map(
      (percentile): ComparedFigure => ({
        path: `latencyMs.${kind}.${percentile}`,
        unit: 'ms',
        better: 'lower',
        modes: ['equal-load'],
        of: (row) => (row.latencyMs[kind].count === 0 ? null : row.latencyMs[kind][percentile]),
      }),
    ),
  ),
  {
    path: 'cost.brokerCpuSecondsPerMillion',
    unit: 'cpuSeconds',
    better: 'lower',
    modes: both,
    of: (row) => row.cost.brokerCpuSecondsPerMillion,
  },
  {
    path: 'cost.clientCpuSecondsPerMillion',
    unit: 'cpuSeconds',
    better: 'lower',
    modes: both,
    of: (row) => row.cost.clientCpuSecondsPerMillion,
  },
  {
    path: 'cost.bytesWrittenPerPayloadByte',
    unit: 'ratio',
    better: 'lower',
    modes: both,
    of: (row) => row.cost.bytesWrittenPerPayloadByte,
  },
  { path: 'cost.peakRssBytes', unit: 'bytes', better: 'lower', modes: both, of: (row) => row.cost.peakRssBytes },
];

/** Of the rows that are valid. */
export function valuesOf(figure: ComparedFigure, rows: readonly WorkloadRow[]): readonly number[] {
  return rows.filter((row) => row.valid).flatMap((row) => figure.of(row) ?? []);
}
