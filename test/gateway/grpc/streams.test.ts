/** PublishStream and StreamingPull: order, credit, results, and what is given back when a stream ends, by whoever. */

import { once } from 'node:events';
import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import type { MessagingPort } from '../../../src/adapters/index.ts';
import type { StreamingPullRequest } from '../../../src/gateway/grpc/generated/sluice/v1/StreamingPullRequest.ts';
import type { StreamingPullResponse__Output } from '../../../src/gateway/grpc/generated/sluice/v1/StreamingPullResponse.ts';
import { gatewayLimits } from '../../../src/gateway/limits.ts';
import { openModel } from '../../support/model-driver.ts';
import { collected, openPull } from '../../support/stream-clients.ts';
import { grpcGateway, type GrpcWorld, refusalOf, topicAndSubscription } from './support.ts';

describe('PublishStream', () => {
  it('answers each frame under its number, keeps the order of the frames, and ends when the client has ended', async () => {
    const world = await grpcGateway();
    const { topic } = await topicAndSubscription(world);
    const stream = world.publisher.publishStream();
    const answers: number[] = [];
    stream.on('data', ({ correlationId, results }) => {
      expect(results).toHaveLength(3);
      answers.push(correlationId ?? 0);
    });
    const frames = 100;
    for (let frame = 1; frame <= frames; frame += 1) {
      const messages = [0, 1, 2].map((index) => ({ text: `${frame}.${index}` }));
      stream.write({ correlationId: frame, topic, messages });
    }
    stream.end();
    await once(stream, 'end');
    expect(answers.toSorted((left, right) => left - right)).toEqual(Array.from({ length: frames }, (_, i) => i + 1));
    const { messages } = await world.port.read(topic, 0, 'earliest', 1_000);
    expect(messages.map(({ value }) => value?.toString())).toEqual(
      Array.from({ length: frames * 3 }, (_, index) => `${Math.floor(index / 3) + 1}.${index % 3}`),
    );
  });

  it('a number above 2^53, which would come back as another one, is refused', async () => {
    const world = await grpcGateway();
    const { topic } = await topicAndSubscription(world);
    const stream = world.publisher.publishStream();
    stream.write({ correlationId: '1795683501906000001', topic, messages: [{ text: 'a' }] });
    const [error] = (await once(stream, 'error')) as [ServiceError];
    expect(refusalOf(error).reason).toBe('invalid_argument');
    expect((await world.port.read(topic, 0, 'earliest', 10)).messages).toEqual([]);
  });

  it('a frame that is refused is answered with its problem, and the stream goes on', async () => {
    const world = await grpcGateway();
    const { topic } = await topicAndSubscription(world);
    const stream = world.publisher.publishStream();
    const answers = collected<{ correlationId?: number; problem?: { code?: string }; results?: unknown[] }>(stream);
    stream.write({ correlationId: 1, topic: 'nothing', messages: [{ text: 'a' }] });
    stream.write({ correlationId: 2, topic, messages: [] });
    stream.write({ correlationId: 3, topic, messages: [{ text: 'a' }] });
    await expect.poll(() => answers.length).toBe(3);
    expect(answers.find(({ correlationId }) => correlationId === 1)?.problem?.code).toBe('topic_not_found');
    expect(answers.find(({ correlationId }) => correlationId === 2)?.problem?.code).toBe('invalid_argument');
    expect(answers.find(({ correlationId }) => correlationId === 3)?.results).toHaveLength(1);
    stream.end();
    await once(stream, 'end');
  });

  it('is not read from while as many frames are under way as the bound allows', async () => {
    const { port, publishes, answerAll } = await slowPort();
    const world = await grpcGateway({ port });
    const stream = world.publisher.publishStream();
    const answers = collected(stream);
    const frames = 4 * gatewayLimits.streamFramesInFlightMax;
    for (let frame = 1; frame <= frames; frame += 1)
      stream.write({ correlationId: frame, topic: 'orders', messages: [{ text: 'x' }] });
    await expect.poll(publishes).toBe(gatewayLimits.streamFramesInFlightMax);
    // Another call on the same connection is answered: the stream waits, not the gateway.
    await world.ask.listTopics({});
    expect(publishes()).toBe(gatewayLimits.streamFramesInFlightMax);
    answerAll();
    await expect.poll(() => answers.length).toBe(frames);
    stream.end();
    await once(stream, 'end');
  });
});

