/** What a hostile client may send over HTTP/1: S3, S4, S6, S10, S11, S12, S17 (docs/SECURITY-TESTS.md). */

import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { gatewayLimits } from '../../src/gateway/limits.ts';
import { startGateway } from '../../src/gateway/start.ts';
import { directory, guarded, type Guarded } from '../gateway/access/support.ts';

describe('S3 slow senders', () => {
  it('a head that does not arrive is cut off in time, and others are served meanwhile', {
    timeout: 60_000,
  }, async () => {
    const world = await guarded({});
    const startedAt = performance.now();
    const slow = Array.from({ length: 100 }, () => talking(world));
    const dripping = setInterval(() => {
      for (const { socket } of slow) if (socket.writable) socket.write('x');
    }, 500);
    onTestFinished(() => clearInterval(dripping));
    for (const { socket } of slow) socket.write('GET /v1/topics HTTP/1.1\r\nhost: localhost\r\nx-slow: ');
    const tookMs: number[] = [];
    const asking = (async () => {
      while (slow.some(({ isOver }) => !isOver()) && performance.now() - startedAt < 30_000) {
        const at = performance.now();
        expect((await world.ask('GET', '/v1/topics')).status).toBe(200);
        tookMs.push(performance.now() - at);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    })();
    await Promise.all(slow.map(async ({ ended }) => await ended));
    const lastMs = performance.now() - startedAt;
    await asking;
    expect(lastMs).toBeGreaterThan(gatewayLimits.headersTimeoutMs - 500);
    expect(lastMs).toBeLessThan(gatewayLimits.headersTimeoutMs + 10_000);
    const sorted = tookMs.toSorted((one, other) => one - other);
    expect(sorted[Math.floor(sorted.length * 0.9)]).toBeLessThan(1_000);
    for (const { text } of slow) expect(text()).toMatch(/^HTTP\/1\.1 400 Bad Request[\s\S]*did not arrive in time/);
  });
});

describe('S4 too much of something', () => {
  it.each([
    [
      'a body',
      'POST /v1/topics HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: 99999999',
      413,
      'message_too_large',
    ],
    ['a head', `GET /v1/topics HTTP/1.1\r\nx-a: ${'a'.repeat(17_000)}`, 413, 'message_too_large'],
    [
      'many fields',
      `GET /v1/topics HTTP/1.1\r\n${Array.from({ length: 2_000 }, (_, n) => `x-${n}: aaaaaaaa`).join('\r\n')}`,
      413,
      'message_too_large',
    ],
    ['a path', `GET /v1/topics/${'a'.repeat(600)} HTTP/1.1`, 400, 'invalid_argument'],
    ['a query', `GET /v1/topics?a=${'a'.repeat(9_000)} HTTP/1.1`, 400, 'unknown_field'],
  ])('%s is refused with its code', async (_, head, status, code) => {
    const world = await guarded({});
    const { socket, text, ended } = talking(world);
    socket.write(`${head}\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
    await ended;
    expect(text()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [\\s\\S]*"code":"${code}"`));
    expect((await world.ask('GET', '/livez')).status).toBe(200);
  });

  it('a body that is chunked and does not end is cut at the limit', async () => {
    const world = await guarded({});
    const { socket, text, ended } = talking(world);
    socket.write(
      'POST /v1/topics HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n',
    );
    const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(0x10000, 'a'), Buffer.from('\r\n')]);
    // Whoever writes on after the answer has the connection reset under him, and may never read it: so it is looked for in between.
    for (let sent = 0; sent < 320 && socket.writable && text() === ''; sent += 1) {
      await new Promise<void>((resolve) => {
        socket.write(chunk, () => setImmediate(resolve));
      });
    }
    await expect.poll(text).toMatch(/^HTTP\/1\.1 413 /);
    socket.destroy();
    await ended;
  });

  it.each([
    ['messages', { messages: Array(1_001).fill({ value: 1 }) }, 400],
    ['a key', { messages: [{ value: 1, key: 'k'.repeat(4_097) }] }, 413],
    ['a value', { messages: [{ value: 'v'.repeat(1_048_577) }] }, 413],
    [
      'headers',
      { messages: [{ value: 1, headers: Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`h${n}`, 'x'])) }] },
      400,
    ],
    [
      'header bytes (above the 64 KiB of an AMQP table)',
      { messages: [{ value: 1, headers: { h: 'x'.repeat(70_000) } }] },
      413,
    ],
  ])('%s', async (_, body, status) => {
    const world = await guarded({});
    await world.port.createTopic({ name: 'a' });
    const answer = await world.ask('POST', '/v1/topics/a/messages', { body });
    expect(answer.status, answer.text).toBeGreaterThanOrEqual(400);
    expect([status, 400, 413]).toContain(answer.status);
    expect((await world.port.read('a', 0, 'earliest', 10)).messages).toEqual([]);
  });
});

