import { expect, test } from 'vitest';
import { openPort } from '../../src/adapters/index.ts';
import { openDriver } from '../../src/adapters/kafka/index.ts';
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

test('definitions put by one driver are seen by another: at refresh, unasked, and after a restart', async (ctx) => {
  const brokers = kafkaOf(ctx);
  const [first, second] = [await driverOn(brokers, ctx), await driverOn(brokers, ctx)];
  const prefix = uniqueName('meta');
  const [ours, theirs] = [new Map<string, string | null>(), new Map<string, string | null>()];
  const one = await first.openMeta((key, value) => ours.set(key, value));
  const two = await second.openMeta((key, value) => theirs.set(key, value));
  await one.put(`${prefix}/a`, '{"n":1}');
  expect(ours.get(`${prefix}/a`)).toBe('{"n":1}');
  await two.refresh();
  expect(theirs.get(`${prefix}/a`)).toBe('{"n":1}');
  await two.put(`${prefix}/b`, '2');
  await two.put(`${prefix}/a`, null);
  await until('the follower', () => ours.get(`${prefix}/b`) === '2' && ours.get(`${prefix}/a`) === null);
  const third = await driverOn(brokers, ctx);
  const read = new Map<string, string | null>();
  await third.openMeta((key, value) => read.set(key, value));
  expect([read.get(`${prefix}/a`) ?? null, read.get(`${prefix}/b`)]).toEqual([null, '2']);
});

test('a subscription made through one port is read through another', async (ctx) => {
  const brokers = kafkaOf(ctx);
  const [one, two] = [
    await openPort({ backend: 'kafka', config: { brokers } }),
    await openPort({ backend: 'kafka', config: { brokers } }),
  ];
  ctx.onTestFinished(async () => void (await Promise.all([one.close(), two.close()])));
  const name = uniqueName('shared');
  await one.createTopic({ name, partitions: 2 });
  await one.createSubscription({ name, topic: name });
  await two.publish(name, [{ key: 'k', value: 'v' }]);
  const consumer = await two.subscribe(name, { credit: { messages: 1 } });
  const [delivery] = await consumer.pull({ maxMessages: 1, waitMs: 5_000 });
  expect(String(delivery?.message.value)).toBe('v');
  expect(await two.ack(name, [delivery?.token ?? ''])).toMatchObject([{ status: 'ok' }]);
  expect((await two.lag(name)).total).toBe(0);
  await one.deleteTopic(name);
  await expect(two.describeSubscription(name)).rejects.toMatchObject({ code: 'subscription_not_found' });
});

test('a partition is read from the start, an offset and the end, in pages, and never outside', async (ctx) => {
  const driver = await driverOn(kafkaOf(ctx), ctx);
  const topic = topicOf(uniqueName('read'), 2);
  await driver.createTopic(topic);
  await publishAll(
    driver,
    topic,
    Array.from({ length: 1_200 }, (_, index) => message(`m${index}`, 1)),
  );
  const page = await driver.read(topic, 1, 'earliest', 1_000);
  expect([page.messages.length, page.next]).toEqual([1_000, 1_000]);
  const rest = await driver.read(topic, 1, page.next, 1_000);
  expect(rest.messages.map(({ offset, value }) => [offset, String(value)])).toEqual(
    Array.from({ length: 200 }, (_, index) => [1_000 + index, `m${1_000 + index}`]),
  );
  expect(await driver.read(topic, 1, 1_200, 10)).toEqual({ messages: [], next: 1_200 });
  expect(await driver.read(topic, 1, 'latest', 10)).toEqual({ messages: [], next: 1_200 });
  expect(await driver.read(topic, 0, 'earliest', 10)).toEqual({ messages: [], next: 0 });
  await expect(driver.read(topic, 1, 1_201, 10)).rejects.toMatchObject({ code: 'offset_out_of_range' });
});

test('a subscription starts and seeks at the start, the end, offsets and a time', async (ctx) => {
  const driver = await driverOn(kafkaOf(ctx), ctx);
  const topic = topicOf(uniqueName('seek'), 2);
  await driver.createTopic(topic);
  const times = [1_000, 2_000, 3_000, 4_000].map((ms) => 1_700_000_000_000 + ms);
  await publishAll(
    driver,
    topic,
    times.map((timestampMs, index) => message(`m${index}`, 0, { timestampMs })),
  );
  const subscription = subscriptionOf(topic, { offsets: { '0': 3 } });
  await driver.createSubscription(subscription, topic);
  await driver.createSubscription(subscription, topic); // again, as after a crash: changes nothing
  const lag = async (): Promise<number> => (await driver.lag(subscription, topic)).total;
  expect(await lag()).toBe(1);
  await driver.seek(subscription, topic, 'earliest');
  expect(await lag()).toBe(4);
  await driver.seek(subscription, topic, { timestampMs: 1_700_000_002_500 });
  expect(await lag()).toBe(2);
  await driver.seek(subscription, topic, 'latest');
  expect(await lag()).toBe(0);
  await driver.seek(subscription, topic, { offsets: { '0': 1 } });
  const sink = new RecordingSink();
  const intake = await driver.openIntake(subscription, topic, sink, { messages: 10, bytes: 1_000_000 });
  await until('three', () => sink.delivered.length === 3);
  expect(sink.values()).toEqual(['m1', 'm2', 'm3']);
  await intake.close();
  await expect(driver.seek(subscription, topic, { offsets: { '0': 5 } })).rejects.toMatchObject({
    code: 'offset_out_of_range',
  });
});

test('opening without a broker is refused within the connect timeout', async () => {
  const startMs = performance.now();
  await expect(openDriver({ brokers: ['127.0.0.1:1'], connectTimeoutMs: 500 })).rejects.toMatchObject({
    code: 'backend_unavailable',
  });
  expect(performance.now() - startMs).toBeLessThan(1_500);
});
