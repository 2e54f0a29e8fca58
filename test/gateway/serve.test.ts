/** `sluice serve` as a person runs it: a process of its own, its output, its signals and its exit status. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { otlpReceiver } from '../support/otlp-receiver.ts';

const root = resolve(import.meta.dirname, '../..');
/** Starting through tsx on a busy machine. */
const START_MS = 25_000;

describe('sluice serve', { timeout: 60_000 }, () => {
  it('prints where it is, its configuration and five lines to paste; Ctrl-C ends it with 0, and what was acknowledged is there', async () => {
    const dataDir = directory();
    const first = await serving(dataDir);
    expect(first.output()).toMatch(/^sluice \d+\.\d+\.\d+ serves Sluice log /);
    expect(first.output()).toContain(`"dataDir":"${dataDir}"`);
    expect(first.output().match(/^(PULLED=\$\()?curl /gm)).toHaveLength(5);
    await createAndPublish(first.url, ['one', 'two']);
    const waiting = post(first.url, 'subscriptions/reader/pull', { maxMessages: 1 }).then(
      async () => await post(first.url, 'subscriptions/reader/pull', { waitMs: 30_000 }),
    );
    await expect.poll(async () => (await metric(first.url, 'sluice_pull_sessions')) ?? 0, { timeout: 5_000 }).toBe(1);
    const stoppedAt = performance.now();
    first.child.kill('SIGINT');
    await waiting.catch(() => undefined); // answered or cut, but not waited for
    expect(await first.exit).toBe(0);
    expect(performance.now() - stoppedAt).toBeLessThan(10_000);
    expect(first.errors()).toBe('');

    const second = await serving(dataDir);
    expect(await stored(second.url)).toEqual(['one', 'two']);
    // What was out when the first ended was given back: it comes again, and the attempt was not counted.
    const { deliveries } = await post(second.url, 'subscriptions/reader/pull', { waitMs: 5_000 });
    expect(deliveries.map(({ attempt, message }: never) => [attempt, (message as { value: string }).value])).toEqual([
      [1, 'one'],
      [1, 'two'],
    ]);
    second.child.kill('SIGTERM');
    expect(await second.exit).toBe(0);
  });

  it('what was acknowledged is there after kill -9, and the directory is free again', async () => {
    const dataDir = directory();
    const first = await serving(dataDir);
    const values = Array.from({ length: 200 }, (_, index) => `value-${index}`);
    await createAndPublish(first.url, values);
    const { deliveries } = await post(first.url, 'subscriptions/reader/pull', { maxMessages: 50 });
    await post(first.url, 'subscriptions/reader/ack', { tokens: deliveries.map(({ ackToken }: never) => ackToken) });
    first.child.kill('SIGKILL');
    await first.exit;

    const second = await serving(dataDir);
    expect(await stored(second.url)).toEqual(values);
    const again = await post(second.url, 'subscriptions/reader/pull', { maxMessages: 1_000, waitMs: 5_000 });
    expect(again.deliveries.map(({ message }: never) => (message as { value: string }).value)).toEqual(
      values.slice(50),
    );
    second.child.kill('SIGTERM');
    expect(await second.exit).toBe(0);
  });

  it('spans go to the collector that the variables of OpenTelemetry name, the last ones as it ends', async () => {
    const collector = await otlpReceiver();
    const served = await serving(directory(), {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20hidden',
      OTEL_SERVICE_NAME: 'front',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
    });
    await createAndPublish(served.url, ['one']);
    served.child.kill('SIGTERM');
    expect(await served.exit).toBe(0);
    expect(collector.spans.map(({ name }) => name)).toEqual(['publish orders']);
    expect(collector.spans[0]?.resource).toMatchObject({
      'service.name': 'front',
      'deployment.environment.name': 'test',
    });
    expect(collector.heads[0]).toMatchObject({ authorization: 'Bearer hidden' });
    expect(served.output() + served.errors()).not.toContain('hidden');
  });

  it('Ctrl-C while it starts ends it at once: a broker that accepts and says nothing does not hold it', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    onTestFinished(() => void silent.close());
    const { port } = silent.address() as AddressInfo;
    const child = run(['--backend', 'kafka', '--kafka-brokers', `127.0.0.1:${port}`, '--port', '0']);
    await once(silent, 'connection');
    const stoppedAt = performance.now();
    child.child.kill('SIGINT');
    expect(await child.exit).toBe(0);
    expect(performance.now() - stoppedAt).toBeLessThan(2_000);
  });

  it('goes on serving when the reader of its output leaves (`sluice serve | head -1`)', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    taken.close();
    const child = run(['--data-dir', directory(), '--port', String(port)]);
    child.child.stdout?.destroy();
    const answers = async () => (await fetch(`http://127.0.0.1:${port}/livez`).catch(() => undefined))?.status;
    await expect.poll(answers, { timeout: START_MS, interval: 50 }).toBe(200);
    expect(await answers()).toBe(200);
    child.child.kill('SIGTERM');
    expect(await child.exit).toBe(0);
    expect(child.errors()).toBe('');
  });

  it('a second process on the same directory is refused in one line; the first goes on', async () => {
    const dataDir = directory();
    const first = await serving(dataDir);
    const second = run(['--data-dir', dataDir, '--port', '0']);
    expect(await second.exit).toBeGreaterThan(0);
    expect(second.errors()).toMatch(/^sluice: \w+: .*\n$/);
    expect(second.errors()).toContain(dataDir);
    expect((await fetch(`${first.url}/readyz`)).status).toBe(200);
    first.child.kill('SIGTERM');
    await first.exit;
  });

  it('a port that is taken is refused in one line that says what to do, with 2', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    onTestFinished(() => void taken.close());
    const { port } = taken.address() as AddressInfo;
    const child = run(['--data-dir', directory(), '--port', String(port)]);
    expect(await child.exit).toBe(2);
    expect(child.errors()).toBe(
      `sluice: invalid_argument: port ${port} on 127.0.0.1 is taken by another process: end it, or choose another with --port\n`,
    );
  });

  it.each([
    [
      'a configuration that cannot be read',
      ['--config', '/nowhere.yaml'],
      {},
      2,
      /^sluice: invalid_argument: configuration file \/nowhere\.yaml cannot be read: /,
    ],
    [
      'a setting that is none',
      ['--config', file('prot: 1')],
      {},
      2,
      /^sluice: unknown_field: configuration: prot is not a known field\n$/,
    ],
    [
      'a bad port',
      ['--port', 'high'],
      {},
      2,
      /^sluice: invalid_argument: configuration: port must be a whole number, not "high" \(--port\)\n$/,
    ],
    ['a backend that is none', ['--backend', 'pulsar'], {}, 2, /^sluice: invalid_argument: configuration: backend /],
    [
      'an address that others can reach',
      ['--host', '0.0.0.0'],
      {},
      2,
      /^sluice: invalid_argument: host 0\.0\.0\.0 .*--allow-unauthenticated/,
    ],
    [
      'a broker that is not there',
      ['--backend', 'kafka', '--kafka-brokers', '127.0.0.1:1'],
      {},
      3,
      /^sluice: backend_unavailable: /,
    ],
    [
      'no address of a broker',
      ['--backend', 'rabbitmq'],
      { XDG_CACHE_HOME: '/nowhere' },
      3,
      /--rabbitmq-url .*sluice brokers up rabbitmq\n$/,
    ],
  ])('%s ends it in one line', async (_, args, env, status, line) => {
    const child = run([...args, '--data-dir', directory()], env);
    expect(await child.exit, child.errors()).toBe(status);
    expect(child.errors()).toMatch(line);
    expect(child.errors().trim().split('\n')).toHaveLength(1);
    expect(child.output()).toBe('');
  });

  it('a file where the data directory should be is refused in one line', async () => {
    const child = run(['--data-dir', file('not a directory'), '--port', '0']);
    expect(await child.exit).toBeGreaterThan(0);
    expect(child.errors()).toMatch(/^sluice: \w+: .*\n$/);
  });

  it('a directory of somebody else is refused in one line, and nothing in it is touched', async () => {
    const foreign = directory();
    writeFileSync(join(foreign, 'thesis.tex'), 'three years of work');
    const child = run(['--data-dir', foreign, '--port', '0']);
    expect(await child.exit).toBeGreaterThan(0);
    expect(child.errors()).toMatch(/^sluice: \w+: .*\n$/);
    expect(child.errors()).toContain(foreign);
    expect(readdirSync(foreign)).toEqual(['thesis.tex']);
  });

  it('--help names every flag with examples', async () => {
    const child = run(['--help']);
    expect(await child.exit).toBe(0);
    for (const flag of [
      '--backend',
      '--data-dir',
      '--port',
      '--config',
      '--allow-unauthenticated',
      '--grpc-port',
      'Examples:',
    ]) {
      expect(child.output()).toContain(flag);
    }
  });
});

