/**
 * The log formats that `trace from-log` reads, as a table: how a line of each begins, what time that is, and whom the line names.
 * More special rows stand first, because the first of equals wins.
 *
 * `process` is whatever the line itself names as its writer: a process id, a thread, or a logger. Where a format has no zone,
 * times count as UTC: only their distances matter.
 */

import type { Stamp } from './log-clock.ts';

export type KeyKind = 'host' | 'process' | 'block';
type Groups = Readonly<Record<string, string | undefined>>;

export interface ParsedStart {
  readonly stamp: Stamp;
  readonly groups: Groups;
}

export interface LogFormat {
  readonly name: string;
  /** An example of how a line begins. */
  readonly example: string;
  /** The smallest step that its timestamps show. */
  readonly resolutionMs: number;
  /** What messages are keyed by unless told otherwise. */
  readonly defaultKey: KeyKind | 'none';
  /** Finds each kind of key that lines of this format can name. */
  readonly keys: Readonly<Partial<Record<KeyKind, (groups: Groups, line: string) => string | undefined>>>;
  /** null: the line does not begin like this format. */
  parse(line: string): ParsedStart | null;
}

const TIME = '(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)';
const FRACTION = '(?:[.,](?<fraction>\\d{1,9}))?';
const ZONE = '(?<zone>Z|[+-]\\d\\d:?\\d\\d)?';
const LEVEL = '(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL)';
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;
const MONTH = `(?<monthName>${MONTHS.join('|')})`;
const SYSLOG = `(?:<\\d{1,3}>)?${MONTH} {1,2}(?<day>\\d{1,2}) ${TIME} (?<host>\\S+) `;

const blockId = /\b(?:blk_-?\d+|rdd_\d+_\d+|broadcast_\d+)\b/;
const block = (_: Groups, line: string): string | undefined => blockId.exec(line)?.[0];
const host = (groups: Groups): string | undefined => groups['host'];
const processGroup = (groups: Groups): string | undefined => groups['process'];
const program = /^(?<name>[^\s:[\]]+)(?:\[(?<pid>\d+)\])?:/;

