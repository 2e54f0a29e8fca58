/** Bodies that are not JSON: lines as a stream, raw values; and Prefer on pull. */

import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { MessagingPort } from '../../src/adapters/index.ts';
import { gatewayLimits } from '../../src/gateway/limits.ts';
import { openModel } from '../support/model-driver.ts';
import { type Listening, listening, topicWithReader } from './listening.ts';
import { gateway, problemOf, topicAndSubscription } from './support.ts';

describe('a raw body', () => {
  it.each([
    ['image/png', Buffer.from([0x89, 0x50, 0, 255])],
    ['text/plain; charset=latin1', Buffer.from([0xe9])],
    ['application/xml', Buffer.from('<a/>')],
    ['application/x-www-form-urlencoded', Buffer.from('a=1&b=2')],
  ])('of %s is the value, byte by byte, and its type the content type', async (type, value) => {
    const world = await gateway();
    const { topic } = await topicAndSubscription(world, { partitions: 3 });
    const answer = await world.raw(
      'POST',
      `/v1/topics/${topic}/messages?key=customer-42&partition=2&timestamp=5`,
      value,
      { 'content-type': type, 'idempotency-key': 'once', 'sluice-header-Trace': 'gr\u00fc', 'sluice-header-b': '2' },
    );
    expect([answer.status, answer.json?.results[0]]).toMatchObject([200, { partition: 2, id: 'once' }]);
    const [message] = (await world.port.read(topic, 2, 'earliest', 10)).messages;
    expect(message).toMatchObject({ value, contentType: type, timestampMs: 5, id: 'once' });
    expect(message?.key?.toString()).toBe('customer-42');
    expect(message?.headers.map(({ name }) => name)).toEqual(['trace', 'b']);
  });

  it('that is refused is answered with its own problem', async () => {
    const world = await gateway();
    const { topic } = await topicAndSubscription(world);
    const large = await world.raw('POST', `/v1/topics/${topic}/messages`, Buffer.alloc(1024 * 1024 + 1), {
      'content-type': 'image/png',
    });
    expect(problemOf(large)).toMatchObject({ status: 413, code: 'message_too_large' });
    const huge = await world.raw('POST', `/v1/topics/${topic}/messages`, Buffer.alloc(gatewayLimits.bodyBytesMax + 1), {
      'content-type': 'image/png',
    });
    expect(problemOf(huge)).toMatchObject({ status: 413, code: 'message_too_large' });
  });

  it.each([
    ['?partition=0x1', 'invalid_argument'],
    ['?keys=a', 'unknown_field'],
    ['?priority=256', 'invalid_argument'],
  ])('with %s is refused', async (query, code) => {
    const world = await gateway();
    const { topic } = await topicAndSubscription(world);
    const answer = await world.raw('POST', `/v1/topics/${topic}/messages${query}`, 'x', {
      'content-type': 'text/plain',
    });
    expect(problemOf(answer).code).toBe(code);
  });

  it('is not read by other routes; and what JSON says in its body is not taken from the query', async () => {
    const world = await gateway();
    const { topic } = await topicAndSubscription(world);
    for (const type of ['text/plain', 'application/x-ndjson', 'application/cloudevents+json']) {
      expect(problemOf(await world.raw('POST', '/v1/topics', '{}', { 'content-type': type })).status).toBe(415);
    }
    const both = await world.call('POST', `/v1/topics/${topic}/messages?key=a`, { messages: [{ value: 1 }] });
    expect(problemOf(both).errors?.[0]?.path).toBe('key');
  });
});

