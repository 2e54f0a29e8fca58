/** API keys: made by the command, changed while the gateway runs, taken away from streams that are open. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { WebSocket } from 'ws';
import { hashOfKey, isKey } from '../../../src/gateway/access/keys.ts';
import { grpcStream } from './grpc-stream.ts';
import { directory, guarded, type Guarded, keyWith } from './support.ts';

const root = resolve(import.meta.dirname, '../../..');
const topics = '/v1/topics';

describe('the file of keys', () => {
  it('is read again when it changes: a new key works, an old one stops, without a restart', async () => {
    const [old, young] = [keyWith(['admin']), keyWith(['admin'])];
    const { file, world } = await withFile([old.entry]);
    expect((await world.ask('GET', topics, { key: old.key })).status).toBe(200);
    expect((await world.ask('GET', topics, { key: young.key })).status).toBe(401);
    write(file, [old.entry, young.entry]);
    await expect.poll(async () => (await world.ask('GET', topics, { key: young.key })).status).toBe(200);
    expect((await world.ask('GET', topics, { key: old.key })).status).toBe(200);
    // As a mounted secret changes: another file takes the name.
    write(`${file}.new`, [young.entry]);
    renameSync(`${file}.new`, file);
    await expect.poll(async () => (await world.ask('GET', topics, { key: old.key })).status).toBe(401);
    expect((await world.ask('GET', topics, { key: young.key })).status).toBe(200);
  });

  it.each([
    ['no YAML', 'keys: [{name: a, hash: "sha256:', /cannot be read/],
    [
      'an unknown field',
      `keys: [{name: a, hash: "sha256:${'0'.repeat(64)}", scopes: [admin], hahs: x}]`,
      /hahs is not a known field/,
    ],
    [
      'a plain key in place of its hash',
      'keys: [{name: a, hash: sluice_secret, scopes: [admin]}]',
      /hash must be sha256/,
    ],
    [
      'a scope that is none',
      `keys: [{name: a, hash: "sha256:${'0'.repeat(64)}", scopes: ["write:*"]}]`,
      /must be publish:/,
    ],
    ['an alias bomb', 'a: &a [x,x]\nkeys: [*a,*a]', /cannot be read/],
    ['nothing', '', /keys file/],
  ])('broken by %s keeps the old keys, and the log says why', async (_, text, why) => {
    const { key, entry } = keyWith(['admin']);
    const { file, world } = await withFile([entry]);
    writeFileSync(file, text);
    await world.gateway.reloadAccess();
    expect(world.logged()).toMatch(/the old one stays/);
    expect(world.logged()).toMatch(why);
    expect(world.logged()).not.toContain('sluice_secret');
    const metrics = await world.ask('GET', '/metrics', { key });
    expect(metrics.text).toContain('sluice_access_reloads_total{what="keys",result="failed",backend="model"} 1');
    write(file, []);
    await world.gateway.reloadAccess();
    expect((await world.ask('GET', topics, { key })).status).toBe(401);
  });

  it('that cannot be read at the start keeps the gateway from starting, and says what is wrong', async () => {
    const file = join(directory(), 'keys.yaml');
    await expect(guarded({ access: { keysFile: file } })).rejects.toMatchObject({ code: 'invalid_argument' });
    const { entry } = keyWith(['admin']);
    write(file, [entry, { ...entry, scopes: ['metrics'] }]);
    await expect(guarded({ access: { keysFile: file } })).rejects.toThrow(/is there twice/);
    write(file, [
      { ...entry, quota: { messagesPerSecond: 1 } },
      { ...keyWith(['admin']).entry, name: entry.name },
    ]);
    await expect(guarded({ access: { keysFile: file } })).rejects.toThrow(/must have the same quota/);
  });

  it('reloadAccess (SIGHUP) reads it at once', async () => {
    const { file, world } = await withFile([]);
    const { key, entry } = keyWith(['admin']);
    write(file, [entry]);
    await world.gateway.reloadAccess();
    expect((await world.ask('GET', topics, { key })).status).toBe(200);
  });
});

describe('a stream whose key is taken away ends, and says why', () => {
  it.each(['SSE', 'WebSocket', 'gRPC'])('%s', async (kind) => {
    const { key, entry } = keyWith(['consume:a.reader']);
    const { file, world } = await withFile([entry]);
    await world.port.createTopic({ name: 'a' });
    await world.port.createSubscription({ name: 'a.reader', topic: 'a' });
    const opened: Readonly<Record<string, typeof openSse>> = { SSE: openSse, WebSocket: openWebSocket, gRPC: openGrpc };
    const text = await opened[kind]?.(world, key);
    await world.port.publish('a', [{ value: 'x' }]);
    await expect.poll(() => text?.()).toContain('ackToken');
    write(file, []);
    await expect
      .poll(() => text?.())
      .toMatch(/unauthenticated[\s\S]*the key was taken away|the key was taken away[\s\S]*unauthenticated/i);
  });
});

describe('a stream', () => {
  it('that was opened and not started ends with its key, too: nothing can be read with it afterwards', async () => {
    const { key, entry } = keyWith(['consume:a.reader']);
    const { file, world } = await withFile([entry]);
    await world.port.createTopic({ name: 'a' });
    await world.port.createSubscription({ name: 'a.reader', topic: 'a' });
    const socket = new WebSocket(`${world.url.replace('http', 'ws')}/v1/subscriptions/a.reader/ws`, {
      headers: { authorization: `Bearer ${key}` },
    });
    let text = '';
    socket.on('message', (data: Buffer) => (text += data.toString()));
    await once(socket, 'open');
    write(file, []);
    await once(socket, 'close');
    expect(text).toMatch(/unauthenticated/);
  });

  it('ends when its key is given an end that is over, and lives on when it is given a later one', async () => {
    const soon = new Date(Date.now() + 5_000).toISOString();
    const { key, entry } = keyWith(['consume:a.reader'], { expires: soon });
    const { file, world } = await withFile([entry]);
    await world.port.createTopic({ name: 'a' });
    await world.port.createSubscription({ name: 'a.reader', topic: 'a' });
    const text = await openSse(world, key);
    write(file, [{ ...entry, expires: new Date(Date.now() + 60_000).toISOString() }]);
    await world.gateway.reloadAccess();
    await expect.poll(() => Date.now() > Date.parse(soon) + 1_500, { timeout: 15_000 }).toBe(true);
    await world.port.publish('a', [{ value: 'x' }]);
    await expect.poll(text).toContain('ackToken');
    write(file, [{ ...entry, expires: new Date(Date.now() - 1_000).toISOString() }]);
    await world.gateway.reloadAccess();
    await expect.poll(text).toMatch(/unauthenticated/);
  });
});

describe('sluice keys', { timeout: 60_000 }, () => {
  it('new prints the key once and adds its hash to the file, which a gateway takes; check reads it', async () => {
    const file = join(directory(), 'keys.yaml');
    const made = await sluice([
      'keys',
      'new',
      '--name',
      'billing',
      '--scope',
      'publish:a.*',
      '--scope',
      'metrics',
      '--expires',
      '90d',
      '--file',
      file,
    ]);
    expect(made.status).toBe(0);
    const key = made.output.trim();
    expect(isKey(key)).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8') + made.errors).not.toContain(key);
    const [entry] = parse(readFileSync(file, 'utf8')).keys;
    expect(entry).toMatchObject({ name: 'billing', hash: hashOfKey(key), scopes: ['publish:a.*', 'metrics'] });
    expect(Math.round((Date.parse(entry.expires) - Date.now()) / 86_400_000)).toBe(90);
    const again = await sluice(['keys', 'new', '--name', 'ops', '--scope', 'admin', '--file', file, '--json']);
    expect(JSON.parse(again.output)).toMatchObject({
      key: expect.stringMatching(/^sluice_/),
      entry: { name: 'ops' },
      file,
    });
    const checked = await sluice(['keys', 'check', file]);
    expect(checked.output).toMatch(/^billing {2}publish:a\.\* metrics {2}until .*\nops {2}admin\n2 keys in /);
    const world = await guarded({ access: { keysFile: file } });
    expect((await world.ask('GET', '/metrics', { key })).status).toBe(200);
    expect((await world.ask('POST', topics, { key, body: { name: 'x' } })).status).toBe(403);
  });

  it('leaves what else is in the file as it is: comments, mode, and the link that leads to it', async () => {
    const { entry } = keyWith(['admin']);
    const [file, link] = [join(directory(), 'real.yaml'), join(directory(), 'keys.yaml')];
    writeFileSync(file, `# who may do what\n${stringify({ keys: [entry] })}`, { mode: 0o640 });
    symlinkSync(file, link);
    expect((await sluice(['keys', 'new', '--name', 'ops', '--scope', 'metrics', '--file', link])).status).toBe(0);
    expect(readFileSync(file, 'utf8')).toMatch(/^# who may do what\n/);
    expect(parse(readFileSync(file, 'utf8')).keys).toMatchObject([entry, { name: 'ops' }]);
    expect([lstatSync(link).isSymbolicLink(), statSync(file).mode & 0o777]).toEqual([true, 0o640]);
  });

  it('refuses a scope that is none and a file that is broken with 2, and leaves the file as it is', async () => {
    const file = join(directory(), 'keys.yaml');
    writeFileSync(file, 'keys: 5\n');
    const bad = await sluice(['keys', 'new', '--name', 'x', '--scope', 'all']);
    expect([bad.status, bad.output, bad.errors]).toEqual([
      2,
      '',
      expect.stringMatching(/scopes\[0\] must be publish:/),
    ]);
    const broken = await sluice(['keys', 'new', '--name', 'x', '--scope', 'admin', '--file', file]);
    expect([broken.status, broken.output, readFileSync(file, 'utf8')]).toEqual([2, '', 'keys: 5\n']);
  });
});

async function withFile(entries: readonly object[]): Promise<{ file: string; world: Guarded }> {
  const file = join(directory(), 'keys.yaml');
  write(file, entries);
  return { file, world: await guarded({ access: { keysFile: file } }) };
}

function write(file: string, entries: readonly object[]): void {
  writeFileSync(file, stringify({ keys: entries }));
}

async function openSse(world: Guarded, key: string): Promise<() => string> {
  const answer = await fetch(`${world.url}/v1/subscriptions/a.reader/stream?ack=manual`, {
    headers: { authorization: `Bearer ${key}` },
  });
  expect(answer.status).toBe(200);
  let text = '';
  void (async () => {
    for await (const chunk of answer.body ?? []) text += Buffer.from(chunk).toString();
  })();
  await expect.poll(() => text).toContain(': open');
  return () => text;
}

async function openWebSocket(world: Guarded, key: string): Promise<() => string> {
  const socket = new WebSocket(`${world.url.replace('http', 'ws')}/v1/subscriptions/a.reader/ws`, {
    headers: { 'x-api-key': key },
  });
  let text = '';
  socket.on('message', (data: Buffer) => (text += data.toString()));
  await once(socket, 'open');
  socket.send('{"start":{"credit":{"messages":1}}}');
  return () => text;
}

async function openGrpc(world: Guarded, key: string): Promise<() => string> {
  return await grpcStream(world.gateway.grpcAddress ?? '', key, 'a.reader');
}

async function sluice(args: readonly string[]): Promise<{ status: number | null; output: string; errors: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli.ts', ...args], { cwd: root });
  let [output, errors] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, output, errors };
}
