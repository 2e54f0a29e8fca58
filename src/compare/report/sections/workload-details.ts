/** Every run of every workload. A run that was not valid has its reason where the figures would be. */

import {
  type Block,
  type Cell,
  cellName,
  type Column,
  comma,
  inARow,
  isSaid,
  name as named,
  nothing,
  paragraph,
  type Part,
  quiet,
  quote,
  type Row,
  type Text,
  type Words,
} from '../document.ts';
import { workloadAnchor } from '../evidence.ts';
import { bytes, count, durability, figure, isThin, parameters, percentiles } from '../figures.ts';
import { countedArabic, nouns, type Said, say } from '../language.ts';
import type { LatencySummary, PhaseName, Report, WorkloadParameters, WorkloadRow } from '../model.ts';
import { limitedByWords, modeWords, sortCells } from '../view.ts';
import { latencyGroups, nOf, thinNote } from './summary-table.ts';

export function workloadParts(report: Report): readonly Part[] {
  const ids = [...new Set(report.workloads.map((row) => row.id))];
  return ids.map((id, index) => {
    const runs = numberedRuns(report, id);
    const part = `workload-${index + 1}`;
    return {
      id: part,
      title: say(`Workload ${id}`, `حِمل العمل ${id}`),
      blocks: [
        { kind: 'list', items: offers(runs) },
        figuresTable(runs, `${part}-figures`, id),
        checksTable(runs, `${part}-checks`, id),
        ...courseTable(runs, `${part}-course`, id),
        ...phaseTable(runs, `${part}-phases`, id),
        ...remarks(runs),
      ],
    };
  });
}

interface Run {
  readonly row: WorkloadRow;
  /** What was offered, named so that it can be told from the workload's others. */
  readonly offer: Said;
  /** The first of its evidence id carries the anchor. */
  readonly isFirst: boolean;
}

/** By layer and system, so that what a claim cites stands together; in there by mode, parameters and repeat. */
function numberedRuns(report: Report, id: string): readonly Run[] {
  const rows = report.workloads.filter((row) => row.id === id);
  const offers = offerNames(rows);
  const seen = new Set<string>();
  return sortCells(rows, report).map((row) => {
    const anchor = workloadAnchor(row);
    const isFirst = !seen.has(anchor);
    seen.add(anchor);
    return { row, offer: offers.get(offerKey(row)) ?? modeWords[row.mode], isFirst };
  });
}

function offerKey(row: WorkloadRow): string {
  return `${row.mode} ${JSON.stringify(row.parameters)}`;
}

/** `equal load`; with several sets of parameters `equal load (2)`. */
function offerNames(rows: readonly WorkloadRow[]): ReadonlyMap<string, Said> {
  const names = new Map<string, Said>();
  const times = new Map<string, number>();
  for (const row of rows) {
    const key = offerKey(row);
    if (names.has(key)) continue;
    const nth = (times.get(row.mode) ?? 0) + 1;
    times.set(row.mode, nth);
    const mode = modeWords[row.mode];
    names.set(key, nth === 1 ? mode : say(`${mode.en} (${nth})`, `${mode.ar} (${nth})`));
  }
  return names;
}

function offers(runs: readonly Run[]): readonly Text[] {
  const known = new Map<string, { offer: Said; title: string; parameters: WorkloadParameters }>();
  for (const { row, offer } of runs)
    if (!known.has(offer.en)) known.set(offer.en, { offer, title: row.title, parameters: row.parameters });
  return [...known.values()].map(({ offer, title, parameters: values }): Text => {
    const { en, ar } = parameters(values);
    const messages = count(values.messages);
    return [
      say(`${offer.en}: `, `${offer.ar}: `),
      quote(title),
      say(`. ${en}, ${messages} messages planned.`, `. ${ar}، والرسائل المخطط لها ${messages}.`),
    ];
  });
}

// ------------------------------------------------------------------------------------------------ figures

const latencies = [
  {
    kind: 'publish',
    group: latencyGroups.publish,
    shown: percentiles.filter(({ path }) => /^(p50|p99|max)$/.test(path)),
  },
  { kind: 'endToEnd', group: latencyGroups.endToEnd, shown: percentiles },
] as const;

type Percentile = (typeof percentiles)[number];

const published = say('Published', 'المنشور');
const received = say('Received', 'المستلم');
const samplesTitle = say('Samples', 'العينات');
const systemTitle = say('System', 'النظام');
const runTitle = say('Run', 'التشغيل');
const cores = say('cores', 'أنوية');

