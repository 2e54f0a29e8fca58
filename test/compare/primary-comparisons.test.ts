/** What a run is made to decide: named before it, tested after it, and never more than the repeats can show. */

import { describe, expect, test } from 'vitest';
import { budgetInWords, budgetOf } from '../../src/compare/run/budget.ts';
import {
  decidePrimary,
  primaryComparisonsOf,
  primaryInWords,
} from '../../src/compare/conclusions/primary-comparisons.ts';
import type { NoiseFloor, PrimaryComparison, WorkloadRow } from '../../src/compare/report/model.ts';
import { reportProblems } from '../../src/compare/report/check.ts';
import { renderHtml, renderMarkdown } from '../../src/compare/report/index.ts';
import { runPlanOf, type RunQuestion } from '../../src/compare/run/plan.ts';
import { systemIds } from '../../src/compare/systems/system-ids.ts';
import { decideClaims } from '../../src/compare/conclusions/verdicts.ts';
import { primaryRepeatsOf, repeatsOf, workloadsOf } from '../../src/compare/workloads/index.ts';
import { repeated, reportOf, systemRow, workloadRow } from './builders.ts';

const standard: RunQuestion = {
  systems: systemIds,
  layers: ['bare', 'port'],
  profile: 'standard',
  repeats: repeatsOf('standard'),
  primaryRepeats: primaryRepeatsOf('standard'),
  seed: 1,
  scenarioIds: [],
  workloads: workloadsOf('standard').map((spec) => ({ spec })),
};

