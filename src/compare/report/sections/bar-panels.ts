/** Bars of one figure of a workload: a panel for each durability, and one apart for what runs in-process. */

import { type Bar, barChart, largestOf } from '../charts/index.ts';
import type { Block } from '../document.ts';
import type { Unit } from '../figures.ts';
import { type Said, say } from '../language.ts';
import type { CellSummary, Layer, Report } from '../model.ts';
import { phraseOf } from '../phrases/index.ts';
import { comparisonGroups } from '../view.ts';

export interface BarFigure {
  readonly id: string;
  readonly caption: Said;
  readonly path: string;
  readonly unit: Unit;
}

export function barPanels(report: Report, cells: readonly CellSummary[], figure: BarFigure): readonly Block[] {
  const hasSomethingToTell = (cell: CellSummary): boolean =>
    cell.validRepeats === 0 || cell.figures[figure.path] !== undefined;
  // A panel in which nothing can be seen by its nature (the broker's CPU where there is no broker) tells nothing.
  const groups = comparisonGroups(cells, report)
    .filter((group) => group.cells.some(hasSomethingToTell))
    .map((group) => ({ group, bars: group.cells.map((cell) => barOf(cell, figure.path)) }));
  if (groups.every(({ bars }) => bars.every((bar) => bar.figure === null))) return [];
  const ends = { inProcess: largest(groups, true), network: largest(groups, false) };
  return [
    {
      kind: 'charts',
      width: 'wide',
      caption: figure.caption,
      systems: [],
      panels: groups.map(({ group, bars }, index) => ({
        label: group.label,
        chart: (language) =>
          barChart(
            `${figure.id}-${index}`,
            titleOfPanel(figure.caption, group.label),
            bars,
            figure.unit,
            group.isInProcess ? ends.inProcess : ends.network,
            language,
          ),
      })),
    },
  ];
}

/** For those who do not see the chart: what it is of, and which of its panels this is. */
export function titleOfPanel(caption: Said, label: Said): Said {
  return say(`${caption.en}. ${label.en}`, `${caption.ar}. ${label.ar}`);
}

/** `bare · durability os × 1`. */
export function labelOf(layer: Layer, group: Said): Said {
  return say(`${layer} · ${group.en}`, `${layer} · ${group.ar}`);
}

/** Panels side by side are compared by eye, whatever is written above them: one axis for all, but for the in-process ones. */
function largest(
  groups: readonly { readonly group: { readonly isInProcess: boolean }; readonly bars: readonly Bar[] }[],
  isInProcess: boolean,
): number {
  return Math.max(
    0,
    ...groups.filter(({ group }) => group.isInProcess === isInProcess).map(({ bars }) => largestOf(bars)),
  );
}

function barOf(cell: CellSummary, path: string): Bar {
  const figure = cell.validRepeats === 0 ? undefined : cell.figures[path];
  const because = phraseOf(cell.invalidBecause[0] ?? 'no valid run');
  const reason =
    cell.validRepeats === 0
      ? say(`invalid: ${because.en}`, `غير صالح: ${because.ar}`)
      : say('cannot be seen', 'لا يمكن رؤيته');
  return { system: cell.system, detail: cell.layer, figure: figure ?? null, reason };
}
