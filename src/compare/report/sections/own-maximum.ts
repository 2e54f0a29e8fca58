/** Each system as fast as it goes for ever: rates, what limited them, and what the one API takes of them. */

import { type Block, type Cell, type Part, paragraph, quiet, type Section, systemName } from '../document.ts';
import { number, parameters } from '../figures.ts';
import type { CellSummary, Report, Spread } from '../model.ts';
import { workloadGroups, type WorkloadGroup } from '../view.ts';
import { barPanels } from './bar-panels.ts';
import { invalidSentence, latencyColumns, megabyteColumns, rateColumns, summaryTable } from './summary-table.ts';

export function ownMaximumSection(report: Report): Section {
  const groups = workloadGroups(report, 'own-maximum');
  return {
    id: 'own-maximum',
    title: 'Own maximum',
    blocks: [
      paragraph(
        groups.length === 0
          ? 'No own maximum was measured.'
          : 'Each system as fast as it takes messages and gives them out again. Latencies here are those of a full system and say nothing of one with room to spare.',
      ),
    ],
    parts: groups.map((group, index) => partOf(report, group, `own-maximum-${index + 1}`)),
  };
}

function partOf(report: Report, group: WorkloadGroup, id: string): Part {
  const [first] = group.cells;
  const side = ratedSide(group.cells);
  return {
    id,
    title: `${group.workload}: ${group.title}`,
    blocks: [
      ...(first === undefined
        ? []
        : [paragraph(`${parameters(first.parameters)}.${invalidSentence(group.cells)}`, 'quiet')]),
      ...barPanels(report, group.cells, {
        id: `${id}-rate`,
        caption: `Messages ${side === 'publish' ? 'published' : 'received'} per second, ${group.workload}`,
        path: `${side}.messagesPerSecond`,
        unit: 'perSecond',
      }),
      summaryTable(`${id}-table`, `${group.workload} at its own maximum`, group.cells, group.rows, [
        ...rateColumns,
        ...megabyteColumns.filter(({ path }) => path.startsWith(side)),
        ...latencyColumns.filter(({ title }) => title === 'p50' || title === 'p99'),
      ]),
      ...priceOfApi(group, side, id),
    ],
  };
}

/** A workload that only reads has no rate of publishing. */
function ratedSide(cells: readonly CellSummary[]): 'publish' | 'consume' {
  return cells.some((cell) => (cell.figures['publish.messagesPerSecond']?.high ?? 0) > 0) ? 'publish' : 'consume';
}

/** Each layer's rate as a share of the bare client's on the same system: what the layers cost is a result of its own. */
function priceOfApi(group: WorkloadGroup, side: 'publish' | 'consume', id: string): readonly Block[] {
  const path = `${side}.messagesPerSecond`;
  const others = (['port', 'rest', 'grpc'] as const).filter((layer) =>
    group.cells.some((cell) => cell.layer === layer),
  );
  const bare = group.cells.filter((cell) => cell.layer === 'bare' && cell.figures[path] !== undefined);
  if (bare.length === 0 || others.length === 0) return [];
  const shareOf = (base: CellSummary, layer: CellSummary['layer']): Cell => {
    const own = group.cells.find((cell) => cell.system === base.system && cell.layer === layer);
    if (own !== undefined && durabilityOf(own) !== durabilityOf(base)) return quiet('another durability');
    return share(own?.figures[path], base.figures[path]);
  };
  return [
    {
      kind: 'table',
      id: `${id}-price`,
      caption: `What each layer leaves of the bare client's rate, ${group.workload}`,
      columns: [{ title: 'System' }, ...others.map((layer) => ({ title: layer, unit: '% of bare', isNumeric: true }))],
      rows: bare.map((base) => ({ cells: [systemName(base.system), ...others.map((layer) => shareOf(base, layer))] })),
      notes: ['Ratio of the medians, [from the worst to the best combination of both intervals].'],
    },
  ];
}

function share(part: Spread | undefined, whole: Spread | undefined): Cell {
  if (part === undefined || whole === undefined || whole.low <= 0) return quiet('–');
  const percent = (ratio: number): string => number(Math.round(ratio * 100));
  return {
    kind: 'figure',
    value: percent(part.median / whole.median),
    interval:
      part.count > 1 && whole.count > 1 ? `${percent(part.low / whole.high)}–${percent(part.high / whole.low)}` : null,
    isThin: false,
  };
}

function durabilityOf({ durability }: CellSummary): string {
  return `${durability.persistence} ${durability.copies}`;
}
