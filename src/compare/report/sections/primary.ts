/** The comparisons that were named before the run: what was expected, what the test says, and how large the difference is. */

import { type ForestRow, forestChart, forestScale, timesBetter } from '../charts/index.ts';
import {
  type Block,
  type Cell,
  type Inline,
  link,
  name,
  nothing,
  type Part,
  paragraph,
  quiet,
  quote,
  type Text,
} from '../document.ts';
import { workloadAnchor } from '../evidence.ts';
import { durability, number, plural, spread } from '../figures.ts';
import { countedArabic, nouns, type Said, say } from '../language.ts';
import type { PrimaryResult, Report, Spread } from '../model.ts';
import { modeWords } from '../view.ts';
import { titleOfPanel } from './bar-panels.ts';
import { primaryMark, primaryWord } from './marks.ts';

export function primaryPart(report: Report): readonly Part[] {
  const { primary } = report;
  if (primary === undefined) return [];
  const { results } = primary;
  return [
    {
      id: 'primary',
      title: say('Named before the run, and tested', 'ما سُمّي قبل التشغيل واختُبر'),
      blocks: [
        paragraph(introduction(primary)),
        ...forest(report, results),
        {
          kind: 'table',
          id: 'primary-table',
          caption: say('Primary comparisons', 'المقارنات الأساسية'),
          look: 'prose',
          columns: [
            { title: say('Expected', 'المتوقع') },
            { title: say('Found', 'ما وُجد') },
            { title: say('p, corrected', 'قيمة p المصححة'), isNumeric: true },
            { title: say('First by second', 'نسبة الأول إلى الثاني'), isNumeric: true },
            { title: say('Medians', 'القيم الوسطى'), isNumeric: true },
          ],
          rows: results.map((result, index) => ({
            id: `primary-${index + 1}`,
            cells: [
              expectation(result, report),
              { lines: foundLines(result) },
              { lines: pValues(result) },
              ratio(result),
              { lines: [...side(result.firstSpread), ...side(result.secondSpread)] },
            ],
          })),
          notes: [
            say(
              'Medians: of the valid repeats of the first system of the sentence, and below it of the second, [95 % bootstrap interval], and how many they were. First by second: ratio of the medians with its interval; δ is Cliff’s delta, 1 when every repeat of the first is above every one of the second.',
              'القيم الوسطى: للتكرارات الصالحة للنظام الأول في الجملة، وتحتها للثاني، [فترة ثقة 95 % بطريقة bootstrap]، وعددها. نسبة الأول إلى الثاني: نسبة القيمتين الوسطيين مع فترتها؛ و δ هي دلتا كليف (Cliff)، وتساوي 1 حين يعلو كل تكرار للأول كل تكرار للثاني.',
            ),
            say(
              'Noise: what the same system run twice differed by, and never less than 10 %. A difference is shown when the corrected p is at most the level, the interval of the ratio does not hold 1, and the ratio is beyond the noise.',
              'الضجيج: ما اختلف به النظام عن نفسه حين شُغّل مرتين، ولا يقل عن 10 %. يثبت الفرق حين لا تتجاوز قيمة p المصححة مستوى الدلالة، ولا تضم فترة النسبة الواحد، وتتجاوز النسبة الضجيج.',
            ),
          ],
        },
      ],
    },
  ];
}

/** A panel for each figure, on one axis: which way a figure is better is turned round for those that ought to be low. */
function forest(report: Report, results: readonly PrimaryResult[]): readonly Block[] {
  const rowOf = (result: PrimaryResult) => forestRow(result, promisesTheSame(report, result));
  const rows = results.map(rowOf);
  if (rows.every(({ times }) => times === null)) return [];
  const scale = forestScale(rows);
  const groups = [...new Set(results.map(({ first, figure, mode }) => `${first} ${figure} ${mode}`))];
  const caption = say('How much better, with its interval', 'بكم يتفوق، مع فترته');
  return [
    {
      kind: 'charts',
      caption,
      systems: [],
      width: 'wide',
      panels: groups.flatMap((group, index) => {
        const own = results.filter(({ first, figure, mode }) => `${first} ${figure} ${mode}` === group);
        const [one] = own;
        if (one === undefined) return [];
        const label = panelLabel(one);
        const drawing = {
          id: `primary-forest-${index + 1}`,
          title: titleOfPanel(caption, label),
          rows: own.map(rowOf),
        };
        return [
          {
            label,
            chart: (language) => forestChart(drawing.id, drawing.title, one.first, drawing.rows, scale, language),
          },
        ];
      }),
    },
    paragraph(
      say(
        'Each line: the ratio of the medians, turned so that right of 1 the first system is better, and its 95 % interval. A filled mark is a difference that the test has shown, a ring is not. The band is the noise: what the same system run twice differed by.',
        'في كل سطر: نسبة القيمتين الوسطيين، مقلوبة بحيث يكون النظام الأول أفضل إلى يمين 1، مع فترة ثقة 95 %. العلامة الممتلئة فرق أثبته الاختبار، والحلقة ليست كذلك. والشريط هو الضجيج: ما اختلف به النظام عن نفسه حين شُغّل مرتين.',
      ),
      'quiet',
    ),
  ];
}