interface Run {
  readonly child: ChildProcess;
  readonly exit: Promise<number | null>;
  output(): string;
  errors(): string;
}

function run(args: readonly string[], env: Record<string, string> = {}): Run {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli.ts', 'serve', ...args], {
    cwd: root,
    env: { ...clean(process.env), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const exit = new Promise<number | null>((done) => child.on('close', done));
  onTestFinished(() => void child.kill('SIGKILL'));
  return { child, exit, output: () => output, errors: () => errors };
}

/** Settings of whoever runs the tests would change what is tested. */
function clean(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(SLUICE|OTEL)_/.test(name)));
}

async function serving(dataDir: string, env: Record<string, string> = {}): Promise<Run & { readonly url: string }> {
  const started = run(['--data-dir', dataDir, '--port', '0'], env);
  await expect
    .poll(() => started.output() + started.errors(), { timeout: START_MS, interval: 20 })
    .toContain('Ctrl-C ends it.');
  const url = / on (http:\/\/[^\s]+)/.exec(started.output())?.[1] ?? '';
  return { ...started, url };
}

async function createAndPublish(url: string, values: readonly string[]): Promise<void> {
  await post(url, 'topics', { name: 'orders' });
  await post(url, 'subscriptions', { name: 'reader', topic: 'orders' });
  const { results } = await post(url, 'topics/orders/messages', { messages: values.map((value) => ({ value })) });
  for (const result of results) expect(result).toMatchObject({ durability: { persistence: 'fsync', copies: 1 } });
}

async function stored(url: string): Promise<string[]> {
  const answer = await fetch(`${url}/v1/topics/orders/partitions/0/messages?limit=1000`);
  const { messages } = (await answer.json()) as { messages: { value: string }[] };
  return messages.map(({ value }) => value);
}

async function metric(url: string, name: string): Promise<number | undefined> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const value = new RegExp(`^${name}(?:\\{[^}]*\\})? (\\d+)$`, 'm').exec(text)?.[1];
  return value === undefined ? undefined : Number(value);
}

async function post(url: string, path: string, body: unknown): Promise<ReturnType<typeof JSON.parse>> {
  const answer = await fetch(`${url}/v1/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return await answer.json();
}

function directory(): string {
  const made = mkdtempSync(join(tmpdir(), 'sluice-serve-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

function file(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'sluice-serve-')), 'sluice.yaml');
  writeFileSync(path, text);
  return path;
}
