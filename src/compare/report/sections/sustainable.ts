/** The rate that can go on for ever, how it was found, what ended it, and latency against load on the way. */

import { latencyLoadChart, loadScales } from '../charts/index.ts';
import { type Block, type Cell, type Part, paragraph, quiet, type Row, type Section, systemName } from '../document.ts';
import { count, durability, figure, number, parameters, rowsOf, spread } from '../figures.ts';
import { type LoadCurve, loadComparisonInWords, loadComparisons, loadCurves } from '../latency-by-load.ts';
import type { CellSummary, RateSearch, Report, SearchCriterion, SearchStep, WorkloadRow } from '../model.ts';
import { baseSystem, comparisonGroups, layers, workloadGroups, type WorkloadGroup } from '../view.ts';

const criterionWords: Readonly<Record<SearchCriterion, string>> = {
  loss: 'loss',
  broken: 'broke',
  achieved: 'not taken in time',
  latency: 'latency',
  backlog: 'backlog grew',
  generator: 'generator late',
};

const endWords: Readonly<Record<RateSearch['end'], string>> = {
  bracketed: 'found',
  'top-of-ladder': 'top of the ladder',
  'step-limit': 'limit of steps',
  'time-limit': 'limit of time',
  'nothing-passed': 'nothing passed',
};

/** What the same system differs by is not known of these; differences below it are not called differences. */
const leastFloor = 0.1;

export function sustainableSection(report: Report): Section {
  const groups = workloadGroups(report, 'sustainable-rate');
  return {
    id: 'sustainable',
    title: 'Latency against load',
    blocks: [
      paragraph(
        groups.length === 0
          ? 'No sustainable rate was looked for.'
          : 'The offered rate is doubled until a bound breaks, then halved between the last that passed and the first that failed; 95 % of what was found is then held for longer, and that is the rate published. Every system climbs the same ladder, so at each rung all were given the same messages.',
      ),
    ],
    parts: groups.map((group, index) => partOf(report, group, `sustainable-${index + 1}`)),
  };
}

function partOf(report: Report, group: WorkloadGroup, id: string): Part {
  const curves = loadCurves(group.rows);
  const bounds = group.rows.find(({ search }) => search !== undefined)?.search?.bounds;
  const [first] = group.cells;
  return {
    id,
    title: `${group.workload}: ${group.title}`,
    blocks: [
      ...(first === undefined || bounds === undefined
        ? []
        : [
            paragraph(
              `Sustainable: at least ${number(bounds.achievedMin * 100)} % acknowledged in time, end-to-end p99 of at most ${number(bounds.p99MsMax)} ms, a backlog that does not grow, nothing lost. Each step: ${parameters(first.parameters).replace('as fast as it goes, ', '')}.`,
              'quiet',
            ),
          ]),
      ...charts(report, group, curves, id, bounds?.p99MsMax ?? 0),
      foundTable(group, `${id}-found`),
      ...turnTable(curves, `${id}-turns`),
      stepTable(group, `${id}-steps`),
    ],
  };
}

// ------------------------------------------------------------------------------------------------ what was found

function foundTable({ workload, cells, rows }: WorkloadGroup, id: string): Block {
  return {
    kind: 'table',
    id,
    caption: `The rate that was held, ${workload}`,
    columns: [
      { title: 'System' },
      { title: 'Durability' },
      { title: 'Held', unit: 'msg/s', isNumeric: true },
      { title: 'p99 at it', unit: 'ms', isNumeric: true },
      { title: 'Lowest that failed', unit: 'msg/s', isNumeric: true },
      { title: 'By' },
      { title: 'Limited by' },
      { title: 'Search' },
    ],
    rows: cells.map((cell, index) => ({
      cells: foundCells(cell, rowsOf(cell, rows)),
      isApart: index > 0 && cells[index - 1]?.layer !== cell.layer,
    })),
    notes: [
      'Medians over the searches, [95 % bootstrap interval] where there are several; a figure without an interval is one search.',
    ],
  };
}

function foundCells(cell: CellSummary, rows: readonly WorkloadRow[]): readonly Cell[] {
  const name = [systemName(cell.system), quiet(` ${cell.layer}`)];
  const rate = cell.figures['publish.messagesPerSecond'];
  const p99 = cell.figures['latencyMs.endToEnd.p99'];
  const failed = rows.flatMap(({ search }) => search?.failed ?? []);
  const lowest = failed.toSorted((a, b) => a.ratePerSecond - b.ratePerSecond)[0];
  const ends = [...new Set(rows.flatMap(({ search }) => (search === undefined ? [] : [endWords[search.end]])))];
  const tail: readonly Cell[] = [
    lowest === undefined ? quiet('none') : count(lowest.ratePerSecond),
    lowest === undefined ? quiet('–') : { lines: [criterionWords[lowest.criterion], quiet(lowest.because)] },
    lowest === undefined ? quiet('–') : lowest.limitedBy.replace('-', ' '),
    `${ends.join(', ')}, ${rows.length === 1 ? 'one search' : `${cell.validRepeats} of ${rows.length}`}`,
  ];
  if (rate === undefined || p99 === undefined) {
    const invalid = { lines: [`invalid: ${cell.invalidBecause.join('; ')}`], span: 2, tone: 'bad' } as const;
    return [name, durability(cell.durability), invalid, ...tail];
  }
  return [name, durability(cell.durability), spread(rate), spread(p99), ...tail];
}

