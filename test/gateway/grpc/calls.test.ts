/** Every RPC does what REST does, in the same words. */

import { describe, expect, it } from 'vitest';
import { grpcGateway, metadata, refusal, topicAndSubscription } from './support.ts';

describe('Publish', () => {
  it('answers a result for every message, and the bytes come back as they were', async () => {
    const world = await grpcGateway();
    const { topic, subscription } = await topicAndSubscription(world, { partitions: 2 });
    const bytes = Buffer.from([0, 255, 10]);
    const { results } = await world.ask.publish({
      topic,
      messages: [
        { key: Buffer.from('a'), value: bytes, id: 'mine', headers: [{ name: 'h', value: bytes }], timestamp: 5 },
        { text: 'grüezi', partition: 1 },
        { tombstone: true, key: Buffer.from('b') },
      ],
    });
    expect(results?.map(({ stored }) => stored)).toEqual([
      { partition: expect.any(Number), offset: 0, id: 'mine', durability: expect.any(Object) },
      { partition: 1, offset: expect.any(Number), id: expect.stringMatching(/./), durability: expect.any(Object) },
      expect.anything(),
    ]);
    const { deliveries = [] } = await world.ask.pull({ subscription });
    const messages = deliveries.map(({ message }) => message);
    expect(messages.find((message) => message?.id === 'mine')).toMatchObject({
      topic,
      key: Buffer.from('a'),
      value: bytes,
      contentType: 'application/octet-stream',
      headers: [{ name: 'h', value: bytes }],
      timestamp: 5,
    });
    expect(messages.find((message) => message?.value?.toString() === 'grüezi')).toMatchObject({
      contentType: 'text/plain; charset=utf-8',
    });
    expect(messages.find((message) => message?.value === undefined)?.key).toEqual(Buffer.from('b'));
  });

  it('a lone message that failed is answered with its own error, which names its id; one of several is a problem in its place', async () => {
    const world = await grpcGateway();
    const { topic } = await topicAndSubscription(world);
    const tooLarge = { value: Buffer.alloc(1024 * 1024 + 1), id: 'large' };
    const alone = await refusal(world.ask.publish({ topic, messages: [tooLarge] }));
    expect(alone).toMatchObject({ status: 'INVALID_ARGUMENT', reason: 'message_too_large' });
    expect(alone.about).toMatchObject({ messageId: 'large', retryable: 'false' });
    const { results } = await world.ask.publish({ topic, messages: [tooLarge, { text: 'good' }] });
    expect(results).toMatchObject([{ problem: { code: 'message_too_large', messageId: 'large' } }, { stored: {} }]);
  });
});

describe('Subscriber', () => {
  it('settles in every way, with a status for every token', async () => {
    const world = await grpcGateway();
    const { topic, subscription } = await topicAndSubscription(world, {}, { retry: { minBackoffMs: 0 } });
    const texts = ['ack', 'nack', 'release', 'reject', 'extend'];
    await world.ask.publish({ topic, messages: texts.map((text) => ({ text })) });
    const { deliveries = [] } = await world.ask.pull({ subscription, maxMessages: 5 });
    expect(deliveries.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1, 1]);
    const tokenOf = (text: string): string =>
      deliveries.find(({ message }) => message?.value?.toString() === text)?.ackToken ?? '';
    const asked = (text: string) => ({ subscription, tokens: [tokenOf(text), 'nonsense'] });
    const statuses = await Promise.all([
      world.ask.acknowledge(asked('ack')),
      world.ask.nack({ ...asked('nack'), delayMs: 0, reason: 'broken' }),
      world.ask.release(asked('release')),
      world.ask.reject({ ...asked('reject'), reason: 'poison' }),
      world.ask.extend({ ...asked('extend'), deadlineMs: 60_000 }),
    ]);
    for (const { results } of statuses) {
      expect(results?.map(({ status }) => status)).toEqual(['TOKEN_STATUS_OK', 'TOKEN_STATUS_INVALID']);
    }
    const again = await world.ask.acknowledge(asked('ack'));
    expect(again.results?.[0]?.status).toBe('TOKEN_STATUS_ALREADY');
    const { deliveries: redelivered = [] } = await world.ask.pull({ subscription });
    expect(new Map(redelivered.map(({ attempt, message }) => [message?.value?.toString(), attempt]))).toEqual(
      new Map([
        ['nack', 2],
        ['release', 1],
      ]),
    );
  });

  it('a pull that the client gives up gives back what it took, uncounted', async () => {
    const world = await grpcGateway();
    const { topic, subscription } = await topicAndSubscription(world);
    const call = world.subscriber.pull({ subscription, waitMs: 30_000 }, () => undefined);
    await expect.poll(async () => await metricOf(world.gateway.url, 'sluice_pulls_waiting')).toBe('1');
    call.cancel();
    await expect.poll(async () => await metricOf(world.gateway.url, 'sluice_pulls_waiting')).toBe('0');
    await world.ask.publish({ topic, messages: [{ text: 'kept' }] });
    const { deliveries } = await world.ask.pull({ subscription });
    expect(deliveries?.map(({ attempt }) => attempt)).toEqual([1]);
  });

  it('a deadline ends a pull', async () => {
    const world = await grpcGateway();
    const { subscription } = await topicAndSubscription(world);
    const late = world.ask.pull({ subscription, waitMs: 30_000 }, { deadline: Date.now() + 150 });
    await expect(late).rejects.toMatchObject({ code: 4 });
    await expect.poll(async () => await metricOf(world.gateway.url, 'sluice_pulls_waiting')).toBe('0');
  });

  it('seeks to every kind of place', async () => {
    const world = await grpcGateway();
    const { topic, subscription } = await topicAndSubscription(world);
    await world.ask.publish({ topic, messages: [{ text: 'one' }, { text: 'two' }] });
    for (const [to, count] of [
      [{ edge: 'EDGE_LATEST' as const }, 0],
      [{ offsets: { byPartition: { 0: 1 } } }, 1],
      [{ timestamp: 0 }, 2],
      [{ edge: 'EDGE_EARLIEST' as const }, 2],
    ] as const) {
      await world.ask.seek({ subscription, to });
      const { deliveries = [] } = await world.ask.pull({ subscription, waitMs: count === 0 ? 0 : 5_000 });
      expect(deliveries, JSON.stringify(to)).toHaveLength(count);
    }
  });
});

