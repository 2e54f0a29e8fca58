/** Which system suits each use, and by what: the properties that it needs and what its own workload showed. */

import {
  type Block,
  code,
  type Entry,
  type Inline,
  link,
  paragraph,
  quiet,
  type Section,
  strong,
  systemName,
  type Text,
  type Tone,
} from '../document.ts';
import { citations } from '../evidence.ts';
import { number } from '../figures.ts';
import type { Fit, ReaderRow, Report, UseFinding, UseVerdict } from '../model.ts';

const marks: Readonly<Record<Fit, { readonly tone: Tone; readonly mark: string; readonly word: string }>> = {
  yes: { tone: 'good', mark: '✓', word: 'yes' },
  emulated: { tone: 'part', mark: '◐', word: 'emulated' },
  behind: { tone: 'part', mark: '↓', word: 'behind' },
  no: { tone: 'bad', mark: '✕', word: 'no' },
  unknown: { tone: 'open', mark: '?', word: 'not known' },
};

/** None in a report whose run had no such workload. */
export function usesSections(report: Report): readonly Section[] {
  const { uses = [] } = report;
  if (uses.length === 0) return [];
  return [
    {
      id: 'uses',
      title: 'Uses',
      blocks: [
        paragraph(
          'Each use has a workload of its own, the same messages at the same times on every system, with readers at their own pace. A system suits a use when it has every property that the use needs and bears the workload within its bounds; of the systems that do, those that need the least emulation come first.',
        ),
        entriesOf(report, uses),
      ],
      parts: readersPart(report, uses),
    },
  ];
}

function entriesOf(report: Report, uses: readonly UseVerdict[]): Block {
  const cited = citations(report);
  return {
    kind: 'entries',
    id: 'uses-found',
    caption: 'Which system suits it',
    head: 'Use',
    fields: ['Found', 'Scope'],
    look: 'cards',
    entries: uses.map((use): Entry => {
      const needs = [...new Set(use.findings.map(({ need }) => need))];
      return {
        id: `use-${use.id}`,
        head: [strong(use.title), quiet(` · ${use.suited.length === 0 ? 'no system alone' : use.suited.join(', ')}`)],
        values: [[use.answer, ...needs.flatMap((need) => needLines(need, use.findings, cited))], [use.scope]],
      };
    }),
  };
}

/** The need, and below it a line for each system: `✓ yes kafka after the ack 200 of 200 came again replay-after-ack.kafka.bare`. */
function needLines(
  need: string,
  findings: readonly UseFinding[],
  cited: ReturnType<typeof citations>,
): readonly Text[] {
  const own = findings.filter((finding) => finding.need === need);
  return [
    [strong(need)],
    ...own.map(({ fit, system, reason, basis, cites }): readonly Inline[] => [
      { kind: 'mark', ...marks[fit] },
      ' ',
      systemName(system),
      `: ${reason}`,
      ...(basis === 'measured' ? [] : [` (${basis})`]),
      ...cites.flatMap((id) => [' ', citation(id, cited)]),
    ]),
  ];
}

function citation(id: string, cited: ReturnType<typeof citations>): Inline {
  const [place] = cited.get(id) ?? [];
  return place === undefined ? code(id) : link(place.anchor, id);
}

// ------------------------------------------------------------------------------------------------ what the readers got

function readersPart(report: Report, uses: readonly UseVerdict[]): Section['parts'] {
  const rows = report.workloads.filter((row) => row.readers !== undefined && uses.some(({ id }) => id === row.id));
  if (rows.length === 0) return [];
  return [
    {
      id: 'uses-readers',
      title: 'What each reader got',
      blocks: [
        {
          kind: 'table',
          id: 'uses-readers-table',
          caption: 'Readers of the uses, run by run',
          look: 'dense',
          columns: [
            { title: 'Use, system and reader' },
            { title: 'Received', isNumeric: true },
            { title: 'Missing', isNumeric: true },
            { title: 'Out of order', isNumeric: true },
            { title: 'p50', unit: 'ms', isNumeric: true },
            { title: 'p99', unit: 'ms', isNumeric: true },
            { title: 'Caught up in', unit: 'ms', isNumeric: true },
            { title: 'Read again at', unit: 'messages/s', isNumeric: true },
          ],
          rows: rows.flatMap((row) =>
            Object.entries(row.readers ?? {}).map(([name, reader], index) => ({
              isApart: index === 0,
              cells: [`${row.id} ${row.system} ${name}${row.valid ? '' : ' (invalid run)'}`, ...figuresOf(reader)],
            })),
          ),
          notes: [
            'Out of order is no fault of a reader that asked for none. Latencies of slow and absent readers have their pace and their absence in them.',
            ...new Set(
              rows.flatMap((row) =>
                Object.entries(row.readers ?? {}).flatMap(([name, { refused }]) =>
                  refused === undefined ? [] : [`${row.id} ${row.system} ${name}: refused, ${refused}`],
                ),
              ),
            ),
          ],
        },
      ],
    },
  ];
}

function figuresOf(reader: ReaderRow): readonly Text[] {
  const { received, missing, reordered, p50Ms, p99Ms, catchUpMs, replayPerSecond } = reader;
  return [received, missing, reordered, p50Ms, p99Ms, catchUpMs, replayPerSecond].map((value) =>
    value === null ? '–' : number(value),
  );
}
