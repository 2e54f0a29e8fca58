/** `sluice topics | pub | sub | capabilities` as people type them, against a real gateway. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { Readable, Writable } from 'node:stream';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { connect, type SluiceClient } from '../../src/client/index.ts';
import { printerOf } from '../../src/client/commands/format.ts';
import { registerClientCommands } from '../../src/client/main.ts';
import { type Gateway, startGateway } from '../../src/gateway/index.ts';

const root = resolve(import.meta.dirname, '../..');
let gateway: Gateway;
let sluice: SluiceClient;
const dataDir = mkdtempSync(join(tmpdir(), 'sluice-commands-'));

beforeAll(async () => {
  gateway = await startGateway({ port: 0, grpcPort: 'off', native: { dataDir, durability: 'os' } });
  sluice = connect(gateway.url);
});

afterAll(async () => {
  await gateway.close();
  rmSync(dataDir, { recursive: true, force: true });
});

interface Run {
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly status: number | null; readonly output: string; readonly errors: string }>;
  /** Resolves when the output so far holds it. */
  untilOutput(text: string): Promise<void>;
}

function start(args: readonly string[]): Run {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli.ts', ...args], {
    cwd: root,
    env: { ...process.env, SLUICE_URL: gateway.url, SLUICE_TOKEN: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('latin1')));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const ended = new Promise<Awaited<Run['ended']>>((done) => {
    child.once('close', (status) => done({ status, output, errors }));
  });
  return {
    child,
    ended,
    untilOutput: async (text) => await expect.poll(() => output, { timeout: 20_000 }).toContain(text),
  };
}

/** In this process, with streams in place of its own: a start of the command line costs more than the rest of a test. */
async function run(
  args: readonly string[],
  input: string | Buffer = '',
  url = gateway.url,
): Promise<{ status: number | null; output: string; errors: string }> {
  const taken = { output: '', errors: '' };
  let status = 2;
  const taking = (name: 'output' | 'errors') =>
    new Writable({
      write: (chunk: Buffer, _, done) => {
        taken[name] += chunk.toString('latin1');
        done();
      },
    });
  const program = new Command('sluice').exitOverride().configureOutput({ writeErr: () => undefined });
  registerClientCommands(program, {
    input: Readable.from(chunksOf(Buffer.from(input)), { objectMode: false }),
    output: taking('output'),
    errors: taking('errors'),
    env: { SLUICE_URL: url },
    onStop: () => () => undefined,
    end: (code) => (status = code),
  });
  await program.parseAsync(['node', 'sluice', ...args]);
  return { status, ...taken };
}

/** Ends of lines fall where they like. */
function* chunksOf(bytes: Buffer): Generator<Buffer> {
  for (let from = 0; from < bytes.length; from += 8_191) yield bytes.subarray(from, from + 8_191);
}

async function valuesOf(topic: string): Promise<unknown[]> {
  const { messages } = await sluice.browse(topic, 0, { limit: 1_000 });
  return messages.map(({ value }) => value);
}

