/** The same systems by other settings: the tier in which Kafka promises what a quorum queue does, and stock beside tuned. */

import {
  type Block,
  type Cell,
  code,
  link,
  name,
  nothing,
  type Part,
  paragraph,
  quiet,
  quote,
  type Section,
  space,
  systemName,
} from '../document.ts';
import { workloadAnchor } from '../evidence.ts';
import { durability, number, spreadParts } from '../figures.ts';
import { type Said, say } from '../language.ts';
import type { CellSummary, Report, WorkloadRow } from '../model.ts';
import { type Effect, effectOf } from '../../statistics/index.ts';
import { isVariantName, variantSystems, type VariantName } from '../../systems/system-ids.ts';
import { sortCells } from '../view.ts';

/** What is asked of both, where it means something. */
const figures: readonly {
  readonly path: string;
  readonly mode: CellSummary['mode'];
  readonly title: Said;
  readonly unit: Said;
  readonly of: (row: WorkloadRow) => number | null;
}[] = [
  {
    path: 'publish.messagesPerSecond',
    mode: 'own-maximum',
    title: say('Own maximum', 'الحد الأقصى الذاتي'),
    unit: say('msg/s', 'رسالة/ث'),
    of: (row) => row.publish.messagesPerSecond,
  },
  {
    path: 'cost.brokerCpuSecondsPerMillion',
    mode: 'own-maximum',
    title: say('Broker CPU at its maximum', 'معالج الوسيط عند حده الأقصى'),
    unit: say('s per million', 'ثانية لكل مليون'),
    of: (row) => row.cost.brokerCpuSecondsPerMillion,
  },
  {
    path: 'latencyMs.endToEnd.p99',
    mode: 'equal-load',
    title: say('End to end p99 at the equal load', 'p99 من الطرف إلى الطرف عند الحِمل المتساوي'),
    unit: say('ms', 'مللي ثانية'),
    of: (row) => (row.latencyMs.endToEnd.count === 0 ? null : row.latencyMs.endToEnd.p99),
  },
];

/** Only where something ran by other settings. */
export function settingsSection(report: Report): readonly Section[] {
  const variants = [...new Set(report.summaries.map(({ system }) => system))].filter(isVariantName);
  if (variants.length === 0) return [];
  const workloads = [...new Set(report.summaries.filter(({ system }) => isVariantName(system)).map(workloadOf))];
  const tuned = variants.filter(isTunedName);
  return [
    {
      id: 'settings',
      title: say('By other settings', 'بإعدادات أخرى'),
      blocks: [
        paragraph([
          say(
            'The same brokers by other settings, with the same clients. None of these rows is part of an answer. Every changed line has its reason and its source in ',
            'الوسطاء أنفسهم بإعدادات أخرى، ومع العملاء أنفسهم. ليس أي من هذه الصفوف جزءًا من جواب. ولكل سطر مغيَّر سببه ومصدره في ',
          ),
          code('docs/BROKER-SETTINGS.md'),
          say(
            ', which is printed from the table that the brokers, topics and clients are made by.',
            '، المطبوع من الجدول نفسه الذي يُنشأ به الوسطاء والمواضيع والعملاء.',
          ),
        ]),
      ],
      parts: workloads.flatMap((workload) => [
        ...(variants.length > tuned.length ? tierPart(report, workload) : []),
        ...(tuned.length === 0 ? [] : [tunedPart(report, workload, tuned)]),
      ]),
    },
  ];
}

// ------------------------------------------------------------------------------------------------ the tier

/** Those that have each message on the disk before the answer, and Kafka as it is shipped beside them. */
function tierPart(report: Report, workload: string): readonly Part[] {
  const cells = report.summaries.filter(
    (cell) =>
      cell.workload === workload &&
      cell.layer === 'bare' &&
      (cell.system === 'kafka' || (cell.durability.persistence === 'fsync' && !isTunedName(cell.system))),
  );
  const systems = [...new Set(sortCells(cells, report).map(({ system }) => system))].toSorted(
    (a, b) => Number(a === 'kafka') - Number(b === 'kafka'),
  );
  if (!systems.includes('kafka-fsync')) return [];
  return [
    {
      id: `settings-tier-${workload}`,
      title: [name(`${workload}: `), say('on the disk before the answer', 'على القرص قبل الجواب')],
      blocks: [
        {
          kind: 'table',
          id: `settings-tier-${workload}-table`,
          caption: say(`The same promise: fsync × 1, ${workload}, bare`, `الوعد نفسه: fsync × 1، ${workload}، bare`),
          columns: [
            { title: say('System', 'النظام') },
            { title: say('Durability', 'الديمومة') },
            ...figures.map(({ title, unit }) => ({ title, unit, isNumeric: true })),
          ],
          rows: systems.map((system) => {
            const own = cells.filter((cell) => cell.system === system);
            return {
              cells: [
                [link(workloadAnchor({ id: workload, system, layer: 'bare' }), name(system))],
                name(durability((own[0] as CellSummary).durability)),
                ...figures.map((figure) => figureOf(own, figure)),
              ],
              isApart: system === 'kafka',
            };
          }),
          notes: [
            say(
              "kafka-fsync has flush.messages=1 on its topics: each batch is on the disk before it is acknowledged. Kafka's own advice is another: leave flushing to the operating system and take durability from replication. Its project holds copies on several machines to be the stronger guarantee, and one node has none: read the row as an equal promise, not as how Kafka is meant to run.",
              'في kafka-fsync تُضبط المواضيع على flush.messages=1: كل دفعة على القرص قبل الإقرار بها. ونصيحة Kafka نفسها غير ذلك: أن يُترك التفريغ لنظام التشغيل وأن تؤخذ الديمومة من النسخ المتماثل. فأصحاب المشروع يرون النسخ على عدة أجهزة ضمانًا أقوى، وليس لعقدة واحدة نسخ: اقرأ الصف وعدًا مساويًا، لا الطريقة التي صُمّم Kafka ليعمل بها.',
            ),
            say(
              'kafka, below the line, is as it is shipped: in the page cache, another promise, there to show what the flush costs. log is embedded and no broker.',
              'أما kafka تحت الخط فكما يُشحن: في ذاكرة الصفحات المؤقتة، وهو وعد آخر، وُضع ليُرى ثمن التفريغ. و log مضمّن وليس وسيطًا.',
            ),
          ],
        },
      ],
    },
  ];
}

