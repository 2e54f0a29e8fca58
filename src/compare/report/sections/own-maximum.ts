/** Each system as fast as it goes for ever: rates, what limited them, and what the one API takes of them. */

import {
  type Block,
  type Cell,
  name,
  nothing,
  type Part,
  paragraph,
  quiet,
  quote,
  type Section,
  systemName,
} from '../document.ts';
import { number } from '../figures.ts';
import { say } from '../language.ts';
import type { CellSummary, Report, Spread } from '../model.ts';
import { workloadGroups, type WorkloadGroup } from '../view.ts';
import { barPanels } from './bar-panels.ts';
import { latencyColumns, megabyteColumns, parametersSentence, rateColumns, summaryTable } from './summary-table.ts';

export function ownMaximumSection(report: Report): Section {
  const groups = workloadGroups(report, 'own-maximum');
  return {
    id: 'own-maximum',
    title: say('Own maximum', 'الحد الأقصى الذاتي'),
    blocks: [
      paragraph(
        groups.length === 0
          ? say('No own maximum was measured.', 'لم يُقس أي حد أقصى ذاتي.')
          : say(
              'Each system as fast as it takes messages and gives them out again. Latencies here are those of a full system and say nothing of one with room to spare.',
              'كل نظام بأقصى ما يستطيع أن يأخذ الرسائل ويعطيها. أزمنة الوصول هنا أزمنة نظام ممتلئ، ولا تقول شيئًا عن نظام لديه متسع.',
            ),
      ),
    ],
    parts: groups.map((group, index) => partOf(report, group, `own-maximum-${index + 1}`)),
  };
}

function partOf(report: Report, group: WorkloadGroup, id: string): Part {
  const [first] = group.cells;
  const side = ratedSide(group.cells);
  const caption = say(`${group.workload} at its own maximum`, `${group.workload} عند حده الأقصى الذاتي`);
  return {
    id,
    title: [name(`${group.workload}: `), quote(group.title)],
    blocks: [
      ...(first === undefined ? [] : [paragraph(parametersSentence(first.parameters, group.cells), 'quiet')]),
      ...barPanels(report, group.cells, {
        id: `${id}-rate`,
        caption:
          side === 'publish'
            ? say(`Messages published per second, ${group.workload}`, `الرسائل المنشورة في الثانية، ${group.workload}`)
            : say(`Messages received per second, ${group.workload}`, `الرسائل المستلمة في الثانية، ${group.workload}`),
        path: `${side}.messagesPerSecond`,
        unit: 'perSecond',
      }),
      summaryTable(`${id}-table`, caption, group.cells, group.rows, [
        ...rateColumns,
        ...megabyteColumns.filter(({ path }) => path.startsWith(side)),
        ...latencyColumns.filter(({ path }) => /\.(p50|p99)$/.test(path)),
      ]),
      ...priceOfApi(group, side, id),
    ],
  };
}

/** A workload that only reads has no rate of publishing. */
function ratedSide(cells: readonly CellSummary[]): 'publish' | 'consume' {
  return cells.some((cell) => (cell.figures['publish.messagesPerSecond']?.high ?? 0) > 0) ? 'publish' : 'consume';
}

/** Each layer's rate as a share of the bare client's on the same system: what the layers cost is a result of its own. */
function priceOfApi(group: WorkloadGroup, side: 'publish' | 'consume', id: string): readonly Block[] {
  const path = `${side}.messagesPerSecond`;
  const others = (['port', 'rest', 'grpc'] as const).filter((layer) =>
    group.cells.some((cell) => cell.layer === layer),
  );
  const bare = group.cells.filter((cell) => cell.layer === 'bare' && cell.figures[path] !== undefined);
  if (bare.length === 0 || others.length === 0) return [];
  const shareOf = (base: CellSummary, layer: CellSummary['layer']): Cell => {
    const own = group.cells.find((cell) => cell.system === base.system && cell.layer === layer);
    if (own !== undefined && durabilityOf(own) !== durabilityOf(base))
      return quiet(say('another durability', 'ديمومة أخرى'));
    return share(own?.figures[path], base.figures[path]);
  };
  return [
    {
      kind: 'table',
      id: `${id}-price`,
      caption: say(
        `What each layer leaves of the bare client's rate, ${group.workload}`,
        `ما تبقيه كل طبقة من معدل العميل المجرّد، ${group.workload}`,
      ),
      columns: [
        { title: say('System', 'النظام') },
        ...others.map((layer) => ({
          title: name(layer),
          unit: say('% of bare', '% من bare'),
          isNumeric: true,
        })),
      ],
      rows: bare.map((base) => ({ cells: [systemName(base.system), ...others.map((layer) => shareOf(base, layer))] })),
      notes: [
        say(
          'Ratio of the medians, [from the worst to the best combination of both intervals].',
          'النسبة بين القيمتين الوسطيين، [من أسوأ تركيب للفترتين إلى أحسنه].',
        ),
      ],
    },
  ];
}

function share(part: Spread | undefined, whole: Spread | undefined): Cell {
  if (part === undefined || whole === undefined || whole.low <= 0) return nothing;
  const percent = (ratio: number): string => number(Math.round(ratio * 100));
  return {
    kind: 'figure',
    value: percent(part.median / whole.median),
    interval:
      part.count > 1 && whole.count > 1 ? `${percent(part.low / whole.high)}–${percent(part.high / whole.low)}` : null,
    isThin: false,
  };
}

function durabilityOf({ durability }: CellSummary): string {
  return `${durability.persistence} ${durability.copies}`;
}