describe('the primary comparisons of a run', () => {
  test('are six, of systems that promise the same, with their hypothesis, figure and direction', () => {
    const { primary } = runPlanOf(standard);
    expect(primary.map(({ id, figure, direction, layer, repeats }) => [id, figure, direction, layer, repeats])).toEqual(
      [
        ['rate-kafka-rabbitmq-classic', 'publish.messagesPerSecond', 'higher', 'bare', 10],
        ['rate-kafka-rabbitmq-stream', 'publish.messagesPerSecond', 'higher', 'bare', 10],
        ['latency-kafka-rabbitmq-classic', 'latencyMs.endToEnd.p99', 'lower', 'bare', 10],
        ['latency-kafka-rabbitmq-stream', 'latencyMs.endToEnd.p99', 'lower', 'bare', 10],
        ['broker-cpu-kafka-rabbitmq-classic', 'cost.brokerCpuSecondsPerMillion', 'lower', 'bare', 10],
        ['broker-cpu-kafka-rabbitmq-stream', 'cost.brokerCpuSecondsPerMillion', 'lower', 'bare', 10],
      ],
    );
    expect(primary[0]?.hypothesis).toBe('kafka takes more messages a second than rabbitmq-classic');
  });

  test.each([
    ['without Kafka', { systems: ['log', 'rabbitmq-classic'] }, []],
    ['with quorum queues alone, which promise more', { systems: ['kafka', 'rabbitmq-quorum'] }, []],
    [
      'through the port where no bare client runs',
      { systems: ['kafka', 'rabbitmq-stream'], layers: ['port' as const] },
      ['port', 'port', 'port'],
    ],
    [
      'never more than six',
      { systems: ['kafka', 'rabbitmq-stream', 'rabbitmq-classic', 'rabbitmq-stream@4.0', 'rabbitmq-classic@3.10'] },
      Array.from({ length: 6 }, () => 'bare'),
    ],
  ] as const)('%s: %o', (_, given, layers) => {
    expect(runPlanOf({ ...standard, ...given }).primary.map(({ layer }) => layer)).toEqual(layers);
  });

  test("are also asked of a reader's own workload, when it is the only one", () => {
    const specs = [{ id: 'orders', mode: 'equal-load', layers: ['port'], kind: 'flow' }] as const;
    const asked = primaryComparisonsOf({ systems: systemIds, layers: ['port'], specs, repeats: 10 });
    expect(asked.map(({ id, workload }) => [id, workload])).toEqual([
      ['latency-kafka-rabbitmq-classic', 'orders'],
      ['latency-kafka-rabbitmq-stream', 'orders'],
    ]);
  });

  test('have ten repeats, dealt among the five of all others, so that both meet the same machine', () => {
    const { cells } = runPlanOf(standard);
    const of = (system: string, layer: string) =>
      cells.flatMap((cell, at) =>
        cell.planned.spec.id === 'throughput-1k' &&
        cell.planned.spec.mode === 'own-maximum' &&
        cell.system === system &&
        cell.layer === layer &&
        !cell.isTwin
          ? [at]
          : [],
      );
    expect(of('kafka', 'bare')).toHaveLength(10);
    expect(of('rabbitmq-stream', 'bare')).toHaveLength(10);
    expect(of('kafka', 'port')).toHaveLength(5);
    expect(of('rabbitmq-quorum', 'bare')).toHaveLength(5);
    for (let round = 0; round < 5; round++) {
      const isInRound = (at: number) => Math.floor((at * 5) / cells.length) === round;
      // Two, but rounds are not equally long, so that one may fall on the other side of a fifth.
      const count = of('kafka', 'bare').filter(isInRound).length;
      expect([1, 2, 3], `round ${round}`).toContain(count);
    }
  });

  test('make another plan when they are other ones', () => {
    expect(runPlanOf({ ...standard, primaryRepeats: 5 }).hash).not.toBe(runPlanOf(standard).hash);
  });

  test('are printed with the budget, and what cannot be shown is said before the run', () => {
    const plan = runPlanOf(standard);
    expect(budgetInWords(standard, budgetOf(standard, plan.cells, [], undefined))).toContain(
      '(5 repeats, 10 for primary comparisons)',
    );
    const lines = primaryInWords(plan.primary);
    expect(lines).toHaveLength(6);
    expect(lines[2]).toBe(
      'primary comparison 3 of 6: kafka has a lower end-to-end p99 at the same load than rabbitmq-classic (throughput-1k, equal load, bare: latencyMs.endToEnd.p99, 10 repeats each)',
    );
    const smoke = runPlanOf({ ...standard, profile: 'smoke', repeats: 1, primaryRepeats: 1 }).primary;
    for (const line of primaryInWords(smoke)) expect(line).toContain('cannot be shown with 1 repeat');
    // Six at once need complete separation of five and five; of four and four nothing would do.
    const with5 = primaryInWords(runPlanOf({ ...standard, primaryRepeats: 5 }).primary);
    expect(with5.some((line) => line.includes('cannot be shown'))).toBe(false);
    const with4 = primaryInWords(runPlanOf({ ...standard, primaryRepeats: 4 }).primary);
    expect(with4.every((line) => line.includes('cannot be shown with 4 repeats'))).toBe(true);
  });
});

// ------------------------------------------------------------------------------------------------ after the run

const comparison: PrimaryComparison = {
  id: 'rate-kafka-rabbitmq-stream',
  hypothesis: 'kafka takes more messages a second than rabbitmq-stream',
  workload: 'throughput-1k',
  mode: 'own-maximum',
  layer: 'bare',
  figure: 'publish.messagesPerSecond',
  first: 'kafka',
  second: 'rabbitmq-stream',
  direction: 'higher',
  repeats: 10,
};
const around = (middle: number, howMany: number) =>
  Array.from({ length: howMany }, (_, i) => middle * (0.98 + i * 0.004));
const both = (kafka: readonly number[], stream: readonly number[]): readonly WorkloadRow[] => [
  ...repeated(kafka, { system: 'kafka', layer: 'bare' }),
  ...repeated(stream, { system: 'rabbitmq-stream', layer: 'bare' }),
];
const noiseOf = (floor: number): readonly NoiseFloor[] => {
  const spread = { median: 1, low: 1, high: 1, count: 5 };
  return [{ cell: 'c', mode: 'own-maximum', figure: comparison.figure, first: spread, second: spread, floor }];
};
const decide = (rows: readonly WorkloadRow[], noise: readonly NoiseFloor[] = [], named = [comparison]) => {
  const decided = decidePrimary(named, rows, noise, 1);
  if (decided === null) throw new Error('none were named');
  return decided.results;
};

