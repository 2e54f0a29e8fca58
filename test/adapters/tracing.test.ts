/** Spans of the port, as a program that opens one gets them, with the SDK in memory. */

import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Context,
  context as activeContext,
  type ContextManager,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { OutgoingMessage } from '../../src/adapters/driver.ts';
import { type MessagingPort, portFromDriver, traceContextOf } from '../../src/adapters/index.ts';
import { limits } from '../../src/adapters/limits.ts';
import { ModelDriver } from '../support/model-driver.ts';

const caller = { traceId: 'a1'.repeat(16), spanId: 'a2'.repeat(8) };
const own = { traceId: 'b1'.repeat(16), spanId: 'b2'.repeat(8) };
const text = ({ traceId, spanId }: typeof caller) => `00-${traceId}-${spanId}-01`;
const traceContext = { traceparent: text(caller), tracestate: 'shop=1' };

interface World {
  readonly port: MessagingPort;
  /** What the driver was handed. */
  readonly sent: OutgoingMessage[];
  spans(name?: string): ReadableSpan[];
}

describe('without an SDK', () => {
  it('messages come to the driver as they were given, and nothing is made for them', async () => {
    const { port, sent } = await world('off');
    await port.publish('orders', [
      { value: 'a' },
      { value: 'b' },
      { value: 'c', headers: [{ name: 'x', value: 'y' }] },
    ]);
    expect(sent.map(({ headers }) => headers.length)).toEqual([0, 0, 1]);
    // The same empty list for all: none was made for this message.
    expect(sent[0]?.headers).toBe(sent[1]?.headers);
  });

  it('the context of a caller is passed on as it is, to messages that have none', async () => {
    const { port, sent } = await world('off');
    const messages = [
      { value: 'a' },
      { value: 'b', headers: [{ name: 'traceparent', value: text(own) }] },
      { value: 'c' },
    ];
    await port.publish('orders', messages, { traceContext });
    expect(sent.map((message) => traceContextOf(message))).toEqual([
      traceContext,
      { traceparent: text(own) },
      traceContext,
    ]);
    expect(sent[0]?.headers).toBe(sent[2]?.headers);
  });

  it('what is no context is left out', async () => {
    const { port, sent } = await world('off');
    await port.publish('orders', [{ value: 'a' }], { traceContext: { traceparent: 'nonsense' } });
    expect(sent[0]?.headers).toEqual([]);
  });

  it('a message at the bound of its headers is stored with the context beside them', async () => {
    const { port, sent } = await world('off');
    const headers = Array.from({ length: limits.headersMax }, (_, index) => ({ name: `h${index}`, value: 'v' }));
    const [outcome] = await port.publish('orders', [{ value: 'a', headers }], { traceContext });
    expect(outcome?.kind).toBe('stored');
    expect(sent[0]?.headers).toHaveLength(limits.headersMax + 2);
  });
});

