/** How far the results reach, and what was asked for and not measured. */

import { name, paragraph, quote, type Section, systemName } from '../document.ts';
import { say } from '../language.ts';
import type { Report } from '../model.ts';

export function limitsSection(report: Report): Section {
  return {
    id: 'limits',
    title: say('Limits', 'الحدود وما يهدد صحة النتائج'),
    blocks: [
      report.limits.length === 0
        ? paragraph(say('No limits were recorded.', 'لم تُسجَّل أي حدود.'))
        : { kind: 'list', items: report.limits.map(quote) },
    ],
    parts: notMeasuredPart(report),
  };
}

const all = say('all', 'الكل');

function notMeasuredPart(report: Report): Section['parts'] {
  if (report.notMeasured.length === 0) return [];
  return [
    {
      id: 'not-measured',
      title: say('Not measured', 'ما لم يُقس'),
      blocks: [
        {
          kind: 'table',
          id: 'not-measured-table',
          caption: say('Asked for, and why there is no result', 'ما طُلب، ولماذا لا نتيجة له'),
          columns: [
            { title: say('What', 'ما هو') },
            { title: say('System', 'النظام') },
            { title: say('Layer', 'الطبقة') },
            { title: say('Reason', 'السبب') },
          ],
          rows: report.notMeasured.map(({ id, system, layer, reason }) => ({
            cells: [
              name(id),
              system === null ? all : systemName(system),
              layer === null ? all : name(layer),
              quote(reason),
            ],
          })),
        },
      ],
    },
  ];
}
