/** The table for spreadsheets. */

import { describe, expect, it } from 'vitest';
import { checkReport, renderCsv } from '../../src/compare/report/index.ts';
import { hostileReport } from './hostile-report.ts';
import { emptyReport, syntheticReport } from './synthetic-report.ts';

const report = syntheticReport();
const [head = [], ...rows] = parseCsv(renderCsv(report));
const at = (row: readonly string[], name: string): string => {
  const index = head.indexOf(name);
  if (index === -1) throw new Error(`there is no column ${name}`);
  return row[index] ?? '';
};

describe('report.csv', () => {
  it('has a row for every run, all as wide as the head, no name twice', () => {
    expect(rows).toHaveLength(report.workloads.length);
    expect(new Set([...rows, head].map((row) => row.length))).toEqual(new Set([head.length]));
    expect(new Set(head).size).toBe(head.length);
  });

  it('has every number of a valid run, to the last digit', () => {
    const numbers = (value: unknown, path: string): [string, number][] => {
      if (typeof value === 'number') return [[path, value]];
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
      return Object.entries(value).flatMap(([name, inner]) => numbers(inner, path === '' ? name : `${path}.${name}`));
    };
    report.workloads.forEach((run, index) => {
      if (!run.valid) return;
      for (const [path, value] of numbers(run, '')) expect(Number(at(rows[index] ?? [], path)), path).toBe(value);
    });
  });

  it('leaves the figures of an invalid run empty and says why', () => {
    const figures = head.filter((name) => /^(publish|consume|latencyMs|slipMs|utilization|cost)\./.test(name));
    const invalid = report.workloads.flatMap((run, index) => (run.valid ? [] : [rows[index] ?? []]));
    expect(invalid.length).toBeGreaterThan(0);
    for (const row of invalid) {
      expect(at(row, 'valid')).toBe('false');
      expect(at(row, 'invalidBecause')).toMatch(/acknowledged messages/);
      expect(Number(at(row, 'checks.lost'))).toBeGreaterThan(0);
      expect(figures.map((name) => at(row, name)).filter((value) => value !== '')).toEqual([]);
    }
  });

  it('keeps hostile text in its field, and none begins a formula', () => {
    const hostile = checkReport(hostileReport(report));
    const table = parseCsv(renderCsv(hostile));
    expect(table).toHaveLength(report.workloads.length + 1);
    expect(new Set(table.map((row) => row.length))).toEqual(new Set([head.length]));
    const isNumber = (value: string): boolean => value !== '' && Number.isFinite(Number(value));
    expect(table.flat().filter((value) => /^[=+\-@\t\r]/.test(value) && !isNumber(value))).toEqual([]);
    expect(table.flat().some((value) => value.startsWith("'="))).toBe(true);
  });

  it('has what each reader got, and how the system suits the use', () => {
    const [first, second, other] = report.workloads.filter(({ valid }) => valid);
    if (first === undefined || second === undefined || other === undefined) throw new Error('needs three valid runs');
    const figures = {
      received: 90,
      missing: 10,
      reordered: 1,
      p50Ms: 2.5,
      p99Ms: null,
      maxMs: 7,
      catchUpMs: 40,
      replayPerSecond: null,
    };
    const use = (row: typeof first, system: 'kafka' | 'rabbitmq-quorum') => ({
      ...row,
      id: 'shop-orders',
      system,
      readers: { stock: figures },
    });
    const finding = (system: string, fit: 'yes' | 'no') => ({
      need: 'order',
      system,
      fit,
      basis: 'measured' as const,
      reason: 'so',
      cites: [],
    });
    const uses = [
      {
        id: 'shop-orders',
        title: 'Shop',
        suited: ['kafka'],
        answer: 'so',
        scope: 'here',
        findings: [finding('kafka', 'yes'), finding('rabbitmq-quorum', 'no')],
      },
    ];
    const own = { ...report, uses, workloads: [use(first, 'kafka'), use(second, 'rabbitmq-quorum'), other] };
    const [names = [], ...lines] = parseCsv(renderCsv(own));
    const of = (name: string) => lines.map((line) => line[names.indexOf(name)]);
    expect(of('readers.stock.received')).toEqual(['90', '90', '']);
    expect(of('readers.stock.p50Ms')).toEqual(['2.5', '2.5', '']);
    expect(of('readers.stock.p99Ms')).toEqual(['', '', '']);
    expect(of('use.fit')).toEqual(['suited', 'not', '']);
    expect(of('use.against')).toEqual(['', 'order: no', '']);
  });

  it('of a report without runs is its head', () => {
    expect(parseCsv(renderCsv(emptyReport()))).toEqual([head]);
  });
});

/** RFC 4180 by the letter: lines end with CRLF, quotes only around a whole field. Throws at anything else. */
function parseCsv(text: string): readonly (readonly string[])[] {
  const table: string[][] = [];
  let rest = text;
  while (rest !== '') {
    const row: string[] = [];
    for (;;) {
      const field = /^(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/.exec(rest);
      if (field === null) throw new Error(`no field at ${JSON.stringify(rest.slice(0, 80))}`);
      const [whole, quoted, plain = '', end] = field;
      row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
      rest = rest.slice(whole.length);
      if (end !== ',') break;
    }
    table.push(row);
  }
  return table;
}
