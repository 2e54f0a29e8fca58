/** WebSocket: the frames of StreamingPull in JSON. */

import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createConnection } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import type { MessagingPort } from '../../src/adapters/index.ts';
import { openModel } from '../support/model-driver.ts';
import { openSocket, socketAddress } from '../support/stream-clients.ts';
import { type Listening, listening, topicWithReader } from './listening.ts';

describe('a WebSocket', () => {
  it('delivers within its credit, settles under the number of the frame, and takes more credit', async () => {
    const world = await listening();
    const { topic, subscription } = await topicWithReader(world, {}, { retry: { minBackoffMs: 0 } });
    await publish(world, topic, 5);
    const client = await openSocket(world, subscription);
    client.send({ start: { credit: { messages: 3 } } });
    await expect.poll(() => client.deliveries().length).toBe(3);
    const [first, second] = client.deliveries();
    client.send({ ack: { tokens: [first?.ackToken, 'nonsense'] }, correlationId: 7 });
    await expect
      .poll(() => client.results(7))
      .toEqual([
        { token: first?.ackToken, status: 'ok' },
        { token: 'nonsense', status: 'invalid' },
      ]);
    client.send({ nack: { tokens: [second?.ackToken], delayMs: 0 } });
    client.send({ credit: { messages: 3 } });
    await expect.poll(() => client.deliveries().length).toBe(6);
    expect(client.deliveries().filter(({ attempt }) => attempt === 2)).toHaveLength(1);
  });

  it('that is still opening when the gateway drains is told so, and not that it was opened', async () => {
    const port = await openModel();
    onTestFinished(async () => await port.close());
    let open: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    let isAsked = false;
    const subscribe: MessagingPort['subscribe'] = async (...given) => {
      isAsked = true;
      await opened;
      return await port.subscribe(...given);
    };
    const slow = new Proxy(port, {
      get: (target, name) => {
        const own: unknown = name === 'subscribe' ? subscribe : Reflect.get(target, name, target);
        return typeof own === 'function' ? own.bind(target) : own;
      },
    });
    const world = await listening({ port: slow });
    const { subscription } = await topicWithReader(world);
    const client = await openSocket(world, subscription);
    const closed = once(client.socket, 'close') as Promise<[number]>;
    client.send({ start: { credit: { messages: 1 } } });
    await expect.poll(() => isAsked).toBe(true);
    const closing = world.gateway.close();
    open();
    expect((await closed)[0]).toBe(1001);
    expect(client.problem()).toMatchObject({ code: 'draining' });
    await closing;
  });

  it('gives back, uncounted, what it held when it is closed or cut', async () => {
    const world = await listening();
    const { topic, subscription } = await topicWithReader(world);
    await publish(world, topic, 2);
    for (const leave of ['close', 'terminate'] as const) {
      const client = await openSocket(world, subscription);
      client.send({ start: { credit: { messages: 10 } } });
      await expect.poll(() => client.deliveries().length).toBe(2);
      expect(client.deliveries().map(({ attempt }) => attempt)).toEqual([1, 1]);
      client.socket[leave]();
      await expect.poll(async () => await world.metric('sluice_streams_open')).toBe(0);
    }
    const consumer = await world.port.subscribe(subscription, { credit: { messages: 10 } });
    expect((await consumer.pull({ maxMessages: 10, waitMs: 5_000 })).map(({ attempt }) => attempt)).toEqual([1, 1]);
  });

  it.each([
    ['{"credit":{"messages":1}}', 'invalid_argument', 1008],
    ['{"start":{},"stop":1}', 'unknown_field', 1008],
    ['not JSON', 'invalid_argument', 1008],
    ['{"start":{"subscription":"another"}}', 'invalid_argument', 1008],
  ])('%s is answered with its problem, and ends it', async (text, code, closeCode) => {
    const world = await listening();
    const { subscription } = await topicWithReader(world);
    const client = await openSocket(world, subscription);
    const closed = once(client.socket, 'close') as Promise<[number]>;
    client.socket.send(text);
    expect((await closed)[0]).toBe(closeCode);
    expect(client.problem()?.code).toBe(code);
  });

  it('a frame above the limit, or of bytes, ends it', async () => {
    const world = await listening();
    const { subscription } = await topicWithReader(world);
    const large = await openSocket(world, subscription);
    large.socket.send('x'.repeat(1024 * 1024 + 1));
    expect(((await once(large.socket, 'close')) as [number])[0]).toBe(1009);
    const binary = await openSocket(world, subscription);
    binary.socket.send(Buffer.from('{}'));
    expect(((await once(binary.socket, 'close')) as [number])[0]).toBe(1008);
  });

  it('is told about a deleted subscription and about the shutdown', async () => {
    const world = await listening();
    const { subscription } = await topicWithReader(world);
    const { subscription: other } = await topicWithReader(world);
    const deleted = await openSocket(world, subscription);
    const drained = await openSocket(world, other);
    for (const client of [deleted, drained]) client.send({ start: { credit: { messages: 1 } } });
    await expect.poll(async () => await world.metric('sluice_streams_open')).toBe(2);
    const gone = once(deleted.socket, 'close') as Promise<[number]>;
    await world.port.deleteSubscription(subscription);
    expect((await gone)[0]).toBe(1008);
    expect(deleted.problem()?.code).toBe('subscription_not_found');
    const away = once(drained.socket, 'close') as Promise<[number]>;
    await world.gateway.close();
    expect((await away)[0]).toBe(1001);
    expect(drained.problem()?.code).toBe('draining');
  });

  it('of a client that does not read takes no more from the backend than the buffers hold', async () => {
    const world = await listening();
    const { topic, subscription } = await topicWithReader(
      world,
      {},
      { maxInFlight: { messages: 10_000, bytes: 256 * 1024 * 1024 } },
    );
    for (let batch = 0; batch < 12; batch += 1) await publish(world, topic, 50, 'x'.repeat(100_000)); // 60 MB
    const client = await openSocket(world, subscription);
    client.send({ start: { credit: { messages: 10_000 } } });
    await expect.poll(() => client.deliveries().length).toBeGreaterThan(0);
    client.socket.pause();
    let last = -1;
    let same = 0;
    await expect
      .poll(
        async () => {
          const now = await world.metric('sluice_deliver_messages_total');
          same = now === last ? same + 1 : 0;
          last = now;
          return same;
        },
        { interval: 30, timeout: 10_000 },
      )
      .toBeGreaterThan(8);
    expect(last).toBeLessThan(400);
    client.socket.terminate();
  });

  it.each([
    ['a subscription that is not there', 'nothing', {}, 404],
    ['a page of another origin', undefined, { origin: 'http://news.example' }, 403],
  ])('%s is refused before the upgrade', async (_, name, headers, status) => {
    const world = await listening();
    const { subscription } = await topicWithReader(world);
    const socket = new WebSocket(socketAddress(world, name ?? subscription), { headers });
    const [, answer] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
    expect(answer.statusCode).toBe(status);
  });

  it('a request that asks for no upgrade is told so', async () => {
    const world = await listening();
    const { subscription } = await topicWithReader(world);
    const answer = await fetch(`${world.url}/v1/subscriptions/${subscription}/ws`);
    expect([answer.status, ((await answer.json()) as { detail: string }).detail]).toEqual([
      400,
      'this is a WebSocket: the request must ask for an upgrade',
    ]);
  });

  it('an upgrade of any other route is answered as if nobody had asked', async () => {
    const world = await listening();
    const socket = new WebSocket(`${world.url.replace('http', 'ws')}/v1/topics`);
    const [, answer] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
    expect(answer.statusCode).toBe(200);
    answer.destroy();
  });

  it('a client that asks for h2c with a POST is answered over HTTP/1.1, with its body read, and may go on', async () => {
    const world = await listening();
    const { topic } = await topicWithReader(world);
    const socket = createConnection(Number(new URL(world.url).port), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const body = JSON.stringify({ messages: [{ value: 'grüezi' }] });
    const asked =
      `POST /v1/topics/${topic}/messages HTTP/1.1\r\nhost: sluice\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAEAAEAA\r\n\r\n`;
    for (let round = 1; round <= 3; round += 1) {
      // Head and body by themselves, as slow clients send them.
      socket.write(asked);
      await new Promise((resolve) => setImmediate(resolve));
      socket.write(body);
      await expect.poll(() => text.match(/HTTP\/1\.1 200 OK/g)?.length ?? 0).toBe(round);
    }
    const { messages } = await world.port.read(topic, 0, 'earliest', 10);
    expect(messages.map(({ value }) => value?.toString())).toEqual(['grüezi', 'grüezi', 'grüezi']);
  });
});

async function publish(world: Listening, topic: string, count: number, value = 'x'): Promise<void> {
  await world.port.publish(
    topic,
    Array.from({ length: count }, () => ({ value })),
  );
}
