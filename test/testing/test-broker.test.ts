/** The test broker keeps what its door promises: a full port, a clock, faults, a look inside, and nothing left behind. */

import { existsSync } from 'node:fs';
import { setTimeout as machineDelay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { Delivery } from '../../src/adapters/port.ts';
import { createTestBroker, type TestBroker, type TestBrokerOptions } from '../../src/testing/index.ts';

const opened: TestBroker[] = [];

afterEach(async () => {
  for (const broker of opened.splice(0)) await broker.close();
});

async function orders(options: TestBrokerOptions = {}): Promise<TestBroker> {
  const broker = await createTestBroker({
    topics: ['orders'],
    subscriptions: [{ name: 'billing', topic: 'orders', retry: { minBackoffMs: 100, maxAttempts: 2 } }],
    ...options,
  });
  opened.push(broker);
  return broker;
}

async function publish(broker: TestBroker, ...values: string[]): Promise<void> {
  for (const value of values) await broker.port.publish('orders', [{ value }]);
}

async function takeOne(broker: TestBroker): Promise<Delivery> {
  const consumer = await broker.port.subscribe('billing', { credit: { messages: 10 } });
  const [delivery] = await consumer.pull({ maxMessages: 1, waitMs: 4_000 });
  if (delivery === undefined) throw new Error('nothing was delivered');
  return delivery;
}

const texts = (messages: readonly { readonly text: string | null }[]) => messages.map(({ text }) => text);

describe('a test broker', () => {
  it('opens in a moment', async () => {
    const times: number[] = [];
    for (let round = 0; round < 20; round += 1) {
      const startedAt = performance.now();
      await using broker = await createTestBroker();
      times.push(performance.now() - startedAt);
      expect(await broker.port.listTopics()).toEqual([]);
    }
    const median = times.toSorted((a, b) => a - b)[10] as number;
    // Measured at about a tenth of it on an idle machine; this one may be busy.
    expect(median).toBeLessThan(100);
  });

  it('leaves nothing behind, and may be closed twice', async () => {
    const broker = await orders();
    await publish(broker, 'paid');
    expect(existsSync(broker.dataDir)).toBe(true);
    await Promise.all([broker.close(), broker.close()]);
    await broker.close();
    expect(existsSync(broker.dataDir)).toBe(false);
    await expect(broker.published('orders')).rejects.toMatchObject({ code: 'closed' });
  });

  it('shares nothing with another one', async () => {
    const [one, other] = await Promise.all([orders(), orders()]);
    await publish(one, 'mine');
    expect(texts(await other.published('orders'))).toEqual([]);
    expect(one.dataDir).not.toBe(other.dataDir);
  });

  it('has what was stored after a restart, and its consumers of before are gone', async () => {
    const broker = await orders();
    await publish(broker, 'one', 'two');
    const { token } = await takeOne(broker);
    const before = broker.port;
    await broker.restart();
    await expect(before.ack('billing', [token])).rejects.toMatchObject({ code: 'closed' });
    expect(texts(await broker.published('orders'))).toEqual(['one', 'two']);
    expect((await takeOne(broker)).message.value?.toString()).toBe('one');
  });

  it('serves REST on a free port, before and after a restart', async () => {
    const broker = await orders({ rest: true });
    const url = broker.url as string;
    const post = async () =>
      await fetch(`${url}/v1/topics/orders/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ messages: [{ value: 'by REST' }] }),
      });
    expect((await post()).status).toBe(200);
    await broker.restart();
    expect(broker.url).toBe(url);
    expect((await post()).status).toBe(200);
    expect(texts(await broker.published('orders'))).toEqual(['by REST', 'by REST']);
  });

  it('names every option that it does not know', async () => {
    const options = { durabilty: 'os', clock: 'broken' } as unknown as TestBrokerOptions;
    await expect(createTestBroker(options)).rejects.toThrow(/durabilty is not an option; clock must be/);
  });
});

describe('its clock', () => {
  it('ends a lease when it is advanced past the deadline, not before', async () => {
    const broker = await orders({ clock: 'stopped' });
    await publish(broker, 'paid');
    const { token, deadlineMs } = await takeOne(broker);
    expect(deadlineMs).toBe(broker.clock.nowMs() + 30_000);
    await broker.clock.advance(29_999);
    expect(await broker.port.extend('billing', [token], 30_000)).toMatchObject([{ status: 'ok' }]);
    await broker.clock.advance(30_000);
    expect(await broker.port.ack('billing', [token])).toMatchObject([{ status: 'expired' }]);
  });

  it('goes through lease and back-off in one step, in their order', async () => {
    const broker = await orders({ clock: 'stopped' });
    await publish(broker, 'paid');
    await takeOne(broker);
    await broker.clock.advance(30_100);
    const again = await takeOne(broker);
    expect(again.attempt).toBe(2);
    expect((await broker.pending('billing')).map(({ failedAttempts }) => failedAttempts)).toEqual([1]);
  });

  it('holds a back-off until it is advanced', async () => {
    const broker = await orders({ clock: 'stopped' });
    await publish(broker, 'paid');
    const consumer = await broker.port.subscribe('billing', { credit: { messages: 1 } });
    const [first] = await consumer.pull({ maxMessages: 1, waitMs: 4_000 });
    await broker.port.nack('billing', [first?.token as string]);
    await broker.clock.advance(99);
    expect(await consumer.pull({ maxMessages: 1, waitMs: 0 })).toEqual([]);
    await broker.clock.advance(1);
    expect(await consumer.pull({ maxMessages: 1, waitMs: 0 })).toMatchObject([{ attempt: 2 }]);
  });

  it.each([
    { name: 'now', startMs: Date.now() },
    { name: 'long ago', startMs: Date.UTC(2001, 0, 1) },
    { name: 'in the future', startMs: Date.UTC(2100, 0, 1) },
  ])('lets retention remove what is too old, also when it starts $name', async ({ startMs }) => {
    const day = 24 * 3_600_000;
    const broker = await orders({ startMs, topics: [{ name: 'orders', retention: { ms: day } }] });
    await publish(broker, 'old');
    await broker.clock.advance(day + 1); // the segment is closed
    await publish(broker, 'new');
    await broker.clock.advance(1);
    expect(texts(await broker.published('orders'))).toEqual(['new']);
  });

  it('gives messages its own time', async () => {
    const startMs = Date.UTC(2030, 0, 1);
    const broker = await orders({ clock: 'stopped', startMs });
    await publish(broker, 'one');
    await broker.clock.advance(5_000);
    await publish(broker, 'two');
    const times = (await broker.published('orders')).map(({ timestampMs }) => timestampMs);
    expect(times).toEqual([startMs, startMs + 5_000]);
  });

  it('stands still when it is stopped, and runs on from there', async () => {
    const broker = await orders();
    broker.clock.stop();
    const stoodAt = broker.clock.nowMs();
    await machineDelay(5);
    expect(broker.clock.nowMs()).toBe(stoodAt);
    broker.clock.run();
    await machineDelay(5);
    expect(broker.clock.nowMs()).toBeGreaterThan(stoodAt);
    expect(broker.clock.nowMs()).toBeLessThan(stoodAt + 4_000);
  });

  it('fires by itself while it runs', async () => {
    const broker = await orders({
      subscriptions: [{ name: 'billing', topic: 'orders', ackDeadlineMs: 100, retry: { maxAttempts: 1 } }],
    });
    await publish(broker, 'paid');
    await takeOne(broker);
    expect(await broker.waitForDeadLetters('billing')).toMatchObject([{ reason: 'lease expired', attempts: 1 }]);
  });
});

describe('planted faults', () => {
  it('refuse the next publishes with the code asked for, and only those', async () => {
    const broker = await orders();
    const fault = broker.faults.refusePublishes({ times: 2, code: 'storage_full' });
    const kinds: string[] = [];
    for (const value of ['one', 'two', 'three']) {
      const [outcome] = await broker.port.publish('orders', [{ value }]);
      kinds.push(outcome?.kind === 'refused' ? outcome.error.code : (outcome?.kind as string));
    }
    expect(kinds).toEqual(['storage_full', 'storage_full', 'stored']);
    expect(fault).toMatchObject({ hits: 2, isActive: false });
    expect(texts(await broker.published('orders'))).toEqual(['three']);
  });

  it('strike only the topic that they name', async () => {
    const broker = await orders({ topics: ['orders', 'audit'] });
    broker.faults.refusePublishes({ topic: 'audit' });
    expect(await broker.port.publish('orders', [{ value: 'paid' }])).toMatchObject([{ kind: 'stored' }]);
    expect(await broker.port.publish('audit', [{ value: 'paid' }])).toMatchObject([{ kind: 'refused' }]);
  });

  it.each([
    { stored: true, found: ['paid'] },
    { stored: false, found: [] },
  ])('lose an answer: unknown, and stored is $stored', async ({ stored, found }) => {
    const broker = await orders();
    broker.faults.loseAnswers({ stored });
    expect(await broker.port.publish('orders', [{ value: 'paid' }])).toMatchObject([{ kind: 'unknown' }]);
    expect(texts(await broker.published('orders'))).toEqual(found);
  });

  it('delay a publish on the broker’s clock', async () => {
    const broker = await orders({ clock: 'stopped' });
    broker.faults.delayPublishes(10_000);
    let isDone = false;
    const publishing = broker.port.publish('orders', [{ value: 'late' }]).then(() => {
      isDone = true;
    });
    await broker.clock.advance(9_999);
    expect(isDone).toBe(false);
    await broker.clock.advance(1);
    await publishing;
    expect(texts(await broker.published('orders'))).toEqual(['late']);
  });

  it('fail a sync: unknown, then the partition refuses, until a restart', async () => {
    const broker = await orders({ durability: 'fsync' });
    broker.faults.failSyncs();
    expect(await broker.port.publish('orders', [{ value: 'one' }])).toMatchObject([{ kind: 'unknown' }]);
    expect(await broker.port.publish('orders', [{ value: 'two' }])).toMatchObject([{ kind: 'refused' }]);
    await broker.restart();
    expect(await broker.port.publish('orders', [{ value: 'three' }])).toMatchObject([{ kind: 'stored' }]);
    expect(texts(await broker.published('orders'))).toEqual(['one', 'three']);
  });

  it('fill the disk, until it is empty again', async () => {
    const broker = await orders();
    await publish(broker, 'before');
    {
      using fault = broker.faults.diskFull();
      expect(await broker.port.publish('orders', [{ value: 'lost' }])).toMatchObject([
        { kind: 'refused', error: { code: 'storage_full' } },
      ]);
      expect(texts(await broker.published('orders'))).toEqual(['before']);
      expect(fault.hits).toBeGreaterThan(0);
    }
    await publish(broker, 'after');
    expect(texts(await broker.published('orders'))).toEqual(['before', 'after']);
  });

  it('drop the connection: leases end and count, a publish under way is unknown', async () => {
    const broker = await orders({ clock: 'stopped' });
    await publish(broker, 'paid');
    const { token } = await takeOne(broker);
    broker.faults.delayPublishes(1_000);
    const publishing = broker.port.publish('orders', [{ value: 'on its way' }]);
    broker.faults.dropConnection();
    expect(await publishing).toMatchObject([{ kind: 'unknown' }]);
    expect(await broker.port.ack('billing', [token])).toMatchObject([{ status: 'expired' }]);
    await broker.clock.advance(100);
    expect((await takeOne(broker)).attempt).toBe(2);
  });

  it('end together, and do not outlive the broker’s close', async () => {
    const broker = await orders({ durability: 'fsync' });
    broker.faults.refusePublishes({ times: 5 });
    broker.faults.failSyncs();
    expect(broker.faults.active.map(({ kind }) => kind)).toEqual(['refusePublishes', 'failSyncs']);
    broker.faults.clear();
    expect(broker.faults.active).toEqual([]);
    broker.faults.diskFull();
    await publish(broker, 'refused');
    await broker.close();
    expect(existsSync(broker.dataDir)).toBe(false);
  });
});

describe('a look inside', () => {
  it('shows the messages of all partitions in the order in which they were stored', async () => {
    const broker = await orders({ topics: [{ name: 'orders', partitions: 3 }], clock: 'stopped' });
    for (let number = 0; number < 9; number += 1)
      await broker.port.publish('orders', [{ value: String(number), partition: (number * 2) % 3 }]);
    await broker.restart();
    await broker.port.publish('orders', [{ value: '9', partition: 0 }]);
    expect(texts(await broker.published('orders')).join('')).toBe('0123456789');
  });

  it('waits for messages that fit, also of a topic that is made later', async () => {
    const broker = await orders();
    const waiting = broker.waitForPublished('later', { count: 2, where: ({ text }) => text !== 'no' });
    await broker.port.createTopic({ name: 'later' });
    await broker.port.publish('later', [{ value: 'yes' }, { value: 'no' }]);
    await broker.port.publish('later', [{ value: 'again' }]);
    expect(texts(await waiting)).toEqual(['yes', 'again']);
  });

  it('says what was there when it waited in vain', async () => {
    const broker = await orders();
    await publish(broker, 'paid');
    await expect(broker.waitForPublished('orders', { count: 2, timeoutMs: 10 })).rejects.toThrow(
      '"orders" holds 1 message ("paid"), and not 2 that fit',
    );
    await expect(broker.waitForSettled('billing', { timeoutMs: 10 })).rejects.toThrow('has not settled 1 message');
  });

  it('tells what is pending, whoever has it', async () => {
    const broker = await orders();
    await publish(broker, 'one', 'two', 'three');
    const consumer = await broker.port.subscribe('billing', { credit: { messages: 2 } });
    const [, second] = await consumer.pull({ maxMessages: 2, waitMs: 4_000 });
    await broker.port.ack('billing', [second?.token as string]);
    expect(texts((await broker.pending('billing')).map(({ message }) => message))).toEqual(['one', 'three']);
  });

  it('tells dead letters with their reason and where they came from', async () => {
    const broker = await orders();
    await broker.port.publish('orders', [{ value: 'poison', headers: [{ name: 'shop', value: 'north' }] }]);
    const { token } = await takeOne(broker);
    await broker.port.reject('billing', [token], { reason: 'no such customer' });
    const [letter] = await broker.deadLetters('billing');
    expect(letter).toMatchObject({
      reason: 'no such customer',
      attempts: 1,
      topic: 'orders',
      offset: 0,
      message: { text: 'poison' },
    });
    expect(letter?.message.headers.map(({ name }) => name)).toEqual(['shop']);
    await broker.waitForSettled('billing');
  });
});
