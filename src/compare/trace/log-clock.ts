/**
 * From the timestamps of a log to the times of a trace, in two steps: LogYear completes dates that have no year, and
 * TraceTime makes a time that never goes back out of clocks that do.
 */

import { lateDecemberMsMax, lateLineMsMax, yearTurnMsMin } from './limits.ts';

const DAY_MS = 86_400_000;

/** A moment as a log line writes it. `null` year: the format has none. `offsetMinutes` east of UTC; 0 where the line has no zone. */
export interface Stamp {
  readonly year: number | null;
  /** 1..12 */
  readonly month: number;
  readonly day: number;
  /** Milliseconds of the day, with fractions where the log has them. */
  readonly dayMs: number;
  readonly offsetMinutes: number;
}

/** Days before each month in a leap year. */
const leapMonthStarts = [0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335] as const;
const monthDays = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/** Whether month and day exist (29 February exists where no year says otherwise). */
export function isDate(stamp: Stamp): boolean {
  const days = monthDays[stamp.month - 1];
  if (days === undefined || stamp.day < 1 || stamp.day > days) return false;
  return !(stamp.year !== null && stamp.month === 2 && stamp.day === 29 && !isLeap(stamp.year));
}

/**
 * Gives each date without a year the year that keeps the log going forward.
 *
 * Dec 31 23:59 then Jan 1 00:00 is a new year, although the date went back 364 days; a late Dec 31 line after that belongs to
 * the old year. The first year is unknown, so its length is too: a year has 365 days until its 29 February is seen. Nothing
 * before that day has to move for it.
 */
export class LogYear {
  #yearStartDay = 0;
  #previousYearDays = 365;
  #leap = false;
  #latestMs: number | null = null;
  turns = 0;

  /** Milliseconds on a line of its own: only differences mean anything where the log has no year. */
  at(stamp: Stamp): number {
    if (stamp.year !== null) {
      return Date.UTC(stamp.year, stamp.month - 1, stamp.day) + stamp.dayMs - stamp.offsetMinutes * 60_000;
    }
    const time = this.#complete(stamp);
    this.#latestMs = Math.max(this.#latestMs ?? time, time);
    return time;
  }

  #complete(stamp: Stamp): number {
    const inThisYear = this.#inYear(stamp, this.#yearStartDay, this.#leap);
    if (this.#latestMs === null) return this.#settle(stamp, inThisYear);
    if (inThisYear < this.#latestMs - yearTurnMsMin) {
      this.#turnYear();
      return this.#settle(stamp, this.#inYear(stamp, this.#yearStartDay, this.#leap));
    }
    const inOldYear = this.#inYear(stamp, this.#yearStartDay - this.#previousYearDays, this.#previousYearDays === 366);
    const isLateDecember =
      this.turns > 0 && inOldYear <= this.#latestMs && inOldYear >= this.#latestMs - lateDecemberMsMax;
    return isLateDecember ? inOldYear : this.#settle(stamp, inThisYear);
  }

  #settle(stamp: Stamp, time: number): number {
    if (stamp.month === 2 && stamp.day === 29) this.#leap = true;
    return time;
  }

  #turnYear(): void {
    this.#previousYearDays = this.#leap ? 366 : 365;
    this.#yearStartDay += this.#previousYearDays;
    this.#leap = false;
    this.turns += 1;
  }

  #inYear(stamp: Stamp, yearStartDay: number, leap: boolean): number {
    const leapDayBefore = stamp.month > 2 && !leap ? 1 : 0;
    const dayOfYear = (leapMonthStarts[stamp.month - 1] ?? 0) - leapDayBefore + stamp.day - 1;
    return (yearStartDay + dayOfYear) * DAY_MS + stamp.dayMs - stamp.offsetMinutes * 60_000;
  }
}

/**
 * Time since the first message, never going back, because a send schedule cannot. A line at most a minute late (threads and
 * hosts that log out of turn) keeps its place and gets the latest time. A longer step back is a clock that was set back (end of
 * summer time, a correction, files joined in the wrong order): from there on time continues from where it was, so that the
 * distances after it stay true. Both are counted.
 */
export class TraceTime {
  #firstMs: number | null = null;
  #shiftMs = 0;
  #latestMs = 0;
  readonly late = { lines: 0, largestMs: 0 };
  readonly setBack = { times: 0, largestMs: 0 };
  largestGapMs = 0;

  get spanMs(): number {
    return this.#latestMs;
  }

  place(absoluteMs: number): number {
    this.#firstMs ??= absoluteMs;
    const time = roundToMicrosecond(absoluteMs - this.#firstMs + this.#shiftMs);
    const backMs = roundToMicrosecond(this.#latestMs - time);
    if (backMs > lateLineMsMax) {
      this.#shiftMs += backMs;
      this.setBack.times += 1;
      this.setBack.largestMs = Math.max(this.setBack.largestMs, backMs);
    } else if (backMs > 0) {
      this.late.lines += 1;
      this.late.largestMs = Math.max(this.late.largestMs, backMs);
    } else {
      this.largestGapMs = Math.max(this.largestGapMs, -backMs);
      this.#latestMs = time;
    }
    return this.#latestMs;
  }
}

function isLeap(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}

function roundToMicrosecond(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
