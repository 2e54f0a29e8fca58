/** The answers of `sluice log`, in lines for people. */

import type { LogRecord } from '../types.ts';
import type { DumpEntry } from './dump.ts';
import type { DirectorySight, PartitionSight } from './inspect.ts';
import type { PartitionRepair, RepairReport } from './repair.ts';
import type { Problem, VerifyReport } from './verify.ts';

/** A value is shown up to this, unless it is asked for whole. */
const PREVIEW_CHARACTERS = 60;

// ------------------------------------------------------------------------------------------------ inspect

export function inspectLines(sight: DirectorySight): string[] {
  const { directory, format, inUseBy, cleanShutdown, topics, partitions, maps, cursors } = sight;
  const state = inUseBy === null ? (cleanShutdown ? 'closed in order' : 'not closed in order') : `open in ${inUseBy}`;
  const going = topics.filter(({ isGoing }) => isGoing).map(({ name }) => name);
  return [
    `${directory}  format ${format.version}, ${state}, ${size(sight.bytes)}`,
    '',
    ...table([
      ['partition', 'earliest', 'next', 'size', 'segments', 'synced to', 'quarantine'],
      ...partitions.map(partitionCells),
    ]),
    ...(partitions.length === 0 ? ['no topics'] : []),
    ...(going.length === 0 ? [] : ['', `being deleted: ${going.join(', ')}`]),
    '',
    ...table([
      ['map', 'size', 'entries'],
      ...maps.map(({ name, bytes, entries }) => [name, size(bytes), count(entries)]),
    ]),
    ...(cursors.length === 0
      ? []
      : [
          '',
          ...table([
            ['cursor', 'position'],
            ...cursors.map(({ key, bytes, position }) => [key, position ?? `${bytes} bytes`]),
          ]),
        ]),
    ...list('quarantine', [...partitions.flatMap((one) => one.quarantine), ...sight.quarantine].map(fileLine)),
    ...list('belongs to no topic', sight.strangers),
    ...list('put aside by an earlier open', sight.orphans),
  ];
}

function partitionCells(sight: PartitionSight): string[] {
  const { topic, partition, earliest, next, bytes, segments, syncedMark, quarantine } = sight;
  const cut = quarantine.reduce((sum, file) => sum + file.bytes, 0);
  return [
    `${topic}-${partition}`,
    count(earliest),
    count(next),
    size(bytes),
    count(segments.length),
    syncedMark === null ? 'no mark' : count(syncedMark.nextOffset),
    quarantine.length === 0 ? '-' : `${quarantine.length} of ${size(cut)}`,
  ];
}

function fileLine({ file, bytes }: { readonly file: string; readonly bytes: number }): string {
  return `${file}  ${size(bytes)}`;
}

// ------------------------------------------------------------------------------------------------ verify

export function verifyLines(report: VerifyReport): string[] {
  const { partitions, segments, batches, records, bytes, mapEntries } = report.checked;
  const damage = report.problems.filter(({ severity }) => severity === 'damage');
  const notes = report.problems.filter(({ severity }) => severity === 'note');
  const seen = `${count(partitions)} partitions, ${count(segments)} segments, ${count(batches)} batches, ${count(records)} records`;
  return [
    ...damage.map((problem) => `DAMAGED  ${problemText(problem)}`),
    ...notes.map((problem) => `note     ${problemText(problem)}`),
    ...(report.problems.length === 0 ? [] : ['']),
    `${report.directory}  ${damage.length === 0 ? 'is whole' : `is damaged in ${damage.length} places`}`,
    `looked at ${seen} of ${size(bytes)}, ${count(mapEntries)} map entries`,
    ...(report.inUseBy === null ? [] : [`it is open in ${report.inUseBy}: what it writes meanwhile was not looked at`]),
    ...(damage.some(({ partition }) => partition !== null)
      ? [`what a repair would do: sluice log repair ${report.directory} --dry-run`]
      : []),
  ];
}

function problemText({ file, position, reason }: Problem): string {
  return `${file}  position ${position}: ${reason}`;
}

// ------------------------------------------------------------------------------------------------ dump

export function dumpLine(entry: DumpEntry, wholeValues: boolean): string {
  switch (entry.kind) {
    case 'file':
      return `${entry.file}  ${size(entry.bytes)}`;
    case 'batch': {
      const { position, baseOffset, lastOffset, records, bytes, compression, maxTimestamp, isControl } = entry;
      const what = isControl ? 'no messages' : `${records} records`;
      const codec = compression === 'none' ? '' : `, ${compression}`;
      return `batch at ${position}  offsets ${baseOffset} to ${lastOffset}, ${what}, ${bytes} bytes${codec}, up to ${timeText(maxTimestamp)}`;
    }
    case 'record':
      return `  ${recordText(entry.record, wholeValues)}`;
    case 'gap':
      return `gap at ${entry.position}  offsets ${entry.from} to ${entry.to - 1} are not here`;
    case 'bad':
      return `BAD at ${entry.position}  ${entry.bytes} bytes: ${entry.reason}`;
  }
}

