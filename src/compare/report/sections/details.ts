/** Everything, row by row: what the sections above are drawn from. */

import { paragraph, type Section } from '../document.ts';
import { say } from '../language.ts';
import type { Report } from '../model.ts';
import { capabilityParts } from './capability-details.ts';
import { scenarioParts } from './scenario-details.ts';
import { workloadParts } from './workload-details.ts';

export function detailsSection(report: Report): Section {
  const parts = [...scenarioParts(report), ...workloadParts(report), ...capabilityParts(report)];
  return {
    id: 'details',
    title: say('Details', 'التفاصيل'),
    blocks: [
      paragraph(
        parts.length === 0
          ? say('This run has no rows.', 'ليس في هذا التشغيل أي صف.')
          : say(
              'Every row of the run. Histograms and the course over time are in report.json, the figures also in report.csv.',
              'كل صفوف التشغيل. المدرّجات التكرارية والمسار الزمني في report.json، والأرقام في report.csv أيضًا.',
            ),
      ),
    ],
    parts,
  };
}
