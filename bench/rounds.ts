/**
 * Ours and the reference in turns, so that a noisy machine disturbs both alike. The first round is kept apart, for it compiles and
 * fills caches; a second one warms up; of the rest a row has the medians, and as its ratio the median of the rounds' ratios.
 */

import type { BenchRow } from './row.ts';

const ROUNDS = 5;

export interface Turns {
  readonly name: string;
  readonly unit: string;
  readonly target: number;
  /** Figures of a round, in the unit of the row. */
  readonly ours: () => number | Promise<number>;
  readonly reference: () => number | Promise<number>;
  /** For times: lower is better, and the ratio is the reference's by ours. */
  readonly isTime?: boolean;
}

export async function inTurns({ name, unit, target, ours, reference, isTime = false }: Turns): Promise<BenchRow> {
  const measured: { readonly ours: number; readonly reference: number; readonly ratio: number }[] = [];
  for (let round = 0; round < ROUNDS + 2; round += 1) {
    const mine = await ours();
    const bare = await reference();
    measured.push({ ours: mine, reference: bare, ratio: isTime ? bare / mine : mine / bare });
  }
  const [first, , ...rest] = measured;
  const row = {
    name,
    unit,
    target,
    ours: median(rest.map((round) => round.ours)),
    reference: median(rest.map((round) => round.reference)),
    ratio: median(rest.map(({ ratio }) => ratio)),
    firstRatio: first?.ratio ?? Number.NaN,
  };
  process.stderr.write(`${name}: ${row.ratio.toFixed(2)} (${rest.map(({ ratio }) => ratio.toFixed(2)).join(' ')})\n`);
  return row;
}

/** A figure against a fixed limit: below it for times and sizes, above it for rates. */
export function againstLimit(
  name: string,
  measured: readonly number[],
  { unit, limit, isAtLeast = false }: { readonly unit: string; readonly limit: number; readonly isAtLeast?: boolean },
): BenchRow {
  const ratioOf = (value: number): number => (isAtLeast ? value / limit : limit / value);
  const ours = median(measured);
  process.stderr.write(`${name}: ${ours.toFixed(2)} ${unit}\n`);
  const firstRatio = ratioOf(measured[0] ?? Number.NaN);
  return { name: `${name} (limit)`, ours, reference: limit, ratio: ratioOf(ours), unit, target: 1, firstRatio };
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function quantile(values: readonly number[], part: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * part)] ?? Number.NaN;
}
