/** Who has the lower latency at which load, and where it turns around: from steps made by hand. */

import { describe, expect, test } from 'vitest';
import { loadComparisonInWords, loadComparisons, loadCurves } from '../../src/compare/report/latency-by-load.ts';
import type { SearchStep, WorkloadRow } from '../../src/compare/report/model.ts';
import { decideClaims } from '../../src/compare/conclusions/verdicts.ts';
import { repeated, reportOf, systemRow, workloadRow } from './builders.ts';

type P99ByRate = Readonly<Record<number, number>>;

function searched(system: string, p99ByRate: P99ByRate, change: Partial<SearchStep> = {}): WorkloadRow {
  const steps = Object.entries(p99ByRate).map(
    ([rate, p99]): SearchStep => ({
      kind: 'ramp',
      ratePerSecond: Number(rate),
      passed: true,
      criterion: null,
      because: null,
      achieved: 1,
      backlogPerSecond: 0,
      publishP99Ms: p99,
      endToEndP50Ms: p99 / 3,
      endToEndP99Ms: p99,
      samples: 1_000,
      slipP99Ms: 0,
      limitedBy: 'offered-load',
      brokerCores: 0.5,
      clientCores: 0.5,
      planHash: 'h',
      ...change,
    }),
  );
  return workloadRow({
    id: 'sustainable-1k',
    system,
    layer: 'bare',
    mode: 'sustainable-rate',
    search: {
      bounds: { achievedMin: 0.99, p99MsMax: 100, backlogGrowthMax: 0.01 },
      sustainedPerSecond: 1_000,
      foundPerSecond: 1_000,
      failed: null,
      end: 'top-of-ladder',
      steps,
    },
  });
}

const compared = (rows: readonly WorkloadRow[]) =>
  loadComparisons(
    loadCurves(rows),
    (system) => system === 'kafka',
    (system) => system === 'rabbitmq-classic',
    0.1,
  );

const turning = [
  searched('kafka', { 2_000: 9, 4_000: 10, 8_000: 12, 16_000: 20, 32_000: 60 }),
  searched('rabbitmq-classic', { 2_000: 3, 4_000: 4, 8_000: 11, 16_000: 90 }),
];

describe('latency by load', () => {
  test('compares the rates that both were given, and finds where it turns around', () => {
    const [one] = compared(turning);
    expect(one?.rungs.map(({ ratePerSecond, lower }) => [ratePerSecond, lower])).toEqual([
      [2_000, 'second'],
      [4_000, 'second'],
      [8_000, null],
      [16_000, 'first'],
    ]);
    expect(one?.turns).toEqual([{ from: 4_000, to: 16_000, lowerAbove: 'first' }]);
    expect(one === undefined ? '' : loadComparisonInWords(one).en).toBe(
      'kafka lower at 16,000/s, rabbitmq-classic lower at 2,000 to 4,000/s (of 2,000 to 16,000/s given to both); it turns around between 4,000 and 16,000/s',
    );
  });

  test('takes no latency from a step in which the generator was late, something broke or was lost', () => {
    for (const criterion of ['generator', 'broken', 'loss'] as const)
      expect(loadCurves([searched('kafka', { 2_000: 9 }, { criterion, passed: false })])[0]?.points).toEqual([]);
    const [late] = loadCurves([searched('kafka', { 2_000: 900 }, { criterion: 'latency', passed: false })]);
    expect(late?.points).toMatchObject([{ ratePerSecond: 2_000, passed: 0, tries: 1, p99: { median: 900 } }]);
    expect(loadCurves([searched('kafka', { 2_000: 9 }, { kind: 'confirmation' })])[0]?.points).toEqual([]);
  });

  test('joins the searches of several repeats, and then asks for less than half as much difference', () => {
    const thrice = (system: string, p99: number) =>
      [p99, p99 * 1.01, p99 * 0.99].map((ms) => searched(system, { 2_000: ms }));
    const [one] = compared([...thrice('kafka', 10), ...thrice('rabbitmq-classic', 13)]);
    expect(one?.rungs).toMatchObject([{ lower: 'first', first: { tries: 3 } }]);
    expect(
      compared([searched('kafka', { 2_000: 10 }), searched('rabbitmq-classic', { 2_000: 13 })])[0]?.rungs[0]?.lower,
    ).toBeNull();
  });
});

describe('the claim of low latency', () => {
  const claim = (searches: readonly WorkloadRow[], pairs: readonly WorkloadRow[] = []) =>
    decideClaims({
      systems: [systemRow('kafka'), systemRow('rabbitmq-classic')],
      scenarios: [],
      cells: reportOf({ workloads: pairs }).summaries,
      machine: 'm',
      searches,
    }).find(({ id }) => id === 'kafka-has-low-latency');

  /** By two searches each: what was tried once is told and decides nothing. */
  const twice = (rows: readonly WorkloadRow[]) => [...rows, ...rows];

  test('is not decided by loads that were tried once', () => {
    const once = claim(turning);
    expect(once?.verdict).toBe('inconclusive');
    expect(once?.reason).toContain('it turns around between 4,000 and 16,000/s');
  });

  test('is true at some loads and false at others where it turns around, and says where', () => {
    const found = claim(twice(turning));
    expect(found).toMatchObject({ verdict: 'true-if', basis: 'measured' });
    expect(found?.reason).toContain('it turns around between 4,000 and 16,000/s');
    expect(found?.reason).toContain('1,024 B');
    expect(found?.evidence).toEqual(['sustainable-1k.kafka.bare', 'sustainable-1k.rabbitmq-classic.bare']);
  });

  test('is what it is at every load where it does not turn', () => {
    const found = (kafka: number, other: number) =>
      claim(twice([searched('kafka', { 2_000: kafka }), searched('rabbitmq-classic', { 2_000: other })]))?.verdict;
    expect(found(2, 9)).toBe('true');
    expect(found(9, 2)).toBe('false');
    expect(found(9, 8.9)).toBe('inconclusive');
    expect(claim([])?.verdict).toBe('not-tested');
  });

  test('an answer at one load does not stand against the opposite at another', () => {
    const at = (system: string, p99: number) => {
      const latency = { p50: 1, p90: 2, p95: 2, p99, p999: 4, max: 5, mean: 1, count: 100, negative: 0 };
      return repeated([5_000, 5_000, 5_000], {
        system,
        layer: 'bare',
        mode: 'equal-load',
        latencyMs: { publish: latency, endToEnd: latency },
      });
    };
    const slower = [...at('kafka', 20), ...at('rabbitmq-classic', 5)];
    expect(claim([], slower)?.verdict).toBe('false');
    const high = [searched('kafka', { 16_000: 9 }), searched('rabbitmq-classic', { 16_000: 80 })];
    expect(claim(high, slower)?.verdict).toBe('false');
    expect(claim(twice(high), slower)?.verdict).toBe('true-if');
  });

  test('is not decided by systems that promise different things', () => {
    const [kafka, classic] = turning as [WorkloadRow, WorkloadRow];
    const synced = { ...classic, durability: { persistence: 'fsync', copies: 1 } as const };
    expect(claim([kafka, synced])?.verdict).toBe('not-tested');
  });
});
