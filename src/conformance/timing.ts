/** Every wait of the suite has one of these names. */

export interface Timing {
  /** What must happen has happened by then, else the chapter fails. */
  readonly deadlineMs: number;
  /** How long nothing must come where the claim is that nothing comes. */
  readonly quietMs: number;
  /** The shortest lease that the suite asks for: long enough to settle in, short enough to wait for. */
  readonly leaseMs: number;
  /** How much earlier than asked a delayed message may come: clocks of two processes, rounded to milliseconds. */
  readonly earlyMs: number;
}

/** For brokers on the same machine. */
export const brokerTiming: Timing = { deadlineMs: 15_000, quietMs: 300, leaseMs: 700, earlyMs: 15 };

/** For ports within the process. */
export const memoryTiming: Timing = { deadlineMs: 2_000, quietMs: 60, leaseMs: 150, earlyMs: 5 };

/** An unknown name is answered within this on every port (rule 7 of the design). */
export const NOT_FOUND_WITHIN_MS = 1_000;

/** How often a condition is looked at that nobody announces. */
export const POLL_INTERVAL_MS = 20;
