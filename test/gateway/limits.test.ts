/** Each bound of docs/LIMITS.md from both sides: what is at it works, what is one above gets the code that the page promises. */

import { once } from 'node:events';
import { request } from 'node:http';
import { connect as connectSocket, type Socket } from 'node:net';
import { status } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import type { MessagingPort } from '../../src/adapters/index.ts';
import { errorCodes } from '../../src/adapters/index.ts';
import { loadProto } from '../../src/gateway/grpc/proto.ts';
import { limitTable, limitValue } from '../../src/gateway/limit-table.ts';
import { configurableLimits } from '../../src/gateway/limits.ts';
import { type Gateway, startGateway } from '../../src/gateway/start.ts';
import { openModel } from '../support/model-driver.ts';
import { connect as grpcClients, asking, refusal } from './grpc/support.ts';

const rows = limitTable.flatMap(({ rows: all }) => all);
const promised = (name: string) => rows.find((row) => row.name === name)?.above;

/** A body of exactly so much of something, and where it goes. The two sides of each bound, over REST. */
const bodies: Readonly<Record<string, readonly [path: string, body: (size: number) => unknown]>> = {
  valueBytesMax: ['topics/orders/messages', (size) => ({ messages: [{ value: 'x'.repeat(size) }] })],
  keyBytesMax: ['topics/orders/messages', (size) => ({ messages: [{ value: '', key: 'k'.repeat(size) }] })],
  headersMax: ['topics/orders/messages', (size) => ({ messages: [{ value: '', headers: headersOf(size) }] })],
  headerBytesMax: [
    'topics/orders/messages',
    (size) => ({ messages: [{ value: '', headers: { name: 'v'.repeat(size - 'name'.length) } }] }),
  ],
  idCharactersMax: ['topics/orders/messages', (size) => ({ messages: [{ value: '', id: 'i'.repeat(size) }] })],
  timestampMsMax: ['topics/orders/messages', (size) => ({ messages: [{ value: '', timestamp: size }] })],
  messagesPerPublishMax: ['topics/orders/messages', (size) => ({ messages: many(size, () => ({ value: '' })) })],
  pullMessagesMax: ['subscriptions/reader/pull', (size) => ({ maxMessages: size, waitMs: 0 })],
  pullBytesMax: ['subscriptions/reader/pull', (size) => ({ maxBytes: size, waitMs: 0 })],
  tokensPerCallMax: ['subscriptions/reader/ack', (size) => ({ tokens: many(size, String) })],
  tokenCharactersMax: ['subscriptions/reader/ack', (size) => ({ tokens: ['t'.repeat(size)] })],
  partitionsPerTopicMax: ['topics', (size) => ({ name: `with-${size}`, partitions: size })],
  ackDeadlineMsMax: ['subscriptions', (size) => subscription({ ackDeadlineMs: size })],
  maxInFlightMessages: ['subscriptions', (size) => subscription({ maxInFlight: { messages: size } })],
  maxInFlightBytes: ['subscriptions', (size) => subscription({ maxInFlight: { bytes: size } })],
  backoffMsMax: ['subscriptions', (size) => subscription({ retry: { maxBackoffMs: size } })],
  maxAttemptsMax: ['subscriptions', (size) => subscription({ retry: { maxAttempts: size } })],
};

