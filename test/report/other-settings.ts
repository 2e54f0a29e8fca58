/** A made-up report with rows by other settings: Kafka flushed at each message, and tuned. */

import type { Report, WorkloadRow } from '../../src/compare/report/model.ts';
import { settingNotes } from '../../src/compare/settings/index.ts';
import { summarize } from '../../src/compare/conclusions/summaries.ts';

export const slowerFactor = 0.5;
export const fasterFactor = 1.25;

/** Half as fast with a flush, a quarter faster when tuned. */
export function withOtherSettings(of: Report): Report {
  const stock = of.workloads.filter(
    ({ system, layer, id }) => system === 'kafka' && layer === 'bare' && id === 'throughput-1k',
  );
  const flushed = stock.map(
    (row): WorkloadRow => ({
      ...paced(row, slowerFactor),
      system: 'kafka-fsync',
      durability: { persistence: 'fsync', copies: 1 },
      notes: settingNotes('kafka-fsync'),
    }),
  );
  const tuned = stock.map(
    (row): WorkloadRow => ({
      ...paced(row, fasterFactor),
      system: 'kafka-tuned',
      settings: 'tuned',
      notes: settingNotes('kafka-tuned'),
    }),
  );
  const more = [...flushed, ...tuned];
  const [kafka] = of.systems.filter(({ id }) => id === 'kafka');
  return {
    ...of,
    systems: [
      ...of.systems,
      ...(kafka === undefined
        ? []
        : ['kafka-fsync', 'kafka-tuned'].map((id) => ({ ...kafka, id, notes: settingNotes(id) }))),
    ],
    workloads: [...of.workloads, ...more],
    summaries: [...of.summaries, ...summarize(more, 1)],
  };
}

function paced(row: WorkloadRow, factor: number): WorkloadRow {
  const { messagesPerSecond, megabytesPerSecond } = row.publish;
  return {
    ...row,
    publish: { messagesPerSecond: messagesPerSecond * factor, megabytesPerSecond: megabytesPerSecond * factor },
  };
}
