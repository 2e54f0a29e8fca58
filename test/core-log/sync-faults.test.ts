/** A real process whose fdatasync fails, or takes its time: strace answers in the kernel's place. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openEngine } from '../../src/core-log/index.ts';
import { Child } from './child.ts';
import { valuesOf } from './support.ts';

/** Behind what opening and making a topic syncs. */
const FAILING_SYNC = 40;
const APPENDS = 200;
const DELAY_MS = 100;

const whyNot = whyNoInjection();
if (whyNot !== null) console.warn(`tests that inject faults into system calls are skipped: ${whyNot}`);

describe.skipIf(whyNot !== null)('a process whose fdatasync', () => {
  it('fails once has no ack for that append, and no later sync repairs it; what was acknowledged is there after a restart', {
    timeout: 60_000,
  }, async () => {
    const { dataDir, lines } = await run(`error=EIO:when=${FAILING_SYNC}`, APPENDS);
    const acked = lines.filter((line) => line.startsWith('acked'));
    expect(acked.length).toBeGreaterThan(5);
    expect(lines.slice(acked.length)).toEqual([
      'refused sync_failed',
      'refused fenced',
      'refused fenced',
      expect.stringMatching(/^other 0$/), // the other partition has its own file, and goes on
      'state fenced',
    ]);
    const engine = await openEngine({ dataDir });
    onTestFinished(async () => await engine.close());
    const values = await valuesOf(engine, 't');
    const sent = Array.from({ length: values.length }, (_, index) => `value-${index}`);
    expect(values).toEqual(sent);
    // The one that was refused may be there: it was called unknown.
    expect([acked.length, acked.length + 1]).toContain(values.length);
    expect(engine.status('t', 0).state).toBe('open');
  });

  it('is slow answers slowly, and stores all', { timeout: 60_000 }, async () => {
    const { dataDir, lines } = await run(`delay_enter=${DELAY_MS * 1_000}`, 5);
    const latencies = lines.filter((line) => line.startsWith('acked')).map((line) => Number(line.split(' ')[2]));
    expect(latencies).toHaveLength(5);
    expect(Math.min(...latencies)).toBeGreaterThanOrEqual(DELAY_MS);
    const engine = await openEngine({ dataDir });
    onTestFinished(async () => await engine.close());
    expect(await valuesOf(engine, 't')).toHaveLength(5);
  });
});

async function run(
  injection: string,
  appends: number,
): Promise<{ readonly dataDir: string; readonly lines: string[] }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-sync-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  // -D: the process is ours, and the tracer ends with it.
  const under = [
    'strace',
    '-D',
    '-f',
    '-qq',
    '-o',
    '/dev/null',
    '-e',
    'trace=fdatasync',
    '-e',
    `inject=fdatasync:${injection}`,
  ];
  const child = new Child({ name: 'sync-child.ts', under }, dataDir, String(appends));
  onTestFinished(async () => await child.kill());
  await child.said((output) => output.includes('state '), 50_000);
  await child.ended();
  return { dataDir, lines: child.lines };
}

function whyNoInjection(): string | null {
  try {
    execFileSync('strace', ['-qq', '-o', '/dev/null', '-e', 'inject=fdatasync:error=EIO', 'true'], { stdio: 'pipe' });
    return null;
  } catch (reason) {
    const { code, stderr } = reason as NodeJS.ErrnoException & { readonly stderr?: Buffer };
    return code === 'ENOENT' ? 'strace is not installed' : String(stderr ?? reason).trim();
  }
}
