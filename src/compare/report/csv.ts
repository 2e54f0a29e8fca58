/** The runs as a table for spreadsheets (RFC 4180): one row for each run, columns named by the paths that `--assert` uses. */

import { visible } from './markup.ts';
import type { LatencySummary, Report, WorkloadRow } from './model.ts';

type Value = string | number | boolean | null;

interface CsvColumn {
  readonly name: string;
  readonly of: (row: WorkloadRow, report: Report) => Value;
  /** A figure of the run: left empty when the run is invalid. */
  readonly isFigure: boolean;
}

const latencyNames = [
  'p50',
  'p90',
  'p95',
  'p99',
  'p999',
  'max',
  'mean',
  'count',
  'negative',
] as const satisfies readonly (keyof LatencySummary)[];

const columns: readonly CsvColumn[] = [
  told('run', (_, report) => report.run.id),
  told('id', (row) => row.id),
  told('title', (row) => row.title),
  told('system', (row) => row.system),
  told('version', (row, report) => report.systems.find(({ id }) => id === row.system)?.version ?? ''),
  told('layer', (row) => row.layer),
  told('durability.persistence', (row) => row.durability.persistence),
  told('durability.copies', (row) => row.durability.copies),
  told('mode', (row) => row.mode),
  told('settings', (row) => row.settings),
  told('repeat', (row) => row.repeat),
  told('startedAt', (row) => row.startedAt),
  told('planHash', (row) => row.planHash),
  told('valid', (row) => row.valid),
  told('invalidBecause', (row) => row.invalidBecause ?? ''),
  told('limitedBy', (row) => (row.valid ? row.limitedBy : '')),
  ...(
    [
      'messageBytes',
      'ratePerSecond',
      'partitions',
      'subscriptions',
      'consumersPerSubscription',
      'keys',
      'keyDistribution',
      'arrival',
      'messages',
      'warmupMs',
      'measuredMs',
      'publishWindow',
      'credit',
      'ackBatch',
    ] as const
  ).map((name) => told(`parameters.${name}`, (row) => row.parameters[name])),
  ...(['sent', 'acked', 'unknown', 'refused', 'received', 'lost', 'duplicated', 'reordered', 'phantom'] as const).map(
    (name) => told(`checks.${name}`, (row) => row.checks[name]),
  ),
  ...(['planned', 'acknowledgedInTime', 'blockedMs'] as const).map((name) =>
    told(`offered.${name}`, (row) => row.offered?.[name] ?? null),
  ),
  ...(['achievedMin', 'p99MsMax', 'backlogGrowthMax'] as const).map((name) =>
    told(`search.bounds.${name}`, (row) => row.search?.bounds[name] ?? null),
  ),
  told('search.sustainedPerSecond', (row) => row.search?.sustainedPerSecond ?? null),
  told('search.foundPerSecond', (row) => row.search?.foundPerSecond ?? null),
  told('search.failed.ratePerSecond', (row) => row.search?.failed?.ratePerSecond ?? null),
  told('search.failed.criterion', (row) => row.search?.failed?.criterion ?? ''),
  told('search.failed.limitedBy', (row) => row.search?.failed?.limitedBy ?? ''),
  told('search.end', (row) => row.search?.end ?? ''),
  ...(['publish', 'consume'] as const).flatMap((side) =>
    (['messagesPerSecond', 'megabytesPerSecond'] as const).map((name) =>
      figure(`${side}.${name}`, (row) => row[side][name]),
    ),
  ),
  ...(['publish', 'endToEnd'] as const).flatMap((kind) =>
    latencyNames.map((name) => figure(`latencyMs.${kind}.${name}`, (row) => latencyValue(row.latencyMs[kind], name))),
  ),
  ...(['publish', 'endToEnd'] as const).flatMap((kind) =>
    (['p50', 'p99', 'max'] as const).map((name) =>
      figure(`serviceMs.${kind}.${name}`, (row) =>
        row.latencyMs[kind].count === 0 ? null : (row.serviceMs?.[kind][name] ?? null),
      ),
    ),
  ),
  ...(['p50', 'p99', 'max'] as const).map((name) => figure(`slipMs.${name}`, (row) => row.slipMs[name])),
  ...(['p50', 'p99', 'max'] as const).map((name) =>
    figure(`eventLoopLagMs.${name}`, (row) => row.eventLoopLagMs?.[name] ?? null),
  ),
  ...(['brokerCores', 'clientCores', 'eventLoop'] as const).map((name) =>
    figure(`utilization.${name}`, (row) => row.utilization[name]),
  ),
  ...(
    ['brokerCpuSecondsPerMillion', 'clientCpuSecondsPerMillion', 'bytesWrittenPerPayloadByte', 'peakRssBytes'] as const
  ).map((name) => figure(`cost.${name}`, (row) => row.cost[name])),
  told('use.fit', (row, report) => useFit(row, report)),
  told('use.against', (row, report) => needsAgainst(row, report).join('; ')),
  told('notes', (row) => [...row.notes, ...row.checks.offenders].join('; ')),
];

