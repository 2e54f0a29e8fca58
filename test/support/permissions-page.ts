/** The rights that docs/EXISTING-BROKERS.md lists, as data: what is written there is what the tests grant. */

import { readFileSync } from 'node:fs';

/** The cells of each row of the table between these markers, without the head and without backticks. */
export function rightsOf(marker: string): string[][] {
  const page = readFileSync(new URL('../../docs/EXISTING-BROKERS.md', import.meta.url), 'utf8');
  const [, part] = page.split(`<!-- ${marker}:begin -->`);
  const rows = part
    ?.split(`<!-- ${marker}:end -->`, 1)[0]
    ?.split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map(cellsOf);
  if (rows === undefined || rows.length === 0) throw new Error(`docs/EXISTING-BROKERS.md has no table ${marker}`);
  return rows;
}

/** A bar in a cell is written `\|`. */
function cellsOf(row: string): string[] {
  const cells = row.split(/(?<!\\)\|/).slice(1, -1);
  return cells.map((cell) => cell.trim().replaceAll('`', '').replaceAll('\\|', '|'));
}
