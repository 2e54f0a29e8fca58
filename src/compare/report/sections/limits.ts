/** How far the results reach, and what was asked for and not measured. */

import { paragraph, type Section, systemName } from '../document.ts';
import type { Report } from '../model.ts';

export function limitsSection(report: Report): Section {
  return {
    id: 'limits',
    title: 'Limits',
    blocks: [
      report.limits.length === 0 ? paragraph('No limits were recorded.') : { kind: 'list', items: report.limits },
    ],
    parts: notMeasuredPart(report),
  };
}

function notMeasuredPart(report: Report): Section['parts'] {
  if (report.notMeasured.length === 0) return [];
  return [
    {
      id: 'not-measured',
      title: 'Not measured',
      blocks: [
        {
          kind: 'table',
          id: 'not-measured-table',
          caption: 'Asked for, and why there is no result',
          columns: [{ title: 'What' }, { title: 'System' }, { title: 'Layer' }, { title: 'Reason' }],
          rows: report.notMeasured.map(({ id, system, layer, reason }) => ({
            cells: [id, system === null ? 'all' : systemName(system), layer ?? 'all', reason],
          })),
        },
      ],
    },
  ];
}
