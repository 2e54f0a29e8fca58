/** What the answers cost: processor, disk, memory and the wait for a start. */

import { isReferenceName } from '../../systems/system-ids.ts';
import { fanOutChart, type FanOutCurve } from '../charts/index.ts';
import { type Block, name, nothing, type Part, paragraph, quiet, type Section, systemName } from '../document.ts';
import { durability, figure, seconds } from '../figures.ts';
import { type Said, say } from '../language.ts';
import type { Report, ScenarioRow } from '../model.ts';
import { isInProcess, modeWords, orderedSystems, sortCells, workloadGroups, type WorkloadGroup } from '../view.ts';
import { barPanels, titleOfPanel } from './bar-panels.ts';
import { costColumns, summaryTable, titleSentence } from './summary-table.ts';

const modes = ['equal-load', 'own-maximum'] as const;

export function costSection(report: Report): Section {
  // Bars for the first workload of each mode: the others are read from their tables.
  const groups = modes.flatMap((mode) =>
    workloadGroups(report, mode).map((group, index) => ({ group, words: modeWords[mode], hasBars: index === 0 })),
  );
  return {
    id: 'cost',
    title: say('Cost', 'الكلفة'),
    blocks: [
      paragraph(
        groups.length === 0
          ? say('No workload was measured, so nothing was spent on one.', 'لم يُقس أي حِمل عمل، فلم يُنفق عليه شيء.')
          : say(
              'Processor time and memory of the broker are those of its processes, the client’s are those of the measuring process; for the embedded log both are one.',
              'زمن معالج الوسيط وذاكرته هما ما لعملياته هو، وما للعميل هو ما لعملية القياس؛ وهما في السجل المضمّن شيء واحد.',
            ),
      ),
    ],
    parts: [
      ...fanOutPart(report),
      ...startPart(report),
      ...groups.map((each, index) => workloadPart(report, each, `cost-${index + 1}`)),
    ],
  };
}

interface CostGroup {
  readonly group: WorkloadGroup;
  readonly words: Said;
  readonly hasBars: boolean;
}

function workloadPart(report: Report, { group, words, hasBars }: CostGroup, id: string): Part {
  const caption = say(`Cost of ${group.workload} at ${words.en}`, `كلفة ${group.workload}، ${words.ar}`);
  return {
    id,
    title: say(`${group.workload}, ${words.en}`, `${group.workload}، ${words.ar}`),
    blocks: [
      paragraph(titleSentence(group.title, group.cells), 'quiet'),
      ...(hasBars ? bars(report, group, words, id) : []),
      summaryTable(`${id}-table`, caption, group.cells, group.rows, costColumns),
    ],
  };
}

function bars(report: Report, group: WorkloadGroup, words: Said, id: string): readonly Block[] {
  return barPanels(report, group.cells, {
    id: `${id}-cpu`,
    caption: say(
      `Broker CPU seconds per million messages, ${group.workload} at ${words.en}`,
      `ثواني معالج الوسيط لكل مليون رسالة، ${group.workload}، ${words.ar}`,
    ),
    path: 'cost.brokerCpuSecondsPerMillion',
    unit: 'cpuSeconds',
  });
}

// ------------------------------------------------------------------------------------------------ start

function startPart(report: Report): readonly Part[] {
  const started = orderedSystems(report).filter(
    // Another client of a broker that has its row.
    (system) => system.startMs !== null && !isReferenceName(system.id),
  );
  if (started.length === 0) return [];
  return [
    {
      id: 'start-up',
      title: say('Start-up', 'بدء التشغيل'),
      blocks: [
        {
          kind: 'table',
          id: 'start-up-table',
          caption: say('From start to the first accepted connection', 'من البدء إلى أول اتصال مقبول'),
          columns: [
            { title: say('System', 'النظام') },
            { title: say('Product', 'المنتج') },
            { title: say('Nodes', 'العقد'), isNumeric: true },
            { title: say('Start', 'زمن البدء'), isNumeric: true },
          ],
          rows: started.map(({ id, product, version, nodes, startMs }) => ({
            cells: [systemName(id), name(`${product} ${version}`), name(String(nodes)), name(seconds(startMs ?? 0))],
          })),
          notes: [say('One start each (n = 1): no spread is known.', 'بدء واحد لكل نظام (n = 1): التشتت غير معروف.')],
        },
      ],
    },
  ];
}

// ------------------------------------------------------------------------------------------------ fan-out on disk

interface DiskCurve extends FanOutCurve {
  readonly row: ScenarioRow;
  /** Curves with the same one may share a chart; the durability comes from the workload rows of the system and layer. */
  readonly tier: Said;
}

