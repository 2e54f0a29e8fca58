/** `sluice compare OLD NEW`: what is called a change, what is not, and what is not compared at all. */

import { describe, expect, it } from 'vitest';
import { noiseFloors } from '../../src/compare/conclusions/noise.ts';
import {
  checkBound,
  checkWorseBy,
  compareReports,
  parseBound,
  parsePercent,
  regressionText,
} from '../../src/compare/regression/index.ts';
import type { NoiseFloor, Report } from '../../src/compare/report/model.ts';
import { effectOf, noiseOf } from '../../src/compare/statistics/index.ts';
import { repeated, reportOf, scenarioRow, workloadRow } from './builders.ts';

const before = [1000, 1010, 990, 1005, 995];
const rate = 'publish.messagesPerSecond';

function ratesOf(rates: readonly number[], given: Partial<Report> = {}): Report {
  return reportOf({ workloads: repeated(rates, {}), ...given });
}

function changeOf(older: Report, newer: Report) {
  const found = compareReports(older, newer).figures.find(({ figure }) => figure === rate);
  if (found === undefined) throw new Error(`${rate} was not compared`);
  return found;
}

const noisy = (floor: number): NoiseFloor => ({
  cell: 'throughput-1k.kafka.port',
  mode: 'own-maximum',
  figure: rate,
  first: { median: 1, low: 1, high: 1, count: 5 },
  second: { median: 1, low: 1, high: 1, count: 5 },
  floor,
});

describe('the change of a figure', () => {
  it.each([
    ['a third less', 0.67, 'worse'],
    ['a third more', 1.33, 'better'],
    ['five percent less, which noise does', 0.95, 'no difference shown'],
    ['five percent more', 1.05, 'no difference shown'],
    ['nothing', 1, 'no difference shown'],
  ] as const)('of %s is called "%s"', (_, factor, finding) => {
    const change = changeOf(ratesOf(before), ratesOf(before.map((value) => value * factor)));
    expect(change.finding).toBe(finding);
    expect(change.change).toBeCloseTo(factor - 1, 6);
    expect(change.interval?.low).toBeLessThanOrEqual(change.change);
    expect(change.interval?.high).toBeGreaterThanOrEqual(change.change);
  });

  it('within what the run itself showed by running a system twice is no difference', () => {
    const after = ratesOf(before.map((value) => value * 0.67));
    expect(changeOf(ratesOf(before, { noise: [noisy(0.6)] }), after).finding).toBe('no difference shown');
    expect(changeOf(ratesOf(before), { ...after, noise: [noisy(0.2)] }).finding).toBe('worse');
  });

  it('whose repeats scatter over both sides is no difference, however far the medians are apart', () => {
    const scattered = [400, 1600, 450, 1500, 500];
    expect(changeOf(ratesOf(before), ratesOf(scattered))).toMatchObject({ finding: 'no difference shown' });
  });

  it('of single runs has no interval, and must be more than half', () => {
    const change = changeOf(ratesOf([1000]), ratesOf([700]));
    expect(change).toMatchObject({ interval: null, noiseFloor: 0.5, finding: 'no difference shown' });
    expect(changeOf(ratesOf([1000]), ratesOf([400])).finding).toBe('worse');
  });

  it('more latency is worse, more messages are better', () => {
    const latency = { p50: 1, p90: 2, p95: 2, p99: 3, p999: 4, max: 5, mean: 1, count: 100, negative: 0 };
    const rows = (p99: number) =>
      [0, 1, 2].map((repeat) =>
        workloadRow({ mode: 'equal-load', repeat, latencyMs: { publish: latency, endToEnd: { ...latency, p99 } } }),
      );
    const { figures } = compareReports(reportOf({ workloads: rows(3) }), reportOf({ workloads: rows(9) }));
    expect(figures.find(({ figure }) => figure === 'latencyMs.endToEnd.p99')?.finding).toBe('worse');
    expect(figures.some(({ figure }) => figure === rate)).toBe(false);
  });
});

