/** Which system suits each use, and by what: the properties that it needs and what its own workload showed. */

import {
  type Block,
  code,
  colon,
  type Entry,
  type Inline,
  link,
  name as named,
  paragraph,
  quiet,
  quote,
  type Section,
  space,
  strong,
  systemName,
  type Text,
  type Tone,
} from '../document.ts';
import { citations } from '../evidence.ts';
import { number } from '../figures.ts';
import { type Said, say } from '../language.ts';
import type { Fit, ReaderRow, Report, UseFinding, UseVerdict } from '../model.ts';

const marks: Readonly<Record<Fit, { readonly tone: Tone; readonly mark: string; readonly word: Said }>> = {
  yes: { tone: 'good', mark: '✓', word: say('yes', 'نعم') },
  emulated: { tone: 'part', mark: '◐', word: say('emulated', 'بالمحاكاة') },
  behind: { tone: 'part', mark: '↓', word: say('behind', 'متأخر') },
  no: { tone: 'bad', mark: '✕', word: say('no', 'لا') },
  unknown: { tone: 'open', mark: '?', word: say('not known', 'غير معروف') },
};

/** None in a report whose run had no workload with readers. */
export function usesSections(report: Report): readonly Section[] {
  const { uses = [] } = report;
  const readers = readersPart(report);
  if (uses.length === 0 && readers.length === 0) return [];
  if (uses.length === 0)
    return [
      {
        id: 'uses',
        title: say('Readers', 'القرّاء'),
        blocks: [
          paragraph(
            say(
              'The readers that the workload names, each with a subscription and a pace of its own, the same on every system.',
              'القرّاء الذين يسميهم حِمل العمل، لكل منهم اشتراك وسرعة خاصان به، على كل نظام سواء.',
            ),
          ),
        ],
        parts: readers,
      },
    ];
  return [
    {
      id: 'uses',
      title: say('Uses', 'الاستخدامات'),
      blocks: [
        paragraph(
          say(
            'Each use has a workload of its own, the same messages at the same times on every system, with readers at their own pace. A system suits a use when it has every property that the use needs and bears the workload within its bounds; of the systems that do, those that need the least emulation come first.',
            'لكل استخدام حِمل عمل خاص به: الرسائل نفسها في الأوقات نفسها على كل نظام، وقرّاء كلٌّ بسرعته. يناسب النظام استخدامًا حين تكون له كل خاصية يحتاج إليها الاستخدام ويتحمل حِمل العمل ضمن حدوده؛ ويتقدم من بين هذه الأنظمة ما يحتاج إلى أقل محاكاة.',
          ),
        ),
        entriesOf(report, uses),
      ],
      parts: readers,
    },
  ];
}

function entriesOf(report: Report, uses: readonly UseVerdict[]): Block {
  const cited = citations(report);
  return {
    kind: 'entries',
    id: 'uses-found',
    caption: say('Which system suits it', 'أي نظام يناسبه'),
    head: say('Use', 'الاستخدام'),
    fields: [say('Found', 'ما وُجد'), say('Scope', 'النطاق')],
    look: 'cards',
    entries: uses.map((use): Entry => {
      const needs = [...new Set(use.findings.map(({ need }) => need))];
      return {
        id: `use-${use.id}`,
        head: [strong(quote(use.title)), quiet(suitedWords(use))],
        values: [
          [quote(use.answer), ...needs.flatMap((need) => needLines(need, use.findings, cited))],
          [quote(use.scope)],
        ],
      };
    }),
  };
}

function suitedWords({ suited }: UseVerdict): Said {
  return suited.length === 0
    ? say(' · no system alone', ' · لا نظام وحده')
    : say(` · ${suited.join(', ')}`, ` · ${suited.join('، ')}`);
}