function fanOutPart(report: Report): readonly Part[] {
  const rows = sortCells(
    report.scenarios.filter((row) => row.id === 'fan-out-disk'),
    report,
  );
  const curves = rows.flatMap((row) => diskCurve(row, report) ?? []);
  if (curves.length === 0) return [];
  const counts = [...new Set(curves.flatMap((curve) => curve.points.map((point) => point.subscriptions)))].sort(
    (a, b) => a - b,
  );
  const largest = Math.max(...curves.flatMap((curve) => curve.points.map((point) => point.value)));
  const tiers = [...new Map(curves.map(({ tier }) => [tier.en, tier])).values()];
  const caption = say(
    'Bytes written per payload byte, by number of subscriptions',
    'البايتات المكتوبة لكل بايت من الحمولة، بحسب عدد الاشتراكات',
  );
  const charts: Block = {
    kind: 'charts',
    width: 'narrow',
    caption,
    systems: [...new Set(curves.map((curve) => curve.system))],
    panels: tiers.map((tier, index) => ({
      label: say(`durability ${tier.en}`, `الديمومة ${tier.ar}`),
      chart: (language) =>
        fanOutChart(
          `fan-out-disk-${index}`,
          titleOfPanel(caption, tier),
          curves.filter((curve) => curve.tier.en === tier.en),
          counts,
          largest,
          language,
        ),
    })),
  };
  return [
    {
      id: 'cost-fan-out',
      title: say('One more subscription on disk', 'ما يضيفه اشتراك آخر على القرص'),
      blocks: [
        paragraph(
          say(
            'What is written for each byte of payload as subscriptions are added.',
            'ما يُكتب لكل بايت من الحمولة كلما أضيفت اشتراكات.',
          ),
        ),
        charts,
        table(curves, counts),
      ],
    },
  ];
}

function table(curves: readonly DiskCurve[], counts: readonly number[]): Block {
  return {
    kind: 'table',
    id: 'fan-out-disk-table',
    caption: say('Bytes written per payload byte', 'البايتات المكتوبة لكل بايت من الحمولة'),
    columns: [
      { title: say('System', 'النظام') },
      { title: say('Durability', 'الديمومة') },
      ...counts.map((each) => ({
        title: name(String(each)),
        isNumeric: true,
        group: say('Subscriptions', 'الاشتراكات'),
      })),
    ],
    rows: curves.map((curve) => ({
      cells: [
        [systemName(curve.system), quiet(name(` ${curve.row.layer}`))],
        curve.tier,
        ...counts.map((each) => {
          const point = curve.points.find(({ subscriptions }) => subscriptions === each);
          return point === undefined ? nothing : name(figure(point.value));
        }),
      ],
    })),
    notes: [
      say('Measured once per system (n = 1): no spread is known.', 'قيس مرة واحدة لكل نظام (n = 1): التشتت غير معروف.'),
    ],
  };
}

/** null where the scenario did not come so far as to see it. */
function diskCurve(row: ScenarioRow, report: Report): DiskCurve | null {
  const { subscriptions, bytesWrittenPerMessage, messageBytes } = row.observed;
  if (!isNumbers(subscriptions) || !isNumbers(bytesWrittenPerMessage) || typeof messageBytes !== 'number') return null;
  if (messageBytes <= 0 || subscriptions.length !== bytesWrittenPerMessage.length) return null;
  const points = subscriptions
    .map((howMany, index) => {
      const value = (bytesWrittenPerMessage[index] ?? 0) / messageBytes;
      return { subscriptions: howMany, value, low: value, high: value };
    })
    .filter((point) => point.subscriptions > 0)
    .sort((a, b) => a.subscriptions - b.subscriptions);
  return points.length === 0 ? null : { system: row.system, points, row, tier: tierOf(row, report) };
}

function isNumbers(value: ScenarioRow['observed'][string] | undefined): value is readonly number[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'number');
}

const inProcess = say(', in-process, unreplicated', '، داخل العملية، بلا نسخ مكرّرة');

/** A scenario does not say its durability; the workloads of the same system and layer do. Unknown ones stand alone. */
function tierOf(row: ScenarioRow, report: Report): Said {
  const workload = report.workloads.find((each) => each.system === row.system && each.layer === row.layer);
  const apart = isInProcess(row) ? inProcess : say('', '');
  if (workload === undefined)
    return say(`of ${row.system}, not measured${apart.en}`, `لم تُقس في ${row.system}${apart.ar}`);
  const tier = durability(workload.durability);
  return say(`${tier}${apart.en}`, `${tier}${apart.ar}`);
}
