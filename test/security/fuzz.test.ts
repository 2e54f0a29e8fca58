/**
 * S1: damaged HTTP, JSON, lines, protobuf and HTTP/2 frames. Whatever comes, the gateway answers it or closes the connection: no
 * 5xx but the declared ones, nothing unexpected in its log, no input that it works on for ever, and good requests are answered
 * before, between and after. Seeds are printed; SLUICE_SEED repeats one, SLUICE_LONG=1 takes ten million inputs.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { connect as connectHttp2 } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadProto } from '../../src/gateway/grpc/proto.ts';
import { errorCodes, openPort } from '../../src/adapters/index.ts';
import { runs, seedOfRun } from '../core-log/support.ts';
import { guarded, type Guarded, keyWith } from '../gateway/access/support.ts';
import { Mutator } from './mutations.ts';

const seed = seedOfRun();
/** An input that takes longer is one that hangs. */
const HANG_MS = 10_000;
/** Declared: what the table of codes says with a status of 5xx, but for a fault of our own. */
const declared = new Set<number>(
  Object.values(errorCodes)
    .map(({ httpStatus }) => httpStatus)
    .filter((status) => status > 500),
);
const LONG_MS = 12 * 3_600_000;

const { key, entry } = keyWith(['admin']);
let world: Guarded;

/** The log itself: what gets through is stored and read. A model that looks through all it ever had took a seek ten seconds in the end. */
const dataDir = mkdtempSync(join(tmpdir(), 'sluice-fuzz-'));

beforeAll(async () => {
  const port = await openPort({ backend: 'native', config: { dataDir, durability: 'os' } });
  world = await guarded({ access: { keys: [entry] } }, { port });
  await world.port.createTopic({ name: 'fuzz', partitions: 2 });
  await world.port.createSubscription({ name: 'fuzz-reader', topic: 'fuzz' });
});

afterAll(async () => {
  await world.port.close();
  rmSync(dataDir, { recursive: true });
});

