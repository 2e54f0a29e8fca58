/** The trace of a request in its messages, and spans at a collector: one that takes them, one that is slow, one that is away. */

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { startGateway } from '../../src/gateway/index.ts';
import { configText, type GatewayConfigInput, loadConfig, parseConfig } from '../../src/gateway/config.ts';
import { gatewayLimits } from '../../src/gateway/limits.ts';
import type { Gateway } from '../../src/gateway/start.ts';
import { openModel } from '../support/model-driver.ts';
import { type OtlpReceiver, otlpReceiver, type SeenSpan } from '../support/otlp-receiver.ts';
import { collected, openEvents, openSocket } from '../support/stream-clients.ts';
import { asking, connect, metadata } from './grpc/support.ts';

const caller = { traceId: 'a1'.repeat(16), spanId: 'a2'.repeat(8) };
const own = { traceId: 'b1'.repeat(16), spanId: 'b2'.repeat(8) };
const text = ({ traceId, spanId }: typeof caller, flags = '01') => `00-${traceId}-${spanId}-${flags}`;
const traced = { traceparent: text(caller), tracestate: 'shop=1' };

describe('without a collector', () => {
  it.each([
    ['JSON', { 'content-type': 'application/json' }, '{"messages":[{"value":"a"}]}'],
    ['a raw body', { 'content-type': 'text/plain' }, 'a'],
    ['lines', { 'content-type': 'application/x-ndjson' }, '{"value":"a"}\n'],
    [
      'an event',
      { 'content-type': 'text/plain', 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/s', 'ce-type': 't' },
      'a',
    ],
  ])('the context of a request is that of its messages: %s', async (_, headers, body) => {
    const gateway = await serving();
    expect(await publish(gateway, body, { ...headers, ...traced })).toBe(200);
    expect(await headersOfMessages(gateway)).toMatchObject([traced]);
  });

  it('what a publisher put on its message stays, and what is no context is left out', async () => {
    const gateway = await serving();
    const messages = [{ value: 'a', headers: { traceparent: text(own) } }, { value: 'b' }];
    await publish(gateway, JSON.stringify({ messages }), { 'content-type': 'application/json', ...traced });
    await publish(gateway, 'c', { 'content-type': 'text/plain', traceparent: 'nonsense' });
    await publish(gateway, 'd', { 'content-type': 'text/plain', 'sluice-header-traceparent': text(own), ...traced });
    expect(await headersOfMessages(gateway)).toEqual([
      { traceparent: text(own) },
      traced,
      {},
      { traceparent: text(own) },
    ]);
  });

  it('of two contexts of one trace the last is the caller; two traces are no context', async () => {
    const gateway = await serving();
    const inner = text({ ...caller, spanId: own.spanId });
    for (const second of [inner, text(own), 'nonsense'])
      await publish(gateway, 'a', {
        'content-type': 'text/plain',
        traceparent: `${text(caller)}, ${second}`,
        tracestate: 'shop=1,bank=2, shop=1,bank=2',
      });
    expect(await headersOfMessages(gateway)).toEqual([{ traceparent: inner, tracestate: 'shop=1,bank=2' }, {}, {}]);
  });

  it('over gRPC the same, for one call and for each frame of a stream', async () => {
    const gateway = await serving();
    const clients = grpcClients(gateway);
    await asking(clients).publish({ topic: 'orders', messages: [{ text: 'a' }] }, { metadata: metadata(traced) });
    const stream = clients.publisher.publishStream(metadata(traced));
    stream.on('error', () => undefined); // the gateway may be closed before it has ended
    const answers = collected<object>(stream);
    stream.write({ correlationId: 1, topic: 'orders', messages: [{ text: 'b' }] });
    await expect.poll(() => answers.length).toBe(1);
    stream.end();
    expect(await headersOfMessages(gateway)).toEqual([traced, traced]);
  });

  it('an event is delivered with the context, unless it has one of its own', async () => {
    const gateway = await serving();
    const event = { specversion: '1.0', id: '1', source: '/s', type: 't' };
    const events = [event, { ...event, id: '2', traceparent: text(own) }];
    const type = { 'content-type': 'application/cloudevents-batch+json' };
    expect(await publish(gateway, JSON.stringify(events), { ...type, ...traced })).toBe(200);
    const browsed = await fetch(`${gateway.url}/v1/topics/orders/partitions/0/messages?encoding=cloudevents`);
    const { messages } = (await browsed.json()) as { messages: Record<string, unknown>[] };
    expect(messages).toMatchObject([
      { id: '1', ...traced },
      { id: '2', traceparent: text(own) },
    ]);
    expect(messages[1]).not.toHaveProperty('tracestate');
  });

  it('a repetition by Idempotency-Key is the same request, whatever its trace', async () => {
    const gateway = await serving();
    const type = { 'content-type': 'text/plain', 'idempotency-key': 'k' };
    expect(await publish(gateway, 'a', { ...type, ...traced })).toBe(200);
    expect(await publish(gateway, 'a', { ...type, traceparent: text(own) })).toBe(200);
    expect(await headersOfMessages(gateway)).toEqual([traced]);
  });
});

describe('with a collector', () => {
  it('server-sent events and WebSockets have spans that link to their messages, and the WebSocket one for its ack', async () => {
    const collector = await otlpReceiver();
    const gateway = await serving({ tracing: { otlp: collector.url } });
    for (const name of ['events', 'socket']) await gateway.port.createSubscription({ name, topic: 'orders' });
    const events = await openEvents(gateway, 'events');
    const socket = await openSocket(gateway, 'socket');
    socket.send({ start: { credit: { messages: 10 } } });
    await publish(gateway, 'a', { 'content-type': 'text/plain', ...traced });
    await expect.poll(() => [events.messages().length, socket.deliveries().length]).toEqual([1, 1]);
    socket.send({ ack: { tokens: socket.deliveries().map(({ ackToken }) => ackToken) }, correlationId: 1 });
    await expect.poll(() => socket.results(1)).toBeDefined();
    await gateway.close();
    const [published] = named(collector, 'publish orders');
    const produced = { traceId: caller.traceId, spanId: published?.spanId };
    for (const subscription of ['events', 'socket'])
      for (const name of ['pull orders', 'ack orders'])
        expect(
          named(collector, name).find(({ attributes }) => attributes[SUBSCRIPTION] === subscription),
        ).toMatchObject({ links: [produced] });
  });

  it('is told who sends, with the headers of the configuration, which are printed nowhere', async () => {
    const collector = await otlpReceiver();
    const tracing = { otlp: collector.url, serviceName: 'front', headers: { authorization: 'Bearer hidden' } };
    const gateway = await serving({ tracing, gatewayName: 'one' });
    await publish(gateway, 'a', { 'content-type': 'text/plain' });
    await gateway.close();
    expect(collector.heads[0]).toMatchObject({
      authorization: 'Bearer hidden',
      'content-type': 'application/x-protobuf',
    });
    expect(collector.spans[0]?.resource).toMatchObject({ 'service.name': 'front', 'service.instance.id': 'one' });
    expect(configText(gateway.config)).not.toContain('hidden');
  });

  it('nothing of a message but its id and its place is told', async () => {
    const collector = await otlpReceiver();
    const gateway = await serving({ tracing: { otlp: collector.url } });
    const message = {
      value: 'canary-value',
      key: 'canary-key',
      id: 'known-id',
      headers: { 'canary-name': 'canary-header' },
    };
    await publish(gateway, JSON.stringify({ messages: [message] }), { 'content-type': 'application/json' });
    const answer = await post(gateway, 'subscriptions/reader/pull', {});
    const { deliveries } = (await answer.json()) as { deliveries: { ackToken: string }[] };
    const tokens = deliveries.map(({ ackToken }) => ackToken);
    await post(gateway, 'subscriptions/reader/reject', { tokens, reason: 'canary-reason' });
    await gateway.close();
    const sent = Buffer.concat([...collector.bodies]).toString('latin1');
    expect(sent).toContain('known-id');
    expect(sent).not.toContain('canary');
    for (const token of tokens) expect(sent).not.toContain(token);
  });

  it('gets the part that is asked for, what callers sampled, and the way of the messages of both', async () => {
    const collector = await otlpReceiver();
    const gateway = await serving({ tracing: { otlp: collector.url, sampleRatio: 0 } });
    const type = { 'content-type': 'text/plain' };
    await publish(gateway, 'a', type);
    await publish(gateway, 'b', { ...type, traceparent: text(own, '00') });
    await (await post(gateway, 'subscriptions/reader/pull', {})).json();
    await publish(gateway, 'c', { ...type, ...traced });
    await (await post(gateway, 'subscriptions/reader/pull', {})).json();
    await gateway.close();
    expect(collector.spans.map(({ name, traceId }) => [name, traceId === caller.traceId])).toEqual([
      ['publish orders', true],
      ['pull orders', false],
    ]);
    expect(collector.spans[1]?.links).toMatchObject([{ traceId: caller.traceId }]);
  });

  it('is not for a port that is open already', async () => {
    const port = await openModel();
    onTestFinished(async () => await port.close());
    const starting = startGateway({ port: 0, tracing: { otlp: 'http://127.0.0.1:1' } }, { port });
    await expect(starting).rejects.toMatchObject({ code: 'invalid_argument' });
  });
});

describe('a collector in trouble', () => {
  it('that is away takes nothing from a publish: it is said once in the log, spans are counted as failed, and the end comes in time', async () => {
    // Also that the exporter's own variables are read: by default it tries for ten seconds.
    vi.stubEnv('OTEL_EXPORTER_OTLP_TIMEOUT', '500');
    onTestFinished(() => void vi.unstubAllEnvs());
    const lines: string[] = [];
    const gateway = await serving({ tracing: { otlp: `http://127.0.0.1:${await closedPort()}` } }, lines);
    for (let index = 0; index < 3; index += 1)
      expect(await publish(gateway, 'a', { 'content-type': 'text/plain', ...traced })).toBe(200);
    await expect.poll(async () => await spanCount(gateway, 'export_failed'), { timeout: 9_000 }).toBe(3);
    expect(lines.filter((line) => line.includes('spans cannot be exported'))).toHaveLength(1);
    expect(await spanCount(gateway, 'exported')).toBe(0);
    const startedAt = performance.now();
    await publish(gateway, 'a', { 'content-type': 'text/plain', ...traced });
    await gateway.close();
    expect(performance.now() - startedAt).toBeLessThan(gatewayLimits.shutdownMs);
  });

  it('that takes and does not answer holds no more spans than the bound; the others are dropped and counted, and publishes go on', async () => {
    const collector = await otlpReceiver(() => undefined);
    const gateway = await serving({ tracing: { otlp: collector.url } });
    const surplus = 100;
    let left = gatewayLimits.traceSpansWaitingMax + surplus;
    const publishing = Array.from({ length: 50 }, async () => {
      for (; left > 0; left -= 1) {
        const [outcome] = await gateway.port.publish('orders', [{ value: 'a' }], { durability: 'memory' });
        expect(outcome?.kind).toBe('stored');
      }
    });
    await Promise.all(publishing);
    expect(await spanCount(gateway, 'queue_full')).toBeGreaterThanOrEqual(surplus);
    expect(collector.spans.length).toBeLessThanOrEqual(gatewayLimits.traceBatchSpansMax);
    const startedAt = performance.now();
    await gateway.close();
    expect(performance.now() - startedAt).toBeLessThan(gatewayLimits.shutdownMs);
  });
});

describe('the variables of OpenTelemetry', () => {
  const endpoint = 'http://collector:4318';
  it.each([
    ['the collector of all signals', { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }, `${endpoint}/v1/traces`],
    ['with a slash at its end', { OTEL_EXPORTER_OTLP_ENDPOINT: `${endpoint}/otlp/` }, `${endpoint}/otlp/v1/traces`],
    [
      'the one for traces, as it is',
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${endpoint}/t` },
      `${endpoint}/t`,
    ],
    ['ours before theirs', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x', SLUICE_TRACING_OTLP: endpoint }, endpoint],
    ['off', { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, SLUICE_TRACING_OTLP: 'off' }, 'off'],
    ['no exporter', { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_EXPORTER: 'none' }, undefined],
    ['no SDK', { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_SDK_DISABLED: 'true' }, undefined],
    ['none', {}, undefined],
  ])('%s', (_, env, otlp) => {
    expect(loadConfig({ env }).tracing.otlp).toBe(otlp);
  });

  it('the name of the service', () => {
    const attributes = { OTEL_RESOURCE_ATTRIBUTES: 'a=b, service.name=back,c=d' };
    expect(loadConfig({ env: attributes }).tracing.serviceName).toBe('back');
    expect(loadConfig({ env: { ...attributes, OTEL_SERVICE_NAME: 'front' } }).tracing.serviceName).toBe('front');
    expect(loadConfig({}).tracing).toEqual({ sampleRatio: 1, serviceName: 'sluice' });
  });

  it.each([
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, 'grpc, which is not spoken here'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317' }, 'tracing.otlp'],
    [{ SLUICE_TRACING_OTLP: 'ftp://x' }, 'tracing.otlp'],
    [{ SLUICE_TRACING_OTLP: 'http://[' }, 'tracing.otlp'],
    [{ SLUICE_TRACING_OTLP: 'http://a:99999' }, 'tracing.otlp'],
    [{ SLUICE_TRACING_SAMPLE_RATIO: '2' }, 'tracing.sampleRatio'],
    [{ SLUICE_TRACING_SAMPLE_RATIO: '1%' }, 'SLUICE_TRACING_SAMPLE_RATIO'],
  ])('%j is refused by name', (env, expected) => {
    expect(() => loadConfig({ env })).toThrow(expected);
  });

  it('a header that could not be sent is refused before it is', () => {
    for (const headers of [{ authorization: 'a\nb' }, { 'a b': 'c' }])
      expect(() => parseConfig({ tracing: { headers } })).toThrow('tracing.headers');
  });

  it('a part of one is a part of one', () => {
    expect(loadConfig({ env: { SLUICE_TRACING_SAMPLE_RATIO: '0.25' } }).tracing.sampleRatio).toBe(0.25);
  });
});

const SUBSCRIPTION = 'messaging.destination.subscription.name';

/** With a topic `orders` and a subscription `reader` on it. */
async function serving(config: GatewayConfigInput = {}, lines?: string[]): Promise<Gateway> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-tracing-'));
  const gateway = await startGateway(
    { port: 0, native: { dataDir, durability: 'os' }, ...config },
    lines === undefined ? {} : { logger: { level: 'warn', stream: { write: (line) => void lines.push(line) } } },
  );
  onTestFinished(async () => {
    await gateway.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  await gateway.port.createTopic({ name: 'orders' });
  await gateway.port.createSubscription({ name: 'reader', topic: 'orders' });
  return gateway;
}

async function publish(gateway: Gateway, body: string, headers: Record<string, string>): Promise<number> {
  const answer = await fetch(`${gateway.url}/v1/topics/orders/messages`, { method: 'POST', headers, body });
  await answer.text();
  return answer.status;
}

async function post(gateway: Gateway, path: string, body: object): Promise<Response> {
  return await fetch(`${gateway.url}/v1/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

/** As a consumer sees them. */
async function headersOfMessages(gateway: Gateway): Promise<Record<string, string>[]> {
  const browsed = await fetch(`${gateway.url}/v1/topics/orders/partitions/0/messages`);
  const { messages } = (await browsed.json()) as { messages: { headers: Record<string, string> }[] };
  return messages.map(({ headers }) => headers);
}

function grpcClients(gateway: Gateway): ReturnType<typeof connect> {
  const clients = connect(gateway.grpcAddress ?? '');
  onTestFinished(() => {
    for (const client of Object.values(clients)) client.close();
  });
  return clients;
}

function named(collector: OtlpReceiver, name: string): SeenSpan[] {
  return collector.spans.filter((span) => span.name === name);
}

async function spanCount(gateway: Gateway, result: string): Promise<number> {
  const page = await (await fetch(`${gateway.url}/metrics`)).text();
  const line = page
    .split('\n')
    .find((row) => row.startsWith('sluice_trace_spans_total') && row.includes(`"${result}"`));
  return Number(line?.split(' ').at(-1));
}

/** One that somebody had a moment ago. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