describe('S4 nesting', () => {
  it.each(['value', 'headers', 'options'])(
    'a hundred thousand arrays in %s are refused or stored, and never a fault',
    async (field) => {
      const world = await guarded({});
      await world.port.createTopic({ name: 'a' });
      const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
      const isOption = field === 'options';
      const answer = await fetch(`${world.url}/v1/topics${isOption ? '' : '/a/messages'}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: isOption ? `{"name":"b","options":${deep}}` : `{"messages":[{"value":1,"${field}":${deep}}]}`,
      });
      const text = await answer.text();
      expect([200, 400], text).toContain(answer.status);
      expect(world.logged()).not.toContain('unexpected error');
    },
  );
});

describe('S6 decompression bombs', () => {
  it.each(['gzip', 'br', 'deflate', 'zstd'])(
    'a body in %s is not opened: its bytes are what they are',
    async (encoding) => {
      const world = await guarded({});
      await world.port.createTopic({ name: 'a' });
      const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, '{'));
      const before = process.memoryUsage().rss;
      for (let round = 0; round < 20; round += 1) {
        const answer = await fetch(`${world.url}/v1/topics/a/messages`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'content-encoding': encoding },
          body: bomb,
        });
        expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([400, 'invalid_argument']);
      }
      expect(process.memoryUsage().rss - before).toBeLessThan(256 * 1024 * 1024);
    },
  );
});

describe('S10 names', () => {
  const names = [
    '..',
    '.',
    '...',
    '../x',
    '..%2fx',
    '%2e%2e%2f',
    '%252e%252e',
    'a/b',
    'a\\b',
    'a\0b',
    'a b',
    ' a',
    'a ',
    '-a',
    '_a',
    '.hidden',
    'a\u202eb',
    'caf\u00e9',
    'cafe\u0301',
    '\u212a',
    'a:b',
    'a*',
    'a?',
    'a"b',
    "a'b",
    'a\nb',
    '__internal',
    '__proto__',
    'a'.repeat(250),
    '',
    '\ud83d\ude00',
  ];

  it('that are none reach neither a file nor a broker; those that are stay inside the data directory', async () => {
    const parent = directory();
    const dataDir = join(parent, 'data');
    const gateway = await startGateway({ port: 0, native: { dataDir, durability: 'os' } });
    onTestFinished(async () => await gateway.close());
    const post = async (path: string, body: object): Promise<number> =>
      (
        await fetch(`${gateway.url}/v1/${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        })
      ).status;
    const inTopics = (): string[] => readdirSync(join(dataDir, 'topics'));
    const before = inTopics();
    for (const name of names) {
      expect(await post('topics', { name }), JSON.stringify(name)).toBe(400);
      expect(await post('subscriptions', { name, topic: 'a' }), JSON.stringify(name)).toBe(400);
      const path = await fetch(`${gateway.url}/v1/topics/${encodeURIComponent(name)}`, { method: 'DELETE' });
      expect([400, 404, 405], JSON.stringify(name)).toContain(path.status);
    }
    expect([readdirSync(parent), inTopics()]).toEqual([['data'], before]);
    // Of a device, of a method, as long as can be: names all the same.
    for (const name of ['CON', 'nul', 'constructor', 'toString', 'a'.repeat(249), 'a..b', '0']) {
      expect(await post('topics', { name }), name).toBe(201);
      expect(await post(`topics/${name}/messages`, { messages: [{ value: name }] }), name).toBe(200);
    }
    expect(readdirSync(parent)).toEqual(['data']);
  });
});

