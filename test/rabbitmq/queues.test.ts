import { setTimeout as pause } from 'node:timers/promises';
import { connect } from 'amqplib';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { openPort } from '../../src/adapters/index.ts';
import { runs } from '../core-log/support.ts';
import { DriverWorld, message, messages, unique, until, valueOf } from './support/driver-world.ts';

const rabbitmq = inject('rabbitmq');
let world: DriverWorld;

describe.skipIf(rabbitmq === null)('queues', () => {
  beforeAll(async () => {
    world = await DriverWorld.open(rabbitmq?.url ?? '');
  });
  afterAll(async () => await world.driver.close());

  describe.each(['quorum', 'classic'] as const)('%s', (queueType) => {
    it('a publish without a subscription is refused as unroutable, each message by itself', async () => {
      const topic = await world.topic({ queueType });
      const outcomes = await world.publish(topic, messages(50));
      expect(
        new Set(outcomes.map((outcome) => (outcome.kind === 'refused' ? outcome.error.code : outcome.kind))),
      ).toEqual(new Set(['unroutable']));
      const ordered = await world.topic({ queueType, partitions: 2 });
      await world.subscription(ordered, { ordering: 'partition' });
      expect(
        (await world.publish(ordered, [message('a'), message('b', { partition: 1 })])).map(({ kind }) => kind),
      ).toEqual(['stored', 'stored']);
    });

    it('that one of several queues refuses is unknown, not refused: the others have it', async () => {
      const topic = await world.topic({ queueType });
      const subscription = await world.subscription(topic);
      const connection = await connect(rabbitmq?.url ?? '');
      const channel = await connection.createChannel();
      const full = unique('full');
      await channel.assertQueue(full, {
        durable: true,
        arguments: { 'x-queue-type': queueType, 'x-max-length': 1, 'x-overflow': 'reject-publish' },
      });
      await channel.bindQueue(full, `sluice.t.${topic.name}`, '0');
      const kinds: string[] = [];
      // A quorum queue takes a few above its length before it says no.
      await until('a refusal', async () => {
        for (const { kind } of await world.publish(topic, messages(10))) kinds.push(kind);
        return kinds.some((kind) => kind !== 'stored');
      });
      expect(new Set(kinds.filter((kind) => kind !== 'stored'))).toEqual(new Set(['unknown']));
      const intake = await world.intake(subscription, topic);
      await intake.received(kinds.length);
      await intake.ackAll();
      await intake.intake.close();
      await channel.deleteQueue(full);
      await connection.close();
    });

    it('two messages with the same id in one publish get an outcome each', async () => {
      const topic = await world.topic({ queueType });
      const twins = [message('1', { id: 'same' }), message('2', { id: 'same' })];
      expect((await world.publish(topic, twins)).map(({ kind }) => kind)).toEqual(['refused', 'refused']);
    });

    it('never has more unsettled than granted, in messages and bytes, also when the grant grows', async () => {
      const topic = await world.topic({ queueType });
      const subscription = await world.subscription(topic);
      await world.publish(topic, messages(200));
      const intake = await world.intake(subscription, topic, { messages: 3, bytes: 1_000_000 });
      await intake.received(3);
      expect(await world.driver.lag(subscription, topic)).toMatchObject({ total: 200 });
      intake.intake.grant({ messages: 150, bytes: 1_000_000 });
      await intake.received(150);
      intake.onDelivery = (delivery) => void intake.ack(delivery);
      await intake.ackAll();
      await intake.received(200);
      expect(intake.mostUnsettled).toBeLessThanOrEqual(150);
      expect(new Set(intake.values).size).toBe(200);
      await until('no lag', async () => (await world.driver.lag(subscription, topic)).total === 0);
      await intake.intake.close();
    });

    it('a grant in bytes lets out what fits, and a message larger than all of it alone', async () => {
      const topic = await world.topic({ queueType });
      const subscription = await world.subscription(topic);
      await world.publish(
        topic,
        Array.from({ length: 4 }, () => message('x'.repeat(1_000))),
      );
      const intake = await world.intake(subscription, topic, { messages: 100, bytes: 2_500 });
      await intake.received(2);
      intake.onDelivery = (delivery) => void intake.ack(delivery);
      await intake.ackAll();
      await intake.received(4);
      expect(intake.mostUnsettled).toBe(2);
      await intake.intake.close();
      await world.publish(topic, [message('y'.repeat(5_000))]);
      const next = await world.intake(subscription, topic, { messages: 100, bytes: 2_500 });
      await next.received(1);
      await next.ackAll();
      await next.intake.close();
    });

    it('a queue deleted under its consumer ends the intake with subscription_not_found', async () => {
      const topic = await world.topic({ queueType });
      const subscription = await world.subscription(topic);
      const intake = await world.intake(subscription, topic);
      await world.driver.deleteSubscription(subscription, topic);
      await until('the end', () => intake.endedWith !== undefined);
      expect(intake.endedWith?.code).toBe('subscription_not_found');
      await expect(world.intake(subscription, topic)).rejects.toMatchObject({ code: 'subscription_not_found' });
    });

    it('an ordered subscription hands over to a second process in order, and nothing is lost', async () => {
      const topic = await world.topic({ queueType });
      const subscription = await world.subscription(topic, {
        ordering: 'partition',
        maxInFlight: { messages: 10, bytes: 1_000_000 },
      });
      await world.publish(topic, messages(40));
      const other = await DriverWorld.open(rabbitmq?.url ?? '');
      const first = await world.intake(subscription, topic);
      await first.received(10);
      const second = await other.intake(subscription, topic);
      second.onDelivery = (delivery) => void second.ack(delivery);
      for (const delivery of [...first.unsettled].slice(0, 4)) await first.ack(delivery);
      for (const delivery of Array.from(first.unsettled)) await first.giveBack(delivery, false);
      await first.intake.close();
      await second.received(36);
      expect(second.values).toEqual(Array.from({ length: 36 }, (_, index) => `v${index + 4}`));
      await second.intake.close();
      await other.driver.close();
    });

    it('an ordered subscription that is closed and opened again while messages come keeps the order of its keys', async () => {
      const rounds = runs(8, 100);
      await using port = await openPort({ backend: 'rabbitmq', config: { url: rabbitmq?.url ?? '' } });
      const name = unique('reopened');
      await port.createTopic({ name, queueType, partitions: 4 });
      await port.createSubscription({ name, topic: name, ordering: 'key', ackDeadlineMs: 60_000 });
      let sent = 0;
      let isOver = false;
      const publishing = (async () => {
        for (; !isOver; sent += 5) {
          const burst = Array.from({ length: 5 }, (_, index) => sent + index);
          await port.publish(
            name,
            burst.map((number) => ({ key: `key-${number % 20}`, value: String(Math.floor(number / 20)) })),
          );
          await pause(10);
        }
      })();
      const last = new Map<string, number>();
      const swapped: string[] = [];
      let received = 0;
      // Slower than what comes, so that much is in hand, or on its way, when it closes.
      const consume = async (atOnce: number, isEnough: (had: number) => boolean): Promise<void> => {
        await using consumer = await port.subscribe(name, { credit: { messages: 200 } });
        for (let had = 0; !isEnough(had); ) {
          const deliveries = await consumer.pull({ maxMessages: atOnce, waitMs: 20_000 });
          if (deliveries.length === 0) throw new Error(`nothing came after ${received} of ${sent}`);
          for (const { message: each } of deliveries) {
            const key = String(each.key);
            const number = Number(each.value);
            if (number !== (last.get(key) ?? -1) + 1) swapped.push(`${key}: ${number} after ${last.get(key)}`);
            last.set(key, Math.max(number, last.get(key) ?? -1));
          }
          await pause(15);
          await port.ack(
            name,
            deliveries.map(({ token }) => token),
          );
          had += deliveries.length;
          received += deliveries.length;
        }
      };
      for (let round = 0; round < rounds; round += 1) await consume(5, (had) => had >= 120);
      isOver = true;
      await publishing;
      await consume(200, () => received >= sent);
      expect(swapped).toEqual([]);
      expect(received).toBe(sent);
      await port.deleteSubscription(name);
      await port.deleteTopic(name);
    });

    it('creating again is fine; a queue of another kind under the name is already_exists', async () => {
      const topic = await world.topic({ queueType });
      const subscription = await world.subscription(topic);
      await world.driver.createTopic(topic);
      await world.driver.createSubscription(subscription, topic);
      const changed = { ...topic, queueType: queueType === 'quorum' ? ('classic' as const) : ('quorum' as const) };
      await expect(world.driver.createSubscription(subscription, changed)).rejects.toMatchObject({
        code: 'already_exists',
      });
      await world.driver.deleteSubscription(subscription, topic);
      await world.driver.deleteTopic(topic);
    });

    it('a message of another client is delivered as it is', async () => {
      const topic = await world.topic({ queueType });
      const subscription = await world.subscription(topic);
      const connection = await connect(rabbitmq?.url ?? '');
      const channel = await connection.createConfirmChannel();
      const options = { headers: { n: 5, list: ['a', 'b'] }, contentType: 'text/x', timestamp: 1_700_000_000 };
      channel.publish(`sluice.t.${topic.name}`, '0', Buffer.from('theirs'), options);
      await channel.waitForConfirms();
      await connection.close();
      const intake = await world.intake(subscription, topic);
      await intake.received(1);
      const [delivery] = intake.all;
      expect(delivery?.message).toMatchObject({
        key: null,
        id: null,
        contentType: 'text/x',
        timestampMs: 1_700_000_000_000,
      });
      expect(delivery?.message.headers.map(({ name, value }) => `${name}=${value.toString()}`)).toEqual([
        'list=a',
        'list=b',
        'n=5',
      ]);
      await intake.intake.close();
    });
  });

  describe('of RabbitMQ 4.3', () => {
    beforeEach((context) => {
      if (world.driver.capabilities('quorum')['ack.releaseUncounted'].level !== 'native')
        context.skip('it needs RabbitMQ 4.3');
    });

    it('a failed message comes with its attempt number, a released one with the same as before', async () => {
      const topic = await world.topic();
      const subscription = await world.subscription(topic);
      await world.publish(topic, [message('again')]);
      const intake = await world.intake(subscription, topic, { messages: 1, bytes: 1_000 });
      for (const [index, counted] of [true, false, true, false, false].entries()) {
        await intake.received(index + 1);
        await intake.giveBack(intake.all[index] as (typeof intake.all)[0], counted);
      }
      await intake.received(6);
      expect(intake.all.map(({ attempt }) => attempt)).toEqual([1, 2, 2, 3, 3, 3]);
      await intake.ackAll();
      await intake.intake.close();
    });

    it('what an unordered intake holds when it closes is not counted, whether it was handed out or sent ahead', async () => {
      const topic = await world.topic();
      const subscription = await world.subscription(topic);
      await world.publish(topic, messages(20));
      for (let round = 0; round < 3; round += 1) {
        const intake = await world.intake(subscription, topic, { messages: 5, bytes: 1_000_000 });
        await intake.received(5);
        await intake.intake.close();
      }
      const last = await world.intake(subscription, topic);
      await last.received(20);
      expect(new Set(last.all.map(({ attempt }) => attempt))).toEqual(new Set([1]));
      expect(new Set(last.values).size).toBe(20);
      await last.ackAll();
      await last.intake.close();
    });

    it('higher priorities come first when messages wait', async () => {
      const topic = await world.topic();
      const subscription = await world.subscription(topic);
      await world.publish(
        topic,
        [1, 9, 31, 5].map((priority) => message(`p${priority}`, { priority })),
      );
      const intake = await world.intake(subscription, topic);
      await intake.received(4);
      expect(intake.values).toEqual(['p31', 'p9', 'p5', 'p1']);
      await intake.intake.close();
    });
  });

  it('an expired message is not delivered, and goes to the dead-letter topic of the subscription', async () => {
    const dead = world.driver.deadLetterTopic(unique('dead'), await world.topic());
    await world.driver.createTopic(dead);
    const topic = await world.topic();
    const subscription = await world.subscription(topic, { onExhausted: 'deadLetter', deadLetterTopic: dead.name });
    await world.publish(topic, [message('short', { ttlMs: 1 }), message('long', { ttlMs: 600_000 })]);
    await until(
      'the dead letter',
      async () => (await world.driver.read(dead, 0, 'earliest', 10)).messages.length === 1,
    );
    const { messages: letters } = await world.driver.read(dead, 0, 'earliest', 10);
    expect(letters[0]?.value?.toString()).toBe('short');
    const intake = await world.intake(subscription, topic);
    await intake.received(1);
    expect(intake.values).toEqual(['long']);
    await intake.intake.close();
  });

  it('a broker that is not there is backend_unavailable, soon; a wrong password backend_rejected', async () => {
    const startedAt = performance.now();
    await expect(DriverWorld.open('amqp://127.0.0.1:1', { connectTimeoutMs: 2_000 })).rejects.toMatchObject({
      code: 'backend_unavailable',
    });
    expect(performance.now() - startedAt).toBeLessThan(2_500);
    const wrong = new URL(rabbitmq?.url ?? '');
    wrong.password = 'not-it';
    await expect(DriverWorld.open(wrong.href)).rejects.toMatchObject({ code: 'backend_rejected' });
  });

  it('keeps headers, key, null value and id through a real queue', async () => {
    const topic = await world.topic();
    const subscription = await world.subscription(topic);
    const headers = [
      { name: 'b', value: Buffer.from([0, 255]) },
      { name: 'a', value: Buffer.from('1') },
      { name: 'b', value: Buffer.from('') },
    ];
    const sent = message('', {
      key: Buffer.from([255, 0]),
      value: null,
      headers,
      contentType: 'x/y',
      id: 'é'.repeat(150),
    });
    expect((await world.publish(topic, [sent]))[0]?.kind).toBe('stored');
    const intake = await world.intake(subscription, topic);
    await intake.received(1);
    const { key, value, contentType, id, timestampMs, headers: got } = intake.all[0]?.message ?? {};
    expect({ key, value, contentType, id, timestampMs, headers: got }).toEqual({
      key: sent.key,
      value: null,
      contentType: 'x/y',
      id: sent.id,
      timestampMs: sent.timestampMs,
      headers,
    });
    expect(intake.all.map(valueOf)).toEqual(['null']);
    await intake.intake.close();
  });
});
