/** How long a test waits for its broker: the median of 20 opens, against the 20 ms that it may take. */

import { pathToFileURL } from 'node:url';
import { createTestBroker } from '../src/testing/index.ts';
import { type BenchRow, formatRows } from './row.ts';

const OPENS = 20;
const LIMIT_MS = 20;

export async function run(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const durability of ['os', 'fsync'] as const) {
    const openMs: number[] = [];
    for (let round = 0; round < OPENS; round += 1) {
      const startedAt = performance.now();
      const broker = await createTestBroker({ durability });
      openMs.push(performance.now() - startedAt);
      await broker.close();
    }
    process.stderr.write(`test broker, ${durability}: first open ${(openMs[0] as number).toFixed(1)} ms\n`);
    const ours = openMs.toSorted((a, b) => a - b)[OPENS / 2] as number;
    rows.push({
      name: `open a test broker, ${durability} (reference: the limit)`,
      ours,
      reference: LIMIT_MS,
      ratio: LIMIT_MS / ours,
      unit: 'ms',
      target: 1,
    });
  }
  return rows;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  process.stdout.write(`${formatRows(await run())}\n`);
}
