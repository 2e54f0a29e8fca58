/** Nobody takes what belongs to all: without credentials nothing is held, and one principal has a share of streams and of memory. */

import { once } from 'node:events';
import { type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { buildApp } from '../../src/gateway/app.ts';
import { ByteBudget } from '../../src/gateway/byte-budget.ts';
import { gatewayLimits } from '../../src/gateway/limits.ts';
import { guarded, type Guarded, keyWith } from '../gateway/access/support.ts';
import { openModel } from '../support/model-driver.ts';

const grpcStatus = { invalidArgument: '3', resourceExhausted: '8', unauthenticated: '16' } as const;

describe('without credentials', () => {
  it('bodies for no route take no room from those of others', async () => {
    const { key, entry } = keyWith(['admin']);
    const world = await guarded({ access: { keys: [entry] } });
    await world.port.createTopic({ name: 'a' });
    const heads = [
      'POST /nope HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n',
      'POST /v1/topics/a/messages HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n',
    ];
    const sockets = await Promise.all(Array.from({ length: 80 }, async (_, at) => await asked(world, heads[at % 2])));
    for (const [at, text] of sockets.entries())
      expect(text).toMatch(at % 2 === 0 ? /^HTTP\/1.1 404/ : /^HTTP\/1.1 401/);
    const answer = await world.ask('POST', '/v1/topics/a/messages', { key, body: { messages: [{ value: 'x' }] } });
    expect(answer.status, answer.text).toBe(200);
  });

  it('a body that nobody wanted is not listened to for longer than one that somebody does', async () => {
    const world = await guarded({ limits: { requestTimeoutMs: 200 } });
    const { port, hostname } = new URL(world.url);
    const socket = connect(Number(port), hostname);
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => undefined);
    socket.write('POST /nope HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n');
    const closed = once(socket, 'close');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 404/);
    await closed;
  });

  it('a call of gRPC is refused by its metadata: nothing of its message is waited for or read', async () => {
    const { entry } = keyWith(['admin']);
    const world = await guarded({ access: { keys: [entry] } });
    for (const rpc of ['Publisher/Publish', 'Subscriber/Pull', 'Publisher/PublishStream']) {
      const call = grpcCall(world, `/sluice.v1.${rpc}`);
      expect(await statusOf(call), rpc).toBe(grpcStatus.unauthenticated);
    }
  });

  it('a call of gRPC that does not end is not waited for longer than a body', async () => {
    const { key, entry } = keyWith(['admin']);
    const world = await guarded({ access: { keys: [entry] }, limits: { requestTimeoutMs: 200 } });
    const call = grpcCall(world, '/sluice.v1.Publisher/Publish', { authorization: `Bearer ${key}` });
    call.write(frame(Buffer.from([0x0a, 0x01, 0x61])));
    expect(await statusOf(call)).toBe(grpcStatus.invalidArgument);
    const check = grpcCall(world, '/grpc.health.v1.Health/Check');
    check.write(frame(Buffer.alloc(0)));
    expect(await statusOf(check)).toBe(grpcStatus.invalidArgument);
  });

  it('a message to health has the size of a name, however small it is on the way', async () => {
    const world = await guarded({});
    const name = Buffer.alloc(1024 * 1024, 'x');
    const message = Buffer.concat([Buffer.from([0x0a, 0x80, 0x80, 0x40]), name]);
    const check = grpcCall(world, '/grpc.health.v1.Health/Check', { 'grpc-encoding': 'gzip' });
    check.write(frame(gzipSync(message), true));
    expect(await statusOf(check)).toBe(grpcStatus.invalidArgument);
  });

  it('streams of health are bounded by themselves, and take none of the others', async () => {
    const world = await guarded({ limits: { streamsMax: 2 } });
    await world.port.createTopic({ name: 'a' });
    await world.port.createSubscription({ name: 'r', topic: 'a' });
    const watchers: ClientHttp2Stream[] = [];
    for (let at = 0; at < gatewayLimits.grpcOpenStreamsMax; at += 1) {
      const watcher = grpcCall(world, '/grpc.health.v1.Health/Watch');
      watcher.end(frame(Buffer.alloc(0)));
      watchers.push(watcher);
    }
    await Promise.all(watchers.map(async (watcher) => await once(watcher, 'data')));
    const above = grpcCall(world, '/grpc.health.v1.Health/Watch');
    above.end(frame(Buffer.alloc(0)));
    expect(await statusOf(above)).toBe(grpcStatus.resourceExhausted);
    const events = await fetch(`${world.url}/v1/subscriptions/r/stream`);
    expect(events.status).toBe(200);
    await events.body?.cancel();
  });
});

