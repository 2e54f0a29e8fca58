/**
 * What changed between two reports: every figure of every cell that both have, with effect size, interval and the noise below
 * which nothing is called a difference; every verdict of a scenario; and what cannot be compared, with the reason. Pure.
 */

import type { CellSummary, DurabilityReached, Report, ScenarioRow, Spread, WorkloadRow } from '../report/model.ts';
import { durability, rowsOf, type Unit } from '../report/figures.ts';
import { effectOf, leastNoiseFloor, singleRepeatFloor, spreadOf } from '../statistics/index.ts';
import { deriveSeed } from '../workloads/index.ts';
import { type ComparedFigure, comparedFigures, valuesOf } from './figures.ts';

export type Finding = 'better' | 'worse' | 'no difference shown';

export interface FigureChange {
  /** `<workload>.<system>.<layer>`, as reports cite it. */
  readonly cell: string;
  readonly mode: CellSummary['mode'];
  readonly durability: DurabilityReached;
  /** Dotted path of a figure of a WorkloadRow. */
  readonly figure: string;
  readonly unit: Unit;
  readonly better: 'higher' | 'lower';
  readonly before: Spread;
  readonly after: Spread;
  /** Median after by median before, less 1: 0.1 is 10 % more. */
  readonly change: number;
  /** 95 % bootstrap interval of the change over the repeats; null with a single repeat on a side. */
  readonly interval: { readonly low: number; readonly high: number } | null;
  /** A change within it is not called a difference. */
  readonly noiseFloor: number;
  readonly finding: Finding;
}

export interface VerdictChange {
  /** `<scenario>.<system>.<layer>`. */
  readonly cell: string;
  readonly before: ScenarioRow['verdict'];
  readonly after: ScenarioRow['verdict'];
  /** `lost`: the property held and does not hold now; `gained`: the other way round. */
  readonly kind: 'lost' | 'gained' | 'other';
  readonly summaryBefore: string;
  readonly summaryAfter: string;
}

export interface NotCompared {
  readonly cell: string;
  readonly mode: CellSummary['mode'] | null;
  readonly reason: string;
}

export interface ReportName {
  readonly id: string;
  readonly startedAt: string;
  readonly profile: Report['run']['profile'];
  readonly seed: number;
  readonly repeats: number;
  readonly planHash: string;
}

export interface RegressionTable {
  readonly before: ReportName;
  readonly after: ReportName;
  /** What differs between the two runs beside what is compared: machine, versions. */
  readonly differences: readonly string[];
  readonly figures: readonly FigureChange[];
  readonly verdicts: readonly VerdictChange[];
  readonly scenariosUnchanged: number;
  readonly notCompared: readonly NotCompared[];
}

/** One pair of single runs is one draw of the noise: half of all other pairs differ by more, and hardly one by three times as much. */
const singleRepeatFactor = 3;

export function compareReports(before: Report, after: Report): RegressionTable {
  const figures: FigureChange[] = [];
  const notCompared: NotCompared[] = [];
  for (const cell of before.summaries) {
    const other = after.summaries.find((candidate) => keyOf(candidate) === keyOf(cell));
    if (other === undefined) {
      notCompared.push({ cell: nameOf(cell), mode: cell.mode, reason: missingReason(cell, after) });
      continue;
    }
    const obstacle = obstacleBetween(cell, other, before, after);
    if (obstacle === null) figures.push(...changesOf(cell, other, before, after));
    else notCompared.push({ cell: nameOf(cell), mode: cell.mode, reason: obstacle });
  }
  for (const cell of after.summaries)
    if (!before.summaries.some((candidate) => keyOf(candidate) === keyOf(cell)))
      notCompared.push({ cell: nameOf(cell), mode: cell.mode, reason: 'only in the newer report' });
  const scenarios = compareScenarios(before, after);
  return {
    before: reportName(before),
    after: reportName(after),
    differences: differencesOf(before, after),
    figures,
    verdicts: scenarios.changes,
    scenariosUnchanged: scenarios.unchanged,
    notCompared: [...notCompared, ...scenarios.notCompared],
  };
}