const figureColumns: readonly Column[] = [
  { title: published, unit: named('msg/s'), isNumeric: true },
  { title: published, unit: named('MB/s'), isNumeric: true },
  { title: received, unit: named('msg/s'), isNumeric: true },
  ...latencies.flatMap(({ group, shown }) => [
    ...shown.map(({ name }) => ({ title: named(name), unit: named('ms'), isNumeric: true, group })),
    { title: samplesTitle, isNumeric: true, group },
  ]),
];

function figuresTable(runs: readonly Run[], id: string, workload: string): Block {
  const rows = withBeginnings(runs, hasSameCell).map(([run, isFirst]): Row => {
    const group = { text: [...cellName(run.row), comma, named(durability(run.row.durability))] };
    return {
      ...(isFirst ? { group: run.isFirst ? { id: workloadAnchor(run.row), ...group } : group } : {}),
      cells: [runName(run.row, run.offer), ...figureCells(run.row)],
    };
  });
  const isAnyThin = runs.some(({ row }) => row.valid && hasThin(row));
  return {
    kind: 'table',
    id,
    caption: say(`Figures of every run, ${workload}`, `أرقام كل تشغيل، ${workload}`),
    columns: [{ title: runTitle }, ...figureColumns],
    rows,
    look: 'dense',
    ...(isAnyThin ? { notes: [thinNote] } : {}),
  };
}

/** Each with whether it is another thing than the one before it. */
function withBeginnings<Item>(
  items: readonly Item[],
  isSame: (one: Item, other: Item) => boolean,
): readonly (readonly [Item, boolean])[] {
  return items.map((item, index) => [item, index === 0 || !isSame(items[index - 1] as Item, item)]);
}

function hasSameCell(
  { row: one }: { readonly row: WorkloadRow },
  { row: other }: { readonly row: WorkloadRow },
): boolean {
  return (
    one.system === other.system &&
    one.layer === other.layer &&
    durability(one.durability) === durability(other.durability)
  );
}

function figureCells(row: WorkloadRow): readonly Cell[] {
  return row.valid
    ? [
        rate(row.publish.messagesPerSecond),
        rate(row.publish.megabytesPerSecond),
        rate(row.consume.messagesPerSecond),
        ...latencies.flatMap(({ kind, shown }) => latencyCells(row.latencyMs[kind], shown)),
      ]
    : [
        {
          lines: [[say('invalid: ', 'غير صالح: '), invalidReason(row)]],
          span: figureColumns.length,
          tone: 'bad',
        },
      ];
}

/** `equal load #2`. */
function runName({ repeat }: WorkloadRow, offer: Said): Said {
  return say(`${offer.en} #${repeat + 1}`, `${offer.ar} #${repeat + 1}`);
}

function invalidReason({ invalidBecause }: WorkloadRow): Words {
  return invalidBecause === undefined ? say('no reason was recorded', 'لم يُسجَّل سبب') : quote(invalidBecause);
}

function rate(value: number): Cell {
  return value === 0 ? nothing : named(figure(value));
}

function latencyCells(latency: LatencySummary, shown: readonly Percentile[]): readonly Cell[] {
  if (latency.count === 0) return [...shown.map(() => nothing), named('0')];
  return [
    ...shown.map(
      ({ path, fraction }): Cell => ({
        kind: 'figure',
        value: figure(latency[path]),
        interval: null,
        isThin: isThin(fraction, latency.count),
      }),
    ),
    named(count(latency.count)),
  ];
}

function hasThin(row: WorkloadRow): boolean {
  return latencies.some(({ kind, shown }) =>
    shown.some(({ fraction }) => row.latencyMs[kind].count > 0 && isThin(fraction, row.latencyMs[kind].count)),
  );
}

// ------------------------------------------------------------------------------------------------ checks and cost

const checkNames = [
  ['sent', say('Sent', 'أُرسلت')],
  ['acked', say('Acked', 'أُقرّ بها')],
  ['received', say('Received', 'استُلمت')],
  ['lost', say('Lost', 'فُقدت')],
  ['duplicated', say('Twice', 'مرتين')],
  ['reordered', say('Reordered', 'اختل ترتيبها')],
  ['phantom', say('Phantom', 'دخيلة')],
  ['unknown', say('Unknown', 'مجهولة المصير')],
  ['refused', say('Refused', 'رُفضت')],
] as const;

const broker = say('Broker', 'الوسيط');
const client = say('Client', 'العميل');

