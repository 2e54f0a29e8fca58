import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { installOnce, retryDownload, withLock } from '../../src/brokers/install-once.ts';

let place: string;
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'sluice-install-'));
});
afterEach(() => rm(place, { recursive: true, force: true }));

const HERE = join(import.meta.dirname, '..', '..');

/** Runs TypeScript in a process of its own; resolves with its output and exit status. */
function inAnotherProcess(code: string): Promise<{ status: number | null; output: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], { cwd: HERE });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve) => child.once('close', (status) => resolve({ status, output })));
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

describe('an install', () => {
  it('is built once and found afterwards', async () => {
    let builds = 0;
    const build = async (into: string) => {
      builds++;
      await writeFile(join(into, 'file'), 'whole');
    };
    await installOnce(join(place, 'a'), build);
    await installOnce(join(place, 'a'), build);
    expect(builds).toBe(1);
    expect(await readFile(join(place, 'a', 'file'), 'utf8')).toBe('whole');
    expect(await readdir(place)).toEqual(['a']);
  });

  it('that fails leaves nothing behind and is tried again by the next call', async () => {
    const failing = installOnce(join(place, 'a'), async (into) => {
      await writeFile(join(into, 'half'), '');
      throw new Error('mirror went away');
    });
    await expect(failing).rejects.toThrow('mirror went away');
    expect(await readdir(place)).toEqual([]);
    await installOnce(join(place, 'a'), async () => undefined);
    expect(existsSync(join(place, 'a'))).toBe(true);
  });

  it('asked for by several calls at once is built by one of them', async () => {
    let builds = 0;
    const calls = Array.from({ length: 5 }, () =>
      installOnce(join(place, 'a'), async () => {
        builds++;
        await new Promise((resolve) => setImmediate(resolve));
      }),
    );
    await Promise.all(calls);
    expect(builds).toBe(1);
  });

  it('asked for by several processes at once is built by one of them', async () => {
    const code = `
      import { appendFileSync } from 'node:fs';
      import { setTimeout as delay } from 'node:timers/promises';
      import { installOnce } from './src/brokers/install-once.ts';
      await installOnce(${JSON.stringify(join(place, 'a'))}, async () => {
        appendFileSync(${JSON.stringify(join(place, 'builds'))}, 'x');
        await delay(300);
      });`;
    const ended = await Promise.all([1, 2, 3].map(() => inAnotherProcess(code)));
    for (const { status, output } of ended) expect(status, output).toBe(0);
    expect(await readFile(join(place, 'builds'), 'utf8')).toBe('x');
  });

  it('whose builder was killed is built anew, its half removed', async () => {
    const code = `
      import { writeFileSync } from 'node:fs';
      import { installOnce } from './src/brokers/install-once.ts';
      await installOnce(${JSON.stringify(join(place, 'a'))}, async (into) => {
        writeFileSync(into + '/half', '');
        process.kill(process.pid, 'SIGKILL');
        await new Promise(() => setInterval(() => {}, 1000));
      });`;
    const { status } = await inAnotherProcess(code);
    expect(status).toBeNull();
    expect(await readdir(place)).toContain('a.lock');
    await installOnce(join(place, 'a'), (into) => writeFile(join(into, 'whole'), ''));
    expect(await readdir(place)).toEqual(['a']);
    expect(await readdir(join(place, 'a'))).toEqual(['whole']);
  });
});

describe('a lock', () => {
  it('of a process that only has the pid of a former holder is not honoured', async () => {
    await mkdir(place, { recursive: true });
    await writeFile(join(place, 'l'), JSON.stringify({ pid: 1, startTicks: '123456789012' }));
    expect(await withLock(join(place, 'l'), 2_000, async () => 'taken over')).toBe('taken over');
  });

  it('that is held is waited for, but not for ever', async () => {
    const { promise: released, resolve: release } = deferred();
    const { promise: taken, resolve: take } = deferred();
    const holding = withLock(join(place, 'l'), 1_000, () => {
      take();
      return released;
    });
    await taken;
    await expect(withLock(join(place, 'l'), 200, async () => undefined)).rejects.toThrow('still held');
    release();
    await holding;
    await withLock(join(place, 'l'), 1_000, async () => undefined);
    expect(existsSync(join(place, 'l'))).toBe(false);
  });
});

describe('a download', () => {
  it('is tried again a bounded number of times, each failure said', async () => {
    const lines: string[] = [];
    let tried = 0;
    const failing = retryDownload(
      'a file',
      (line) => lines.push(line),
      async () => {
        tried++;
        throw new Error(`try ${tried}`);
      },
      10,
    );
    await expect(failing).rejects.toThrow('try 3');
    expect(lines).toHaveLength(2);
  });
});
