import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { CursorStore } from '../../src/adapters/rabbitmq/cursor-store.ts';
import { openDriver } from '../../src/adapters/rabbitmq/index.ts';
import { makeAtOneMoment } from '../support/made-at-one-moment.ts';
import { DriverWorld, message, messages, until } from './support/driver-world.ts';

const rabbitmq = inject('rabbitmq');
let world: DriverWorld;
let other: DriverWorld;

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => `v${from + index}`);

describe.skipIf(rabbitmq === null)('streams', () => {
  beforeAll(async () => {
    world = await DriverWorld.open(rabbitmq?.url ?? '');
    other = await DriverWorld.open(rabbitmq?.url ?? '');
  });
  afterAll(async () => {
    await world.driver.close();
    await other.driver.close();
  });

  it('keep messages without a subscription, and can be read in pieces, at once also at their end', async () => {
    const topic = await world.topic({ queueType: 'stream' });
    expect(await world.driver.read(topic, 0, 'earliest', 10)).toEqual({ messages: [], next: 0 });
    await world.publish(topic, messages(25));
    const read: (string | undefined)[] = [];
    const startedAt = performance.now();
    for (let next = 0; ; ) {
      const piece = await world.driver.read(topic, 0, next, 10);
      read.push(...piece.messages.map(({ value }) => value?.toString()));
      expect(piece.messages.map(({ offset }) => offset)).toEqual(piece.messages.map((_, index) => next + index));
      next = piece.next;
      if (piece.messages.length === 0) break;
    }
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(read).toEqual(numbers(0, 25));
    expect(await world.driver.read(topic, 0, 'latest', 10)).toEqual({ messages: [], next: 25 });
    await expect(world.driver.read(topic, 0, 26, 10)).rejects.toMatchObject({ code: 'offset_out_of_range' });
  });

  it('start where the subscription says: earliest, latest, an offset, a time', async () => {
    const topic = await world.topic({ queueType: 'stream' });
    await world.publish(
      topic,
      messages(10).map((each, index) => ({ ...each, timestampMs: 1_000_000 + index * 10 })),
    );
    const startsAt = async (start: Parameters<typeof world.subscription>[1]): Promise<string | undefined> => {
      const subscription = await world.subscription(topic, start);
      const intake = await world.intake(subscription, topic);
      await intake.received(1);
      await intake.intake.close();
      return intake.values[0];
    };
    expect(await startsAt({ start: 'earliest' })).toBe('v0');
    expect(await startsAt({ start: { offsets: { '0': 7 } } })).toBe('v7');
    expect(await startsAt({ start: { timestampMs: 1_000_041 } })).toBe('v5');
    const late = await world.subscription(topic, { start: 'latest' });
    await world.publish(topic, [message('after')]);
    const intake = await world.intake(late, topic);
    await intake.received(1);
    expect(intake.values).toEqual(['after']);
    await intake.intake.close();
    await expect(world.subscription(topic, { start: { offsets: { '0': 999 } } })).rejects.toMatchObject({
      code: 'offset_out_of_range',
    });
  });

  it('a subscription that two processes make at one moment has all that is published after the first of them is answered', async () => {
    const open = async () => await openDriver({ url: rabbitmq?.url ?? '' });
    const { create } = CursorStore.prototype;
    // It has made its queues and found no cursor in them.
    const overtake = (_: unknown, ahead: () => Promise<void>): void => {
      const spy = vi.spyOn(CursorStore.prototype, 'create').mockImplementationOnce(async function (
        this: CursorStore,
        ...asked
      ) {
        const isThere = await create.apply(this, asked);
        await ahead();
        return isThere;
      });
      onTestFinished(() => spy.mockRestore());
    };
    const { behind, received } = await makeAtOneMoment(open, { queueType: 'stream' }, { overtake });
    expect(behind.created).toBe(false);
    expect(await received()).toEqual(['after']);
    const later = { ackDeadlineMs: 12_345 };
    await expect(makeAtOneMoment(open, { queueType: 'stream' }, { overtake, later })).rejects.toMatchObject({
      code: 'already_exists',
    });
  });

  it('a cursor remembers what was acknowledged out of order, and the attempts of what was not', async () => {
    const topic = await world.topic({ queueType: 'stream' });
    const subscription = await world.subscription(topic);
    await world.publish(topic, messages(20));
    const intake = await world.intake(subscription, topic);
    await intake.received(20);
    for (const [index, delivery] of intake.all.entries()) if (![3, 11].includes(index)) await intake.ack(delivery);
    intake.intake.noteAttempt?.(intake.all[11] as (typeof intake.all)[0], 2);
    expect(await world.driver.lag(subscription, topic)).toMatchObject({ total: 2 });
    await intake.intake.close();
    expect(await world.driver.lag(subscription, topic)).toMatchObject({ total: 2 });
    const again = await other.intake(subscription, topic);
    await again.received(2);
    await world.publish(topic, [message('new')]);
    await again.received(3);
    expect(again.values).toEqual(['v3', 'v11', 'new']);
    expect(again.all.map(({ attempt }) => attempt)).toEqual([1, 3, 1]);
    await again.intake.close();
  });

  it('of two processes one reads a partition, and the other takes over where it stopped', async () => {
    const topic = await world.topic({ queueType: 'stream' });
    const subscription = await world.subscription(topic);
    const first = await world.intake(subscription, topic);
    await world.publish(topic, messages(30));
    await first.received(30);
    const second = await other.intake(subscription, topic);
    for (const delivery of first.all.slice(0, 12)) await first.ack(delivery);
    await first.intake.close();
    await second.received(18);
    await world.publish(topic, [message('new')]);
    await second.received(19);
    expect(second.values).toEqual([...numbers(12, 30), 'new']);
    await second.ackAll();
    await second.intake.close();
    expect(await world.driver.lag(subscription, topic)).toMatchObject({ total: 0 });
  });

  it('that end before their cursor, as after a power cut: what came since is not passed over', async () => {
    const topic = await world.topic({ queueType: 'stream' });
    const subscription = await world.subscription(topic);
    const intake = await world.intake(subscription, topic);
    await world.publish(topic, messages(30));
    await intake.received(30);
    await intake.ackAll();
    await intake.intake.close();
    // The messages are gone, the cursor is not.
    await world.driver.deleteTopic(topic);
    await world.driver.createTopic(topic);
    await world.publish(topic, messages(10, 'new'));
    const again = await other.intake(subscription, topic);
    await again.received(10);
    expect(again.values).toEqual(Array.from({ length: 10 }, (_, at) => `new${at}`));
    await again.ackAll();
    await again.intake.close();
    await until('no lag', async () => (await world.driver.lag(subscription, topic)).total === 0);
  });

  it('a seek by one process moves the other, which reads: what it had out is lost to it', async () => {
    const topic = await world.topic({ queueType: 'stream' });
    const subscription = await world.subscription(topic);
    const intake = await world.intake(subscription, topic);
    await world.publish(topic, messages(10));
    await intake.received(10);
    for (const delivery of intake.all.slice(0, 8)) await intake.ack(delivery);
    await other.driver.seek(subscription, topic, { offsets: { '0': 4 } });
    await until('the loss', () => intake.lostOnes.length === 2);
    await intake.received(16);
    expect(intake.values.slice(10)).toEqual(numbers(4, 10));
    await intake.ackAll();
    await intake.intake.close();
    const next = await other.intake(subscription, topic);
    await world.publish(topic, [message('end')]);
    await next.received(1);
    expect(next.values).toEqual(['end']);
    await next.intake.close();
  });

  it('a seek with nobody reading is kept for whoever reads next, the last one of several', async () => {
    const topic = await world.topic({ queueType: 'stream' });
    const subscription = await world.subscription(topic);
    await world.publish(topic, messages(6));
    await world.driver.seek(subscription, topic, 'latest');
    await world.driver.seek(subscription, topic, 'earliest');
    await world.driver.seek(subscription, topic, { offsets: { '0': 2 } });
    const intake = await world.intake(subscription, topic);
    await intake.received(4);
    expect(intake.values).toEqual(numbers(2, 6));
    await intake.intake.close();
  });

  it('never have more unsettled than granted over all partitions', async () => {
    const topic = await world.topic({ queueType: 'stream', partitions: 3 });
    const subscription = await world.subscription(topic);
    await world.publish(
      topic,
      messages(300).map((each, index) => ({ ...each, partition: index % 3 })),
    );
    const intake = await world.intake(subscription, topic, { messages: 7, bytes: 1_000_000 });
    await intake.received(7);
    intake.onDelivery = (delivery) => void intake.ack(delivery);
    await intake.ackAll();
    await intake.received(300);
    expect(intake.mostUnsettled).toBeLessThanOrEqual(7);
    expect(new Set(intake.values).size).toBe(300);
    await intake.intake.close();
  });

  it('a deleted subscription ends its intake', async () => {
    const topic = await world.topic({ queueType: 'stream' });
    const subscription = await world.subscription(topic);
    const intake = await world.intake(subscription, topic);
    await world.driver.deleteSubscription(subscription, topic);
    await until('the end', () => intake.endedWith !== undefined);
    expect(intake.endedWith?.code).toBe('subscription_not_found');
  });

  it('keep headers byte for byte, in order and repeated, though the broker turns bytes into text', async () => {
    const topic = await world.topic({ queueType: 'stream' });
    const headers = [
      { name: 'x-own', value: Buffer.from('1') },
      { name: 'bin', value: Buffer.from([0, 128, 255]) },
      { name: 'x-own', value: Buffer.from('2') },
    ];
    const sent = message('v', { key: Buffer.from([254]), headers, contentType: 'a/b' });
    const plain = message('w', { key: Buffer.from('k'), headers: [{ name: 'z', value: Buffer.from('é') }] });
    await world.publish(topic, [sent, plain]);
    const { messages: got } = await world.driver.read(topic, 0, 'earliest', 10);
    expect(got).toEqual(
      [sent, plain].map(({ key, value, headers: sentHeaders, contentType, id, timestampMs }, offset) => ({
        topic: topic.name,
        partition: 0,
        offset,
        key,
        value,
        headers: sentHeaders,
        contentType,
        id,
        timestampMs,
      })),
    );
  });
});

describe.skipIf(rabbitmq === null)('definitions', () => {
  it('put by one driver are seen by another: those before it opened, and later ones after a refresh', async () => {
    const prefix = `sluice-test-${Date.now().toString(36)}`;
    const one = await DriverWorld.open(rabbitmq?.url ?? '', { prefix });
    const two = await DriverWorld.open(rabbitmq?.url ?? '', { prefix });
    const seenByOne = new Map<string, string | null>();
    const seenByTwo = new Map<string, string | null>();
    const first = await one.driver.openMeta((key, value) => void seenByOne.set(key, value));
    for (let index = 0; index < 20; index += 1) await first.put(`k${index % 5}`, `v${index}`);
    await first.put('k4', null);
    const second = await two.driver.openMeta((key, value) => void seenByTwo.set(key, value));
    expect([...seenByTwo]).toEqual([
      ['k0', 'v15'],
      ['k1', 'v16'],
      ['k2', 'v17'],
      ['k3', 'v18'],
      ['k4', null],
    ]);
    for (let index = 0; index < 10; index += 1) {
      await second.put('shared', String(index));
      await first.refresh();
      expect(seenByOne.get('shared')).toBe(String(index));
    }
    await Promise.all([one.driver.close(), two.driver.close()]);
  });
});