describe('Admin', () => {
  it('creates, gets, lists and deletes topics and subscriptions, with every default filled in', async () => {
    const world = await grpcGateway();
    const topic = await world.ask.createTopic({ name: 'orders', partitions: 3 });
    expect(topic).toMatchObject({ created: true, topic: { name: 'orders', partitions: 3, cleanup: 'CLEANUP_DELETE' } });
    const again = await world.ask.createTopic({ name: 'orders', partitions: 3 });
    expect([again.created ?? false, again.topic]).toEqual([false, topic.topic]);
    const made = await world.ask.createSubscription({
      name: 'billing',
      topic: 'orders',
      start: { edge: 'EDGE_EARLIEST' },
      ordering: 'ORDERING_KEY',
    });
    expect(made.subscription).toEqual({
      name: 'billing',
      topic: 'orders',
      start: { edge: 'EDGE_EARLIEST' },
      ordering: 'ORDERING_KEY',
      ackDeadlineMs: 30_000,
      maxInFlight: { messages: 1_000, bytes: 16 * 1024 * 1024 },
      retry: { minBackoffMs: 100, maxBackoffMs: 60_000, maxAttempts: 5 },
      onExhausted: 'ON_EXHAUSTED_DEAD_LETTER',
      deadLetterTopic: 'billing.dead',
      etag: expect.stringMatching(/^[\w-]{22}$/),
    });
    expect(await world.ask.getSubscription({ subscription: 'billing' })).toEqual(made.subscription);
    expect(await world.ask.getTopic({ topic: 'orders' })).toEqual(topic.topic);
    const { topics = [] } = await world.ask.listTopics({});
    expect(topics.map(({ name }) => name)).toEqual(['billing.dead', 'orders']);
    const { subscriptions = [] } = await world.ask.listSubscriptions({});
    expect(subscriptions.map(({ name }) => name)).toEqual(['billing']);
    await world.ask.deleteSubscription({ subscription: 'billing' });
    await world.ask.deleteTopic({ topic: 'orders' });
    const gone = await refusal(world.ask.getTopic({ topic: 'orders' }));
    expect(gone).toMatchObject({ status: 'NOT_FOUND', reason: 'topic_not_found', domain: 'sluice' });
  });

  it('tells lag and capabilities', async () => {
    const world = await grpcGateway();
    const { topic, subscription } = await topicAndSubscription(world);
    await world.ask.publish({ topic, messages: [{ text: 'one' }] });
    expect(await world.ask.getLag({ subscription })).toMatchObject({
      total: 1,
      partitions: [{ lag: 1 }],
    });
    const { capabilities = {}, backend } = await world.ask.getCapabilities({});
    const table = world.port.capabilities();
    expect(backend).toBe(world.port.info.backend);
    expect(Object.keys(capabilities).toSorted()).toEqual(Object.keys(table).toSorted());
    expect(capabilities['browse']).toMatchObject({ level: 'CAPABILITY_LEVEL_NATIVE', how: table.browse.how });
  });
});

describe('an error', () => {
  it('carries the id of the request, the fields that are wrong, and how long to wait', async () => {
    const world = await grpcGateway();
    const wrong = await refusal(
      world.ask.createSubscription(
        { name: 'not a name', topic: 'orders', ackDeadlineMs: 1, retry: { maxAttempts: 0 } },
        { metadata: metadata({ 'x-request-id': 'req-17' }) },
      ),
    );
    expect(wrong).toMatchObject({
      status: 'INVALID_ARGUMENT',
      reason: 'invalid_argument',
      domain: 'sluice',
      about: { instance: 'req-17', retryable: 'false' },
    });
    expect(wrong.fields.map(({ path }) => path)).toEqual(['name', 'ackDeadlineMs', 'retry.maxAttempts']);
    expect(wrong.message).toBe(wrong.text);
  });

  it('with a name of a megabyte in it still reaches the client', async () => {
    const world = await grpcGateway();
    const wrong = await refusal(world.ask.getTopic({ topic: 'é€😀'.repeat(100_000) }));
    expect(wrong).toMatchObject({ status: 'INVALID_ARGUMENT', reason: 'invalid_argument' });
  });
});

async function metricOf(url: string, name: string): Promise<string | undefined> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1];
}
