/** `sluice brokers` as a user runs it: each command a process of its own, with a directory of runs that is this file's. */

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { isAlive } from './listening.ts';

const HERE = join(import.meta.dirname, '..', '..');
const PROGRAM = `
  import { Command } from 'commander';
  import { registerBrokersCommands } from './src/brokers/main.ts';
  const program = new Command('sluice').exitOverride();
  registerBrokersCommands(program);
  try {
    await program.parseAsync(process.argv.slice(1), { from: 'user' });
  } catch (caught) {
    process.exitCode = caught.exitCode === 0 ? 0 : 2;
  }
`;

interface Ended {
  readonly status: number | null;
  readonly output: string;
  readonly errors: string;
}

let runs: string;
beforeAll(async () => {
  runs = await mkdtemp(join(tmpdir(), 'sluice-commands-'));
});
afterAll(async () => {
  await sluice('down');
  await rm(runs, { recursive: true, force: true });
});

function sluice(...words: string[]): Promise<Ended> {
  return sluiceWith({}, ...words);
}

function sluiceWith(environment: NodeJS.ProcessEnv, ...words: string[]): Promise<Ended> {
  const env: NodeJS.ProcessEnv = { ...process.env, SLUICE_BROKERS_RUN_DIR: runs, ...environment };
  if (environment['SLUICE_KAFKA_BROKERS'] === undefined) delete env['SLUICE_KAFKA_BROKERS'];
  delete env['SLUICE_RABBITMQ_URL'];
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', PROGRAM, 'brokers', ...words],
    { cwd: HERE, env },
  );
  const said = { output: '', errors: '' };
  child.stdout.on('data', (chunk: Buffer) => (said.output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said.errors += chunk.toString()));
  return new Promise((resolve) => child.once('close', (status) => resolve({ status, ...said })));
}

describe('sluice brokers', () => {
  it('says so when nothing runs, and ends nothing', async () => {
    expect((await sluice('status')).output).toBe('nothing runs; start with: sluice brokers up\n');
    expect(JSON.parse((await sluice('status', '--json')).output)).toEqual({});
    expect((await sluice('down')).output).toBe('nothing was running\n');
  });

  it('up leaves a broker running, a second up finds it, down ends it', async (ctx) => {
    if (inject('kafka')?.source !== 'process') return ctx.skip('no Kafka as a process here');
    const up = await sluice('up', 'kafka', '--json');
    expect(up.status, up.errors).toBe(0);
    const { kafka, rabbitmq } = JSON.parse(up.output);
    expect(rabbitmq).toBeUndefined();
    expect(kafka.brokers).toEqual([expect.stringMatching(/^127\.0\.0\.1:\d+$/)]);
    expect(kafka.version).toMatch(/^\d+\.\d+\.\d+$/);
    const pid: number = kafka.nodes[0].pid;
    expect(isAlive(pid)).toBe(true);

    const again = await sluice('up', 'kafka');
    expect(again.output).toContain(`${kafka.brokers[0]} (runs already)`);
    expect(JSON.parse((await sluice('status', '--json')).output).kafka.brokers).toEqual(kafka.brokers);
    expect((await sluice('list')).output).toContain('kept by up');

    const other = await sluice('up', 'kafka', '--nodes', '3');
    expect(other.status).toBe(2);
    expect(other.errors).toContain('runs already; end it first');
    expect(isAlive(pid)).toBe(true);

    expect((await sluice('down', 'rabbitmq')).output).toBe('nothing was running\n');
    expect((await sluice('down')).output).toMatch(/^ended kafka-/);
    expect(isAlive(pid)).toBe(false);
    expect((await sluice('status')).output).toContain('nothing runs');
  });

  it('up replaces a broker that died meanwhile', async (ctx) => {
    if (inject('kafka')?.source !== 'process') return ctx.skip('no Kafka as a process here');
    const first = JSON.parse((await sluice('up', 'kafka', '--json')).output).kafka;
    process.kill(first.nodes[0].pid, 'SIGKILL');
    await expect.poll(() => isAlive(first.nodes[0].pid)).toBe(false);
    expect((await sluice('status')).output).toContain('nothing runs');
    const second = JSON.parse((await sluice('up', 'kafka', '--json')).output).kafka;
    expect(isAlive(second.nodes[0].pid)).toBe(true);
    await sluice('down');
  });

  it('up tells by its exit status what could not be had, and what was asked wrongly', async () => {
    const silent = await sluiceWith({ SLUICE_KAFKA_BROKERS: '127.0.0.1:1' }, 'up', 'kafka', '--json');
    expect(silent.status).toBe(3);
    expect(silent.errors).toContain('kafka could not be had: SLUICE_KAFKA_BROKERS is set, but');
    expect(JSON.parse(silent.output)).toEqual({});
    for (const wrong of [
      ['up', 'nats'],
      ['up', '--nodes', '2'],
      ['up', '--rabbitmq', '9.9'],
    ])
      expect((await sluice(...wrong)).status, wrong.join(' ')).toBe(2);
  });
});
