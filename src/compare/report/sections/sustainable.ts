/** The rate that can go on for ever, how it was found, what ended it, and latency against load on the way. */

import { latencyLoadChart, loadScales } from '../charts/index.ts';
import {
  type Block,
  type Cell,
  cellName,
  name as named,
  nothing,
  paragraph,
  type Part,
  quiet,
  quote,
  type Row,
  type Section,
  systemName,
} from '../document.ts';
import { count, durability, figure, number, parametersOfStep, rowsOf, spread } from '../figures.ts';
import { countedArabic, nouns, type Said, say } from '../language.ts';
import {
  type LoadCurve,
  loadComparisonInWords,
  loadComparisons,
  loadCurves,
  noiseFloorOfLoads,
} from '../latency-by-load.ts';
import type { CellSummary, RateSearch, Report, SearchCriterion, SearchStep, WorkloadRow } from '../model.ts';
import { baseSystem, comparisonGroups, layers, limitedByWords, workloadGroups, type WorkloadGroup } from '../view.ts';
import { labelOf, titleOfPanel } from './bar-panels.ts';
import { invalidLine, latencyGroups } from './summary-table.ts';

const criterionWords: Readonly<Record<SearchCriterion, Said>> = {
  loss: say('loss', 'فقد'),
  broken: say('broke', 'انقطع'),
  achieved: say('not taken in time', 'لم تُقبل في وقتها'),
  latency: say('latency', 'زمن الوصول'),
  backlog: say('backlog grew', 'نما التراكم'),
  generator: say('generator late', 'تأخر المولّد'),
};

const endWords: Readonly<Record<RateSearch['end'], Said>> = {
  bracketed: say('found', 'وُجد'),
  'top-of-ladder': say('top of the ladder', 'أعلى السلّم'),
  'step-limit': say('limit of steps', 'حد الخطوات'),
  'time-limit': say('limit of time', 'حد الوقت'),
  'nothing-passed': say('nothing passed', 'لم ينجح شيء'),
};

export function sustainableSection(report: Report): Section {
  const groups = workloadGroups(report, 'sustainable-rate');
  return {
    id: 'sustainable',
    title: say('Latency against load', 'زمن الوصول مقابل الحِمل'),
    blocks: [
      paragraph(
        groups.length === 0
          ? say('No sustainable rate was looked for.', 'لم يُبحث عن معدل مستدام.')
          : say(
              'The offered rate is doubled until a bound breaks, then halved between the last that passed and the first that failed; 95 % of what was found is then held for longer, and that is the rate published. Every system climbs the same ladder, so at each rung all were given the same messages.',
              'يُضاعف المعدل المعروض حتى يُخرق حد، ثم يُنصّف ما بين آخر معدل نجح وأول معدل فشل؛ ثم يُثبَّت 95 % مما وُجد مدة أطول، وهو المعدل المنشور هنا. ويصعد كل نظام السلّم نفسه، فعند كل درجة أُعطيت الأنظمة كلها الرسائل نفسها.',
            ),
      ),
    ],
    parts: groups.map((group, index) => partOf(report, group, `sustainable-${index + 1}`)),
  };
}

function partOf(report: Report, group: WorkloadGroup, id: string): Part {
  const curves = loadCurves(group.rows);
  const bounds = group.rows.find(({ search }) => search !== undefined)?.search?.bounds;
  const [first] = group.cells;
  return {
    id,
    title: [named(`${group.workload}: `), quote(group.title)],
    blocks: [
      ...(first === undefined || bounds === undefined
        ? []
        : [paragraph(boundsSentence(bounds, first.parameters), 'quiet')]),
      ...charts(report, group, curves, id, bounds?.p99MsMax ?? 0),
      foundTable(group, `${id}-found`),
      ...turnTable(curves, `${id}-turns`),
      stepTable(group, `${id}-steps`),
    ],
  };
}

function boundsSentence(bounds: RateSearch['bounds'], values: WorkloadRow['parameters']): Said {
  const step = parametersOfStep(values);
  const [achieved, p99] = [number(bounds.achievedMin * 100), number(bounds.p99MsMax)];
  return say(
    `Sustainable: at least ${achieved} % acknowledged in time, end-to-end p99 of at most ${p99} ms, a backlog that does not grow, nothing lost. Each step: ${step.en}.`,
    `المستدام: ${achieved} % على الأقل أُقرّ بها في وقتها، و p99 من الطرف إلى الطرف لا يتجاوز ${p99} ms، وتراكم لا ينمو، ولا فقد. كل خطوة: ${step.ar}.`,
  );
}

// ------------------------------------------------------------------------------------------------ what was found

