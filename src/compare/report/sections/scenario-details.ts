/** Every scenario row: what was asked, what was expected of this version and why, what was seen, and the proof. */

import {
  type Entry,
  inARow,
  type Inline,
  name as named,
  type Part,
  paragraph,
  quiet,
  quote,
  semicolon,
  space,
  systemName,
  type Text,
} from '../document.ts';
import { scenarioAnchor, scenarioPartAnchor } from '../evidence.ts';
import { observed, seconds } from '../figures.ts';
import { say } from '../language.ts';
import type { Report, ScenarioRow } from '../model.ts';
import { scenarioGroups } from '../view.ts';
import { expectationLines } from './expectation.ts';
import { scenarioMark } from './marks.ts';

export function scenarioParts(report: Report): readonly Part[] {
  return scenarioGroups(report).map((group, index) => ({
    id: scenarioPartAnchor(index),
    title: [say(`Scenario ${group.id}: `, `السيناريو ${group.id}: `), quote(group.title)],
    blocks: [
      paragraph(quote(group.question)),
      {
        kind: 'entries',
        id: `${scenarioPartAnchor(index)}-rows`,
        caption: say(`${group.id} on every system`, `${group.id} على كل نظام`),
        head: say('System', 'النظام'),
        fields: [
          say('Result', 'النتيجة'),
          say('Expected', 'المتوقع'),
          say('Figures', 'الأرقام'),
          say('Evidence', 'الأدلة'),
        ],
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
    head: [systemName(row.system), quiet(named(` ${system?.version ?? ''} ${row.layer}`))],
    values: [resultLines(row), expectationLines(row), observedLines(row), row.evidence.map(quote)],
  };
}

function resultLines(row: ScenarioRow): readonly Text[] {
  const surprise: readonly Text[] = row.surprise
    ? [
        [
          say('Surprise: ', 'مفاجأة: '),
          row.surpriseExplained === null
            ? say('the cause is not understood yet.', 'السبب غير مفهوم بعد.')
            : quote(row.surpriseExplained),
        ],
      ]
    : [];
  return [[scenarioMark(row.verdict), space, quote(row.summary)], ...surprise];
}

function observedLines(row: ScenarioRow): readonly Text[] {
  const figures = Object.entries(row.observed).flatMap(([name, value], index): readonly Inline[] => [
    ...(index === 0 ? [] : [semicolon]),
    quiet(named(`${name} `)),
    ...seen(value),
  ]);
  return [
    ...(figures.length === 0 ? [] : [figures]),
    quiet(say(`took ${seconds(row.durationMs)}`, `استغرق ${seconds(row.durationMs)}`)),
  ];
}

/** Words in what was seen are the run's own, figures are figures. */
function seen(value: ScenarioRow['observed'][string]): readonly Inline[] {
  if (typeof value === 'boolean') return [value ? say('yes', 'نعم') : say('no', 'لا')];
  if (Array.isArray(value) && value.some((each) => typeof each === 'string'))
    return inARow(value.map((each: string | number) => quote(observed(each))));
  return [typeof value === 'string' ? quote(observed(value)) : named(observed(value))];
}
