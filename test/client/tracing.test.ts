/** The trace of an application that uses the client: through the gateway, with the message, to the application that handles it. */

import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe as subscribeTo, unsubscribe } from 'node:diagnostics_channel';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Context,
  context,
  type ContextManager,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  type TextMapPropagator,
  trace,
} from '@opentelemetry/api';
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { connect, type Delivery, type SluiceClient, type Subscriber, traceContextOf } from '../../src/client/index.ts';
import { startGateway } from '../../src/gateway/index.ts';
import { otlpReceiver, type OtlpReceiver, type SeenSpan } from '../support/otlp-receiver.ts';

/** What an SDK registers: here as small as they can be. */
class Active implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>();
  active = (): Context => this.#storage.getStore() ?? ROOT_CONTEXT;
  with: ContextManager['with'] = (active, work, self, ...given) =>
    this.#storage.run(active, () => work.apply(self as ThisParameterType<typeof work>, given));
  bind: ContextManager['bind'] = (_, target) => target;
  enable = (): this => this;
  disable = (): this => this;
}

const w3c: TextMapPropagator = {
  fields: () => ['traceparent', 'tracestate'],
  inject: (from, carrier, setter) => {
    const span = trace.getSpanContext(from);
    if (span === undefined) return;
    setter.set(carrier, 'traceparent', `00-${span.traceId}-${span.spanId}-0${span.traceFlags}`);
    setter.set(carrier, 'tracestate', 'shop=1');
    setter.set(carrier, 'baggage', 'customer=42');
  },
  extract: (into, carrier, getter) => {
    const [, traceId = '', spanId = '', flags = ''] = String(getter.get(carrier, 'traceparent')).split('-');
    return trace.setSpanContext(into, { traceId, spanId, traceFlags: Number(flags), isRemote: true });
  },
};

const exporter = new InMemorySpanExporter();
const tracer = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }).getTracer('shop');

describe('with an SDK registered', () => {
  beforeEach(() => {
    context.setGlobalContextManager(new Active());
    propagation.setGlobalPropagator(w3c);
  });
  afterEach(() => {
    context.disable();
    propagation.disable();
    exporter.reset();
  });

  it('the spans of the application and of the gateway are one chain, from the order that is placed to its ack', async () => {
    const { sluice, collector, end } = await world();
    await inSpan('place order', async () => await sluice.publish('orders', { value: 'paid' }));
    const delivery = await first(sluice);
    const carrier = traceContextOf(delivery.message);
    const published = trace.getSpanContext(propagation.extract(ROOT_CONTEXT, carrier ?? {}));
    const links = published === undefined ? [] : [{ context: published }];
    await inSpan('charge', async () => await delivery.ack(), links);

    await end();
    const placed = ownSpan('place order');
    const charge = ownSpan('charge');
    const [publish] = named(collector, 'publish orders');
    expect(publish).toMatchObject({ kind: 'producer', ...childOf(placed), traceState: 'shop=1' });
    expect(carrier).toEqual({
      traceparent: `00-${placed.spanContext().traceId}-${publish?.spanId}-01`,
      tracestate: 'shop=1',
    });
    expect(delivery.message.headers['baggage']).toBeUndefined();
    expect(charge.links[0]?.context).toMatchObject({ traceId: publish?.traceId, spanId: publish?.spanId });
    const linksToPublish = { links: [{ traceId: publish?.traceId, spanId: publish?.spanId }] };
    expect(named(collector, 'pull orders')).toMatchObject([linksToPublish]);
    expect(named(collector, 'ack orders')).toMatchObject([{ ...childOf(charge), ...linksToPublish }]);
  });

  it('a pull is in nobody’s trace, also where somebody subscribed in one', async () => {
    const { sluice, collector, end } = await world();
    await sluice.publish('orders', { value: 'x' });
    await inSpan('start', async () => await (await first(sluice)).ack());
    await end();
    const traceId = ownSpan('start').spanContext().traceId;
    expect(named(collector, 'pull orders').map((span) => span.traceId === traceId)).toEqual([false]);
  });

  it('what is settled together belongs to a trace if all of it does', async () => {
    const { sluice, collector, end } = await world();
    await sluice.publishBatch(
      'orders',
      [1, 2, 3, 4].map((value) => ({ value })),
    );
    const [a, b, c, d] = await deliveries(sluice, 4);
    await inSpan('both', async () => await Promise.all([a?.ack(), b?.ack()]));
    await Promise.all([inSpan('one', async () => await c?.ack()), inSpan('other', async () => await d?.ack())]);
    await end();
    expect(named(collector, 'ack orders')).toHaveLength(2);
    const [both, mixed] = named(collector, 'ack orders');
    expect(both).toMatchObject(childOf(ownSpan('both')));
    const own = ['one', 'other'].map((name) => ownSpan(name).spanContext().traceId);
    expect(own).not.toContain(mixed?.traceId);
  });

  it('a stream has the trace it was begun in, and a message that names another keeps that one', async () => {
    const { sluice, collector, end } = await world();
    const other = `00-${'b1'.repeat(16)}-${'b2'.repeat(8)}-01`;
    const messages = [{ value: 1 }, { value: 2, headers: { traceparent: other } }];
    await inSpan('import', async () => {
      for await (const { kind } of sluice.publishStream('orders', messages)) expect(kind).toBe('stored');
    });
    const came = await deliveries(sluice, 2);
    const [begun, kept] = came.map(({ message }) => traceContextOf(message)?.traceparent);
    expect(begun).toContain(ownSpan('import').spanContext().traceId);
    expect(kept).toBe(other);
    await end();
    expect(named(collector, 'publish orders')[0]).toMatchObject(childOf(ownSpan('import')));
  });

  it('where fetch is instrumented, too, its span is the caller', async () => {
    const { sluice, collector, end } = await world();
    let call: Span | undefined;
    const instrumented = (event: unknown): void => {
      const { request } = event as { request: { path: string; addHeader(name: string, value: string): void } };
      if (!request.path.endsWith('/messages')) return;
      call = tracer.startSpan('POST', { kind: SpanKind.CLIENT });
      const { traceId, spanId } = call.spanContext();
      request.addHeader('traceparent', `00-${traceId}-${spanId}-01`);
      call.end();
    };
    subscribeTo('undici:request:create', instrumented);
    onTestFinished(() => void unsubscribe('undici:request:create', instrumented));
    await inSpan('place order', async () => await sluice.publish('orders', { value: 'paid' }));
    await end();
    expect(call?.spanContext().traceId).toBe(ownSpan('place order').spanContext().traceId);
    expect(named(collector, 'publish orders')[0]).toMatchObject(childOf(ownSpan('POST')));
  });

  it('headers that were given to connect are left alone', async () => {
    const given = `00-${'c1'.repeat(16)}-${'c2'.repeat(8)}-01`;
    const { sluice } = await world({ Traceparent: given });
    await inSpan('place order', async () => await sluice.publish('orders', { value: 'paid' }));
    expect(traceContextOf((await first(sluice)).message)?.traceparent).toContain('c1'.repeat(16));
  });
});