describe('lines', () => {
  it('are answered one by one, in order; a bad one has a problem for its result and the rest goes on', async () => {
    const world = await listening();
    const { topic } = await topicWithReader(world);
    const stream = await lines(world, topic);
    stream.send('{"value":"one","id":"first"}\n\n{"value":');
    stream.send(
      '"two"}\nnot json\n{"value":1,"valeu":2}\n{"value":"x","headers":{"sluice-id":"mine"}}\n{"value":"last"}',
    );
    stream.end();
    await stream.ended;
    expect(stream.results()).toMatchObject([
      { id: 'first', partition: 0, offset: 0 },
      { offset: 1 },
      { problem: { code: 'invalid_argument', detail: expect.stringContaining('the line is not JSON') } },
      { problem: { code: 'unknown_field', errors: [{ path: 'valeu' }] } },
      { problem: { code: 'invalid_argument' } },
      { offset: 2 },
    ]);
    expect(stream.headers()['content-type']).toBe('application/x-ndjson');
  });

  it('are answered while the request still comes', async () => {
    const world = await listening();
    const { topic } = await topicWithReader(world);
    const stream = await lines(world, topic);
    for (let round = 1; round <= 5; round += 1) {
      stream.send(`{"value":${round}}\n`);
      await expect.poll(() => stream.results().length).toBe(round);
    }
    stream.end();
    await stream.ended;
  });

  it('that are too long are skipped to their end, and told', async () => {
    const world = await listening();
    const { topic } = await topicWithReader(world);
    const stream = await lines(world, topic);
    stream.send('{"value":"before"}\n{"value":"');
    for (let megabyte = 0; megabyte < 9; megabyte += 1) stream.send('x'.repeat(1024 * 1024));
    stream.send('"}\n{"value":"after"}\n');
    stream.end();
    await stream.ended;
    expect(stream.results()).toMatchObject([{ offset: 0 }, { problem: { code: 'message_too_large' } }, { offset: 1 }]);
  });

  it('ten thousand of them keep their order', async () => {
    const world = await listening();
    const { topic } = await topicWithReader(world);
    const stream = await lines(world, topic);
    for (let first = 0; first < 10_000; first += 100) {
      stream.send(Array.from({ length: 100 }, (_, index) => `{"value":${first + index}}\n`).join(''));
    }
    stream.end();
    await stream.ended;
    expect(stream.results().map(({ offset }) => offset)).toEqual(Array.from({ length: 10_000 }, (_, index) => index));
    const { messages } = await world.port.read(topic, 0, 9_000, 1_000);
    expect(messages.map(({ value }) => Number(value))).toEqual(Array.from({ length: 1_000 }, (_, i) => 9_000 + i));
  });

  it('are not read while as many publishes are under way as the bound allows', async () => {
    const { port, publishes, answerAll } = await slowPort();
    const world = await listening({ port });
    const stream = await lines(world, 'orders');
    let sent = 0;
    for (; sent < 20; sent += 1) {
      stream.send(`{"value":"${'x'.repeat(200_000)}"}\n`);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await expect.poll(publishes).toBe(gatewayLimits.ndjsonBatchesInFlightMax);
    expect((await fetch(`${world.url}/livez`)).status).toBe(200);
    expect(publishes()).toBe(gatewayLimits.ndjsonBatchesInFlightMax);
    answerAll();
    stream.end();
    await stream.ended;
    expect(stream.results()).toHaveLength(sent);
  });

  it('to a topic that is not there are refused before they are read', async () => {
    const world = await listening();
    const answer = await fetch(`${world.url}/v1/topics/nothing/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: '{"value":1}\n',
    });
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([404, 'topic_not_found']);
  });

  it('end with a problem when the gateway shuts down; what came whole is answered', async () => {
    const world = await listening();
    const { topic } = await topicWithReader(world);
    const stream = await lines(world, topic);
    stream.send('{"value":1}\n');
    await expect.poll(() => stream.results().length).toBe(1);
    const closing = world.gateway.close();
    await stream.ended;
    await closing;
    expect(stream.results()).toMatchObject([{ offset: 0 }, { problem: { code: 'draining' } }]);
  });

  it('of a client that left are stored as far as they came whole', async () => {
    const world = await listening();
    const { topic } = await topicWithReader(world);
    const stream = await lines(world, topic);
    stream.send('{"value":1}\n{"value":2}\n{"val');
    await expect.poll(() => stream.results().length).toBe(2);
    stream.leave();
    await expect.poll(async () => await world.metric('sluice_streams_open')).toBe(0);
    expect((await world.port.read(topic, 0, 'earliest', 10)).messages).toHaveLength(2);
  });
});

describe('Prefer: wait on pull', () => {
  it('is how long the pull waits, unless the body says it', async () => {
    const world = await gateway();
    const { subscription } = await topicAndSubscription(world);
    const pull = async (body: object, prefer: string) => {
      const startedAt = performance.now();
      const answer = await world.raw('POST', `/v1/subscriptions/${subscription}/pull`, JSON.stringify(body), {
        'content-type': 'application/json',
        prefer,
      });
      return { applied: answer.headers['preference-applied'], ms: performance.now() - startedAt };
    };
    const none = await pull({}, 'respond-async, wait=0');
    expect(none.applied).toBe('wait=0');
    expect(none.ms).toBeLessThan(900);
    expect((await pull({ waitMs: 0 }, 'wait=20')).applied).toBeUndefined();
    expect((await pull({ waitMs: 0 }, 'wait=soon')).applied).toBeUndefined();
  });
});

async function lines(world: Listening, topic: string) {
  const asked: ClientRequest = request(`${world.url}/v1/topics/${topic}/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
  });
  asked.on('error', () => undefined); // of a connection that was left
  onTestFinished(() => void asked.destroy());
  let text = '';
  let answer: IncomingMessage | undefined;
  const ended = new Promise<void>((resolve) => {
    asked.on('response', (response: IncomingMessage) => {
      answer = response;
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('error', () => resolve());
      response.on('end', resolve);
    });
  });
  asked.flushHeaders();
  await expect.poll(() => answer?.statusCode).toBe(200);
  return {
    send: (more: string) => void asked.write(more),
    end: () => void asked.end(),
    leave: () => asked.destroy(),
    ended,
    headers: () => answer?.headers ?? {},
    results: (): { offset?: number; problem?: object }[] =>
      text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as object),
  };
}

async function slowPort() {
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
