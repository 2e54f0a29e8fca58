/** The flags of `sluice trace record` as options, checked. */

import { TraceError } from './errors.ts';
import { recordedKeys, type RecordOptions } from './record.ts';

interface Flags {
  readonly from: string;
  readonly limit: string;
  readonly for: string;
  readonly idle: string;
  readonly keys: string;
  readonly values: boolean;
  readonly url?: string;
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
/** A timer of Node waits no longer; nobody holds a recording in memory for so long. */
const longestMs = 24 * 3_600_000;

/** Throws TraceError `trace_invalid_option`. */
export function recordOptions(
  flags: Flags,
  env: Readonly<Record<string, string | undefined>>,
): Omit<RecordOptions, 'topic' | 'out' | 'signal'> {
  return {
    url: flags.url ?? env['SLUICE_URL'] ?? 'http://127.0.0.1:8080',
    token: env['SLUICE_TOKEN'],
    from: oneOf('--from', flags.from, ['earliest', 'latest'] as const),
    messagesMax: countOf('--limit', flags.limit),
    forMs: timeOf('--for', flags.for),
    idleMs: timeOf('--idle', flags.idle),
    keys: oneOf('--keys', flags.keys, recordedKeys),
    keepsValues: flags.values,
  };
}

function oneOf<T extends string>(flag: string, given: string, known: readonly T[]): T {
  const found = known.find((each) => each === given);
  if (found === undefined) throw invalid(`${flag} must be one of ${known.join(', ')}, not "${given}"`);
  return found;
}

function countOf(flag: string, given: string): number {
  if (!/^[1-9]\d{0,8}$/.test(given)) throw invalid(`${flag} must be a whole number from 1, not "${given}"`);
  return Number(given);
}

function timeOf(flag: string, given: string): number {
  const [, count = '', unit = ''] = /^(\d{1,9})(ms|s|m|h)$/.exec(given) ?? [];
  const ms = Number(count) * (unitMs[unit] ?? Number.NaN);
  if (!(ms >= 1 && ms <= longestMs))
    throw invalid(`${flag} must be a time such as 30s, 10m or 1h, at most 24h, not "${given}"`);
  return ms;
}

function invalid(text: string): TraceError {
  return new TraceError('trace_invalid_option', text);
}
