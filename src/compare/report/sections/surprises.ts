/** Where a system did not do what its documents say: the most useful rows of a report, so they stand before the figures. */

import { type Block, type Entry, link, paragraph, quiet, type Section, strong, systemName } from '../document.ts';
import { scenarioAnchor, scenarioEvidenceId } from '../evidence.ts';
import type { Report, ScenarioRow } from '../model.ts';
import { expectationLines } from './expectation.ts';
import { scenarioMark } from './marks.ts';

export function surprisesSection(report: Report): Section {
  return { id: 'surprises', title: 'Surprises', blocks: blocks(report), parts: [] };
}

function blocks(report: Report): readonly Block[] {
  const surprises = report.scenarios.filter((row) => row.surprise);
  if (report.scenarios.length === 0) return [paragraph('No scenario was asked for, so nothing could surprise.')];
  if (surprises.length === 0)
    return [paragraph(`None: all ${report.scenarios.length} scenario results are as expected or open.`)];
  return [
    {
      kind: 'entries',
      id: 'surprises-list',
      caption: 'Results against expectation',
      head: 'Result',
      fields: ['Seen', 'Expected', 'Cause', 'Evidence'],
      look: 'cards',
      entries: surprises.map((row) => entry(row)),
    },
  ];
}

function entry(row: ScenarioRow): Entry {
  return {
    head: [scenarioMark(row.verdict), ' ', strong(row.title), ' ', systemName(row.system), quiet(` ${row.layer}`)],
    values: [
      [row.summary],
      expectationLines(row),
      [row.surpriseExplained ?? 'Not understood yet.'],
      [link(scenarioAnchor(row), scenarioEvidenceId(row))],
    ],
  };
}
