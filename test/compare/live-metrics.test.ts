/** A run on the embedded log, scraped while it goes on: what is served adds up to what the report has. */

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Report } from '../../src/compare/report/model.ts';

const root = resolve(import.meta.dirname, '../..');
const flags = [
  '--systems',
  'log',
  '--layers',
  'port',
  '--profile',
  'smoke',
  '--repeats',
  '2',
  '--only',
  'throughput-1k',
];

test('a run serves its metrics while it runs, and ends their server with itself', { timeout: 60_000 }, async () => {
  const out = mkdtempSync(join(tmpdir(), 'sluice-live-'));
  onTestFinished(() => rmSync(out, { recursive: true, force: true }));
  const child = run([...flags, '--metrics-port', '0', '--out', out]);
  const url = await child.printed(/metrics on (\S+)/);
  const scrapes: string[] = [];
  const ended = child.exit.then((status) => ({ status }));
  let result: { readonly status: number | null } | undefined;
  while (result === undefined) {
    const text = await fetch(url).then(
      async (answer) => await answer.text(),
      () => '',
    );
    if (text !== '') scrapes.push(text);
    result = await Promise.race([ended, pause(50)]);
  }
  expect([0, 1], child.output()).toContain(result.status); // 1: a run was invalid, which a busy machine makes it
  const running = scrapes.flatMap((text) => [...text.matchAll(/^sluice_compare_running\{(.+)\} 1$/gm)]);
  expect(new Set(running.map(([, labels]) => /mode="([^"]+)"/.exec(labels ?? '')?.[1]))).toEqual(
    new Set(['equal-load', 'own-maximum']),
  );
  for (const text of scrapes) expect([...text.matchAll(/^sluice_compare_running\{/gm)].length).toBeLessThanOrEqual(1);
  const last = scrapes.at(-1) ?? '';
  const report = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')) as Report;
  const planned = report.workloads
    .filter(({ mode }) => mode === 'equal-load')
    .reduce((sum, { parameters }) => sum + Number(parameters['messages']), 0);
  const counted = scrapes.map((text) => valueOf(text, 'sluice_compare_published_messages_total', 'mode="equal-load"'));
  expect(counted).toEqual(counted.toSorted((a, b) => a - b));
  // Also those of the twin, and of the warm-up; the last scrape may have been before the end.
  expect(counted.at(-1)).toBeGreaterThan(planned * 0.5);
  expect(valueOf(last, 'sluice_compare_rows', 'state="done"')).toBeGreaterThan(0);
  await expect(fetch(url)).rejects.toThrow();
});

test('a port that is none, or taken, is wrong usage', { timeout: 30_000 }, async () => {
  for (const port of ['x', '65536']) {
    const child = run([...flags, '--metrics-port', port, '--out', join(tmpdir(), 'never-made')]);
    expect(await child.exit).toBe(2);
    expect(child.output()).toContain(`--metrics-port must be from 0 to 65535, not ${port}`);
  }
});

function valueOf(text: string, name: string, label: string): number {
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) && line.includes(label));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

async function pause(ms: number): Promise<undefined> {
  return await new Promise((done) => setTimeout(() => done(undefined), ms));
}

function run(args: readonly string[]) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli.ts', 'compare', ...args], { cwd: root });
  let output = '';
  const waiting: (() => void)[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      for (const look of waiting) look();
    });
  const exit = new Promise<number | null>((done) => child.once('close', done));
  return {
    exit,
    output: () => output,
    printed: async (what: RegExp): Promise<string> =>
      await new Promise((done, failed) => {
        const look = (): void => {
          const found = what.exec(output)?.[1];
          if (found !== undefined) done(found);
        };
        waiting.push(look);
        void exit.then(() => failed(new Error(output)));
        look();
      }),
  };
}
