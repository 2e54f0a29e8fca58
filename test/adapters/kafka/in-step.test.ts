import { expect, test } from 'vitest';
import { waitInStep } from '../../../src/adapters/kafka/in-step.ts';

test('whoever begins whenever: the waits end at multiples of the period, after half of it to one and a half', () => {
  for (let nowMs = 0; nowMs < 2_000; nowMs += 7.3) {
    const wait = waitInStep(500, nowMs);
    expect(wait, `at ${nowMs}`).toBeGreaterThanOrEqual(250);
    expect(wait, `at ${nowMs}`).toBeLessThanOrEqual(750);
    expect(Math.abs((nowMs + wait + 1) % 500), `at ${nowMs}`).toBeLessThanOrEqual(2);
  }
});

test('who waits again and again keeps the period', () => {
  let nowMs = 123;
  const ends: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    nowMs += waitInStep(1_000, nowMs);
    ends.push(Math.round(nowMs / 1_000));
    nowMs += 3; // the answer, and what is done with it
  }
  expect(ends).toEqual([1, 2, 3, 4, 5]);
});
