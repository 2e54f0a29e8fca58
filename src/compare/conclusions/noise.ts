/**
 * The noise of a run: one cell was run twice, as two systems would have been, and what the two differ by is what this machine makes
 * of nothing. Pure.
 */

import type { NoiseFloor, WorkloadRow } from '../report/model.ts';
import { comparedFigures, valuesOf } from '../regression/figures.ts';
import { noiseOf, spreadOf } from '../statistics/index.ts';

/** `twins` are the second runs; their firsts are among `rows`. */
export function noiseFloors(
  rows: readonly WorkloadRow[],
  twins: readonly WorkloadRow[],
  seed: number,
): readonly NoiseFloor[] {
  const cells = new Map(twins.map((row) => [`${row.id}.${row.system}.${row.layer} ${row.mode}`, row]));
  return [...cells.values()].flatMap((cell) => {
    const isOfCell = (row: WorkloadRow) =>
      row.id === cell.id && row.system === cell.system && row.layer === cell.layer && row.mode === cell.mode;
    const first = rows.filter(isOfCell);
    const second = twins.filter(isOfCell);
    return comparedFigures
      .filter(({ modes }) => modes.includes(cell.mode))
      .flatMap((figure) => {
        const values = [valuesOf(figure, first), valuesOf(figure, second)] as const;
        const floor = noiseOf(...values, seed);
        if (floor === null) return [];
        return [
          {
            cell: `${cell.id}.${cell.system}.${cell.layer}`,
            mode: cell.mode,
            figure: figure.path,
            first: spreadOf(values[0], seed),
            second: spreadOf(values[1], seed),
            floor: Math.round(floor * 10_000) / 10_000,
          },
        ];
      });
  });
}
