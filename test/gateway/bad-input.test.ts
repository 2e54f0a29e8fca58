/** What is wrong is refused with its code and the names of its fields, in the caller's words, and never half taken. */

import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { gateway, problemOf, topicAndSubscription, type World } from './support.ts';

const json = { 'content-type': 'application/json' };

describe('fields', () => {
  it.each([
    ['a misspelt field', { nmae: 'x', name: 'a' }, 'unknown_field', ['nmae']],
    ['a misspelt field further in', { name: 'a', retention: { days: 1 } }, 'unknown_field', ['retention.days']],
    ['a wrong type', { name: 7 }, 'invalid_argument', ['name']],
    ['no name', {}, 'invalid_argument', ['name']],
    ['a bad name', { name: '../etc' }, 'invalid_argument', ['name']],
    ['a name with a leading dot', { name: '.a' }, 'invalid_argument', ['name']],
    ['a name that is too long', { name: 'a'.repeat(250) }, 'invalid_argument', ['name']],
    ['no partitions', { name: 'a', partitions: 0 }, 'invalid_argument', ['partitions']],
    ['half a partition', { name: 'a', partitions: 1.5 }, 'invalid_argument', ['partitions']],
    ['an unknown queue type', { name: 'a', queueType: 'fast' }, 'invalid_argument', ['queueType']],
    ['two problems at once', { name: 1, cleanup: 'burn' }, 'invalid_argument', ['name', 'cleanup']],
    ['an array', [], 'invalid_argument', ['body']],
  ])('topic: %s', async (_, body, code, paths) => {
    const world = await gateway();
    const problem = problemOf(await world.call('POST', '/v1/topics', body));
    expect(problem).toMatchObject({ status: 400, code });
    expect(problem.errors?.map(({ path }) => path)).toEqual(paths);
    expect((await world.call('GET', '/v1/topics')).json.topics).toEqual([]);
  });

  it.each([
    ['neither value nor valueBase64', {}, ['messages[0].value']],
    ['both', { value: 'x', valueBase64: 'AA==' }, ['messages[0].value']],
    ['two keys', { value: 'x', key: 'a', keyBase64: 'AA==' }, ['messages[0].key']],
    ['a key that is a number', { value: 'x', key: 5 }, ['messages[0].key']],
    ['base64 without its padding', { valueBase64: 'AA' }, ['messages[0].valueBase64']],
    ['base64 of the URL alphabet', { valueBase64: '_w==' }, ['messages[0].valueBase64']],
    ['base64 with a line break', { valueBase64: 'AAAA\nAAA=' }, ['messages[0].valueBase64']],
    ['base64 that nobody would write', { valueBase64: 'AB==' }, ['messages[0].valueBase64']],
    ['a header that is a number', { value: 'x', headers: { a: 1 } }, ['messages[0].headers.a']],
    ['a header in bad base64', { value: 'x', headers: { a: { base64: '*' } } }, ['messages[0].headers.a.base64']],
    ['a negative partition', { value: 'x', partition: -1 }, ['messages[0].partition']],
    ['an empty id', { value: 'x', id: '' }, ['messages[0].id']],
    ['a timestamp in text', { value: 'x', timestamp: '2026-01-01' }, ['messages[0].timestamp']],
    ['a content type with a line break', { value: 'x', contentType: 'a\r\nb' }, ['messages[0].contentType']],
    ['a priority above a byte', { value: 'x', priority: 256 }, ['messages[0].priority']],
  ])('message: %s', async (_, message, paths) => {
    const world = await gateway();
    const { topic } = await topicAndSubscription(world);
    const problem = problemOf(
      await world.call('POST', `/v1/topics/${topic}/messages`, { messages: [message, { value: 'good' }] }),
    );
    expect(problem).toMatchObject({ status: 400, code: 'invalid_argument' });
    expect(problem.errors?.map(({ path }) => path)).toEqual(paths);
    expect(await stored(world, topic)).toBe(0);
  });

  it('messages[3].key is how a field of the fourth message is called, and an unknown one is unknown_field', async () => {
    const world = await gateway();
    const { topic } = await topicAndSubscription(world);
    const good = { value: 'x' };
    const wrong = problemOf(
      await world.call('POST', `/v1/topics/${topic}/messages`, { messages: [good, good, good, { ...good, key: 1 }] }),
    );
    expect(wrong.errors).toEqual([{ path: 'messages[3].key', message: expect.any(String) }]);
    const unknown = problemOf(
      await world.call('POST', `/v1/topics/${topic}/messages`, { messages: [good, { ...good, vlaue: 1 }] }),
    );
    expect([unknown.code, unknown.errors]).toEqual([
      'unknown_field',
      [{ path: 'messages[1].vlaue', message: 'is not a known field' }],
    ]);
  });

  it('a header name that Sluice keeps for itself is refused', async () => {
    const world = await gateway();
    const { topic } = await topicAndSubscription(world);
    const body = { messages: [{ value: 'x', headers: { 'sluice-id': 'mine' } }] };
    expect(problemOf(await world.call('POST', `/v1/topics/${topic}/messages`, body)).errors?.[0]?.path).toBe(
      'messages[0].headers.sluice-id',
    );
  });

  it.each([
    ['no messages', { messages: [] }, 'invalid_argument'],
    ['1,001 messages', { messages: Array(1_001).fill({ value: 1 }) }, 'invalid_argument'],
    ['an unknown durability', { messages: [{ value: 1 }], durability: 'safe' }, 'invalid_argument'],
    ['an unknown field', { messages: [{ value: 1 }], acks: 'all' }, 'unknown_field'],
  ])('publish: %s', async (_, body, code) => {
    const world = await gateway();
    const { topic } = await topicAndSubscription(world);
    expect(problemOf(await world.call('POST', `/v1/topics/${topic}/messages`, body)).code).toBe(code);
  });

  it.each([
    ['a start that is none', { start: 'tomorrow' }, 'invalid_argument'],
    ['a deadline below the limit', { ackDeadlineMs: 1 }, 'invalid_argument'],
    ['a back-off that is the wrong way round', { retry: { minBackoffMs: 500, maxBackoffMs: 5 } }, 'invalid_argument'],
    ['an ordering that is none', { ordering: 'strict' }, 'invalid_argument'],
    ['a capability that is none', { requires: ['speed'] }, 'invalid_argument'],
    ['an unknown field', { filter: 'a = 1' }, 'unknown_field'],
  ])('subscription: %s', async (_, options, code) => {
    const world = await gateway();
    const { topic } = await topicAndSubscription(world);
    expect(problemOf(await world.call('POST', '/v1/subscriptions', { name: 's', topic, ...options })).code).toBe(code);
  });

  it.each([
    ['pull', { maxMessages: 0 }],
    ['pull', { waitMs: 30_001 }],
    ['ack', {}],
    ['ack', { tokens: [] }],
    ['ack', { tokens: [7] }],
    ['nack', { tokens: ['a'], delayMs: -1 }],
    ['extend', { tokens: ['a'] }],
    ['seek', { to: 5 }],
    ['seek', { to: { offsets: { first: 1 } } }],
    ['seek', { to: { offsets: { '7': 1 } } }],
  ])('%s with %j', async (call, body) => {
    const world = await gateway();
    const { subscription } = await topicAndSubscription(world);
    expect(problemOf(await world.call('POST', `/v1/subscriptions/${subscription}/${call}`, body))).toMatchObject({
      status: 400,
      code: 'invalid_argument',
      errors: [{}],
    });
  });
});

