/** The same work offered to every system at the same times: latencies that may stand side by side. */

import { latencyCurve, latencySpectrum, spectrumScales, type LatencyCurve } from '../charts/index.ts';
import { type Block, type Panel, type Part, paragraph, type Section } from '../document.ts';
import { parameters, rowsOf } from '../figures.ts';
import type { CellSummary, Layer, Report } from '../model.ts';
import { comparisonGroups, layers, workloadGroups, type WorkloadGroup } from '../view.ts';
import { termsBlock } from './terms.ts';
import { invalidSentence, latencyColumns, rateColumns, summaryTable } from './summary-table.ts';

export function equalLoadSection(report: Report): Section {
  const groups = workloadGroups(report, 'equal-load');
  return {
    id: 'equal-load',
    title: 'Equal load',
    blocks: [
      paragraph(
        groups.length === 0
          ? 'No workload with an equal load was measured.'
          : 'Every system gets the same messages at the same times. Latency counts from the time at which a message should have been sent, so a system that holds up the sender pays for it.',
      ),
      ...termsBlock(report),
    ],
    parts: groups.map((group, index) => partOf(report, group, `equal-load-${index + 1}`)),
  };
}

function partOf(report: Report, group: WorkloadGroup, id: string): Part {
  const [first] = group.cells;
  return {
    id,
    title: `${group.workload}: ${group.title}`,
    blocks: [
      ...(first === undefined
        ? []
        : [paragraph(`${parameters(first.parameters)}.${invalidSentence(group.cells)}`, 'quiet')]),
      ...spectra(report, group, id),
      summaryTable(`${id}-table`, `${group.workload} at equal load`, group.cells, group.rows, [
        ...rateColumns,
        ...latencyColumns,
      ]),
    ],
  };
}

/** End-to-end latencies: a panel for each durability and layer, all on the same axes. */
function spectra(report: Report, group: WorkloadGroup, id: string): readonly Block[] {
  const comparisons = comparisonGroups(group.cells, report);
  const panels = layers.flatMap((layer) =>
    comparisons.flatMap((comparison) => {
      const curves = curvesOf(comparison.cells, layer, group);
      return curves.length === 0 ? [] : [{ label: `${layer} · ${comparison.label}`, curves }];
    }),
  );
  if (panels.length === 0) return [];
  const scales = spectrumScales(panels.flatMap((panel) => panel.curves));
  const caption = `End-to-end latency by percentile, ${group.workload}`;
  return [
    {
      kind: 'charts',
      width: 'narrow',
      caption,
      systems: [...new Set(panels.flatMap((panel) => panel.curves.map((curve) => curve.system)))],
      panels: panels.map(
        ({ label, curves }, index): Panel => ({
          label,
          chart: latencySpectrum(`${id}-latency-${index}`, `${caption}. ${label}`, curves, scales),
        }),
      ),
    },
  ];
}

function curvesOf(cells: readonly CellSummary[], layer: Layer, group: WorkloadGroup): readonly LatencyCurve[] {
  return cells
    .filter((cell) => cell.layer === layer)
    .flatMap((cell) => latencyCurve(cell.system, rowsOf(cell, group.rows), 'endToEnd') ?? []);
}
