/** Whether a value is a report that may be shown: its form by the schema, its inner agreement by the rules below. */

import { scenarioEvidenceId, workloadEvidenceId } from './evidence.ts';
import type { CellSummary, HistogramData, Report, WorkloadRow } from './model.ts';
import { reportSchema } from './schema.ts';

/** What is wrong with a report, all at once. */
export class ReportError extends Error {
  readonly code = 'report_invalid';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`not a valid report: ${problems.slice(0, 10).join('; ')}${problems.length > 10 ? '; ...' : ''}`);
    this.name = 'ReportError';
    this.problems = problems;
  }
}

/** Returns the value as a report, or throws ReportError with every problem. */
export function checkReport(value: unknown): Report {
  const problems = reportProblems(value);
  if (problems.length > 0) throw new ReportError(problems);
  return value as Report;
}

/** Reads report.json. Throws ReportError, also for text that is not JSON. */
export function parseReport(text: string): Report {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ReportError([`not JSON: ${error instanceof Error ? error.message : String(error)}`]);
  }
  return checkReport(value);
}

/** Empty for a report that may be shown. */
export function reportProblems(value: unknown): string[] {
  const parsed = reportSchema.safeParse(value);
  if (!parsed.success)
    return parsed.error.issues.map((issue) => `${issue.path.join('.') || 'report'}: ${issue.message}`);
  const report = value as Report;
  return [
    ...systemProblems(report),
    ...scenarioProblems(report),
    ...report.workloads.flatMap(workloadProblems),
    ...report.summaries.flatMap(summaryProblems),
    ...primaryProblems(report),
    ...evidenceProblems(report),
    ...useProblems(report),
    ...(report.agreement ?? []).flatMap(agreementProblems),
  ];
}

/** Whether two figures agree follows from them. */
function agreementProblems({ id, ratio, bound, agrees }: NonNullable<Report['agreement']>[number]): string[] {
  const isWithin = ratio <= 1 + bound && ratio >= 1 / (1 + bound);
  // Rounded to three digits, a ratio may lie on either side of its bound.
  const isAtBound = Math.min(Math.abs(ratio - 1 - bound), Math.abs(ratio - 1 / (1 + bound))) < 0.001;
  return isWithin === agrees || isAtBound ? [] : [`agreement: ${id} has a ratio of ${ratio} and agrees is ${agrees}`];
}

function systemProblems(report: Report): string[] {
  const known = new Set(report.systems.map((system) => system.id));
  const named = [...report.scenarios, ...report.workloads, ...report.summaries].map((row) => row.system);
  const missing = [...new Set(named)].filter((system) => !known.has(system));
  return missing.map((system) => `systems: "${system}" has results and no entry`);
}

function scenarioProblems(report: Report): string[] {
  const seen = new Set<string>();
  return report.scenarios.flatMap((row) => {
    const id = scenarioEvidenceId(row);
    const problems: string[] = [];
    if (seen.has(id)) problems.push(`scenarios: ${id} stands twice`);
    seen.add(id);
    // A question left open contradicts nothing.
    if (row.surprise !== (row.verdict !== row.expected.verdict && row.verdict !== 'INCONCLUSIVE'))
      problems.push(
        `scenarios: ${id} is ${row.verdict}, expected ${row.expected.verdict}, and surprise is ${row.surprise}`,
      );
    return problems;
  });
}

