/** The native log against the bare machine: what its table of limits in docs/PERFORMANCE.md is made of. */

import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { measureAppends } from './engine-append.ts';
import { measureOpening } from './engine-open.ts';
import { measureReads } from './engine-read.ts';
import { type BenchRow, formatRows } from './row.ts';

export async function run(): Promise<BenchRow[]> {
  const directory = fs.mkdtempSync(join(process.env['SLUICE_BENCH_DIR'] ?? tmpdir(), 'sluice-bench-'));
  try {
    return [
      ...(await measureAppends(directory)),
      ...(await measureReads(directory)),
      ...(await measureOpening(directory)),
    ];
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.stdout.write(`${formatRows(await run())}\n`);