describe('paths and queries', () => {
  it.each([
    '/v1/topics/%2e%2fetc',
    '/v1/topics/a%20b',
    '/v1/topics/a%00',
    `/v1/topics/${'a'.repeat(250)}`,
    '/v1/subscriptions/-a',
    '/v1/topics/a/partitions/x/messages',
    '/v1/topics/a/partitions/-1/messages',
    '/v1/topics/a/partitions/0/messages?limit=0',
    '/v1/topics/a/partitions/0/messages?limit=ten',
    '/v1/topics/a/partitions/0/messages?limit=0x10',
    '/v1/topics/a/partitions/0/messages?limit=1e2',
    '/v1/subscriptions/a/deadletters?partition=',
    '/v1/topics/a/partitions/0/messages?from=middle',
    '/v1/topics/a/partitions/0/messages?encoding=hex',
    '/v1/subscriptions/a/deadletters?from=5',
    '/v1/capabilities?queueType=fast',
    '/v1/topics/%ff',
  ])('%s is 400', async (url) => {
    const world = await gateway();
    expect(problemOf(await world.call('GET', url))).toMatchObject({ status: 400, code: 'invalid_argument' });
  });

  it('a name of 249 characters is a name', async () => {
    const world = await gateway();
    expect(problemOf(await world.call('GET', `/v1/topics/${'a'.repeat(249)}`)).code).toBe('topic_not_found');
  });

  it('a misspelt query parameter is refused', async () => {
    const world = await gateway();
    expect(problemOf(await world.call('GET', '/v1/topics?limti=5'))).toMatchObject({
      status: 400,
      code: 'unknown_field',
      errors: [{ path: 'limti' }],
    });
  });

  it('an unknown route is 404, another method 405 with the ones that there are', async () => {
    const world = await gateway();
    expect(problemOf(await world.call('GET', '/v2/topics'))).toMatchObject({ status: 404, code: 'not_found' });
    const wrongMethod = await world.call('DELETE', '/v1/topics');
    expect(problemOf(wrongMethod)).toMatchObject({ status: 405, code: 'method_not_allowed' });
    expect(String(wrongMethod.headers['allow']).split(', ').toSorted()).toEqual(['GET', 'HEAD', 'POST']);
    const withBody = await world.raw('PUT', '/v1/topics/orders', 'a', { 'content-type': 'text/plain' });
    expect(problemOf(withBody).code).toBe('method_not_allowed');
  });
});