describe('a primary comparison', () => {
  test('is shown when ten repeats lie above ten others by more than the noise', () => {
    const [result] = decide(both(around(2_000, 10), around(1_000, 10)));
    expect(result).toMatchObject({ outcome: 'shown', cliffsDelta: 1, noiseFloor: 0.1 });
    expect(result?.pValue).toBeCloseTo(2 / 184_756, 12);
    expect(result?.ratio).toBeCloseTo(2, 1);
    expect(result?.interval?.low).toBeGreaterThan(1.9);
    expect(result?.because).toBe('kafka 1,996 msg/s, rabbitmq-stream 998 msg/s');
  });

  test('is shown to be the opposite where it is', () => {
    expect(decide(both(around(1_000, 10), around(2_000, 10)))).toMatchObject([
      { outcome: 'opposite-shown', cliffsDelta: -1 },
    ]);
  });

  test('shows no difference where the test says so, and where the noise does', () => {
    const mixed = decide(both(around(1_500, 10), [500, 3_000, 1_400, 700, 2_500, 900, 1_600, 2_000, 1_200, 1_700]));
    expect(mixed).toMatchObject([{ outcome: 'no-difference-shown' }]);
    expect(mixed[0]?.because).toMatch(/^by the test \(p /);
    const near = decide(both(around(1_080, 10), around(1_000, 10)));
    expect(near).toMatchObject([{ outcome: 'no-difference-shown' }]);
    expect(near[0]?.adjustedPValue).toBeLessThan(0.01);
    expect(near[0]?.because).toContain('by the noise: 8 % apart, and up to 10 % is what this run makes of nothing');
    const noisy = decide(both(around(1_400, 10), around(1_000, 10)), noiseOf(0.6));
    expect(noisy).toMatchObject([{ outcome: 'no-difference-shown', noiseFloor: 0.6 }]);
  });

  test('cannot be shown with one repeat or with three, and then has no p-value to impress with', () => {
    for (const repeats of [1, 3]) {
      const planned = { ...comparison, repeats };
      const [result] = decide(both(around(9_000, repeats), around(1_000, repeats)), [], [planned]);
      expect(result).toMatchObject({ outcome: 'cannot-be-shown', pValue: null, adjustedPValue: null });
      expect(result?.because).toMatch(new RegExp(`^with ${repeats} valid repeats? each: even if`));
      expect(result?.ratio).toBeCloseTo(9, 6);
    }
  });

  test('counts only valid repeats, and says how many of the planned there were', () => {
    const rows = both(around(2_000, 10), around(1_000, 10)).map((row) =>
      row.system === 'kafka' && row.repeat > 1 ? { ...row, valid: false, invalidBecause: 'late' } : row,
    );
    const [result] = decide(rows);
    expect(result?.outcome).toBe('shown'); // 2 against 10: p is 2 of 66, and it is the only one named
    const six = Array.from({ length: 6 }, (_, i) => ({ ...comparison, id: `c${i}` }));
    const [ofSix] = decide(rows, [], six);
    expect(ofSix).toMatchObject({ outcome: 'cannot-be-shown', pValue: null });
    expect(ofSix?.because).toContain('with 2 and 10 valid repeats of 10 planned');
    expect(decide([], [], [comparison])[0]?.because).toContain('there is nothing to compare');
  });

  test('is refused between systems that promise different things', () => {
    const rows = both(around(2_000, 10), around(1_000, 10)).map((row) =>
      row.system === 'kafka' ? { ...row, durability: { persistence: 'fsync', copies: 1 } as const } : row,
    );
    expect(decide(rows)[0]).toMatchObject({
      outcome: 'cannot-be-shown',
      because: 'the two promise different things: fsync × 1 and os × 1',
    });
  });

  test('is corrected for all that were named, also for those that could not be tested', () => {
    const absent = { ...comparison, id: 'absent', second: 'rabbitmq-classic' };
    const [result] = decide(both(around(2_000, 10), around(1_000, 10)), [], [comparison, absent]);
    expect(result?.adjustedPValue).toBeCloseTo((result?.pValue as number) * 2, 12);
  });
});

describe('what was tested', () => {
  const rows = both(around(1_080, 10), around(1_000, 10));
  const primary = decidePrimary([comparison], rows, [], 1);
  const report = reportOf({ workloads: rows, ...(primary === null ? {} : { primary }) });

  test('is in the report as JSON, HTML and Markdown, with adjusted p, effect and interval', () => {
    const empty = { upperMs: [1], counts: [100] };
    const whole = {
      ...report,
      workloads: rows.map((row) => ({ ...row, histograms: { publish: empty, endToEnd: empty } })),
    };
    expect(reportProblems(whole)).toEqual([]);
    for (const page of [renderHtml(whole), renderMarkdown(whole)]) {
      expect(page).toContain('Named before the run, and tested');
      expect(page).toContain('kafka takes more messages a second than rabbitmq-stream');
      expect(page).toContain('no difference shown');
      expect(page).toMatch(/1\.08\W{1,3}\[?1\.0/);
    }
  });

  test('may not contradict itself', () => {
    const changed = (change: object) => ({
      ...report,
      workloads: [],
      summaries: [],
      primary: { ...report.primary, results: report.primary?.results.map((one) => ({ ...one, ...change })) },
    });
    expect(reportProblems(changed({ pValue: null, adjustedPValue: null }))).toEqual([
      'primary: rate-kafka-rabbitmq-stream is no-difference-shown without a p-value',
    ]);
    expect(reportProblems(changed({ adjustedPValue: 0 }))).toHaveLength(1);
    expect(reportProblems(changed({ outcome: 'shown', adjustedPValue: 0.2 }))).toHaveLength(1);
    expect(reportProblems({ ...changed({}), primary: { ...report.primary, named: 6 } })).toHaveLength(1);
  });

  test('decides the claim too: intervals apart are not enough where the test shows nothing', () => {
    const cells = report.summaries;
    const claimOf = (given: object) =>
      decideClaims({
        systems: [systemRow('kafka'), systemRow('rabbitmq-stream')],
        scenarios: [],
        cells,
        machine: 'm',
        ...given,
      }).find(({ id }) => id === 'kafka-is-faster')?.verdict;
    const clear = both(around(2_000, 3), around(1_000, 3));
    const clearReport = reportOf({ workloads: clear });
    expect(claimOf({ cells: clearReport.summaries })).toBe('true');
    const tested = decidePrimary([comparison, comparison], clear, [], 1);
    expect(claimOf({ cells: clearReport.summaries, primary: tested })).toBe('inconclusive');
    const opposite = both(around(1_000, 10), around(2_000, 10));
    const oppositeCells = reportOf({ workloads: opposite }).summaries;
    expect(claimOf({ cells: oppositeCells, primary: decidePrimary([comparison], opposite, [], 1) })).toBe('false');
    // A pair that nobody tested shows nothing either way: that leaves open what was not tested, not what was.
    const untested = both(around(1_000, 3), around(1_010, 3)).map((row) => ({ ...row, id: 'throughput-100b' }));
    const more = reportOf({ workloads: [...opposite, ...untested] }).summaries;
    expect(claimOf({ cells: more, primary: decidePrimary([comparison], opposite, [], 1) })).toBe('false');
    expect(claimOf({ cells: more })).toBe('inconclusive');
  });
});

test('a row that is no side of any comparison changes none of them', () => {
  const rows = both(around(2_000, 10), around(1_000, 10));
  const others = [
    workloadRow({ layer: 'port' }),
    workloadRow({ mode: 'equal-load', layer: 'bare' }),
    workloadRow({ id: 'fan-out', layer: 'bare' }),
  ];
  expect(decide([...rows, ...others])).toEqual(decide(rows));
});
