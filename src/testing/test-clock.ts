/**
 * The broker's time in the test's hands. It runs as time does, or stands still; either way `advance` moves it at once, and
 * everything that falls due on the way happens in its order: a lease ends at 30 s, its back-off begins then and ends 100 ms
 * later, also when the test advances by an hour in one step.
 *
 * Whole milliseconds only, so that a due time is reached exactly and never missed by a rounding.
 */

import type { PortClock, PortTimer } from '../adapters/clock.ts';
import { PortError } from '../adapters/errors.ts';
import { testingLimits } from './limits.ts';

export interface TestClock {
  /** Milliseconds since 1970, as the broker sees them: timestamps, deadlines of leases. */
  nowMs(): number;
  readonly isStopped: boolean;
  /** From now on only `advance` moves the time. */
  stop(): void;
  /** Time runs on from where it stands. */
  run(): void;
  /**
   * Moves the time. Resolves when leases and back-offs that fell due have ended and retention was applied. What they set
   * going outside the clock, such as the write of a dead letter, may be under way: wait for it with `broker.waitFor...`.
   * @example await broker.clock.advance(30_000); // the lease of a default subscription ends
   */
  advance(ms: number): Promise<void>;
}

interface PendingTimer {
  readonly dueMs: number;
  readonly keepsAlive: boolean;
  readonly callback: () => void;
}

export class BrokerClock implements TestClock, PortClock {
  readonly #timers = new Set<PendingTimer>();
  /** What is added to the machine's monotonic time. */
  #aheadMs = 0;
  /** The time at which it stands, or null while it runs. */
  #standsAtMs: number | null = null;
  /** Wall time minus monotonic time. */
  readonly #wallMs: number;
  #alarm: NodeJS.Timeout | undefined;
  #advance: Promise<void> = Promise.resolve();
  /** Called at the end of each advance. */
  whenAdvanced: () => Promise<void> = async () => undefined;

  constructor(options: { readonly startMs: number; readonly isStopped: boolean }) {
    this.#wallMs = Math.floor(options.startMs) - machineMs();
    if (options.isStopped) this.stop();
  }

  get isStopped(): boolean {
    return this.#standsAtMs !== null;
  }

  nowMs(): number {
    return this.monotonicMs() + this.#wallMs;
  }

  monotonicMs(): number {
    return this.#standsAtMs ?? machineMs() + this.#aheadMs;
  }

  stop(): void {
    this.#standsAtMs ??= this.monotonicMs();
    this.#setAlarm();
  }

  run(): void {
    if (this.#standsAtMs === null) return;
    this.#aheadMs = this.#standsAtMs - machineMs();
    this.#standsAtMs = null;
    this.#setAlarm();
  }

  after(delayMs: number, callback: () => void): PortTimer {
    return this.#add(delayMs, callback, true);
  }

  /** The same time for the engine, whose timers keep no process alive. */
  forEngine() {
    return {
      nowMs: () => this.nowMs(),
      monotonicMs: () => this.monotonicMs(),
      after: (delayMs: number, callback: () => void) => this.#add(delayMs, callback, false),
      soon: (callback: () => void) => void setImmediate(callback),
    };
  }

  async advance(ms: number): Promise<void> {
    if (!(Number.isInteger(ms) && ms >= 0 && ms <= testingLimits.advanceMsMax)) {
      throw new PortError(
        'invalid_argument',
        `advance(${ms}): must be whole milliseconds from 0 to ${testingLimits.advanceMsMax}`,
      );
    }
    // Two at a time go one after the other: their ways add up.
    this.#advance = this.#advance.catch(() => undefined).then(async () => await this.#advanceBy(ms));
    await this.#advance;
  }

  /** No timer of this clock fires any more. */
  close(): void {
    this.#timers.clear();
    clearTimeout(this.#alarm);
  }

  async #advanceBy(ms: number): Promise<void> {
    const targetMs = this.monotonicMs() + ms;
    await turns(); // what the test has just set going gets to its timers first
    for (let firings = 0; ; firings += 1) {
      const next = this.#earliest();
      if (next === undefined || next.dueMs > targetMs) break;
      if (firings > testingLimits.firingsPerAdvanceMax)
        throw new PortError('internal', `advance(${ms}) let ${firings} timers fire and more are due`);
      this.#moveTo(next.dueMs);
      this.#fire(next);
      await turns();
    }
    this.#moveTo(targetMs);
    await this.whenAdvanced();
  }

  #moveTo(ms: number): void {
    const wayMs = Math.max(0, ms - this.monotonicMs());
    if (this.#standsAtMs === null) this.#aheadMs += wayMs;
    else this.#standsAtMs += wayMs;
    this.#setAlarm();
  }

  #add(delayMs: number, callback: () => void, keepsAlive: boolean): PortTimer {
    const timer: PendingTimer = { dueMs: this.monotonicMs() + Math.max(0, Math.ceil(delayMs)), callback, keepsAlive };
    this.#timers.add(timer);
    this.#setAlarm();
    return {
      cancel: () => {
        if (this.#timers.delete(timer)) this.#setAlarm();
      },
    };
  }

  #fire(timer: PendingTimer): void {
    if (this.#timers.delete(timer)) timer.callback();
  }

  #earliest(): PendingTimer | undefined {
    let earliest: PendingTimer | undefined;
    for (const timer of this.#timers) if (earliest === undefined || timer.dueMs < earliest.dueMs) earliest = timer;
    return earliest;
  }

  /** One timer of the machine, for the earliest of ours, while time runs. */
  #setAlarm(): void {
    clearTimeout(this.#alarm);
    const next = this.#earliest();
    if (next === undefined || this.isStopped) return;
    const waitMs = Math.min(Math.max(0, next.dueMs - this.monotonicMs()) + 1, 2 ** 31 - 1);
    this.#alarm = setTimeout(() => this.#ring(), waitMs);
    if (![...this.#timers].some(({ keepsAlive }) => keepsAlive)) this.#alarm.unref();
  }

  #ring(): void {
    const nowMs = this.monotonicMs();
    const due = [...this.#timers].filter(({ dueMs }) => dueMs <= nowMs).sort((a, b) => a.dueMs - b.dueMs);
    for (const timer of due) this.#fire(timer);
    this.#setAlarm();
  }
}

function machineMs(): number {
  return Math.floor(performance.now());
}

/** Lets promises and the callbacks that they set going run: two turns of the event loop. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}