describe('bodies', () => {
  const bodies: readonly (readonly [string, string | Buffer, Record<string, string>, number, string])[] = [
    ['that are not JSON', '{"name":', json, 400, 'invalid_argument'],
    ['that are empty', '', json, 400, 'invalid_argument'],
    ['that are text', 'name=a', { 'content-type': 'text/plain' }, 415, 'unsupported_media_type'],
    [
      'that are a form',
      'name=a',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      'unsupported_media_type',
    ],
    ['with __proto__', '{"name":"a","__proto__":{"partitions":5}}', json, 400, 'invalid_argument'],
    ['with __proto__ in disguise', '{"name":"a","\\u005f_proto__":{}}', json, 400, 'invalid_argument'],
    ['with constructor.prototype', '{"name":"a","constructor":{"prototype":{}}}', json, 400, 'invalid_argument'],
    ['that are not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), json, 400, 'invalid_argument'],
    ['above the limit', JSON.stringify({ name: 'a'.repeat(9 * 1024 * 1024) }), json, 413, 'message_too_large'],
  ];
  it.each(bodies)('%s are refused', async (_, payload, headers, status, code) => {
    const world = await gateway();
    expect(problemOf(await world.raw('POST', '/v1/topics', payload, headers))).toMatchObject({ status, code });
  });

  it('a forbidden key is named as what it is: the body is JSON, and says so to whoever looks for the missing brace', async () => {
    const world = await gateway();
    const answer = await world.raw('POST', '/v1/topics', '{"name":"a","__proto__":{}}', json);
    expect(problemOf(answer).detail).toBe('the body has a key __proto__ or constructor.prototype, which is not read');
  });

  it('pulls that wait with a chunked body leave room for publishes', async () => {
    const world = await gateway();
    const { topic, subscription } = await topicAndSubscription(world);
    await world.app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = world.app.server.address() as AddressInfo;
    const pulls = Array.from({ length: 40 }, async () => {
      const path = `/v1/subscriptions/${subscription}/pull`;
      const waiting = request({ port, method: 'POST', path, headers: json });
      // Without a length, Node sends it in chunks.
      waiting.write('{"waitMs":30000,');
      waiting.end('"maxMessages":1}');
      const [answer] = (await once(waiting, 'response')) as [IncomingMessage];
      answer.resume();
      return answer.statusCode;
    });
    await expect.poll(() => world.context.pulls.waitingCount, { timeout: 10_000, interval: 10 }).toBe(40);
    const messages = Array.from({ length: 40 }, (_, value) => ({ value }));
    expect((await world.call('POST', `/v1/topics/${topic}/messages`, { messages })).status).toBe(200);
    expect(await Promise.all(pulls)).toEqual(Array.from({ length: 40 }, () => 200));
  });

  it('application/json with a charset is JSON', async () => {
    const world = await gateway();
    expect(
      (await world.raw('POST', '/v1/topics', '{"name":"a"}', { 'content-type': 'Application/JSON; charset=utf-8' }))
        .status,
    ).toBe(201);
  });

  it.each([
    ['a number beyond 2^53', '12345678901234567890'],
    ['a number beyond all numbers', '{"a":[1,1e999]}'],
    ['half of a surrogate pair', '"\\ud800"'],
    ['half of a surrogate pair further in', '{"a":"x\\udc00"}'],
  ])('%s would be stored as something else, so it is refused', async (_, value) => {
    const world = await gateway();
    const { topic } = await topicAndSubscription(world);
    const answer = await world.raw('POST', `/v1/topics/${topic}/messages`, `{"messages":[{"value":${value}}]}`, json);
    expect(problemOf(answer)).toMatchObject({
      code: 'invalid_argument',
      errors: [{ path: expect.stringContaining('messages[0].value') }],
    });
    expect(await stored(world, topic)).toBe(0);
  });

  it.each(['9007199254740991', '1e20', '0.1', '"\\ud83d\\ude00"', '"12345678901234567890"'])(
    '%s is kept as it is',
    async (value) => {
      const world = await gateway();
      const { topic } = await topicAndSubscription(world);
      expect(
        (await world.raw('POST', `/v1/topics/${topic}/messages`, `{"messages":[{"value":${value}}]}`, json)).status,
      ).toBe(200);
      const { messages } = (await world.call('GET', `/v1/topics/${topic}/partitions/0/messages`)).json;
      expect(messages[0].value).toEqual(JSON.parse(value));
    },
  );

  it('a value that is nested a hundred thousand deep is refused, not the end of the process', async () => {
    const world = await gateway();
    const { topic } = await topicAndSubscription(world);
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const answer = await world.raw('POST', `/v1/topics/${topic}/messages`, `{"messages":[{"value":${deep}}]}`, json);
    expect(problemOf(answer)).toMatchObject({ status: 400, code: 'invalid_argument' });
  });
});

it('the id of the request is the caller’s where it is a good one, and always in the problem', async () => {
  const world = await gateway();
  const mine = await world.raw('GET', '/v1/nothing', '', { 'x-request-id': 'job-17' });
  expect([mine.headers['x-request-id'], problemOf(mine).instance]).toEqual(['job-17', 'job-17']);
  const bad = await world.raw('GET', '/v1/nothing', '', { 'x-request-id': 'a b\u00e9' });
  expect(problemOf(bad).instance).toMatch(/^[a-z0-9-]+$/);
});

async function stored(world: World, topic: string): Promise<number> {
  const { messages } = (await world.call('GET', `/v1/topics/${topic}/partitions/0/messages`)).json;
  return messages.length;
}