/** A run that lost messages, or received what nobody sent, is no number. */
function workloadProblems(row: WorkloadRow): string[] {
  const name = `workloads: ${workloadEvidenceId(row)} ${row.mode} repeat ${row.repeat}`;
  const problems: string[] = [];
  if (row.valid && row.checks.lost > 0) problems.push(`${name} is valid with ${row.checks.lost} lost`);
  if (row.valid && row.checks.phantom > 0) problems.push(`${name} is valid with ${row.checks.phantom} phantoms`);
  if (!row.valid && !row.invalidBecause) problems.push(`${name} is invalid without a reason`);
  if ((row.search !== undefined) !== (row.mode === 'sustainable-rate'))
    problems.push(`${name} ${row.search === undefined ? 'has no search' : 'has a search and another mode'}`);
  if (row.valid && row.search !== undefined && row.search.sustainedPerSecond <= 0)
    problems.push(`${name} is valid and nothing was held`);
  for (const kind of ['publish', 'endToEnd'] as const) {
    const total = histogramTotal(row.histograms[kind]);
    if (row.histograms[kind].upperMs.length !== row.histograms[kind].counts.length)
      problems.push(`${name}: histogram ${kind} has more edges than counts`);
    if (total !== row.latencyMs[kind].count)
      problems.push(`${name}: histogram ${kind} holds ${total} samples, the summary ${row.latencyMs[kind].count}`);
  }
  return problems;
}

function histogramTotal(histogram: HistogramData): number {
  return histogram.counts.reduce((sum, samples) => sum + samples, 0);
}

function summaryProblems(cell: CellSummary): string[] {
  const name = `summaries: ${workloadEvidenceId({ ...cell, id: cell.workload })} ${cell.mode}`;
  const problems: string[] = [];
  if (cell.validRepeats > cell.repeats) problems.push(`${name} has more valid repeats than repeats`);
  if (cell.validRepeats === 0 && Object.keys(cell.figures).length > 0)
    problems.push(`${name} has figures and no valid repeat`);
  for (const [path, figure] of Object.entries(cell.figures)) {
    if (!(figure.low <= figure.median && figure.median <= figure.high))
      problems.push(`${name}: the median of ${path} is outside its interval`);
    if (figure.count > cell.validRepeats) problems.push(`${name}: ${path} counts more repeats than were valid`);
  }
  return problems;
}

/** What was tested must agree with itself: no p-value where nothing could be shown, and none that the correction made smaller. */
function primaryProblems({ primary }: Report): string[] {
  if (primary === undefined) return [];
  const problems = primary.results.flatMap((one) => {
    const name = `primary: ${one.id}`;
    const isTested = one.pValue !== null && one.adjustedPValue !== null;
    if (isTested === (one.outcome === 'cannot-be-shown'))
      return [`${name} is ${one.outcome} ${isTested ? 'with' : 'without'} a p-value`];
    if (one.pValue !== null && one.adjustedPValue !== null && one.adjustedPValue < one.pValue)
      return [`${name} has an adjusted p-value below its own`];
    const isShown = one.outcome === 'shown' || one.outcome === 'opposite-shown';
    return isShown && (one.adjustedPValue ?? 1) > primary.level ? [`${name} is ${one.outcome} above the level`] : [];
  });
  const isCounted = primary.named === primary.results.length;
  return isCounted
    ? problems
    : [...problems, `primary: ${primary.named} were named, ${primary.results.length} are here`];
}

function useProblems(report: Report): string[] {
  const known = new Set([...report.scenarios.map(scenarioEvidenceId), ...report.workloads.map(workloadEvidenceId)]);
  return (report.uses ?? []).flatMap((use) =>
    use.findings.flatMap(({ need, basis, cites }) => {
      if (basis !== 'measured') return [];
      const missing = cites.filter((id) => !known.has(id));
      if (cites.length === 0) return [`uses: ${use.id} (${need}) is measured without evidence`];
      return missing.map((id) => `uses: ${use.id} (${need}) cites ${id}, which is not in the report`);
    }),
  );
}

function evidenceProblems(report: Report): string[] {
  const known = new Set([...report.scenarios.map(scenarioEvidenceId), ...report.workloads.map(workloadEvidenceId)]);
  return report.verdicts.flatMap((claim) => {
    const missing = claim.evidence
      .filter((id) => !known.has(id))
      .map((id) => `verdicts: ${claim.id} cites ${id}, which is not in the report`);
    const empty =
      claim.basis === 'measured' && claim.evidence.length === 0
        ? [`verdicts: ${claim.id} is measured without evidence`]
        : [];
    return [...missing, ...empty];
  });
}
