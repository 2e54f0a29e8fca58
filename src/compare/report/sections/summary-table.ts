/** The cells of a workload as a table: one line for each system and layer, medians with their intervals, never mixed up. */

import type { Block, Cell, Column, Inline, Row } from '../document.ts';
import { link, quiet, systemName } from '../document.ts';
import { workloadAnchor } from '../evidence.ts';
import { count, durability, isThin, plural, rowsOf, samples, spreadParts } from '../figures.ts';
import type { CellSummary, Spread, WorkloadRow } from '../model.ts';

export interface FigureColumn {
  readonly title: string;
  readonly unit: string;
  readonly group?: string;
  /** Of CellSummary.figures. */
  readonly path: string;
  readonly show?: 'bytes';
  /** For a percentile: what its samples are. */
  readonly percentile?: { readonly kind: 'publish' | 'endToEnd'; readonly fraction: number };
}

export const rateColumns: readonly FigureColumn[] = [
  { title: 'Published', unit: 'msg/s', path: 'publish.messagesPerSecond' },
  { title: 'Received', unit: 'msg/s', path: 'consume.messagesPerSecond' },
];

export const megabyteColumns: readonly FigureColumn[] = [
  { title: 'Published', unit: 'MB/s', path: 'publish.megabytesPerSecond' },
  { title: 'Received', unit: 'MB/s', path: 'consume.megabytesPerSecond' },
];

export const latencyColumns: readonly FigureColumn[] = [
  percentileColumn('publish', 'p50', 'p50', 0.5),
  percentileColumn('publish', 'p99', 'p99', 0.99),
  percentileColumn('endToEnd', 'p50', 'p50', 0.5),
  percentileColumn('endToEnd', 'p99', 'p99', 0.99),
  percentileColumn('endToEnd', 'p99.9', 'p999', 0.999),
  percentileColumn('endToEnd', 'max', 'max', 1),
];

export const costColumns: readonly FigureColumn[] = [
  { title: 'Broker CPU', unit: 's per million', path: 'cost.brokerCpuSecondsPerMillion' },
  { title: 'Client CPU', unit: 's per million', path: 'cost.clientCpuSecondsPerMillion' },
  { title: 'Written', unit: 'bytes per payload byte', path: 'cost.bytesWrittenPerPayloadByte' },
  { title: 'Peak memory', unit: 'RSS', path: 'cost.peakRssBytes', show: 'bytes' },
];

function percentileColumn(
  kind: 'publish' | 'endToEnd',
  title: string,
  name: keyof WorkloadRow['latencyMs']['publish'],
  fraction: number,
): FigureColumn {
  return {
    title,
    unit: 'ms',
    group: kind === 'publish' ? 'Publish to answer' : 'End to end',
    path: `latencyMs.${kind}.${name}`,
    percentile: { kind, fraction },
  };
}

export const thinNote =
  '† fewer than ten samples of a run lie above this percentile: it says little more than the maximum.';
export const intervalNote =
  'Medians over the valid runs, [95 % bootstrap interval] where there are several; a figure without an interval is one run.';

export function summaryTable(
  id: string,
  caption: string,
  cells: readonly CellSummary[],
  rows: readonly WorkloadRow[],
  columns: readonly FigureColumn[],
): Block {
  // At an equal load it is the load that limits, unless it does not: then it is told.
  const isLoadBound = cells.every((cell) => cell.limitedBy === 'offered-load');
  const table = { columns, hasSamples: columns.some(({ percentile }) => percentile !== undefined), isLoadBound };
  const tail: readonly Column[] = [
    { title: 'Valid runs', ...(table.hasSamples ? { unit: 'samples' } : {}), isNumeric: true },
    ...(isLoadBound ? [] : [{ title: 'Limited by' }]),
  ];
  const tableRows = cells.map((cell, index): Row => {
    const row = summaryRow(cell, rowsOf(cell, rows), table);
    return index > 0 && cells[index - 1]?.layer !== cell.layer ? { ...row, isApart: true } : row;
  });
  const isAnyThin = tableRows.some((row) => row.cells.some((each) => isThinCell(each)));
  return {
    kind: 'table',
    id,
    caption,
    columns: [
      { title: 'System' },
      { title: 'Durability' },
      ...columns.map(({ title, unit, group }) => ({
        title,
        unit,
        isNumeric: true,
        ...(group === undefined ? {} : { group }),
      })),
      ...tail,
    ],
    rows: tableRows,
    notes: [
      `${intervalNote}${table.hasSamples ? ' Samples are those of the valid run with fewest.' : ''}${isLoadBound ? ' Every rate is limited by the load that was offered.' : ''}`,
      ...(isAnyThin ? [thinNote] : []),
    ],
  };
}