export const logFormats: readonly LogFormat[] = [
  {
    name: 'hdfs',
    example: '081109 203615 148 INFO dfs.DataNode: ...',
    resolutionMs: 1000,
    defaultKey: 'block',
    keys: { block, process: processGroup },
    parse: byPattern(
      `(?<shortYear>\\d\\d)(?<month>\\d\\d)(?<day>\\d\\d) (?<hour>\\d\\d)(?<minute>\\d\\d)(?<second>\\d\\d) (?<process>\\d+) ${LEVEL} `,
    ),
  },
  {
    name: 'hadoop',
    example: '2015-10-18 18:01:47,978 INFO [main] org.apache.hadoop.App: ...',
    resolutionMs: 1,
    defaultKey: 'process',
    keys: { process: processGroup, block },
    parse: byPattern(
      `(?<year>\\d{4})-(?<month>\\d\\d)-(?<day>\\d\\d) ${TIME},(?<fraction>\\d{3}) +${LEVEL} +\\[(?<process>[^\\]]+)\\] `,
    ),
  },
  {
    name: 'spark',
    example: '17/06/09 20:10:40 INFO executor.Executor: ...',
    resolutionMs: 1000,
    defaultKey: 'process',
    keys: { process: processGroup, block },
    parse: byPattern(`(?<shortYear>\\d\\d)/(?<month>\\d\\d)/(?<day>\\d\\d) ${TIME} ${LEVEL} (?<process>[^\\s:]+):`),
  },
  {
    name: 'openssh',
    example: 'Dec 10 06:55:46 LabSZ sshd[24200]: ...',
    resolutionMs: 1000,
    defaultKey: 'process',
    keys: { process: processGroup, host },
    parse: byPattern(`${SYSLOG}(?<process>sshd(?:-session|-auth)?\\[\\d+\\]):`),
  },
  {
    name: 'rfc5424',
    example: '<34>1 2003-10-11T22:14:15.003Z host app 123 ID47 - ...',
    resolutionMs: 1,
    defaultKey: 'host',
    keys: { host, process: processGroup },
    parse: byPattern(
      `<\\d{1,3}>1 (?<year>\\d{4})-(?<month>\\d\\d)-(?<day>\\d\\d)T${TIME}${FRACTION}${ZONE} (?<host>\\S+) (?<process>\\S+ \\S+) `,
    ),
  },
  {
    name: 'syslog',
    example: 'Dec 10 06:55:46 host program[123]: ...',
    resolutionMs: 1000,
    defaultKey: 'host',
    keys: {
      host,
      process: (groups) => programName(groups['rest']),
    },
    parse: byPattern(`${SYSLOG}(?<rest>.*)`),
  },
  {
    name: 'clf',
    example: '10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" ...',
    resolutionMs: 1000,
    defaultKey: 'host',
    keys: { host },
    parse: byPattern(
      `(?<host>\\S+) \\S+ \\S+ \\[(?<day>\\d\\d)/${MONTH}/(?<year>\\d{4}):${TIME} (?<zone>[+-]\\d{4})\\]`,
    ),
  },
  {
    name: 'apache-error',
    example: '[Fri Sep 09 10:42:29.902022 2011] [core:error] [pid 35708] ...',
    resolutionMs: 0.001,
    defaultKey: 'process',
    keys: { process: (_, line) => /\[pid (\d+)/.exec(line)?.[1] },
    parse: byPattern(`\\[[A-Z][a-z]{2} ${MONTH} {1,2}(?<day>\\d{1,2}) ${TIME}${FRACTION} (?<year>\\d{4})\\]`),
  },
  {
    name: 'glog',
    example: 'I0102 15:04:05.123456 7 file.go:12] ...',
    resolutionMs: 0.001,
    defaultKey: 'process',
    keys: { process: processGroup },
    parse: byPattern(`[IWEF](?<month>\\d\\d)(?<day>\\d\\d) ${TIME}${FRACTION} +(?<process>\\d+) `),
  },
  {
    name: 'json',
    example: '{"time":1700000000000,"msg":"..."}',
    resolutionMs: 1,
    defaultKey: 'process',
    ...jsonLines(),
  },
  {
    name: 'iso',
    example: '2024-05-01T12:00:00.123Z ...',
    resolutionMs: 1,
    defaultKey: 'none',
    keys: { host: (groups) => isoProgram(groups)?.host, process: (groups) => isoProgram(groups)?.name },
    parse: byPattern(
      `\\[?(?<year>\\d{4})[-/](?<month>\\d\\d)[-/](?<day>\\d\\d)[T ]${TIME}${FRACTION} ?${ZONE}(?![\\d:])(?<rest>.*)`,
    ),
  },
  {
    name: 'epoch',
    example: '1700000000.123 ...',
    resolutionMs: 1,
    defaultKey: 'none',
    keys: {},
    parse: (line) => {
      const match = /^\[?(?<seconds>\d{10})(?:(?<ms>\d{3})|\.(?<fraction>\d{1,9}))?(?![\d.])/.exec(line);
      const groups = match?.groups;
      if (groups === undefined) return null;
      const ms = Number(groups['seconds']) * 1000 + Number(groups['ms'] ?? 0) + fractionMs(groups['fraction']);
      return { stamp: stampOfEpoch(ms), groups };
    },
  },
];

export function formatNamed(name: string): LogFormat | undefined {
  return logFormats.find((format) => format.name === name);
}

/** The format that most of these lines begin like; null when none begins like any. */
export function detectFormat(lines: readonly string[]): LogFormat | null {
  let best: { format: LogFormat; hits: number } | null = null;
  for (const format of logFormats) {
    const hits = lines.reduce((count, line) => (format.parse(line) === null ? count : count + 1), 0);
    if (hits > 0 && (best === null || hits > best.hits)) best = { format, hits };
  }
  return best?.format ?? null;
}

function byPattern(pattern: string): (line: string) => ParsedStart | null {
  const start = new RegExp(`^${pattern}`, 's');
  return (line) => {
    const groups: Groups | undefined = start.exec(line)?.groups;
    return groups === undefined ? null : { stamp: stampOf(groups), groups };
  };
}

function stampOf(groups: Groups): Stamp {
  const number = (name: string): number => Number(groups[name] ?? 0);
  const month =
    groups['monthName'] === undefined ? number('month') : MONTHS.findIndex((m) => m === groups['monthName']) + 1;
  const seconds = number('hour') * 3600 + number('minute') * 60 + number('second');
  const impossible = number('hour') > 23 || number('minute') > 59 || number('second') > 60;
  return {
    year: yearOf(groups),
    month: impossible ? 0 : month,
    day: number('day'),
    dayMs: seconds * 1000 + fractionMs(groups['fraction']),
    offsetMinutes: zoneMinutes(groups['zone']),
  };
}

/** Two digits: 69..99 are of the last century, as POSIX reads them. */
function yearOf(groups: Groups): number | null {
  if (groups['year'] !== undefined) return Number(groups['year']);
  if (groups['shortYear'] === undefined) return null;
  const short = Number(groups['shortYear']);
  return short >= 69 ? 1900 + short : 2000 + short;
}

function fractionMs(digits: string | undefined): number {
  return digits === undefined ? 0 : Math.round(Number(`0.${digits}`) * 1e6) / 1000;
}

function zoneMinutes(zone: string | undefined): number {
  if (zone === undefined || zone === 'Z') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
  return zone.startsWith('-') ? -minutes : minutes;
}

function stampOfEpoch(epochMs: number): Stamp {
  const date = new Date(epochMs);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    dayMs: epochMs - Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()),
    offsetMinutes: 0,
  };
}

