/** Percentiles against a sort, medians against their definition, and when two figures may be called different. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareSpreads, LatencyHistogram, median, spreadOf } from '../../src/compare/statistics/index.ts';

describe('a latency histogram', () => {
  test('is within 0.8 % (or a microsecond) of the sorted samples at every percentile', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 600_000, noNaN: true }), { minLength: 1, maxLength: 300 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (samples, fraction) => {
          const histogram = new LatencyHistogram();
          for (const sample of samples) histogram.record(sample);
          const ordered = samples.toSorted((a, b) => a - b);
          const exact = ordered[Math.max(1, Math.ceil(fraction * samples.length)) - 1] as number;
          const told = histogram.percentile(fraction);
          expect(Math.abs(told - exact)).toBeLessThanOrEqual(exact * 0.008 + 0.0011);
        },
      ),
    );
  });

  test('keeps the exact maximum and counts what is below zero instead of dropping it', () => {
    const histogram = new LatencyHistogram();
    for (const sample of [-1, 0, 0.5, 1234.567]) histogram.record(sample);
    expect(histogram.summary()).toMatchObject({ max: 1234.567, count: 4, negative: 1 });
  });

  test('merged equals recorded together', () => {
    const [left, right, both] = [new LatencyHistogram(), new LatencyHistogram(), new LatencyHistogram()];
    for (let i = 0; i < 500; i++) {
      (i % 3 === 0 ? left : right).record(i * 0.37);
      both.record(i * 0.37);
    }
    left.merge(right);
    expect(left.summary()).toEqual(both.summary());
    expect(left.data()).toEqual(both.data());
  });

  test('its data hold every sample', () => {
    const histogram = new LatencyHistogram();
    for (let i = 0; i < 1000; i++) histogram.record(i / 7);
    const { upperMs, counts } = histogram.data();
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(1000);
    expect(upperMs).toEqual(upperMs.toSorted((a, b) => a - b));
  });
});

describe('spread', () => {
  test('median of an even and an odd count', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
  });

  test('the interval holds the median, follows the seed and lies inside the values', () => {
    const values = [10, 12, 11, 30, 9];
    const spread = spreadOf(values, 1);
    expect(spread).toEqual(spreadOf(values, 1));
    expect(spread.low).toBeLessThanOrEqual(spread.median);
    expect(spread.high).toBeGreaterThanOrEqual(spread.median);
    expect(spread.low).toBeGreaterThanOrEqual(9);
    expect(spread.high).toBeLessThanOrEqual(30);
  });

  test('two figures differ only when intervals are apart and the difference is above the noise', () => {
    const low = spreadOf([10, 10.1, 9.9, 10, 10.05], 1);
    const near = spreadOf([10.5, 10.6, 10.4, 10.5, 10.5], 1);
    const high = spreadOf([20, 21, 19, 20, 20], 1);
    expect(compareSpreads(high, low, 0.1)).toBe('higher');
    expect(compareSpreads(low, high, 0.1)).toBe('lower');
    expect(compareSpreads(near, low, 0.1)).toBe('no-difference-shown');
  });

  test('with one repeat a factor below one and a half shows nothing', () => {
    const one = (value: number) => spreadOf([value], 1);
    expect(compareSpreads(one(140), one(100), 0.1)).toBe('no-difference-shown');
    expect(compareSpreads(one(160), one(100), 0.1)).toBe('higher');
  });
});