/** How the system suits the use whose workload this is; empty where it is none, or its verdict is not in the report. */
function useFit(row: WorkloadRow, report: Report): '' | 'suited' | 'possible' | 'not' | 'unknown' {
  const use = report.uses?.find(({ id }) => id === row.id);
  const fits = (use?.findings ?? []).filter(({ system }) => system === row.system).map(({ fit }) => fit);
  if (use === undefined || fits.length === 0) return '';
  if (use.suited.includes(row.system)) return 'suited';
  if (fits.includes('no')) return 'not';
  return fits.includes('unknown') ? 'unknown' : 'possible';
}

/** The needs of the use that speak against it there, or that nothing is known of. */
function needsAgainst(row: WorkloadRow, report: Report): readonly string[] {
  const findings = report.uses?.find(({ id }) => id === row.id)?.findings ?? [];
  const against = findings.filter(({ system, fit }) => system === row.system && fit !== 'yes');
  return [...new Set(against.map(({ need, fit }) => `${need}: ${fit}`))];
}

/** Names of readers are a file's own, so which columns there are follows from the report. */
function readerColumns(report: Report): readonly CsvColumn[] {
  const names = [...new Set(report.workloads.flatMap(({ readers = {} }) => Object.keys(readers)))].toSorted();
  return names.flatMap((name) => [
    ...(['received', 'missing', 'reordered'] as const).map((field) =>
      told(`readers.${name}.${field}`, (row) => row.readers?.[name]?.[field] ?? null),
    ),
    ...(['p50Ms', 'p99Ms', 'maxMs', 'catchUpMs', 'replayPerSecond'] as const).map((field) =>
      figure(`readers.${name}.${field}`, (row) => row.readers?.[name]?.[field] ?? null),
    ),
    told(`readers.${name}.refused`, (row) => row.readers?.[name]?.refused ?? ''),
  ]);
}

/** Same report, same text. A spreadsheet takes nothing in it for a formula. */
export function renderCsv(report: Report): string {
  const all = [...columns, ...readerColumns(report)];
  const head = all.map(({ name }) => field(name));
  const rows = report.workloads.map((row) =>
    all.map(({ of, isFigure }) => (isFigure && !row.valid ? '' : field(of(row, report)))),
  );
  return [head, ...rows].map((fields) => `${fields.join(',')}\r\n`).join('');
}

function told(name: string, of: CsvColumn['of']): CsvColumn {
  return { name, of, isFigure: false };
}

function figure(name: string, of: CsvColumn['of']): CsvColumn {
  return { name, of, isFigure: true };
}

/** Without a sample there is no percentile, only a count of none. */
function latencyValue(latency: LatencySummary, name: (typeof latencyNames)[number]): number | null {
  return latency.count === 0 && name !== 'count' && name !== 'negative' ? null : latency[name];
}

function field(value: Value): string {
  if (value === null) return '';
  if (typeof value !== 'string') return String(value);
  const text = visible(value);
  const guarded = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(guarded) || guarded !== guarded.trim() ? `"${guarded.replaceAll('"', '""')}"` : guarded;
}