describe('S11 injection into headers, events and logs', () => {
  const evil = 'x\r\nset-cookie: a=b\r\n\r\nid: 99\ndata: {"forged":true}\n\nevent: problem';

  it('a message with line breaks everywhere is one event of SSE, and one line of JSON', async () => {
    const world = await guarded({});
    await world.port.createTopic({ name: 'a' });
    await world.port.createSubscription({ name: 'r', topic: 'a' });
    const sent = { key: evil, value: evil, headers: { [evil.slice(0, 60)]: evil } };
    const published = await world.ask('POST', '/v1/topics/a/messages', {
      body: { messages: [sent, { value: 'last' }] },
    });
    expect(published.status, published.text).toBe(200);
    const answer = await fetch(`${world.url}/v1/subscriptions/r/stream`);
    let text = '';
    for await (const chunk of answer.body ?? []) {
      text += Buffer.from(chunk).toString();
      if (text.includes('"last"')) break;
    }
    const events = text.split('\n\n').filter((event) => event.includes('data:'));
    expect(events).toHaveLength(2);
    expect(events.every((event) => /^id: 0:\d+\ndata: \{.*\}$/.test(event))).toBe(true);
    const [first] = events;
    expect(JSON.parse(first?.slice(first.indexOf('data: ') + 6) ?? '')).toMatchObject(sent);
  });

  it('what a request says is not written into the head of its answer, nor as a line of its own into the log', async () => {
    const world = await guarded({});
    const encoded = encodeURIComponent(evil);
    for (const path of [
      `/v1/topics/${encoded}`,
      `/v1/topics?${encoded}=1`,
      `/${encoded}`,
      `/v1/subscriptions/${encoded}/stream`,
    ]) {
      const { status, headers, json } = await world.ask('GET', path);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(headers.get('set-cookie')).toBeNull();
      expect(json.code).toMatch(/^[a-z_]+$/);
    }
    const { socket, text, ended } = talking(world);
    socket.write(
      'GET /v1/nothing HTTP/1.1\r\nhost: localhost\r\nx-request-id: a\tb{"level":60}\r\nconnection: close\r\n\r\n',
    );
    await ended;
    expect(text()).not.toContain('"level":60');
    for (const line of world.logged().trim().split('\n')) expect(() => JSON.parse(line) as unknown, line).not.toThrow();
  });

  it.each(['content type', 'id', 'reason'])(
    'a line break in a %s is refused, or comes back as it was',
    async (where) => {
      const world = await guarded({});
      await world.port.createTopic({ name: 'a' });
      await world.port.createSubscription({ name: 'r', topic: 'a' });
      const messages = [
        {
          value: 1,
          ...(where === 'id' ? { id: evil } : {}),
          ...(where === 'content type' ? { contentType: evil } : {}),
        },
      ];
      const published = await world.ask('POST', '/v1/topics/a/messages', { body: { messages } });
      if (where === 'content type') expect(published.status).toBe(400);
      else expect([200, 400]).toContain(published.status);
      const pulled = await world.ask('POST', '/v1/subscriptions/r/pull', { body: { waitMs: 100 } });
      for (const { ackToken, message } of pulled.json.deliveries) {
        if (where === 'id') expect(message.id).toBe(evil);
        const rejected = await world.ask('POST', '/v1/subscriptions/r/reject', {
          body: { tokens: [ackToken], reason: evil },
        });
        expect([200, 207]).toContain(rejected.status);
      }
    },
  );
});