/** An address where nobody listens any more. */
async function nobodyAt(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

describe('sluice topics', () => {
  it('creates, describes, alters under an etag, lists and deletes; tells what is refused with its exit status', async () => {
    const created = await run(['topics', 'create', 'made', '--partitions', '2', '--retention-ms', '60000', '--json']);
    expect([created.status, created.errors]).toEqual([0, '']);
    const { etag } = JSON.parse(created.output);
    const altered = await run([
      'topics',
      'alter',
      'made',
      '--partitions',
      '3',
      '--retention-ms',
      'none',
      '--option',
      'segmentBytes=65536',
      '--if-match',
      etag,
    ]);
    expect(altered.output).toMatch(/^TOPIC .*OPTIONS\nmade +3 +delete +none +- +1 +segmentBytes=65536\n$/);
    const [stale, listed, deleted, wrong, nothing] = await Promise.all([
      run(['topics', 'alter', 'made', '--partitions', '4', '--if-match', etag]),
      run(['topics', 'list', '--json']),
      run(['topics', 'delete', 'nowhere']),
      run(['topics', 'create', 'bad', '--partitions', 'many']),
      run(['topics', 'alter', 'made']),
    ]);
    expect([stale.status, stale.errors]).toEqual([1, expect.stringContaining('precondition_failed')]);
    expect(listed.output.split('\n').filter((line) => line.includes('"made"'))).toHaveLength(1);
    expect([deleted.status, deleted.errors]).toEqual([1, 'sluice: topic_not_found: topic "nowhere" does not exist\n']);
    expect([wrong.status, nothing.status]).toEqual([2, 2]);
    expect((await run(['topics', 'delete', 'made'])).status).toBe(0);
    await expect(sluice.topics.describe('made')).rejects.toMatchObject({ code: 'topic_not_found' });
  });

  it('through the command line: the exit status is that of the process', async () => {
    const [listed, wrong] = await Promise.all([
      start(['topics', 'list', '--json']).ended,
      start(['topics', 'describe', 'x']).ended,
    ]);
    expect([listed.status, wrong.status, wrong.errors]).toEqual([
      0,
      1,
      'sluice: topic_not_found: topic "x" does not exist\n',
    ]);
  });

  it('without a gateway ends with 3, whatever is asked', async () => {
    const nobody = await nobodyAt();
    const [topics, pub, sub] = await Promise.all([
      run(['topics', 'list'], undefined, nobody),
      run(['pub', 't', 'x'], undefined, nobody),
      run(['sub', 't'], undefined, nobody),
    ]);
    for (const { status, errors } of [topics, pub, sub])
      expect([status, errors]).toEqual([3, expect.stringContaining('gateway_unreachable')]);
  });
});

describe('sluice pub', () => {
  it('publishes arguments with key, headers and content type, and tells where they are', async () => {
    await sluice.topics.create({ name: 'args' });
    const { status, output, errors } = await run([
      'pub',
      'args',
      '{"total":9.5}',
      'second',
      '--key',
      'k',
      '--header',
      'a=1',
      '--header',
      'a=2',
      '--results',
      '--partition',
      '0',
    ]);
    expect([status, errors]).toEqual([0, '2 stored\n']);
    expect(
      output
        .split('\n')
        .slice(0, 2)
        .map((line) => JSON.parse(line).offset),
    ).toEqual([0, 1]);
    const { messages } = await sluice.browse('args', 0);
    expect(messages.map(({ key, value, headers }) => [key, value, headers])).toEqual([
      ['k', '{"total":9.5}', { a: ['1', '2'] }],
      ['k', 'second', { a: ['1', '2'] }],
    ]);
  });

  it('publishes lines: of standard input, with keys, as bytes, as JSON; and a file whole', async () => {
    for (const name of ['lines', 'keyed', 'json', 'photo']) await sluice.topics.create({ name });
    const file = join(dataDir, 'photo.bin');
    writeFileSync(file, Buffer.from([0, 255, 10, 13]));
    const message = { key: 'k', value: { a: 1 }, headers: { h: ['x', { base64: 'AP8=' }] }, id: 'mine' };
    const results = await Promise.all([
      run(['pub', 'lines'], Buffer.concat([Buffer.from('one\r\n\ntw'), Buffer.from('o\n'), Buffer.from([255, 254])])),
      run(['pub', 'keyed', '--key-separator', '::'], 'a::1\nb::2::3\n'),
      run(['pub', 'json', '--json'], `${JSON.stringify(message)}\n{"value":null,"key":"gone"}\n`),
      run(['pub', 'photo', '--file', file, '--whole', '--content-type', 'image/png', '--quiet']),
    ]);
    expect(results.map(({ status, errors }) => [status, errors])).toEqual([
      [0, '4 stored\n'],
      [0, '2 stored\n'],
      [0, '2 stored\n'],
      [0, ''],
    ]);
    expect(await valuesOf('lines')).toEqual(['one', '', 'two', Buffer.from([255, 254])]);
    expect((await sluice.browse('keyed', 0)).messages.map(({ key, value }) => [key, value])).toEqual([
      ['a', '1'],
      ['b', '2::3'],
    ]);
    expect((await sluice.browse('json', 0)).messages).toMatchObject([
      { key: 'k', value: { a: 1 }, headers: { h: ['x', Buffer.from([0, 255])] }, id: 'mine' },
      { key: 'gone', value: null },
    ]);
    expect(await valuesOf('photo')).toEqual([Buffer.from([0, 255, 10, 13])]);
  });

  it.each([
    ['neither value nor valueBase64', '{"key":"a"}'],
    ['both', '{"value":1,"valueBase64":"AA=="}'],
    ['what is no base64', '{"valueBase64":"%%%"}'],
  ])('--json with %s is wrong usage, and nothing is published', async (_, line) => {
    await sluice.topics.create({ name: 'strict' });
    const wrong = await run(['pub', 'strict', '--json'], `${line}\n`);
    expect([wrong.status, wrong.errors], wrong.errors).toEqual([2, expect.stringContaining('line 1')]);
    expect((await sluice.browse('strict', 0)).messages).toEqual([]);
  });

  it('tells each message that is refused and goes on; wrong usage is told before anything is published', async () => {
    await sluice.topics.create({ name: 'mixed' });
    const lines = '{"value":1}\n{"value":2,"partition":7}\n{"value":3}\n';
    const [mixed, unknown, separator, notJson, both] = await Promise.all([
      run(['pub', 'mixed', '--json'], lines),
      run(['pub', 'nowhere', 'x']),
      run(['pub', 'mixed', '--key-separator', '='], 'no separator\n'),
      run(['pub', 'mixed', '--json'], 'no json\n'),
      run(['pub', 'mixed', 'x', '--tombstone', '--key', 'k']),
    ]);
    expect([mixed.status, mixed.errors]).toEqual([
      1,
      expect.stringMatching(/^sluice: message 2 refused: invalid_argument: .*\n2 stored, 1 not\n$/),
    ]);
    expect([unknown.status, unknown.errors]).toEqual([1, expect.stringContaining('topic_not_found')]);
    expect([separator.status, notJson.status, both.status]).toEqual([2, 2, 2]);
    expect(await valuesOf('mixed')).toEqual([1, 3]);
  });

  it('publishes as many lines as there are, each in its place', async () => {
    await sluice.topics.create({ name: 'much' });
    const lines = 20_000;
    const { status, errors } = await run(['pub', 'much'], `${'x'.repeat(200)}\n`.repeat(lines));
    expect([status, errors]).toEqual([0, `${lines} stored\n`]);
    expect((await sluice.browse('much', 0, { from: 'latest' })).next).toBe(lines);
  });
});

describe('sluice sub', () => {
  it('prints what is kept: all, the last ones, from an offset, from a time; by format and as JSON that pub reads', async () => {
    await sluice.topics.create({ name: 'kept', partitions: 2 });
    await sluice.topics.create({ name: 'copy' });
    for (const partition of [0, 1])
      await sluice.publishBatch(
        'kept',
        [1, 2, 3].map((n) => ({ value: `${partition}${n}`, key: 'k', partition, timestamp: n * 1_000 })),
      );
    const [all, last, offset, time, latest, format, json] = await Promise.all([
      run(['sub', 'kept']),
      run(['sub', 'kept', '--from', '-1']),
      run(['sub', 'kept', '--from', '2', '--partition', '1']),
      run(['sub', 'kept', '--from', '1970-01-01T00:00:02Z']),
      run(['sub', 'kept', '--from', 'latest']),
      run(['sub', 'kept', '--count', '2', '--format', '%t/%p/%o %k=%s %S%%\\t%T\\n']),
      run(['sub', 'kept', '--json']),
    ]);
    expect(all).toEqual({ status: 0, output: '01\n02\n03\n11\n12\n13\n', errors: '' });
    expect([last.output, offset.output, time.output, latest.output]).toEqual([
      '03\n13\n',
      '13\n',
      '02\n03\n12\n13\n',
      '',
    ]);
    expect(format.output).toBe('kept/0/0 k=01 2%\t1000\nkept/0/1 k=02 2%\t2000\n');
    const copied = await run(['pub', 'copy', '--json'], json.output.replaceAll('"partition":1', '"partition":0'));
    expect([copied.status, await valuesOf('copy')]).toEqual([0, ['01', '02', '03', '11', '12', '13']]);
    const [bad, unknown, wrongFormat, both] = await Promise.all([
      run(['sub', 'kept', '--from', 'yesterday']),
      run(['sub', 'nowhere']),
      run(['sub', 'kept', '--format', '%q']),
      run(['sub', 'kept', '--subscription', 's']),
    ]);
    expect([bad.status, unknown.status, wrongFormat.status, both.status]).toEqual([2, 1, 2, 2]);
  });

  it('follows a topic until it is told to stop, and ends in silence when its reader leaves', async () => {
    await sluice.topics.create({ name: 'followed' });
    await sluice.publish('followed', { value: 'before' });
    const follower = start(['sub', 'followed', '--follow']);
    await follower.untilOutput('before\n');
    await sluice.publish('followed', { value: 'later' });
    await follower.untilOutput('later\n');
    follower.child.kill('SIGINT');
    expect(await follower.ended).toMatchObject({ status: 0, errors: '' });
    const left = start(['sub', 'followed', '--follow']);
    await left.untilOutput('later\n');
    left.child.stdout?.destroy();
    await sluice.publishBatch(
      'followed',
      Array.from({ length: 1_000 }, () => ({ value: 'x'.repeat(1_000) })),
    );
    expect(await left.ended).toMatchObject({ status: 0, errors: '' });
  });

  it('of a subscription acknowledges what it printed, ends when nothing waits, and gives back the rest on Ctrl-C', async () => {
    await sluice.topics.create({ name: 'shared' });
    await sluice.subscriptions.create({ name: 'reader', topic: 'shared', ackDeadlineMs: 300_000 });
    await sluice.publishBatch(
      'shared',
      Array.from({ length: 50 }, (_, index) => ({ value: `v${index}` })),
    );
    const some = await run(['sub', '--subscription', 'reader', '--count', '10']);
    expect(some.output.split('\n')).toHaveLength(11);
    expect((await sluice.subscriptions.lag('reader')).total).toBe(40);
    const follower = start(['sub', '--subscription', 'reader', '--follow', '--format', '%s %a\\n']);
    await follower.untilOutput('v49 1\n');
    await sluice.publishBatch('shared', [{ value: 'last' }]);
    await follower.untilOutput('last 1\n');
    follower.child.kill('SIGINT');
    expect((await follower.ended).status).toBe(0);
    expect((await sluice.subscriptions.lag('reader')).total).toBe(0);
    await sluice.publishBatch('shared', [{ value: 'more' }]);
    const rest = await run(['sub', '--subscription', 'reader', '--format', '%s %a\\n']);
    expect(rest).toEqual({ status: 0, output: 'more 1\n', errors: '' });
  });
});

describe('sluice capabilities', () => {
  it('prints every system, one in sentences, that of a gateway, and JSON', async () => {
    const [all, one, ofGateway, json, wrong] = await Promise.all([
      run(['capabilities']),
      run(['capabilities', 'rabbitmq-quorum@3.10']),
      run(['capabilities', 'gateway']),
      run(['capabilities', 'kafka', '--json']),
      run(['capabilities', 'pulsar']),
    ]);
    expect(all.output).toMatch(/^CAPABILITY +log +rabbitmq-quorum +rabbitmq-classic +rabbitmq-stream +kafka\n/);
    expect(all.output).toMatch(/\npublish.dedup +yes +no +no +no +no\n/);
    expect(one.output).toMatch(/\nack.releaseUncounted +no +below 4.3 /);
    expect(ofGateway.output).toMatch(/\ndelay +no +a log delivers in order of arrival\n/);
    expect(JSON.parse(json.output).kafka['publish.dedup'].level).toBe('unsupported');
    expect([wrong.status, wrong.errors]).toEqual([2, expect.stringContaining('rabbitmq-quorum')]);
  });
});

it('every placeholder of --format', () => {
  const message = {
    topic: 't',
    partition: 1,
    offset: 2,
    timestamp: 3,
    id: 'i',
    contentType: 'c',
    key: Buffer.from([255]),
    value: null,
    headers: { a: ['1', Buffer.from('2')] },
  };
  const text = printerOf('%t|%p|%o|%K|%s|%S|%h|%T|%i|%c|%a|%%|\\n\\t\\0\\\\')(message, 4).toString();
  expect(text).toBe('t|1|2|1||-1|a=1,a=2|3|i|c|4|%|\n\t\0\\');
  expect(printerOf('%k')(message, undefined)).toEqual(Buffer.from([255]));
  expect(() => printerOf('%x')).toThrow('%x');
});
