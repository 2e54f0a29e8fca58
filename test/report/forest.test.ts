/** Effect sizes of the comparisons that were named before the run, drawn: where each mark lies says who is better. */

import { describe, expect, it } from 'vitest';
import { type ForestRow, forestChart, forestScale, timesBetter } from '../../src/compare/report/charts/index.ts';
import { checkReport, renderHtml } from '../../src/compare/report/index.ts';
import { say } from '../../src/compare/report/language.ts';
import { elementsNamed, type PageElement, parsePage, textOf } from './page-parser.ts';
import { emptyReport, syntheticReport } from './synthetic-report.ts';

const row: ForestRow = {
  system: 'rabbitmq-classic',
  times: 2,
  interval: { low: 0.8, high: 4 },
  noiseFloor: 0.1,
  outcome: say('shown', 'ثبت'),
  isShown: true,
};

function drawn(rows: readonly ForestRow[]) {
  return parsePage(
    `<!doctype html>\n<html>${String(forestChart('f', say('t', 't'), 'kafka', rows, forestScale(rows), 'en').text)}</html>`,
  );
}

function numbersOf(element: PageElement | undefined, attribute: string): readonly number[] {
  return (element?.attributes[attribute]?.match(/-?[\d.]+/g) ?? []).map(Number);
}

describe('a line of the drawing', () => {
  it('has its interval on both sides of the mark, and the mark right of "the same" when the first is better', () => {
    const root = drawn([row, { ...row, times: 0.5, interval: { low: 0.3, high: 0.9 }, isShown: false }]);
    const paths = elementsNamed(root, 'path');
    const [same = 0] = numbersOf(
      paths.find(({ attributes }) => attributes['class'] === 'reference'),
      'd',
    );
    const [first, second] = paths.filter(({ attributes }) => attributes['class'] === 'whisker');
    const [low = 0, , high = 0] = numbersOf(first, 'd');
    expect(low).toBeLessThan(same);
    expect(high).toBeGreaterThan(same);
    const [, , highOfSecond = 0] = numbersOf(second, 'd');
    expect(highOfSecond).toBeLessThan(same);
    const ring = elementsNamed(root, 'circle').find(({ attributes }) => attributes['class'] === 'mark open');
    expect(Number(ring?.attributes['cx'])).toBeLessThan(same);
  });

  it('keeps within the drawing, whatever the figures', () => {
    const wild: ForestRow = { ...row, times: 900, interval: { low: 0.001, high: 1e6 }, noiseFloor: 5 };
    const root = drawn([row, wild, { ...row, times: null, interval: null }]);
    for (const path of elementsNamed(root, 'path').filter(({ attributes }) => attributes['class'] === 'whisker')) {
      const [low = -1, , high = 1e9] = numbersOf(path, 'd');
      expect(low).toBeGreaterThanOrEqual(0);
      expect(high).toBeLessThanOrEqual(400);
    }
  });

  it('turns what ought to be low round, its interval too', () => {
    expect(timesBetter(4, 'higher', { low: 2, high: 5 })).toEqual({ times: 4, interval: { low: 2, high: 5 } });
    expect(timesBetter(4, 'lower', { low: 2, high: 5 })).toEqual({ times: 0.25, interval: { low: 0.2, high: 0.5 } });
    expect(timesBetter(4, 'lower', null)).toEqual({ times: 0.25, interval: null });
  });
});

describe('the page', () => {
  it.each(['en', 'ar'] as const)('has a line for each comparison, told in words too (%s)', (language) => {
    const report = checkReport(syntheticReport());
    const root = parsePage(renderHtml(report, { language }));
    const charts = elementsNamed(root, 'svg').filter(
      ({ attributes }) => attributes['aria-labelledby']?.startsWith('primary-forest') === true,
    );
    const descriptions = charts.map((chart) => textOf(elementsNamed(chart, 'desc')[0] as PageElement)).join('. ');
    const results = report.primary?.results ?? [];
    expect(results.length).toBeGreaterThan(0);
    expect(descriptions.split('. ')).toHaveLength(results.length);
    for (const { second } of results) expect(descriptions).toContain(second);
  });

  it('draws no ratio of two that promise different things', () => {
    const report = checkReport(syntheticReport());
    const [one] = report.primary?.results ?? [];
    const workloads = report.workloads.map((row) =>
      row.system === one?.second ? { ...row, durability: { persistence: 'memory' as const, copies: 1 } } : row,
    );
    const root = parsePage(renderHtml({ ...report, workloads }));
    const descriptions = elementsNamed(root, 'desc').filter(
      ({ attributes }) => attributes['id']?.startsWith('primary-forest') === true,
    );
    const told = descriptions
      .flatMap((each) => textOf(each).split('. '))
      .filter((line) => line.startsWith(`${one?.second}:`));
    expect(told.length).toBeGreaterThan(0);
    for (const line of told) expect(line).toMatch(/: –, /);
  });

  it('has no drawing where nothing was compared', () => {
    expect(renderHtml(checkReport(emptyReport()))).not.toContain('primary-forest');
  });
});
