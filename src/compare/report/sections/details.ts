/** Everything, row by row: what the sections above are drawn from. */

import { paragraph, type Section } from '../document.ts';
import type { Report } from '../model.ts';
import { capabilityParts } from './capability-details.ts';
import { scenarioParts } from './scenario-details.ts';
import { workloadParts } from './workload-details.ts';

export function detailsSection(report: Report): Section {
  const parts = [...scenarioParts(report), ...workloadParts(report), ...capabilityParts(report)];
  return {
    id: 'details',
    title: 'Details',
    blocks: [
      paragraph(
        parts.length === 0
          ? 'This run has no rows.'
          : 'Every row of the run. Histograms and the course over time are in report.json, the figures also in report.csv.',
      ),
    ],
    parts,
  };
}