const costColumns: readonly Column[] = [
  { title: say('Late p99', 'تأخر المولّد p99'), unit: named('ms'), isNumeric: true },
  { title: broker, unit: cores, isNumeric: true },
  { title: client, unit: cores, isNumeric: true },
  { title: broker, unit: named('CPU s/M'), isNumeric: true },
  { title: client, unit: named('CPU s/M'), isNumeric: true },
  { title: say('Written', 'المكتوب'), unit: say('× payload', '× الحمولة'), isNumeric: true },
  { title: say('Peak RSS', 'ذروة الذاكرة'), isNumeric: true },
  { title: say('Limited by', 'المحدِّد') },
];

/** These are told also when there were none. */
const alwaysTold: readonly (typeof checkNames)[number][0][] = ['sent', 'acked', 'received', 'lost', 'duplicated'];

function checksTable(runs: readonly Run[], id: string, workload: string): Block {
  const isTold = ([name]: (typeof checkNames)[number]): boolean =>
    alwaysTold.includes(name) || runs.some(({ row }) => row.checks[name] > 0);
  const told = checkNames.filter(isTold);
  const absent = checkNames.filter((check) => !isTold(check)).map(([, title]) => title);
  return {
    kind: 'table',
    id,
    caption: say(`Checks and cost of every run, ${workload}`, `فحوص كل تشغيل وكلفته، ${workload}`),
    look: 'dense',
    columns: [
      { title: runTitle },
      ...told.map(([, title]) => ({ title, isNumeric: true, group: say('Messages', 'الرسائل') })),
      ...costColumns,
    ],
    rows: withBeginnings(runs, hasSameCell).map(([{ row, offer }, isFirst]) => ({
      ...(isFirst ? { group: { text: cellName(row) } } : {}),
      cells: [runName(row, offer), ...told.map(([name]) => named(count(row.checks[name]))), ...costCells(row)],
    })),
    notes: [
      ...(absent.length === 0
        ? []
        : [
            say(
              `0 in every run: ${absent.map(({ en }) => en.toLowerCase()).join(', ')}.`,
              `0 في كل تشغيل: ${absent.map(({ ar }) => ar).join('، ')}.`,
            ),
          ]),
      say(
        'Late: how far the generator itself was behind its plan, which is part of every latency above. Received counts every subscription. CPU s/M: processor seconds per million messages.',
        'تأخر المولّد: كم تأخر المولّد نفسه عن خطته، وهو جزء من كل زمن وصول أعلاه. «استُلمت» تعدّ كل الاشتراكات. CPU s/M: ثواني المعالج لكل مليون رسالة.',
      ),
    ],
  };
}

function costCells(row: WorkloadRow): readonly Cell[] {
  if (!row.valid)
    return [{ lines: [say('invalid: not a figure', 'غير صالح: ليس رقمًا')], span: costColumns.length, tone: 'bad' }];
  const { cost, utilization, slipMs } = row;
  const or = (value: number | null, show: (value: number) => string = figure): Cell =>
    value === null ? nothing : named(show(value));
  return [
    named(figure(slipMs.p99)),
    or(utilization.brokerCores),
    named(figure(utilization.clientCores)),
    or(cost.brokerCpuSecondsPerMillion),
    or(cost.clientCpuSecondsPerMillion),
    or(cost.bytesWrittenPerPayloadByte),
    or(cost.peakRssBytes, bytes),
    limitedByWords[row.limitedBy],
  ];
}

// ------------------------------------------------------------------------------------------------ course

/** The repeats of each system, layer and offer. */
function cellsOf(runs: readonly Run[]): readonly (readonly Run[])[] {
  const cells = new Map<string, Run[]>();
  for (const run of runs) {
    const key = `${run.row.system} ${run.row.layer} ${run.offer.en}`;
    cells.set(key, [...(cells.get(key) ?? []), run]);
  }
  return [...cells.values()];
}

