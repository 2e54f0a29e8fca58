/** `manage: none` on Kafka: topics and groups that somebody else made, and clients that know nothing of Sluice. */

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Admin, Kafka, logLevel, Partitioners } from 'kafkajs';
import { expect, inject, it, onTestFinished, type TestContext } from 'vitest';
import { type Delivery, type MessagingPort, openPort } from '../../src/adapters/index.ts';
import { loadConfig } from '../../src/gateway/config.ts';
import { startGateway } from '../../src/gateway/index.ts';
import { kafkaOf, uniqueName } from '../kafka/support.ts';

const PARTITIONS = 3;
const WAIT_MS = 20_000;
const JAVA = 'java';

it('messages of other clients come as they are, and ours go to them, under the same keys in the same partitions', async (ctx) => {
  const world = await existing(ctx);
  const keys = Array.from({ length: 100 }, (_, index) => `customer-${index}`);
  await world.produce(keys.map((key) => ({ key, value: `theirs ${key}`, headers: { source: 'shop' } })));
  const port = await world.open();
  const theirs = await pull(port, 'billing', keys.length);
  const placed = new Map(theirs.map(({ message }) => [String(message.key), message.partition]));
  expect(new Set(placed.keys())).toEqual(new Set(keys));
  expect(theirs[0]?.message).toMatchObject({
    topic: 'orders',
    id: null,
    contentType: null,
    headers: [{ name: 'source', value: Buffer.from('shop') }],
  });
  await ack(port, 'billing', theirs);

  const outcomes = await port.publish(
    'orders',
    keys.map((key) => ({ key, value: `ours ${key}`, contentType: 'text/plain' })),
  );
  for (const [index, outcome] of outcomes.entries()) {
    expect(outcome).toMatchObject({ kind: 'stored', partition: placed.get(String(keys[index])) });
  }
  const read = await world.consume(uniqueName('other'), 2 * keys.length);
  const ours = read.filter(({ value }) => value.startsWith('ours'));
  expect(ours).toHaveLength(keys.length);
  for (const { key, partition, headers } of ours) {
    expect(partition).toBe(placed.get(key));
    expect(headers).toMatchObject({ 'content-type': 'text/plain' });
  }
});

it.for(['gzip', 'snappy', 'lz4', 'zstd'])(
  "batches that Kafka's own producer compressed with %s are read",
  async (codec, ctx) => {
    const world = await existing(ctx);
    const lines = Array.from(
      { length: 400 },
      (_, index) => `${index} ${index % 7} ${'abcdefg'.repeat(index % 50)} ${randomBytes(9).toString('hex')}`,
    );
    await world.produceByJava(codec, lines);
    const port = await world.open();
    const values = (await pull(port, 'billing', lines.length)).map(({ message }) => String(message.value));
    expect(values.toSorted()).toEqual(lines.toSorted());
  },
);

it('a group goes on where another client stopped, and that client where Sluice did', async (ctx) => {
  const world = await existing(ctx);
  await world.produce([{ key: 'k', value: 'first' }]);
  expect((await world.consume(world.group, 1)).map(({ value }) => value)).toEqual(['first']);
  await world.produce([{ key: 'k', value: 'second' }]);
  const port = await world.open();
  const [second] = await pull(port, 'billing', 1);
  expect(String(second?.message.value)).toBe('second');
  await ack(port, 'billing', second === undefined ? [] : [second]);
  expect(await port.lag('billing')).toMatchObject({ total: 0 });
  await port.close();
  await world.produce([{ key: 'k', value: 'third' }]);
  expect((await world.consume(world.group, 1)).map(({ value }) => value)).toEqual(['third']);
});

it('a start at the end is kept: what comes while nobody reads is read later', async (ctx) => {
  const world = await existing(ctx, { start: 'latest' });
  await world.produce([{ key: 'k', value: 'before' }]);
  const first = await world.open();
  await first.subscribe('billing', { credit: { messages: 1 } }).then(async (consumer) => {
    expect(await consumer.pull({ maxMessages: 1, waitMs: 100 })).toEqual([]);
    await world.committed();
    await consumer.close();
  });
  await first.close();
  await world.produce([{ key: 'k', value: 'while away' }]);
  const [delivery] = await pull(await world.open(), 'billing', 1);
  expect(String(delivery?.message.value)).toBe('while away');
});

it('dead letters go to the mapped topic, and nothing is made: no topic, no group but the one that is read', async (ctx) => {
  const world = await existing(ctx);
  const before = await world.inventory();
  await world.produce([{ key: 'k', value: 'poison' }]);
  const port = await world.open();
  const [poison] = await pull(port, 'billing', 1);
  expect(await port.reject('billing', [poison?.token ?? ''])).toMatchObject([{ status: 'ok' }]);
  const letters = await port.read('orders.dead', 0, 'earliest', 10);
  expect(letters.messages).toMatchObject([{ topic: 'orders.dead', value: Buffer.from('poison') }]);
  await port.seek('billing', 'earliest');
  await port.close();
  const after = await world.inventory();
  expect(after.topics).toEqual(before.topics);
  expect(after.groups.filter((group) => !before.groups.includes(group))).toEqual([world.group]);
});