/** The same over gRPC, where the field is there. */
const calls: Readonly<Record<string, readonly [rpc: string, request: (size: number) => object]>> = {
  valueBytesMax: ['publish', (size) => ({ topic: 'orders', messages: [{ value: Buffer.alloc(size) }] })],
  keyBytesMax: ['publish', (size) => ({ topic: 'orders', messages: [{ text: '', key: Buffer.alloc(size, 'k') }] })],
  headersMax: [
    'publish',
    (size) => ({
      topic: 'orders',
      messages: [{ text: '', headers: many(size, (n) => ({ name: `h${n}`, value: Buffer.alloc(0) })) }],
    }),
  ],
  idCharactersMax: ['publish', (size) => ({ topic: 'orders', messages: [{ text: '', id: 'i'.repeat(size) }] })],
  messagesPerPublishMax: ['publish', (size) => ({ topic: 'orders', messages: many(size, () => ({ text: '' })) })],
  pullMessagesMax: ['pull', (size) => ({ subscription: 'reader', maxMessages: size, waitMs: 0 })],
  tokensPerCallMax: ['acknowledge', (size) => ({ subscription: 'reader', tokens: many(size, String) })],
  tokenCharactersMax: ['acknowledge', (size) => ({ subscription: 'reader', tokens: ['t'.repeat(size)] })],
  partitionsPerTopicMax: ['createTopic', (size) => ({ name: `grpc-${size}`, partitions: size })],
};

describe('a bound on what is asked', () => {
  it.each(Object.keys(bodies))('%s, over REST', async (name) => {
    const world = await started();
    const [path, body] = bodies[name] as (typeof bodies)[string];
    const bound = limitValue(name as never);
    const at = await world.post(path, body(bound));
    expect([200, 201, 207], `${bound}: ${JSON.stringify(at.json).slice(0, 300)}`).toContain(at.status);
    const above = await world.post(path, body(bound + 1));
    const code = promised(name);
    expect([above.json.code, above.status]).toEqual([code, errorCodes[code as 'internal'].httpStatus]);
  });

  it.each(Object.keys(calls))('%s, over gRPC', async (name) => {
    const world = await started();
    const ask = world.grpc() as unknown as Record<string, (body: object) => Promise<object>>;
    const [rpc, body] = calls[name] as (typeof calls)[string];
    const bound = limitValue(name as never);
    await ask[rpc]?.(body(bound));
    const refused = await refusal(ask[rpc]?.(body(bound + 1)) ?? Promise.resolve());
    expect(refused.reason).toBe(promised(name));
  });

  it('the shortest ack deadline, the longest wait, the largest browse: one beyond is refused', async () => {
    const world = await started();
    const shortest = limitValue('ackDeadlineMsMin');
    expect((await world.post('subscriptions', subscription({ ackDeadlineMs: shortest }))).status).toBe(201);
    expect((await world.post('subscriptions', subscription({ ackDeadlineMs: shortest - 1 }))).status).toBe(400);
    await world.post('topics/orders/messages', { messages: [{ value: 'there' }] });
    const longest = limitValue('pullWaitMsMax');
    expect((await world.post('subscriptions/reader/pull', { waitMs: longest })).json.deliveries).toHaveLength(1);
    expect((await world.post('subscriptions/reader/pull', { waitMs: longest + 1 })).json.code).toBe('invalid_argument');
    const largest = limitValue('readMessagesMax');
    const browse = async (limit: number) =>
      (await fetch(`${world.url}/v1/topics/orders/partitions/0/messages?limit=${limit}`)).status;
    expect([await browse(largest), await browse(largest + 1)]).toEqual([200, 400]);
  });

  it('a body of JSON, and a message of gRPC', async () => {
    const world = await started();
    const bound = limitValue('bodyBytesMax');
    const body = JSON.stringify({ messages: [{ value: 'x' }] });
    const at = await world.raw('topics/orders/messages', body.padEnd(bound));
    expect(at.status).toBe(200);
    const above = await world.raw('topics/orders/messages', body.padEnd(bound + 1));
    expect([above.status, above.json.code]).toEqual([413, 'message_too_large']);

    const { Publish } = loadedPublisher();
    const sized = (bytes: number): object => {
      // Eight messages fill it but for a rest; the key of the last one takes what is missing.
      const messages = many(8, () => ({ value: Buffer.alloc(1_048_000), key: Buffer.alloc(0) }));
      const last = { value: Buffer.alloc(100), key: Buffer.alloc(1_000) };
      const size = (): number => Publish.requestSerialize({ topic: 'orders', messages: [...messages, last] }).length;
      last.key = Buffer.alloc(1_000 + (bytes - size()));
      expect(size()).toBe(bytes);
      return { topic: 'orders', messages: [...messages, last] };
    };
    await world.grpc().publish(sized(bound));
    // Refused by the library, before there is anything that could have a code of ours.
    await expect(world.grpc().publish(sized(bound + 1))).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  });

  it('a line of NDJSON', async () => {
    const world = await started();
    const bound = limitValue('ndjsonLineBytesMax');
    const line = JSON.stringify({ value: 'x' });
    const type = { 'content-type': 'application/x-ndjson' };
    const body = `${line.padEnd(bound)}\n${line.padEnd(bound + 1)}\n${line}\n`;
    const answer = await fetch(`${world.url}/v1/topics/orders/messages`, { method: 'POST', headers: type, body });
    const results = (await answer.text())
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text));
    expect(results.map(({ problem }) => problem?.code)).toEqual([undefined, 'message_too_large', undefined]);
  });

  it('a frame of a WebSocket', async () => {
    const world = await started();
    const bound = limitValue('webSocketFrameBytesMax');
    const frame = JSON.stringify({ start: { credit: { messages: 1 } } });
    for (const [bytes, code] of [
      [bound, 1000],
      [bound + 1, 1009],
    ] as const) {
      const socket = await world.webSocket();
      socket.send(frame.padEnd(bytes));
      const closed = once(socket, 'close');
      socket.ping();
      if (code === 1000) await once(socket, 'pong').then(() => socket.close(1000));
      expect((await closed)[0]).toBe(code);
    }
  });

  it('the head of a request', async () => {
    const world = await started();
    const asked = async (bytes: number): Promise<string> => {
      const socket = await world.socket();
      const start = 'GET /livez HTTP/1.1\r\nhost: a\r\nx: ';
      socket.write(`${start}${'x'.repeat(bytes - start.length - 4)}\r\n\r\n`);
      return (await firstBytes(socket)).split('\r\n', 1)[0] ?? '';
    };
    const bound = limitValue('requestHeadBytesMax');
    expect(await asked(bound - 64)).toBe('HTTP/1.1 200 OK');
    expect(await asked(bound + 64)).toContain('413');
  });
});

