/** Assertions of the suite, with messages that name the first offenders. Framework-free: a failure is an exception. */

import { type ErrorCode, PortError } from '../adapters/errors.ts';

/** The port under test broke a promise. */
export class ConformanceFailure extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ConformanceFailure';
  }
}

/** This branch has no test: reported by name, never counted as passed. */
export class Untested extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'Untested';
  }
}

/** How many offenders a message names. */
const OFFENDERS_SHOWN = 5;

export function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new ConformanceFailure(message);
}

/** Compares plain data, order of object keys included. */
export function equal(actual: unknown, expected: unknown, what: string): void {
  const [got, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  check(got === wanted, `${what}: expected ${wanted}, got ${got}`);
}

/** The same items the same number of times, in any order. */
export function sameItems(actual: readonly string[], expected: readonly string[], what: string): void {
  const surplus = counts(actual);
  const missing: string[] = [];
  for (const item of expected) {
    const left = surplus.get(item) ?? 0;
    if (left === 0) missing.push(item);
    else surplus.set(item, left - 1);
  }
  const known = new Set(expected);
  const extra = [...surplus].flatMap(([item, count]) => Array.from({ length: count }, () => item));
  const duplicated = extra.filter((item) => known.has(item));
  const phantom = extra.filter((item) => !known.has(item));
  check(
    missing.length === 0 && extra.length === 0,
    `${what}: of ${expected.length} expected, ${summary('lost', missing)}, ${summary('duplicated', duplicated)}, ${summary('never sent', phantom)}`,
  );
}

/** The same items in the same order; tells loss from disorder. */
export function sameSequence(actual: readonly string[], expected: readonly string[], what: string): void {
  sameItems(actual, expected, what);
  const at = actual.findIndex((item, index) => item !== expected[index]);
  check(
    at === -1,
    `${what}: out of order at ${at}: expected ${expected.slice(at, at + 3).join(', ')}, got ${actual.slice(at, at + 3).join(', ')}`,
  );
}

/**
 * The call rejects with one of these codes; gives the error back.
 * @param withinMs and does so in this time.
 */
export async function rejects(
  codes: ErrorCode | readonly ErrorCode[],
  what: string,
  call: () => Promise<unknown>,
  withinMs = Number.POSITIVE_INFINITY,
): Promise<PortError> {
  const allowed = typeof codes === 'string' ? [codes] : codes;
  const startedAt = performance.now();
  const error = await rejectionOf(what, allowed, call);
  const tookMs = Math.round(performance.now() - startedAt);
  check(error instanceof PortError, `${what}: expected a PortError ${allowed.join(' or ')}, got ${String(error)}`);
  check(allowed.includes(error.code), `${what}: expected ${allowed.join(' or ')}, got ${error.code}: ${error.message}`);
  check(tookMs <= withinMs, `${what}: ${error.code} came after ${tookMs} ms, later than ${withinMs} ms`);
  return error;
}

async function rejectionOf(what: string, allowed: readonly string[], call: () => Promise<unknown>): Promise<unknown> {
  let answer: unknown;
  try {
    answer = await call();
  } catch (reason) {
    return reason;
  }
  throw new ConformanceFailure(
    `${what}: expected ${allowed.join(' or ')}, but it succeeded with ${JSON.stringify(answer)}`,
  );
}

function counts(items: readonly string[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const item of items) found.set(item, (found.get(item) ?? 0) + 1);
  return found;
}

function summary(word: string, items: readonly string[]): string {
  const shown = items.slice(0, OFFENDERS_SHOWN).join(', ');
  const more = items.length > OFFENDERS_SHOWN ? ', ...' : '';
  return items.length === 0 ? `0 ${word}` : `${items.length} ${word} (${shown}${more})`;
}