function programName(rest: string | undefined): string | undefined {
  const groups = program.exec(rest ?? '')?.groups;
  if (groups === undefined) return undefined;
  return groups['pid'] === undefined ? groups['name'] : `${groups['name']}[${groups['pid']}]`;
}

/** `2024-05-01T12:00:00+00:00 host program[123]: ...`, as journald and rsyslog write it. */
function isoProgram(groups: Groups): { host: string; name: string } | undefined {
  const parts = /^ (\S+) (.*)$/s.exec(groups['rest'] ?? '');
  const name = programName(parts?.[2]);
  return parts?.[1] === undefined || name === undefined ? undefined : { host: parts[1], name };
}

/** One JSON object a line, as structured loggers write them. */
function jsonLines(): Pick<LogFormat, 'keys' | 'parse'> {
  const pick = (groups: Groups, ...names: string[]): string | undefined =>
    names.map((name) => groups[name]).find((value) => value !== undefined);
  return {
    keys: {
      host: (groups) => pick(groups, 'hostname', 'host'),
      process: (groups) => pick(groups, 'pid', 'logger', 'service', 'name'),
    },
    parse: (line) => {
      if (!line.startsWith('{')) return null;
      const object = parseObject(line);
      const time = object?.['time'] ?? object?.['timestamp'] ?? object?.['@timestamp'] ?? object?.['ts'];
      const ms = epochMsOf(time);
      if (object === null || ms === null) return null;
      const fields = Object.entries(object).filter(
        ([, value]) => typeof value === 'string' || typeof value === 'number',
      );
      return {
        stamp: stampOfEpoch(ms),
        groups: Object.fromEntries(fields.map(([name, value]) => [name, String(value)])),
      };
    },
  };
}

function parseObject(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    // Not JSON: a continuation or another format, which the caller decides.
    return null;
  }
}

/** Numbers below 10^11 are seconds (until the year 5138), above milliseconds; strings must be ISO 8601. */
function epochMsOf(time: unknown): number | null {
  if (typeof time === 'number' && Number.isFinite(time) && time >= 0 && time < 8.64e15)
    return time < 1e11 ? time * 1000 : time;
  if (typeof time !== 'string' || !/^\d{4}-\d\d-\d\dT/.test(time)) return null;
  const ms = Date.parse(time);
  return Number.isNaN(ms) ? null : ms;
}
