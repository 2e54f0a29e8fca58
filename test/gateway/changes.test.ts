/** PATCH of topics and subscriptions, with ETag and If-Match; the same over gRPC. What a change does is the conformance suite's. */

import { describe, expect, it } from 'vitest';
import { grpcGateway, refusal } from './grpc/support.ts';
import { gateway, problemOf, topicAndSubscription, type World } from './support.ts';

const MERGE_PATCH = 'application/merge-patch+json';

async function patch(world: World, url: string, body: unknown, headers: Record<string, string> = {}) {
  return await world.raw('PATCH', url, JSON.stringify(body), { 'content-type': MERGE_PATCH, ...headers });
}

describe('PATCH', () => {
  it('changes what is given, leaves the rest, and answers with the whole and its ETag', async () => {
    const world = await gateway();
    const { topic, subscription } = await topicAndSubscription(world, { retention: { ms: 60_000, bytes: 1_000 } });
    const grown = await patch(world, `/v1/topics/${topic}`, { partitions: 3, retention: { ms: null } });
    expect(grown.status, grown.text).toBe(200);
    expect(grown.json).toMatchObject({ name: topic, partitions: 3, retention: { ms: null, bytes: 1_000 } });
    const seen = await world.call('GET', `/v1/topics/${topic}`);
    expect([seen.json, seen.headers['etag']]).toEqual([grown.json, grown.headers['etag']]);

    const slower = await patch(world, `/v1/subscriptions/${subscription}`, { retry: { maxAttempts: 9 } });
    expect(slower.json).toMatchObject({ retry: { minBackoffMs: 100, maxBackoffMs: 60_000, maxAttempts: 9 } });
    const plain = await world.raw('PATCH', `/v1/subscriptions/${subscription}`, '{"ackDeadlineMs":1234}', {
      'content-type': 'application/json',
    });
    expect(plain.json).toMatchObject({ ackDeadlineMs: 1_234, retry: { maxAttempts: 9 } });
  });

  it('with If-Match changes only what the caller saw: 412 precondition_failed otherwise', async () => {
    const world = await gateway();
    const { topic } = await topicAndSubscription(world);
    const url = `/v1/topics/${topic}`;
    const etag = String((await world.call('GET', url)).headers['etag']);
    expect(etag).toMatch(/^"[\w-]{22}"$/);
    const first = await patch(world, url, { partitions: 2 }, { 'if-match': `"other", ${etag}` });
    expect(first.status, first.text).toBe(200);
    expect(first.headers['etag']).not.toBe(etag);
    for (const stale of [etag, `W/${String(first.headers['etag'])}`, '"other"']) {
      const refused = await patch(world, url, { partitions: 3 }, { 'if-match': stale });
      expect(problemOf(refused), stale).toMatchObject({ status: 412, code: 'precondition_failed', retryable: false });
    }
    expect((await patch(world, url, { partitions: 3 }, { 'if-match': '*' })).json.partitions).toBe(3);
    const bad = await patch(world, url, { partitions: 4 }, { 'if-match': 'no-quotes' });
    expect(problemOf(bad)).toMatchObject({ status: 400, code: 'invalid_argument' });
    expect((await world.call('GET', url)).json.partitions).toBe(3);
  });

  it('DELETE with If-Match removes only what the caller saw', async () => {
    const world = await gateway();
    const { topic, subscription } = await topicAndSubscription(world);
    for (const url of [`/v1/subscriptions/${subscription}`, `/v1/topics/${topic}`]) {
      const etag = String((await world.call('GET', url)).headers['etag']);
      const refused = await world.raw('DELETE', url, '', { 'if-match': '"other"' });
      expect(problemOf(refused)).toMatchObject({ status: 412, code: 'precondition_failed' });
      expect((await world.call('GET', url)).status).toBe(200);
      expect((await world.raw('DELETE', url, '', { 'if-match': etag })).status).toBe(204);
    }
  });

  it('that changes nothing is a change all the same, and keeps the ETag', async () => {
    const world = await gateway();
    const { topic, subscription } = await topicAndSubscription(world);
    for (const url of [`/v1/topics/${topic}`, `/v1/subscriptions/${subscription}`]) {
      const before = await world.call('GET', url);
      const same = await patch(world, url, {});
      expect([same.status, same.json, same.headers['etag']]).toEqual([200, before.json, before.headers['etag']]);
    }
  });

  it('of what is not there, of what has no place, and in another form is refused by its code', async () => {
    const world = await gateway();
    const { topic, subscription } = await topicAndSubscription(world, { partitions: 2 });
    const refusals: readonly [string, unknown, number, string][] = [
      ['/v1/topics/nowhere', { partitions: 2 }, 404, 'topic_not_found'],
      ['/v1/subscriptions/nobody', { ackDeadlineMs: 500 }, 404, 'subscription_not_found'],
      [`/v1/topics/${topic}`, { name: 'other' }, 400, 'unknown_field'],
      [`/v1/topics/${topic}`, { replicas: 3 }, 400, 'unknown_field'],
      [`/v1/topics/${topic}`, { partitions: 1 }, 400, 'invalid_argument'],
      [`/v1/topics/${topic}`, { retention: { ms: 0 } }, 400, 'invalid_argument'],
      [`/v1/subscriptions/${subscription}`, { ordering: 'key' }, 400, 'unknown_field'],
      [`/v1/subscriptions/${subscription}`, { retry: { maxAttempts: 0 } }, 400, 'invalid_argument'],
      [`/v1/subscriptions/${subscription}`, [], 400, 'invalid_argument'],
    ];
    for (const [url, body, status, code] of refusals)
      expect(problemOf(await patch(world, url, body)), JSON.stringify(body)).toMatchObject({ status, code });
    const text = await world.raw('PATCH', `/v1/topics/${topic}`, 'partitions=2', { 'content-type': 'text/plain' });
    expect(problemOf(text)).toMatchObject({ status: 415, code: 'unsupported_media_type' });
    const posted = await world.raw('POST', '/v1/topics', '{"name":"t"}', { 'content-type': MERGE_PATCH });
    expect(problemOf(posted)).toMatchObject({ status: 415, code: 'unsupported_media_type' });
    const raw = await world.raw('POST', `/v1/topics/${topic}/messages`, '{}', { 'content-type': MERGE_PATCH });
    expect(raw.status, raw.text).toBe(200);
  });
});

