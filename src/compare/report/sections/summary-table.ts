/** The cells of a workload as a table: one line for each system and layer, medians with their intervals, never mixed up. */

import type { Block, Cell, Column, Inline, Row, Text, Words } from '../document.ts';
import { cellName, link, name as named, nothing, quiet, quote, semicolon, space } from '../document.ts';
import { workloadAnchor } from '../evidence.ts';
import { count, durability, isThin, parameters, plural, rowsOf, samples, spreadParts } from '../figures.ts';
import { countedArabic, nouns, type Said, say, sentences } from '../language.ts';
import type { CellSummary, Spread, WorkloadParameters, WorkloadRow } from '../model.ts';
import { limitedByWords } from '../view.ts';

export interface FigureColumn {
  readonly title: Words;
  readonly unit: Words;
  readonly group?: Said;
  /** Of CellSummary.figures. */
  readonly path: string;
  readonly show?: 'bytes';
  /** For a percentile: what its samples are. */
  readonly percentile?: { readonly kind: 'publish' | 'endToEnd'; readonly fraction: number };
}

const published = say('Published', 'المنشور');
const received = say('Received', 'المستلم');
/** What a latency is from and to; the head above its percentiles. */
export const latencyGroups = {
  publish: say('Publish to answer', 'من النشر إلى الجواب'),
  endToEnd: say('End to end', 'من الطرف إلى الطرف'),
} as const;

export const rateColumns: readonly FigureColumn[] = [
  { title: published, unit: named('msg/s'), path: 'publish.messagesPerSecond' },
  { title: received, unit: named('msg/s'), path: 'consume.messagesPerSecond' },
];

export const megabyteColumns: readonly FigureColumn[] = [
  { title: published, unit: named('MB/s'), path: 'publish.megabytesPerSecond' },
  { title: received, unit: named('MB/s'), path: 'consume.megabytesPerSecond' },
];

export const latencyColumns: readonly FigureColumn[] = [
  percentileColumn('publish', 'p50', 'p50', 0.5),
  percentileColumn('publish', 'p99', 'p99', 0.99),
  percentileColumn('endToEnd', 'p50', 'p50', 0.5),
  percentileColumn('endToEnd', 'p99', 'p99', 0.99),
  percentileColumn('endToEnd', 'p99.9', 'p999', 0.999),
  percentileColumn('endToEnd', 'max', 'max', 1),
];

const secondsPerMillion = say('s per million', 'ثانية لكل مليون');

export const costColumns: readonly FigureColumn[] = [
  { title: say('Broker CPU', 'معالج الوسيط'), unit: secondsPerMillion, path: 'cost.brokerCpuSecondsPerMillion' },
  { title: say('Client CPU', 'معالج العميل'), unit: secondsPerMillion, path: 'cost.clientCpuSecondsPerMillion' },
  {
    title: say('Written', 'المكتوب'),
    unit: say('bytes per payload byte', 'بايت لكل بايت حمولة'),
    path: 'cost.bytesWrittenPerPayloadByte',
  },
  { title: say('Peak memory', 'ذروة الذاكرة'), unit: named('RSS'), path: 'cost.peakRssBytes', show: 'bytes' },
];

function percentileColumn(
  kind: 'publish' | 'endToEnd',
  title: string,
  name: keyof WorkloadRow['latencyMs']['publish'],
  fraction: number,
): FigureColumn {
  return {
    title: named(title),
    unit: named('ms'),
    group: latencyGroups[kind],
    path: `latencyMs.${kind}.${name}`,
    percentile: { kind, fraction },
  };
}

export const thinNote = say(
  '† fewer than ten samples of a run lie above this percentile: it says little more than the maximum.',
  '† فوق هذا المئين أقل من عشر عينات في التشغيل: لا يقول أكثر مما تقوله القيمة العظمى إلا قليلًا.',
);
const intervalNote = say(
  'Medians over the valid runs, [95 % bootstrap interval] where there are several; a figure without an interval is one run.',
  'القيم الوسطى للتشغيلات الصالحة، [فترة ثقة 95 % بطريقة bootstrap] حيث تعددت؛ ورقم بلا فترة هو تشغيل واحد.',
);

