/** Dates without a year, late lines and clocks that are set back. */

import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { isDate, LogYear, type Stamp, TraceTime } from '../../src/compare/trace/log-clock.ts';

const DAY = 86_400_000;

function yearless(month: number, day: number, dayMs = 0): Stamp {
  return { year: null, month, day, dayMs, offsetMinutes: 0 };
}

function daysFromFirst(...dates: readonly (readonly [month: number, day: number])[]): number[] {
  const year = new LogYear();
  const times = dates.map(([month, day]) => year.at(yearless(month, day)));
  return times.map((time) => (time - (times[0] ?? 0)) / DAY);
}

describe('a log without a year', () => {
  it('goes on over new year, twice', () => {
    expect(daysFromFirst([12, 31], [1, 1], [6, 30], [12, 31], [1, 1])).toEqual([0, 1, 181, 365, 366]);
  });

  it('has a 29 February where one is written, also after new year, and none where not', () => {
    expect(daysFromFirst([2, 28], [3, 1])).toEqual([0, 1]);
    expect(daysFromFirst([2, 28], [2, 29], [3, 1])).toEqual([0, 1, 2]);
    expect(daysFromFirst([12, 31], [2, 28], [2, 29], [3, 1], [12, 31], [1, 1])).toEqual([0, 59, 60, 61, 366, 367]);
  });

  it('keeps a late December line after new year in the old year', () => {
    expect(daysFromFirst([12, 30], [1, 1], [12, 31], [1, 2])).toEqual([0, 2, 1, 3]);
  });

  it('property: any log that goes forward in steps below half a year keeps its distances (years of 365 days)', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 364 }),
        fc.array(fc.integer({ min: 0, max: 180 }), { maxLength: 30 }),
        (start, steps) => {
          const days = steps.reduce<number[]>((list, step) => [...list, (list.at(-1) ?? start) + step], [start]);
          // 2021 has no 29 February, so any day of it is a month and a day of a 365-day year.
          const dates = days.map((day) => new Date(Date.UTC(2021, 0, 1 + (day % 365))));
          const found = daysFromFirst(...dates.map((date) => [date.getUTCMonth() + 1, date.getUTCDate()] as const));
          expect(found).toEqual(days.map((day) => day - start));
        },
      ),
    );
  });
});

describe('dates that exist', () => {
  it.each([
    [2023, 2, 29, false],
    [2024, 2, 29, true],
    [1900, 2, 29, false],
    [null, 2, 29, true],
    [2024, 4, 31, false],
    [2024, 0, 1, false],
    [2024, 13, 1, false],
    [2024, 1, 0, false],
  ])('%s-%s-%s: %s', (year, month, day, exists) => {
    expect(isDate({ year, month, day, dayMs: 0, offsetMinutes: 0 })).toBe(exists);
  });
});

describe('the time of a trace', () => {
  it('a late line keeps its place at the latest time and is counted', () => {
    const time = new TraceTime();
    expect([1000, 5000, 2000, 5500].map((ms) => time.place(ms))).toEqual([0, 4000, 4000, 4500]);
    expect(time.late).toEqual({ lines: 1, largestMs: 3000 });
    expect(time.setBack.times).toBe(0);
  });

  it('a clock set back an hour goes on from where it was, with the distances after it', () => {
    const time = new TraceTime();
    const hour = 3_600_000;
    expect([hour, 2 * hour, hour + 10, hour + 500].map((ms) => time.place(ms))).toEqual([0, hour, hour, hour + 490]);
    expect(time.setBack).toEqual({ times: 1, largestMs: hour - 10 });
    expect(time.late.lines).toBe(0);
  });

  it('property: never goes back, and counts exactly the steps back', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 400_000 }), { minLength: 1, maxLength: 50 }), (moments) => {
        const time = new TraceTime();
        const placed = moments.map((ms) => time.place(ms));
        expect(placed).toEqual([...placed].sort((a, b) => a - b));
        expect(time.spanMs).toBe(placed.at(-1));
        if (moments.every((ms, index) => ms >= (moments[index - 1] ?? 0))) {
          expect(placed).toEqual(moments.map((ms) => ms - (moments[0] ?? 0)));
          expect(time.late.lines + time.setBack.times).toBe(0);
        } else {
          expect(time.late.lines + time.setBack.times).toBeGreaterThan(0);
        }
      }),
    );
  });
});