describe('StreamingPull', () => {
  it('delivers no more than the credit, by messages and by bytes, and goes on with more', async () => {
    const world = await grpcGateway();
    const { topic, subscription } = await topicAndSubscription(world);
    await publish(world, topic, 20, 100);
    const { stream, values } = openPull(world, { subscription, credit: { messages: 3 } });
    await expect.poll(() => values.length).toBe(3);
    stream.write({ credit: { messages: 2 } });
    await expect.poll(() => values.length).toBe(5);
    stream.cancel();

    // 100 bytes each: the one that goes beyond still comes.
    const other = openPull(world, { subscription, credit: { messages: 20, bytes: 250 } });
    await expect.poll(() => other.values.length).toBe(3);
    other.stream.write({ credit: { bytes: 150 } });
    await expect.poll(() => other.values.length).toBe(4);
    await world.ask.getLag({ subscription });
    expect(other.values).toHaveLength(4);
    other.stream.cancel();
  });

  it('settles in the stream, with results under the number of the frame; a settled message frees its place', async () => {
    const world = await grpcGateway();
    const { topic, subscription } = await topicAndSubscription(world, {}, { retry: { minBackoffMs: 0 } });
    await publish(world, topic, 5);
    const { stream, frames, tokens } = openPull(world, { subscription, credit: { messages: 5 } });
    await expect.poll(() => tokens.length).toBe(5);
    const [ack = '', nack = '', release = '', reject = '', extend = ''] = tokens;
    stream.write({ correlationId: 1, ack: { tokens: [ack, 'nonsense'] } });
    stream.write({ correlationId: 2, nack: { tokens: [nack], delayMs: 0 } });
    stream.write({ correlationId: 3, release: { tokens: [release] } });
    stream.write({ correlationId: 4, reject: { tokens: [reject] } });
    stream.write({ correlationId: 5, extend: { tokens: [extend], deadlineMs: 60_000 } });
    stream.write({ credit: { messages: 2 } });
    const results = (): StreamingPullResponse__Output[] => frames.filter(({ results: list }) => list !== undefined);
    await expect.poll(() => results().length).toBe(5);
    expect(results().find(({ correlationId }) => correlationId === 1)?.results).toEqual([
      { token: ack, status: 'TOKEN_STATUS_OK' },
      { token: 'nonsense', status: 'TOKEN_STATUS_INVALID' },
    ]);
    for (const { results: [first] = [] } of results()) expect(first?.status).toBe('TOKEN_STATUS_OK');
    await expect.poll(() => tokens.length).toBe(7);
    const again = frames.flatMap(({ deliveries = [] }) => deliveries).slice(5);
    expect(again.map(({ attempt }) => attempt).toSorted((left = 0, right = 0) => left - right)).toEqual([1, 2]);
    expect((await world.ask.getLag({ subscription })).total).toBe(3);
    stream.end();
    await once(stream, 'end');
  });

  it.each([
    ['cancels', (stream: PullStream) => stream.cancel()],
    ['ends', (stream: PullStream) => stream.end()],
  ])('gives back, uncounted, what a client held that %s', async (_, leave) => {
    const world = await grpcGateway();
    const { topic, subscription } = await topicAndSubscription(world);
    await publish(world, topic, 3);
    const { stream, tokens } = openPull(world, { subscription, credit: { messages: 10 } });
    await expect.poll(() => tokens.length).toBe(3);
    leave(stream);
    const { deliveries } = await world.ask.pull({ subscription, waitMs: 5_000 });
    expect(deliveries?.map(({ attempt }) => attempt)).toEqual([1, 1, 1]);
  });

  it('gives back, uncounted, what it held when its deadline passes', async () => {
    const world = await grpcGateway();
    const { topic, subscription } = await topicAndSubscription(world);
    await publish(world, topic, 2);
    const stream = world.subscriber.streamingPull({ deadline: Date.now() + 400 });
    const failed = once(stream, 'error') as Promise<[ServiceError]>;
    stream.on('data', () => undefined);
    stream.write({ start: { subscription, credit: { messages: 10 } } });
    const [{ code }] = await failed;
    expect(code).toBe(4);
    const { deliveries } = await world.ask.pull({ subscription, waitMs: 5_000 });
    expect(deliveries?.map(({ attempt }) => attempt)).toEqual([1, 1]);
  });

  it('a client that does not read holds one frame and the buffers of the connection, however much credit it gave', async () => {
    const world = await grpcGateway();
    const { topic, subscription } = await topicAndSubscription(
      world,
      {},
      { maxInFlight: { messages: 10_000, bytes: 256 * 1024 * 1024 } },
    );
    for (let batch = 0; batch < 8; batch += 1) await publish(world, topic, 50, 100_000); // 40 MB
    const stream = world.subscriber.streamingPull();
    stream.on('error', () => undefined);
    stream.write({ start: { subscription, credit: { messages: 10_000 } } });
    stream.once('data', () => stream.pause());
    // The rest stays with the backend: another client gets it.
    await expect.poll(async () => await metricOf(world, 'sluice_deliver_messages_total')).toBeGreaterThan(0);
    const deliveredTo = async (): Promise<number> => await metricOf(world, 'sluice_deliver_messages_total');
    await settled(deliveredTo);
    // The client's library keeps 16 frames of at most 256 KiB for a reader that does not read; ours is one more.
    expect(await deliveredTo()).toBeLessThan(20 * 3);
    const other = openPull(world, { subscription, credit: { messages: 200 } });
    await expect.poll(() => other.values.length).toBe(200);
    other.stream.cancel();
    stream.cancel();
  });

  it.each([
    ['a first frame that is not start', [{ credit: { messages: 1 } }], 'invalid_argument'],
    [
      'start twice',
      [{ start: { subscription: 'S', credit: { messages: 1 } } }, { start: { subscription: 'S' } }],
      'invalid_argument',
    ],
    ['a frame of nothing', [{}], 'invalid_argument'],
    ['no tokens', [{ start: { subscription: 'S' } }, { ack: {} }], 'invalid_argument'],
    [
      'credit above the bound',
      [{ start: { subscription: 'S', credit: { messages: 10_000 } } }, { credit: { messages: 1 } }],
      'invalid_argument',
    ],
    ['a subscription that is not there', [{ start: { subscription: 'nothing' } }], 'subscription_not_found'],
  ])('%s ends the stream with its code', async (_, frames, code) => {
    const world = await grpcGateway();
    const { subscription } = await topicAndSubscription(world);
    const stream = world.subscriber.streamingPull();
    const failed = once(stream, 'error') as Promise<[ServiceError]>;
    stream.on('data', () => undefined);
    for (const frame of frames as StreamingPullRequest[]) {
      const { start } = frame;
      if (start?.subscription === 'S') stream.write({ start: { ...start, subscription } });
      else stream.write(frame);
    }
    const [error] = await failed;
    expect(refusalOf(error).reason).toBe(code);
  });

  it('ends with subscription_not_found when the subscription is deleted under it', async () => {
    const world = await grpcGateway();
    const { topic, subscription } = await topicAndSubscription(world);
    await publish(world, topic, 1);
    const { stream, tokens } = openPull(world, { subscription, credit: { messages: 10 } });
    await expect.poll(() => tokens.length).toBe(1);
    const failed = once(stream, 'error') as Promise<[ServiceError]>;
    await world.ask.deleteSubscription({ subscription });
    expect(refusalOf((await failed)[0]).reason).toBe('subscription_not_found');
    expect(await metricOf(world, 'sluice_streams_open')).toBe(0);
  });
});

