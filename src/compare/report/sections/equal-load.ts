/** The same work offered to every system at the same times: latencies that may stand side by side. */

import { latencyCurve, latencySpectrum, spectrumScales, type LatencyCurve } from '../charts/index.ts';
import { type Block, name, type Panel, type Part, paragraph, quote, type Section } from '../document.ts';
import { rowsOf } from '../figures.ts';
import { say } from '../language.ts';
import type { CellSummary, Layer, Report } from '../model.ts';
import { comparisonGroups, layers, workloadGroups, type WorkloadGroup } from '../view.ts';
import { termsBlock } from './terms.ts';
import { labelOf, titleOfPanel } from './bar-panels.ts';
import { latencyColumns, parametersSentence, rateColumns, summaryTable } from './summary-table.ts';

export function equalLoadSection(report: Report): Section {
  const groups = workloadGroups(report, 'equal-load');
  return {
    id: 'equal-load',
    title: say('Equal load', 'الحِمل المتساوي'),
    blocks: [
      paragraph(
        groups.length === 0
          ? say('No workload with an equal load was measured.', 'لم يُقس أي حِمل عمل بحِمل متساوٍ.')
          : say(
              'Every system gets the same messages at the same times. Latency counts from the time at which a message should have been sent, so a system that holds up the sender pays for it.',
              'يتلقى كل نظام الرسائل نفسها في الأوقات نفسها. يُحسب زمن الوصول من الوقت الذي كان يجب أن تُرسل فيه الرسالة، فمن يؤخّر المرسِل يدفع ثمن ذلك.',
            ),
      ),
      ...termsBlock(report),
    ],
    parts: groups.map((group, index) => partOf(report, group, `equal-load-${index + 1}`)),
  };
}

function partOf(report: Report, group: WorkloadGroup, id: string): Part {
  const [first] = group.cells;
  const caption = say(`${group.workload} at equal load`, `${group.workload} بالحِمل المتساوي`);
  return {
    id,
    title: [name(`${group.workload}: `), quote(group.title)],
    blocks: [
      ...(first === undefined ? [] : [paragraph(parametersSentence(first.parameters, group.cells), 'quiet')]),
      ...spectra(report, group, id),
      summaryTable(`${id}-table`, caption, group.cells, group.rows, [...rateColumns, ...latencyColumns]),
    ],
  };
}

/** End-to-end latencies: a panel for each durability and layer, all on the same axes. */
function spectra(report: Report, group: WorkloadGroup, id: string): readonly Block[] {
  const comparisons = comparisonGroups(group.cells, report);
  const panels = layers.flatMap((layer) =>
    comparisons.flatMap((comparison) => {
      const curves = curvesOf(comparison.cells, layer, group);
      return curves.length === 0 ? [] : [{ label: labelOf(layer, comparison.label), curves }];
    }),
  );
  if (panels.length === 0) return [];
  const scales = spectrumScales(panels.flatMap((panel) => panel.curves));
  const caption = say(
    `End-to-end latency by percentile, ${group.workload}`,
    `زمن الوصول من الطرف إلى الطرف بحسب المئين، ${group.workload}`,
  );
  return [
    {
      kind: 'charts',
      width: 'narrow',
      caption,
      systems: [...new Set(panels.flatMap((panel) => panel.curves.map((curve) => curve.system)))],
      panels: panels.map(
        ({ label, curves }, index): Panel => ({
          label,
          chart: (language) =>
            latencySpectrum(`${id}-latency-${index}`, titleOfPanel(caption, label), curves, scales, language),
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