describe('a publish', () => {
  it('has one span, whose context is that of the messages', async () => {
    const { port, sent, spans } = await world();
    await port.publish('orders', [{ value: 'a', id: 'one' }, { value: 'b' }]);
    const [span] = spans();
    expect(spans()).toHaveLength(1);
    expect(span).toMatchObject({
      name: 'publish orders',
      kind: SpanKind.PRODUCER,
      status: { code: SpanStatusCode.UNSET },
    });
    expect(span?.attributes).toEqual({
      'messaging.system': 'model',
      'messaging.operation.type': 'send',
      'messaging.operation.name': 'publish',
      'messaging.destination.name': 'orders',
      'messaging.batch.message_count': 2,
    });
    const { traceId, spanId } = span?.spanContext() ?? caller;
    for (const message of sent) expect(traceContextOf(message)).toEqual({ traceparent: text({ traceId, spanId }) });
  });

  it('of one message says which, and where it is', async () => {
    const { port, spans } = await world();
    await port.publish('orders', [{ value: 'a', id: 'one' }]);
    expect(spans()[0]?.attributes).toMatchObject({
      'messaging.message.id': 'one',
      'messaging.destination.partition.id': '0',
      'sluice.offset': 0,
    });
  });

  it('is a child of the caller, and keeps its state', async () => {
    const { port, sent, spans } = await world();
    await port.publish('orders', [{ value: 'a' }], { traceContext });
    expect(spans()[0]?.spanContext().traceId).toBe(caller.traceId);
    expect(spans()[0]?.parentSpanContext?.spanId).toBe(caller.spanId);
    expect(traceContextOf(sent[0] as OutgoingMessage)?.tracestate).toBe('shop=1');
  });

  it('leaves a message the context that it came with, without a state of somebody else, and links to it', async () => {
    const { port, sent, spans } = await world();
    const headers = [{ name: 'traceparent', value: text(own) }];
    await port.publish('orders', [
      { value: 'a', headers },
      { value: 'b', headers: [{ name: 'tracestate', value: 'x=1' }] },
    ]);
    expect(sent[0]?.headers).toEqual([{ name: 'traceparent', value: Buffer.from(text(own)) }]);
    expect(sent[1]?.headers.map(({ name }) => name)).toEqual(['traceparent']);
    expect(linked(spans()[0])).toMatchObject([own]);
  });

  it('that is refused says by which code and nothing of what was in it', async () => {
    const { port, spans } = await world();
    await expect(port.publish('nowhere', [{ value: 'secret' }])).rejects.toMatchObject({ code: 'topic_not_found' });
    await port.publish('orders', [{ value: 'fine' }, { value: 'secret', partition: 99 }]);
    const [unknown, refused] = spans();
    expect(unknown).toMatchObject({
      attributes: { 'error.type': 'topic_not_found' },
      status: { code: SpanStatusCode.ERROR },
    });
    expect(refused).toMatchObject({
      attributes: { 'error.type': 'invalid_argument', 'sluice.refused_count': 1, 'sluice.unknown_count': 0 },
      status: { code: SpanStatusCode.ERROR },
    });
    expect(
      JSON.stringify([unknown, refused].map((span) => [span?.attributes, span?.status, span?.events])),
    ).not.toContain('secret');
  });

  it('of a thousand messages with contexts of their own links to no more than the bound', async () => {
    const { port, spans } = await world();
    const headers = [{ name: 'traceparent', value: text(own) }];
    await port.publish(
      'orders',
      Array.from({ length: limits.messagesPerPublishMax }, () => ({ value: 'a', headers })),
    );
    expect(spans()[0]?.links).toHaveLength(limits.traceLinksMax);
  });

  it('in a span of the program is its child, unless the caller is of another trace', async () => {
    const { port, spans } = await world();
    useContexts();
    const here = { ...own, traceFlags: 1 };
    await activeContext.with(trace.setSpanContext(ROOT_CONTEXT, here), async () => {
      await port.publish('orders', [{ value: 'a' }]);
      await port.publish('orders', [{ value: 'b' }], {
        traceContext: { traceparent: text({ ...caller, traceId: own.traceId }) },
      });
      await port.publish('orders', [{ value: 'c' }], { traceContext });
    });
    expect(spans().map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual([
      own.spanId,
      own.spanId,
      caller.spanId,
    ]);
  });
});

describe('a delivery', () => {
  it('has one span a pull, which links to what the messages came with; a pull that brings nothing has none', async () => {
    const { port, spans } = await world();
    const consumer = await port.subscribe('reader', { credit: { messages: 10 } });
    expect(await consumer.pull({ maxMessages: 10, waitMs: 0 })).toEqual([]);
    await port.publish('orders', [
      { value: 'a', id: 'one' },
      { value: 'b', headers: [{ name: 'traceparent', value: text(own) }] },
    ]);
    await vi.waitFor(async () =>
      expect(await consumer.pull({ maxMessages: 10, waitMs: 100, traceContext })).toHaveLength(2),
    );
    const [publish] = spans('publish orders');
    const pulls = spans('pull orders');
    expect(pulls).toHaveLength(1);
    expect(pulls[0]).toMatchObject({ kind: SpanKind.CLIENT, parentSpanContext: { spanId: caller.spanId } });
    expect(linked(pulls[0])).toMatchObject([idsOf(publish), own]);
    expect(pulls[0]?.links[0]?.attributes).toEqual({ 'messaging.message.id': 'one' });
    expect(pulls[0]?.attributes).toMatchObject({
      'messaging.operation.type': 'receive',
      'messaging.destination.subscription.name': 'reader',
      'messaging.batch.message_count': 2,
    });
  });

  it('by `for await` has them too, and a wait without an end is not in them', async () => {
    const { port, spans } = await world();
    const consumer = await port.subscribe('reader', { credit: { messages: 10 } });
    vi.useFakeTimers({ toFake: ['Date'], now: 1_000_000 });
    onTestFinished(() => void vi.useRealTimers());
    const first = consumer[Symbol.asyncIterator]().next();
    vi.setSystemTime(2_000_000);
    await port.publish('orders', [{ value: 'a' }]);
    await first;
    const [span] = spans('pull orders');
    expect(span?.startTime).toEqual([2_000, 0]);
    expect(span?.attributes).toMatchObject({ 'sluice.attempt': 1, 'sluice.offset': 0 });
  });

  it('that ends with its subscription says so', async () => {
    const { port, spans } = await world();
    const consumer = await port.subscribe('reader', { credit: { messages: 10 } });
    const pulling = consumer.pull({ maxMessages: 1, waitMs: 10_000 });
    await port.deleteSubscription('reader');
    await expect(pulling).rejects.toMatchObject({ code: 'subscription_not_found' });
    expect(spans('pull orders')[0]?.attributes).toMatchObject({ 'error.type': 'subscription_not_found' });
  });

  it.each(['ack', 'nack', 'release', 'reject'] as const)('%s has a span, which links to the same', async (call) => {
    const { port, spans } = await world();
    const consumer = await port.subscribe('reader', { credit: { messages: 10 } });
    await port.publish('orders', [{ value: 'a', id: 'one' }]);
    const [delivery] = await consumer.pull({ maxMessages: 1, waitMs: 5_000 });
    const { token = '' } = delivery ?? {};
    if (call === 'ack' || call === 'release') await port[call]('reader', [token], { traceContext });
    else await port[call]('reader', [token], { traceContext, reason: 'because' });
    await port[call]('reader', [token, 'no token']);
    const [settled, again] = spans(`${call} orders`);
    expect(settled).toMatchObject({
      kind: SpanKind.CLIENT,
      parentSpanContext: { spanId: caller.spanId },
      status: { code: SpanStatusCode.UNSET },
      attributes: {
        'messaging.operation.type': 'settle',
        'messaging.operation.name': call,
        'messaging.message.id': 'one',
      },
    });
    expect(linked(settled)).toMatchObject([idsOf(spans('publish orders')[0])]);
    expect(again).toMatchObject({ status: { code: SpanStatusCode.ERROR }, attributes: { 'sluice.not_ok_count': 2 } });
  });

  it('a dead letter has a span that links to the message, and keeps the context of its publish', async () => {
    const { port, spans } = await world();
    const consumer = await port.subscribe('reader', { credit: { messages: 10 } });
    await port.publish('orders', [{ value: 'a', id: 'one' }]);
    const [delivery] = await consumer.pull({ maxMessages: 1, waitMs: 5_000 });
    await port.reject('reader', [delivery?.token ?? ''], { reason: 'a secret reason' });
    const [publish] = spans('publish orders');
    const [letter] = spans('dead-letter reader.dead');
    expect(letter).toMatchObject({
      kind: SpanKind.PRODUCER,
      attributes: { 'messaging.message.id': 'one', 'sluice.attempt': 1 },
    });
    expect(linked(letter)).toMatchObject([idsOf(publish)]);
    const { messages } = await port.read('reader.dead', 0, 'earliest', 10);
    expect(messages.map((message) => traceContextOf(message)?.traceparent)).toEqual([
      text(publish?.spanContext() ?? own),
    ]);
    expect(JSON.stringify(spans().map(({ attributes, status, events }) => [attributes, status, events]))).not.toContain(
      'secret',
    );
  });
});

it('a provider that the program registers is used from then on, and not any more when it is taken away', async () => {
  const { port, sent } = await world('off');
  const { provider, finished } = memory();
  await port.publish('orders', [{ value: 'before' }]);
  trace.setGlobalTracerProvider(provider);
  onTestFinished(() => trace.disable());
  await port.publish('orders', [{ value: 'with' }]);
  trace.disable();
  await port.publish('orders', [{ value: 'after' }]);
  expect(finished().map(({ name }) => name)).toEqual(['publish orders']);
  expect(sent.map(({ headers }) => headers.length)).toEqual([0, 1, 0]);
});

function memory() {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  return { provider, finished: () => exporter.getFinishedSpans() };
}

function idsOf(span: ReadableSpan | undefined): typeof caller {
  const { traceId = '', spanId = '' } = span?.spanContext() ?? {};
  return { traceId, spanId };
}

function linked(span: ReadableSpan | undefined): (typeof caller)[] {
  return (span?.links ?? []).map(({ context: { traceId, spanId } }) => ({ traceId, spanId }));
}

async function world(given: 'off' | 'in memory' = 'in memory'): Promise<World> {
  const traced = given === 'off' ? undefined : memory();
  const driver = new ModelDriver();
  const sent: OutgoingMessage[] = [];
  const publish = driver.publish.bind(driver);
  driver.publish = async (topic, messages, options) => {
    sent.push(...messages);
    return await publish(topic, messages, options);
  };
  const port = await portFromDriver(driver, {}, undefined, {}, traced?.provider);
  onTestFinished(async () => await port.close());
  await port.createTopic({ name: 'orders' });
  await port.createSubscription({ name: 'reader', topic: 'orders' });
  return {
    port,
    sent,
    spans: (name) => (traced?.finished() ?? []).filter((span) => name === undefined || span.name === name),
  };
}

/** As the SDK of a program follows what is active. */
function useContexts(): void {
  const storage = new AsyncLocalStorage<Context>();
  const manager: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (context, work, self, ...args) => storage.run(context, () => work.apply(self as never, args)),
    bind: (_, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  activeContext.setGlobalContextManager(manager);
  onTestFinished(() => activeContext.disable());
}