describe('a bound on time', () => {
  it('a head, and a body, that come too late are answered 400 and closed; those in time are served', async () => {
    const world = await started({ headersTimeoutMs: 300, requestTimeoutMs: 300 });
    const late = await world.socket();
    late.write('GET /livez HTTP/1.1\r\nhost: a\r\n');
    expect(await firstBytes(late)).toContain('did not arrive in time');
    const slow = await world.socket();
    const head = 'POST /v1/topics HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 15\r\n\r\n';
    slow.write(`${head}{"name":`);
    expect(await firstBytes(slow)).toContain('did not arrive in time');
    const good = await world.socket();
    good.write(`${head}{"name":`);
    good.write('"slow"}');
    expect(await firstBytes(good)).toContain('HTTP/1.1 201');
  });

  it('what came too late was not done, nor is it afterwards, and it holds no room meanwhile', async () => {
    const world = await started({ requestTimeoutMs: 300 });
    const socket = await world.socket();
    const closed = once(socket, 'close');
    const body = '{"messages":[{"value":"late"}]}';
    socket.write(
      `POST /v1/topics/orders/messages HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body.slice(0, 9)}`,
    );
    expect(await firstBytes(socket)).toContain('did not arrive in time');
    // As a client does that writes all of its body before it reads.
    socket.write(body.slice(9));
    await closed;
    expect((await world.port.read('orders', 0, 'earliest', 10)).messages).toEqual([]);
  });

  it('silence: Node is told the bounds of the page', async () => {
    const { built } = await appOnly();
    expect(built.app.server.timeout).toBe(limitValue('connectionTimeoutMs'));
    expect(built.app.server.keepAliveTimeout).toBe(limitValue('keepAliveTimeoutMs'));
    expect(built.app.server.headersTimeout).toBe(limitValue('headersTimeoutMs'));
  });
});

