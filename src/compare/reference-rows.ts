/** Rows by the brokers' own Java clients: in the report, and no part of any answer. */

import type { Report } from './report/model.ts';
import { isReferenceName } from './system-ids.ts';

/** Reference rows are no systems that one could choose beside the others: they are the same brokers by other clients. */
export function withoutReference(report: Report): Report {
  return {
    ...report,
    systems: report.systems.filter(({ id }) => !isReferenceName(id)),
    scenarios: report.scenarios.filter(({ layer }) => layer !== 'reference'),
    workloads: report.workloads.filter(({ layer }) => layer !== 'reference'),
    summaries: report.summaries.filter(({ layer }) => layer !== 'reference'),
  };
}
