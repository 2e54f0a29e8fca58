/** Every route does what it says, and answers in the form that its schema (and so the OpenAPI document) says. */

import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { capabilityNames } from '../../src/adapters/index.ts';
import { BackendAnswer, CapabilitiesAnswer, LiveAnswer, ReadyAnswer } from '../../src/gateway/schema/backend.ts';
import { PullAnswer, SettleAnswer } from '../../src/gateway/schema/consume.ts';
import { PublishAnswer, PublishMixedAnswer } from '../../src/gateway/schema/publish.ts';
import { LagAnswer, Subscription, SubscriptionList } from '../../src/gateway/schema/subscriptions.ts';
import { BrowseAnswer, DeadLettersAnswer, Topic, TopicList } from '../../src/gateway/schema/topics.ts';
import { gateway, problemOf, topicAndSubscription, type World } from './support.ts';

describe('topics', () => {
  it('a new topic is 201 with every default, the same again 200, another 409', async () => {
    const world = await gateway();
    const created = await world.call('POST', '/v1/topics', { name: 'orders' });
    expect(created.status).toBe(201);
    expect(Topic.parse(created.json)).toMatchObject({ name: 'orders', partitions: 1, cleanup: 'delete', options: {} });
    const again = await world.call('POST', '/v1/topics', { name: 'orders', partitions: 1 });
    expect([again.status, again.json]).toEqual([200, created.json]);
    const other = await world.call('POST', '/v1/topics', { name: 'orders', partitions: 2 });
    expect(problemOf(other)).toMatchObject({ status: 409, code: 'already_exists', retryable: false });
  });

  it('are listed, described and deleted', async () => {
    const world = await gateway();
    await world.call('POST', '/v1/topics', { name: 'b', partitions: 3 });
    await world.call('POST', '/v1/topics', { name: 'a' });
    expect(TopicList.parse((await world.call('GET', '/v1/topics')).json).topics.map(({ name }) => name)).toEqual([
      'a',
      'b',
    ]);
    expect(Topic.parse((await world.call('GET', '/v1/topics/b')).json).partitions).toBe(3);
    const deleted = await world.call('DELETE', '/v1/topics/b');
    expect([deleted.status, deleted.text]).toEqual([204, '']);
    expect(problemOf(await world.call('GET', '/v1/topics/b')).code).toBe('topic_not_found');
    expect(problemOf(await world.call('DELETE', '/v1/topics/b')).code).toBe('topic_not_found');
  });
});

describe('subscriptions', () => {
  it('a new one is 201 with every default, the same again 200, another 409', async () => {
    const world = await gateway();
    await world.call('POST', '/v1/topics', { name: 'orders' });
    const created = await world.call('POST', '/v1/subscriptions', {
      name: 'billing',
      topic: 'orders',
      start: { timestamp: 5 },
    });
    expect(created.status).toBe(201);
    expect(Subscription.parse(created.json)).toEqual({
      name: 'billing',
      topic: 'orders',
      start: { timestamp: 5 },
      ordering: 'none',
      ackDeadlineMs: 30_000,
      maxInFlight: { messages: 1_000, bytes: 16 * 1024 * 1024 },
      retry: { minBackoffMs: 100, maxBackoffMs: 60_000, maxAttempts: 5 },
      onExhausted: 'deadLetter',
      deadLetterTopic: 'billing.dead',
      requires: [],
    });
    expect(
      (await world.call('POST', '/v1/subscriptions', { name: 'billing', topic: 'orders', start: { timestamp: 5 } }))
        .status,
    ).toBe(200);
    expect(problemOf(await world.call('POST', '/v1/subscriptions', { name: 'billing', topic: 'orders' })).code).toBe(
      'already_exists',
    );
  });

  it('are listed, described and deleted; a pull that waits is told', async () => {
    const world = await gateway();
    const { subscription } = await topicAndSubscription(world);
    expect(SubscriptionList.parse((await world.call('GET', '/v1/subscriptions')).json).subscriptions).toHaveLength(1);
    expect(Subscription.parse((await world.call('GET', `/v1/subscriptions/${subscription}`)).json).name).toBe(
      subscription,
    );
    const pulling = world.call('POST', `/v1/subscriptions/${subscription}/pull`, { waitMs: 30_000 });
    await waitFor(() => world.context.pulls.waitingCount === 1);
    await delay(20); // the pull has its consumer by now; without it the answer is the same, by another way
    expect((await world.call('DELETE', `/v1/subscriptions/${subscription}`)).status).toBe(204);
    expect(problemOf(await pulling).code).toBe('subscription_not_found');
    expect(problemOf(await world.call('GET', `/v1/subscriptions/${subscription}`)).code).toBe('subscription_not_found');
    expect(world.context.pulls.openCount).toBe(0);
  });

  it('a topic that is not there is 404', async () => {
    const world = await gateway();
    expect(problemOf(await world.call('POST', '/v1/subscriptions', { name: 'billing', topic: 'nothing' })).code).toBe(
      'topic_not_found',
    );
  });

  it('seek goes back, lag counts', async () => {
    const world = await gateway();
    const { topic, subscription } = await topicAndSubscription(world);
    await publish(world, topic, 'one', 'two', 'three');
    expect(LagAnswer.parse((await world.call('GET', `/v1/subscriptions/${subscription}/lag`)).json).total).toBe(3);
    await ackAll(world, subscription, 3);
    expect((await world.call('GET', `/v1/subscriptions/${subscription}/lag`)).json.total).toBe(0);
    const sought = await world.call('POST', `/v1/subscriptions/${subscription}/seek`, { to: { offsets: { '0': 1 } } });
    expect([sought.status, sought.json]).toEqual([200, { to: { offsets: { '0': 1 } } }]);
    expect((await pull(world, subscription)).map(({ message }) => message.value)).toEqual(['two', 'three']);
  });
});

