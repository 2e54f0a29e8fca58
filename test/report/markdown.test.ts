/** The Markdown: the page's facts in the page's order, in which foreign text stays text. */

import { describe, expect, it } from 'vitest';
import { checkReport, renderHtml, renderMarkdown } from '../../src/compare/report/index.ts';
import { escaped, slug } from '../../src/compare/report/markdown.ts';
import { hostileReport } from './hostile-report.ts';
import { elementsNamed, parsePage, textOf } from './page-parser.ts';
import { agreementRow, emptyReport, syntheticReport } from './synthetic-report.ts';

const report = syntheticReport();
const text = renderMarkdown(report);
const hostile = checkReport(hostileReport(report));
const spoiled = renderMarkdown(hostile);

describe('the Markdown of a report', () => {
  it('has the headings of the page, in its order', () => {
    const page = elementsNamed(parsePage(renderHtml(report)), 'h1', 'h2', 'h3').map(
      (heading) => `${'#'.repeat(Number(heading.name[1]))} ${escaped(textOf(heading))}`,
    );
    expect(headingsIn(text)).toEqual(page);
  });

  it('every link leads to a heading', () => {
    const slugs = new Set<string>();
    for (const heading of headingsIn(text)) {
      const plain = slug(heading.replace(/^#+ /, '').replaceAll('\\', ''));
      slugs.add(slugs.has(plain) ? `${plain}-1` : plain);
    }
    const targets = Array.from(text.matchAll(/\]\(#([^)]*)\)/g), ([, target = '']) => target);
    expect(targets.length).toBeGreaterThan(50);
    expect(targets.filter((target) => !slugs.has(target))).toEqual([]);
  });

  it('has every scenario row, claim, run, limit, and what was not measured', () => {
    for (const row of report.scenarios)
      for (const part of [row.question, row.summary, row.expected.why, ...row.evidence])
        expect(text).toContain(escaped(part));
    for (const claim of report.verdicts)
      for (const part of [claim.claim, claim.reason, claim.scope, ...claim.evidence.map(groupOf)])
        expect(text).toContain(escaped(part));
    for (const { reason } of report.notMeasured) expect(text).toContain(escaped(reason));
    for (const limit of report.limits) expect(text).toContain(escaped(limit));
    for (const row of report.workloads.filter(({ valid }) => !valid))
      expect(text).toContain(`invalid: ${escaped(row.invalidBecause ?? '')}`);
    const runRows = text
      .split('\n')
      .filter((line) => /^\| (equal load|own maximum|sustainable rate)( \(\d+\))? #\d/.test(line));
    expect(runRows).toHaveLength(report.workloads.length * 2);
  });

  it('has the table of agreement where there is one, and a disagreement in words', () => {
    const row = agreementRow();
    const checked = { ...report, agreement: [row, { ...row, id: 'other', ratio: 1.4, agrees: false }] };
    const told = renderMarkdown(checkReport(checked));
    expect(headingsIn(told)).toContain('## Agreement with independent tools');
    expect(told).toContain('1 of 2 figures agree within 15 %');
    for (const part of ['✓ yes', '≠ no', '1.4', escaped(row.differs), escaped(row.tool)]) expect(told).toContain(part);
    expect(renderHtml(checkReport(checked))).toContain('Agreement with independent tools');
    expect(renderMarkdown(checkReport({ ...report, agreement: [] }))).toContain('No figure could be checked');
  });

  it('every row of a table has as many cells as its head', () => {
    expect(tablesIn(text).length).toBeGreaterThan(20);
    for (const rows of [...tablesIn(text), ...tablesIn(spoiled)]) {
      const [head = ''] = rows;
      for (const row of rows) expect(cellsIn(row), row).toBe(cellsIn(head));
    }
  });

  it('is the same for the same report, and there for one with nothing in it', () => {
    expect(renderMarkdown(syntheticReport())).toBe(text);
    expect(headingsIn(renderMarkdown(emptyReport()))).toHaveLength(13);
  });
});

describe('hostile text in Markdown', () => {
  it('makes no HTML, no link and no picture', () => {
    const bare = withoutCode(spoiled);
    expect(bare.replaceAll('<br>', '')).not.toMatch(/<[a-z!/?]/i);
    const links = Array.from(bare.matchAll(/\]\(([^)]*)\)/g), ([, target]) => target);
    expect(links.filter((target) => !target?.startsWith('#'))).toEqual([]);
    expect(bare).not.toMatch(/(?<!\\)!\[/);
  });

  it('makes no heading, and no line of its own', () => {
    expect(headingsIn(spoiled).length).toBe(elementsNamed(parsePage(renderHtml(hostile)), 'h1', 'h2', 'h3').length);
    const begins = spoiled.split('\n').filter((line) => line.startsWith('- item') || line.startsWith('# heading'));
    const fenced = fencedIn(spoiled).flatMap((block) => block.split('\n'));
    expect(begins.filter((line) => !fenced.includes(line))).toEqual([]);
  });

  it('cannot end a code block', () => {
    const [command = ''] = fencedIn(spoiled);
    expect(command).toContain('npx sluice compare');
  });

  it.each([
    ['# not a heading', String.raw`\# not a heading`],
    ['1. not a list', String.raw`1\. not a list`],
    ['- not a list', String.raw`\- not a list`],
    ['a|b', String.raw`a\|b`],
    ['a\\|b', String.raw`a\\\|b`],
    ['snake_case_name', 'snake_case_name'],
    ['_not_ emphasis', String.raw`\_not\_ emphasis`],
    ['two\nlines', 'two lines'],
    ['<b>', '&lt;b&gt;'],
    ['&lt; as written, R&D', '&amp;lt; as written, R&D'],
    ['0 of 1,000 (5 %)', '0 of 1,000 (5 %)'],
  ])('%j is written %j', (from, to) => {
    expect(escaped(from)).toBe(to);
  });
});

// ------------------------------------------------------------------------------------------------ looking

const fence = /^(`{3,})\n([\s\S]*?)\n\1$/gm;

function fencedIn(markdown: string): readonly string[] {
  return Array.from(markdown.matchAll(fence), ([, , inner = '']) => inner);
}

function withoutCode(markdown: string): string {
  return markdown
    .replace(fence, '')
    .replace(/\\[\\`*[\]|~_#+=.)-]/g, '')
    .replace(/`[^`\n]*`/g, '');
}

function headingsIn(markdown: string): readonly string[] {
  return markdown
    .replace(fence, '')
    .split('\n')
    .filter((line) => /^#{1,6} /.test(line));
}

function tablesIn(markdown: string): readonly (readonly string[])[] {
  const tables: string[][] = [];
  let isInside = false;
  for (const line of markdown.replace(fence, '').split('\n')) {
    const isRow = line.startsWith('|');
    if (isRow && !isInside) tables.push([]);
    if (isRow) tables.at(-1)?.push(line);
    isInside = isRow;
  }
  return tables;
}

/** As a forge splits them: a backslash takes the next character with it. */
function cellsIn(row: string): number {
  return row.replace(/\\./g, '').split('|').length - 2;
}

/** Cells of one question and layer are cited together: `fan-out · port` and the systems as links behind it. */
function groupOf(id: string): string {
  const [, what, layer] = /^(.+?)\.(?:rabbitmq|kafka|log)[\w@.-]*\.(\w+)$/.exec(id) ?? [];
  return `${what} · ${layer}`;
}
