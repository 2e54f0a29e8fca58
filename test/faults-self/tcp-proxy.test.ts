import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TcpProxy } from '../../src/faults/index.ts';

/** A server that sends back what it gets, and a client that reaches it through the proxy. */
let server: Server;
let proxy: TcpProxy;
let served: Buffer;
const sockets = new Set<Socket>();

beforeEach(async () => {
  served = Buffer.alloc(0);
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      served = Buffer.concat([served, chunk]);
      socket.write(chunk);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy = await TcpProxy.to({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
});
afterEach(async () => {
  await proxy.close();
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  server.close();
});

interface Client {
  readonly socket: Socket;
  received: number;
  readonly ended: Promise<string>;
}

async function client(): Promise<Client> {
  const socket = connect({ host: '127.0.0.1', port: proxy.port, noDelay: true });
  const made: Client = {
    socket,
    received: 0,
    ended: new Promise((resolve) => {
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
      socket.on('close', () => resolve('closed'));
    }),
  };
  sockets.add(socket);
  socket.on('data', (chunk: Buffer) => (made.received += chunk.length));
  // A reset after 0 bytes may come before the connection is told of.
  await Promise.race([once(socket, 'connect').catch(() => undefined), made.ended]);
  return made;
}

describe('the proxy of the fault rounds', () => {
  it('passes everything, both ways', async () => {
    const { socket } = await client();
    socket.write('there and back');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toBe('there and back');
  });

  it.each([0, 1, 64, 4_095])('resets a new connection after exactly %i bytes to the broker', async (bytes) => {
    const plan = proxy.resetNext('toBroker', bytes);
    const { socket, ended } = await client();
    socket.write(Buffer.alloc(8_192));
    expect(await ended).toMatch(/ECONNRESET|EPIPE|closed/);
    expect(plan.hasFired).toBe(true);
    await expect.poll(() => served.length).toBe(bytes);
  });

  it('resets after exactly so many bytes of an answer, once', async () => {
    const plan = proxy.resetNext('toClient', 100);
    const first = await client();
    first.socket.write(Buffer.alloc(1_000));
    expect(await first.ended).toMatch(/ECONNRESET|EPIPE|closed/);
    expect(first.received).toBeLessThanOrEqual(100);
    expect(plan.hasFired).toBe(true);
    const second = await client();
    second.socket.write(Buffer.alloc(1_000));
    await expect.poll(() => second.received).toBe(1_000);
  });

  it('delays, and keeps the order', async () => {
    proxy.latencyMs = 50;
    const { socket } = await client();
    const startedAtMs = performance.now();
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    for (const part of ['a', 'b', 'c']) socket.write(part);
    await expect.poll(() => text).toBe('abc');
    expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(99);
  });

  it('keeps the order when it becomes faster while something is under way', async () => {
    const { socket } = await client();
    proxy.latencyMs = 50;
    socket.write(Buffer.from('slow'));
    await expect.poll(() => socket.bytesWritten).toBe(4);
    await new Promise((resolve) => setImmediate(resolve));
    proxy.latencyMs = 0;
    socket.write(Buffer.from('quick'));
    await expect.poll(() => served.length).toBe(9);
    expect(served.toString()).toBe('slowquick');
  });

  it('swallows everything as a black hole, tells nobody, and ends the connections of that time afterwards', async () => {
    const made = await client();
    proxy.blackhole = true;
    made.socket.write('into nothing');
    const late = await client();
    late.socket.write('also');
    const probe = once(late.socket, 'close').then(() => 'closed');
    expect(
      await Promise.race([made.ended, probe, new Promise((resolve) => setImmediate(() => resolve('silence')))]),
    ).toBe('silence');
    expect(served.length).toBe(0);
    proxy.blackhole = false;
    expect(await made.ended).toMatch(/ECONNRESET|closed/);
    const next = await client();
    next.socket.write('again');
    await expect.poll(() => next.received).toBe(5);
  });

  it('leaves a client with a connection that the broker has closed', async () => {
    const made = await client();
    made.socket.write('x');
    await expect.poll(() => made.received).toBe(1);
    const [atBroker] = [...sockets].filter((socket) => socket !== made.socket);
    const closed = once(atBroker as Socket, 'close');
    proxy.halfOpen();
    await closed;
    made.socket.write('to nobody');
    expect(made.socket.readyState).toBe('open');
    expect(served.toString()).toBe('x');
  });

  it('tells an end late when closing is slow', async () => {
    proxy.closeDelayMs = 100;
    const made = await client();
    made.socket.write('x');
    await expect.poll(() => made.received).toBe(1);
    const startedAtMs = performance.now();
    proxy.endBroker();
    await made.ended;
    expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(95);
  });
});
