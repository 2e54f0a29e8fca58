/** `sluice log` as a process: what it prints, its exit status, and that it does not disturb a server. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { afterEach, describe, expect, it } from 'vitest';
import type { VerifyReport } from '../../src/core-log/index.ts';
import { registerLogCommands } from '../../src/core-log/main.ts';
import { fingerprint, flipBit, logFile, positionOf, type SmallLog, smallLog } from './damaged-log.ts';

const root = resolve(import.meta.dirname, '../..');
const logs: SmallLog[] = [];

afterEach(() => {
  for (const log of logs.splice(0)) log.remove();
});

async function newLog(): Promise<SmallLog> {
  const log = await smallLog();
  logs.push(log);
  return log;
}

function badOrder(log: SmallLog, offset: number): { readonly file: string; readonly position: number } {
  const file = logFile(
    log,
    log.segments.findLastIndex((base) => base <= offset),
  );
  const position = positionOf(file, offset);
  flipBit(file, position + 100);
  return { file, position };
}

function run(...args: string[]): ChildProcess {
  return spawn(process.execPath, ['--import', 'tsx', ...args], { cwd: root });
}

async function sluice(...args: string[]): Promise<{ status: number | null; out: string; err: string }> {
  const child = run('src/cli.ts', 'log', ...args);
  let out = '';
  let err = '';
  child.stdout?.on('data', (chunk: Buffer) => void (out += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => void (err += chunk.toString()));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, out, err };
}

const linesOf = (out: string) =>
  out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { kind: string; offset?: number; value?: string; valueBytes?: number });

describe('sluice log', () => {
  it('inspect prints the partitions and cursors, and the same as JSON', async () => {
    const log = await newLog();
    const { status, out } = await sluice('inspect', log.directory);
    expect(status).toBe(0);
    expect(out).toMatch(/closed in order/);
    expect(out).toMatch(/^orders-0 +0 +20 +\S+ KiB +\d+ +20 +-$/m);
    expect(out).toMatch(/^cursor\/billing\/0 +everything before offset 3 is settled$/m);
    const json = await sluice('inspect', log.directory, '--json');
    expect(JSON.parse(json.out)).toMatchObject({ partitions: [{ topic: 'orders', next: 20 }] });
  });

  it('verify answers 0 for a whole log, and 1 with file, position and reason for a damaged one', async () => {
    const log = await newLog();
    const whole = await sluice('verify', log.directory);
    expect(whole).toMatchObject({ status: 0, err: '' });
    expect(whole.out).toMatch(/is whole\nlooked at 1 partitions, \d+ segments, 20 batches, 20 records/);

    const { file, position } = badOrder(log, 7);
    const damaged = await sluice('verify', log.directory);
    expect(damaged.status).toBe(1);
    expect(damaged.out).toContain(`DAMAGED  ${file}  position ${position}: checksum `);
    expect(damaged.out).toContain(`sluice log repair ${log.directory} --dry-run`);
    const json = await sluice('verify', log.directory, '--json');
    expect(json.status).toBe(1);
    expect((JSON.parse(json.out) as VerifyReport).problems[0]).toMatchObject({ severity: 'damage', file, position });
  });

  it('dump shows records from an offset on, cut short or whole, and one object a line', async () => {
    const log = await newLog();
    const some = await sluice('dump', log.directory, '--topic', 'orders', '--from', '5', '--limit', '2');
    expect(some.status).toBe(0);
    expect(some.out).toMatch(/batch at \d+ {2}offsets 5 to 5, 1 records, \d+ bytes, up to 1970-01-01T00:00:01.005Z/);
    expect(some.out).toMatch(
      / {2}6 {2}1970-01-01T00:00:01.006Z {2}key "k6" {2}value "order 6 \.+"\.\.\. \(150 bytes\)/,
    );
    expect(some.out).not.toContain('key "k7"');
    const whole = await sluice('dump', logFile(log, 0), '--values', '--json');
    const records = linesOf(whole.out).filter(({ kind }) => kind === 'record');
    expect(records[0]).toMatchObject({ offset: 0, valueBytes: 150, value: 'order 0 '.padEnd(150, '.') });
  });

  it('dump passes over bad bytes, names them, and answers 1', async () => {
    const log = await newLog();
    const { position } = badOrder(log, 1);
    const { status, out } = await sluice('dump', logFile(log, 0));
    expect(status).toBe(1);
    expect(out).toMatch(new RegExp(`BAD at ${position} {2}\\d+ bytes: checksum`));
    expect(out).toContain('key "k2"');
  });

  it('repair says what it would do, does it, and the log is whole', async () => {
    const log = await newLog();
    badOrder(log, 7);
    const before = fingerprint(log.directory);
    const dry = await sluice('repair', log.directory, '--dry-run', '--keep-later');
    expect(dry.status).toBe(0);
    expect(dry.out).toContain('nothing was changed');
    expect(dry.out).toContain('offset 7 is lost; a marker without messages takes their place');
    expect(fingerprint(log.directory)).toBe(before);

    const done = await sluice('repair', log.directory, '--keep-later');
    expect(done.status).toBe(0);
    expect(done.out).toMatch(/moved \d+ bytes from position \d+ of \S+\.log into \S+\.quarantine/);
    expect(done.out).toContain('kept 19 batches');
    expect(done.out).toContain('the next append gets offset 20');
    expect((await sluice('verify', log.directory)).status).toBe(0);
    expect((await sluice('repair', log.directory)).out).toContain('no partition is damaged');
  });

  it('looks at a directory that a process writes, disturbs nothing, and does not repair it', async () => {
    const log = await newLog();
    const writer = run('test/log-maintenance/writer.ts', log.directory);
    try {
      await once(writer.stdout as NodeJS.ReadableStream, 'data');
      const inspected = await sluice('inspect', log.directory);
      expect(inspected).toMatchObject({ status: 0, err: '' });
      expect(inspected.out).toContain(`open in process ${writer.pid}`);
      for (let round = 0; round < 3; round += 1)
        expect(await sluice('verify', log.directory)).toMatchObject({ status: 0, err: '' });
      const repair = await sluice('repair', log.directory);
      expect(repair.status).toBe(1);
      expect(repair.err).toBe(
        `error: ${log.directory} is open in process ${writer.pid}: end it first (directory_locked)\n`,
      );
      expect(writer.exitCode).toBe(null);
    } finally {
      writer.stdin?.end();
      await once(writer, 'close');
    }
    expect(writer.exitCode).toBe(0);
    expect((await sluice('verify', log.directory)).out).toContain('is whole');
  });

  it.each([
    { name: 'a directory that is not there', args: ['verify', join(tmpdir(), 'sluice-not-there')] },
    { name: 'no topic where one is needed', args: ['dump', 'LOG'] },
    { name: 'an offset that is no number', args: ['dump', 'LOG', '--from', 'x'] },
    { name: 'an unknown option', args: ['verify', 'LOG', '--fix'] },
  ])('answers 2 to wrong usage: $name', async ({ args }) => {
    const log = await newLog();
    const before = fingerprint(log.directory);
    const { status, out, err } = await sluice(...args.map((arg) => (arg === 'LOG' ? log.directory : arg)));
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(err).toMatch(/^error: /);
    expect(fingerprint(log.directory)).toBe(before);
  });

  it('answers 2 to a directory of a newer version, by each of its commands, and leaves it as it is', async () => {
    const log = await newLog();
    const file = join(log.directory, 'format-version');
    fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace(/"version":\d+/, '"version":999'));
    const before = fingerprint(log.directory);
    for (const command of ['inspect', 'verify', 'repair']) {
      const { status, err } = await sluice(command, log.directory);
      expect(status).toBe(2);
      expect(err).toMatch(/has format 999, this version knows up to \d+ \(format_too_new\)/);
    }
    expect(fingerprint(log.directory)).toBe(before);
  });

  it.each(['inspect', 'verify', 'dump', 'repair'])('%s --help has examples', (name) => {
    const program = new Command();
    registerLogCommands(program);
    const command = program.commands[0]?.commands.find((one) => one.name() === name);
    let help = '';
    command?.configureOutput({ writeOut: (text) => void (help += text) }).outputHelp();
    expect(help).toContain(`Examples:\n  sluice log ${name} `);
  });
});
