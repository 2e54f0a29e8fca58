/** Where a system did not do what its documents say: the most useful rows of a report, so they stand before the figures. */

import {
  type Block,
  type Entry,
  link,
  name,
  paragraph,
  quiet,
  quote,
  type Section,
  space,
  strong,
  systemName,
} from '../document.ts';
import { scenarioAnchor, scenarioEvidenceId } from '../evidence.ts';
import { say } from '../language.ts';
import type { Report, ScenarioRow } from '../model.ts';
import { expectationLines } from './expectation.ts';
import { scenarioMark } from './marks.ts';

export function surprisesSection(report: Report): Section {
  return { id: 'surprises', title: say('Surprises', 'المفاجآت'), blocks: blocks(report), parts: [] };
}

function blocks(report: Report): readonly Block[] {
  const surprises = report.scenarios.filter((row) => row.surprise);
  if (report.scenarios.length === 0)
    return [
      paragraph(say('No scenario was asked for, so nothing could surprise.', 'لم يُطلب أي سيناريو، فلا شيء يفاجئ.')),
    ];
  if (surprises.length === 0)
    return [
      paragraph(
        say(
          `None: all ${report.scenarios.length} scenario results are as expected or open.`,
          `لا شيء: نتائج السيناريوهات كلها (${report.scenarios.length}) كما كان متوقعًا أو غير محسومة.`,
        ),
      ),
    ];
  return [
    {
      kind: 'entries',
      id: 'surprises-list',
      caption: say('Results against expectation', 'نتائج مخالفة للتوقع'),
      head: say('Result', 'النتيجة'),
      fields: [say('Seen', 'ما شوهد'), say('Expected', 'المتوقع'), say('Cause', 'السبب'), say('Evidence', 'الدليل')],
      look: 'cards',
      entries: surprises.map((row) => entry(row)),
    },
  ];
}

function entry(row: ScenarioRow): Entry {
  return {
    head: [
      scenarioMark(row.verdict),
      space,
      strong(quote(row.title)),
      space,
      systemName(row.system),
      quiet(name(` ${row.layer}`)),
    ],
    values: [
      [quote(row.summary)],
      expectationLines(row),
      [row.surpriseExplained === null ? say('Not understood yet.', 'لم يُفهم بعد.') : quote(row.surpriseExplained)],
      [link(scenarioAnchor(row), name(scenarioEvidenceId(row)))],
    ],
  };
}