function foundTable({ workload, cells, rows }: WorkloadGroup, id: string): Block {
  return {
    kind: 'table',
    id,
    caption: say(`The rate that was held, ${workload}`, `المعدل الذي ثبت، ${workload}`),
    columns: [
      { title: say('System', 'النظام') },
      { title: say('Durability', 'الديمومة') },
      { title: say('Held', 'ما ثبت'), unit: named('msg/s'), isNumeric: true },
      { title: say('p99 at it', 'p99 عنده'), unit: named('ms'), isNumeric: true },
      { title: say('Lowest that failed', 'أدنى ما فشل'), unit: named('msg/s'), isNumeric: true },
      { title: say('By', 'بسبب') },
      { title: say('Limited by', 'المحدِّد') },
      { title: say('Search', 'البحث') },
    ],
    rows: cells.map((cell, index) => ({
      cells: foundCells(cell, rowsOf(cell, rows)),
      isApart: index > 0 && cells[index - 1]?.layer !== cell.layer,
    })),
    notes: [
      say(
        'Medians over the searches, [95 % bootstrap interval] where there are several; a figure without an interval is one search.',
        'القيم الوسطى لعمليات البحث، [فترة ثقة 95 % بطريقة bootstrap] حيث تعددت؛ ورقم بلا فترة هو بحث واحد.',
      ),
    ],
  };
}

function foundCells(cell: CellSummary, rows: readonly WorkloadRow[]): readonly Cell[] {
  const name = cellName(cell);
  const rate = cell.figures['publish.messagesPerSecond'];
  const p99 = cell.figures['latencyMs.endToEnd.p99'];
  const failed = rows.flatMap(({ search }) => search?.failed ?? []);
  const lowest = failed.toSorted((a, b) => a.ratePerSecond - b.ratePerSecond)[0];
  const ends = [...new Set(rows.flatMap(({ search }) => (search === undefined ? [] : [search.end])))];
  const tail: readonly Cell[] = [
    lowest === undefined ? quiet(say('none', 'لا شيء')) : named(count(lowest.ratePerSecond)),
    lowest === undefined ? nothing : { lines: [criterionWords[lowest.criterion], quiet(quote(lowest.because))] },
    lowest === undefined ? nothing : limitedByWords[lowest.limitedBy],
    searchWords(ends, cell, rows.length),
  ];
  if (rate === undefined || p99 === undefined) {
    const invalid = { lines: [invalidLine(cell.invalidBecause)], span: 2, tone: 'bad' } as const;
    return [name, named(durability(cell.durability)), invalid, ...tail];
  }
  return [name, named(durability(cell.durability)), named(spread(rate)), named(spread(p99)), ...tail];
}

/** How the searches ended, and how many of them count. */
function searchWords(ends: readonly RateSearch['end'][], { validRepeats }: CellSummary, searches: number): Said {
  const [en, ar] = [ends.map((end) => endWords[end].en).join(', '), ends.map((end) => endWords[end].ar).join('، ')];
  return searches === 1
    ? say(`${en}, one search`, `${ar}، ${countedArabic(1, nouns.search)}`)
    : say(`${en}, ${validRepeats} of ${searches}`, `${ar}، ${validRepeats} من ${searches}`);
}

// ------------------------------------------------------------------------------------------------ latency against load

function charts(
  report: Report,
  group: WorkloadGroup,
  curves: readonly LoadCurve[],
  id: string,
  boundMs: number,
): readonly Block[] {
  const drawn = curves.filter(({ points }) => points.length > 0);
  if (drawn.length === 0 || boundMs <= 0) return [];
  const comparisons = comparisonGroups(group.cells, report);
  const panels = layers.flatMap((layer) =>
    comparisons.flatMap((comparison) => {
      const systems = comparison.cells.filter((cell) => cell.layer === layer).map(({ system }) => system);
      const own = drawn.filter(
        (curve) =>
          curve.layer === layer &&
          systems.includes(curve.system) &&
          durability(curve.durability) === durability(comparison.durability),
      );
      return own.length === 0 ? [] : [{ label: labelOf(layer, comparison.label), own }];
    }),
  );
  const scales = loadScales(drawn, boundMs);
  const caption = say(
    `End-to-end p99 against offered load, ${group.workload}`,
    `p99 من الطرف إلى الطرف مقابل الحِمل المعروض، ${group.workload}`,
  );
  return [
    {
      kind: 'charts',
      width: 'narrow',
      caption,
      systems: [...new Set(panels.flatMap(({ own }) => own.map(({ system }) => system)))],
      panels: panels.map(({ label, own }, index) => ({
        label,
        chart: (language) =>
          latencyLoadChart(`${id}-load-${index}`, titleOfPanel(caption, label), own, scales, boundMs, language),
      })),
    },
  ];
}