// ------------------------------------------------------------------------------------------------ cells

function keyOf(cell: CellSummary): string {
  return [cell.workload, cell.system, cell.layer, cell.mode].join('|');
}

function nameOf({ workload, system, layer }: CellSummary): string {
  return `${workload}.${system}.${layer}`;
}

function missingReason({ system }: CellSummary, after: Report): string {
  const isThere = after.systems.some(({ id }) => id === system);
  return isThere ? 'only in the older report' : `only in the older report: the newer one has no ${system}`;
}

/** Why the two cells are not the same question; null when they are. */
function obstacleBetween(cell: CellSummary, other: CellSummary, before: Report, after: Report): string | null {
  if (durability(cell.durability) !== durability(other.durability))
    return `different promises: durability ${durability(cell.durability)} before, ${durability(other.durability)} after`;
  const changed = Object.entries(cell.parameters)
    .filter(([name, value]) => other.parameters[name as keyof CellSummary['parameters']] !== value)
    .map(
      ([name, value]) => `${name} ${value} before, ${other.parameters[name as keyof CellSummary['parameters']]} after`,
    );
  if (changed.length > 0) return `different parameters: ${changed.join('; ')}`;
  const plan = planObstacle(rowsOf(cell, before.workloads), rowsOf(other, after.workloads));
  if (plan !== null) return plan;
  if (cell.validRepeats === 0) return `no valid run before: ${cell.invalidBecause.join('; ')}`;
  if (other.validRepeats === 0) return `no valid run after: ${other.invalidBecause.join('; ')}`;
  return null;
}

/** Repeats that both have must have sent the same messages at the same times; one may have more of them. */
function planObstacle(before: readonly WorkloadRow[], after: readonly WorkloadRow[]): string | null {
  for (const row of before) {
    const other = after.find(({ repeat }) => repeat === row.repeat);
    if (other !== undefined && other.planHash !== row.planHash)
      return `different plans: repeat ${row.repeat} sent plan ${row.planHash.slice(0, 12)} before, ${other.planHash.slice(0, 12)} after (another --seed?)`;
  }
  return null;
}

function changesOf(cell: CellSummary, other: CellSummary, before: Report, after: Report): readonly FigureChange[] {
  const rowsBefore = rowsOf(cell, before.workloads);
  const rowsAfter = rowsOf(other, after.workloads);
  return comparedFigures
    .filter(({ modes }) => modes.includes(cell.mode))
    .flatMap((figure) => changeOf(figure, cell, rowsBefore, rowsAfter, noiseFloorOf(figure, cell, [before, after])));
}

function changeOf(
  figure: ComparedFigure,
  cell: CellSummary,
  rowsBefore: readonly WorkloadRow[],
  rowsAfter: readonly WorkloadRow[],
  measuredNoise: number,
): readonly FigureChange[] {
  const values = { before: valuesOf(figure, rowsBefore), after: valuesOf(figure, rowsAfter) };
  const seed = deriveSeed(1, `${keyOf(cell)} ${figure.path}`);
  const effect = effectOf(values.before, values.after, seed);
  if (effect === null) return [];
  const interval = effect.interval === null ? null : { low: effect.interval.low - 1, high: effect.interval.high - 1 };
  const change = effect.ratio - 1;
  const noiseFloor =
    interval === null ? Math.max(singleRepeatFactor * measuredNoise, singleRepeatFloor) : measuredNoise;
  return [
    {
      cell: nameOf(cell),
      mode: cell.mode,
      durability: cell.durability,
      figure: figure.path,
      unit: figure.unit,
      better: figure.better,
      before: spreadOf(values.before, seed),
      after: spreadOf(values.after, seed),
      change,
      interval,
      noiseFloor,
      finding: findingOf(change, interval, noiseFloor, figure.better),
    },
  ];
}

