/**
 * Every scenario: what was asked, what was expected and why, and for each system what was seen, and the proof. What several systems have in
 * common is said once, with a number that their rows refer to.
 */

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
import { expectationText } from './expectation.ts';
import { scenarioMark } from './marks.ts';

export function scenarioParts(report: Report): readonly Part[] {
  return scenarioGroups(report).map((group, index) => part(group, index, report));
}

function part(group: ReturnType<typeof scenarioGroups>[number], index: number, report: Report): Part {
  const expectations = distinctExpectations(group.rows);
  return {
    id: scenarioPartAnchor(index),
    title: [say(`Scenario ${group.id}: `, `السيناريو ${group.id}: `), quote(group.title)],
    blocks: [
      paragraph(quote(group.question)),
      { kind: 'list', items: expectations.map((row, at) => [...numbered(at), space, ...expectationText(row)]) },
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
        entries: group.rows.map((row) =>
          entry(row, report, [scenarioMark(row.expected.verdict), space, ...numbered(placeOf(row, expectations))]),
        ),
      },
    ],
  };
}

/** One row for each expectation, in the order in which they come. */
function distinctExpectations(rows: readonly ScenarioRow[]): readonly ScenarioRow[] {
  const first = new Map<string, ScenarioRow>();
  for (const row of rows) if (!first.has(JSON.stringify(row.expected))) first.set(JSON.stringify(row.expected), row);
  return [...first.values()];
}

function placeOf({ expected }: ScenarioRow, expectations: readonly ScenarioRow[]): number {
  return expectations.findIndex((row) => JSON.stringify(row.expected) === JSON.stringify(expected));
}

function numbered(place: number): readonly Inline[] {
  return [quiet(say(`expectation ${place + 1}`, `التوقع ${place + 1}`))];
}

function entry(row: ScenarioRow, report: Report, expected: readonly Inline[]): Entry {
  const system = report.systems.find(({ id }) => id === row.system);
  return {
    id: scenarioAnchor(row),
    head: [systemName(row.system), quiet(named(` ${system?.version ?? ''} ${row.layer}`))],
    values: [resultLines(row), [expected], observedLines(row), row.evidence.map(quote)],
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
