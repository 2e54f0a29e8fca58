/** Opening, and what a log costs that does nothing: in processes of their own, killed or asked for their memory. */

import { fork } from 'node:child_process';
import fs from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openEngine } from '../src/core-log/index.ts';
import type { BenchRow } from './row.ts';
import { againstLimit } from './rounds.ts';

const PARTITIONS = 4;
const BYTES = 1024 * 1024 * 1024;
const MANY_PARTITIONS = 1_000;
/** The goal names 10 GiB on disk; what is not loaded costs no memory, so a fortieth must do. */
const MANY_BYTES = 256 * 1024 * 1024;

type Order =
  | { readonly kind: 'fill'; readonly dataDir: string; readonly durability: 'os' | 'fsync' }
  | { readonly kind: 'fill-many'; readonly dataDir: string }
  | { readonly kind: 'idle'; readonly dataDir: string };

interface Idle {
  readonly residentMegabytes: number;
  readonly cpuPercent: number;
}

export async function measureOpening(directory: string): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const durability of ['fsync', 'os'] as const) {
    const dataDir = join(directory, `killed-${durability}`);
    await inChild({ kind: 'fill', dataDir, durability });
    const name = `open after kill -9, 1 GiB in ${PARTITIONS} partitions, appended with ${durability}`;
    rows.push(againstLimit(name, [await openMs(dataDir)], { unit: 'ms', limit: 1_000 }));
    if (durability === 'fsync') {
      const clean: number[] = [];
      for (let round = 0; round < 5; round += 1) clean.push(await openMs(dataDir));
      rows.push(againstLimit('open after a clean close, the same', clean, { unit: 'ms', limit: 50 }));
    }
    fs.rmSync(dataDir, { recursive: true });
  }
  const dataDir = join(directory, 'many');
  await inChild({ kind: 'fill-many', dataDir });
  const idle = (await inChild({ kind: 'idle', dataDir })) as Idle;
  const what = `${MANY_PARTITIONS.toLocaleString('en-US')} partitions, open and idle`;
  rows.push(
    againstLimit(`${what}: resident memory`, [idle.residentMegabytes], { unit: 'MB', limit: 150 }),
    againstLimit(`${what}: processor`, [Math.max(idle.cpuPercent, 0.01)], { unit: '% of a core', limit: 0.5 }),
  );
  return rows;
}

async function openMs(dataDir: string): Promise<number> {
  const started = performance.now();
  const engine = await openEngine({ dataDir });
  const milliseconds = performance.now() - started;
  await engine.close();
  return milliseconds;
}

/** What the child answers, if it does; resolves when it is gone. */
async function inChild(order: Order): Promise<unknown> {
  const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(order)]);
  let answer: unknown;
  child.on('message', (message) => {
    answer = message;
  });
  await once(child, 'exit');
  return answer;
}

async function obey(order: Order): Promise<void> {
  const engine = await openEngine({ dataDir: order.dataDir });
  const records = Array.from({ length: 64 }, () => ({ value: Buffer.alloc(1_000, 'x') }));
  if (order.kind === 'fill') {
    await engine.createTopic('t', { partitions: PARTITIONS });
    const appends = Math.ceil(BYTES / 64_600 / PARTITIONS);
    const fill = async (partition: number): Promise<void> => {
      for (let left = appends; left > 0; left -= 8)
        await Promise.all(
          Array.from({ length: 8 }, async () => {
            await engine.append('t', partition, records, { durability: order.durability });
          }),
        );
    };
    await Promise.all(Array.from({ length: PARTITIONS }, async (_, partition) => await fill(partition)));
    process.kill(process.pid, 'SIGKILL');
  } else if (order.kind === 'fill-many') {
    await engine.createTopic('t', { partitions: MANY_PARTITIONS });
    const rounds = Math.ceil(MANY_BYTES / MANY_PARTITIONS / 64_600);
    for (let partition = 0; partition < MANY_PARTITIONS; partition += 1)
      for (let round = 0; round < rounds; round += 1)
        await engine.append('t', partition, records, { durability: 'os' });
  } else {
    const before = process.cpuUsage();
    const seconds = 5;
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
    const { user, system } = process.cpuUsage(before);
    const idle: Idle = {
      residentMegabytes: process.memoryUsage.rss() / 1e6,
      cpuPercent: ((user + system) / 1e6 / seconds) * 100,
    };
    process.send?.(idle);
  }
  await engine.close();
}

const [, script, order] = process.argv;
if (script === fileURLToPath(import.meta.url) && order !== undefined) {
  await obey(JSON.parse(order) as Order);
  process.disconnect?.();
}