describe('UpdateTopic and UpdateSubscription', () => {
  it('change as PATCH does, and a stale etag is precondition_failed', async () => {
    const world = await grpcGateway();
    await world.ask.createTopic({ name: 'orders', retention: { ms: 60_000 } });
    await world.ask.createSubscription({ name: 'billing', topic: 'orders' });
    const before = await world.ask.getTopic({ topic: 'orders' });
    const { etag = '' } = before;
    const after = await world.ask.updateTopic({ topic: 'orders', partitions: 2, retention: { ms: 0 }, etag });
    expect(after).toEqual({ ...before, partitions: 2, retention: {}, etag: expect.not.stringMatching(etag) });
    const rest = await fetch(`${world.gateway.url}/v1/topics/orders`);
    expect(rest.headers.get('etag')).toBe(`"${after.etag}"`);
    const stale = await refusal(world.ask.updateTopic({ topic: 'orders', partitions: 3, etag }));
    expect([stale.reason, stale.status]).toEqual(['precondition_failed', 'ABORTED']);

    const changed = await world.ask.updateSubscription({
      subscription: 'billing',
      ackDeadlineMs: 5_000,
      retry: { maxAttempts: 7 },
    });
    expect(changed).toMatchObject({ ackDeadlineMs: 5_000, retry: { minBackoffMs: 100, maxAttempts: 7 } });
    const missing = await refusal(world.ask.updateSubscription({ subscription: 'nobody', ackDeadlineMs: 5_000 }));
    expect(missing.reason).toBe('subscription_not_found');
  });
});
