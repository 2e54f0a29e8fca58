/**
 * A course: several phases in one run, each with its rate, after a warm-up at the plain rate. What follows a burst or a backlog shows
 * how a system comes back from it. Pure.
 */

export interface CoursePart {
  readonly phase: 'steady' | 'burst' | 'backlog' | 'drain' | 'idle';
  readonly ms: number;
  /** Of the workload's rate. */
  readonly rateFactor: number;
}

export interface Course {
  readonly warmupMs: number;
  readonly ratePerSecond: number;
  readonly parts: readonly CoursePart[];
}

/** Nobody consumes in it: what is published waits. */
export function isWithoutConsumers({ phase }: CoursePart): boolean {
  return phase === 'backlog';
}

export function courseMs(parts: readonly CoursePart[]): number {
  return parts.reduce((sum, { ms }) => sum + ms, 0);
}

/** Expected in warm-up and course together. */
export function courseMessages({ warmupMs, ratePerSecond, parts }: Course): number {
  const weighted = parts.reduce((sum, { ms, rateFactor }) => sum + ms * rateFactor, warmupMs);
  return Math.ceil((weighted * ratePerSecond) / 1000);
}

/** When so many messages are due by the rates of the course: for arrivals that are random at a rate that changes. */
export function dueAtMs({ warmupMs, ratePerSecond, parts }: Course, messages: number): number {
  let left = messages;
  let atMs = 0;
  let lastMs = 0;
  for (const { ms, rateFactor } of [{ ms: warmupMs, rateFactor: 1 }, ...parts]) {
    const perMs = (ratePerSecond * rateFactor) / 1000;
    if (left < ms * perMs) return atMs + left / perMs;
    left -= ms * perMs;
    atMs += ms;
    if (perMs > 0) lastMs = atMs;
  }
  // Random arrivals may take a little longer than expected: at the end of the last part in which anything is sent.
  return lastMs;
}

export interface PartWindow extends CoursePart {
  /** From the beginning of the measured window. */
  readonly fromMs: number;
  readonly toMs: number;
}

export function partWindows(parts: readonly CoursePart[]): readonly PartWindow[] {
  let fromMs = 0;
  return parts.map((part) => {
    const window = { ...part, fromMs, toMs: fromMs + part.ms };
    fromMs = window.toMs;
    return window;
  });
}