/** The need, and below it a line for each system: `✓ yes kafka after the ack 200 of 200 came again replay-after-ack.kafka.bare`. */
function needLines(
  need: string,
  findings: readonly UseFinding[],
  cited: ReturnType<typeof citations>,
): readonly Text[] {
  const own = findings.filter((finding) => finding.need === need);
  return [
    [strong(quote(need))],
    ...own.map(({ fit, system, reason, basis, cites }): readonly Inline[] => [
      { kind: 'mark', ...marks[fit] },
      space,
      systemName(system),
      colon,
      quote(reason),
      ...(basis === 'measured' ? [] : [basisNotes[basis]]),
      ...cites.flatMap((id) => [space, citation(id, cited)]),
    ]),
  ];
}

const basisNotes = {
  documented: say(' (documented)', ' (من الوثائق)'),
  'not tested': say(' (not tested)', ' (لم يُختبر)'),
} as const;

function citation(id: string, cited: ReturnType<typeof citations>): Inline {
  const [place] = cited.get(id) ?? [];
  return place === undefined ? code(id) : link(place.anchor, named(id));
}

// ------------------------------------------------------------------------------------------------ what the readers got

/** Of the uses, and of a workload that somebody brought. */
function readersPart(report: Report): NonNullable<Section['parts']> {
  const rows = report.workloads.filter((row) => row.readers !== undefined);
  if (rows.length === 0) return [];
  return [
    {
      id: 'uses-readers',
      title: say('What each reader got', 'ما تلقّاه كل قارئ'),
      blocks: [
        {
          kind: 'table',
          id: 'uses-readers-table',
          caption: say('Readers, run by run', 'القرّاء، تشغيلًا بعد تشغيل'),
          look: 'dense',
          columns: [
            { title: say('Reader', 'القارئ') },
            { title: say('Received', 'استُلمت'), isNumeric: true },
            { title: say('Missing', 'ناقصة'), isNumeric: true },
            { title: say('Out of order', 'خارج الترتيب'), isNumeric: true },
            { title: named('p50'), unit: named('ms'), isNumeric: true },
            { title: named('p99'), unit: named('ms'), isNumeric: true },
            { title: say('Caught up in', 'لحق خلال'), unit: named('ms'), isNumeric: true },
            {
              title: say('Read again at', 'أعاد القراءة بمعدل'),
              unit: say('messages/s', 'رسالة في الثانية'),
              isNumeric: true,
            },
          ],
          rows: rows.flatMap((row) =>
            Object.entries(row.readers ?? {}).map(([name, reader], index) => ({
              ...(index === 0
                ? { group: { text: [named(`${row.id} `), systemName(row.system), ...(row.valid ? [] : [invalidRun])] } }
                : {}),
              cells: [named(name), ...figuresOf(reader)],
            })),
          ),
          notes: [
            say(
              'Out of order is no fault of a reader that asked for none. Latencies of slow and absent readers have their pace and their absence in them.',
              'اختلال الترتيب ليس عيبًا في قارئ لم يطلب ترتيبًا. وأزمنة وصول القرّاء البطيئين والغائبين تضم بطأهم وغيابهم.',
            ),
            ...refusals(rows),
          ],
        },
      ],
    },
  ];
}

const invalidRun = say(' (invalid run)', ' (تشغيل غير صالح)');

/** Each once. */
function refusals(rows: Report['workloads']): readonly Text[] {
  const told = rows.flatMap((row) =>
    Object.entries(row.readers ?? {}).flatMap(([reader, { refused }]) =>
      refused === undefined ? [] : [{ who: `${row.id} ${row.system} ${reader}`, refused }],
    ),
  );
  return [...new Map(told.map((each) => [`${each.who}: ${each.refused}`, each])).values()].map(({ who, refused }) => [
    say(`${who}: refused, `, `${who}: مرفوض، `),
    quote(refused),
  ]);
}

function figuresOf(reader: ReaderRow): readonly Text[] {
  const { received, missing, reordered, p50Ms, p99Ms, catchUpMs, replayPerSecond } = reader;
  return [received, missing, reordered, p50Ms, p99Ms, catchUpMs, replayPerSecond].map((value) =>
    named(value === null ? '–' : number(value)),
  );
}
