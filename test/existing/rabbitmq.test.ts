/** `manage: none` on RabbitMQ: exchanges and queues that somebody else made, and clients that know nothing of Sluice. */

import { type Channel, connect, type ConsumeMessage } from 'amqplib';
import { expect, inject, it, type TestContext } from 'vitest';
import { type Delivery, type MessagingPort, openPort } from '../../src/adapters/index.ts';
import { unique, until } from '../rabbitmq/support/driver-world.ts';

const WAIT_MS = 20_000;
const KEYS = ['orders.0', 'orders.1', 'orders.2'];

it('messages of other clients come as they are, and ours go to them, by the routing key of their partition', async (ctx) => {
  const world = await existing(ctx);
  const port = await world.open();
  const properties = { contentType: 'text/plain', messageId: 'm-1', headers: { source: 'shop' } };
  world.channel.publish(world.exchange, 'orders.1', Buffer.from('theirs'), properties);
  const [theirs] = await pull(port, 'billing', 1);
  expect(theirs?.message).toMatchObject({
    topic: 'orders',
    partition: 1,
    key: null,
    id: 'm-1',
    contentType: 'text/plain',
    value: Buffer.from('theirs'),
    headers: [{ name: 'source', value: Buffer.from('shop') }],
  });
  await ack(port, 'billing', theirs);

  const got: ConsumeMessage[] = [];
  await world.channel.consume(world.theirs, (message) => void (message === null || got.push(message)), { noAck: true });
  const ours = Array.from({ length: 30 }, (_, index) => ({ key: `customer-${index}`, value: `ours ${index}` }));
  const outcomes = await port.publish('orders', ours);
  await until('all of them, and theirs', () => got.length === ours.length + 1);
  const routed = new Map(got.map(({ content, fields }) => [content.toString(), fields.routingKey]));
  for (const [index, outcome] of outcomes.entries()) {
    expect(outcome).toMatchObject({ kind: 'stored', durability: { persistence: 'fsync', copies: 1 } });
    if (outcome.kind === 'stored') expect(routed.get(`ours ${index}`)).toBe(KEYS[outcome.partition]);
  }
  // As Kafka's own partitioner has it for three partitions.
  expect(new Set(outcomes.map((outcome) => (outcome.kind === 'stored' ? outcome.partition : -1))).size).toBe(3);
});

it('an ordered subscription reads one queue for each partition, in order', async (ctx) => {
  const world = await existing(ctx);
  const port = await world.open();
  await port.publish(
    'orders',
    Array.from({ length: 30 }, (_, index) => ({ partition: index % 3, value: String(index) })),
  );
  const values: number[][] = [[], [], []];
  await using consumer = await port.subscribe('ledger', { credit: { messages: 10 } });
  while (values.flat().length < 30) {
    const [delivery] = await consumer.pull({ maxMessages: 1, waitMs: WAIT_MS });
    if (delivery === undefined) throw new Error(`only ${values.flat().length} in time`);
    values[delivery.message.partition]?.push(Number(String(delivery.message.value)));
    await ack(port, 'ledger', delivery);
  }
  for (const each of values) expect(each).toEqual(each.toSorted((left, right) => left - right));
  expect(values.map((each) => each.length)).toEqual([10, 10, 10]);
  expect(await port.lag('ledger')).toMatchObject({ total: 0 });
});

it('a failed message is tried again with its count, and a rejected one goes to the mapped topic', async (ctx) => {
  const world = await existing(ctx);
  const port = await world.open();
  await port.publish('orders', [{ value: 'x' }]);
  const [first] = await pull(port, 'billing', 1);
  await port.nack('billing', [first?.token ?? ''], { delayMs: 0 });
  const [second] = await pull(port, 'billing', 1);
  expect([first?.attempt, second?.attempt]).toEqual([1, 2]);
  await port.reject('billing', [second?.token ?? '']);
  await until('the dead letter', async () => (await world.channel.checkQueue(world.dead)).messageCount === 1);
  const letter = await world.channel.get(world.dead, { noAck: true });
  expect(letter === false ? '' : letter.content.toString()).toBe('x');
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
  expect(await port.createTopic({ name: 'orders', partitions: 3 })).toMatchObject({ created: false });
  expect((await port.listSubscriptions()).map(({ name }) => name)).toEqual(['billing', 'ledger']);
  await world.channel.checkQueue(world.theirs); // nobody took it away
});

