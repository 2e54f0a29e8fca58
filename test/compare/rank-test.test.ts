/** The test of the primary comparisons: against figures worked out by hand, and on data in which there is nothing to find. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cliffsDelta, holmAdjusted, leastPValue, rankTest } from '../../src/compare/statistics/index.ts';
import { seededRandom } from '../../src/compare/workloads/index.ts';

describe('the exact rank test', () => {
  test.each([
    // 3 against 3, all below: 1 of 20 deals on either side.
    [[1, 2, 3], [4, 5, 6], 2 / 20],
    // Ranks 1, 2, 4 (sum 7; even would be 10.5): sums 6 and 7 below, 14 and 15 above, one deal each.
    [[1, 2, 4], [3, 5, 6], 4 / 20],
    // 5 against 5, complete separation: 2 of 252.
    [[1, 2, 3, 4, 5], [6, 7, 8, 9, 10], 2 / 252],
    // 2 against 2 with a tie in the middle: ranks 1, 2.5 | 2.5, 4. Sums of two: 3.5, 3.5, 5, 5, 6.5, 6.5; four of six are as far as 3.5.
    [[1, 2], [2, 3], 4 / 6],
    [[7], [9], 1],
    [[5, 5, 5], [5, 5, 5], 1],
    [[], [1, 2], 1],
  ])('of %o and %o is %d', (first, second, wanted) => {
    expect(rankTest(first, second)).toBeCloseTo(wanted, 12);
    expect(rankTest(second, first)).toBeCloseTo(wanted, 12);
  });

  test('knows the least it can give: nobody can show anything with three repeats a side', () => {
    expect(leastPValue(1, 1)).toBe(1);
    expect(leastPValue(3, 3)).toBeCloseTo(0.1, 12);
    expect(leastPValue(5, 5)).toBeCloseTo(2 / 252, 12);
    expect(leastPValue(4, 5)).toBeCloseTo(2 / 126, 12);
    expect(leastPValue(10, 10)).toBeCloseTo(2 / 184_756, 15);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 8 }), (n, m) => {
        const low = Array.from({ length: n }, (_, i) => i);
        const high = Array.from({ length: m }, (_, i) => 100 + i);
        expect(rankTest(low, high)).toBeCloseTo(leastPValue(n, m), 12);
      }),
    );
  });

  test('does not care about the unit: only order counts', () => {
    const figures = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(figures, figures, (first, second) => {
        const stretched = (values: readonly number[]) => values.map((value) => Math.exp(value / 10));
        expect(rankTest(stretched(first), stretched(second))).toBeCloseTo(rankTest(first, second), 12);
      }),
    );
  });
});

test("Cliff's delta is 1 when all are above, 0 when evenly, and counts ties as neither", () => {
  expect(cliffsDelta([4, 5], [1, 2])).toBe(1);
  expect(cliffsDelta([1, 2], [4, 5])).toBe(-1);
  expect(cliffsDelta([1, 4], [2, 3])).toBe(0);
  expect(cliffsDelta([2, 3], [2, 2])).toBe(0.5);
});

describe("Holm's correction", () => {
  test('of 0.01, 0.04, 0.03 and 0.005 is 0.03, 0.06, 0.06 and 0.02', () => {
    // In order: 0.005 x 4, 0.01 x 3, 0.03 x 2, 0.04 x 1, and 0.04 may not be below the 0.06 before it.
    const adjusted = holmAdjusted([0.01, 0.04, 0.03, 0.005]);
    for (const [index, wanted] of [0.03, 0.06, 0.06, 0.02].entries()) expect(adjusted[index]).toBeCloseTo(wanted, 12);
  });

  const pValues = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 6 });

  test('keeps the order, is never below what was given nor above Bonferroni, and ends at 1', () => {
    fc.assert(
      fc.property(pValues, (given) => {
        const adjusted = holmAdjusted(given);
        for (const [i, p] of given.entries()) {
          expect(adjusted[i]).toBeGreaterThanOrEqual(p);
          expect(adjusted[i]).toBeLessThanOrEqual(Math.min(1, p * given.length) + 1e-12);
          for (const [j, other] of given.entries())
            if (p < other) expect(adjusted[i]).toBeLessThanOrEqual(adjusted[j] as number);
        }
      }),
    );
  });

  test('a smaller p-value makes no adjusted one larger', () => {
    fc.assert(
      fc.property(pValues, fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (given, at, part) => {
        const index = at % given.length;
        const less = given.map((p, i) => (i === index ? p * part : p));
        const [before, after] = [holmAdjusted(given), holmAdjusted(less)];
        for (const [i, p] of after.entries()) expect(p).toBeLessThanOrEqual((before[i] as number) + 1e-12);
      }),
    );
  });
});

describe('six comparisons with ten repeats of the same thing', () => {
  const seed = Number(process.env['SLUICE_SEED'] ?? 20_260_101);
  const families = 2_000;
  const level = 0.05;

  /** Of every family, with heavy tails as latencies have them. */
  const random = seededRandom(seed);
  const draw = () => Array.from({ length: 10 }, () => 1 / Math.sqrt(1 - random()));
  const nothingToFind = Array.from({ length: families }, () =>
    Array.from({ length: 6 }, () => rankTest(draw(), draw())),
  );
  /** The share of families in which anything is found. */
  const falseFinds = (correct: (pValues: readonly number[]) => readonly number[]) =>
    nothingToFind.filter((pValues) => correct(pValues).some((p) => p <= level)).length / families;
  /** Three standard errors of a share of 0.05 among so many. */
  const margin = 3 * Math.sqrt((level * (1 - level)) / families);

  test(`find something in at most one of twenty families with the correction (seed ${seed})`, () => {
    expect(falseFinds(holmAdjusted)).toBeLessThanOrEqual(level + margin);
  });

  test(`and in several times as many without it, so the correction is what holds it (seed ${seed})`, () => {
    expect(falseFinds((pValues) => pValues)).toBeGreaterThan(3 * level);
  });
});
