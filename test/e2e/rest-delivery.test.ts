/** A message's life over REST on every backend: publish, pull, nack, attempt 2, reject, dead letter. */

import { describe, expect, it } from 'vitest';
import { type Gateway } from '../../src/gateway/index.ts';
import { gatewayOn, get, ownTopic, post, restSystems } from './rest-support.ts';

describe.each(restSystems)('REST on $name', (system) => {
  it('nack counts an attempt, reject moves the message to the dead letters with its reason', async (context) => {
    const gateway = await gatewayOn(system, context);
    const topic = await world(gateway, system.topicOptions);
    const published = await post(gateway, `topics/${topic}/messages`, {
      messages: [{ key: 'k', value: { poison: true }, headers: { trace: ['a', 'b'] }, id: 'mine' }],
    });
    expect(published.status).toBe(200);

    const first = await pullOne(gateway, topic);
    expect(first).toMatchObject({
      attempt: 1,
      message: { key: 'k', value: { poison: true }, headers: { trace: ['a', 'b'] }, id: 'mine' },
    });
    await settle(gateway, topic, 'nack', { tokens: [first.ackToken], delayMs: 0 });
    const second = await pullOne(gateway, topic);
    expect(second).toMatchObject({ attempt: 2, message: { id: 'mine' } });
    await settle(gateway, topic, 'reject', { tokens: [second.ackToken], reason: 'cannot be read' });

    const letters = await get(gateway, `v1/subscriptions/${topic}-reader/deadletters`);
    expect(letters.status, JSON.stringify(letters.json)).toBe(200);
    expect(letters.json.messages).toMatchObject([
      {
        key: 'k',
        value: { poison: true },
        contentType: 'application/json',
        headers: { 'dead-letter-reason': 'cannot be read', 'dead-letter-attempts': '2', 'dead-letter-topic': topic },
      },
    ]);
    const again = await post(gateway, `subscriptions/${topic}-reader/ack`, { tokens: [second.ackToken] });
    expect([again.status, again.json.results[0].status]).toEqual([207, 'already']);
  });

  it('bytes, empty values and tombstones arrive as they were', async (context) => {
    const gateway = await gatewayOn(system, context);
    const topic = await world(gateway, system.topicOptions);
    const bytes = Buffer.from([0, 255, 1, 254, 10, 13]).toString('base64');
    const sent = [
      { valueBase64: bytes, headers: { bin: { base64: '/w==' } } },
      { value: '' },
      { value: null, key: 'gone' },
      { value: '\u{1f600}' },
    ];
    expect((await post(gateway, `topics/${topic}/messages`, { messages: sent })).status).toBe(200);
    const received: Record<string, unknown>[] = [];
    while (received.length < sent.length) {
      const { ackToken, message } = await pullOne(gateway, topic);
      received.push(message);
      await settle(gateway, topic, 'ack', { tokens: [ackToken] });
    }
    expect(received).toMatchObject([
      { valueBase64: bytes, headers: { bin: { base64: '/w==' } }, contentType: 'application/octet-stream' },
      { value: '' },
      { value: null, key: 'gone' },
      { value: '\u{1f600}' },
    ]);
  });

  it('an unknown topic is 404 in less than a second', async (context) => {
    const gateway = await gatewayOn(system, context);
    const startedAt = performance.now();
    const answer = await post(gateway, 'topics/nobody-made-this/messages', { messages: [{ value: 'x' }] });
    expect([answer.status, answer.json.code]).toEqual([404, 'topic_not_found']);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  it('a topic without a subscription keeps the message, or says that it cannot', async (context) => {
    const gateway = await gatewayOn(system, context);
    const topic = ownTopic('rest');
    await post(gateway, 'topics', { name: topic, ...system.topicOptions });
    const query = 'queueType' in system.topicOptions ? `?queueType=${system.topicOptions['queueType']}` : '';
    const { json } = await get(gateway, `v1/capabilities${query}`);
    const { level } = json.capabilities['publish.beforeSubscription'];
    const answer = await post(gateway, `topics/${topic}/messages`, { messages: [{ value: 'x' }] });
    expect([answer.status, answer.json.code]).toEqual(level === 'unsupported' ? [422, 'unroutable'] : [200, undefined]);
  });
});

/** A topic with one partition and a reader called after it. */
async function world(gateway: Gateway, topicOptions: object): Promise<string> {
  const topic = ownTopic('rest');
  expect((await post(gateway, 'topics', { name: topic, ...topicOptions })).status).toBe(201);
  const subscribed = await post(gateway, 'subscriptions', {
    name: `${topic}-reader`,
    topic,
    retry: { minBackoffMs: 0 },
  });
  expect(subscribed.status, JSON.stringify(subscribed.json)).toBe(201);
  return topic;
}

async function pullOne(gateway: Gateway, topic: string) {
  const pulled = await post(gateway, `subscriptions/${topic}-reader/pull`, { maxMessages: 1, waitMs: 15_000 });
  expect(pulled.json.deliveries).toHaveLength(1);
  return pulled.json.deliveries[0];
}

async function settle(gateway: Gateway, topic: string, call: string, body: object): Promise<void> {
  const { status, json } = await post(gateway, `subscriptions/${topic}-reader/${call}`, body);
  expect([status, json.results?.[0]?.status]).toEqual([200, 'ok']);
}
