/** Messages that are to come later: each not before its time, wherever it waits meanwhile. */

import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { openPort } from '../../src/adapters/index.ts';
import type { MessagingPort } from '../../src/adapters/port.ts';
import { delayOfStep, stepOf } from '../../src/adapters/rabbitmq/delay-queues.ts';
import { unique, until } from './support/driver-world.ts';

const rabbitmq = inject('rabbitmq');
const CREDIT = { credit: { messages: 100 } };

describe('the steps of delays', () => {
  it('never wait too short, and at most a tenth too long', () => {
    for (let delayMs = 100; delayMs < 28 * 24 * 3_600_000; delayMs = Math.ceil(delayMs * 1.037)) {
      const longest = delayOfStep(stepOf(delayMs));
      expect(longest).toBeGreaterThanOrEqual(delayMs);
      expect(longest).toBeLessThanOrEqual(Math.ceil(delayMs * 1.1));
    }
    expect(stepOf(28 * 24 * 3_600_000)).toBeLessThan(200);
  });
});

describe.skipIf(rabbitmq === null)('delayed messages', () => {
  let port: MessagingPort;
  beforeAll(async () => {
    port = await open();
  });
  afterAll(async () => await port.close());

  describe.each(['quorum', 'classic', 'stream'] as const)('of a %s topic', (queueType) => {
    it('come in the order of their times, with all that they had, as first attempts', async () => {
      const { topic, subscription } = await world(queueType);
      const consumer = await port.subscribe(subscription, CREDIT);
      const delays = [1_500, 40, 900, 300, 0];
      const startedMs = performance.now();
      const outcomes = await port.publish(
        topic,
        delays.map((delayMs) => ({
          key: 'k',
          value: String(delayMs),
          delayMs,
          headers: [{ name: 'h', value: 'x' }],
          contentType: 'text/plain',
        })),
      );
      expect(outcomes.map(({ kind }) => kind)).toEqual(delays.map(() => 'stored'));
      const seen: number[] = [];
      await until('all are there', async () => {
        for (const delivery of await consumer.pull({ maxMessages: 10, waitMs: 100 })) {
          const delayMs = Number(delivery.message.value?.toString());
          expect(performance.now() - startedMs).toBeGreaterThanOrEqual(delayMs);
          expect(delivery).toMatchObject({
            attempt: 1,
            message: { contentType: 'text/plain', partition: expect.any(Number) },
          });
          expect(delivery.message.key?.toString()).toBe('k');
          expect(delivery.message.headers.map(({ name, value }) => [name, value.toString()])).toEqual([['h', 'x']]);
          seen.push(delayMs);
          await port.ack(subscription, [delivery.token]);
        }
        return seen.length === delays.length;
      });
      expect(seen).toEqual(delays.toSorted((a, b) => a - b));
    });

    it('outlive the process that published them', async () => {
      const { topic, subscription } = await world(queueType);
      const other = await open();
      await other.publish(topic, [{ value: 'later', delayMs: 700 }]);
      await other.close();
      const consumer = await port.subscribe(subscription, CREDIT);
      const [delivery] = await consumer.pull({ maxMessages: 1, waitMs: 15_000 });
      expect(delivery?.message.value?.toString()).toBe('later');
    });

    it('go with their topic: another one of the same name does not get them', async () => {
      const { topic, subscription } = await world(queueType);
      await port.publish(topic, [{ value: 'of the old topic', delayMs: 800 }]);
      await port.deleteSubscription(subscription);
      await port.deleteTopic(topic);
      await port.createTopic({ name: topic, queueType });
      await port.createSubscription({ name: subscription, topic });
      const consumer = await port.subscribe(subscription, CREDIT);
      await port.publish(topic, [{ value: 'of the new one', delayMs: 1_000 }]);
      const [delivery] = await consumer.pull({ maxMessages: 10, waitMs: 15_000 });
      expect(delivery?.message.value?.toString()).toBe('of the new one');
    });
  });

  it('nobody could get are refused as unroutable', async () => {
    const topic = unique('delay');
    await port.createTopic({ name: topic, queueType: 'quorum' });
    expect(await port.publish(topic, [{ value: 'x', delayMs: 100 }])).toMatchObject([
      { kind: 'refused', error: { code: 'unroutable' } },
    ]);
  });

  it('with a time to live, or longer than may be, are refused one by one, and the others stored', async () => {
    const { topic } = await world('quorum');
    const outcomes = await port.publish(topic, [
      { value: 'a', delayMs: 100, ttlMs: 100 },
      { value: 'b', delayMs: 100 },
      { value: 'c', delayMs: 29 * 24 * 3_600_000 },
      { value: 'd' },
    ]);
    expect(outcomes).toMatchObject([
      { kind: 'refused', error: { code: 'capability_unsupported' } },
      { kind: 'stored' },
      { kind: 'refused', error: { code: 'invalid_argument' } },
      { kind: 'stored' },
    ]);
  });

  async function open(): Promise<MessagingPort> {
    return await openPort({ backend: 'rabbitmq', config: { url: rabbitmq?.url ?? '' } });
  }

  async function world(queueType: 'quorum' | 'classic' | 'stream') {
    const topic = unique('delay');
    const subscription = unique('sub');
    await port.createTopic({ name: topic, queueType, partitions: 2 });
    await port.createSubscription({ name: subscription, topic });
    onTestFinished(async () => {
      await port.deleteSubscription(subscription);
      await port.deleteTopic(topic);
    });
    return { topic, subscription };
  }
});
