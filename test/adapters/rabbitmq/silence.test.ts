import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { ChannelModel } from 'amqplib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endWhenSilent } from '../../../src/adapters/rabbitmq/silence.ts';

const HEARTBEAT_MS = 80;
let server: Server;
let peer: Socket;
let socket: Socket;

beforeEach(async () => {
  server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  [[peer]] = (await Promise.all([once(server, 'connection'), once(socket, 'connect')])) as [[Socket], unknown];
  socket.resume();
  endWhenSilent({ connection: { heartbeat: HEARTBEAT_MS / 1_000, stream: socket } } as unknown as ChannelModel);
});
afterEach(() => {
  socket.destroy();
  peer.destroy();
  server.close();
});

test('a connection on which nothing comes for more than a heartbeat is ended, with the reason', async () => {
  const startedAtMs = performance.now();
  const [error] = (await once(socket, 'error')) as [Error];
  expect(error.message).toMatch(/nothing came from RabbitMQ for more than its heartbeat of 0.08 s/);
  expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(HEARTBEAT_MS - 5);
});

test('one on which something comes every half heartbeat stays, for as long as it does', async () => {
  let isOver = false;
  socket.on('error', () => (isOver = true));
  for (let beats = 0; beats < 10; beats += 1) {
    peer.write('beat');
    await new Promise((resolve) => setTimeout(resolve, HEARTBEAT_MS / 2));
    if (isOver) break;
  }
  expect(isOver).toBe(false);
  await new Promise((resolve) => socket.once('close', resolve));
  expect(isOver).toBe(true);
});
