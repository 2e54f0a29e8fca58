/** A gateway under full load: how much memory it holds, and whether that grows. The goal names ten minutes; SLUICE_BENCH_SECONDS gives them. */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BenchRow } from './row.ts';
import { againstLimit } from './rounds.ts';
import { passes, post, residentBytes, serve } from './served.ts';

const SECONDS = Number(process.env['SLUICE_BENCH_SECONDS'] ?? 60);
const CONNECTIONS = 32;
const MEBIBYTE = 1024 * 1024;
const RESIDENT_MEBIBYTES_MAX = 200;
/** Of the second half over the first: what grows without end grows by more. */
const GROWTH_MAX = 1.1;

export async function run(): Promise<BenchRow[]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  const gateway = await serve(['--data-dir', dataDir]);
  const load = fork(fileURLToPath(new URL('./rest-load.js', import.meta.url)));
  try {
    // Kept short, so that the disk is not filled: retention is part of the work.
    await post(`${gateway.url}/v1/topics`, { name: 'load', partitions: 4, retention: { bytes: 256 * MEBIBYTE } });
    const body = JSON.stringify({
      messages: Array.from({ length: 10 }, (_, index) => ({ key: `k${index}`, value: 'x'.repeat(100) })),
    });
    const { hostname, port } = new URL(gateway.url);
    const over = once(load, 'message') as Promise<[{ failed: number; requestsPerSecond: number }]>;
    load.send({
      host: hostname,
      port: Number(port),
      path: '/v1/topics/load/messages',
      body,
      connections: CONNECTIONS,
      seconds: SECONDS,
    });
    const samples: number[] = [];
    for (let second = 0; second < SECONDS; second += 1) {
      await passes(1_000);
      samples.push(residentBytes(gateway.pid) / MEBIBYTE);
    }
    const [{ failed }] = await over;
    if (failed > 0) throw new Error(`${failed} requests failed`);
    const half = Math.floor(samples.length / 2);
    const most = (part: readonly number[]): number => Math.max(...part);
    const what = `gateway, ${CONNECTIONS} connections at full load for ${SECONDS} s`;
    return [
      againstLimit(`${what}: most resident memory`, [most(samples)], { unit: 'MiB', limit: RESIDENT_MEBIBYTES_MAX }),
      againstLimit(`${what}: second half by first half`, [most(samples.slice(half)) / most(samples.slice(0, half))], {
        unit: 'times',
        limit: GROWTH_MAX,
      }),
    ];
  } finally {
    load.kill();
    await gateway.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}
