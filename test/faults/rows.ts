/**
 * What fault rounds measured, as files: those of a run are printed at its end, those of the last run that was recorded
 * (SLUICE_FAULTS_RECORD=1) lie in test/faults/results and make docs/FAULTS.md.
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FaultId } from './fault-table.ts';
import type { Verdict } from './ledger.ts';

export interface FaultRow {
  readonly fault: FaultId;
  /** With its version, as the broker tells it. */
  readonly system: string;
  /** How often what was done. */
  readonly rounds: string;
  readonly sent: number;
  readonly stored: number;
  readonly unknown: number;
  readonly refused: number;
  readonly lost: number;
  readonly lostPrefix: number;
  readonly lostMiddle: number;
  readonly lostSuffix: number;
  readonly duplicated: number;
  readonly phantom: number;
  readonly refusedButThere: number;
  readonly reordered: number;
  /** From the end of the fault to the first message that was published after it, stored and delivered; one for each round. */
  readonly recoveredMs: readonly number[];
  readonly notes: string;
}

export const recordedDir = fileURLToPath(new URL('results', import.meta.url));

/** Of the subscriptions on one topic, ordered ones last: what was published counts once, what was received by each. */
export function totals(
  verdicts: readonly [Verdict, ...Verdict[]],
): Omit<FaultRow, 'fault' | 'system' | 'rounds' | 'recoveredMs' | 'notes'> {
  const [{ sent, stored, unknown, refused }] = verdicts;
  const sum = (of: (verdict: Verdict) => number): number => verdicts.reduce((total, verdict) => total + of(verdict), 0);
  return {
    sent,
    stored,
    unknown,
    refused,
    lost: sum(({ lost }) => lost),
    lostPrefix: sum(({ lostPrefix }) => lostPrefix),
    lostMiddle: sum(({ lostMiddle }) => lostMiddle),
    lostSuffix: sum(({ lostSuffix }) => lostSuffix),
    duplicated: sum(({ duplicated }) => duplicated),
    phantom: sum(({ phantom }) => phantom),
    refusedButThere: sum(({ refusedButThere }) => refusedButThere),
    // Only the last one promises an order.
    reordered: verdicts.at(-1)?.reordered ?? 0,
  };
}

/** Kept as a file of the run; `directory` as the setup provides it. */
export function keepRows(directory: string, rows: readonly FaultRow[]): void {
  mkdirSync(directory, { recursive: true });
  for (const row of rows) {
    const name = `${row.fault} ${row.system}`.replaceAll(/[^A-Za-z0-9.-]+/g, '-');
    writeFileSync(join(directory, `${name}.json`), `${JSON.stringify(row, null, 2)}\n`);
  }
}

export function readRows(directory: string): readonly FaultRow[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => name.endsWith('.json'))
    .toSorted()
    .map((name) => JSON.parse(readFileSync(join(directory, name), 'utf8')) as FaultRow);
}

export function renderRows(rows: readonly FaultRow[]): string {
  const head = [
    '| fault | system | rounds | sent | stored | unknown | refused | lost | duplicated | out of order | recovered, s | |',
    '| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- | --- |',
  ];
  return [...head, ...rows.map(lineOf)].join('\n');
}

function lineOf(row: FaultRow): string {
  const lost =
    row.lost === 0 ? '0' : `${row.lost} (${row.lostPrefix} first, ${row.lostMiddle} between, ${row.lostSuffix} last)`;
  const seconds = row.recoveredMs.map((ms) => (ms / 1_000).toFixed(1)).join(' ');
  const cells = [row.fault, row.system, row.rounds, row.sent, row.stored, row.unknown, row.refused, lost];
  return `| ${[...cells, row.duplicated, row.reordered, seconds, row.notes].join(' | ')} |`;
}
