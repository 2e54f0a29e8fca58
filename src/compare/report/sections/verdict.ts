/** The answer first: a paragraph, then each claim with what it rests on, then the bounds that were asked for. */

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
  type Text,
} from '../document.ts';
import { citations, claimAnchor } from '../evidence.ts';
import type { ClaimVerdict, Report } from '../model.ts';
import { number, plural } from '../figures.ts';
import { basisWords, leadSentences } from '../view.ts';
import { assertionMark, claimMark } from './marks.ts';
import { primaryPart } from './primary.ts';

export function verdictSection(report: Report): Section {
  const { first, found, counted } = leadSentences(report);
  return {
    id: 'verdict',
    title: 'Verdict',
    blocks: [
      paragraph(first, 'lead'),
      ...(found.length === 0 ? [] : [paragraph(found.join(' '))]),
      paragraph([counted.join(' '), ...notMeasuredSentence(report)]),
      ...claimsBlock(report),
    ],
    parts: [...primaryPart(report), ...assertionsPart(report)],
  };
}

function notMeasuredSentence(report: Report): readonly Inline[] {
  const howMany = report.notMeasured.length;
  if (howMany === 0) return [];
  return [' ', link('not-measured', `${howMany} ${plural(howMany, 'thing')} asked for`), ' could not be measured.'];
}

function claimsBlock(report: Report): readonly Block[] {
  if (report.verdicts.length === 0) return [paragraph('No claim was judged in this run.')];
  const cited = citations(report);
  return [
    {
      kind: 'entries',
      id: 'claims',
      caption: 'What people say, and what was found',
      head: 'Claim',
      fields: ['Found', 'Scope', 'Evidence'],
      look: 'cards',
      // What was found comes first; what nobody looked at needs less room.
      entries: [false, true].flatMap((isUntested) =>
        report.verdicts.flatMap((claim, index) =>
          (claim.verdict === 'not-tested') === isUntested ? [claimEntry(claim, index, cited)] : [],
        ),
      ),
    },
  ];
}

function claimEntry(claim: ClaimVerdict, index: number, cited: ReturnType<typeof citations>): Entry {
  return {
    id: claimAnchor(index),
    head: [claimMark(claim.verdict), ' ', strong(claim.claim), ...basisOf(claim)],
    values: [
      [claim.reason],
      claim.scope === 'none' ? [] : [claim.scope],
      claim.evidence.length === 0 ? [] : [claim.evidence.flatMap((id, at) => citation(id, at, cited))],
    ],
  };
}

/** Not said twice where the verdict says it. */
function basisOf({ verdict, basis }: ClaimVerdict): readonly Inline[] {
  return verdict === 'not-tested' && basis === 'not-tested' ? [] : [quiet(` · ${basisWords[basis]}`)];
}

/** An id may be a scenario's and a workload's at once: then both are linked. */
function citation(id: string, at: number, cited: ReturnType<typeof citations>): readonly Inline[] {
  const places = cited.get(id) ?? [];
  const before = at === 0 ? [] : [', '];
  if (places.length === 0) return [...before, code(id)];
  return places.flatMap((place, index) => [
    ...(index === 0 ? before : [', ']),
    link(place.anchor, places.length === 1 ? id : `${id} (${place.kind})`),
  ]);
}

function assertionsPart(report: Report): Section['parts'] {
  if (report.assertions.length === 0) return [];
  const failed = report.assertions.filter((assertion) => !assertion.holds).length;
  const summary: Text =
    failed === 0 ? 'All bounds that were asked for hold.' : `${failed} of ${report.assertions.length} do not hold.`;
  return [
    {
      id: 'assertions',
      title: 'Assertions',
      blocks: [
        paragraph(summary),
        {
          kind: 'table',
          id: 'assertions-table',
          caption: 'Bounds given with --assert',
          columns: [
            { title: 'Assertion' },
            { title: 'Result' },
            { title: 'Actual', isNumeric: true },
            { title: 'Why' },
          ],
          rows: report.assertions.map(({ expression, holds, actual, reason }) => ({
            cells: [code(expression), assertionMark(holds), actual === null ? '–' : number(actual), reason],
          })),
        },
      ],
    },
  ];
}
