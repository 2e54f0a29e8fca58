/** `sluice compare` as a person types it: what can be known to be wrong is said before the run, not after it. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

describe('sluice compare', { timeout: 60_000 }, () => {
  const few = ['--systems', 'log', '--only', 'fan-out'];

  it.each([
    [
      'a bound on a workload that is not run',
      [...few, '--assert', 'fan-uot.log.publish.messagesPerSecond > 1'],
      /"fan-uot" is not one of this run/,
    ],
    [
      'a bound on a system that is not run',
      [...few, '--assert', 'fan-out.kafka.publish.messagesPerSecond > 1'],
      /"kafka" is not one of this run/,
    ],
    [
      'a reference row on a layer that it is not on',
      ['--systems', 'kafka-share', '--layers', 'bare'],
      /none of these systems is on bare; .*kafka-share are on "reference" only/,
    ],
    ['no system at all', ['--systems', ''], /--systems names none/],
    ['a language that the page is not in', [...few, '--lang', 'fr'], /--lang: "fr" is none of en, ar/],
    ['a flag of a run with --render', ['--render', 'report.json', '--seed', '3'], /--seed is not for --render/],
    ['a report to render that is none', ['--render', 'package.json'], /package\.json: not a valid report/],
    ['a place for the report that is a file', [...few, '--out', file()], /--out: /],
  ])('%s is wrong usage, said at once', async (_, args, line) => {
    const { status, errors } = await compare(args).ended;
    expect([status, errors.trim().split('\n').length]).toEqual([2, 1]);
    expect(errors).toMatch(line);
  });

  it('--render writes the pages of a report once more, in the language that was asked for and in the other', async () => {
    const out = mkdtempSync(join(tmpdir(), 'sluice-render-'));
    onTestFinished(() => rmSync(out, { recursive: true, force: true }));
    const report = join(root, 'docs', 'reports', 'two-cores', 'report.json');
    const { status, errors } = await compare(['--render', report, '--lang', 'ar', '--out', out]).ended;
    expect([status, errors]).toEqual([0, '']);
    expect(readdirSync(out).toSorted()).toEqual(['report.csv', 'report.en.html', 'report.html', 'report.md']);
    const page = (name: string) => readFileSync(join(out, name), 'utf8');
    expect(page('report.html')).toMatch(/<html lang="ar" dir="rtl">[^]*href="report\.en\.html"/);
    expect(page('report.en.html')).toMatch(/<html lang="en">[^]*href="report\.html"/);
  });

  it('Ctrl-C is an interruption, not a fault of Sluice to be reported', async () => {
    const out = mkdtempSync(join(tmpdir(), 'sluice-compare-'));
    onTestFinished(() => rmSync(out, { recursive: true, force: true }));
    const run = compare([...few, '--out', out]);
    await once(run.child.stderr, 'data'); // it measures
    run.child.kill('SIGINT');
    const { status, errors } = await run.ended;
    expect(status).toBe(1);
    expect(errors).toMatch(/sluice compare: interrupted: .*\n$/);
    expect(errors).not.toContain('internal');
  });
});

function compare(args: readonly string[]) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli.ts', 'compare', ...args], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = once(child, 'close').then(([status]) => ({ status: status as number | null, errors }));
  return { child, ended };
}

function file(): string {
  const path = join(mkdtempSync(join(tmpdir(), 'sluice-compare-')), 'taken');
  writeFileSync(path, '');
  return path;
}
