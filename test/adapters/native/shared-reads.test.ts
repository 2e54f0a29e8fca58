/** Many subscriptions on one topic read the log together: each still gets every message, and only of its own topic. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type MessagingPort, openPort } from '../../../src/adapters/index.ts';
import { SharedReads } from '../../../src/adapters/native/shared-reads.ts';
import type { Engine } from '../../../src/core-log/index.ts';

const SUBSCRIPTIONS = 8;

describe('subscriptions that read together', () => {
  let dataDir: string;
  let port: MessagingPort;

  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'sluice-shared-'));
    port = await openPort({ backend: 'native', config: { dataDir } });
    await port.createTopic({ name: 'orders', partitions: 2 });
    for (const name of names()) await port.createSubscription({ name, topic: 'orders', maxInFlight: { messages: 7 } });
  });

  afterEach(async () => {
    await port.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('each get every message once and in order, at paces of their own', async () => {
    const readers = names().map(async (name, index) => await readAll(name, 300, index + 1));
    for (let sent = 0; sent < 300; sent += 20)
      await port.publish(
        'orders',
        Array.from({ length: 20 }, (_, index) => ({ key: String(sent + index), value: String(sent + index) })),
      );
    for (const values of await Promise.all(readers)) {
      expect(values.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 300 }, (_, index) => index));
    }
  });

  it('ask the log once for what all of them read, and each for itself when it is alone', async () => {
    const asked: number[] = [];
    const engine = {
      fetch: async (_topic: string, _partition: number, offset: number) => {
        asked.push(offset);
        const record = { offset, timestamp: 0, key: null, value: Buffer.from('x'), headers: [] };
        return offset < 10 ? { records: [record], next: offset + 1 } : { records: [], next: offset };
      },
    } as unknown as Engine;
    const reads = new SharedReads(engine);
    for (let reader = 0; reader < SUBSCRIPTIONS; reader += 1) reads.join('orders');
    await Promise.all(names().map(async () => await reads.read('orders', 0, 4)));
    await reads.read('orders', 0, 4);
    expect(asked).toEqual([4]);
    // The end is not kept: it is another place with the next append.
    await reads.read('orders', 0, 10);
    await reads.read('orders', 0, 10);
    expect(asked).toEqual([4, 10, 10]);
    for (let reader = 1; reader < SUBSCRIPTIONS; reader += 1) reads.leave('orders');
    await reads.read('orders', 0, 4);
    await reads.read('orders', 0, 4);
    expect(asked).toEqual([4, 10, 10, 4, 4]);
  });

  it('get nothing of a deleted topic from one of the same name', async () => {
    await port.publish('orders', [{ partition: 0, value: '1' }]);
    await Promise.all(names().map(async (name) => await readAll(name, 1, 1)));
    for (const name of names()) await port.deleteSubscription(name);
    await port.deleteTopic('orders');
    await port.createTopic({ name: 'orders', partitions: 2 });
    for (const name of names()) await port.createSubscription({ name, topic: 'orders' });
    await port.publish('orders', [{ partition: 0, value: '2' }]);
    for (const values of await Promise.all(names().map(async (name) => await readAll(name, 1, 1))))
      expect(values).toEqual([2]);
  });

  async function readAll(subscription: string, count: number, atOnce: number): Promise<number[]> {
    await using consumer = await port.subscribe(subscription, { credit: { messages: 100 }, hasLocalTokens: true });
    const values: number[] = [];
    while (values.length < count) {
      const deliveries = await consumer.pull({ maxMessages: atOnce, waitMs: 10_000 });
      expect(deliveries.length).toBeGreaterThan(0);
      values.push(...deliveries.map(({ message }) => Number(message.value)));
      const results = await port.ack(
        subscription,
        deliveries.map(({ token }) => token),
      );
      expect(results.every(({ status }) => status === 'ok')).toBe(true);
    }
    return values;
  }
});

function names(): string[] {
  return Array.from({ length: SUBSCRIPTIONS }, (_, index) => `reader-${index}`);
}