/** Kafka beside each system of RabbitMQ: who is lower at which load. */
function turnTable(curves: readonly LoadCurve[], id: string): readonly Block[] {
  const comparisons = loadComparisons(
    curves,
    (system) => baseSystem(system) === 'kafka',
    (system) => system.startsWith('rabbitmq-'),
    noiseFloorOfLoads,
  );
  if (comparisons.length === 0) return [];
  return [
    {
      kind: 'table',
      id,
      caption: say('Whose p99 is lower at which load', 'من أقل p99 وعند أي حِمل'),
      look: 'prose',
      columns: [
        { title: say('Systems', 'النظامان') },
        { title: say('Layer', 'الطبقة') },
        { title: say('Found', 'ما وُجد') },
      ],
      rows: comparisons.map((comparison) => ({
        cells: [
          [systemName(comparison.first), say(' and ', ' و '), systemName(comparison.second)],
          named(comparison.layer),
          [loadComparisonInWords(comparison), ...(comparison.isSamePromise ? [] : [otherPromise])],
        ],
      })),
      notes: [
        say(
          'Rates that only one of the two was given say nothing about both. With one try at a rate a difference must be more than half to be called one.',
          'المعدلات التي أُعطيت لأحدهما فقط لا تقول شيئًا عن الاثنين. ومع محاولة واحدة عند معدل ما يجب أن يتجاوز الفرق النصف ليُسمى فرقًا.',
        ),
      ],
    },
  ];
}

const otherPromise = say(' (the two promise different things)', ' (وعد الاثنين ليس واحدًا)');

// ------------------------------------------------------------------------------------------------ every step

function stepTable({ workload, rows }: WorkloadGroup, id: string): Block {
  const searches = rows.flatMap((row) => (row.search === undefined ? [] : [{ row, search: row.search }]));
  return {
    kind: 'table',
    id,
    caption: say(`Every step, ${workload}`, `كل الخطوات، ${workload}`),
    look: 'dense',
    columns: [
      { title: say('Step', 'الخطوة') },
      { title: say('Offered', 'المعروض'), unit: named('msg/s'), isNumeric: true },
      { title: say('In time', 'في وقتها'), unit: named('%'), isNumeric: true },
      { title: named('p50'), unit: named('ms'), isNumeric: true, group: latencyGroups.endToEnd },
      { title: named('p99'), unit: named('ms'), isNumeric: true, group: latencyGroups.endToEnd },
      { title: say('Samples', 'العينات'), isNumeric: true, group: latencyGroups.endToEnd },
      { title: say('Backlog', 'نمو التراكم'), unit: named('msg/s'), isNumeric: true },
      { title: say('Late p99', 'تأخر المولّد p99'), unit: named('ms'), isNumeric: true },
      { title: say('Broker', 'الوسيط'), unit: say('cores', 'أنوية'), isNumeric: true },
      { title: say('Client', 'العميل'), unit: say('cores', 'أنوية'), isNumeric: true },
      { title: say('Result', 'النتيجة') },
    ],
    rows: searches.flatMap(({ row, search }) =>
      search.steps.map(
        (step, index): Row => ({
          ...(index === 0 ? { group: { text: [...cellName(row), named(` #${row.repeat + 1}`)] } } : {}),
          cells: stepCells(step),
        }),
      ),
    ),
    notes: [
      say(
        'Late: how far the generator itself was behind its plan. Backlog: by how much it grew. What failed is named by the first bound that was not kept, and by what had no more to give.',
        'تأخر المولّد: كم تأخر المولّد نفسه عن خطته. التراكم: كم نما. ويُسمى ما فشل بأول حد خُرق، وبمن لم يبق لديه ما يعطيه.',
      ),
    ],
  };
}

const stepWords: Readonly<Record<SearchStep['kind'], Said>> = {
  ramp: say('ramp', 'تصعيد'),
  bisection: say('bisection', 'تنصيف'),
  confirmation: say('confirmation', 'تأكيد'),
};

function stepCells(step: SearchStep): readonly Cell[] {
  const limit = limitedByWords[step.limitedBy];
  const result: Cell =
    step.criterion === null
      ? say('passed', 'نجحت')
      : [
          criterionWords[step.criterion],
          named(': '),
          quote(step.because ?? ''),
          say(` (limited by ${limit.en})`, ` (المحدِّد: ${limit.ar})`),
        ];
  return [
    stepWords[step.kind],
    named(count(step.ratePerSecond)),
    named(figure(Math.floor(step.achieved * 1000) / 10)),
    step.samples === 0 ? nothing : named(figure(step.endToEndP50Ms)),
    step.samples === 0 ? nothing : named(figure(step.endToEndP99Ms)),
    named(count(step.samples)),
    step.backlogPerSecond === null ? nothing : named(number(step.backlogPerSecond)),
    named(figure(step.slipP99Ms)),
    step.brokerCores === null ? nothing : named(figure(step.brokerCores)),
    named(figure(step.clientCores)),
    result,
  ];
}
