/** Rows by the brokers' own Java clients, and by other settings: in the report, and no part of any answer. */

import type { Report } from '../report/model.ts';
import { isBesideTheAnswer } from '../systems/system-ids.ts';

/** They are no systems that one could choose beside the others: they are the same brokers by other clients or other settings. */
export function onlyOfTheAnswer(report: Report): Report {
  return {
    ...report,
    systems: report.systems.filter(({ id }) => !isBesideTheAnswer(id)),
    scenarios: rowsOfTheAnswer(report.scenarios),
    workloads: rowsOfTheAnswer(report.workloads),
    summaries: rowsOfTheAnswer(report.summaries),
  };
}

export function rowsOfTheAnswer<Row extends { readonly system: string }>(rows: readonly Row[]): readonly Row[] {
  return rows.filter(({ system }) => !isBesideTheAnswer(system));
}