describe(`S1 fuzz, seed ${seed}`, { timeout: runs(300_000, LONG_MS) }, () => {
  it('JSON bodies, of every route that has one', async () => {
    const bodies: readonly (readonly [string, unknown])[] = [
      [
        'topics',
        { name: 'made', partitions: 2, retention: { ms: 1_000, bytes: 5 }, cleanup: 'delete', options: { a: 'b' } },
      ],
      [
        'topics/fuzz/messages',
        {
          messages: [{ key: 'k', value: { a: [1, 'ü', null] }, headers: { h: ['1', { base64: 'AA==' }] }, id: 'i' }],
          durability: 'memory',
        },
      ],
      [
        'topics/fuzz/messages',
        { messages: [{ keyBase64: 'AA==', valueBase64: 'AAH/', partition: 1, timestamp: 5 }], minCopies: 1 },
      ],
      [
        'subscriptions',
        { name: 'made', topic: 'fuzz', start: { offsets: { 0: 5 } }, retry: { maxAttempts: 3 }, requires: ['lag'] },
      ],
      ['subscriptions/fuzz-reader/pull', { maxMessages: 5, maxBytes: 100, waitMs: 0 }],
      ['subscriptions/fuzz-reader/ack', { tokens: ['a.1', 'b.2'] }],
      ['subscriptions/fuzz-reader/nack', { tokens: ['a.1'], delayMs: 5, reason: 'why' }],
      ['subscriptions/fuzz-reader/extend', { tokens: ['a.1'], deadlineMs: 5 }],
      ['subscriptions/fuzz-reader/seek', { to: { timestamp: 5 } }],
      ['subscriptions/fuzz-reader/deadletters/redrive', { limit: 5, dryRun: true }],
    ];
    const good = bodies.map(([, body]) => Buffer.from(JSON.stringify(body)));
    const mutator = new Mutator(seed);
    const types = [
      'application/json',
      'application/json',
      'application/cloudevents+json',
      'application/cloudevents-batch+json',
      'application/x-ndjson',
      'text/plain',
    ];
    await eachOf(runs(5_000, 4_000_000), 16, async (number) => {
      const index = mutator.below(bodies.length);
      const body = mutator.mutate(good[index] ?? Buffer.alloc(0), good);
      // A good one now and then: a gateway that refuses everything would pass otherwise.
      const sent = number % 500 === 0 ? good[2] : body;
      const path = number % 500 === 0 ? 'topics/fuzz/messages' : bodies[index]?.[0];
      const type = number % 500 === 0 ? 'application/json' : mutator.pick(types);
      const status = await posted(`/v1/${path}`, type, sent ?? Buffer.alloc(0));
      if (number % 500 === 0) expect(status).toBe(200);
      expectDeclared(status, () => `${path} ${type} ${JSON.stringify(sent?.toString('latin1'))}`);
    });
    await expectWell();
  });

  it('lines of NDJSON: as many results as lines, whatever is in them', async () => {
    const lines = [
      '{"value":"x"}',
      '{"key":"k","valueBase64":"AA=="}',
      '{"value":{"a":1},"headers":{"h":"1"}}',
      '',
    ].map((line) => Buffer.from(line));
    const mutator = new Mutator(seed + 1);
    await eachOf(runs(300, 60_000), 4, async () => {
      const many = Array.from({ length: 10 }, () => mutator.mutate(mutator.pick(lines), lines));
      const answer = await fetch(`${world.url}/v1/topics/fuzz/messages`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/x-ndjson' },
        body: Buffer.concat(many.flatMap((line) => [line, Buffer.from('\n')])),
        signal: AbortSignal.timeout(HANG_MS),
      });
      const results = (await answer.text()).split('\n').filter((line) => line !== '');
      expectDeclared(answer.status, () => JSON.stringify(many.map(String)));
      for (const result of results) {
        const { problem } = JSON.parse(result) as { problem?: { status: number } };
        if (problem !== undefined) expectDeclared(problem.status, () => result);
      }
      const sent = Buffer.concat(many.flatMap((line) => [line, Buffer.from('\n')]))
        .toString('latin1')
        .split('\n');
      const isBlank = (line: string): boolean => /^[ \t\r]*$/.test(line);
      expect(results).toHaveLength(sent.filter((line) => !isBlank(line)).length);
    });
    await expectWell();
  });

  it('HTTP/1: heads, methods, paths, lengths', async () => {
    const auth = `authorization: Bearer ${key}\r\nhost: localhost\r\n`;
    const good = [
      `GET /v1/topics?x=1 HTTP/1.1\r\n${auth}\r\n`,
      `GET /v1/topics/fuzz/partitions/0/messages?from=0&limit=5 HTTP/1.1\r\n${auth}accept: */*\r\n\r\n`,
      `POST /v1/topics/fuzz/messages HTTP/1.1\r\n${auth}content-type: application/json\r\ncontent-length: 28\r\n\r\n{"messages":[{"value":"x"}]}`,
      `POST /v1/topics/fuzz/messages HTTP/1.1\r\n${auth}ce-specversion: 1.0\r\nce-id: 1\r\nce-source: /a\r\nce-type: t\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
      `GET /v1/subscriptions/fuzz-reader/ws HTTP/1.1\r\n${auth}upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
      `GET /v1/subscriptions/fuzz-reader/stream HTTP/1.1\r\n${auth}last-event-id: 0:0,1:0\r\n\r\n`,
      `OPTIONS * HTTP/1.0\r\n\r\n`,
      `GET /openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n`,
    ].map((text) => Buffer.from(text, 'latin1'));
    const mutator = new Mutator(seed + 2);
    const port = Number(new URL(world.url).port);
    await eachOf(runs(3_500, 1_000_000), 32, async () => {
      const input = mutator.mutate(mutator.pick(good), good);
      const text = await saidTo(port, input);
      for (const [, status] of text.matchAll(/^HTTP\/1\.[01] (\d{3})/gm))
        expectDeclared(Number(status), () => JSON.stringify(input.toString('latin1')));
    });
    await expectWell();
  });

  it('protobuf: messages of every RPC', async () => {
    const proto = loadProto();
    const requests: Readonly<Record<string, object>> = {
      'Publisher/Publish': {
        topic: 'fuzz',
        messages: [{ text: 'x', key: Buffer.from('k'), headers: [{ name: 'h', value: Buffer.from('1') }] }],
      },
      'Publisher/PublishStream': {
        topic: 'fuzz',
        correlationId: 5,
        messages: [{ value: Buffer.from('x'), partition: 1 }],
      },
      'Subscriber/Pull': { subscription: 'fuzz-reader', maxMessages: 5, waitMs: 0 },
      'Subscriber/Nack': { subscription: 'fuzz-reader', tokens: ['a.1'], delayMs: 5 },
      'Subscriber/Seek': { subscription: 'fuzz-reader', to: { offsets: { byPartition: { 0: 5 } } } },
      'Subscriber/StreamingPull': { start: { subscription: 'fuzz-reader', credit: { messages: 5 } } },
      'Admin/CreateTopic': { name: 'made', options: { a: { number: 5 } }, retention: { ms: 5 } },
      'Admin/CreateSubscription': { name: 'made', topic: 'fuzz', start: { timestamp: 5 }, requires: ['lag'] },
    };
    const calls = Object.entries(requests).map(([call, request]) => {
      const [service, rpc] = call.split('/');
      const { requestSerialize } =
        (proto[`sluice.v1.${service}`] as unknown as Record<string, { requestSerialize(value: object): Buffer }>)[
          rpc ?? ''
        ] ?? {};
      return { path: `/sluice.v1.${call}`, bytes: requestSerialize?.(request) ?? Buffer.alloc(0) };
    });
    const good = calls.map(({ bytes }) => bytes);
    const mutator = new Mutator(seed + 3);
    const session = connectHttp2(`http://${world.gateway.grpcAddress}`);
    session.on('error', () => undefined);
    const unknown = 2;
    const internal = 13;
    await eachOf(runs(7_000, 4_000_000), 32, async () => {
      const { path } = mutator.pick(calls);
      const message = mutator.mutate(mutator.pick(good), good);
      const frame = Buffer.concat([Buffer.from([0, 0, 0, 0, 0]), message]);
      frame.writeUInt32BE(message.length, 1);
      const status = await new Promise<number>((resolve, reject) => {
        const stream = session.request({
          ':method': 'POST',
          ':path': path,
          'content-type': 'application/grpc',
          te: 'trailers',
          authorization: `Bearer ${key}`,
        });
        const timer = setTimeout(() => reject(new Error(`no end: ${path} ${message.toString('hex')}`)), HANG_MS);
        const told = (headers: Record<string, unknown>): void => {
          if (headers['grpc-status'] !== undefined) resolve(Number(headers['grpc-status']));
        };
        stream.on('response', told);
        stream.on('trailers', told);
        stream.on('error', () => resolve(-1));
        stream.on('close', () => {
          clearTimeout(timer);
          resolve(-1);
        });
        stream.resume();
        stream.end(frame);
      });
      expect([unknown, internal], `${path} ${message.toString('hex')}`).not.toContain(status);
    });
    session.close();
    await expectWell();
  });

  it('HTTP/2: frames of every type', async () => {
    const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    const frame = (type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer => {
      const head = Buffer.alloc(9);
      head.writeUIntBE(payload.length, 0, 3);
      head[3] = type;
      head[4] = flags;
      head.writeUInt32BE(stream, 5);
      return Buffer.concat([head, payload]);
    };
    const settings = frame(4, 0, 0);
    const block = Buffer.from('838645', 'hex');
    const good = [
      [settings, frame(1, 5, 1, block)],
      [settings, frame(1, 4, 1, block), frame(0, 1, 1, Buffer.from([0, 0, 0, 0, 0]))],
      [settings, frame(1, 0, 1, block), frame(9, 4, 1, block)],
      [settings, frame(6, 0, 0, Buffer.alloc(8)), frame(8, 0, 0, Buffer.from([0, 0, 1, 0]))],
      [settings, frame(3, 0, 1, Buffer.alloc(4)), frame(7, 0, 0, Buffer.alloc(8)), frame(2, 0, 1, Buffer.alloc(5))],
    ].map((frames) => Buffer.concat([preface, ...frames]));
    const mutator = new Mutator(seed + 4);
    const port = Number(world.gateway.grpcAddress?.split(':').at(-1));
    await eachOf(runs(1_500, 400_000), 32, async () => {
      await saidTo(port, mutator.mutate(mutator.pick(good), good));
    });
    await expectWell();
  });
});

