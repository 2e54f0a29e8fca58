/**
 * A trace from its publisher to its consumer, on each backend, over REST and gRPC, as a collector sees it: what was published carries the
 * context of its publish, what another client put there is understood, and the consumer's spans link to both.
 */

import { connect as connectAmqp } from 'amqplib';
import { Kafka, logLevel } from 'kafkajs';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import type { Gateway } from '../../src/gateway/index.ts';
import { asking, connect, metadata } from '../gateway/grpc/support.ts';
import { otlpReceiver, type OtlpReceiver, type SeenSpan } from '../support/otlp-receiver.ts';
import { openPull } from '../support/stream-clients.ts';
import { gatewayOn, ownTopic, post, restSystems, type RestSystem } from './rest-support.ts';

/** Each as `traceparent` names it; no two share a byte. */
const publisher = { traceId: 'a1'.repeat(16), spanId: 'a2'.repeat(8) };
const own = { traceId: 'b1'.repeat(16), spanId: 'b2'.repeat(8) };
const foreign = { traceId: 'c1'.repeat(16), spanId: 'c2'.repeat(8) };
const settler = { traceId: 'd1'.repeat(16), spanId: 'd2'.repeat(8) };

const systems = restSystems.filter(({ name }) => name !== 'rabbitmq classic');

describe.each(systems)('on $name', (system) => {
  it('the spans of a message are found from its publish to its ack, over REST and over gRPC', async (context) => {
    const collector = await otlpReceiver();
    const gateway = await gatewayOn(system, context, { tracing: { otlp: collector.url } });
    const rest = await overRest(system, gateway);
    const grpc = await overGrpc(system, gateway);
    for (const { topic, subscription, headersById } of [rest, grpc]) {
      const spans = await spansOf(collector, topic);
      const publish = only(spans, `publish ${topic}`);
      expect(publish).toMatchObject({
        kind: 'producer',
        traceId: publisher.traceId,
        parentSpanId: publisher.spanId,
        traceState: 'shop=1',
        isError: false,
        links: [{ ...own }],
        attributes: {
          'messaging.system': gateway.config.backend === 'native' ? 'sluice' : gateway.config.backend,
          'messaging.operation.type': 'send',
          'messaging.operation.name': 'publish',
          'messaging.destination.name': topic,
          'messaging.batch.message_count': 2,
        },
        resource: { 'service.name': 'sluice' },
      });
      const produced = { traceId: publisher.traceId, spanId: publish.spanId };

      expect(headersById['plain']).toEqual({
        traceparent: `00-${produced.traceId}-${produced.spanId}-01`,
        tracestate: 'shop=1',
      });
      expect(headersById['with its own']).toEqual({ traceparent: traceparent(own) });

      const others = system.name === 'native' ? [] : [foreign];
      const expected = [produced, own, ...others].map(({ traceId, spanId }) => `${traceId} ${spanId}`).toSorted();
      const pulls = spans.filter(({ name }) => name === `pull ${topic}`);
      expect(linksOf(pulls)).toEqual(expected);
      for (const { kind, attributes } of pulls) {
        expect(kind).toBe('client');
        expect(attributes).toMatchObject({
          'messaging.operation.type': 'receive',
          'messaging.destination.subscription.name': subscription,
        });
      }
      const acks = spans.filter(({ name }) => name === `ack ${topic}`);
      expect(linksOf(acks)).toEqual(expected);
      expect(acks[0]).toMatchObject({ kind: 'client', attributes: { 'messaging.operation.type': 'settle' } });
    }
    const [ack] = await spansOf(collector, rest.topic, 'ack');
    expect(ack).toMatchObject({ traceId: settler.traceId, parentSpanId: settler.spanId });
  });
});

