/** Every scenario row: what was asked, what was expected of this version and why, what was seen, and the proof. */

import { type Entry, type Inline, type Part, paragraph, quiet, systemName, type Text } from '../document.ts';
import { scenarioAnchor, scenarioPartAnchor } from '../evidence.ts';
import { observed, seconds } from '../figures.ts';
import type { Report, ScenarioRow } from '../model.ts';
import { scenarioGroups } from '../view.ts';
import { expectationLines } from './expectation.ts';
import { scenarioMark } from './marks.ts';

export function scenarioParts(report: Report): readonly Part[] {
  return scenarioGroups(report).map((group, index) => ({
    id: scenarioPartAnchor(index),
    title: `Scenario ${group.id}: ${group.title}`,
    blocks: [
      paragraph(group.question),
      {
        kind: 'entries',
        id: `${scenarioPartAnchor(index)}-rows`,
        caption: `${group.id} on every system`,
        head: 'System',
        fields: ['Result', 'Expected', 'Figures', 'Evidence'],
        look: 'table',
        entries: group.rows.map((row) => entry(row, report)),
      },
    ],
  }));
}

function entry(row: ScenarioRow, report: Report): Entry {
  const system = report.systems.find(({ id }) => id === row.system);
  return {
    id: scenarioAnchor(row),
    head: [systemName(row.system), quiet(` ${system?.version ?? ''} ${row.layer}`)],
    values: [resultLines(row), expectationLines(row), observedLines(row), row.evidence],
  };
}

function resultLines(row: ScenarioRow): readonly Text[] {
  const surprise = row.surprise ? [`Surprise: ${row.surpriseExplained ?? 'the cause is not understood yet.'}`] : [];
  return [[scenarioMark(row.verdict), ` ${row.summary}`], ...surprise];
}

function observedLines(row: ScenarioRow): readonly Text[] {
  const figures = Object.entries(row.observed).flatMap(([name, value], index): readonly Inline[] => [
    ...(index === 0 ? [] : ['; ']),
    quiet(`${name} `),
    observed(value),
  ]);
  return [...(figures.length === 0 ? [] : [figures]), quiet(`took ${seconds(row.durationMs)}`)];
}