describe('one principal', () => {
  it('has half of the streams at the most, started or not, and another one has its own', async () => {
    const [one, two] = [keyWith(['consume:*', 'read:*']), keyWith(['consume:*', 'read:*'])];
    const world = await guarded({ access: { keys: [one.entry, two.entry] }, limits: { streamsMax: 4 } });
    await world.port.createTopic({ name: 'a' });
    await world.port.createSubscription({ name: 'r', topic: 'a' });
    const stream = async (key: string): Promise<number> => {
      const answer = await fetch(`${world.url}/v1/subscriptions/r/stream?ack=manual`, {
        headers: { authorization: `Bearer ${key}` },
      });
      onTestFinished(async () => await answer.body?.cancel());
      return answer.status;
    };
    expect([await stream(one.key), await stream(one.key), await stream(one.key)]).toEqual([200, 200, 429]);
    expect(await stream(two.key)).toBe(200);
  });

  it('holds half of the bytes at the most; what is given back is there again', () => {
    const budget = new ByteBudget(100);
    const [one, two, three] = [budget.hold('a'), budget.hold('a'), budget.hold('b')];
    expect([one.set(30), two.set(20), two.set(21)]).toEqual([true, true, false]);
    expect([three.set(50), three.set(51), budget.hold().set(1)]).toEqual([true, false, false]);
    one.set(0);
    expect([two.set(50), budget.heldBytes]).toEqual([true, 100]);
    for (const hold of [two, three]) hold.set(0);
    // Alone, also what is larger than all there is.
    expect([budget.heldBytes, budget.hold('a').set(1_000)]).toEqual([0, true]);
  });
});

it('a line without an end is held to what all bodies may have: it has a problem for its result, and the next one is stored', async () => {
  const port = await openModel();
  const { app, context } = buildApp({ port });
  await app.listen({ port: 0, host: '127.0.0.1' });
  onTestFinished(async () => {
    app.server.closeAllConnections();
    await app.close();
    await port.close();
  });
  await port.createTopic({ name: 'a' });
  const { port: number } = app.server.address() as AddressInfo;
  let send: (text: string) => void = () => undefined;
  let finish: () => void = () => undefined;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      send = (text) => controller.enqueue(new TextEncoder().encode(text));
      finish = () => controller.close();
    },
  });
  send('{"value":"first"}\n');
  const answer = await fetch(`http://127.0.0.1:${number}/v1/topics/a/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body,
    duplex: 'half',
  } as RequestInit);
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  expect(await lineOf(reader)).toContain('"offset":0');
  const others = context.bodies.hold();
  const taken = gatewayLimits.bodyBytesInFlightMax - 10;
  others.set(taken);
  send('{"value"');
  await expect.poll(() => context.bodies.heldBytes).toBe(taken + '{"value"'.length);
  send(':"second, longer than the room that is left');
  // What was held of it is given back: it is dropped, up to its end.
  await expect.poll(() => context.bodies.heldBytes).toBe(taken);
  send('"}\n');
  expect(await lineOf(reader)).toContain('"overloaded"');
  others.set(0);
  send('{"value":"third"}\n');
  expect(await lineOf(reader)).toContain('"offset":1');
  finish();
  expect((await reader.read()).done).toBe(true);
  await expect.poll(() => context.bodies.heldBytes).toBe(0);
});

it('a connection that asks for another protocol again and again costs no more than one that does not', async () => {
  const port = await openModel();
  const { app } = buildApp({ port });
  const accepted = once(app.server, 'connection') as Promise<[Socket]>;
  await app.listen({ port: 0, host: '127.0.0.1' });
  onTestFinished(async () => {
    app.server.closeAllConnections();
    await app.close();
    await port.close();
  });
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  let answers = 0;
  socket.on('data', (bytes: Buffer) => (answers += bytes.toString().split('HTTP/1.1 200').length - 1));
  const [own] = await accepted;
  for (let round = 1; round <= 40; round += 1) {
    socket.write('GET /livez HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n');
    await expect.poll(() => answers).toBe(round);
  }
  expect(own.listenerCount('close')).toBeLessThan(20);
});

async function lineOf(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const { value } = await reader.read();
  return Buffer.from(value ?? []).toString();
}

/** What is answered to a head whose body does not come. */
async function asked(world: Guarded, head = ''): Promise<string> {
  const { port, hostname } = new URL(world.url);
  const socket: Socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined);
  socket.write(head);
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  return bytes.toString();
}

function grpcCall(world: Guarded, path: string, fields: Record<string, string> = {}): ClientHttp2Stream {
  const session = connectHttp2(`http://${world.gateway.grpcAddress}`);
  session.on('error', () => undefined);
  onTestFinished(() => session.destroy());
  const call = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...fields,
  });
  call.on('error', () => undefined);
  return call;
}

/** A message as gRPC frames it. */
function frame(message: Buffer, isCompressed = false): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(isCompressed ? 1 : 0, 0);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** It comes with the head of an answer without messages, or in its trailers. */
async function statusOf(call: ClientHttp2Stream): Promise<unknown> {
  return await new Promise((resolve) => {
    const look = (fields: Record<string, unknown>): void => {
      if (fields['grpc-status'] !== undefined) resolve(fields['grpc-status']);
    };
    call.on('response', look);
    call.on('trailers', look);
    call.resume();
  });
}