describe('S12 prototype pollution', () => {
  const payloads = [
    '{"name":"a","__proto__":{"polluted":1}}',
    '{"name":"a","\\u005f_proto__":{"polluted":1}}',
    '{"name":"a","constructor":{"prototype":{"polluted":1}}}',
    '{"name":"a","options":{"__proto__":{"polluted":1}}}',
    '{"name":"a","retention":{"__proto__":{"polluted":1}}}',
  ];

  it.each(payloads)('%s is refused', async (payload) => {
    const world = await guarded({});
    const answer = await fetch(`${world.url}/v1/topics`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: payload,
    });
    expect(answer.status).toBe(400);
    expectClean();
  });

  it('in queries, lines and headers of a message nothing of it arrives', async () => {
    const world = await guarded({});
    await world.port.createTopic({ name: 'a' });
    for (const query of ['__proto__[polluted]=1', '__proto__.polluted=1', 'constructor[prototype][polluted]=1'])
      expect((await world.ask('GET', `/v1/topics?${query}`)).status).toBe(400);
    const lines = `${payloads[0]}\n{"value":1,"headers":{"__proto__":"polluted","constructor":"x"}}\n`;
    const answer = await fetch(`${world.url}/v1/topics/a/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: lines,
    });
    expect((await answer.text()).match(/"problem"/g)).toHaveLength(2);
    expectClean();
  });

  function expectClean(): void {
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(Object.keys(Object.prototype)).toEqual([]);
  }
});

describe('S17 request smuggling', () => {
  const auth = 'host: localhost\r\ncontent-type: application/json\r\n';
  const body = '0\r\n\r\nGET /v1/backend HTTP/1.1\r\nhost: localhost\r\n\r\n';
  it.each([
    [
      'content-length and transfer-encoding',
      `content-length: ${body.length}\r\ntransfer-encoding: chunked\r\n\r\n${body}`,
    ],
    ['two lengths', `content-length: 4\r\ncontent-length: ${body.length}\r\n\r\n${body}`],
    ['a list of lengths', `content-length: 4, ${body.length}\r\n\r\n${body}`],
    ['a length with a sign', `content-length: +${body.length}\r\n\r\n${body}`],
    ['a folded field', `x-a: b\r\n c: d\r\ntransfer-encoding:\r\n chunked\r\n\r\n${body}`],
    ['a space before the colon', `transfer-encoding : chunked\r\n\r\n${body}`],
    ['another last coding', `transfer-encoding: chunked, identity\r\n\r\n${body}`],
    ['a chunk with a bad size', `transfer-encoding: chunked\r\n\r\n0x5\r\nabcde\r\n${body}`],
    ['bare line feeds', `transfer-encoding: chunked\n\n${body}`],
    ['a null byte in a field', `x-a: a\0b\r\ncontent-length: ${body.length}\r\n\r\n${body}`],
  ])('%s: refused, closed, and the second request in it is not answered', async (_, rest) => {
    const world = await guarded({});
    const { socket, text, ended } = talking(world);
    socket.write(Buffer.from(`POST /v1/topics HTTP/1.1\r\n${auth}${rest}`, 'latin1'));
    await ended;
    expect(text()).toMatch(/^HTTP\/1\.1 400 /);
    expect(text().match(/^HTTP\/1\.1 /gm)).toHaveLength(1);
    expect(text()).not.toContain('"product"');
  });
});

interface Talk {
  readonly socket: Socket;
  readonly text: () => string;
  readonly ended: Promise<void>;
  readonly isOver: () => boolean;
}

function talking(world: Guarded): Talk {
  const socket = connect(Number(new URL(world.url).port), '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  let text = '';
  let isOver = false;
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  const ended = new Promise<void>((resolve) => {
    socket.once('close', () => {
      isOver = true;
      resolve();
    });
  });
  return { socket, text: () => text, ended, isOver: () => isOver };
}
