/** Every run of every workload. A run that was not valid has its reason where the figures would be. */

import { type Block, type Cell, type Column, type Part, paragraph, quiet, type Row, systemName } from '../document.ts';
import { workloadAnchor } from '../evidence.ts';
import { bytes, count, durability, figure, isThin, parameters, percentiles } from '../figures.ts';
import type { LatencySummary, PhaseName, Report, WorkloadParameters, WorkloadRow } from '../model.ts';
import { sortCells } from '../view.ts';
import { thinNote } from './summary-table.ts';

export function workloadParts(report: Report): readonly Part[] {
  const ids = [...new Set(report.workloads.map((row) => row.id))];
  return ids.map((id, index) => {
    const runs = numberedRuns(report, id);
    const part = `workload-${index + 1}`;
    return {
      id: part,
      title: `Workload ${id}`,
      blocks: [
        { kind: 'list', items: offers(runs) },
        figuresTable(runs, `${part}-figures`, id),
        checksTable(runs, `${part}-checks`, id),
        ...courseTable(runs, `${part}-course`, id),
        ...phaseTable(runs, `${part}-phases`, id),
        ...remarks(runs),
      ],
    };
  });
}

interface Run {
  readonly row: WorkloadRow;
  /** What was offered, named so that it can be told from the workload's others. */
  readonly offer: string;
  /** The first of its evidence id carries the anchor. */
  readonly isFirst: boolean;
}

/** By layer and system, so that what a claim cites stands together; in there by mode, parameters and repeat. */
function numberedRuns(report: Report, id: string): readonly Run[] {
  const rows = report.workloads.filter((row) => row.id === id);
  const offers = offerNames(rows);
  const seen = new Set<string>();
  return sortCells(rows, report).map((row) => {
    const anchor = workloadAnchor(row);
    const isFirst = !seen.has(anchor);
    seen.add(anchor);
    return { row, offer: offers.get(offerKey(row)) ?? row.mode, isFirst };
  });
}

function offerKey(row: WorkloadRow): string {
  return `${row.mode} ${JSON.stringify(row.parameters)}`;
}