/** A fault of ours is in the log whatever was answered. */
async function expectWell(): Promise<void> {
  expect(world.logged()).not.toMatch(/unexpected error|cannot be served/);
  const answer = await world.ask('POST', '/v1/topics/fuzz/messages', { key, body: { messages: [{ value: 'good' }] } });
  expect(answer.status).toBe(200);
  expect(({} as Record<string, unknown>)['x']).toBeUndefined();
}

function expectDeclared(status: number, what: () => string): void {
  if (status >= 500 && !declared.has(status)) throw new Error(`${status} for ${what()}`);
}

async function eachOf(count: number, atOnce: number, work: (number: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const number = next;
      next += 1;
      await work(number);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

const agent = new Agent({ keepAlive: true, maxSockets: 16 });

/** The status of the answer, by what costs least: this is done by the thousand. */
async function posted(path: string, type: string, body: Buffer): Promise<number> {
  return await new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': type, 'content-length': body.length };
    const asking = request(world.url + path, { method: 'POST', agent, headers, timeout: HANG_MS }, (answer) => {
      answer.resume();
      answer.once('end', () => resolve(answer.statusCode ?? 0));
      answer.once('error', reject);
    });
    asking.once('timeout', () =>
      asking.destroy(new Error(`no end: ${path} ${JSON.stringify(body.toString('latin1'))}`)),
    );
    asking.once('error', reject);
    asking.end(body);
  });
}

/** All that came back; the input may wait for more of itself, so this side ends first. */
async function saidTo(port: number, input: Buffer): Promise<string> {
  return await new Promise((resolve, reject) => {
    let text = '';
    const socket: Socket = connect(port, '127.0.0.1');
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no end: ${JSON.stringify(input.toString('latin1'))}`));
    }, HANG_MS);
    const quiet = (): void => {
      clearTimeout(idle);
      idle = setTimeout(() => socket.destroy(), 20);
    };
    let idle: NodeJS.Timeout | undefined;
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      quiet();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      clearTimeout(idle);
      resolve(text);
    });
    socket.write(input, quiet);
  });
}
