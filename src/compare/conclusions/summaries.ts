/** From the rows of single runs to one line for each cell: median and spread of every figure over its valid repeats. Pure. */

import type { CellSummary, Spread, WorkloadRow } from '../report/model.ts';
import { spreadOf } from '../statistics/index.ts';

/** The parts of a row whose numbers are figures. */
const figureParts = [
  'publish',
  'consume',
  'latencyMs',
  'serviceMs',
  'slipMs',
  'eventLoopLagMs',
  'cost',
  'checks',
  'utilization',
  'readers',
] as const;

/** One for each (workload, system, layer, mode, durability), in the order of the rows. */
export function summarize(rows: readonly WorkloadRow[], seed: number): readonly CellSummary[] {
  const cells = new Map<string, WorkloadRow[]>();
  for (const row of rows) {
    const key = [row.id, row.system, row.layer, row.mode, row.durability.persistence, row.durability.copies].join('|');
    const cell = cells.get(key);
    if (cell === undefined) cells.set(key, [row]);
    else cell.push(row);
  }
  return [...cells.values()].map((cell) => summaryOf(cell, seed));
}

function summaryOf(cell: readonly WorkloadRow[], seed: number): CellSummary {
  const [first] = cell;
  if (first === undefined) throw new RangeError('a cell has at least one row');
  const valid = cell.filter((row) => row.valid);
  const reasons = new Set(cell.flatMap((row) => (row.invalidBecause === undefined ? [] : [row.invalidBecause])));
  return {
    id: `${first.id}.${first.system}`,
    workload: first.id,
    system: first.system,
    layer: first.layer,
    mode: first.mode,
    durability: first.durability,
    parameters: first.parameters,
    repeats: cell.length,
    validRepeats: valid.length,
    invalidBecause: [...reasons],
    limitedBy: mostFrequent((valid.length > 0 ? valid : cell).map((row) => row.limitedBy)),
    figures: figuresOf(valid, seed),
  };
}

function figuresOf(rows: readonly WorkloadRow[], seed: number): Readonly<Record<string, Spread>> {
  const values = new Map<string, number[]>();
  for (const row of rows)
    for (const part of figureParts)
      collectNumbers(part, row[part], (path, value) => {
        values.set(path, [...(values.get(path) ?? []), value]);
      });
  return Object.fromEntries([...values].map(([path, list]) => [path, spreadOf(list, seed)]));
}

function collectNumbers(path: string, value: unknown, found: (path: string, value: number) => void): void {
  if (typeof value === 'number') found(path, value);
  else if (typeof value === 'object' && value !== null && !Array.isArray(value))
    for (const [name, inner] of Object.entries(value)) collectNumbers(`${path}.${name}`, inner, found);
}

function mostFrequent<T>(values: readonly T[]): T {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const [most] = [...counts].toSorted((a, b) => b[1] - a[1]);
  if (most === undefined) throw new RangeError('no values');
  return most[0];
}