/** `equal load`; with several sets of parameters `equal load (2)`. */
function offerNames(rows: readonly WorkloadRow[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const times = new Map<string, number>();
  for (const row of rows) {
    const key = offerKey(row);
    if (names.has(key)) continue;
    const nth = (times.get(row.mode) ?? 0) + 1;
    times.set(row.mode, nth);
    const mode = row.mode.replace('-', ' ');
    names.set(key, nth === 1 ? mode : `${mode} (${nth})`);
  }
  return names;
}

function offers(runs: readonly Run[]): readonly string[] {
  const known = new Map<string, { title: string; parameters: WorkloadParameters; messages: number }>();
  for (const { row, offer } of runs)
    if (!known.has(offer))
      known.set(offer, { title: row.title, parameters: row.parameters, messages: row.parameters.messages });
  return [...known].map(
    ([offer, each]) =>
      `${offer}: ${each.title}. ${parameters(each.parameters)}, ${count(each.messages)} messages planned.`,
  );
}

// ------------------------------------------------------------------------------------------------ figures

const latencies = [
  {
    kind: 'publish',
    group: 'Publish to answer',
    shown: percentiles.filter(({ path }) => /^(p50|p99|max)$/.test(path)),
  },
  { kind: 'endToEnd', group: 'End to end', shown: percentiles },
] as const;

type Percentile = (typeof percentiles)[number];

const figureColumns: readonly Column[] = [
  { title: 'Published', unit: 'msg/s', isNumeric: true },
  { title: 'Published', unit: 'MB/s', isNumeric: true },
  { title: 'Received', unit: 'msg/s', isNumeric: true },
  ...latencies.flatMap(({ group, shown }) => [
    ...shown.map(({ name }) => ({ title: name, unit: 'ms', isNumeric: true, group })),
    { title: 'Samples', isNumeric: true, group },
  ]),
];

function figuresTable(runs: readonly Run[], id: string, workload: string): Block {
  const rows = runs.map((run, index): Row => ({ ...figureRow(run), isApart: run.isFirst && index > 0 }));
  const isAnyThin = runs.some(({ row }) => row.valid && hasThin(row));
  return {
    kind: 'table',
    id,
    caption: `Figures of every run, ${workload}`,
    columns: [{ title: 'System' }, { title: 'Durability' }, { title: 'Run' }, ...figureColumns],
    rows,
    look: 'dense',
    ...(isAnyThin ? { notes: [thinNote] } : {}),
  };
}

function figureRow({ row, offer, isFirst }: Run): Row {
  const name: readonly Cell[] = [
    [systemName(row.system), quiet(` ${row.layer}`)],
    durability(row.durability),
    `${offer} #${row.repeat + 1}`,
  ];
  const figures: readonly Cell[] = row.valid
    ? [
        rate(row.publish.messagesPerSecond),
        rate(row.publish.megabytesPerSecond),
        rate(row.consume.messagesPerSecond),
        ...latencies.flatMap(({ kind, shown }) => latencyCells(row.latencyMs[kind], shown)),
      ]
    : [
        {
          lines: [`invalid: ${row.invalidBecause ?? 'no reason was recorded'}`],
          span: figureColumns.length,
          tone: 'bad',
        },
      ];
  return isFirst ? { id: workloadAnchor(row), cells: [...name, ...figures] } : { cells: [...name, ...figures] };
}

function rate(value: number): Cell {
  return value === 0 ? quiet('–') : figure(value);
}

function latencyCells(latency: LatencySummary, shown: readonly Percentile[]): readonly Cell[] {
  if (latency.count === 0) return [...shown.map(() => quiet('–')), '0'];
  return [
    ...shown.map(
      ({ path, fraction }): Cell => ({
        kind: 'figure',
        value: figure(latency[path]),
        interval: null,
        isThin: isThin(fraction, latency.count),
      }),
    ),
    count(latency.count),
  ];
}

function hasThin(row: WorkloadRow): boolean {
  return latencies.some(({ kind, shown }) =>
    shown.some(({ fraction }) => row.latencyMs[kind].count > 0 && isThin(fraction, row.latencyMs[kind].count)),
  );
}

// ------------------------------------------------------------------------------------------------ checks and cost

const checkNames = [
  ['sent', 'Sent'],
  ['acked', 'Acked'],
  ['received', 'Received'],
  ['lost', 'Lost'],
  ['duplicated', 'Twice'],
  ['reordered', 'Reordered'],
  ['phantom', 'Phantom'],
  ['unknown', 'Unknown'],
  ['refused', 'Refused'],
] as const;

const costColumns: readonly Column[] = [
  { title: 'Late p99', unit: 'ms', isNumeric: true },
  { title: 'Broker', unit: 'cores', isNumeric: true },
  { title: 'Client', unit: 'cores', isNumeric: true },
  { title: 'Broker', unit: 'CPU s/M', isNumeric: true },
  { title: 'Client', unit: 'CPU s/M', isNumeric: true },
  { title: 'Written', unit: '× payload', isNumeric: true },
  { title: 'Peak RSS', isNumeric: true },
  { title: 'Limited by' },
];

/** These are told also when there were none. */
const alwaysTold: readonly (typeof checkNames)[number][0][] = ['sent', 'acked', 'received', 'lost', 'duplicated'];

function checksTable(runs: readonly Run[], id: string, workload: string): Block {
  const isTold = ([name]: (typeof checkNames)[number]): boolean =>
    alwaysTold.includes(name) || runs.some(({ row }) => row.checks[name] > 0);
  const told = checkNames.filter(isTold);
  const absent = checkNames.filter((check) => !isTold(check)).map(([, title]) => title.toLowerCase());
  return {
    kind: 'table',
    id,
    caption: `Checks and cost of every run, ${workload}`,
    look: 'dense',
    columns: [
      { title: 'System' },
      { title: 'Run' },
      ...told.map(([, title]) => ({ title, isNumeric: true, group: 'Messages' })),
      ...costColumns,
    ],
    rows: runs.map(({ row, offer, isFirst }, index) => ({
      isApart: isFirst && index > 0,
      cells: [
        [systemName(row.system), quiet(` ${row.layer}`)],
        `${offer} #${row.repeat + 1}`,
        ...told.map(([name]) => count(row.checks[name])),
        ...costCells(row),
      ],
    })),
    notes: [
      ...(absent.length === 0 ? [] : [`0 in every run: ${absent.join(', ')}.`]),
      'Late: how far the generator itself was behind its plan, which is part of every latency above. Received counts every subscription. CPU s/M: processor seconds per million messages.',
    ],
  };
}

function costCells(row: WorkloadRow): readonly Cell[] {
  if (!row.valid) return [{ lines: ['invalid: not a figure'], span: costColumns.length, tone: 'bad' }];
  const { cost, utilization, slipMs } = row;
  const or = (value: number | null, show: (value: number) => string = figure): Cell =>
    value === null ? quiet('–') : show(value);
  return [
    figure(slipMs.p99),
    or(utilization.brokerCores),
    figure(utilization.clientCores),
    or(cost.brokerCpuSecondsPerMillion),
    or(cost.clientCpuSecondsPerMillion),
    or(cost.bytesWrittenPerPayloadByte),
    or(cost.peakRssBytes, bytes),
    row.limitedBy.replace('-', ' '),
  ];
}

// ------------------------------------------------------------------------------------------------ course

/** One line for each system, layer and offer: how the phases of its runs went. */
function courseTable(runs: readonly Run[], id: string, workload: string): readonly Block[] {
  const cells = new Map<string, Run[]>();
  for (const run of runs.filter(({ row }) => row.phases !== undefined)) {
    const key = `${run.row.system} ${run.row.layer} ${run.offer}`;
    cells.set(key, [...(cells.get(key) ?? []), run]);
  }
  if (cells.size === 0) return [];
  return [
    {
      kind: 'table',
      id,
      caption: `Course of the runs, ${workload}`,
      look: 'dense',
      columns: [
        { title: 'System' },
        { title: 'Runs' },
        { title: 'Steady after warm-up', isNumeric: true },
        { title: 'Warm-up', unit: 'ms, longest', isNumeric: true },
        { title: 'Drain', unit: 'ms, longest', isNumeric: true },
        { title: 'Service p99', unit: 'ms, publish', isNumeric: true },
        { title: 'Service p99', unit: 'ms, end to end', isNumeric: true },
        { title: 'Event loop late', unit: 'ms, p99', isNumeric: true },
        { title: 'Phases' },
      ],
      rows: [...cells.values()].map((own) => ({ cells: courseCells(own) })),
      notes: [
        'Steady: the last three windows of the warm-up were alike in rate and p50; a run of which that is not true says so in its notes. Service: from the time at which a message was really handed over, the worst of the runs; the latencies above count from when it should have been.',
      ],
    },
  ];
}

function courseCells(own: readonly Run[]): readonly Cell[] {
  const [first] = own as [Run, ...Run[]];
  const rows = own.map(({ row }) => row);
  const longest = (name: PhaseName): Cell => {
    const times = rows.flatMap(({ phases = [] }) =>
      phases.filter(({ phase }) => phase === name).map(({ fromMs, toMs }) => toMs - fromMs),
    );
    return times.length === 0 ? quiet('–') : count(Math.max(...times));
  };
  const worst = (of: (row: WorkloadRow) => number | undefined): Cell => {
    const values = rows.filter(({ valid }) => valid).flatMap((row) => of(row) ?? []);
    return values.length === 0 ? quiet('–') : figure(Math.max(...values));
  };
  const warmups = rows.flatMap(({ phases = [] }) => phases.filter(({ phase }) => phase === 'warmup'));
  const names = [...new Set(rows.flatMap(({ phases = [] }) => phases.map(({ phase }) => phase)))];
  return [
    [systemName(first.row.system), quiet(` ${first.row.layer}`)],
    `${first.offer} × ${own.length}`,
    warmups.length === 0
      ? quiet('–')
      : `${warmups.filter(({ isSteady }) => isSteady === true).length} of ${warmups.length}`,
    longest('warmup'),
    longest('drain'),
    worst((row) => (row.latencyMs.publish.count === 0 ? undefined : row.serviceMs?.publish.p99)),
    worst((row) => (row.latencyMs.endToEnd.count === 0 ? undefined : row.serviceMs?.endToEnd.p99)),
    worst((row) => row.eventLoopLagMs?.p99),
    names.join(', '),
  ];
}

/** Where a workload has a course: every phase of every run. */
function phaseTable(runs: readonly Run[], id: string, workload: string): readonly Block[] {
  const rows = runs.flatMap(({ row, offer }) =>
    (row.phases ?? []).flatMap((phase) =>
      phase.figures === undefined ? [] : [{ row, offer, phase, of: phase.figures }],
    ),
  );
  if (rows.length === 0) return [];
  const or = (value: number | null, show: (value: number) => string = figure): Cell =>
    value === null ? quiet('–') : show(value);
  return [
    {
      kind: 'table',
      id,
      caption: `Every phase, ${workload}`,
      look: 'dense',
      columns: [
        { title: 'System' },
        { title: 'Run' },
        { title: 'Phase' },
        { title: 'From', unit: 's', isNumeric: true },
        { title: 'To', unit: 's', isNumeric: true },
        { title: 'Published', unit: 'msg/s', isNumeric: true },
        { title: 'Received', unit: 'msg/s', isNumeric: true },
        { title: 'p50', unit: 'ms', isNumeric: true, group: 'End to end' },
        { title: 'p99', unit: 'ms', isNumeric: true, group: 'End to end' },
        { title: 'Samples', isNumeric: true, group: 'End to end' },
        { title: 'Backlog', unit: 'most', isNumeric: true },
        { title: 'Broker', unit: 'cores', isNumeric: true },
        { title: 'Note' },
      ],
      rows: rows.map(({ row, offer, phase, of }, index) => ({
        isApart: index > 0 && rows[index - 1]?.row !== row,
        cells: [
          [systemName(row.system), quiet(` ${row.layer}`)],
          `${offer} #${row.repeat + 1}`,
          phase.phase,
          figure(phase.fromMs / 1000),
          figure(phase.toMs / 1000),
          figure(of.publishedPerSecond),
          figure(of.receivedPerSecond),
          or(of.endToEndP50Ms),
          or(of.endToEndP99Ms),
          count(of.samples),
          count(of.backlogMax),
          or(of.brokerCores),
          phase.note ?? '',
        ],
      })),
      notes: [
        'Latencies are of the messages that were due in the phase, whenever they came: those of a backlog waited for the consumers.',
      ],
    },
  ];
}

// ------------------------------------------------------------------------------------------------ what is special

/** Notes and first offenders, each with the runs that it is true of. */
function remarks(runs: readonly Run[]): readonly Block[] {
  const said = new Map<string, Run[]>();
  for (const run of runs)
    for (const sentence of new Set(sentencesOf(run.row))) said.set(sentence, [...(said.get(sentence) ?? []), run]);
  if (said.size === 0) return [];
  return [
    paragraph('Notes and first offenders:'),
    {
      kind: 'list',
      items: [...said].map(([sentence, where]) => [sentence, quiet(` (${placesOf(where, runs)})`)]),
    },
  ];
}

function sentencesOf(row: WorkloadRow): readonly string[] {
  const settings = row.settings === 'tuned' ? ['tuned settings'] : [];
  return [...row.notes, ...row.checks.offenders, ...settings, ...negativeSentences(row)];
}

/** `every run`, or for each system `kafka`, or which of its runs. */
function placesOf(where: readonly Run[], runs: readonly Run[]): string {
  if (where.length === runs.length) return 'every run';
  const systems = [...new Set(where.map(({ row }) => row.system))];
  const places = systems.map((system) => {
    const own = where.filter(({ row }) => row.system === system);
    if (own.length === runs.filter(({ row }) => row.system === system).length) return system;
    return own.map(({ row, offer }) => `${system} ${row.layer} ${offer} #${row.repeat + 1}`).join(', ');
  });
  return places.join(', ');
}

function negativeSentences(row: WorkloadRow): readonly string[] {
  return latencies.flatMap(({ kind, group }) =>
    row.latencyMs[kind].negative === 0
      ? []
      : [`${row.latencyMs[kind].negative} samples of “${group}” were below zero and count as zero`],
  );
}
