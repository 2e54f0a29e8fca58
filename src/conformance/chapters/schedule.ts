/** delay, ttl.message and priority: when and in which order a message is due. */

import { type Chapter, chapter } from '../chapter.ts';
import { check, equal, sameItems, sameSequence } from '../expect.ts';
import { numbered, pause, text, texts } from '../world.ts';
import { refusedPublish } from './publish.ts';

export const scheduleChapters: readonly Chapter[] = [
  chapter('delay', 'a delayed message comes when it is due, not earlier, and holds up nobody', {
    claimed: async (world) => {
      const { topic, consumer } = await world.reader();
      const { leaseMs: delayMs, earlyMs } = world.timing;
      const sentAt = performance.now();
      await world.publish(topic, [{ value: 'later', delayMs }, { value: 'now' }]);
      const first = await world.receiveOne(consumer);
      equal(text(first), 'now', 'delivered first');
      const second = await world.receiveOne(consumer);
      const waitedMs = Math.round(performance.now() - sentAt);
      equal(text(second), 'later', 'delivered second');
      check(waitedMs >= delayMs - earlyMs, `delayed by ${delayMs} ms, delivered after ${waitedMs} ms`);
      await world.ack(consumer, [first, second]);
      await world.nothingComes(consumer, 'after both were acknowledged');
    },
    unsupported: async (world) => {
      const { topic, consumer } = await world.reader();
      await refusedPublish(world, topic, { value: 'later', delayMs: 1 });
      await world.nothingComes(consumer, 'after a refused publish');
    },
  }),

  chapter('ttl.message', 'an expired message is not delivered, and one that has time is', {
    claimed: async (world) => {
      const topic = await world.topic();
      const subscription = await world.subscription(topic);
      const { leaseMs: ttlMs } = world.timing;
      await world.publish(topic, [
        { value: 'expires', ttlMs },
        { value: 'has time', ttlMs: 600_000 },
        { value: 'stays' },
        { value: 'expires too', ttlMs },
      ]);
      await pause(ttlMs * 2); // the claim is about what is no more after its time
      const consumer = await world.consumer(subscription);
      sameItems(
        texts(await world.receiveAll(consumer, 2)),
        ['has time', 'stays'],
        'delivered after the others expired',
      );
    },
    unsupported: async (world) => {
      const { topic, consumer } = await world.reader();
      await refusedPublish(world, topic, { value: 'expires', ttlMs: 60_000 });
      await world.nothingComes(consumer, 'after a refused publish');
    },
  }),

  chapter('priority', 'of messages that wait, those with a higher priority come first', {
    claimed: async (world) => {
      const topic = await world.topic({}, 'priority');
      const subscription = await world.subscription(topic);
      await world.publishValues(topic, numbered(5, 'low'), { priority: 1 });
      await world.publishValues(topic, numbered(5, 'high'), { priority: 5 });
      const consumer = await world.consumer(subscription, { messages: 1 });
      const seen: string[] = [];
      for (let left = 10; left > 0; left -= 1) {
        const delivery = await world.receiveOne(consumer);
        seen.push(text(delivery));
        await world.ack(consumer, [delivery]);
      }
      sameSequence(seen, [...numbered(5, 'high'), ...numbered(5, 'low')], 'delivered');
    },
    unsupported: async (world) => {
      const { topic, consumer } = await world.reader();
      await refusedPublish(world, topic, { value: 'urgent', priority: 5 });
      await world.nothingComes(consumer, 'after a refused publish');
    },
  }),
];