function forestRow(
  { second, ratio: middle, direction, interval, noiseFloor, outcome }: PrimaryResult,
  isSamePromise: boolean,
): ForestRow {
  const turned =
    !isSamePromise || middle === null || middle <= 0
      ? { times: null, interval: null }
      : timesBetter(middle, direction, interval);
  const isShown = outcome === 'shown' || outcome === 'opposite-shown';
  return { system: second, ...turned, noiseFloor, outcome: primaryWord(outcome), isShown };
}

/** What different durabilities cost is not drawn as a difference of the systems. */
function promisesTheSame(report: Report, { workload, mode, layer, first, second }: PrimaryResult): boolean {
  const own = report.workloads.filter((row) => row.id === workload && row.mode === mode && row.layer === layer);
  const promises = own
    .filter(({ system }) => system === first || system === second)
    .map((row) => durability(row.durability));
  return new Set(promises).size <= 1;
}

function panelLabel({ first, figure, mode }: PrimaryResult): Said {
  const what = figureWords[figure] ?? say(figure, figure);
  const { en, ar } = modeWords[mode];
  return say(`${first} beside each: ${what.en}, ${en}`, `${first} مقارنًا بكل منها: ${what.ar}، ${ar}`);
}

/** Of the figures that are named before a run. */
const figureWords: Readonly<Record<string, Said>> = {
  'publish.messagesPerSecond': say('messages a second', 'الرسائل في الثانية'),
  'latencyMs.endToEnd.p99': say('end-to-end p99', 'p99 من الإرسال إلى الاستلام'),
  'cost.brokerCpuSecondsPerMillion': say("the broker's processor for a message", 'معالج الوسيط لكل رسالة'),
};

function introduction({ results, named, level }: NonNullable<Report['primary']>): Said {
  const isTested = results.some(({ pValue }) => pValue !== null);
  const inHundred = number(level * 100);
  const tested = isTested
    ? say(
        `they are tested on their repeats (exact rank-sum test, two-sided) and corrected for their number after Holm, so that a run in which nothing differs finds something in at most ${inHundred} of 100 cases`,
        `وقد اختُبرت على تكراراتها (اختبار مجموع الرتب الدقيق، بطرفين) وصُحّحت بحسب عددها بطريقة هولم (Holm)، فلا يجد تشغيل لا فرق فيه فرقًا إلا في ${inHundred} من 100 حالة على الأكثر`,
      )
    : say('none of them could be tested', 'ولم يمكن اختبار أي منها');
  return say(
    `${named} ${plural(named, 'comparison')} ${named === 1 ? 'was' : 'were'} named before the run, each with what it expects; ${tested.en}. Every other difference in this report is an effect size with its interval, and no test.`,
    `المقارنات التي سُمّيت قبل التشغيل، ولكل منها ما يُتوقع منها: ${countedArabic(named, nouns.comparison)}؛ ${tested.ar}. وكل فرق آخر في هذا التقرير حجم أثر مع فترته، لا اختبار.`,
  );
}

function expectation({ hypothesis, workload, mode, layer, figure, first }: PrimaryResult, report: Report): Text {
  const { en, ar } = modeWords[mode];
  const where = say(`${workload}, ${en}, ${layer}`, `${workload}، ${ar}، ${layer}`);
  const isThere = report.workloads.some((row) => row.id === workload && row.system === first && row.layer === layer);
  const place: Inline = isThere ? link(workloadAnchor({ id: workload, system: first, layer }), where) : where;
  return [quote(hypothesis), quiet(name(' (')), place, quiet(say(`: ${figure})`, `: ${figure})`))];
}

function foundLines({ outcome, because }: PrimaryResult): readonly Text[] {
  return [primaryMark(outcome), quote(because)];
}

function side(figure: Spread | null): readonly Text[] {
  return [figure === null ? nothing : [name(spread(figure)), quiet(name(` n = ${figure.count}`))]];
}

function ratio({ ratio: middle, interval, cliffsDelta, noiseFloor }: PrimaryResult): Cell {
  if (middle === null) return nothing;
  const range = interval === null ? '' : ` [${number(interval.low)}–${number(interval.high)}]`;
  const noise = quiet(say(`noise ± ${number(noiseFloor * 100)} %`, `الضجيج ±${number(noiseFloor * 100)} %`));
  return {
    lines: [
      name(`${number(middle)}${range}`),
      ...(cliffsDelta === null ? [] : [quiet(name(`δ ${number(cliffsDelta)}`))]),
      noise,
    ],
  };
}

function pValues({ pValue, adjustedPValue }: PrimaryResult): readonly Text[] {
  if (pValue === null || adjustedPValue === null) return [quiet(say('not tested', 'لم يُختبر'))];
  return [name(small(adjustedPValue)), quiet(say(`alone ${small(pValue)}`, `منفردة ${small(pValue)}`))];
}

function small(p: number): string {
  return p < 0.00001 ? '<0.00001' : String(Number(p.toPrecision(2)));
}