// ------------------------------------------------------------------------------------------------ latency against load

function charts(
  report: Report,
  group: WorkloadGroup,
  curves: readonly LoadCurve[],
  id: string,
  boundMs: number,
): readonly Block[] {
  const drawn = curves.filter(({ points }) => points.length > 0);
  if (drawn.length === 0 || boundMs <= 0) return [];
  const comparisons = comparisonGroups(group.cells, report);
  const panels = layers.flatMap((layer) =>
    comparisons.flatMap((comparison) => {
      const systems = comparison.cells.filter((cell) => cell.layer === layer).map(({ system }) => system);
      const own = drawn.filter(
        (curve) =>
          curve.layer === layer &&
          systems.includes(curve.system) &&
          durability(curve.durability) === durability(comparison.durability),
      );
      return own.length === 0 ? [] : [{ label: `${layer} · ${comparison.label}`, own }];
    }),
  );
  const scales = loadScales(drawn, boundMs);
  const caption = `End-to-end p99 against offered load, ${group.workload}`;
  return [
    {
      kind: 'charts',
      width: 'narrow',
      caption,
      systems: [...new Set(panels.flatMap(({ own }) => own.map(({ system }) => system)))],
      panels: panels.map(({ label, own }, index) => ({
        label,
        chart: latencyLoadChart(`${id}-load-${index}`, `${caption}. ${label}`, own, scales, boundMs),
      })),
    },
  ];
}

/** Kafka beside each system of RabbitMQ: who is lower at which load. */
function turnTable(curves: readonly LoadCurve[], id: string): readonly Block[] {
  const comparisons = loadComparisons(
    curves,
    (system) => baseSystem(system) === 'kafka',
    (system) => system.startsWith('rabbitmq-'),
    leastFloor,
  );
  if (comparisons.length === 0) return [];
  return [
    {
      kind: 'table',
      id,
      caption: 'Whose p99 is lower at which load',
      look: 'prose',
      columns: [{ title: 'Systems' }, { title: 'Layer' }, { title: 'Found' }],
      rows: comparisons.map((comparison) => ({
        cells: [
          [systemName(comparison.first), ' and ', systemName(comparison.second)],
          comparison.layer,
          `${loadComparisonInWords(comparison)}${comparison.isSamePromise ? '' : ' (the two promise different things)'}`,
        ],
      })),
      notes: [
        'Rates that only one of the two was given say nothing about both. With one try at a rate a difference must be more than half to be called one.',
      ],
    },
  ];
}

// ------------------------------------------------------------------------------------------------ every step

function stepTable({ workload, rows }: WorkloadGroup, id: string): Block {
  const searches = rows.flatMap((row) => (row.search === undefined ? [] : [{ row, search: row.search }]));
  return {
    kind: 'table',
    id,
    caption: `Every step, ${workload}`,
    look: 'dense',
    columns: [
      { title: 'System' },
      { title: 'Step' },
      { title: 'Offered', unit: 'msg/s', isNumeric: true },
      { title: 'In time', unit: '%', isNumeric: true },
      { title: 'p50', unit: 'ms', isNumeric: true, group: 'End to end' },
      { title: 'p99', unit: 'ms', isNumeric: true, group: 'End to end' },
      { title: 'Samples', isNumeric: true, group: 'End to end' },
      { title: 'Backlog', unit: 'msg/s', isNumeric: true },
      { title: 'Late p99', unit: 'ms', isNumeric: true },
      { title: 'Broker', unit: 'cores', isNumeric: true },
      { title: 'Client', unit: 'cores', isNumeric: true },
      { title: 'Result' },
    ],
    rows: searches.flatMap(({ row, search }) =>
      search.steps.map(
        (step, index): Row => ({ isApart: index === 0 && row !== searches[0]?.row, cells: stepCells(row, step) }),
      ),
    ),
    notes: [
      'Late: how far the generator itself was behind its plan. Backlog: by how much it grew. What failed is named by the first bound that was not kept, and by what had no more to give.',
    ],
  };
}

function stepCells(row: WorkloadRow, step: SearchStep): readonly Cell[] {
  const result =
    step.criterion === null
      ? 'passed'
      : `${criterionWords[step.criterion]}: ${step.because ?? ''} (limited by ${step.limitedBy.replace('-', ' ')})`;
  return [
    [systemName(row.system), quiet(` ${row.layer} #${row.repeat + 1}`)],
    step.kind,
    count(step.ratePerSecond),
    figure(Math.floor(step.achieved * 1000) / 10),
    step.samples === 0 ? quiet('–') : figure(step.endToEndP50Ms),
    step.samples === 0 ? quiet('–') : figure(step.endToEndP99Ms),
    count(step.samples),
    step.backlogPerSecond === null ? quiet('–') : number(step.backlogPerSecond),
    figure(step.slipP99Ms),
    step.brokerCores === null ? quiet('–') : figure(step.brokerCores),
    figure(step.clientCores),
    result,
  ];
}