it('a mapping that does not fit is refused at the start', async (ctx) => {
  const world = await existing(ctx);
  const open = async (change: Record<string, unknown>): Promise<MessagingPort> =>
    await openPort({ backend: 'rabbitmq', config: { ...world.config, ...change } });
  const [orders] = world.config.topics;
  await expect(open({ topics: [{ ...orders, exchange: 'nowhere' }], subscriptions: [] })).rejects.toMatchObject({
    code: 'topic_not_found',
    message: expect.stringContaining('RabbitMQ has no exchange "nowhere"'),
  });
  const lost = { name: 's', topic: 'orders', queues: ['nowhere'], onExhausted: 'drop' };
  await expect(open({ subscriptions: [lost] })).rejects.toMatchObject({
    code: 'subscription_not_found',
    message: expect.stringContaining('RabbitMQ has no queue "nowhere"'),
  });
  const unordered = { ...lost, ordering: 'partition', queues: ['a'] };
  await expect(open({ subscriptions: [unordered] })).rejects.toMatchObject({
    code: 'invalid_argument',
    errors: [
      { path: 'subscriptions[0].queues', message: expect.stringContaining('that is 3, not 1') },
      { path: 'subscriptions[0].singleActiveConsumer', message: expect.stringContaining('x-single-active-consumer') },
    ],
  });
});

it('a stream is browsed and published to, and a subscription on it is refused', async (ctx) => {
  const world = await existing(ctx);
  const stream = unique('audit');
  await world.channel.assertQueue(stream, { arguments: { 'x-queue-type': 'stream' } });
  ctx.onTestFinished(async () => void (await world.channel.deleteQueue(stream)));
  const topic = { name: 'audit', queueType: 'stream', exchange: '', routingKeys: [stream], streams: [stream] };
  const config = { ...world.config, topics: [topic], subscriptions: [] as object[] };
  const port = await openPort({ backend: 'rabbitmq', config });
  ctx.onTestFinished(async () => await port.close());
  expect(await port.publish('audit', [{ value: 'ours' }])).toMatchObject([{ kind: 'stored' }]);
  world.channel.sendToQueue(stream, Buffer.from('theirs'));
  await until('both', async () => (await port.read('audit', 0, 'earliest', 10)).messages.length === 2);
  const subscriptions = [{ name: 's', topic: 'audit', queues: [stream], onExhausted: 'drop' }];
  await expect(openPort({ backend: 'rabbitmq', config: { ...config, subscriptions } })).rejects.toMatchObject({
    code: 'capability_unsupported',
    message: expect.stringContaining('its cursors are kept in queues'),
  });
});

/** An exchange with four queues, as their owner made them, and a queue for dead letters. */
async function existing(ctx: TestContext) {
  const handle = inject('rabbitmq');
  if (handle === null) return ctx.skip('no RabbitMQ could be had');
  const model = await connect(handle.url);
  ctx.onTestFinished(async () => await model.close());
  const channel: Channel = await model.createChannel();
  const exchange = unique('shop');
  const [billing, theirs, dead] = [unique('billing'), unique('theirs'), unique('dlq')];
  const ledger = KEYS.map(() => unique('ledger'));
  await channel.assertExchange(exchange, 'direct');
  const quorum = { 'x-queue-type': 'quorum' };
  for (const queue of [billing, theirs, dead]) await channel.assertQueue(queue, { arguments: quorum });
  for (const queue of ledger)
    await channel.assertQueue(queue, { arguments: { ...quorum, 'x-single-active-consumer': true } });
  for (const [index, key] of KEYS.entries()) {
    for (const queue of [billing, theirs, ledger[index] ?? '']) await channel.bindQueue(queue, exchange, key);
  }
  ctx.onTestFinished(async () => {
    for (const queue of [billing, theirs, dead, ...ledger]) await channel.deleteQueue(queue);
    await channel.deleteExchange(exchange);
  });
  const config = {
    url: handle.url,
    manage: 'none',
    topics: [
      { name: 'orders', queueType: 'quorum', exchange, routingKeys: KEYS },
      { name: 'orders.dead', queueType: 'quorum', exchange: '', routingKeys: [dead] },
    ],
    subscriptions: [
      { name: 'billing', topic: 'orders', queues: [billing], deadLetterTopic: 'orders.dead' },
      {
        name: 'ledger',
        topic: 'orders',
        ordering: 'partition',
        queues: ledger,
        singleActiveConsumer: true,
        onExhausted: 'drop',
      },
    ],
  };
  return {
    channel,
    exchange,
    theirs,
    dead,
    config,
    open: async (): Promise<MessagingPort> => {
      const port = await openPort({ backend: 'rabbitmq', config });
      ctx.onTestFinished(async () => await port.close());
      return port;
    },
  };
}

async function pull(port: MessagingPort, subscription: string, count: number): Promise<readonly Delivery[]> {
  const consumer = await port.subscribe(subscription, { credit: { messages: count } });
  return await consumer.pull({ maxMessages: count, waitMs: WAIT_MS });
}

async function ack(port: MessagingPort, subscription: string, delivery: Delivery | undefined): Promise<void> {
  if (delivery !== undefined) await port.ack(subscription, [delivery.token]);
}