describe('a bound on what is there at the same time', () => {
  it('connections: one above is answered 503 and closed, and one that leaves makes room', async () => {
    const world = await started({ connectionsMax: 2 });
    const ask = 'GET /livez HTTP/1.1\r\nhost: a\r\n\r\n';
    const [one, two] = [await world.socket(), await world.socket()];
    for (const socket of [one, two]) {
      socket.write(ask);
      expect(await firstBytes(socket)).toContain('HTTP/1.1 200');
    }
    const three = await world.socket();
    const ended = once(three, 'close');
    three.write(ask);
    expect(await firstBytes(three)).toMatch(/HTTP\/1\.1 503[\s\S]*"code":"overloaded"/);
    await ended;
    one.destroy();
    await expect
      .poll(async () => {
        const next = await world.socket();
        next.write(ask);
        const answer = await firstBytes(next);
        next.destroy();
        return answer.split('\r\n', 1)[0];
      })
      .toBe('HTTP/1.1 200 OK');
  });

  it('connections of gRPC: one above is closed', async () => {
    const world = await started({ grpcConnectionsMax: 1 });
    await world.grpc().listTopics({});
    const second = asking(world.anotherGrpc());
    await expect(second.listTopics({}, { deadline: Date.now() + 2_000 })).rejects.toMatchObject({ name: 'Error' });
    await world.grpc().listTopics({});
  });

  it('streams of every kind together: one above is refused by its own means', async () => {
    const world = await started({ streamsMax: 2 });
    const one = await world.webSocket();
    one.send('{"start":{"credit":{"messages":1}}}');
    const two = await world.sse();
    expect(two.status).toBe(200);
    await expect.poll(async () => (await world.sse()).status).toBe(429);
    const refusedSocket = world.openingWebSocket();
    const closed = once(refusedSocket, 'close');
    const said = once(refusedSocket, 'message');
    expect(String((await said)[0])).toContain('too_many_in_flight');
    expect((await closed)[0]).toBe(1013);
    const lines = await world.raw('topics/orders/messages', '{"value":"x"}\n', 'application/x-ndjson');
    expect([lines.status, lines.json.code]).toEqual([429, 'too_many_in_flight']);
    const stream = world.clients().subscriber.streamingPull();
    stream.write({ start: { subscription: 'reader', credit: { messages: 1 } } });
    const [error] = await once(stream, 'error');
    expect(String(error)).toContain('RESOURCE_EXHAUSTED');
    two.leave();
    await expect.poll(async () => (await world.sse()).status).toBe(200);
  });

  it('streams of one subscription', { timeout: 60_000 }, async () => {
    const world = await started();
    const bound = limitValue('consumersPerSubscriptionMax');
    const open = await Promise.all(many(bound, async () => (await world.sse()).status));
    expect(new Set(open)).toEqual(new Set([200]));
    expect((await world.sse()).status).toBe(429);
  });

  it('publish requests without an answer, pulls that wait, subscriptions that are pulled from', async () => {
    const { port, answerAll } = await slowPort();
    const world = await started(
      { publishesInFlightMax: 2, pullsWaitingPerSubscriptionMax: 2, pullSessionsMax: 1 },
      port,
    );
    const publish = async () => await world.post('topics/orders/messages', { messages: [{ value: 'x' }] });
    const underWay = [publish(), publish()];
    await expect.poll(() => answerAll.waiting).toBe(2);
    expect((await publish()).json.code).toBe('too_many_in_flight');
    answerAll();
    for (const { status } of await Promise.all(underWay)) expect(status).toBe(200);

    const pull = async (name: string, waitMs: number) => await world.post(`subscriptions/${name}/pull`, { waitMs });
    await pull('reader', 0).then(async ({ json }) => {
      for (const { ackToken } of json.deliveries) await world.post('subscriptions/reader/ack', { tokens: [ackToken] });
    });
    const waiting = [pull('reader', 3_000), pull('reader', 3_000)];
    await expect.poll(async () => (await pull('reader', 0)).json.code).toBe('too_many_in_flight');
    await world.port.createSubscription({ name: 'second', topic: 'orders' });
    expect((await pull('second', 0)).json.code).toBe('too_many_in_flight');
    for (const { status } of await Promise.all(waiting)) expect(status).toBe(200);
  });

  it('bodies of all requests together: announced ones count before they are here', async () => {
    const world = await started();
    const each = limitValue('bodyBytesMax');
    const fits = limitValue('bodyBytesInFlightMax') / each;
    const announce = async (): Promise<Socket> => {
      const socket = await world.socket();
      socket.write(
        `POST /v1/topics HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${each}\r\n\r\n{`,
      );
      return socket;
    };
    const sockets = await Promise.all(many(fits, announce));
    const above = await announce();
    expect(await firstBytes(above)).toMatch(/503[\s\S]*"code":"overloaded"/);
    for (const socket of sockets) {
      expect(socket.bytesRead).toBe(0);
      socket.destroy();
    }
    await expect.poll(async () => (await world.post('topics', { name: 'after' })).status).toBe(201);
  });
});

