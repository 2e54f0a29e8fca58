/** A message's life on every backend, as an application lives it: through the client, over REST, on a real broker. */

import { describe, expect, it, type TestContext } from 'vitest';
import {
  connect,
  type Delivery,
  type OutgoingMessage,
  type SluiceClient,
  type Subscriber,
} from '../../src/client/index.ts';
import { gatewayOn, ownTopic, type RestSystem, restSystems } from './rest-support.ts';

const WAIT_MS = 15_000;

describe.each(restSystems)('REST on $name', (system) => {
  it('nack counts an attempt, reject moves the message to the dead letters with its reason', async (context) => {
    const { sluice, topic, subscriber } = await world(system, context);
    await sluice.publish(topic, { key: 'k', value: { poison: true }, headers: { trace: ['a', 'b'] }, id: 'mine' });

    const first = await nextOf(subscriber);
    expect(first).toMatchObject({
      attempt: 1,
      message: { key: 'k', value: { poison: true }, headers: { trace: ['a', 'b'] }, id: 'mine' },
    });
    expect(await first.nack({ delayMs: 0 })).toBe('ok');
    const second = await nextOf(subscriber);
    expect(second).toMatchObject({ attempt: 2, message: { id: 'mine' } });
    expect(await second.reject({ reason: 'cannot be read' })).toBe('ok');

    const letters = await sluice.subscriptions.deadLetters(`${topic}-reader`);
    expect(letters.messages).toMatchObject([
      {
        key: 'k',
        value: { poison: true },
        contentType: 'application/json',
        headers: { 'dead-letter-reason': 'cannot be read', 'dead-letter-attempts': '2', 'dead-letter-topic': topic },
      },
    ]);
    expect(await second.ack()).toBe('already');
  });

  it('bytes, empty values and tombstones arrive as they were', async (context) => {
    const { sluice, topic, subscriber } = await world(system, context);
    const bytes = Buffer.from([0, 255, 1, 254, 10, 13]);
    const sent: readonly OutgoingMessage[] = [
      { value: bytes, headers: { bin: Buffer.from([255]) } },
      { value: '' },
      { value: null, key: 'gone' },
      { value: '\u{1f600}' },
    ];
    const outcomes = await sluice.publishBatch(topic, sent);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['stored', 'stored', 'stored', 'stored']);
    const received: Delivery['message'][] = [];
    while (received.length < sent.length) {
      const delivery = await nextOf(subscriber);
      received.push(delivery.message);
      expect(await delivery.ack()).toBe('ok');
    }
    expect(received).toMatchObject([
      { value: bytes, headers: { bin: Buffer.from([255]) }, contentType: 'application/octet-stream' },
      { value: '' },
      { value: null, key: 'gone' },
      { value: '\u{1f600}' },
    ]);
  });

  it('a stream of messages is stored whole, and handlers side by side get each of them', async (context) => {
    const { sluice, topic, subscriber } = await world(system, context);
    const values = Array.from({ length: 500 }, (_, index) => `v${index}`);
    let stored = 0;
    for await (const { kind } of sluice.publishStream(
      topic,
      values.map((value) => ({ value })),
    )) {
      if (kind === 'stored') stored += 1;
    }
    expect(stored).toBe(values.length);
    const seen = new Set<string>();
    await subscriber.run(
      ({ value }) => {
        seen.add(String(value));
        if (seen.size === values.length) void subscriber.close();
      },
      { concurrency: 16 },
    );
    expect([...seen].toSorted()).toEqual(values.toSorted());
    await expect.poll(async () => (await sluice.subscriptions.lag(`${topic}-reader`)).total).toBe(0);
  });

  it('an unknown topic is 404 in less than a second', async (context) => {
    const sluice = connect((await gatewayOn(system, context)).url);
    const startedAt = performance.now();
    const publish = sluice.publish('nobody-made-this', { value: 'x' });
    await expect(publish).rejects.toMatchObject({ status: 404, code: 'topic_not_found' });
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  it('a topic without a subscription keeps the message, or says that it cannot', async (context) => {
    const sluice = connect((await gatewayOn(system, context)).url);
    const topic = ownTopic('rest');
    await sluice.topics.create({ name: topic, ...system.topicOptions });
    const { capabilities } = await sluice.capabilities(system.topicOptions);
    const [outcome] = await sluice.publishBatch(topic, [{ value: 'x' }]);
    if (capabilities['publish.beforeSubscription']?.level !== 'unsupported') expect(outcome?.kind).toBe('stored');
    else expect(outcome).toMatchObject({ kind: 'refused', error: { status: 422, code: 'unroutable' } });
  });
});

/** A topic with one partition, a reader called after it, and a consumer of that. */
async function world(
  system: RestSystem,
  context: TestContext,
): Promise<{ readonly sluice: SluiceClient; readonly topic: string; readonly subscriber: Subscriber }> {
  const gateway = await gatewayOn(system, context);
  const sluice = connect(gateway.url);
  const topic = ownTopic('rest');
  await sluice.topics.create({ name: topic, ...system.topicOptions });
  const subscription = `${topic}-reader`;
  await sluice.subscriptions.create({ name: subscription, topic, retry: { minBackoffMs: 0 } });
  const subscriber = sluice.subscribe(subscription, { waitMs: WAIT_MS });
  context.onTestFinished(async () => await subscriber.close());
  return { sluice, topic, subscriber };
}

async function nextOf(subscriber: Subscriber): Promise<Delivery> {
  const delivery = await subscriber.next();
  if (delivery === undefined) throw new Error('the subscriber ended');
  return delivery;
}