/** One line for each system, layer and offer: how the phases of its runs went. */
function courseTable(runs: readonly Run[], id: string, workload: string): readonly Block[] {
  const cells = cellsOf(runs.filter(({ row }) => row.phases !== undefined));
  if (cells.length === 0) return [];
  return [
    {
      kind: 'table',
      id,
      caption: say(`Course of the runs, ${workload}`, `مجرى التشغيلات، ${workload}`),
      look: 'dense',
      columns: [
        { title: systemTitle },
        { title: say('Runs', 'التشغيلات') },
        { title: say('Steady after warm-up', 'مستقر بعد الإحماء'), isNumeric: true },
        { title: say('Warm-up', 'الإحماء'), unit: longest, isNumeric: true },
        { title: say('Drain', 'التفريغ'), unit: longest, isNumeric: true },
        { title: service, unit: say('ms, publish', 'ms، النشر'), isNumeric: true },
        { title: service, unit: say('ms, end to end', 'ms، من الطرف إلى الطرف'), isNumeric: true },
        { title: say('Event loop late', 'تأخر حلقة الأحداث'), unit: named('ms, p99'), isNumeric: true },
        { title: say('Phases', 'المراحل') },
      ],
      rows: cells.map((own) => ({ cells: courseCells(own) })),
      notes: [
        say(
          'Steady: the last three windows of the warm-up were alike in rate and p50; a run of which that is not true says so in its notes. Service: from the time at which a message was really handed over, the worst of the runs; the latencies above count from when it should have been.',
          'مستقر: تشابهت آخر ثلاث نوافذ من الإحماء في المعدل وفي p50؛ والتشغيل الذي لا يصح فيه ذلك يقوله في ملاحظاته. زمن الخدمة: من وقت تسليم الرسالة فعلًا، وهو أسوأ التشغيلات؛ أما أزمنة الوصول أعلاه فتُحسب من الوقت الذي كان يجب أن تُسلَّم فيه.',
        ),
      ],
    },
  ];
}

const longest = say('ms, longest', 'ms، الأطول');
const service = say('Service p99', 'زمن الخدمة p99');

export const phaseWords: Readonly<Record<PhaseName, Said>> = {
  warmup: say('warmup', 'إحماء'),
  ramp: say('ramp', 'تصعيد'),
  steady: say('steady', 'حِمل مستقر'),
  burst: say('burst', 'اندفاعة'),
  backlog: say('backlog', 'تراكم'),
  drain: say('drain', 'تفريغ'),
  idle: say('idle', 'خمول'),
  fault: say('fault', 'عطل'),
  replay: say('replay', 'إعادة قراءة'),
};

function courseCells(own: readonly Run[]): readonly Cell[] {
  const [first] = own as [Run, ...Run[]];
  const rows = own.map(({ row }) => row);
  const longestOf = (name: PhaseName): Cell => {
    const times = rows.flatMap(({ phases = [] }) =>
      phases.filter(({ phase }) => phase === name).map(({ fromMs, toMs }) => toMs - fromMs),
    );
    return times.length === 0 ? nothing : named(count(Math.max(...times)));
  };
  const worst = (of: (row: WorkloadRow) => number | undefined): Cell => {
    const values = rows.filter(({ valid }) => valid).flatMap((row) => of(row) ?? []);
    return values.length === 0 ? nothing : named(figure(Math.max(...values)));
  };
  const warmups = rows.flatMap(({ phases = [] }) => phases.filter(({ phase }) => phase === 'warmup'));
  const names = [...new Set(rows.flatMap(({ phases = [] }) => phases.map(({ phase }) => phase)))];
  return [
    cellName(first.row),
    say(`${first.offer.en} × ${own.length}`, `${first.offer.ar} × ${own.length}`),
    warmups.length === 0 ? nothing : nOf(warmups.filter(({ isSteady }) => isSteady === true).length, warmups.length),
    longestOf('warmup'),
    longestOf('drain'),
    worst((row) => (row.latencyMs.publish.count === 0 ? undefined : row.serviceMs?.publish.p99)),
    worst((row) => (row.latencyMs.endToEnd.count === 0 ? undefined : row.serviceMs?.endToEnd.p99)),
    worst((row) => row.eventLoopLagMs?.p99),
    inARow(names.map((name) => phaseWords[name])),
  ];
}