describe('the page', () => {
  /** Tested where their door is: what waits, what is cut into frames, what the port does with a backend that hangs. */
  const elsewhere = [
    'grpcCallsPerConnectionMax',
    'publishInFlightMessagesMax',
    'publishInFlightBytesMax',
    'streamFramesInFlightMax',
    'streamFrameMessagesMax',
    'streamFrameBytesMax',
    'grpcIdleMs',
    'grpcKeepaliveTimeoutMs',
    'streamHeartbeatMs',
    'pullIdleMs',
    'publishTimeoutMs',
    'adminTimeoutMs',
    'healthTimeoutMs',
    'shutdownMs',
    // test/security/shares.test.ts
    'grpcOpenStreamsMax',
    'grpcOpenMessageBytesMax',
    // test/gateway/access/bounds.test.ts
    'credentialCharactersMax',
    'principalCharactersMax',
    'scopesMax',
    'scopeCharactersMax',
    'wildcardsMax',
    'keysMax',
    'keysFileBytesMax',
    'traceFlushMs',
    'traceSpansWaitingMax',
  ];
  const here = [
    ...Object.keys(bodies),
    'ackDeadlineMsMin',
    'pullWaitMsMax',
    'readMessagesMax',
    'bodyBytesMax',
    'ndjsonLineBytesMax',
    'webSocketFrameBytesMax',
    'requestHeadBytesMax',
    'headersTimeoutMs',
    'requestTimeoutMs',
    'connectionTimeoutMs',
    'keepAliveTimeoutMs',
    'connectionsMax',
    'grpcConnectionsMax',
    'streamsMax',
    'consumersPerSubscriptionMax',
    'publishesInFlightMax',
    'pullsWaitingPerSubscriptionMax',
    'pullSessionsMax',
    'bodyBytesInFlightMax',
  ];

  it('has a test for each of its rows, and names no bound twice', () => {
    expect(rows.map(({ name }) => name as string).toSorted()).toEqual([...here, ...elsewhere].toSorted());
  });

  it('has a row for each bound that can be set', () => {
    for (const name of Object.keys(configurableLimits)) expect(rows.map((row) => row.name)).toContain(name);
  });
});

interface World {
  readonly gateway: Gateway;
  readonly port: MessagingPort;
  readonly url: string;
  post(path: string, body: unknown): Promise<Answer>;
  raw(path: string, body: string, type?: string): Promise<Answer>;
  socket(): Promise<Socket>;
  webSocket(): Promise<WebSocket>;
  openingWebSocket(): WebSocket;
  sse(): Promise<{ readonly status: number; leave(): void }>;
  clients(): ReturnType<typeof grpcClients>;
  anotherGrpc(): ReturnType<typeof grpcClients>;
  grpc(): ReturnType<typeof asking>;
}

