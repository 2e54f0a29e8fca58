/** What makes a regression table fail: a bound on the newer report, a bound on a change, or "worse by more than". Pure. */

import { AssertionSyntaxError, type Assertion, checkAssertion, parseAssertion } from '../conclusions/assertions.ts';
import type { AssertionResult, Report } from '../report/model.ts';
import type { RegressionTable } from './table.ts';

/** A bound of `--assert`: on the newer report's figure, or, with `%`, on its change since the older one. */
export type RegressionBound =
  | { readonly kind: 'figure'; readonly assertion: Assertion }
  | { readonly kind: 'change'; readonly assertion: Assertion };

const relative = /^(?<left>.*(?:<=|>=|<|>))\s*(?<percent>[+-]?\d+(?:\.\d+)?)\s*%\s*$/;

/** `... < 50ms` or `... < +10%`. Throws AssertionSyntaxError. */
export function parseBound(expression: string): RegressionBound {
  const groups = relative.exec(expression)?.groups;
  if (groups === undefined) return { kind: 'figure', assertion: parseAssertion(expression) };
  const { left = '', percent = '' } = groups;
  const assertion = parseAssertion(`${left} ${Number(percent)}`);
  return { kind: 'change', assertion: { ...assertion, expression: expression.trim(), bound: Number(percent) / 100 } };
}

export function checkBound(bound: RegressionBound, table: RegressionTable, after: Report): AssertionResult {
  if (bound.kind === 'figure') return checkAssertion(bound.assertion, after.summaries);
  const { expression, workload, system, layer, path, operator, bound: limit } = bound.assertion;
  const rows = table.figures.filter(
    ({ cell, figure }) => figure === path && cell.startsWith(`${workload}.${system}.`) && isOn(cell, layer),
  );
  const row = rows.find(({ cell }) => cell.endsWith('.port')) ?? rows[0];
  if (row === undefined) {
    const obstacle = table.notCompared.find(({ cell }) => cell.startsWith(`${workload}.${system}.`));
    const reason = obstacle === undefined ? `no compared cell has ${path}` : `not compared: ${obstacle.reason}`;
    return { expression, holds: false, actual: null, reason };
  }
  const isMet =
    operator === '<'
      ? row.change < limit
      : operator === '<='
        ? row.change <= limit
        : operator === '>'
          ? row.change > limit
          : row.change >= limit;
  // What noise alone does is no reason to fail.
  const holds = isMet || row.finding === 'no difference shown';
  const reason = `${percent(row.change)} on ${row.cell}, ${row.finding}`;
  return { expression, holds, actual: Math.round(row.change * 10_000) / 100, reason };
}

/** Everything that is shown to be worse by more than the fraction, and every property that was lost. */
export function checkWorseBy(fraction: number, table: RegressionTable): readonly AssertionResult[] {
  const expression = `nothing worse by more than ${percent(fraction).slice(1)}`;
  const figures = table.figures
    .filter(({ finding, change, better }) => finding === 'worse' && worsening(change, better) > fraction)
    .map((row) => ({
      expression,
      holds: false,
      actual: Math.round(row.change * 10_000) / 100,
      reason: `${row.cell} ${row.mode} ${row.figure}: ${percent(row.change)}`,
    }));
  const lost = table.verdicts
    .filter(({ kind }) => kind === 'lost')
    .map((row) => ({
      expression,
      holds: false,
      actual: null,
      reason: `${row.cell}: ${row.before} before, ${row.after} after`,
    }));
  const failures = [...figures, ...lost];
  if (failures.length > 0) return failures;
  return [{ expression, holds: true, actual: null, reason: `${table.figures.length} figures compared` }];
}

function worsening(change: number, better: 'higher' | 'lower'): number {
  return better === 'lower' ? change : 1 / (1 + change) - 1;
}

function isOn(cell: string, layer: Assertion['layer']): boolean {
  return layer === null || cell.endsWith(`.${layer}`);
}

export function percent(fraction: number): string {
  const value = fraction * 100;
  return `${value < 0 ? '−' : '+'}${Math.abs(value) < 10 ? Math.abs(value).toFixed(1) : Math.round(Math.abs(value))} %`;
}

/** `10%`, `10`: as a fraction. Throws AssertionSyntaxError. */
export function parsePercent(text: string): number {
  const found = /^\s*(\d+(?:\.\d+)?)\s*%?\s*$/.exec(text)?.[1];
  if (found === undefined) throw new AssertionSyntaxError(`"${text}" is not a percentage; such as: 10%`);
  return Number(found) / 100;
}