/** Where a workload has a course: every phase of every run. */
function phaseTable(runs: readonly Run[], id: string, workload: string): readonly Block[] {
  const rows = runs.flatMap(({ row, offer }) =>
    (row.phases ?? []).flatMap((phase) =>
      phase.figures === undefined ? [] : [{ row, offer, phase, of: phase.figures }],
    ),
  );
  if (rows.length === 0) return [];
  const or = (value: number | null, show: (value: number) => string = figure): Cell =>
    value === null ? nothing : named(show(value));
  return [
    {
      kind: 'table',
      id,
      caption: say(`Every phase, ${workload}`, `كل المراحل، ${workload}`),
      look: 'dense',
      columns: [
        { title: say('Phase', 'المرحلة') },
        { title: say('From', 'من'), unit: named('s'), isNumeric: true },
        { title: say('To', 'إلى'), unit: named('s'), isNumeric: true },
        { title: published, unit: named('msg/s'), isNumeric: true },
        { title: received, unit: named('msg/s'), isNumeric: true },
        { title: named('p50'), unit: named('ms'), isNumeric: true, group: latencyGroups.endToEnd },
        { title: named('p99'), unit: named('ms'), isNumeric: true, group: latencyGroups.endToEnd },
        { title: samplesTitle, isNumeric: true, group: latencyGroups.endToEnd },
        { title: say('Backlog', 'التراكم'), unit: say('most', 'أقصاه'), isNumeric: true },
        { title: broker, unit: cores, isNumeric: true },
        { title: say('Note', 'ملاحظة') },
      ],
      rows: withBeginnings(rows, (one, other) => one.row === other.row).map(([{ row, offer, phase, of }, isFirst]) => ({
        ...(isFirst ? { group: { text: [...cellName(row), comma, runName(row, offer)] } } : {}),
        cells: [
          phaseWords[phase.phase],
          named(figure(phase.fromMs / 1000)),
          named(figure(phase.toMs / 1000)),
          named(figure(of.publishedPerSecond)),
          named(figure(of.receivedPerSecond)),
          or(of.endToEndP50Ms),
          or(of.endToEndP99Ms),
          named(count(of.samples)),
          named(count(of.backlogMax)),
          or(of.brokerCores),
          quote(phase.note ?? ''),
        ],
      })),
      notes: [
        say(
          'Latencies are of the messages that were due in the phase, whenever they came: those of a backlog waited for the consumers.',
          'أزمنة الوصول هي أزمنة الرسائل التي حان وقتها في المرحلة، متى وصلت: فرسائل التراكم انتظرت المستهلكين.',
        ),
      ],
    },
  ];
}

// ------------------------------------------------------------------------------------------------ what is special

/** Notes and of each run the first offender, each with the runs that it is true of. */
function remarks(runs: readonly Run[]): readonly Block[] {
  const said = new Map<string, { readonly sentence: Words; readonly where: Run[] }>();
  for (const run of runs)
    for (const sentence of sentencesOf(run.row)) {
      const key = isSaid(sentence) ? sentence.en : sentence.text;
      const known = said.get(key) ?? { sentence, where: [] };
      if (!known.where.includes(run)) known.where.push(run);
      said.set(key, known);
    }
  if (said.size === 0) return [];
  return [
    paragraph(
      say(
        'Notes, and the first offender of each run (report.json has more of them):',
        'ملاحظات، وأول مخالفة في كل تشغيل (وفي report.json غيرها):',
      ),
    ),
    {
      kind: 'list',
      items: [...said.values()].map(({ sentence, where }): Text => [sentence, quiet(placesOf(where, runs))]),
    },
  ];
}

function sentencesOf(row: WorkloadRow): readonly Words[] {
  const settings = row.settings === 'tuned' ? [say('tuned settings', 'إعدادات مضبوطة')] : [];
  return [...[...row.notes, ...row.checks.offenders.slice(0, 1)].map(quote), ...settings, ...negativeSentences(row)];
}

/** ` (every run)`, or for each system ` (kafka)`, or ` (kafka bare own maximum #2 #3)`. */
function placesOf(where: readonly Run[], runs: readonly Run[]): Said {
  if (where.length === runs.length) return say(' (every run)', ' (كل تشغيل)');
  const systems = [...new Set(where.map(({ row }) => row.system))];
  const all = cellsOf(runs);
  const places = systems.flatMap((system): readonly Said[] => {
    const own = where.filter(({ row }) => row.system === system);
    if (own.length === runs.filter(({ row }) => row.system === system).length) return [say(system, system)];
    return cellsOf(own).map((these) => {
      const [{ row, offer }] = these as [Run, ...Run[]];
      const isAll = these.length === all.find((cell) => cell.includes(these[0] as Run))?.length;
      const numbers = isAll ? '' : these.map((run) => ` #${run.row.repeat + 1}`).join('');
      return say(`${system} ${row.layer} ${offer.en}${numbers}`, `${system} ${row.layer} ${offer.ar}${numbers}`);
    });
  });
  return say(` (${places.map(({ en }) => en).join(', ')})`, ` (${places.map(({ ar }) => ar).join('، ')})`);
}

function negativeSentences(row: WorkloadRow): readonly Said[] {
  return latencies.flatMap(({ kind, group }) => {
    const { negative } = row.latencyMs[kind];
    if (negative === 0) return [];
    const samples = countedArabic(negative, nouns.sample);
    return [
      say(
        `${negative} samples of “${group.en}” were below zero and count as zero`,
        `كان تحت الصفر ${samples} من «${group.ar}»، وتُحسب صفرًا`,
      ),
    ];
  });
}
