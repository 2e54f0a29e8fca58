/** What is no report is refused, with every reason at once. */

import { describe, expect, it } from 'vitest';
import type { Report } from '../../src/compare/report/model.ts';
import { checkReport, parseReport, ReportError } from '../../src/compare/report/index.ts';
import { schemaAgreesWithModel } from '../../src/compare/report/schema.ts';
import { agreementRow, emptyReport, syntheticReport } from './synthetic-report.ts';

const report = syntheticReport();

describe('a report', () => {
  it('has one form, in its types and in its schema (held by the compiler)', () => {
    expect(schemaAgreesWithModel).toBe(true);
  });

  it('survives being written and read', () => {
    expect(parseReport(JSON.stringify(report))).toEqual(report);
    expect(checkReport(emptyReport()).systems).toEqual([]);
  });

  it('a question left open is no surprise', () => {
    const open = report.scenarios.find((row) => row.verdict === 'INCONCLUSIVE');
    expect(open?.surprise).toBe(false);
    expect(problemsOf(withScenario({ verdict: 'INCONCLUSIVE', surprise: true }))).toContain('surprise is true');
  });

  it.each<[string, () => Report, string]>([
    ['a valid run that lost', () => withRun({ checks: { ...firstRun().checks, lost: 3 } }), 'is valid with 3 lost'],
    ['a valid run with phantoms', () => withRun({ checks: { ...firstRun().checks, phantom: 1 } }), '1 phantoms'],
    ['an invalid run without a reason', () => withRun({ valid: false }), 'without a reason'],
    [
      'a histogram that is not its summary',
      () =>
        withRun({ histograms: { publish: { upperMs: [1], counts: [1] }, endToEnd: firstRun().histograms.endToEnd } }),
      'holds 1 samples',
    ],
    [
      'an agreement that its own figures deny',
      () => ({ ...report, agreement: [{ ...agreementRow(), ratio: 1.3 }] }),
      'ratio of 1.3 and agrees is true',
    ],
    [
      'a result of a system that is not listed',
      () => ({ ...report, systems: report.systems.slice(1) }),
      'has results and no entry',
    ],
    ['a surprise that is none', () => withScenario({ surprise: true }), 'surprise is true'],
    [
      'a claim that cites nothing there is',
      () => withClaim({ evidence: ['no-such.kafka.port'] }),
      'cites no-such.kafka.port',
    ],
    ['a measured claim without evidence', () => withClaim({ evidence: [] }), 'is measured without evidence'],
  ])('%s is refused', (_, make, why) => {
    expect(problemsOf(make())).toContain(why);
  });

  it('text that is not JSON, and JSON that has another form, are refused', () => {
    expect(() => parseReport('{')).toThrow(ReportError);
    expect(() => parseReport('{"specVersion":"1.0","more":1}')).toThrow(/run: .*; environment: /);
  });
});

function problemsOf(value: Report): string {
  try {
    checkReport(value);
    return '';
  } catch (reason) {
    if (!(reason instanceof ReportError)) throw reason;
    return reason.problems.join('\n');
  }
}

function firstRun(): Report['workloads'][number] {
  const run = report.workloads.find(({ valid }) => valid);
  if (run === undefined) throw new Error('no valid run');
  return run;
}

function withRun(change: Partial<Report['workloads'][number]>): Report {
  return { ...report, workloads: [{ ...firstRun(), ...change }, ...report.workloads] };
}

function withScenario(change: Partial<Report['scenarios'][number]>): Report {
  return { ...report, scenarios: report.scenarios.map((row, index) => (index === 0 ? { ...row, ...change } : row)) };
}

function withClaim(change: Partial<Report['verdicts'][number]>): Report {
  return { ...report, verdicts: report.verdicts.map((row, index) => (index === 0 ? { ...row, ...change } : row)) };
}
