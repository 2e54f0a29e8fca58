/** Two ports on one backend: what a second gateway, or a second copy of an application, sees and shares. */

import type { MessagingPort } from '../../adapters/port.ts';
import { PortError } from '../../adapters/errors.ts';
import { type Chapter, chapter, contract } from '../chapter.ts';
import { check, ConformanceFailure, equal, rejects, sameItems } from '../expect.ts';
import { numbered, statuses, text, texts, tokens, type World } from '../world.ts';

export const processChapters: readonly Chapter[] = [
  contract('topics and subscriptions of one process are those of every other, and so is their end', async (world) => {
    const other = await world.anotherPort();
    const topic = await world.topic({ partitions: 2 });
    const subscription = await world.subscription(topic);
    await world.eventually(
      'partitions as the other process sees them',
      2,
      async () => (await describe(other, topic))?.partitions,
    );
    const again = await other.createSubscription({ name: subscription, topic, onExhausted: 'drop' });
    equal(again.created, false, 'created: by the other process, once more');
    const different = { name: subscription, topic, onExhausted: 'drop', ackDeadlineMs: 11_111 } as const;
    await rejects(
      'already_exists',
      'another definition by the other process',
      async () => await other.createSubscription(different),
    );
    const [outcome] = await other.publish(topic, [{ value: 'from the other' }]);
    equal(outcome?.kind, 'stored', 'a publish by the other process');
    equal(texts(await world.receiveAll(await world.consumer(subscription), 1)), ['from the other'], 'delivered here');
    await world.port.deleteTopic(topic);
    await world.eventually(
      'the deleted topic as the other process sees it',
      undefined,
      async () => await describe(other, topic),
    );
  }),

  contract('a token of one process is no good in another, and its lease is not disturbed by it', async (world) => {
    const other = await world.anotherPort();
    const { topic, subscription, consumer } = await world.reader();
    await world.publishValues(topic, ['mine']);
    const delivery = await world.receiveOne(consumer);
    await world.eventually('the subscription as the other process sees it', subscription, async () => {
      return (await other.listSubscriptions()).find(({ name }) => name === subscription)?.name;
    });
    for (const settle of ['ack', 'nack'] as const) {
      const [status] = statuses(await other[settle](subscription, [delivery.token]));
      check(
        status === 'invalid' || status === 'expired' || status === 'elsewhere',
        `${settle} in the other process: expected invalid, expired or elsewhere, got ${status}`,
      );
    }
    await world.nothingComes(consumer, 'after a nack in another process');
    await world.ack(consumer, [delivery]);
  }),

  chapter(
    'consume.competing',
    'two processes share a subscription: together they acknowledge each message, and each once',
    {
      claimed: async (world) => {
        const other = await world.anotherPort();
        const topic = await world.topic({ partitions: 4 });
        const subscription = await world.subscription(topic);
        const values = numbered(80);
        const members = [
          { port: world.port, consumer: await world.consumer(subscription, { messages: 5 }) },
          { port: other, consumer: await world.consumer(subscription, { messages: 5 }, other) },
        ];
        for (let from = 0; from < values.length; from += 20) {
          await world.publish(
            topic,
            values.slice(from, from + 20).map((value, index) => ({ value, partition: index % 4 })),
          );
        }
        const acknowledged: string[] = [];
        const endsAt = performance.now() + world.timing.deadlineMs;
        await Promise.all(
          members.map(async ({ port, consumer }) => {
            while (acknowledged.length < values.length) {
              if (performance.now() > endsAt)
                throw new ConformanceFailure(
                  `${acknowledged.length} of ${values.length} messages were acknowledged in time`,
                );
              const deliveries = await consumer.pull({ maxMessages: 5, waitMs: world.timing.quietMs });
              if (deliveries.length === 0) continue;
              const results = await port.ack(subscription, tokens(deliveries));
              for (const [index, delivery] of deliveries.entries()) {
                // `expired`: it went to the other process, whose acknowledgement then counts.
                if (results[index]?.status === 'ok') acknowledged.push(text(delivery));
              }
            }
          }),
        );
        sameItems(acknowledged, values, 'acknowledged');
        await Promise.all(
          members.map(async ({ consumer }) => await world.nothingComes(consumer, 'after all were acknowledged')),
        );
      },
    },
  ),

  chapter(
    'ack.redelivery',
    'what a process holds when it closes goes to another one, with nothing lost and nothing settled twice',
    {
      claimed: async (world) => {
        const other = await world.anotherPort();
        const topic = await world.topic({ partitions: 2 });
        const subscription = await world.subscription(topic);
        const values = numbered(12);
        await world.publish(
          topic,
          values.map((value, index) => ({ value, partition: index % 2 })),
        );
        const leaving = await world.consumer(subscription, { messages: 12 }, other);
        const held = await world.receive(leaving, 12);
        const kept = held.slice(4);
        await other.ack(subscription, tokens(held.slice(0, 4)));
        await other.close();
        sameItems(
          texts(await world.receiveAll(await world.consumer(subscription), kept.length)),
          texts(kept),
          'what the other process got',
        );
      },
    },
  ),

  chapter('order.key', 'the order of a key survives the hand-over from one process to another', {
    claimed: async (world) => {
      const other = await world.anotherPort();
      const topic = await world.topic({ partitions: 2 });
      const subscription = await world.subscription(topic, { ordering: 'key' });
      const lanes = ['ann', 'bob', 'cy'];
      for (let number = 0; number < 6; number += 1)
        await world.publish(
          topic,
          lanes.map((key) => ({ key, value: `${key}-${number}` })),
        );
      const seen = new Map<string, string[]>(lanes.map((lane) => [lane, []]));
      await acknowledge(world, other, subscription, seen, 9);
      await other.close();
      await acknowledge(world, world.port, subscription, seen, 9);
      for (const lane of lanes) equal(seen.get(lane), numbered(6, lane), `acknowledged messages of ${lane}`);
    },
  }),
];

/** Acknowledges `count` messages through a port, and leaves others in hand. */
async function acknowledge(
  world: World,
  port: MessagingPort,
  subscription: string,
  seen: ReadonlyMap<string, string[]>,
  count: number,
): Promise<void> {
  const consumer = await world.consumer(subscription, { messages: 10 }, port);
  for (let left = count; left > 0; left -= 1) {
    const delivery = await world.receiveOne(consumer);
    const [result] = await port.ack(subscription, [delivery.token]);
    equal(result?.status, 'ok', `ack of ${text(delivery)}`);
    seen.get(String(delivery.message.key))?.push(text(delivery));
  }
  await consumer.pull({ maxMessages: 2, waitMs: world.timing.quietMs });
}

async function describe(port: MessagingPort, topic: string) {
  try {
    return await port.describeTopic(topic);
  } catch (reason) {
    if (PortError.from(reason).code === 'topic_not_found') return undefined;
    throw reason;
  }
}
