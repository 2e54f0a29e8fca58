/** The age of the oldest message that is not settled, on queues and streams of a real broker: as much as can be known without taking it. */

import { connect } from 'amqplib';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import type { SubscriptionDefinition, TopicDefinition } from '../../src/adapters/port.ts';
import { DriverWorld, message } from './support/driver-world.ts';

const rabbitmq = inject('rabbitmq');
const HOUR_MS = 3_600_000;
let world: DriverWorld;
let other: DriverWorld;

/** Three messages, the first three hours old, the last one. */
const aged = (partition = 0) =>
  [3, 2, 1].map((hours) => message(`${hours}h`, { partition, timestampMs: Date.now() - hours * HOUR_MS }));

async function ageMs(by: DriverWorld, subscription: SubscriptionDefinition, topic: TopicDefinition) {
  const { partitions } = await by.driver.lag(subscription, topic);
  return partitions.map(({ oldestUnackedMs }) => oldestUnackedMs);
}

async function hours(by: DriverWorld, subscription: SubscriptionDefinition, topic: TopicDefinition) {
  const ages = await ageMs(by, subscription, topic);
  return ages.map((age) => (age === undefined ? undefined : Math.round(age / HOUR_MS)));
}

describe.skipIf(rabbitmq === null)('the age of the oldest unacked message', () => {
  beforeAll(async () => {
    world = await DriverWorld.open(rabbitmq?.url ?? '');
    other = await DriverWorld.open(rabbitmq?.url ?? '');
  });
  afterAll(async () => {
    await world.driver.close();
    await other.driver.close();
  });

  describe.each(['quorum', 'classic'] as const)('%s', (queueType) => {
    it('is that of the oldest delivery in hand, also of one that is not handed out yet, and goes on when it is given back', async () => {
      const topic = await world.topic({ queueType });
      const subscription = await world.subscription(topic);
      await world.publish(topic, aged());
      const intake = await world.intake(subscription, topic, { messages: 2, bytes: 1_000_000 });
      await intake.received(2);
      expect(await hours(world, subscription, topic)).toEqual([3]);
      await intake.ack(intake.all[1] as (typeof intake.all)[0]);
      expect(await hours(world, subscription, topic)).toEqual([3]);
      await intake.ack(intake.all[0] as (typeof intake.all)[0]);
      await expect.poll(async () => await hours(world, subscription, topic)).toEqual([1]);
      await intake.intake.close();
      await expect.poll(async () => await hours(world, subscription, topic)).toEqual([1]);
      await expect.poll(async () => (await world.driver.lag(subscription, topic)).total).toBe(1);
      expect(await hours(world, subscription, topic)).toEqual([1]);
      const again = await world.intake(subscription, topic);
      await again.received(1);
      await again.ackAll();
      expect(await hours(world, subscription, topic)).toEqual([undefined]);
      await again.intake.close();
      await world.publish(topic, [message('new')]);
      await expect.poll(async () => (await world.driver.lag(subscription, topic)).total).toBe(1);
      await expect.poll(async () => await hours(world, subscription, topic)).toEqual([0]);
    });

    it('of an ordered subscription it is told partition by partition', async () => {
      const topic = await world.topic({ queueType, partitions: 3 });
      const subscription = await world.subscription(topic, { ordering: 'partition' });
      await world.publish(topic, [...aged(0), message('now', { partition: 2 })]);
      const intake = await world.intake(subscription, topic);
      await intake.received(4);
      expect(await hours(world, subscription, topic)).toEqual([3, undefined, 0]);
      await intake.ackAll();
      await intake.intake.close();
    });

    it('of a queue that nobody consumes it is the time since it was seen to wait, and looking takes nothing and counts nothing', async () => {
      const topic = await world.topic({ queueType });
      const subscription = await world.subscription(topic);
      await world.publish(topic, aged());
      expect(await ageMs(world, subscription, topic)).toEqual([0]);
      await expect.poll(async () => (await ageMs(world, subscription, topic))[0]).toBeGreaterThan(150);
      const [age = 0] = await ageMs(world, subscription, topic);
      expect(age).toBeLessThan(HOUR_MS);
      const connection = await connect(rabbitmq?.url ?? '');
      onTestFinished(async () => await connection.close());
      const channel = await connection.createChannel();
      const head = await channel.get(`sluice.s.${subscription.name}.all`);
      expect(head === false ? 'none' : [head.fields.redelivered, head.fields.messageCount]).toEqual([false, 2]);
      expect(head === false ? 'none' : (head.properties.headers?.['x-delivery-count'] ?? 0)).toBe(0);
      if (head !== false) channel.ack(head);
      // Two are left: what was seen to wait may be what is gone.
      await expect
        .poll(async () => (await world.driver.lag(subscription, topic)).partitions)
        .toEqual([{ partition: 0, lag: 2, oldestUnackedMs: 0 }]);
    });

    it('of a subscription that was made again it is that of its own messages', async () => {
      const topic = await world.topic({ queueType });
      const subscription = await world.subscription(topic);
      await world.publish(topic, aged());
      const intake = await world.intake(subscription, topic);
      await intake.received(3);
      await world.driver.deleteSubscription(subscription, topic);
      await expect.poll(() => intake.endedWith?.code).toBe('subscription_not_found');
      await intake.intake.close();
      await world.driver.createSubscription(subscription, topic);
      await world.publish(topic, [message('new')]);
      await expect.poll(async () => await hours(world, subscription, topic)).toEqual([0]);
    });

    it('what others consume is theirs to tell', async () => {
      const topic = await world.topic({ queueType });
      const subscription = await world.subscription(topic);
      await world.publish(topic, aged());
      const intake = await other.intake(subscription, topic, { messages: 1, bytes: 1_000_000 });
      await intake.received(1);
      expect(await ageMs(world, subscription, topic)).toEqual([undefined]);
      expect(await hours(other, subscription, topic)).toEqual([3]);
      await intake.ackAll();
      await intake.intake.close();
    });
  });

  it('on a stream it is that of the first that is not settled, before, while and after somebody reads', async () => {
    const topic = await world.topic({ queueType: 'stream', partitions: 2 });
    const subscription = await world.subscription(topic);
    expect(await hours(world, subscription, topic)).toEqual([undefined, undefined]);
    await world.publish(topic, aged(1));
    expect(await hours(world, subscription, topic)).toEqual([undefined, 3]);
    const intake = await world.intake(subscription, topic);
    await intake.received(3);
    await intake.ack(intake.all[1] as (typeof intake.all)[0]);
    expect(await hours(world, subscription, topic)).toEqual([undefined, 3]);
    await intake.ack(intake.all[0] as (typeof intake.all)[0]);
    expect(await hours(world, subscription, topic)).toEqual([undefined, 1]);
    expect((await hours(other, subscription, topic))[1]).toBeGreaterThan(0);
    await intake.intake.close();
    expect(await hours(other, subscription, topic)).toEqual([undefined, 1]);
    const again = await other.intake(subscription, topic);
    await again.received(1);
    await again.ackAll();
    await again.intake.close();
    expect(await hours(world, subscription, topic)).toEqual([undefined, undefined]);
  });
});
