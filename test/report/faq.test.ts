/** docs/FAQ.md says nothing that is not in a cell of the report that ships (printed-docs.test.ts holds the file to what is printed). */

import { describe, expect, it } from 'vitest';
import { damageReportPath, faqPage, questions, shippedReport } from '../../scripts/print-faq.ts';
import { currentText } from '../../scripts/print-docs.ts';

const report = shippedReport();
const damage = shippedReport(damageReportPath);
const page = faqPage(report);

describe('the page of questions', () => {
  it('has no figure that was written by hand', () => {
    for (const { question, why } of questions) expect(`${question} ${why}`).not.toMatch(/\d/);
  });

  it('asks about every claim of the report, and of scenarios that are in it', () => {
    const asked = questions.flatMap(({ claims = [] }) => claims);
    expect(asked.toSorted()).toEqual(report.verdicts.map(({ id }) => id).toSorted());
    for (const { scenarios = [], isOfDamage } of questions) {
      const known = new Set((isOfDamage === true ? damage : report).scenarios.map(({ id }) => id));
      expect(scenarios.filter((id) => !known.has(id))).toEqual([]);
    }
  });

  it('names only cells of the reports, and every question has an answer', () => {
    const cells = new Set(
      [...report.scenarios, ...report.workloads, ...damage.scenarios].map(
        (row) => `${row.id}.${row.system}.${row.layer}`,
      ),
    );
    const named = [...page.matchAll(/`([a-z0-9-]+\.[a-z0-9@.-]+\.(?:bare|port|rest|grpc))`/g)].map(
      ([, id]) => id ?? '',
    );
    expect(named.length).toBeGreaterThan(100);
    expect(named.filter((id) => !cells.has(id))).toEqual([]);
    for (const { question } of questions) {
      const section = page.slice(page.indexOf(`## ${question}`)).split('\n## ')[0] ?? '';
      expect(section, question).toMatch(/^\* .+\.$/m);
    }
  });

  it('is another page when a cell is another one', () => {
    const scenarios = report.scenarios.map((row) =>
      row.id === 'replay-after-ack' && row.system === 'kafka' && row.layer === 'bare'
        ? { ...row, verdict: 'DIFFERS' as const, summary: 'after the ack 17 of 200 came again' }
        : row,
    );
    const other = faqPage({ ...report, scenarios });
    expect(other).toContain('| `replay-after-ack.kafka.bare` | no | after the ack 17 of 200 came again |');
    expect(page).not.toContain('17 of 200');
  });

  it('is linked from the README', () => {
    expect(currentText('README.md')).toContain('(docs/FAQ.md)');
  });
});
