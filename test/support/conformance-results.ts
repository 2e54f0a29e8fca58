/**
 * What the suite found on each target, as files: those of a run lie in a directory of that run and are printed at its end, those
 * of the last run that was recorded (SLUICE_CONFORMANCE_RECORD=1) lie in test/conformance/results and make docs/CONFORMANCE.md.
 */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TargetReport } from '../../src/conformance/index.ts';

export const recordedDir = fileURLToPath(new URL('../conformance/results', import.meta.url));

/** Systems in the order of the tables; each at the port and, after it, through REST. */
const order = [
  'native',
  'kafka',
  ...['', '@3.10'].flatMap((version) => ['quorum', 'classic', 'stream'].map((type) => `rabbitmq-${type}${version}`)),
];
export const targetNames: readonly string[] = [...order, ...order.map((name) => `REST over ${name}`)];

export async function keepReport(directory: string, report: TargetReport): Promise<void> {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, `${report.target.replaceAll(' ', '-')}.json`), `${JSON.stringify(report, null, 2)}\n`);
}

/** In the order of the tables. */
export function readReports(directory: string): readonly TargetReport[] {
  const reports = readdirSync(directory)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(directory, name), 'utf8')) as TargetReport);
  return reports.toSorted((left, right) => targetNames.indexOf(left.target) - targetNames.indexOf(right.target));
}
