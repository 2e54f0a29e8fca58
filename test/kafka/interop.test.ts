import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { expect, type TestContext, test } from 'vitest';
import { openPort } from '../../src/adapters/index.ts';
import { driverOn, kafkaOf, message, publishAll, topicOf, uniqueName, until } from './support.ts';

interface Received {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: Record<string, unknown>;
}

test('the offsets of outcomes are dense and are what another client reads at them', async (ctx) => {
  const brokers = kafkaOf(ctx);
  const driver = await driverOn(brokers, ctx);
  const topic = topicOf(uniqueName('dense'), 3);
  await driver.createTopic(topic);
  const count = 5_000;
  const outcomes = await publishAll(
    driver,
    topic,
    Array.from({ length: count }, (_, index) => message(`m${index}`, index % 3)),
  );
  const received = new Map(
    (await readAll(brokers, topic.name, count, ctx)).map((one) => [`${one.partition}/${one.offset}`, one.value]),
  );
  const places = outcomes.map((outcome, index) => {
    if (outcome.kind !== 'stored') throw outcome.error;
    expect(received.get(`${outcome.partition}/${outcome.offset}`)).toBe(`m${index}`);
    return outcome;
  });
  for (const partition of [0, 1, 2]) {
    const offsets = places.filter((one) => one.partition === partition).map(({ offset }) => offset as number);
    expect(offsets).toEqual(offsets.map((_, index) => index));
  }
});

test('what the port publishes, bare kafkajs reads: key, value, headers, the partition of its own partitioner', async (ctx) => {
  const brokers = kafkaOf(ctx);
  const port = await openPort({ backend: 'kafka', config: { brokers } });
  ctx.onTestFinished(async () => await port.close());
  const topic = uniqueName('out');
  await port.createTopic({ name: topic, partitions: 5 });
  const keys = Array.from({ length: 40 }, (_, index) => `key-${index}`);
  await port.publish(
    topic,
    keys.map((key) => ({
      key,
      value: `of ${key}`,
      contentType: 'text/plain',
      id: `id-${key}`,
      headers: [{ name: 'h', value: 'é' }],
    })),
  );
  const partitioner = Partitioners.DefaultPartitioner();
  const partitionMetadata = Array.from({ length: 5 }, (_, partitionId) => ({
    partitionId,
    partitionErrorCode: 0,
    leader: 1,
    replicas: [1],
    isr: [1],
  }));
  const received = await readAll(brokers, topic, keys.length, ctx);
  for (const one of received) {
    expect(one.value).toBe(`of ${one.key}`);
    expect(one.headers).toEqual({ h: 'é', 'content-type': 'text/plain', 'sluice-id': `id-${one.key}` });
    const expected = partitioner({ topic, partitionMetadata, message: { key: one.key, value: null } });
    expect(one.partition).toBe(expected);
  }
  expect(new Set(received.map(({ key }) => key))).toEqual(new Set(keys));
  expect(received).toHaveLength(keys.length);
});

test('what bare kafkajs publishes, the port delivers as it is', async (ctx) => {
  const brokers = kafkaOf(ctx);
  const port = await openPort({ backend: 'kafka', config: { brokers } });
  ctx.onTestFinished(async () => await port.close());
  const topic = uniqueName('in');
  await port.createTopic({ name: topic, partitions: 2 });
  await port.createSubscription({ name: topic, topic, start: 'earliest' });
  const producer = bare(brokers).producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  ctx.onTestFinished(async () => await producer.disconnect());
  const messages = [
    {
      key: 'k',
      value: Buffer.from([0, 255, 1]),
      partition: 1,
      headers: { a: ['1', '2'], 'content-type': 'x/y' },
      timestamp: '1700000000000',
    },
    { key: null, value: null, partition: 1 },
    { key: 'k', value: '', partition: 1 },
  ];
  await producer.send({ topic, messages });
  const consumer = await port.subscribe(topic, { credit: { messages: 10 } });
  const delivered = [];
  while (delivered.length < 3) delivered.push(...(await consumer.pull({ maxMessages: 10, waitMs: 5_000 })));
  const [first, second, third] = delivered.map((delivery) => delivery.message);
  expect(first).toEqual({
    topic,
    partition: 1,
    offset: 0,
    key: Buffer.from('k'),
    value: Buffer.from([0, 255, 1]),
    headers: [
      { name: 'a', value: Buffer.from('1') },
      { name: 'a', value: Buffer.from('2') },
    ],
    contentType: 'x/y',
    id: null,
    timestampMs: 1_700_000_000_000,
  });
  expect(second).toMatchObject({ offset: 1, key: null, value: null });
  expect(third).toMatchObject({ offset: 2, value: Buffer.alloc(0) });
});