it('what is not there is refused by name, and what is mapped is found', async (ctx) => {
  const world = await existing(ctx);
  const port = await world.open();
  const refused = { code: 'capability_unsupported', message: expect.stringContaining('manage "none"') };
  await expect(port.createTopic({ name: 'other' })).rejects.toMatchObject(refused);
  await expect(port.createSubscription({ name: 'other', topic: 'orders' })).rejects.toMatchObject(refused);
  await expect(port.deleteSubscription('billing')).rejects.toMatchObject(refused);
  await expect(port.deleteTopic('orders')).rejects.toMatchObject(refused);
  await expect(port.deleteTopic('orders.dead')).rejects.toMatchObject(refused);
  await expect(port.createTopic({ name: 'orders', partitions: 1 })).rejects.toMatchObject({ code: 'already_exists' });
  expect(await port.createTopic({ name: 'orders', partitions: PARTITIONS })).toMatchObject({ created: false });
  expect((await port.listTopics()).map(({ name }) => name)).toEqual(['orders', 'orders.dead']);
  expect(await port.describeSubscription('billing')).toMatchObject({ topic: 'orders', ordering: 'key' });
  expect(await pull(port, 'billing', 0)).toEqual([]);
});

it('a mapping that does not fit is refused at the start', async (ctx) => {
  const world = await existing(ctx);
  const nowhere = { ...world.config, topics: [{ name: 'orders', kafkaTopic: uniqueName('none') }], subscriptions: [] };
  await expect(openPort({ backend: 'kafka', config: nowhere })).rejects.toMatchObject({
    code: 'topic_not_found',
    message: expect.stringMatching(/topic "orders" of the configuration: Kafka has no topic "none-/),
  });
  const other = { ...nowhere, topics: [{ name: 'orders', kafkaTopic: world.kafkaTopic, partitions: 4 }] };
  await expect(openPort({ backend: 'kafka', config: other })).rejects.toMatchObject({
    code: 'invalid_argument',
    message: expect.stringContaining(`has ${PARTITIONS} partitions, not 4`),
  });
});

it('a group that another client reads just now is refused', async (ctx) => {
  const world = await existing(ctx);
  const consumer = world.kafka.consumer({ groupId: world.group });
  await consumer.connect();
  onTestFinished(async () => await consumer.disconnect());
  await consumer.subscribe({ topic: world.kafkaTopic });
  const joined = new Promise<void>((resolve) => consumer.on(consumer.events.GROUP_JOIN, () => resolve()));
  await consumer.run({ eachMessage: async () => undefined });
  await joined;
  await expect(pull(await world.open(), 'billing', 1)).rejects.toMatchObject({
    code: 'backend_rejected',
    message: expect.stringContaining(`group "${world.group}" has members of another client`),
  });
});

it('the gateway serves what its file maps', async (ctx) => {
  const world = await existing(ctx);
  const directory = mkdtempSync(join(tmpdir(), 'sluice-existing-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'sluice.yaml');
  writeFileSync(file, JSON.stringify({ backend: 'kafka', port: 0, kafka: world.config }));
  const gateway = await startGateway(loadConfig({ file }));
  onTestFinished(async () => await gateway.close());
  const post = async (path: string, body: object) => {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${gateway.url}/v1/${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    return { status: answer.status, json: (await answer.json()) as { code?: string; deliveries?: object[] } };
  };
  expect(await post('topics', { name: 'new' })).toMatchObject({
    status: 422,
    json: { code: 'capability_unsupported' },
  });
  expect(await post('topics/orders/messages', { messages: [{ key: 'k', value: 'x' }] })).toMatchObject({ status: 200 });
  const pulled = await post('subscriptions/billing/pull', { maxMessages: 1, waitMs: WAIT_MS });
  expect(pulled.json.deliveries).toMatchObject([{ message: { topic: 'orders', key: 'k', value: 'x' } }]);
});

/** Two topics and a group as their owner made them, with names that say nothing of Sluice. */
async function existing(ctx: TestContext, more: Record<string, unknown> = {}) {
  const brokers = [...kafkaOf(ctx)];
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  ctx.onTestFinished(async () => await admin.disconnect());
  const [kafkaTopic, dead, group] = [uniqueName('shop.orders'), uniqueName('shop.dlq'), uniqueName('billing-service')];
  await admin.createTopics({
    topics: [
      { topic: kafkaTopic, numPartitions: PARTITIONS },
      { topic: dead, numPartitions: 1 },
    ],
  });
  await ready(admin, kafkaTopic);
  const config = {
    brokers,
    manage: 'none' as const,
    topics: [
      { name: 'orders', kafkaTopic },
      { name: 'orders.dead', kafkaTopic: dead },
    ],
    subscriptions: [
      {
        name: 'billing',
        topic: 'orders',
        group,
        start: 'earliest',
        ordering: 'key',
        deadLetterTopic: 'orders.dead',
        ...more,
      },
    ],
  };
  return {
    kafka,
    config,
    kafkaTopic,
    group,
    open: async (): Promise<MessagingPort> => {
      const port = await openPort({ backend: 'kafka', config });
      ctx.onTestFinished(async () => await port.close());
      return port;
    },
    produce: async (messages: { key: string; value: string; headers?: Record<string, string> }[]): Promise<void> => {
      const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
      await producer.connect();
      await producer.send({ topic: kafkaTopic, messages });
      await producer.disconnect();
    },
    produceByJava: async (codec: string, lines: readonly string[]): Promise<void> => {
      const { libDir } = inject('kafka') ?? { libDir: null };
      if (libDir === null) return ctx.skip('no tools of Kafka on this machine');
      const target = ['--bootstrap-server', brokers.join(','), '--topic', kafkaTopic, '--compression-codec', codec];
      const program = ['-Xmx128m', '-cp', join(libDir, '*'), 'org.apache.kafka.tools.ConsoleProducer', ...target];
      const child = spawn(JAVA, program, { stdio: ['pipe', 'ignore', 'inherit'] });
      child.stdin.end(`${lines.join('\n')}\n`);
      const [status] = (await once(child, 'close')) as [number];
      expect(status).toBe(0);
    },
    /** As another client would, leaving its place in the group behind. */
    consume: async (groupId: string, count: number) => {
      const consumer = kafka.consumer({ groupId });
      await consumer.connect();
      await consumer.subscribe({ topic: kafkaTopic, fromBeginning: true });
      const found: { key: string; value: string; partition: number; headers: Record<string, string> }[] = [];
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`${found.length} of ${count} in time`)), WAIT_MS);
        const eachMessage = ({ partition, message }: { partition: number; message: KafkaMessage }): Promise<void> => {
          const headers = Object.fromEntries(
            Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)]),
          );
          found.push({ key: String(message.key), value: String(message.value), partition, headers });
          if (found.length === count) {
            clearTimeout(timer);
            resolve();
          }
          return Promise.resolve();
        };
        consumer.run({ eachMessage }).catch(reject);
      });
      await consumer.stop();
      await consumer.disconnect();
      return found;
    },
    /** Resolves when the group has an offset for each partition. */
    committed: async (): Promise<void> => {
      const deadline = performance.now() + WAIT_MS;
      for (;;) {
        const [offsets] = await admin.fetchOffsets({ groupId: group, topics: [kafkaTopic] });
        const known = offsets?.partitions.filter(({ offset }) => Number(offset) >= 0) ?? [];
        if (known.length === PARTITIONS) return;
        if (performance.now() > deadline) throw new Error('no offsets were committed in time');
      }
    },
    inventory: async () => ({
      topics: (await admin.listTopics()).toSorted(),
      groups: (await admin.listGroups()).groups.map(({ groupId }) => groupId),
    }),
  };
}

