/** Server-sent events: a cursor in every id, no gap after a broken connection, tokens when asked for, bounded for a client that stalls. */

import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { AddressInfo } from 'node:net';
import { request } from 'node:http';
import { buildApp } from '../../src/gateway/app.ts';
import { alter } from '../support/broken-ports.ts';
import { openModel } from '../support/model-driver.ts';
import { openEvents, valueOf } from '../support/stream-clients.ts';
import { type Listening, listening, topicWithReader } from './listening.ts';

describe('ack=auto', () => {
  it('sends messages as they are, each with a cursor, and acknowledges what was sent', async () => {
    const world = await listening();
    const { topic, subscription } = await topicWithReader(world, { partitions: 2 });
    await publish(world, topic, ['one', 'two'], 0);
    await publish(world, topic, ['three'], 1);
    const client = await openEvents(world, subscription);
    expect(client.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    await expect.poll(() => client.messages().length).toBe(3);
    const [first] = client.messages();
    expect(JSON.parse(first?.data ?? '')).toMatchObject({ topic, partition: 0, offset: 0, value: 'one' });
    expect(client.lastId()).toBe('0:2,1:1');
    await expect.poll(async () => (await world.port.lag(subscription)).total).toBe(0);
  });

  it('goes on without a gap after a connection that broke with messages on the way', async () => {
    const world = await listening();
    const { topic, subscription } = await topicWithReader(world);
    await publish(world, topic, numbers(0, 10));
    const first = await openEvents(world, subscription);
    await expect.poll(() => first.messages().length).toBe(10);
    await expect.poll(async () => (await world.port.lag(subscription)).total).toBe(0);
    first.leave();
    // Of the ten that were acknowledged, the client got four.
    const seen = first.messages()[3]?.id ?? '';
    await publish(world, topic, numbers(10, 15));
    const second = await openEvents(world, subscription, { lastEventId: seen });
    await expect.poll(() => second.values()).toEqual(numbers(4, 15));
    await expect.poll(async () => (await world.port.lag(subscription)).total).toBe(0);
    await publish(world, topic, ['more']);
    await expect.poll(() => second.values()).toEqual([...numbers(4, 15), 'more']);
  });

  it('the first event is a cursor, so that a client that got nothing else loses nothing', async () => {
    const world = await listening();
    const { topic, subscription } = await topicWithReader(world, { partitions: 2 });
    await publish(world, topic, ['before'], 0);
    await world.port.seek(subscription, 'latest');
    const first = await openEvents(world, subscription);
    await expect.poll(() => first.lastId()).toBe('0:1,1:0');
    const got = first.lastId();
    await publish(world, topic, ['lost'], 1);
    await expect.poll(() => first.messages().length).toBe(1);
    await expect.poll(async () => (await world.port.lag(subscription)).total).toBe(0);
    first.leave();
    const second = await openEvents(world, subscription, { lastEventId: got });
    await expect.poll(() => second.values()).toEqual(['lost']);
  });

  it('twenty broken connections in a row: every message arrives, in order', async () => {
    const world = await listening();
    const { topic, subscription } = await topicWithReader(world);
    const all = numbers(0, 200);
    const received: string[] = [];
    let lastEventId = '';
    for (let round = 0; round < 20; round += 1) {
      await publish(world, topic, all.slice(round * 10, round * 10 + 10));
      const client = await openEvents(world, subscription, lastEventId === '' ? {} : { lastEventId });
      const wanted = received.length + 1 + (round % 7);
      // It takes note of a few, and loses the rest with the connection.
      await expect.poll(() => client.messages().length).toBeGreaterThan(round % 7);
      const kept = client.messages().slice(0, wanted - received.length);
      received.push(...kept.map(valueOf));
      lastEventId = kept.at(-1)?.id ?? lastEventId;
      client.leave();
    }
    const last = await openEvents(world, subscription, { lastEventId });
    await expect.poll(() => received.length + last.messages().length).toBe(200);
    expect([...received, ...last.values()]).toEqual(all);
  });

  it.each([
    ['a cursor that is none', 'yesterday', 400, 'invalid_argument'],
    ['a partition that is not there', '7:1', 400, 'invalid_argument'],
    ['an offset after the end', '0:99', 416, 'offset_out_of_range'],
  ])('%s is refused before the stream begins', async (_, lastEventId, status, code) => {
    const world = await listening();
    const { subscription } = await topicWithReader(world);
    const refused = await refusedStream(world, subscription, { 'last-event-id': lastEventId });
    expect([refused.status, refused.code]).toEqual([status, code]);
  });

  it('JSON that was stored with line breaks is one event, as JSON', async () => {
    const world = await listening();
    const { topic, subscription } = await topicWithReader(world);
    const pretty = JSON.stringify({ order: 1, note: 'two\nlines' }, null, 2).replaceAll('\n', '\r\n\r\n');
    await world.port.publish(topic, [{ value: pretty, contentType: 'application/json' }]);
    const client = await openEvents(world, subscription);
    await expect.poll(() => client.messages().length).toBe(1);
    expect(JSON.parse(client.messages()[0]?.data ?? '')).toMatchObject({ value: { order: 1, note: 'two\nlines' } });
  });

  it('a HEAD is not answered with a stream: it would consume', async () => {
    const world = await listening();
    const { topic, subscription } = await topicWithReader(world);
    await publish(world, topic, ['kept']);
    const asked = async (door: string) =>
      (await fetch(`${world.url}/v1/subscriptions/${subscription}/${door}`, { method: 'HEAD' })).status;
    expect([await asked('stream'), await asked('ws')]).toEqual([405, 404]);
    expect((await world.port.lag(subscription)).total).toBe(1);
  });

  it('a client that leaves while its stream opens is sent nothing, and nothing is acknowledged for it', async () => {
    const model = await openModel();
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    let closed = 0;
    const asked: string[] = [];
    const port = alter(model, {
      lag: async (name) => {
        asked.push(name);
        await gate;
        return await model.lag(name);
      },
      subscribe: async (name, options) => {
        const consumer = await model.subscribe(name, options);
        return alter(consumer, {
          close: async () => {
            await consumer.close();
            closed += 1;
          },
        });
      },
    });
    const { app } = buildApp({ port });
    const left = new Promise((resolve) => app.server.once('connection', (socket) => socket.once('close', resolve)));
    await app.listen({ port: 0, host: '127.0.0.1' });
    onTestFinished(async () => {
      await app.close();
      await model.close();
    });
    await model.createTopic({ name: 'orders' });
    await model.createSubscription({ name: 'reader', topic: 'orders' });
    await model.publish('orders', [{ value: 'one' }]);
    const { port: number } = app.server.address() as AddressInfo;
    const leaving = request(`http://127.0.0.1:${number}/v1/subscriptions/reader/stream`);
    leaving.on('error', () => undefined);
    leaving.end();
    await expect.poll(() => asked).toContain('reader');
    leaving.destroy();
    await left;
    open();
    await expect.poll(() => closed).toBe(1);
    expect((await model.lag('reader')).total).toBe(1);
  });

  it('the first cursor is not ahead of what came while the stream opened', async () => {
    const model = await openModel();
    let waited = '';
    let topicOf = '';
    const port = alter(model, {
      // As on a broker, where each of these takes a round trip: a message comes in between.
      lag: async (name) => {
        const lags = await model.lag(name);
        if (name === waited) await model.publish(topicOf, [{ value: 'between' }]);
        waited = '';
        return lags;
      },
    });
    onTestFinished(async () => await model.close());
    const world = await listening({ port });
    const { topic, subscription } = await topicWithReader(world);
    [waited, topicOf] = [subscription, topic];
    const client = await openEvents(world, subscription);
    await expect.poll(() => client.values()).toEqual(['between']);
    client.leave();
    const again = await openEvents(world, subscription, { lastEventId: '0:0' });
    await expect.poll(() => again.values()).toEqual(['between']);
    expect(client.firstId()).toBe('0:0');
  });

  it('a lease begins when what is sent again was sent: a long replay uses up no attempt', async () => {
    const model = await openModel();
    let isSlow = false;
    const port = alter(model, {
      read: async (...given) => {
        if (isSlow) await delay(60);
        return await model.read(...given);
      },
    });
    onTestFinished(async () => await model.close());
    const world = await listening({ port });
    const { topic, subscription } = await topicWithReader(
      world,
      {},
      { ackDeadlineMs: 300, retry: { maxAttempts: 1, minBackoffMs: 0 } },
    );
    await publish(world, topic, numbers(0, 200));
    const first = await openEvents(world, subscription);
    await expect.poll(() => first.messages().length).toBe(200);
    await expect.poll(async () => (await model.lag(subscription)).total).toBe(0);
    first.leave();
    await publish(world, topic, ['new']);
    isSlow = true;
    const second = await openEvents(world, subscription, { lastEventId: '0:0' });
    await expect.poll(() => second.messages().length, { timeout: 10_000 }).toBe(201);
    await expect.poll(async () => (await model.lag(subscription)).total).toBe(0);
    const letters = await fetch(`${world.url}/v1/subscriptions/${subscription}/deadletters`);
    expect(((await letters.json()) as { messages: unknown[] }).messages).toEqual([]);
  });

  it('is refused where there is nothing to go on from', async () => {
    const world = await listening({ without: ['browse'] });
    const { subscription } = await topicWithReader(world);
    expect((await refusedStream(world, subscription)).code).toBe('capability_unsupported');
    const manual = await openEvents(world, subscription, { query: '?ack=manual' });
    expect(manual.headers['content-type']).toContain('text/event-stream');
  });
});

describe('ack=manual', () => {
  it('sends tokens that POST .../ack takes; what was not settled comes again, uncounted', async () => {
    const world = await listening();
    const { topic, subscription } = await topicWithReader(world);
    await publish(world, topic, ['one', 'two']);
    const client = await openEvents(world, subscription, { query: '?ack=manual' });
    await expect.poll(() => client.messages().length).toBe(2);
    const [one] = client.messages().map(({ data }) => JSON.parse(data) as { ackToken: string; attempt: number });
    expect(one?.attempt).toBe(1);
    expect(client.lastId()).toBe('');
    const acked = await world.post(`subscriptions/${subscription}/ack`, { tokens: [one?.ackToken] });
    expect(acked.json.results[0].status).toBe('ok');
    client.leave();
    const again = await openEvents(world, subscription, { query: '?ack=manual' });
    await expect.poll(() => again.messages().length).toBe(1);
    expect(JSON.parse(again.messages()[0]?.data ?? '')).toMatchObject({ attempt: 1, message: { value: 'two' } });
  });

  it('has no more out than its credit, and goes on when they are settled', async () => {
    const world = await listening();
    const { topic, subscription } = await topicWithReader(world);
    await publish(world, topic, numbers(0, 10));
    const client = await openEvents(world, subscription, { query: '?ack=manual&credit=3' });
    await expect.poll(() => client.messages().length).toBe(3);
    await world.port.lag(subscription);
    expect(client.messages()).toHaveLength(3);
    const tokens = client.messages().map(({ data }) => (JSON.parse(data) as { ackToken: string }).ackToken);
    await world.post(`subscriptions/${subscription}/ack`, { tokens });
    await expect.poll(() => client.messages().length).toBe(6);
  });
});

describe('a stream', () => {
  it('of a client that does not read takes no more from the backend than the buffers hold', async () => {
    const world = await listening();
    const { topic, subscription } = await topicWithReader(
      world,
      {},
      { maxInFlight: { messages: 10_000, bytes: 256 * 1024 * 1024 } },
    );
    for (let batch = 0; batch < 12; batch += 1) await publish(world, topic, Array(50).fill('x'.repeat(100_000))); // 60 MB
    const client = await openEvents(world, subscription, { query: '?ack=manual', isPaused: true });
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
    expect(last).toBeLessThan(300);
    client.leave();
    await expect.poll(async () => await world.metric('sluice_streams_open')).toBe(0);
  });

  it('ends with a problem when the subscription is deleted, and when the gateway shuts down', async () => {
    const world = await listening();
    const { subscription } = await topicWithReader(world);
    const { subscription: other } = await topicWithReader(world);
    const deleted = await openEvents(world, subscription);
    const drained = await openEvents(world, other);
    await world.port.deleteSubscription(subscription);
    await expect.poll(() => deleted.problem()?.code).toBe('subscription_not_found');
    await world.gateway.close();
    await expect.poll(() => drained.problem()?.code).toBe('draining');
  });

  it.each([
    ['?ack=maybe', 400, 'invalid_argument'],
    ['?acks=auto', 400, 'unknown_field'],
    ['?credit=0', 400, 'invalid_argument'],
  ])('%s is refused', async (query, status, code) => {
    const world = await listening();
    const { subscription } = await topicWithReader(world);
    const answer = await fetch(`${world.url}/v1/subscriptions/${subscription}/stream${query}`);
    const problem = (await answer.json()) as { code: string };
    expect([answer.status, problem.code]).toEqual([status, code]);
  });

  it('of a subscription that is not there is 404', async () => {
    const world = await listening();
    expect((await refusedStream(world, 'nothing')).code).toBe('subscription_not_found');
  });
});

describe('a web page of another origin', () => {
  it('is refused, whatever it asks for; one of the gateway itself is not', async () => {
    const world = await listening();
    const { topic, subscription } = await topicWithReader(world);
    const other = { origin: 'http://news.example' };
    expect((await refusedStream(world, subscription, other)).code).toBe('origin_not_allowed');
    expect((await refusedStream(world, subscription, { origin: 'null' })).status).toBe(403);
    const publishing = await fetch(`${world.url}/v1/topics/${topic}/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...other },
      body: JSON.stringify({ messages: [{ value: 'x' }] }),
    });
    expect(publishing.status).toBe(403);
    const own = await openEvents(world, subscription, { headers: { origin: world.url } });
    expect(own.headers['content-type']).toContain('text/event-stream');
  });
});

async function refusedStream(
  world: Listening,
  subscription: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; code: string }> {
  const answer = await fetch(`${world.url}/v1/subscriptions/${subscription}/stream`, { headers });
  return (await answer.json()) as { status: number; code: string };
}

async function publish(world: Listening, topic: string, values: readonly string[], partition = 0): Promise<void> {
  await world.port.publish(
    topic,
    values.map((value) => ({ value, partition })),
  );
}

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => String(from + index));
}
