/** What happened when something was killed, paused or cut off. */

import { type Block, link, paragraph, quiet, type Section, systemName } from '../document.ts';
import { scenarioAnchor, workloadAnchor } from '../evidence.ts';
import type { Report } from '../model.ts';
import { isFault, scenarioGroups } from '../view.ts';
import { scenarioMarkTo, validMark } from './marks.ts';

export function faultsSection(report: Report): Section {
  const blocks = [...scenarioBlocks(report), ...workloadBlocks(report)];
  return {
    id: 'faults',
    title: 'Faults',
    blocks: blocks.length === 0 ? [paragraph(noFaults(report))] : blocks,
    parts: [],
  };
}

function noFaults(report: Report): string {
  const missing = report.notMeasured.filter(({ id }) => isFault(id));
  return `Nothing was killed, paused or cut off in this run${missing.length === 0 ? '' : `; asked for and not measured: ${[...new Set(missing.map(({ id }) => id))].join(', ')}`}.`;
}

function scenarioBlocks(report: Report): readonly Block[] {
  const groups = scenarioGroups(report).filter(({ id }) => isFault(id));
  if (groups.length === 0) return [];
  return [
    {
      kind: 'table',
      id: 'faults-scenarios',
      caption: 'Scenarios with a fault',
      columns: [{ title: 'Scenario' }, { title: 'System' }, { title: 'Result' }, { title: 'Seen' }],
      rows: groups.flatMap((group) =>
        group.rows.map((row) => ({
          cells: [
            link(scenarioAnchor(row), group.title),
            [systemName(row.system), quiet(` ${row.layer}`)],
            scenarioMarkTo(row),
            row.summary,
          ],
        })),
      ),
    },
  ];
}

function workloadBlocks(report: Report): readonly Block[] {
  const rows = report.workloads.filter(({ id }) => isFault(id));
  if (rows.length === 0) return [];
  return [
    {
      kind: 'table',
      id: 'faults-workloads',
      caption: 'Workloads with a fault',
      columns: [
        { title: 'Workload' },
        { title: 'System' },
        { title: 'Run' },
        { title: 'Acknowledged', isNumeric: true },
        { title: 'Lost', isNumeric: true },
        { title: 'Delivered twice', isNumeric: true },
        { title: 'Unknown', isNumeric: true },
      ],
      rows: rows.map((row) => ({
        cells: [
          link(workloadAnchor(row), row.id),
          [systemName(row.system), quiet(` ${row.layer}`)],
          [validMark(row.valid), ...(row.valid ? [] : [` ${row.invalidBecause ?? ''}`])],
          ...[row.checks.acked, row.checks.lost, row.checks.duplicated, row.checks.unknown].map((each) =>
            each.toLocaleString('en-US'),
          ),
        ],
      })),
    },
  ];
}
