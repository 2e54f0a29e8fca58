/** What the answers cost: processor, disk, memory and the wait for a start. */

import { fanOutChart, type FanOutCurve } from '../charts/index.ts';
import { type Block, type Part, paragraph, quiet, type Section, systemName } from '../document.ts';
import { durability, figure, seconds } from '../figures.ts';
import type { Report, ScenarioRow } from '../model.ts';
import { isInProcess, orderedSystems, sortCells, workloadGroups, type WorkloadGroup } from '../view.ts';
import { barPanels } from './bar-panels.ts';
import { costColumns, invalidSentence, summaryTable } from './summary-table.ts';

const modes = [
  { mode: 'equal-load', words: 'equal load' },
  { mode: 'own-maximum', words: 'own maximum' },
] as const;

export function costSection(report: Report): Section {
  // Bars for the first workload of each mode: the others are read from their tables.
  const groups = modes.flatMap(({ mode, words }) =>
    workloadGroups(report, mode).map((group, index) => ({ group, words, hasBars: index === 0 })),
  );
  return {
    id: 'cost',
    title: 'Cost',
    blocks: [
      paragraph(
        groups.length === 0
          ? 'No workload was measured, so nothing was spent on one.'
          : 'Processor time and memory of the broker are those of its processes, the client’s are those of the measuring process; for the embedded log both are one.',
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
  readonly words: string;
  readonly hasBars: boolean;
}

function workloadPart(report: Report, { group, words, hasBars }: CostGroup, id: string): Part {
  return {
    id,
    title: `${group.workload}, ${words}`,
    blocks: [
      paragraph(`${group.title}.${invalidSentence(group.cells)}`, 'quiet'),
      ...(hasBars ? bars(report, group, words, id) : []),
      summaryTable(`${id}-table`, `Cost of ${group.workload} at ${words}`, group.cells, group.rows, costColumns),
    ],
  };
}

function bars(report: Report, group: WorkloadGroup, words: string, id: string): readonly Block[] {
  return barPanels(report, group.cells, {
    id: `${id}-cpu`,
    caption: `Broker CPU seconds per million messages, ${group.workload} at ${words}`,
    path: 'cost.brokerCpuSecondsPerMillion',
    unit: 'cpuSeconds',
  });
}

// ------------------------------------------------------------------------------------------------ start

function startPart(report: Report): readonly Part[] {
  const started = orderedSystems(report).filter((system) => system.startMs !== null);
  if (started.length === 0) return [];
  return [
    {
      id: 'start-up',
      title: 'Start-up',
      blocks: [
        {
          kind: 'table',
          id: 'start-up-table',
          caption: 'From start to the first accepted connection',
          columns: [
            { title: 'System' },
            { title: 'Product' },
            { title: 'Nodes', isNumeric: true },
            { title: 'Start', isNumeric: true },
          ],
          rows: started.map(({ id, product, version, nodes, startMs }) => ({
            cells: [systemName(id), `${product} ${version}`, String(nodes), seconds(startMs ?? 0)],
          })),
          notes: ['One start each (n = 1): no spread is known.'],
        },
      ],
    },
  ];
}

// ------------------------------------------------------------------------------------------------ fan-out on disk

interface DiskCurve extends FanOutCurve {
  readonly row: ScenarioRow;
  /** Curves with the same one may share a chart; the durability comes from the workload rows of the system and layer. */
  readonly tier: string;
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
  const tiers = [...new Set(curves.map((curve) => curve.tier))];
  const caption = 'Bytes written per payload byte, by number of subscriptions';
  const charts: Block = {
    kind: 'charts',
    width: 'narrow',
    caption,
    systems: [...new Set(curves.map((curve) => curve.system))],
    panels: tiers.map((tier, index) => ({
      label: `durability ${tier}`,
      chart: fanOutChart(
        `fan-out-disk-${index}`,
        `${caption}. ${tier}`,
        curves.filter((curve) => curve.tier === tier),
        counts,
        largest,
      ),
    })),
  };
  return [
    {
      id: 'cost-fan-out',
      title: 'One more subscription on disk',
      blocks: [
        paragraph('What is written for each byte of payload as subscriptions are added.'),
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
    caption: 'Bytes written per payload byte',
    columns: [
      { title: 'System' },
      { title: 'Durability' },
      ...counts.map((each) => ({ title: String(each), isNumeric: true, group: 'Subscriptions' })),
    ],
    rows: curves.map((curve) => ({
      cells: [
        [systemName(curve.system), quiet(` ${curve.row.layer}`)],
        curve.tier,
        ...counts.map((each) => {
          const point = curve.points.find(({ subscriptions }) => subscriptions === each);
          return point === undefined ? quiet('–') : figure(point.value);
        }),
      ],
    })),
    notes: ['Measured once per system (n = 1): no spread is known.'],
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

/** A scenario does not say its durability; the workloads of the same system and layer do. Unknown ones stand alone. */
function tierOf(row: ScenarioRow, report: Report): string {
  const workload = report.workloads.find((each) => each.system === row.system && each.layer === row.layer);
  const apart = isInProcess(row) ? ', in-process, unreplicated' : '';
  return workload === undefined
    ? `of ${row.system}, not measured${apart}`
    : `${durability(workload.durability)}${apart}`;
}