export function summaryTable(
  id: string,
  caption: Said,
  cells: readonly CellSummary[],
  rows: readonly WorkloadRow[],
  columns: readonly FigureColumn[],
): Block {
  // At an equal load it is the load that limits, unless it does not: then it is told.
  const isLoadBound = cells.every((cell) => cell.limitedBy === 'offered-load');
  const table = { columns, hasSamples: columns.some(({ percentile }) => percentile !== undefined), isLoadBound };
  const tail: readonly Column[] = [
    {
      title: say('Valid runs', 'التشغيلات الصالحة'),
      ...(table.hasSamples ? { unit: say('samples', 'العينات') } : {}),
      isNumeric: true,
    },
    ...(isLoadBound ? [] : [{ title: say('Limited by', 'المحدِّد') }]),
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
      { title: say('System', 'النظام') },
      { title: say('Durability', 'الديمومة') },
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
      sentences([
        intervalNote,
        ...(table.hasSamples
          ? [say('Samples are those of the valid run with fewest.', 'العينات هي عينات أقل التشغيلات الصالحة عينات.')]
          : []),
        ...(isLoadBound
          ? [say('Every rate is limited by the load that was offered.', 'كل المعدلات محدودة بالحِمل المعروض.')]
          : []),
      ]),
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
  const name: Inline[] = [...cellName(cell)];
  const runs = link(workloadAnchor({ ...cell, id: cell.workload }), nOf(cell.validRepeats, cell.repeats));
  if (cell.validRepeats === 0) {
    const invalid = {
      lines: [invalidLine([...new Set(cell.invalidBecause)])],
      span: columns.length,
      tone: 'bad',
    } as const;
    return { cells: [name, named(durability(cell.durability)), invalid, runs, ...(isLoadBound ? [] : [nothing])] };
  }
  const least = { publish: samples(rows, 'publish').least, endToEnd: samples(rows, 'endToEnd').least };
  return {
    cells: [
      name,
      named(durability(cell.durability)),
      ...columns.map((column) => figureCell(cell.figures[column.path], column, least)),
      hasSamples ? { lines: [runs, quiet(named(leastSamples(least)))] } : runs,
      ...(isLoadBound ? [] : [limitedByWords[cell.limitedBy]]),
    ],
  };
}

/** Where a figure would stand. */
export function invalidLine(because: readonly string[]): Text {
  const reasons = because.flatMap((reason, index) => [...(index === 0 ? [] : [semicolon]), quote(reason)]);
  return [say('invalid: ', 'غير صالح: '), ...reasons];
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
  if (figure === undefined || sampleCount === 0 || isEmptyRate(path, figure)) return nothing;
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
  return 'kind' in cell && cell.kind === 'figure' && cell.isThin;
}

/** `3 of 5`. */
export function nOf(some: number, all: number): Said {
  return say(`${some} of ${all}`, `${some} من ${all}`);
}

/** What the cells are cells of, and how many of their runs do not count. */
export function parametersSentence(values: WorkloadParameters, cells: readonly CellSummary[]): Said {
  const { en, ar } = parameters(values);
  return sentences([say(`${en}.`, `${ar}.`), ...invalidSentence(cells)]);
}

/** Behind a title. */
export function titleSentence(title: string, cells: readonly CellSummary[]): Text {
  return [quote(title), named('.'), ...invalidSentence(cells).flatMap((sentence) => [space, sentence])];
}

/** `3 of 15 runs are invalid`, or nothing. */
function invalidSentence(cells: readonly CellSummary[]): readonly Said[] {
  const runs = cells.reduce((sum, cell) => sum + cell.repeats, 0);
  const invalid = runs - cells.reduce((sum, cell) => sum + cell.validRepeats, 0);
  if (invalid === 0) return [];
  return [
    say(
      `${invalid} of ${runs} ${plural(runs, 'run')} ${invalid === 1 ? 'is' : 'are'} invalid and in no figure.`,
      `غير الصالح ${invalid} من ${countedArabic(runs, nouns.run)}، ولا يدخل في أي رقم.`,
    ),
  ];
}
