/**
 * Time, as the port sees it: leases, back-offs, retries of dead letters, timestamps of messages. A test brings its own.
 * Deadlines of calls (`publishTimeoutMs`, `waitMs` and their like) are not among it: they guard against a backend that
 * hangs, and that takes real time.
 */

export interface PortTimer {
  cancel(): void;
}

export interface PortClock {
  /** Milliseconds since 1970; may jump. */
  nowMs(): number;
  /** Milliseconds since some moment; never goes back. */
  monotonicMs(): number;
  /** Calls back once, when `monotonicMs` has moved on by at least `delayMs`. */
  after(delayMs: number, callback: () => void): PortTimer;
}

/** The longest that one timer of Node can wait; whoever is woken early looks at the clock and waits again. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export const systemClock: PortClock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, callback) {
    // Timers count whole milliseconds and may come up to one early.
    const timer = setTimeout(callback, Math.max(0, Math.min(delayMs + 1, TIMER_MS_MAX)));
    return { cancel: () => clearTimeout(timer) };
  },
};
