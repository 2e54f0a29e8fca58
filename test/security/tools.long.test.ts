/**
 * Tools that we did not write, against a gateway with credentials: schemathesis on the OpenAPI document, slowhttptest in its three
 * modes. What is not on the machine is fetched (schemathesis, by pip into the cache directory) or skipped with the reason.
 */

import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify, stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { directory, guarded, keyWith } from '../gateway/access/support.ts';

const run = promisify(execFile);
const SCHEMATHESIS = '4.32.5';
const EXAMPLES_EACH = '50';

describe('S1 schemathesis', { timeout: 1_800_000 }, () => {
  it('finds no 5xx in anything that the document allows, and in what it does not', async ({ skip }) => {
    const tool = schemathesis();
    if ('missing' in tool) skip(tool.missing);
    const { key, entry } = keyWith(['admin']);
    const world = await guarded({ access: { keys: [entry] } });
    await world.port.createTopic({ name: 'orders' });
    await world.port.createSubscription({ name: 'orders-reader', topic: 'orders' });
    const seed = String(Date.now() % 2 ** 31);
    const args = [
      'run',
      `${world.url}/openapi.json`,
      '--checks',
      'not_a_server_error',
      '--phases',
      'examples,coverage,fuzzing',
      '-n',
      EXAMPLES_EACH,
      '--seed',
      seed,
      '--request-timeout',
      '40',
      '--continue-on-failure',
      '--no-color',
      '-H',
      `authorization: Bearer ${key}`,
      // Streams do not end; their queries and paths are those of their neighbours.
      '--exclude-path-regex',
      '/(stream|ws)$',
    ];
    const { stdout, code } = await ended(('path' in tool && tool.path) || '', args, directory());
    expect(code, `seed ${seed}\n${stdout.slice(-8_000)}`).toBe(0);
    expect(stdout).toMatch(/2\d selected|passed/);
    expect(world.logged()).not.toContain('unexpected error');
    expect((await world.ask('GET', '/livez')).status).toBe(200);
  });
});

const slow = probe('slowhttptest');

// The reason of a skip is its name.
describe.skipIf(slow.status !== 'found')(`S3 slowhttptest ${slow.status}`, { timeout: 300_000 }, () => {
  it.each([
    ['slow heads', ['-H', '-i', '5']],
    ['slow bodies', ['-B', '-i', '5', '-s', '8192']],
    ['slow readers', ['-X', '-w', '10', '-y', '20', '-n', '5', '-z', '32', '-k', '3']],
  ])('%s on a thousand connections do not make the gateway unavailable', async (_, mode) => {
    const world = await guarded({});
    await world.port.createTopic({ name: 'a' });
    const args = [...mode, '-c', '1000', '-r', '250', '-l', '60', '-p', '5', '-u', `${world.url}/v1/topics/a`];
    const { stdout } = await ended('slowhttptest', args, directory());
    // What its own probe connection saw at the end.
    expect(stripVTControlCharacters(stdout)).toMatch(/service available:\s+YES/);
    expect((await world.ask('GET', '/v1/topics')).status).toBe(200);
  });
});

function probe(command: string): { readonly status: string } {
  try {
    execFileSync('which', [command], { stdio: 'ignore' });
    return { status: 'found' };
  } catch {
    return { status: `${command} is not on this machine (Debian: apt-get install ${command})` };
  }
}

function schemathesis(): { readonly path: string } | { readonly missing: string } {
  if (probe('schemathesis').status === 'found') return { path: 'schemathesis' };
  const cache = join(
    process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
    'sluice',
    `schemathesis-${SCHEMATHESIS}`,
  );
  const path = join(cache, 'bin', 'schemathesis');
  try {
    if (!existsSync(path)) {
      execFileSync('python3', ['-m', 'venv', cache], { stdio: 'ignore', timeout: 120_000 });
      execFileSync(join(cache, 'bin', 'pip'), ['install', '-q', `schemathesis==${SCHEMATHESIS}`], {
        stdio: 'ignore',
        timeout: 600_000,
      });
    }
    return { path };
  } catch (reason) {
    return { missing: `schemathesis ${SCHEMATHESIS} could not be installed with pip: ${String(reason).slice(0, 200)}` };
  }
}

async function ended(command: string, args: readonly string[], cwd: string): Promise<{ stdout: string; code: number }> {
  try {
    const { stdout } = await run(command, args, { cwd, maxBuffer: 64 * 1024 * 1024, timeout: 1_500_000 });
    return { stdout, code: 0 };
  } catch (reason) {
    const { stdout = String(reason), code } = reason as { stdout?: string; code?: number };
    return { stdout, code: typeof code === 'number' ? code : 1 };
  }
}
