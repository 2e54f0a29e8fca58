/** The promise that is hardest to keep: whoever started brokers dies without a word, and nothing of theirs stays. */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, expect, inject, it } from 'vitest';
import type { ObtainedBrokers } from '../../src/brokers/index.ts';
import { allGone, isOpen, listenersOf, pidsOfRun } from './listening.ts';

const HERE = join(import.meta.dirname, '..', '..');
/** The watchdog looks every half second, then kills; the rest is for a busy machine. */
const REAPED_WITHIN_MS = 15_000;

const OWNER = `
  import { obtainBrokers } from './src/brokers/index.ts';
  const brokers = await obtainBrokers({ want: ['rabbitmq', 'kafka'], fresh: true });
  console.log(JSON.stringify(brokers));
  setInterval(() => {}, 1000);
`;

let owner: ChildProcess | null = null;
let runs = '';
afterEach(async () => {
  owner?.kill('SIGKILL');
  await rm(runs, { recursive: true, force: true });
});

async function startOwner(): Promise<ObtainedBrokers> {
  runs = await mkdtemp(join(tmpdir(), 'sluice-killed-'));
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', OWNER], {
    cwd: HERE,
    env: { ...process.env, SLUICE_BROKERS_RUN_DIR: runs },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  owner = child;
  for await (const line of createInterface({ input: child.stdout })) return JSON.parse(line) as ObtainedBrokers;
  throw new Error('the owner ended before it had its brokers');
}

it('brokers whose owner is killed with SIGKILL end with it, epmd and data too', async (ctx) => {
  const wanted = (['rabbitmq', 'kafka'] as const).filter((kind) => inject(kind)?.source === 'process');
  if (wanted.length === 0) return ctx.skip('no broker as a process here');
  const brokers = await startOwner();
  const nodes = wanted.flatMap((kind) => brokers[kind]?.nodes ?? []);
  expect(nodes).toHaveLength(wanted.length);
  const ids = (await readdir(runs)).filter((name) => existsSync(join(runs, name, 'state.json')));
  const pids = ids.flatMap(pidsOfRun);
  const ports = listenersOf(pids).map(({ port }) => port);
  for (const node of nodes) expect(pids).toContain(node.pid);

  owner?.kill('SIGKILL');

  await allGone(pids, REAPED_WITHIN_MS);
  expect(ids.flatMap(pidsOfRun)).toEqual([]);
  for (const port of ports) expect(await isOpen(port), `port ${port}`).toBe(false);
  await expect.poll(() => nodes.filter((node) => existsSync(node.dataDir ?? '')), { timeout: 10_000 }).toEqual([]);
});
