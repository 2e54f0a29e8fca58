/** The answer first: a paragraph, then each claim with what it rests on, then the bounds that were asked for. */

import {
  type Block,
  code,
  colon,
  comma,
  type Entry,
  type Inline,
  link,
  name,
  inARow,
  paragraph,
  quiet,
  quote,
  type Section,
  semicolon,
  space,
  strong,
} from '../document.ts';
import { citations, claimAnchor } from '../evidence.ts';
import { type Said, say, sentences } from '../language.ts';
import type { ClaimVerdict, Report } from '../model.ts';
import { number, plural } from '../figures.ts';
import { basisWords, leadSentences } from '../view.ts';
import { assertionMark, claimMark } from './marks.ts';
import { primaryPart } from './primary.ts';

export function verdictSection(report: Report): Section {
  const { first, found, counted } = leadSentences(report);
  return {
    id: 'verdict',
    title: say('Verdict', 'الحكم'),
    blocks: [
      paragraph(first, 'lead'),
      ...(found.length === 0 ? [] : [{ kind: 'list', items: found.map(claimLine) } as const]),
      paragraph([sentences(counted), ...notMeasuredSentence(report)]),
      ...claimsBlock(report),
    ],
    parts: [...primaryPart(report), ...assertionsPart(report)],
  };
}

/** `Holds: “…” and “…”.` */
function claimLine({ words, claims }: ReturnType<typeof leadSentences>['found'][number]): readonly Inline[] {
  return [
    strong(words),
    colon,
    ...claims.flatMap((claim, at): readonly Inline[] => [
      ...(at === 0 ? [] : [at === claims.length - 1 ? and : comma]),
      openQuote,
      quote(claim.replace(/[.\s]+$/, '')),
      closeQuote,
    ]),
    name('.'),
  ];
}

const and = say(' and ', ' و');
const openQuote = say('“', '«');
const closeQuote = say('”', '»');

function notMeasuredSentence(report: Report): readonly Inline[] {
  const howMany = report.notMeasured.length;
  if (howMany === 0) return [];
  return [
    space,
    link('not-measured', say(`${howMany} ${plural(howMany, 'thing')} asked for`, `ما طُلب وعدده ${howMany}`)),
    say(' could not be measured.', ' لم يمكن قياسه.'),
  ];
}

function claimsBlock(report: Report): readonly Block[] {
  if (report.verdicts.length === 0)
    return [paragraph(say('No claim was judged in this run.', 'لم يُحكم على أي مقولة في هذا التشغيل.'))];
  const cited = citations(report);
  return [
    {
      kind: 'entries',
      id: 'claims',
      caption: say('What people say, and what was found', 'ما يقوله الناس، وما وُجد'),
      head: say('Claim', 'المقولة'),
      fields: [say('Found', 'ما وُجد'), say('Scope', 'النطاق'), say('Evidence', 'الدليل')],
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
    head: [claimMark(claim.verdict), space, strong(quote(claim.claim)), ...basisOf(claim)],
    values: [
      reasonLines(claim.reason).map(quote),
      claim.scope === 'none' ? [] : [quote(claim.scope)],
      claim.evidence.length === 0 ? [] : [evidenceOf(claim.evidence, cited)],
    ],
  };
}

/** What a claim rests on, in lines: a new one where another load, client or system begins. Few of them stay one. Pure. */
export function reasonLines(reason: string): readonly string[] {
  const lines = reason.split(
    /(?<=[a-z0-9)]\.) (?=(?:rabbitmq|kafka|throughput|sustainable)[\w@.-]*[,:]|(?:At|By) [^.]{1,60}: )/,
  );
  return lines.length > linesInProseMax ? lines : [reason];
}

const linesInProseMax = 2;

/** Not said twice where the verdict says it. */
function basisOf({ verdict, basis }: ClaimVerdict): readonly Inline[] {
  return verdict === 'not-tested' && basis === 'not-tested'
    ? []
    : [quiet(say(` · ${basisWords[basis].en}`, ` · ${basisWords[basis].ar}`))];
}

/** `fan-out · bare: kafka, rabbitmq-stream; …`: cells of one question and layer together, each a link. */
function evidenceOf(ids: readonly string[], cited: ReturnType<typeof citations>): readonly Inline[] {
  const groups = new Map<string, { readonly head: Inline; readonly cells: Inline[] }>();
  for (const id of ids)
    for (const { head, cell } of citationsOf(id, cited)) {
      const key = JSON.stringify(head);
      const group = groups.get(key) ?? { head, cells: [] };
      group.cells.push(cell);
      groups.set(key, group);
    }
  return [...groups.values()].flatMap(({ head, cells }, at) => [
    ...(at === 0 ? [] : [semicolon]),
    ...(cells.length === 0 ? [] : [head, colon, ...inARow(cells)]),
  ]);
}

interface Citation {
  /** What was asked or run, and on which layer. */
  readonly head: Inline;
  readonly cell: Inline;
}

/** An id may be a scenario's and a workload's at once: then both are linked. */
function citationsOf(id: string, cited: ReturnType<typeof citations>): readonly Citation[] {
  const [, what = id, system = '', layer = ''] = /^(.+?)\.((?:rabbitmq|kafka|log)[\w@.-]*)\.(\w+)$/.exec(id) ?? [];
  const places = cited.get(id) ?? [];
  if (system === '' || places.length === 0) return [{ head: say('cells', 'خلايا'), cell: code(id) }];
  return places.map(({ anchor, kind }) => ({
    head: places.length === 1 ? name(`${what} · ${layer}`) : kindWords(`${what} · ${layer}`, kind),
    cell: link(anchor, name(system)),
  }));
}

function kindWords(what: string, kind: 'scenario' | 'workload'): Said {
  return kind === 'scenario'
    ? say(`${what} (scenario)`, `${what} (سيناريو)`)
    : say(`${what} (workload)`, `${what} (حِمل عمل)`);
}

function assertionsPart(report: Report): Section['parts'] {
  if (report.assertions.length === 0) return [];
  const failed = report.assertions.filter((assertion) => !assertion.holds).length;
  const summary =
    failed === 0
      ? say('All bounds that were asked for hold.', 'كل الحدود المطلوبة متحققة.')
      : say(
          `${failed} of ${report.assertions.length} do not hold.`,
          `غير المتحقق ${failed} من ${report.assertions.length}.`,
        );
  return [
    {
      id: 'assertions',
      title: say('Assertions', 'الحدود المطلوبة'),
      blocks: [
        paragraph(summary),
        {
          kind: 'table',
          id: 'assertions-table',
          caption: say('Bounds given with --assert', 'الحدود المعطاة بالخيار --assert'),
          columns: [
            { title: say('Assertion', 'الحد') },
            { title: say('Result', 'النتيجة') },
            { title: say('Actual', 'القيمة الفعلية'), isNumeric: true },
            { title: say('Why', 'السبب') },
          ],
          rows: report.assertions.map(({ expression, holds, actual, reason }) => ({
            cells: [
              code(expression),
              assertionMark(holds),
              name(actual === null ? '–' : number(actual)),
              quote(reason),
            ],
          })),
        },
      ],
    },
  ];
}