interface Told {
  readonly topic: string;
  readonly subscription: string;
  /** What a consumer sees of the headers, by the value of the message. */
  readonly headersById: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

async function overRest(system: RestSystem, gateway: Gateway): Promise<Told> {
  const { topic, subscription, count } = await stage(system, gateway, 'traced-rest');
  const answer = await fetch(`${gateway.url}/v1/topics/${topic}/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', traceparent: traceparent(publisher), tracestate: 'shop=1' },
    body: JSON.stringify({
      messages: [{ value: 'plain' }, { value: 'with its own', headers: { traceparent: traceparent(own) } }],
    }),
  });
  expect(answer.status).toBe(200);
  const headersById: Record<string, Record<string, string>> = {};
  const tokens: string[] = [];
  await expect
    .poll(async () => {
      const { json } = await post(gateway, `subscriptions/${subscription}/pull`, { waitMs: 2_000 });
      for (const { ackToken, message } of json.deliveries) {
        tokens.push(ackToken);
        headersById[message.value] = message.headers;
      }
      return tokens.length;
    })
    .toBe(count);
  const acked = await fetch(`${gateway.url}/v1/subscriptions/${subscription}/ack`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', traceparent: traceparent(settler) },
    body: JSON.stringify({ tokens }),
  });
  expect(acked.status).toBe(200);
  return { topic, subscription, headersById };
}

async function overGrpc(system: RestSystem, gateway: Gateway): Promise<Told> {
  const { topic, subscription, count } = await stage(system, gateway, 'traced-grpc');
  const clients = connect(gateway.grpcAddress ?? '');
  onTestFinished(() => {
    for (const client of Object.values(clients)) client.close();
  });
  await asking(clients).publish(
    {
      topic,
      messages: [
        { text: 'plain' },
        { text: 'with its own', headers: [{ name: 'traceparent', value: Buffer.from(traceparent(own)) }] },
      ],
    },
    { metadata: metadata({ traceparent: traceparent(publisher), tracestate: 'shop=1' }) },
  );
  const pull = openPull(clients, { subscription, credit: { messages: 100 } });
  const deliveries = () => pull.frames.flatMap(({ deliveries: of = [] }) => of);
  await expect.poll(() => deliveries().length).toBe(count);
  pull.stream.write({ ack: { tokens: deliveries().map(({ ackToken }) => ackToken ?? '') } });
  await expect.poll(() => pull.frames.flatMap(({ results = [] }) => results).length).toBe(count);
  const headersById: Record<string, Record<string, string>> = {};
  for (const { message } of deliveries()) {
    const text = message?.value?.toString() ?? '';
    headersById[text] = Object.fromEntries(
      (message?.headers ?? []).map(({ name, value }) => [name ?? '', value?.toString() ?? '']),
    );
  }
  return { topic, subscription, headersById };
}

/** A topic, its reader, and one message of another client, where there can be one. */
async function stage(system: RestSystem, gateway: Gateway, prefix: string) {
  const topic = ownTopic(prefix);
  const subscription = `${topic}-reader`;
  expect((await post(gateway, 'topics', { name: topic, ...system.topicOptions })).status).toBe(201);
  expect((await post(gateway, 'subscriptions', { name: subscription, topic })).status).toBe(201);
  const headers = { traceparent: traceparent(foreign) };
  if (gateway.config.backend === 'rabbitmq') {
    const connection = await connectAmqp(inject('rabbitmq')?.url ?? '');
    const channel = await connection.createConfirmChannel();
    channel.publish(`sluice.t.${topic}`, '0', Buffer.from('foreign'), { headers, persistent: true });
    await channel.waitForConfirms();
    await connection.close();
  }
  if (gateway.config.backend === 'kafka') {
    const client = new Kafka({ brokers: [...(inject('kafka')?.brokers ?? [])], logLevel: logLevel.NOTHING });
    const producer = client.producer();
    await producer.connect();
    await producer.send({ topic, messages: [{ value: 'foreign', headers }] });
    await producer.disconnect();
  }
  return { topic, subscription, count: gateway.config.backend === 'native' ? 2 : 3 };
}

/** All that concern the topic, once the last of them, those of its acks, have come. */
async function spansOf(collector: OtlpReceiver, topic: string, operation?: string): Promise<SeenSpan[]> {
  const found = (): SeenSpan[] => collector.spans.filter(({ name }) => name.endsWith(` ${topic}`));
  await expect.poll(() => found().some(({ name }) => name.startsWith('ack '))).toBe(true);
  return found().filter(({ name }) => operation === undefined || name.startsWith(`${operation} `));
}

function only(spans: readonly SeenSpan[], name: string): SeenSpan {
  const found = spans.filter((span) => span.name === name);
  expect(found).toHaveLength(1);
  return found[0] as SeenSpan;
}

function linksOf(spans: readonly SeenSpan[]): string[] {
  return spans.flatMap(({ links }) => links.map(({ traceId, spanId }) => `${traceId} ${spanId}`)).toSorted();
}

function traceparent({ traceId, spanId }: { readonly traceId: string; readonly spanId: string }): string {
  return `00-${traceId}-${spanId}-01`;
}