test('a topic that Kafka has already is adopted with the same partitions, else it is in the way', async (ctx) => {
  const brokers = kafkaOf(ctx);
  const driver = await driverOn(brokers, ctx);
  const admin = bare(brokers).admin();
  await admin.connect();
  ctx.onTestFinished(async () => await admin.disconnect());
  const name = uniqueName('foreign');
  await admin.createTopics({ topics: [{ topic: name, numPartitions: 2 }] });
  await driver.createTopic(topicOf(name, 2));
  await expect(driver.createTopic(topicOf(name, 3))).rejects.toMatchObject({ code: 'already_exists' });
});

test('a value of 1 MiB with headers is carried; without the topic the publish is refused in under a second', async (ctx) => {
  const driver = await driverOn(kafkaOf(ctx), ctx);
  const topic = topicOf(uniqueName('large'), 1, { 'flush.messages': 1 });
  await driver.createTopic(topic);
  const value = Buffer.alloc(1024 * 1024, 7);
  const headers = [{ name: 'h', value: Buffer.alloc(30_000, 1) }];
  const durability = driver.durability(topic, { persistence: 'fsync' });
  expect(durability).toEqual({ persistence: 'fsync', copies: 1 });
  const outcomes = await driver.publish(topic, [message('large', 0, { value, headers })], {
    durability,
    signal: undefined,
  });
  expect(outcomes).toMatchObject([{ kind: 'stored', offset: 0, durability }]);
  const { messages } = await driver.read(topic, 0, 'earliest', 1);
  expect(messages[0]?.value?.equals(value)).toBe(true);
  await driver.deleteTopic(topic);
  const startMs = performance.now();
  expect(await publishAll(driver, topic, [message('x')])).toMatchObject([
    { kind: 'refused', error: { code: 'topic_not_found' } },
  ]);
  expect(performance.now() - startMs).toBeLessThan(1_000);
});

test('more durability than the topic gives is refused', async (ctx) => {
  const driver = await driverOn(kafkaOf(ctx), ctx);
  const topic = topicOf(uniqueName('dur'), 1);
  await driver.createTopic(topic);
  expect(driver.durability(topic, { persistence: 'memory' })).toEqual({ persistence: 'os', copies: 1 });
  expect(() => driver.durability(topic, { persistence: 'fsync' })).toThrow(
    expect.objectContaining({ code: 'capability_unsupported' }),
  );
  expect(() => driver.durability(topic, { minCopies: 2 })).toThrow(
    expect.objectContaining({ code: 'capability_unsupported' }),
  );
});

function bare(brokers: readonly string[]): Kafka {
  return new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING });
}

async function readAll(
  brokers: readonly string[],
  topic: string,
  count: number,
  ctx: TestContext,
): Promise<Received[]> {
  const consumer = bare(brokers).consumer({ groupId: uniqueName('raw'), maxWaitTimeInMs: 100 });
  ctx.onTestFinished(async () => await consumer.disconnect());
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const received: Received[] = [];
  await consumer.run({
    eachMessage: async ({ partition, message: one }) => {
      const headers = Object.fromEntries(
        Object.entries(one.headers ?? {}).map(([name, value]) => [name, String(value)]),
      );
      received.push({
        partition,
        offset: Number(one.offset),
        key: one.key?.toString() ?? null,
        value: one.value?.toString() ?? null,
        headers,
      });
      return await Promise.resolve();
    },
  });
  await until(`${count} messages of ${topic}`, () => received.length >= count);
  return received;
}
