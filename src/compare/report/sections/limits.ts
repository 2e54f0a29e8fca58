/** How far the results reach, and what was asked for and not measured. */

import { inARow, type Inline, name, paragraph, quote, type Section } from '../document.ts';
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

interface NotMeasuredGroup {
  readonly id: string;
  readonly reason: string;
  readonly places: Inline[];
}

function placeOf(system: string | null, layer: string | null): Inline {
  if (system === null) return all;
  return name(layer === null ? system : `${system} ${layer}`);
}

/** What has one reason on many systems is one line. */
function byReason(rows: Report['notMeasured']): readonly NotMeasuredGroup[] {
  const groups = new Map<string, NotMeasuredGroup>();
  for (const { id, system, layer, reason } of rows) {
    const key = JSON.stringify([id, reason]);
    const group = groups.get(key) ?? { id, reason, places: [] };
    group.places.push(placeOf(system, layer));
    groups.set(key, group);
  }
  return [...groups.values()];
}

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
            { title: say('Systems and layers', 'الأنظمة والطبقات') },
            { title: say('Reason', 'السبب') },
          ],
          rows: byReason(report.notMeasured).map(({ id, reason, places }) => ({
            cells: [name(id), inARow(places), quote(reason)],
          })),
        },
      ],
    },
  ];
}
