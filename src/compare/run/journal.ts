/**
 * The journal of a run: one JSON line for every row as soon as there is one, on the disk before the next begins, so that a run
 * that was interrupted or killed goes on instead of starting again. A line that a crash tore off is dropped: its cell runs anew.
 *
 *   {"kind":"run",  planHash, runId, startedAt, command, flags, software}      first line
 *   {"kind":"part", at}                                                        a part begins: the first, and each that went on
 *   {"kind":"warm-up", warmUp, ms}                                             of the brokers of a round
 *   {"kind":"workload", name, row, ms} {"kind":"twin", ...} {"kind":"scenario", row, ms} {"kind":"refused", ...}
 */

import {
  closeSync,
  existsSync,
  fdatasyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Report, ScenarioRow, WarmUp, WorkloadRow } from '../report/model.ts';

export const journalName = 'run.jsonl';

export interface RunHeader {
  readonly kind: 'run';
  readonly journal: 1;
  readonly planHash: string;
  readonly runId: string;
  readonly startedAt: string;
  readonly command: string;
  /** Of the command line, as they were read. */
  readonly flags: Readonly<Record<string, unknown>>;
  /** Name -> version of everything that a figure depends on. */
  readonly software: Readonly<Record<string, string>>;
}

/** `ms`: since its part began. */
export type JournalEntry =
  | { readonly kind: 'part'; readonly at: string }
  | { readonly kind: 'warm-up'; readonly warmUp: WarmUp; readonly ms: number }
  | { readonly kind: 'workload' | 'twin'; readonly name: string; readonly row: WorkloadRow; readonly ms: number }
  | { readonly kind: 'scenario'; readonly row: ScenarioRow; readonly ms: number }
  | {
      readonly kind: 'refused';
      readonly name: string;
      readonly reason: Report['notMeasured'][number];
      readonly ms: number;
    };

/** Of the plan: what a run counts when it says how far it is. */
export function isRow({ kind }: JournalEntry): boolean {
  return kind !== 'part' && kind !== 'warm-up';
}

/** The directory holds nothing that could go on, or something else than what was asked for. */
export class ResumeError extends Error {
  override readonly name = 'ResumeError';
}

export class Journal {
  readonly entries: readonly JournalEntry[];
  readonly #file: number;
  readonly #startedMs = performance.now();

  private constructor(file: number, entries: readonly JournalEntry[]) {
    this.#file = file;
    this.entries = entries;
    this.#write({ kind: 'part', at: new Date().toISOString() });
  }

  /** A new one. What an interrupted run left in the directory is kept beside it, under `asideName`. */
  static begin(directory: string, header: Omit<RunHeader, 'kind' | 'journal'>): Journal {
    const path = join(directory, journalName);
    if (existsSync(path)) renameSync(path, join(directory, asideName));
    const file = openSync(path, 'w');
    writeLine(file, { kind: 'run', journal: 1, ...header });
    return new Journal(file, []);
  }

  /** Goes on with what is there. Throws ResumeError where it is another plan or other software. */
  static resume(directory: string, planHash: string, software: RunHeader['software']): Journal {
    const { header, entries, wholeBytes } = readJournal(directory);
    refuseOtherPlan(header, planHash);
    refuseOtherSoftware(header, software);
    const path = join(directory, journalName);
    const file = openSync(path, 'r+');
    // The torn line goes before anything is written after it.
    ftruncateSync(file, wholeBytes);
    const append = openSync(path, 'a');
    closeSync(file);
    return new Journal(append, entries);
  }

  add(entry: WithoutMs<Exclude<JournalEntry, { kind: 'part' }>>): void {
    this.#write({ ...entry, ms: Math.round(performance.now() - this.#startedMs) } as JournalEntry);
  }

  close(): void {
    closeSync(this.#file);
  }

  #write(entry: JournalEntry): void {
    writeLine(this.#file, entry);
  }
}

type WithoutMs<T> = T extends { readonly ms: number } ? Omit<T, 'ms'> : never;

const asideName = 'run.before.jsonl';

/** Throws ResumeError where there is none, or it is not readable. */
export function readJournal(directory: string): {
  readonly header: RunHeader;
  readonly entries: readonly JournalEntry[];
  readonly wholeBytes: number;
} {
  const path = join(directory, journalName);
  if (!existsSync(path)) throw new ResumeError(`${directory} holds no interrupted run (${journalName})`);
  const bytes = readFileSync(path);
  // The newline is written with its line: what stands after the last one was torn off.
  const wholeBytes = bytes.lastIndexOf(0x0a) + 1;
  const lines = bytes.subarray(0, wholeBytes).toString('utf8').split('\n').slice(0, -1);
  const values = lines.map((line, index) => parsed(line, `${path}:${index + 1}`));
  const [header, ...entries] = values as [RunHeader | undefined, ...JournalEntry[]];
  if (header?.kind !== 'run' || header.journal !== 1)
    throw new ResumeError(`${path} does not begin with a run that this version can go on with`);
  return { header, entries, wholeBytes };
}

/** Throws ResumeError where what would go on is not what was begun. */
export function refuseOtherPlan(header: RunHeader, planHash: string): void {
  if (header.planHash !== planHash)
    throw new ResumeError(
      `the plan is another one (${planHash.slice(0, 12)}, begun as ${header.planHash.slice(0, 12)}): another flag, workload file, trace or version`,
    );
}

function refuseOtherSoftware(header: RunHeader, software: RunHeader['software']): void {
  const names = [...new Set([...Object.keys(header.software), ...Object.keys(software)])];
  const changed = names
    .filter((name) => header.software[name] !== software[name])
    .map((name) => `${name} ${header.software[name] ?? 'none'} before, ${software[name] ?? 'none'} now`);
  if (changed.length > 0) throw new ResumeError(`the software is not the same: ${changed.join('; ')}`);
}

/** The milliseconds that parts before this one measured. */
export function measuredMsOf(entries: readonly JournalEntry[]): number {
  let total = 0;
  let last = 0;
  for (const entry of entries) {
    if (entry.kind === 'part') {
      total += last;
      last = 0;
    } else last = entry.ms;
  }
  return total + last;
}

function parsed(line: string, where: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new ResumeError(`${where} is damaged`, { cause });
  }
}

function writeLine(file: number, value: RunHeader | JournalEntry): void {
  const bytes = Buffer.from(`${JSON.stringify(value)}\n`);
  let written = 0;
  while (written < bytes.length) written += writeSync(file, bytes, written);
  fdatasyncSync(file);
}