/** A difference is one when the whole interval lies on one side of none, and the change is more than noise makes of nothing. */
function findingOf(
  change: number,
  interval: FigureChange['interval'],
  noiseFloor: number,
  better: FigureChange['better'],
): Finding {
  const isUp = change > noiseFloor && (interval === null || interval.low > 0);
  // Down by half is as far as up by double.
  const isDown = 1 / (1 + change) - 1 > noiseFloor && (interval === null || interval.high < 0);
  if (!isUp && !isDown) return 'no difference shown';
  return isUp === (better === 'higher') ? 'better' : 'worse';
}

/** The larger of what the two runs measured by running one system twice. */
function noiseFloorOf(figure: ComparedFigure, cell: CellSummary, reports: readonly Report[]): number {
  const measured = reports.flatMap((report) =>
    (report.noise ?? []).filter(({ mode, figure: path }) => mode === cell.mode && path === figure.path),
  );
  return Math.max(leastNoiseFloor, ...measured.map(({ floor }) => floor));
}

// ------------------------------------------------------------------------------------------------ scenarios

function compareScenarios(before: Report, after: Report) {
  const changes: VerdictChange[] = [];
  const notCompared: NotCompared[] = [];
  let unchanged = 0;
  for (const row of before.scenarios) {
    const cell = `${row.id}.${row.system}.${row.layer}`;
    const other = after.scenarios.find(
      (candidate) => candidate.id === row.id && candidate.system === row.system && candidate.layer === row.layer,
    );
    if (other === undefined) notCompared.push({ cell, mode: null, reason: 'only in the older report' });
    else if (other.verdict === row.verdict) unchanged++;
    else
      changes.push({
        cell,
        before: row.verdict,
        after: other.verdict,
        kind: kindOf(row, other),
        summaryBefore: row.summary,
        summaryAfter: other.summary,
      });
  }
  return { changes, notCompared, unchanged };
}

function kindOf(before: ScenarioRow, after: ScenarioRow): VerdictChange['kind'] {
  // A question left open says nothing about what became of the property.
  if (before.verdict === 'INCONCLUSIVE' || after.verdict === 'INCONCLUSIVE') return 'other';
  if (holds(before) && !holds(after)) return 'lost';
  return !holds(before) && holds(after) ? 'gained' : 'other';
}

function holds({ verdict }: ScenarioRow): boolean {
  return verdict === 'PASS' || verdict === 'EMULATED';
}

// ------------------------------------------------------------------------------------------------ the two runs

function reportName({ run }: Report): ReportName {
  const { id, startedAt, profile, seed, repeats, planHash } = run;
  return { id, startedAt, profile, seed, repeats, planHash };
}

function differencesOf(before: Report, after: Report): readonly string[] {
  const facts = (report: Report): Readonly<Record<string, string>> => ({
    processor: `${report.environment.cpu.model}, ${report.environment.cpu.cores} cores`,
    memory: String(report.environment.memoryBytes),
    kernel: report.environment.kernel,
    node: report.environment.node,
    'file system': report.environment.filesystem.type,
    profile: report.run.profile,
    seed: String(report.run.seed),
    ...report.environment.libraries,
    ...Object.fromEntries(report.systems.map(({ id, product, version }) => [id, `${product} ${version}`])),
  });
  const old = facts(before);
  const now = facts(after);
  const loads = [before, after].map(({ environment }) => environment.loadAverage.start) as [number, number];
  const isOtherLoad = Math.abs(loads[0] - loads[1]) > loadDifferenceTold;
  return [
    ...changedFacts(old, now),
    ...(isOtherLoad
      ? [`load of the machine at the start: ${loads[0].toFixed(1)} before, ${loads[1].toFixed(1)} after`]
      : []),
  ];
}

/** Load averages this far apart mean that something else ran beside one of the two. */
const loadDifferenceTold = 1;

function changedFacts(old: Readonly<Record<string, string>>, now: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(old)
    .filter(([name, value]) => now[name] !== undefined && now[name] !== value)
    .map(([name, value]) => `${name}: ${value} before, ${now[name]} after`);
}