it('without an SDK nothing is sent and nothing is in a message', async () => {
  const seen: (string | null)[] = [];
  const { sluice } = await world(
    {},
    async (url, init) => {
      seen.push(new Headers(init?.headers).get('traceparent'));
      return await fetch(url, init);
    },
    'off',
  );
  await sluice.publish('orders', { value: 'x' });
  const { message } = await first(sluice);
  expect(traceContextOf(message)).toBeUndefined();
  expect(message.headers).toEqual({});
  expect(new Set(seen)).toEqual(new Set([null]));
});

interface World {
  readonly sluice: SluiceClient;
  readonly collector: OtlpReceiver;
  /** Closes everything: what was to be exported is at the collector then. */
  end(): Promise<void>;
}

/** Held, not settled: they live as long as the test, or until its end. */
const subscribers = new Set<Subscriber>();

async function world(
  headers: Record<string, string> = {},
  through: typeof fetch = fetch,
  otlp?: 'off',
): Promise<World> {
  const collector = await otlpReceiver();
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-client-traces-'));
  const gateway = await startGateway({
    port: 0,
    grpcPort: 'off',
    native: { dataDir, durability: 'os' },
    tracing: { otlp: otlp ?? collector.url },
  });
  const end = async (): Promise<void> => {
    for (const subscriber of subscribers) await subscriber.close();
    subscribers.clear();
    await gateway.close();
  };
  onTestFinished(async () => {
    await end();
    rmSync(dataDir, { recursive: true, force: true });
  });
  const sluice = connect(gateway.url, { headers, fetch: through });
  await sluice.topics.create({ name: 'orders' });
  await sluice.subscriptions.create({ name: 'billing', topic: 'orders' });
  return { sluice, collector, end };
}

async function inSpan<T>(name: string, work: () => Promise<T>, links: ReadableSpan['links'] = []): Promise<T> {
  const span = tracer.startSpan(name, { links: [...links] });
  return await context.with(trace.setSpan(ROOT_CONTEXT, span), work).finally(() => span.end());
}

async function first(sluice: SluiceClient): Promise<Delivery> {
  const [delivery] = await deliveries(sluice, 1);
  return delivery as Delivery;
}

async function deliveries(sluice: SluiceClient, count: number): Promise<Delivery[]> {
  const subscriber = sluice.subscribe('billing', { credit: count });
  subscribers.add(subscriber);
  const came: Delivery[] = [];
  const iterator = subscriber[Symbol.asyncIterator]();
  while (came.length < count) came.push((await iterator.next()).value as Delivery);
  return came;
}

function ownSpan(name: string): ReadableSpan {
  const span = exporter.getFinishedSpans().find((each) => each.name === name);
  if (span === undefined) throw new Error(`no span "${name}"`);
  return span;
}

function named(collector: OtlpReceiver, name: string): readonly SeenSpan[] {
  return collector.spans.filter((span) => span.name === name);
}

function childOf(span: ReadableSpan): { traceId: string; parentSpanId: string } {
  const { traceId, spanId } = span.spanContext();
  return { traceId, parentSpanId: spanId };
}