describe('what is not the same question is said and not compared', () => {
  const older = ratesOf(before);
  it.each([
    ['another durability', { durability: { persistence: 'fsync', copies: 1 } }, /os × 1 before, fsync × 1 after/],
    [
      'another size',
      { parameters: { ...workloadRow().parameters, messageBytes: 100 } },
      /messageBytes 1024 before, 100/,
    ],
    ['another plan', { planHash: 'other' }, /different plans/],
    ['runs that were not valid', { valid: false, invalidBecause: 'lost' }, /no valid run after: lost/],
    ['another system', { system: 'rabbitmq-quorum' }, /the newer one has no kafka/],
  ] as const)('%s', (_, given, reason) => {
    const table = compareReports(older, reportOf({ workloads: repeated(before, given) }));
    expect(table.figures).toEqual([]);
    expect(table.notCompared[0]?.reason).toMatch(reason);
    expect(regressionText(table, [], { all: false })).toMatch(reason);
  });

  it('another machine and another version are told beside the table', () => {
    const newer = ratesOf(before);
    const moved = { ...newer, environment: { ...newer.environment, node: 'v22.0.0' } };
    expect(compareReports(older, moved).differences).toEqual(['node: v20.19.0 before, v22.0.0 after']);
  });
});

describe('verdicts of scenarios', () => {
  const table = (from: 'PASS' | 'DIFFERS' | 'INCONCLUSIVE', to: 'PASS' | 'DIFFERS' | 'INCONCLUSIVE') =>
    compareReports(
      reportOf({ scenarios: [scenarioRow({ verdict: from })] }),
      reportOf({ scenarios: [scenarioRow({ verdict: to })] }),
    );
  it('are told where they changed, a lost property as lost', () => {
    expect(table('PASS', 'DIFFERS').verdicts).toMatchObject([{ cell: 'fan-out.kafka.port', kind: 'lost' }]);
    expect(table('DIFFERS', 'PASS').verdicts).toMatchObject([{ kind: 'gained' }]);
    expect(table('PASS', 'INCONCLUSIVE').verdicts).toMatchObject([{ kind: 'other' }]);
    expect(table('PASS', 'PASS')).toMatchObject({ verdicts: [], scenariosUnchanged: 1 });
  });
  it('make --worse-by fail only when a property was lost', () => {
    expect(checkWorseBy(0.1, table('PASS', 'DIFFERS')).map(({ holds }) => holds)).toEqual([false]);
    expect(checkWorseBy(0.1, table('PASS', 'INCONCLUSIVE')).map(({ holds }) => holds)).toEqual([true]);
  });
});

describe('bounds', () => {
  const older = ratesOf(before);
  const newer = ratesOf(before.map((value) => value * 0.7));
  const table = compareReports(older, newer);
  const check = (expression: string) => checkBound(parseBound(expression), table, newer);
  it.each([
    [`throughput-1k.kafka.${rate} > -20%`, false],
    [`throughput-1k.kafka.${rate} > -40%`, true],
    [`throughput-1k.kafka.port.${rate} > 600`, true],
    [`throughput-1k.kafka.port.${rate} > 800`, false],
    [`throughput-1k.rabbitmq-quorum.${rate} > -90%`, false],
  ])('%s: %s', (expression, holds) => {
    expect(check(expression).holds).toBe(holds);
  });
  it('on a change that noise explains hold', () => {
    const quiet = compareReports(older, ratesOf(before.map((value) => value * 0.97)));
    expect(checkBound(parseBound(`throughput-1k.kafka.${rate} > -1%`), quiet, older).holds).toBe(true);
  });
  it('"worse by more than" counts from the median, beyond noise', () => {
    expect(checkWorseBy(0.2, table).some(({ holds }) => !holds)).toBe(true);
    expect(checkWorseBy(0.5, table).every(({ holds }) => holds)).toBe(true);
    expect(parsePercent('12.5 %')).toBe(0.125);
    expect(() => parsePercent('a lot')).toThrow(/not a percentage/);
  });
});

describe('effect and noise', () => {
  it('the interval holds the true ratio of what was drawn with it', () => {
    const effect = effectOf([10, 11, 9, 10, 12, 8], [20, 22, 18, 20, 24, 16], 7);
    expect(effect?.ratio).toBe(2);
    expect(effect?.interval?.low).toBeLessThan(2);
    expect(effect?.interval?.high).toBeGreaterThan(2);
  });
  it('a half and a double are equally far from equal', () => {
    expect(noiseOf([1], [2], 1)).toBe(1);
    expect(noiseOf([2], [1], 1)).toBe(1);
    expect(noiseOf([0], [1], 1)).toBeNull();
    expect(noiseOf([1], [0], 1)).toBeNull();
  });
  it('the noise of a run is taken from its twins, by figure and mode', () => {
    const floors = noiseFloors(repeated([1000], {}), repeated([1250], {}), 1);
    expect(floors.find(({ figure }) => figure === rate)).toMatchObject({
      cell: 'throughput-1k.kafka.port',
      mode: 'own-maximum',
      floor: 0.25,
    });
    expect(noiseFloors(repeated([1000], { system: 'log' }), repeated([1250], {}), 1)).toEqual([]);
  });
});