interface Answer {
  readonly status: number;
  readonly json: ReturnType<typeof JSON.parse>;
}

async function started(
  limits: { readonly [L in keyof typeof configurableLimits]?: number } = {},
  given?: MessagingPort,
): Promise<World> {
  const port = given ?? (await openModel());
  const gateway = await startGateway({ port: 0, limits }, { port });
  await port.createTopic({ name: 'orders' });
  await port.createSubscription({ name: 'reader', topic: 'orders' });
  const { url } = gateway;
  const address = new URL(url);
  let shared: ReturnType<typeof grpcClients> | undefined;
  const open: { close(): void }[] = [];
  onTestFinished(async () => {
    for (const client of open) client.close();
    await gateway.close();
    await port.close();
  });
  const anotherGrpc = () => {
    const clients = grpcClients(gateway.grpcAddress ?? '');
    open.push(...Object.values(clients));
    return clients;
  };
  const raw = async (path: string, body: string, type = 'application/json'): Promise<Answer> => {
    const answer = await fetch(`${url}/v1/${path}`, { method: 'POST', headers: { 'content-type': type }, body });
    return { status: answer.status, json: await answer.json() };
  };
  const openingWebSocket = (): WebSocket => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/subscriptions/reader/ws`);
    socket.on('error', () => undefined);
    onTestFinished(() => socket.terminate());
    return socket;
  };
  // One connection for all: each client of the library would have one of its own.
  const clients = () => (shared ??= anotherGrpc());
  return {
    gateway,
    port,
    url,
    raw,
    post: async (path, body) => await raw(path, JSON.stringify(body)),
    socket: async () => {
      const socket = connectSocket(Number(address.port), address.hostname);
      socket.on('error', () => undefined);
      onTestFinished(() => void socket.destroy());
      await once(socket, 'connect');
      return socket;
    },
    openingWebSocket,
    webSocket: async () => {
      const socket = openingWebSocket();
      await once(socket, 'open');
      return socket;
    },
    sse: async () => {
      const asked = request(`${url}/v1/subscriptions/reader/stream?ack=manual`);
      asked.on('error', () => undefined);
      onTestFinished(() => void asked.destroy());
      asked.end();
      const [answer] = (await once(asked, 'response')) as [{ statusCode: number; resume(): void }];
      answer.resume();
      return { status: answer.statusCode, leave: () => asked.destroy() };
    },
    clients,
    anotherGrpc,
    grpc: () => asking(clients()),
  };
}

async function appOnly() {
  const { buildApp } = await import('../../src/gateway/app.ts');
  const port = await openModel();
  const built = buildApp({ port });
  onTestFinished(async () => {
    await built.app.close();
    await port.close();
  });
  return { built };
}

/** A port whose publishes wait until they are let go. */
async function slowPort() {
  const model = await openModel();
  let waiting: (() => void)[] = [];
  const answerAll = Object.assign(
    () => {
      for (const answer of waiting) answer();
      waiting = [];
    },
    { waiting: 0 },
  );
  const port = new Proxy(model, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (name !== 'publish') return typeof value === 'function' ? value.bind(target) : value;
      return async (...args: Parameters<MessagingPort['publish']>) => {
        answerAll.waiting += 1;
        await new Promise<void>((resolve) => waiting.push(resolve));
        return await target.publish(...args);
      };
    },
  });
  return { port, answerAll };
}

function loadedPublisher(): { Publish: { requestSerialize(request: object): Buffer } } {
  return loadProto()['sluice.v1.Publisher'] as never;
}

async function firstBytes(socket: Socket): Promise<string> {
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  return chunk.toString();
}

function subscription(options: object): object {
  return { name: `s-${Math.random().toString(36).slice(2)}`, topic: 'orders', ...options };
}

function headersOf(count: number): Record<string, string> {
  return Object.fromEntries(many(count, (index) => [`h${index}`, 'v']));
}

function many<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}
