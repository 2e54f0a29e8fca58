/** The regression table as a person reads it in a terminal. Pure. */

import type { AssertionResult, Spread } from '../report/model.ts';
import { amount, durability, spread } from '../report/figures.ts';
import type { FigureChange, RegressionTable } from './table.ts';
import { percent } from './thresholds.ts';

/** Lines; worse first, then better; what shows no difference is counted, and listed with `all`. */
export function regressionText(
  table: RegressionTable,
  bounds: readonly AssertionResult[],
  { all }: { readonly all: boolean },
): string {
  const worse = table.figures.filter(({ finding }) => finding === 'worse');
  const better = table.figures.filter(({ finding }) => finding === 'better');
  const same = table.figures.filter(({ finding }) => finding === 'no difference shown');
  const { before, after } = table;
  return [
    `before: run ${before.id} of ${before.startedAt} (${before.profile}, ${before.repeats} repeats)`,
    `after:  run ${after.id} of ${after.startedAt} (${after.profile}, ${after.repeats} repeats)`,
    ...table.differences.map((line) => `differs: ${line}`),
    '',
    ...section('worse', worse),
    ...section('better', better),
    ...(all
      ? section('no difference shown', same)
      : [`no difference shown: ${same.length} of ${table.figures.length} figures (--all lists them)`, '']),
    ...(table.verdicts.length === 0
      ? [`scenarios: ${table.scenariosUnchanged} verdicts are as they were`]
      : [
          `scenarios: ${table.verdicts.length} verdicts changed, ${table.scenariosUnchanged} are as they were`,
          ...table.verdicts.map(
            (row) =>
              `  ${row.kind === 'lost' ? 'LOST  ' : row.kind === 'gained' ? 'gained' : '      '} ${row.cell}: ${row.before} (${row.summaryBefore}) -> ${row.after} (${row.summaryAfter})`,
          ),
        ]),
    ...notComparedLines(table, all),
    ...bounds.map(({ holds, expression, reason }) => `${holds ? 'holds' : 'FAILS'}: ${expression} (${reason})`),
    '',
  ].join('\n');
}

function section(title: string, rows: readonly FigureChange[]): readonly string[] {
  if (rows.length === 0) return [];
  const head = ['cell', 'mode', 'durability', 'figure', 'before', 'after', 'change', 'noise floor'];
  const cells = rows.map((row) => [
    row.cell,
    row.mode,
    durability(row.durability),
    row.figure,
    figureText(row.before, row),
    figureText(row.after, row),
    changeText(row),
    `±${percent(row.noiseFloor).slice(1)}`,
  ]);
  const widths = head.map((name, at) => Math.max(name.length, ...cells.map((line) => (line[at] as string).length)));
  const line = (parts: readonly string[]) =>
    `  ${parts.map((part, at) => part.padEnd(widths[at] as number)).join('  ')}`.trimEnd();
  return [`${title}:`, ...[head, ...cells].map(line), ''];
}

function figureText(figure: Spread, { unit }: FigureChange): string {
  return figure.count < 2 ? amount(figure.median, unit) : spread(figure, unit);
}

function changeText({ change, interval }: FigureChange): string {
  if (interval === null) return `${percent(change)} (one repeat: no interval)`;
  return `${percent(change)} [${percent(interval.low)}, ${percent(interval.high)}]`;
}

const notComparedShown = 10;

function notComparedLines({ notCompared }: RegressionTable, all: boolean): readonly string[] {
  if (notCompared.length === 0) return [];
  const shown = all ? notCompared : notCompared.slice(0, notComparedShown);
  const more = notCompared.length - shown.length;
  return [
    `not compared: ${notCompared.length}`,
    ...shown.map(({ cell, mode, reason }) => `  ${cell}${mode === null ? '' : ` ${mode}`}: ${reason}`),
    ...(more > 0 ? [`  and ${more} more (--all lists them)`] : []),
  ];
}
