/** One line of a benchmark: ours against a reference measured in the same run, so that a noisy machine disturbs both. */

export interface BenchRow {
  readonly name: string;
  readonly ours: number;
  readonly reference: number;
  /** ours / reference; for times, reference / ours: higher is always better. */
  readonly ratio: number;
  readonly unit: string;
  /** The ratio that we want to reach. */
  readonly target: number;
  /** Of the first round, before anything was warm. */
  readonly firstRatio?: number;
}

export function formatRows(rows: readonly BenchRow[]): string {
  const cells = rows.map((row) => [
    row.name,
    `${figure(row.ours)} ${row.unit}`,
    `${figure(row.reference)} ${row.unit}`,
    row.ratio.toFixed(2),
    row.firstRatio?.toFixed(2) ?? '-',
    row.target.toFixed(2),
    row.ratio >= row.target ? 'yes' : 'no',
  ]);
  const table = [['benchmark', 'ours', 'reference', 'ratio', 'first round', 'target', 'reached'], ...cells];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((line) => line[column]?.length ?? 0))) ?? [];
  return table.map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')).join('\n');
}

function figure(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(2);
}
