/** Lines of the log: one JSON object an event, joined with its request and its trace, with nothing of messages and no secrets. */

import { describe, expect, it, onTestFinished } from 'vitest';
import { hashOfKey } from '../../src/gateway/access/keys.ts';
import { portFromDriver } from '../../src/adapters/index.ts';
import { type Gateway, startGateway } from '../../src/gateway/start.ts';
import { ModelDriver } from '../support/model-driver.ts';
import { collected, openEvents, openSocket } from '../support/stream-clients.ts';
import { asking, connect, metadata } from './grpc/support.ts';

const traceId = 'a1'.repeat(16);
const spanId = 'a2'.repeat(8);
const traceparent = `00-${traceId}-${spanId}-01`;
const trace = { trace_id: traceId, span_id: spanId };

const KEY = `sluice_canary-key-${'k'.repeat(32)}`;
const credentials = { authorization: `Bearer ${KEY}` };
/** Whatever of this is found in a line should not be there. */
const canary = /canary/;
const message = { value: 'canary-value', key: 'canary-message-key', headers: { 'canary-name': 'canary-header' } };

type Line = Readonly<Record<string, unknown>>;

describe('a fault', () => {
  it('of a request is one line with its id, as the answer names it, and its trace', async () => {
    const { gateway, lines } = await serving('debug', 'broken');
    const answer = await publish(gateway, { 'x-request-id': 'req-17', traceparent });
    expect(answer.status).toBe(500);
    expect(await answer.json()).toMatchObject({ instance: 'req-17' });
    await expect.poll(() => lines('answered')).toHaveLength(1);
    const [line, ...others] = lines('unexpected error');
    expect(others).toEqual([]);
    expect(line).toMatchObject({
      level: 50,
      reqId: 'req-17',
      ...trace,
      err: { message: expect.stringContaining('the driver broke') },
    });
    expect(JSON.stringify(lines())).not.toMatch(canary);
  });

  it('without a trace has none, and neither has one whose context is nonsense', async () => {
    const { gateway, lines } = await serving('error', 'broken');
    await publish(gateway, {});
    await publish(gateway, { traceparent: 'canary-nonsense' });
    expect(lines('unexpected error')).toHaveLength(2);
    for (const line of lines()) expect(Object.keys(line)).not.toContain('trace_id');
  });

  it('of a call of gRPC, and of a frame of a stream, is one too', async () => {
    const { gateway, lines } = await serving('error', 'broken');
    const clients = connect(gateway.grpcAddress ?? '');
    const sent = metadata({ ...credentials, 'x-request-id': 'req-18', traceparent });
    const request = { topic: 'orders', messages: [{ text: 'canary-text' }] };
    await expect(asking(clients).publish(request, { metadata: sent })).rejects.toMatchObject({ code: 13 });
    const stream = clients.publisher.publishStream(sent);
    stream.on('error', () => undefined); // the gateway may be closed before it has ended
    const answers = collected<object>(stream);
    stream.write({ correlationId: 1, ...request });
    await expect.poll(() => answers.length).toBe(1);
    stream.end();
    for (const client of Object.values(clients)) client.close();
    expect(lines('unexpected error')).toMatchObject([
      { reqId: 'req-18', ...trace },
      { reqId: 'req-18', ...trace },
    ]);
    expect(JSON.stringify(lines())).not.toMatch(canary);
  });
});

describe('at level debug', () => {
  it('each request has a line: what was asked, by its route, and what was answered', async () => {
    const { gateway, lines } = await serving('debug');
    await publish(gateway, { 'x-request-id': 'req-19', traceparent });
    await fetch(`${gateway.url}/v1/topics?canary=1`, { headers: credentials });
    const clients = connect(gateway.grpcAddress ?? '');
    await asking(clients).pull(
      { subscription: 'reader', waitMs: 0 },
      { metadata: metadata({ ...credentials, 'x-request-id': 'req-20', traceparent }) },
    );
    for (const client of Object.values(clients)) client.close();
    await expect.poll(() => lines('answered').length).toBe(3);
    expect(lines('answered')).toMatchObject([
      { reqId: 'req-19', method: 'POST', route: '/v1/topics/:topic/messages', status: 200, ...trace },
      { method: 'GET', route: '/v1/topics', status: 400 },
      { reqId: 'req-20', rpc: 'Subscriber/Pull', status: 'OK', ...trace },
    ]);
  });

  it('and above it none: they cost more than most requests do', async () => {
    const { gateway, lines } = await serving('info');
    await publish(gateway, {});
    await gateway.close();
    expect(lines().map(({ msg }) => msg)).not.toContain('answered');
  });

  it('the end of the gateway is told', async () => {
    const { gateway, lines } = await serving('info');
    await gateway.close();
    expect(lines('shutting down')).toHaveLength(1);
    expect(lines('closed')).toMatchObject([{ durationMs: expect.any(Number) }]);
  });
});

