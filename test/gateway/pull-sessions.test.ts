/** Pull keeps no state with the client: what a session holds is given back, shared and closed as promised. */

import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { gateway, problemOf, topicAndSubscription, type World } from './support.ts';

describe('a pull session', () => {
  it('is closed after the idle time; what it had prefetched is for others then', async () => {
    const world = await gateway({ pullIdleMs: 60 });
    const { topic, subscription } = await topicAndSubscription(world);
    await publish(world, topic, 3);
    const [first] = await pull(world, subscription, { maxMessages: 1 });
    await world.call('POST', `/v1/subscriptions/${subscription}/ack`, { tokens: [first.ackToken] });
    expect(world.context.pulls.openCount).toBe(1);
    await expect.poll(() => world.context.pulls.openCount, { timeout: 5_000, interval: 10 }).toBe(0);
    const others = await world.port.subscribe(subscription, { credit: { messages: 10 } });
    expect(await others.pull({ maxMessages: 10, waitMs: 5_000 })).toHaveLength(2);
  });

  it('stays open while a delivery is outstanding, and its token stays good', async () => {
    const world = await gateway({ pullIdleMs: 30 });
    const { topic, subscription } = await topicAndSubscription(world);
    await publish(world, topic, 1);
    const [delivery] = await pull(world, subscription);
    await idleRounds(6);
    expect(world.context.pulls.openCount).toBe(1);
    const acked = await world.call('POST', `/v1/subscriptions/${subscription}/ack`, { tokens: [delivery.ackToken] });
    expect(acked.json.results[0].status).toBe('ok');
    await expect.poll(() => world.context.pulls.openCount, { timeout: 5_000, interval: 10 }).toBe(0);
  });

  it('stays open for the delay of a nack: closing it would deliver the message early', async () => {
    const world = await gateway({ pullIdleMs: 30 });
    const { topic, subscription } = await topicAndSubscription(world);
    await publish(world, topic, 1);
    const [delivery] = await pull(world, subscription);
    const nackedAt = performance.now();
    await world.call('POST', `/v1/subscriptions/${subscription}/nack`, { tokens: [delivery.ackToken], delayMs: 400 });
    await idleRounds(4);
    const [again] = await pull(world, subscription);
    expect(again.attempt).toBe(2);
    expect(performance.now() - nackedAt).toBeGreaterThanOrEqual(395);
  });

  it('is shared by pulls at the same time: each message goes to one of them', async () => {
    const world = await gateway();
    const { topic, subscription } = await topicAndSubscription(world);
    const pulls = Array.from(
      { length: 8 },
      async () => await pull(world, subscription, { maxMessages: 5, waitMs: 5_000 }),
    );
    await expect.poll(() => world.context.pulls.waitingCount, { timeout: 5_000, interval: 5 }).toBe(8);
    for (let round = 0; round < 8; round += 1) await publish(world, topic, 5);
    const deliveries = (await Promise.all(pulls)).flat();
    const more = deliveries.length < 40 ? await pull(world, subscription, { maxMessages: 40 }) : [];
    const ids = [...deliveries, ...more].map(({ message }) => message.id);
    expect([ids.length, new Set(ids).size]).toEqual([40, 40]);
  });

  it('a burst is shared by all pulls that wait: fifty pulls of one message each get fifty messages at once', async () => {
    const world = await gateway();
    const { topic, subscription } = await topicAndSubscription(world);
    const pulls = Array.from(
      { length: 50 },
      async () => await pull(world, subscription, { maxMessages: 1, waitMs: 5_000 }),
    );
    await expect.poll(() => world.context.pulls.waitingCount, { timeout: 5_000, interval: 5 }).toBe(50);
    await publish(world, topic, 50);
    expect((await Promise.all(pulls)).flat()).toHaveLength(50);
  });

  it('a subscription deleted and made again is there for the next pull, not 404', async () => {
    const world = await gateway();
    const { topic, subscription } = await topicAndSubscription(world);
    await pull(world, subscription, { waitMs: 0 });
    await world.call('DELETE', `/v1/topics/${topic}`);
    await world.call('POST', '/v1/topics', { name: topic });
    expect((await world.call('POST', '/v1/subscriptions', { name: subscription, topic })).status).toBe(201);
    await publish(world, topic, 1);
    expect(await pull(world, subscription)).toHaveLength(1);
  });

  it('never has more outstanding than maxInFlight says', async () => {
    const world = await gateway();
    const { topic, subscription } = await topicAndSubscription(world, {}, { maxInFlight: { messages: 3 } });
    await publish(world, topic, 10);
    const first = await pull(world, subscription);
    expect(first).toHaveLength(3);
    expect(await pull(world, subscription, { waitMs: 50 })).toEqual([]);
    await world.call('POST', `/v1/subscriptions/${subscription}/ack`, { tokens: [first[0].ackToken] });
    expect(await pull(world, subscription)).toHaveLength(1);
  });

  it('a client that leaves while it waits takes nothing with it', async () => {
    const world = await gateway();
    const { topic, subscription } = await topicAndSubscription(world);
    await world.app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = world.app.server.address() as AddressInfo;
    const leaving = request({
      port,
      method: 'POST',
      path: `/v1/subscriptions/${subscription}/pull`,
      headers: { 'content-type': 'application/json' },
    });
    leaving.on('error', () => undefined);
    leaving.end('{"waitMs":30000}');
    await expect.poll(() => world.context.pulls.waitingCount, { timeout: 5_000, interval: 5 }).toBe(1);
    leaving.destroy();
    await expect.poll(() => world.context.pulls.waitingCount, { timeout: 5_000, interval: 5 }).toBe(0);
    await publish(world, topic, 1);
    expect(await pull(world, subscription)).toMatchObject([{ attempt: 1 }]);
  });

  it('closing answers the waiting pulls empty, gives everything back and refuses new ones', async () => {
    const world = await gateway();
    const { topic, subscription } = await topicAndSubscription(world);
    await publish(world, topic, 1);
    await pull(world, subscription);
    const waiting = pull(world, subscription, { waitMs: 30_000 });
    await expect.poll(() => world.context.pulls.waitingCount, { timeout: 5_000, interval: 5 }).toBe(1);
    await world.context.pulls.close();
    expect(await waiting).toEqual([]);
    expect(problemOf(await world.call('POST', `/v1/subscriptions/${subscription}/pull`, {})).code).toBe('draining');
    const next = await world.port.subscribe(subscription, { credit: { messages: 1 } });
    expect(await next.pull({ maxMessages: 1, waitMs: 5_000 })).toMatchObject([{ attempt: 1 }]);
  });
});

async function publish(world: World, topic: string, count: number): Promise<void> {
  const messages = Array.from({ length: count }, (_, value) => ({ value }));
  expect((await world.call('POST', `/v1/topics/${topic}/messages`, { messages })).status).toBe(200);
}

async function pull(world: World, subscription: string, options: object = {}) {
  const answer = await world.call('POST', `/v1/subscriptions/${subscription}/pull`, { waitMs: 5_000, ...options });
  expect(answer.status, answer.text).toBe(200);
  return answer.json.deliveries;
}

/** That something does not happen can only be seen by waiting: so many idle times of 30 ms. */
async function idleRounds(rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round += 1) await new Promise((resolve) => setTimeout(resolve, 30));
}
