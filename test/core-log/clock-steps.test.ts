/** Somebody sets the clock, back or ahead: what depends on it may be early or late, nothing is lost or out of order for it. */

import { expect, it } from 'vitest';
import { limits } from '../../src/core-log/limits.ts';
import { readAll, START_MS, world } from './support.ts';

const HOUR_MS = 3_600_000;
const RECORD = { value: 'x'.repeat(600) };
/** A segment for each record. */
const SMALL = { segmentBytes: 1_024 };

it.each([-HOUR_MS, HOUR_MS])(
  'offsets, order and lookups by time are right after a step of %i ms, also after a restart',
  async (stepMs) => {
    const home = world();
    let engine = await home.open();
    await engine.createTopic('t', SMALL);
    const times: number[] = [];
    for (let count = 0; count < 6; count += 1) {
      if (count === 3) home.clock.advance(stepMs);
      times.push(home.clock.nowMs());
      await engine.append('t', 0, [RECORD]);
      home.clock.advance(10);
    }
    for (let life = 0; life < 2; life += 1) {
      expect((await readAll(engine, 't')).map(({ offset, timestamp }) => [offset, timestamp])).toEqual([
        ...times.entries(),
      ]);
      for (const time of [...times, START_MS - 2 * HOUR_MS, START_MS + 2 * HOUR_MS]) {
        const expected = times.findIndex((other) => other >= time);
        expect(await engine.offsetForTimestamp('t', 0, time)).toBe(expected === -1 ? times.length : expected);
      }
      await engine.close();
      engine = await home.open();
    }
  },
);

it('set back, retention by time waits and removes nothing young; set right again, it removes what is old', async () => {
  const home = world();
  const engine = await home.open();
  await engine.createTopic('t', { ...SMALL, retention: { ms: HOUR_MS } });
  for (let count = 0; count < 3; count += 1) await engine.append('t', 0, [RECORD]);
  home.clock.advance(-2 * HOUR_MS);
  expect(await engine.applyRetention()).toBe(0);
  await engine.append('t', 0, [RECORD]);
  home.clock.advance(2 * HOUR_MS);
  expect(await engine.applyRetention()).toBe(0);
  home.clock.advance(HOUR_MS + 1);
  await engine.applyRetention();
  expect(engine.status('t', 0).earliest).toBeGreaterThanOrEqual(3);
  expect(engine.status('t', 0).next).toBe(4);
});

it('set back, an open segment is closed by its size all the same; set ahead, by its age', async () => {
  const home = world();
  const engine = await home.open();
  await engine.createTopic('t', { segmentBytes: 10_000, segmentMs: 60_000 });
  home.clock.advance(-HOUR_MS);
  for (let count = 0; count < 20; count += 1) await engine.append('t', 0, [RECORD]);
  expect(engine.status('t', 0).segments).toBe(2);
  home.clock.advance(3 * HOUR_MS);
  await engine.append('t', 0, [RECORD]);
  expect(engine.status('t', 0).segments).toBe(3);
});

it('set back, a message id is still known; set ahead by more than the window, it is not', async () => {
  const home = world();
  const engine = await home.open();
  await engine.createTopic('t');
  await engine.append('t', 0, [RECORD], { ids: ['a'] });
  home.clock.advance(-HOUR_MS);
  expect(await engine.append('t', 0, [RECORD], { ids: ['a'] })).toMatchObject({ isDuplicate: true, baseOffset: 0 });
  home.clock.advance(HOUR_MS + limits.messageIdWindowMs);
  expect(await engine.append('t', 0, [RECORD], { ids: ['a'] })).toMatchObject({ baseOffset: 1 });
});
