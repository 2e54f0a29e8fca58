/** A path of few points looks like the curve of many. */

import { expect, it } from 'vitest';
import { linePath, type Point, simplified } from '../../src/compare/report/charts/line.ts';

const curve: readonly Point[] = Array.from({ length: 400 }, (_, at) => ({ x: at, y: 100 * Math.exp(-at / 60) }));

it('keeps both ends, and few points between them', () => {
  const few = simplified(curve);
  expect([few[0], few.at(-1)]).toEqual([curve[0], curve.at(-1)]);
  expect(few.length).toBeLessThan(20);
});

it('no point of the curve is further from the path than half a line', () => {
  const few = simplified(curve);
  for (const { x, y } of curve) {
    const after = few.findIndex((point) => point.x >= x);
    const [from, to] = [few[Math.max(0, after - 1)] as Point, few[after] as Point];
    const onPath = from.x === to.x ? to.y : from.y + ((to.y - from.y) * (x - from.x)) / (to.x - from.x);
    // Up and down is further than straight to it, where the curve is steep.
    expect(Math.abs(y - onPath)).toBeLessThan(0.4 * Math.hypot(1, 100 / 60) + 1e-9);
  }
});

it('a step stays a step', () => {
  const steps = [0, 0, 50, 50].map((y, at) => ({ x: Math.ceil(at / 2) * 10, y }));
  expect(linePath(steps)).toBe('M0 0 L10 0 L10 50 L20 50');
  expect([linePath([]), linePath([{ x: 1, y: 2 }])]).toEqual(['', 'M1 2']);
});