/** One line of `dump --json`. */
export function dumpJson(entry: DumpEntry, wholeValues: boolean): object {
  if (entry.kind !== 'record') return entry;
  const { offset, timestamp, key, value, headers } = entry.record;
  return {
    kind: 'record',
    offset,
    timestamp,
    ...bytesJson('key', key, true),
    valueBytes: value?.length ?? null,
    ...bytesJson('value', value, wholeValues),
    headers: headers.map((header) => ({ name: header.name, ...bytesJson('value', header.value, true) })),
  };
}

function recordText({ offset, timestamp, key, value, headers }: LogRecord, wholeValues: boolean): string {
  const text = headers.map((header) => `${header.name}=${shown(header.value, wholeValues)}`).join(' ');
  return [
    String(offset),
    timeText(timestamp),
    `key ${shown(key, wholeValues)}`,
    `value ${shown(value, wholeValues)}`,
    ...(headers.length === 0 ? [] : [`headers ${text}`]),
  ].join('  ');
}

function shown(bytes: Buffer | null, isWhole: boolean): string {
  if (bytes === null) return 'null';
  const text = utf8(bytes);
  if (text === null) {
    const hex = bytes.toString('hex', 0, isWhole ? bytes.length : PREVIEW_CHARACTERS / 2);
    return `0x${hex}${hex.length / 2 < bytes.length ? `... (${bytes.length} bytes)` : ''}`;
  }
  if (isWhole || text.length <= PREVIEW_CHARACTERS) return JSON.stringify(text);
  return `${JSON.stringify(text.slice(0, PREVIEW_CHARACTERS))}... (${bytes.length} bytes)`;
}

/** As text where the bytes are UTF-8, else in base64: `key` or `keyBase64`. */
function bytesJson(name: string, bytes: Buffer | null, isWhole: boolean): object {
  if (bytes === null) return { [name]: null };
  const text = utf8(bytes);
  if (text === null) {
    const some = isWhole ? bytes : bytes.subarray(0, PREVIEW_CHARACTERS);
    return { [`${name}Base64`]: some.toString('base64') };
  }
  return { [name]: isWhole ? text : text.slice(0, PREVIEW_CHARACTERS) };
}

/** null when the bytes are no UTF-8. */
function utf8(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

// ------------------------------------------------------------------------------------------------ repair

export function repairLines(report: RepairReport): string[] {
  const { partitions, left, isDryRun } = report;
  return [
    ...(isDryRun && partitions.length > 0 ? ['nothing was changed; a repair would do this:', ''] : []),
    ...partitions.flatMap((one) => partitionLines(one, isDryRun)),
    ...left.flatMap((problem) => [
      `NOT REPAIRED  ${problemText(problem)}`,
      '  the maps of topics, definitions and cursors are not mended by this: bring the file back from a backup',
    ]),
    ...(partitions.length === 0 && left.length === 0 ? [`${report.directory}: no partition is damaged`] : []),
  ];
}

function partitionLines(repair: PartitionRepair, isDryRun: boolean): string[] {
  const { topic, partition, damage, cut, lost, keptBatches, keptBytes, nextOffset } = repair;
  return [
    `${topic}-${partition}`,
    ...damage.map((problem) => `  damage: ${problemText(problem)}`),
    ...cut.map(({ file, from, to, quarantine }) => {
      const where = quarantine === null ? 'a quarantine file beside it' : quarantine;
      return `  ${isDryRun ? 'move' : 'moved'} ${count(to - from)} bytes from position ${from} of ${file} into ${where}`;
    }),
    ...lost.map(({ from, to }) => {
      const range = to - from === 1 ? `offset ${from} is` : `offsets ${from} to ${to - 1} are`;
      return `  ${range} lost; a marker without messages takes their place, and they are never given out again`;
    }),
    `  ${isDryRun ? 'keep' : 'kept'} ${count(keptBatches)} batches of ${size(keptBytes)}; the next append gets offset ${count(nextOffset)}`,
    '',
  ];
}

// ------------------------------------------------------------------------------------------------ words

function table(rows: readonly (readonly string[])[]): string[] {
  if (rows.length < 2) return [];
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function list(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines.map((line) => `  ${line}`)];
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

function size(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes / 1_024;
  let unit = 0;
  for (; value >= 1_024 && unit < units.length - 1; unit += 1) value /= 1_024;
  return `${value.toFixed(1)} ${units[unit]}`;
}

function timeText(timestamp: number): string {
  return timestamp >= 0 && timestamp < 8.64e15 ? new Date(timestamp).toISOString() : String(timestamp);
}