it('nothing of a message, no key and no token is in any line, at any level, whichever way they came', async () => {
  const { gateway, raw } = await serving('trace');
  await publish(gateway, { traceparent });
  await fetch(`${gateway.url}/v1/topics/orders/messages?canary=1`, {
    method: 'POST',
    headers: credentials,
    body: '{"canary',
  });
  await fetch(`${gateway.url}/v1/topics/orders/messages`, {
    method: 'POST',
    headers: { authorization: 'Bearer canary-wrong-key', 'content-type': 'application/json' },
    body: '{"messages":"canary-not-a-list"}',
  });
  const events = await openEvents(gateway, 'reader', { headers: credentials, query: '?ack=manual' });
  await expect.poll(() => events.messages().length).toBe(1);
  const [event] = events.messages();
  const { ackToken } = JSON.parse(event?.data ?? '{}') as { ackToken: string };
  await fetch(`${gateway.url}/v1/subscriptions/reader/reject`, {
    method: 'POST',
    headers: { ...credentials, 'content-type': 'application/json' },
    body: JSON.stringify({ tokens: [ackToken], reason: 'canary-reason' }),
  });
  await expect(openSocket(gateway, 'reader?canary=1')).rejects.toThrow();
  const clients = connect(gateway.grpcAddress ?? '');
  await asking(clients)
    .publish({ topic: 'canary topic', messages: [{ text: 'canary-text' }] }, { metadata: metadata(credentials) })
    .catch(() => undefined); // refused, and that is no line
  for (const client of Object.values(clients)) client.close();
  await gateway.close();
  expect(raw().length).toBeGreaterThan(4);
  for (const line of raw()) {
    expect(line).not.toMatch(canary);
    expect(line).not.toContain(ackToken);
  }
});

it('a line is one JSON object and names no field twice', async () => {
  const { gateway, raw } = await serving('trace', 'broken');
  await publish(gateway, { 'x-request-id': 'req-21', traceparent });
  await gateway.close();
  expect(raw().length).toBeGreaterThan(2);
  for (const line of raw()) {
    expect(line.trimEnd()).not.toContain('\n');
    expect(line.match(/"(reqId|trace_id|span_id|msg|level|time)":/g)).toHaveLength(
      new Set(line.match(/"(reqId|trace_id|span_id|msg|level|time)":/g)).size,
    );
  }
});

/** A gateway that wants a key, with a topic, a reader, and a log that is kept; `broken`: whose driver fails as none should. */
async function serving(level: string, how: 'well' | 'broken' = 'well') {
  const written: string[] = [];
  const driver = new ModelDriver();
  if (how === 'broken') driver.publish = async () => await Promise.reject(new Error('the driver broke'));
  const port = await portFromDriver(driver);
  const gateway: Gateway = await startGateway(
    { port: 0, access: { keys: [{ name: 'tester', hash: hashOfKey(KEY), scopes: ['admin'] }] } },
    { port, logger: { level, stream: { write: (line) => void written.push(line) } } },
  );
  onTestFinished(async () => {
    await gateway.close();
    await port.close();
  });
  await port.createTopic({ name: 'orders' });
  await port.createSubscription({ name: 'reader', topic: 'orders' });
  return {
    gateway,
    raw: () => written,
    lines: (text?: string): Line[] =>
      written.map((line) => JSON.parse(line) as Line).filter(({ msg }) => text === undefined || msg === text),
  };
}

async function publish(gateway: Gateway, headers: Record<string, string>): Promise<Response> {
  return await fetch(`${gateway.url}/v1/topics/orders/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...credentials, ...headers },
    body: JSON.stringify({ messages: [message] }),
  });
}
