/** Dead letters published again: each once, however often one asks; in a dry run none; at a rate; and what cannot be stored stays. */

import { describe, expect, it } from 'vitest';
import { limits, type Message, type MessagingPort, PortError } from '../../src/adapters/index.ts';
import { messageAgain } from '../../src/gateway/redrive.ts';
import { RedriveAnswer } from '../../src/gateway/schema/redrive.ts';
import { openModel } from '../support/model-driver.ts';
import { gateway, problemOf, topicAndSubscription, type World } from './support.ts';

describe('a redrive', () => {
  it('publishes every letter again, once, without what the letter said, and goes on where it ended', async () => {
    const world = await gateway();
    const { topic, subscription } = await topicAndSubscription(world);
    await deadLetters(world, topic, subscription, ['a', 'b', 'c']);
    const first = await redrive(world, subscription, { limit: 2 });
    expect(first).toEqual({ dryRun: false, redriven: 2, topics: { [topic]: 2 }, skipped: 0, remaining: 1 });
    expect(await redrive(world, subscription, {})).toMatchObject({ redriven: 1, remaining: 0 });
    expect(await redrive(world, subscription, {})).toMatchObject({ redriven: 0, remaining: 0, topics: {} });
    const { deliveries } = (await world.call('POST', `/v1/subscriptions/${subscription}/pull`, {})).json;
    expect(deliveries.map(({ message }: never) => (message as { value: string }).value)).toEqual(['a', 'b', 'c']);
    expect(deliveries[0]).toMatchObject({
      attempt: 1,
      message: { key: 'k', id: 'id-a-r1', headers: { trace: 't', 'dead-letter-redrives': '1' } },
    });
  });

  it('takes nothing off an id that ends like a redriven one by itself', () => {
    const letter = (id: string, redrives?: number): Message => ({
      topic: 'a.dead',
      partition: 0,
      offset: 0,
      key: null,
      value: Buffer.from('x'),
      contentType: null,
      id,
      timestampMs: 0,
      headers: redrives === undefined ? [] : [{ name: 'dead-letter-redrives', value: Buffer.from(String(redrives)) }],
    });
    const again = (...given: Parameters<typeof letter>) => messageAgain(letter(...given)).id;
    // A thousand messages of one process are named in base 36: r0 to r9 are among them.
    expect([again('log-r1'), again('log-r2'), again('invoice-42-r1')]).toEqual([
      'log-r1-r1',
      'log-r2-r1',
      'invoice-42-r1-r1',
    ]);
    expect([again('log-r1-r1', 1), again('log-r7', 1)]).toEqual(['log-r1-r2', 'log-r7-r2']);
    const [long, longer] = [again(`${'x'.repeat(199)}a`), again(`${'x'.repeat(199)}b`)];
    expect(long).not.toBe(longer);
    expect(long?.length).toBeLessThanOrEqual(limits.idCharactersMax);
  });

  it('goes without the count where a message has as many headers as there can be', () => {
    const headers = Array.from({ length: limits.headersMax }, (_, at) => ({ name: `h${at}`, value: Buffer.from('v') }));
    const message = messageAgain({
      topic: 'a.dead',
      partition: 0,
      offset: 0,
      key: null,
      value: null,
      contentType: null,
      id: 'a',
      timestampMs: 0,
      headers: [...headers, { name: 'dead-letter-topic', value: Buffer.from('a') }],
    });
    expect([message.id, message.headers?.length]).toEqual(['a-r1', limits.headersMax]);
  });

  it('of a letter that dies again counts on', async () => {
    const world = await gateway();
    const { topic, subscription } = await topicAndSubscription(world);
    await deadLetters(world, topic, subscription, ['a']);
    for (const count of ['1', '2', '3']) {
      expect(await redrive(world, subscription, {})).toMatchObject({ redriven: 1, remaining: 0 });
      const [delivery] = (await world.call('POST', `/v1/subscriptions/${subscription}/pull`, {})).json.deliveries;
      expect(delivery.message).toMatchObject({ id: `id-a-r${count}`, headers: { 'dead-letter-redrives': count } });
      await world.call('POST', `/v1/subscriptions/${subscription}/reject`, { tokens: [delivery.ackToken] });
    }
  });

  it('that is dry says what would be done, as often as one asks', async () => {
    const world = await gateway();
    const { topic, subscription } = await topicAndSubscription(world);
    await deadLetters(world, topic, subscription, ['a', 'b', 'c']);
    for (let round = 0; round < 3; round += 1) {
      expect(await redrive(world, subscription, { dryRun: true, limit: 2 })).toEqual({
        dryRun: true,
        redriven: 2,
        topics: { [topic]: 2 },
        skipped: 0,
        remaining: 1,
      });
    }
    expect((await world.port.lag(subscription)).total).toBe(0);
    expect(await redrive(world, subscription, {})).toMatchObject({ redriven: 3 });
  });

  it('leaves the letters of others that share the topic to them', async () => {
    const world = await gateway();
    const shared = { deadLetterTopic: 'shared.dead' };
    const one = await topicAndSubscription(world, {}, shared);
    const other = await topicAndSubscription(world, {}, shared);
    await deadLetters(world, one.topic, one.subscription, ['a']);
    await deadLetters(world, other.topic, other.subscription, ['b', 'c']);
    expect(await redrive(world, one.subscription, {})).toMatchObject({ redriven: 1, skipped: 2, remaining: 0 });
    expect(await redrive(world, other.subscription, {})).toMatchObject({ redriven: 2, skipped: 1, remaining: 0 });
  });

  it('is no faster than its rate', async () => {
    const world = await gateway();
    const { topic, subscription } = await topicAndSubscription(world);
    await deadLetters(
      world,
      topic,
      subscription,
      Array.from({ length: 12 }, (_, index) => `${index}`),
    );
    const startedAt = performance.now();
    expect(await redrive(world, subscription, { ratePerSecond: 20 })).toMatchObject({ redriven: 12 });
    // Two at a time, the last two due after ten twentieths of a second.
    expect(performance.now() - startedAt).toBeGreaterThan(480);
  });

  it('keeps a letter that cannot be stored, and says why', async () => {
    const model = await openModel();
    let isFull = true;
    const publish: MessagingPort['publish'] = async (topic, messages, options) => {
      const outcomes = await model.publish(topic, isFull ? messages.slice(0, 1) : messages, options);
      return messages.map((_, index) => outcomes[index] ?? full());
    };
    const port = new Proxy(model, {
      get: (target, name) => {
        if (name === 'publish') return publish;
        const value = Reflect.get(target, name) as unknown;
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const world = await gateway({ port });
    const { topic, subscription } = await topicAndSubscription(world);
    isFull = false;
    await deadLetters(world, topic, subscription, ['a', 'b', 'c']);
    isFull = true;
    const answer = await world.call('POST', `/v1/subscriptions/${subscription}/deadletters/redrive`, {});
    expect([answer.status, answer.json]).toMatchObject([
      207,
      { redriven: 1, remaining: 2, problem: { code: 'storage_full' } },
    ]);
    isFull = false;
    expect(await redrive(world, subscription, {})).toMatchObject({ redriven: 2, remaining: 0 });
    await port.close();
  });

  it('to a topic that is gone is its problem', async () => {
    const world = await gateway();
    const { topic, subscription } = await topicAndSubscription(world);
    await deadLetters(world, topic, subscription, ['a']);
    await world.call('DELETE', `/v1/topics/${topic}`);
    const answer = await world.call('POST', `/v1/subscriptions/${subscription}/deadletters/redrive`, {});
    expect(problemOf(answer).code).toBe('subscription_not_found');
  });

  it.each([
    [{ limit: 0 }, 'invalid_argument'],
    [{ ratePerSecond: 0 }, 'invalid_argument'],
    [{ dryRun: 'yes' }, 'invalid_argument'],
    [{ rate: 5 }, 'unknown_field'],
  ])('%j is refused', async (body, code) => {
    const world = await gateway();
    const { subscription } = await topicAndSubscription(world);
    const answer = await world.call('POST', `/v1/subscriptions/${subscription}/deadletters/redrive`, body);
    expect(problemOf(answer).code).toBe(code);
  });

  it('of a subscription without dead letters is 404', async () => {
    const world = await gateway();
    const { subscription } = await topicAndSubscription(world, {}, { onExhausted: 'drop' });
    const answer = await world.call('POST', `/v1/subscriptions/${subscription}/deadletters/redrive`, {});
    expect(problemOf(answer).code).toBe('not_found');
  });
});

function full() {
  return { kind: 'refused' as const, id: 'x', error: new PortError('storage_full', 'full') };
}

async function redrive(world: World, subscription: string, body: object): Promise<RedriveAnswer> {
  const answer = await world.call('POST', `/v1/subscriptions/${subscription}/deadletters/redrive`, body);
  expect(answer.status, answer.text).toBe(200);
  return RedriveAnswer.parse(answer.json);
}

/** Messages of these values, rejected by the subscription. */
async function deadLetters(
  world: World,
  topic: string,
  subscription: string,
  values: readonly string[],
): Promise<void> {
  await world.port.publish(
    topic,
    values.map((value) => ({ key: 'k', value, id: `id-${value}`, headers: [{ name: 'trace', value: 't' }] })),
  );
  const { deliveries } = (await world.call('POST', `/v1/subscriptions/${subscription}/pull`, {})).json;
  const tokens = deliveries.map(({ ackToken }: never) => ackToken);
  const rejected = await world.call('POST', `/v1/subscriptions/${subscription}/reject`, { tokens });
  expect(rejected.status).toBe(200);
}