/**
 * Resolves when each partition answers. kafkajs sends a whole request again when one partition of it was refused, also what the others
 * have stored: a topic whose last partition is not led yet would have some messages twice.
 */
async function ready(admin: Admin, topic: string): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  for (;;) {
    try {
      await admin.fetchTopicOffsets(topic);
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
  }
}

interface KafkaMessage {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, unknown>>;
}

/** Exactly so many; none is what comes at once. */
async function pull(port: MessagingPort, subscription: string, count: number): Promise<readonly Delivery[]> {
  const consumer = await port.subscribe(subscription, { credit: { messages: 1_000 } });
  const found: Delivery[] = [];
  const deadline = performance.now() + WAIT_MS;
  while (found.length < count) {
    if (performance.now() > deadline) throw new Error(`${found.length} of ${count} in time`);
    const deliveries = await consumer.pull({ maxMessages: count - found.length, waitMs: 1_000 });
    found.push(...deliveries);
    // Ordered by key: the next one of a key comes when this one is settled.
    if (count > 1) await ack(port, subscription, deliveries);
  }
  return found;
}

async function ack(port: MessagingPort, subscription: string, deliveries: readonly Delivery[]): Promise<void> {
  if (deliveries.length > 0)
    await port.ack(
      subscription,
      deliveries.map(({ token }) => token),
    );
}