// ------------------------------------------------------------------------------------------------ stock and tuned

function tunedPart(report: Report, workload: string, tuned: readonly VariantName[]): Part {
  return {
    id: `settings-tuned-${workload}`,
    title: [name(`${workload}: `), say('stock and tuned', 'كما يُشحن ومضبوطًا')],
    blocks: [tunedTable(report, workload, tuned), ...differences(report, workload, tuned)],
  };
}

function tunedTable(report: Report, workload: string, tuned: readonly VariantName[]): Block {
  const rows = report.workloads.filter((row) => row.id === workload && row.layer === 'bare');
  return {
    kind: 'table',
    id: `settings-tuned-${workload}-table`,
    caption: say(`Stock and tuned, ${workload}, bare`, `كما يُشحن ومضبوطًا، ${workload}، bare`),
    columns: [
      { title: say('System', 'النظام') },
      { title: say('Figure', 'الرقم') },
      { title: say('Stock', 'كما يُشحن'), isNumeric: true },
      { title: say('Tuned', 'مضبوطًا'), isNumeric: true },
      { title: say('Tuned by stock', 'نسبة المضبوط إلى المشحون'), isNumeric: true },
    ],
    rows: tuned.flatMap((system) =>
      figures.map((figure, index) => {
        const stock = variantSystems[system];
        const of = (id: string) =>
          report.summaries.filter((cell) => cell.workload === workload && cell.layer === 'bare' && cell.system === id);
        const values = (id: string) =>
          rows
            .filter((row) => row.system === id && row.valid && row.mode === figure.mode)
            .flatMap((row) => figure.of(row) ?? []);
        return {
          cells: [
            systemName(system),
            [figure.title, quiet(name(' (')), quiet(figure.unit), quiet(name(')'))],
            figureOf(of(stock), figure),
            figureOf(of(system), figure),
            ratioOf(effectOf(values(stock), values(system), report.run.seed)),
          ],
          isApart: index === 0,
        };
      }),
    ),
    notes: [
      say(
        'Ratio of the medians [95 % bootstrap interval]; an interval that holds 1, or a ratio within the noise of the run, shows no difference. It is an effect size: no test was named for it.',
        'النسبة بين القيمتين الوسطيين [فترة ثقة 95 % بطريقة bootstrap]؛ الفترة التي تضم الواحد، أو النسبة التي لا تتجاوز ضجيج التشغيل، لا تثبت فرقًا. وهي حجم أثر: لم يُسمَّ لها اختبار.',
      ),
    ],
  };
}

/** In the words of the rows themselves. */
function differences(report: Report, workload: string, tuned: readonly VariantName[]): readonly Block[] {
  const items = tuned.flatMap((system) => {
    const row = report.workloads.find((one) => one.system === system && one.id === workload);
    const [note] = (row?.notes ?? []).filter((text) => text.startsWith('otherwise than '));
    return note === undefined ? [] : [[systemName(system), space, quote(note)]];
  });
  return items.length === 0 ? [] : [{ kind: 'list', items }];
}

// ------------------------------------------------------------------------------------------------ cells

function workloadOf({ workload }: CellSummary): string {
  return workload;
}

function isTunedName(system: string): boolean {
  return isVariantName(system) && system.endsWith('-tuned');
}

function figureOf(cells: readonly CellSummary[], { path, mode }: { path: string; mode: CellSummary['mode'] }): Cell {
  const cell = cells.find((one) => one.mode === mode);
  const measured = cell?.figures[path];
  if (measured === undefined) return nothing;
  return { kind: 'figure', ...spreadParts(measured), isThin: false };
}

function ratioOf(effect: Effect | null): Cell {
  if (effect === null) return nothing;
  const { ratio, interval } = effect;
  return {
    kind: 'figure',
    value: number(ratio),
    interval: interval === null ? null : `${number(interval.low)}–${number(interval.high)}`,
    isThin: false,
  };
}