type PullStream = ClientDuplexStream<StreamingPullRequest, StreamingPullResponse__Output>;

async function publish(world: GrpcWorld, topic: string, count: number, bytes = 1): Promise<void> {
  const messages = Array.from({ length: count }, () => ({ value: Buffer.alloc(bytes, 'x') }));
  await world.ask.publish({ topic, messages });
}

/** The sum over the labels. */
async function metricOf(world: GrpcWorld, name: string): Promise<number> {
  const text = await (await fetch(`${world.gateway.url}/metrics`)).text();
  let sum = 0;
  for (const [, value] of text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))) sum += Number(value);
  return sum;
}

/** Resolves when the figure is the same at several looks in a row. */
async function settled(look: () => Promise<number>): Promise<void> {
  let last = -1;
  let same = 0;
  await expect
    .poll(
      async () => {
        const now = await look();
        same = now === last ? same + 1 : 0;
        last = now;
        return same;
      },
      { interval: 30, timeout: 10_000 },
    )
    .toBeGreaterThan(5);
}

interface SlowPort {
  readonly port: MessagingPort;
  publishes(): number;
  answerAll(): void;
}

/** Publishes are answered when it is told to, then and later. */
async function slowPort(): Promise<SlowPort> {
  const model = await openModel();
  await model.createTopic({ name: 'orders' });
  let count = 0;
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const publish: MessagingPort['publish'] = async (topic, messages) => {
    count += 1;
    await gate;
    return await model.publish(topic, messages);
  };
  const port = new Proxy(model, {
    get: (target, name) => {
      if (name === 'publish') return publish;
      const value = Reflect.get(target, name) as unknown;
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  return { port, publishes: () => count, answerAll: () => open() };
}