describe('publish', () => {
  it('answers a result for every message', async () => {
    const world = await gateway();
    const { topic } = await topicAndSubscription(world, { partitions: 2 });
    const answer = await world.call('POST', `/v1/topics/${topic}/messages`, {
      messages: [
        { key: 'a', value: 1, id: 'mine' },
        { value: null, partition: 1 },
      ],
    });
    expect(answer.status).toBe(200);
    const { results } = PublishAnswer.parse(answer.json);
    expect(results.map(({ id }) => id)).toEqual(['mine', expect.stringMatching(/./)]);
    expect(results[1]).toMatchObject({ partition: 1, offset: 0, durability: { persistence: 'memory', copies: 1 } });
  });

  it('207 says which messages were refused; the others are stored', async () => {
    const world = await gateway();
    const { topic, subscription } = await topicAndSubscription(world);
    const answer = await world.call('POST', `/v1/topics/${topic}/messages`, {
      messages: [{ value: 'kept' }, { value: 'lost', partition: 7, id: 'second' }, { value: 'kept too' }],
    });
    expect(answer.status).toBe(207);
    const { results } = PublishMixedAnswer.parse(answer.json);
    expect(results[1]).toMatchObject({
      problem: { code: 'invalid_argument', messageId: 'second', errors: [{ path: 'messages[1].partition' }] },
    });
    expect((await pull(world, subscription)).map(({ message }) => message.value)).toEqual(['kept', 'kept too']);
  });

  it('a lone message that is refused answers its own status', async () => {
    const world = await gateway();
    const { topic } = await topicAndSubscription(world);
    const refused = problemOf(
      await world.call('POST', `/v1/topics/${topic}/messages`, {
        messages: [{ value: 'x', partition: 7, id: 'mine' }],
      }),
    );
    expect(refused).toMatchObject({ status: 400, messageId: 'mine' });
    const large = problemOf(
      await world.call('POST', `/v1/topics/${topic}/messages`, { messages: [{ value: 'x'.repeat(1024 * 1024 + 1) }] }),
    );
    expect(large).toMatchObject({ status: 413, code: 'message_too_large' });
  });

  it.each([
    ['delay', { delayMs: 10 }],
    ['ttl.message', { ttlMs: 10 }],
    ['priority', { priority: 3 }],
  ] as const)('%s on a backend without it is refused, with the name of the capability', async (capability, field) => {
    const world = await gateway({ without: [capability] });
    const { topic } = await topicAndSubscription(world);
    const problem = problemOf(
      await world.call('POST', `/v1/topics/${topic}/messages`, { messages: [{ value: 'x', ...field }] }),
    );
    expect(problem).toMatchObject({ status: 422, code: 'capability_unsupported', capability });
  });

  it('more durability than there is is refused', async () => {
    const world = await gateway();
    const { topic } = await topicAndSubscription(world);
    const asked = { messages: [{ value: 'x' }], durability: 'fsync' };
    expect(problemOf(await world.call('POST', `/v1/topics/${topic}/messages`, asked)).code).toBe(
      'capability_unsupported',
    );
  });

  it('an unknown topic is 404 in less than a second', async () => {
    const world = await gateway();
    const startedAt = performance.now();
    expect(
      problemOf(await world.call('POST', '/v1/topics/nothing/messages', { messages: [{ value: 'x' }] })).code,
    ).toBe('topic_not_found');
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});

describe('pull and settle', () => {
  it('a delivery has token, attempt, deadline and the whole message', async () => {
    const world = await gateway();
    const { topic, subscription } = await topicAndSubscription(world);
    await world.call('POST', `/v1/topics/${topic}/messages`, {
      messages: [
        {
          key: 'k',
          value: { a: [1, 'x'] },
          headers: { one: 'x', many: ['a', { base64: '/w==' }] },
          id: 'mine',
          timestamp: 1234,
        },
      ],
    });
    const answer = await world.call('POST', `/v1/subscriptions/${subscription}/pull`, {});
    expect(answer.status).toBe(200);
    const [delivery] = PullAnswer.parse(answer.json).deliveries;
    expect(delivery?.attempt).toBe(1);
    expect(delivery?.deadline).toBeGreaterThan(Date.now() + 20_000);
    expect(delivery?.message).toEqual({
      topic,
      partition: 0,
      offset: 0,
      key: 'k',
      value: { a: [1, 'x'] },
      headers: { one: 'x', many: ['a', { base64: '/w==' }] },
      contentType: 'application/json',
      id: 'mine',
      timestamp: 1234,
    });
  });

  it('ack ends it; the same token again is already, a strange one invalid, and that is 207', async () => {
    const world = await gateway();
    const { topic, subscription } = await topicAndSubscription(world);
    await publish(world, topic, 'one');
    const [token = ''] = (await pull(world, subscription)).map(({ ackToken }) => ackToken);
    const acked = await world.call('POST', `/v1/subscriptions/${subscription}/ack`, { tokens: [token] });
    expect([acked.status, SettleAnswer.parse(acked.json)]).toEqual([200, { results: [{ token, status: 'ok' }] }]);
    const again = await world.call('POST', `/v1/subscriptions/${subscription}/ack`, { tokens: [token, 'nonsense'] });
    expect(again.status).toBe(207);
    expect(again.json.results.map(({ status }: { status: string }) => status)).toEqual(['already', 'invalid']);
  });

  it('nack counts an attempt, release does not, reject dead-letters with its reason', async () => {
    const world = await gateway();
    const { topic, subscription } = await topicAndSubscription(world);
    await publish(world, topic, 'poison');
    const settle = async (call: string, body: object = {}) => {
      const [delivery] = await pull(world, subscription);
      const answer = await world.call('POST', `/v1/subscriptions/${subscription}/${call}`, {
        tokens: [delivery?.ackToken],
        ...body,
      });
      expect(answer.json.results).toMatchObject([{ status: 'ok' }]);
      return delivery?.attempt;
    };
    expect(await settle('nack', { delayMs: 0, reason: 'not now' })).toBe(1);
    expect(await settle('release')).toBe(2);
    expect(await settle('reject', { reason: 'cannot be read' })).toBe(2);
    const letters = await world.call('GET', `/v1/subscriptions/${subscription}/deadletters`);
    expect(letters.status).toBe(200);
    const { topic: dead, messages, next } = DeadLettersAnswer.parse(letters.json);
    expect([dead, next]).toEqual([`${subscription}.dead`, { '0': 1 }]);
    expect(messages[0]).toMatchObject({
      value: 'poison',
      headers: { 'dead-letter-reason': 'cannot be read', 'dead-letter-attempts': '2', 'dead-letter-topic': topic },
    });
    const paged = await world.call('GET', `/v1/subscriptions/${subscription}/deadletters?partition=0&from=1`);
    expect(paged.json.messages).toEqual([]);
  });

  it('extend moves the deadline; without it the message comes again and the old token is expired', async () => {
    const world = await gateway();
    const { topic, subscription } = await topicAndSubscription(
      world,
      {},
      { ackDeadlineMs: 150, retry: { minBackoffMs: 0 } },
    );
    await publish(world, topic, 'kept', 'again');
    const [kept, again] = await pull(world, subscription);
    const extended = await world.call('POST', `/v1/subscriptions/${subscription}/extend`, {
      tokens: [kept?.ackToken],
      deadlineMs: 60_000,
    });
    expect([extended.status, extended.json.results[0].status]).toEqual([200, 'ok']);
    const [second] = await pull(world, subscription);
    expect([second?.message.value, second?.attempt]).toEqual(['again', 2]);
    const late = await world.call('POST', `/v1/subscriptions/${subscription}/ack`, {
      tokens: [again?.ackToken, kept?.ackToken],
    });
    expect(late.json.results.map(({ status }: { status: string }) => status)).toEqual(['expired', 'ok']);
  });

  it('an empty pull waits as long as it was told, and no longer', async () => {
    const world = await gateway();
    const { subscription } = await topicAndSubscription(world);
    const startedAt = performance.now();
    const answer = await world.call('POST', `/v1/subscriptions/${subscription}/pull`, { waitMs: 120 });
    expect([answer.status, answer.json]).toEqual([200, { deliveries: [] }]);
    const tookMs = performance.now() - startedAt;
    expect(tookMs).toBeGreaterThanOrEqual(115);
    expect(tookMs).toBeLessThan(1_000);
  });

  it.each(['pull', 'ack', 'nack', 'release', 'reject', 'extend', 'seek'])(
    '%s on an unknown subscription is 404',
    async (call) => {
      const world = await gateway();
      const body = { pull: {}, seek: { to: 'earliest' }, extend: { tokens: ['a'], deadlineMs: 10 } }[call] ?? {
        tokens: ['a'],
      };
      expect(problemOf(await world.call('POST', `/v1/subscriptions/nothing/${call}`, body)).code).toBe(
        'subscription_not_found',
      );
    },
  );
});

describe('browse', () => {
  it('reads a partition from the oldest, an offset or the end, without removing anything', async () => {
    const world = await gateway();
    const { topic } = await topicAndSubscription(world);
    await publish(world, topic, 'one', 'two', 'three');
    const browse = async (query: string) =>
      BrowseAnswer.parse((await world.call('GET', `/v1/topics/${topic}/partitions/0/messages${query}`)).json);
    const values = async (query: string) => (await browse(query)).messages.map(({ value }) => value);
    expect(await values('')).toEqual(['one', 'two', 'three']);
    expect(await values('?from=1&limit=1')).toEqual(['two']);
    expect((await browse('?from=1&limit=1')).next).toBe(2);
    expect(await values('?from=latest')).toEqual([]);
    expect((await browse('?encoding=base64&limit=1')).messages[0]?.valueBase64).toBe(
      Buffer.from('one').toString('base64'),
    );
  });

  it('is refused where the backend has none', async () => {
    const world = await gateway({ without: ['browse'] });
    const { topic } = await topicAndSubscription(world);
    const refused = problemOf(await world.call('GET', `/v1/topics/${topic}/partitions/0/messages`));
    expect(refused).toMatchObject({ code: 'capability_unsupported', capability: 'browse' });
  });

  it('a subscription without dead letters has none to browse', async () => {
    const world = await gateway();
    const { subscription } = await topicAndSubscription(world, {}, { onExhausted: 'drop' });
    expect(problemOf(await world.call('GET', `/v1/subscriptions/${subscription}/deadletters`)).code).toBe('not_found');
  });
});

describe('what stands behind', () => {
  it('capabilities, backend, liveness and readiness', async () => {
    const world = await gateway();
    const capabilities = CapabilitiesAnswer.parse((await world.call('GET', '/v1/capabilities')).json);
    expect(Object.keys(capabilities.capabilities).toSorted()).toEqual(capabilityNames.toSorted());
    expect(BackendAnswer.parse((await world.call('GET', '/v1/backend')).json).health.ok).toBe(true);
    expect(LiveAnswer.parse((await world.call('GET', '/livez')).json)).toEqual({ status: 'live' });
    expect(ReadyAnswer.parse((await world.call('GET', '/readyz')).json).status).toBe('ready');
  });

  it('a gateway that shuts down is alive, not ready, and takes no new work', async () => {
    const world = await gateway();
    world.context.isDraining = true;
    expect((await world.call('GET', '/livez')).status).toBe(200);
    const unready = await world.call('GET', '/readyz');
    expect(problemOf(unready)).toMatchObject({ status: 503, code: 'draining', retryable: true });
    expect(unready.headers['retry-after']).toBe('1');
    expect(problemOf(await world.call('GET', '/v1/topics')).code).toBe('draining');
  });

  it('a backend that is away is 503 for readiness, never for liveness', async () => {
    const world = await gateway();
    await world.port.close();
    expect(problemOf(await world.call('GET', '/readyz'))).toMatchObject({ status: 503, code: 'backend_unavailable' });
    expect((await world.call('GET', '/livez')).status).toBe(200);
  });
});

async function publish(world: World, topic: string, ...values: string[]): Promise<void> {
  const answer = await world.call('POST', `/v1/topics/${topic}/messages`, {
    messages: values.map((value) => ({ value })),
  });
  expect(answer.status).toBe(200);
}

async function pull(world: World, subscription: string) {
  const answer = await world.call('POST', `/v1/subscriptions/${subscription}/pull`, { waitMs: 5_000 });
  return PullAnswer.parse(answer.json).deliveries;
}

async function ackAll(world: World, subscription: string, count: number): Promise<void> {
  const deliveries = await pull(world, subscription);
  expect(deliveries).toHaveLength(count);
  const answer = await world.call('POST', `/v1/subscriptions/${subscription}/ack`, {
    tokens: deliveries.map(({ ackToken }) => ackToken),
  });
  expect(answer.status).toBe(200);
}

async function waitFor(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { timeout: 5_000, interval: 5 }).toBe(true);
}