interface TableForm {
  readonly columns: readonly FigureColumn[];
  readonly hasSamples: boolean;
  readonly isLoadBound: boolean;
}

function summaryRow(
  cell: CellSummary,
  rows: readonly WorkloadRow[],
  { columns, hasSamples, isLoadBound }: TableForm,
): Row {
  const name: Inline[] = [systemName(cell.system), quiet(` ${cell.layer}`)];
  const runs = link(workloadAnchor({ ...cell, id: cell.workload }), `${cell.validRepeats} of ${cell.repeats}`);
  if (cell.validRepeats === 0) {
    const reason = [...new Set(cell.invalidBecause)].join('; ');
    const invalid = { lines: [`invalid: ${reason}`], span: columns.length, tone: 'bad' } as const;
    return { cells: [name, durability(cell.durability), invalid, runs, ...(isLoadBound ? [] : [quiet('–')])] };
  }
  const least = { publish: samples(rows, 'publish').least, endToEnd: samples(rows, 'endToEnd').least };
  return {
    cells: [
      name,
      durability(cell.durability),
      ...columns.map((column) => figureCell(cell.figures[column.path], column, least)),
      hasSamples ? { lines: [runs, quiet(leastSamples(least))] } : runs,
      ...(isLoadBound ? [] : [cell.limitedBy.replace('-', ' ')]),
    ],
  };
}

/** Of the run that has fewest; both kinds, where they differ. */
function leastSamples({ publish, endToEnd }: { readonly publish: number; readonly endToEnd: number }): string {
  if (publish === endToEnd || publish === 0) return count(endToEnd);
  return endToEnd === 0 ? count(publish) : `${count(publish)} / ${count(endToEnd)}`;
}

function figureCell(
  figure: Spread | undefined,
  { path, show, percentile }: FigureColumn,
  least: { readonly publish: number; readonly endToEnd: number },
): Cell {
  const sampleCount = percentile === undefined ? null : least[percentile.kind];
  if (figure === undefined || sampleCount === 0 || isEmptyRate(path, figure)) return quiet('–');
  return figureInline(figure, show, percentile !== undefined && isThin(percentile.fraction, sampleCount ?? 0));
}

/** Nothing was published in a window that only reads: that is no rate of zero. */
function isEmptyRate(path: string, figure: Spread): boolean {
  return path.endsWith('PerSecond') && figure.high === 0;
}

function figureInline(figure: Spread, show: 'bytes' | undefined, isThinFigure: boolean): Inline {
  return { kind: 'figure', ...spreadParts(figure, show), isThin: isThinFigure };
}

function isThinCell(cell: Cell): boolean {
  return typeof cell === 'object' && 'kind' in cell && cell.kind === 'figure' && cell.isThin;
}

/** `3 of 15 runs are invalid`, or nothing. */
export function invalidSentence(cells: readonly CellSummary[]): string {
  const runs = cells.reduce((sum, cell) => sum + cell.repeats, 0);
  const invalid = runs - cells.reduce((sum, cell) => sum + cell.validRepeats, 0);
  if (invalid === 0) return '';
  return ` ${invalid} of ${runs} ${plural(runs, 'run')} ${invalid === 1 ? 'is' : 'are'} invalid and in no figure.`;
}
