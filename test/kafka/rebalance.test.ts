import { expect, test } from 'vitest';
import type { DriverDelivery, Intake } from '../../src/adapters/driver.ts';
import {
  driverOn,
  kafkaOf,
  message,
  publishAll,
  RecordingSink,
  subscriptionOf,
  topicOf,
  uniqueName,
  until,
} from './support.ts';

const CREDIT = { messages: 200, bytes: 16 * 1024 * 1024 };

test('two members share the partitions; nothing is lost when one joins and leaves under load', async (ctx) => {
  const brokers = kafkaOf(ctx);
  const [first, second] = [await driverOn(brokers, ctx), await driverOn(brokers, ctx)];
  const topic = topicOf(uniqueName('rebalance'), 6);
  const subscription = subscriptionOf(topic);
  await first.createTopic(topic);
  await first.createSubscription(subscription, topic);
  const acked = new Set<string>();
  const [ours, theirs] = [new RecordingSink(), new RecordingSink()];
  const theirPartitions = (): number => new Set(theirs.delivered.map(({ message: { partition } }) => partition)).size;

  let published = 0;
  const publish = async (count: number): Promise<void> => {
    const messages = Array.from({ length: count }, (_, index) =>
      message(`m${published + index}`, (published + index) % 6),
    );
    await publishAll(first, topic, messages);
    published += count;
  };
  const one = await first.openIntake(subscription, topic, ours, CREDIT);
  ackLater(ours, one, acked);
  await publish(3_000);
  await until('the first member reads', () => acked.size > 500);
  const two = await second.openIntake(subscription, topic, theirs, CREDIT);
  ackLater(theirs, two, acked);
  await until(
    'the second member reads',
    async () => {
      await publish(300); // for as long as it takes: there is always something left to read for the one that comes
      return theirPartitions() === 3;
    },
    20_000,
  );
  await publish(3_000);
  await two.close();
  await until('all of it', () => acked.size === published, 30_000);
  expect(ours.errors).toEqual([]);
  expect(theirs.errors).toEqual([]);

  await until('no lag', async () => (await first.lag(subscription, topic)).total === 0);
  await one.close();
});

test('a member that keeps its partitions keeps its leases; only what moves is lost', async (ctx) => {
  const brokers = kafkaOf(ctx);
  const [first, second] = [await driverOn(brokers, ctx), await driverOn(brokers, ctx)];
  const topic = topicOf(uniqueName('keep'), 2);
  const subscription = subscriptionOf(topic);
  await first.createTopic(topic);
  await first.createSubscription(subscription, topic);
  await publishAll(first, topic, [message('a', 0), message('b', 1)]);
  const [ours, theirs] = [new RecordingSink(), new RecordingSink()];
  const one = await first.openIntake(subscription, topic, ours, CREDIT);
  await until('both', () => ours.delivered.length === 2);
  const two = await second.openIntake(subscription, topic, theirs, CREDIT);
  await until('one moves', () => theirs.delivered.length === 1 && ours.lostOnes.length === 1);
  expect(theirs.values()).toEqual(ours.lostOnes.map(({ message: { value } }) => String(value)));
  for (const delivery of ours.delivered) void one.ack(delivery); // the lost one's ack must not count
  await one.close();
  await until('the lost one is still open', () => theirs.delivered.length === 1);
  expect((await second.lag(subscription, topic)).total).toBe(1);
  await two.close();
});

test('seeking while another process reads is refused with who it is', async (ctx) => {
  const brokers = kafkaOf(ctx);
  const [first, second] = [await driverOn(brokers, ctx), await driverOn(brokers, ctx)];
  const topic = topicOf(uniqueName('busy'), 1);
  const subscription = subscriptionOf(topic);
  await first.createTopic(topic);
  await first.createSubscription(subscription, topic);
  await publishAll(first, topic, [message('a')]);
  const sink = new RecordingSink();
  const intake = await first.openIntake(subscription, topic, sink, CREDIT);
  await until('it reads', () => sink.delivered.length === 1);
  await expect(second.seek(subscription, topic, 'latest')).rejects.toMatchObject({
    code: 'subscription_in_use',
    message: expect.stringMatching(/1 member\(s\) read it in other processes \(sluice/),
  });
  await intake.close();
  await second.seek(subscription, topic, 'latest');
  expect((await second.lag(subscription, topic)).total).toBe(0);
});

/** Each message is worked on for a moment, so that some are always in flight. */
function ackLater(sink: RecordingSink, intake: Intake, acked: Set<string>): void {
  const work = (delivery: DriverDelivery): void => {
    setTimeout(() => {
      if (sink.lostOnes.includes(delivery)) return;
      acked.add(String(delivery.message.value));
      void intake.ack(delivery);
    }, 20);
  };
  for (const delivery of sink.delivered) work(delivery);
  sink.onDelivery = work;
}
