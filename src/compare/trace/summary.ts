/** The account of a conversion in words: what became of every line. */

import type { FromLogSummary, SkippedLines } from './from-log.ts';
import type { RecordSummary } from './record.ts';

const skipReasons: Readonly<Record<keyof SkippedLines, string>> = {
  blank: 'blank',
  beforeFirstTimestamp: 'before the first timestamp',
  impossibleDate: 'a date that does not exist',
  aboveLineLimit: 'longer than 1 MiB',
  aboveRecordLimit: 'would make its message larger than 1 MiB',
  holdsNulBytes: 'holds NUL bytes',
};

/** Pure. Of a recording; `out` as below. */
export function recordLines(summary: RecordSummary, out: string | null): string[] {
  const { messages, spanMs, bytes, distinctKeys, withoutKey, valuesLeftOut, repeated } = summary;
  return [
    `messages   ${count(messages)}${out === null ? '' : ` -> ${out}`}`,
    `span       ${duration(spanMs)}`,
    `keys       ${count(distinctKeys)}${withoutKey === 0 ? '' : `, ${count(withoutKey)} messages without one`}`,
    `bytes      ${count(bytes)} of values`,
    ...(valuesLeftOut === 0
      ? []
      : [`left out   ${count(valuesLeftOut)} values that are no text: their sizes are there`]),
    ...(repeated === 0 ? [] : [`repeated   ${count(repeated)} deliveries that had come before`]),
  ];
}

/** Pure. `out`: where the trace was written, null for standard output. */
export function summaryLines(summary: FromLogSummary, out: string | null): string[] {
  const skipped = Object.entries(summary.skipped).filter(([, lines]) => lines > 0);
  const skippedLines = skipped.reduce((sum, [, lines]) => sum + lines, 0);
  return [
    `messages   ${count(summary.messages)}${out === null ? '' : ` -> ${out}`}`,
    `format     ${summary.format} (timestamps to ${duration(summary.resolutionMs)})`,
    `span       ${duration(summary.spanMs)}, longest silence ${duration(summary.largestGapMs)}`,
    `keys       ${keysText(summary)}`,
    `bytes      ${count(summary.valueBytes)} of values, the largest ${count(summary.largestValueBytes)}`,
    `lines      ${count(summary.lines)} = ${count(summary.messages)} messages + ${count(summary.continuationLines)} continuation + ${count(skippedLines)} skipped`,
    ...skipped.map(([reason, lines]) => `skipped    ${count(lines)}: ${skipReasons[reason as keyof SkippedLines]}`),
    ...notes(summary),
  ];
}

function keysText(summary: FromLogSummary): string {
  if (summary.key === 'none') return 'none';
  const more = summary.allKeysCounted ? '' : 'more than ';
  const without = summary.messagesWithoutKey === 0 ? '' : `, ${count(summary.messagesWithoutKey)} messages without one`;
  return `${more}${count(summary.distinctKeys)} by ${summary.key}${without}`;
}

function notes(summary: FromLogSummary): string[] {
  const lines: string[] = [];
  if (summary.lateLines > 0) {
    lines.push(
      `order      ${count(summary.lateLines)} lines were late (by ${duration(summary.latestByMs)} at most); kept in place at the latest time`,
    );
  }
  if (summary.clockSetBack > 0) {
    lines.push(
      `order      the clock went back ${count(summary.clockSetBack)} times (by ${duration(summary.clockSetBackByMs)} at most); time goes on from there`,
    );
  }
  if (summary.yearTurns > 0) lines.push(`years      ${count(summary.yearTurns)} turns of the year (the log has none)`);
  if (summary.repairedLines > 0)
    lines.push(`encoding   ${count(summary.repairedLines)} lines were not UTF-8; such bytes became U+FFFD`);
  return lines;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** The two largest units that say something. */
export function duration(ms: number): string {
  if (ms < 1) return `${ms * 1000} µs`;
  if (ms < 1000) return `${ms} ms`;
  const units = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
  ] as const;
  for (const [size, name] of units) {
    if (ms < size) continue;
    const smaller = units[units.findIndex(([other]) => other === size) + 1] ?? ([1000, 's'] as const);
    const rest = Math.floor((ms % size) / smaller[0]);
    return rest === 0 ? `${Math.floor(ms / size)} ${name}` : `${Math.floor(ms / size)} ${name} ${rest} ${smaller[1]}`;
  }
  return `${Math.round(ms) / 1000} s`;
}
