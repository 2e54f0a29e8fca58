/** durability.*, ttl.retention and compaction: how deep, how often and for how long a message is kept. */

import type { Capability } from '../../adapters/capabilities.ts';
import type { Persistence, PublishOptions } from '../../adapters/port.ts';
import { type Chapter, chapter } from '../chapter.ts';
import { check, equal, rejects } from '../expect.ts';
import { texts, type TopicChanges, type World } from '../world.ts';

const depth: Readonly<Record<Persistence, number>> = { memory: 0, os: 1, fsync: 2 };

export const storageChapters: readonly Chapter[] = [
  ...(['memory', 'os', 'fsync'] as const).map((persistence) =>
    chapter(
      `durability.${persistence}`,
      `a publish that asks for "${persistence}" reaches at least that, or is refused`,
      {
        claimed: async (world) => {
          const topic = await world.topic({}, `durability.${persistence}`);
          const consumer = await world.consumer(await world.subscription(topic));
          const [outcome] = await world.publish(topic, [{ value: 'deep enough' }], { durability: persistence });
          const reached = outcome?.durability.persistence ?? 'memory';
          check(depth[reached] >= depth[persistence], `asked for "${persistence}", reached "${reached}"`);
          equal(texts(await world.receiveAll(consumer, 1)), ['deep enough'], 'delivered');
        },
        unsupported: async (world) =>
          await refusedDurability(world, { durability: persistence }, `durability.${persistence}`),
      },
    ),
  ),

  chapter('durability.copies', 'a publish that asks for more copies than the topic has is refused', {
    claimed: async (world) => {
      const topic = await world.topic({}, 'durability.copies');
      const replicas = (await world.port.describeTopic(topic)).replicas ?? 1;
      const consumer = await world.consumer(await world.subscription(topic));
      const [outcome] = await world.publish(topic, [{ value: 'kept' }], { minCopies: replicas });
      check(
        (outcome?.durability.copies ?? 0) >= replicas,
        `asked for ${replicas} copies, reached ${outcome?.durability.copies}`,
      );
      const tooMany = async (): Promise<unknown> =>
        await world.port.publish(topic, [{ value: 'x' }], { minCopies: replicas + 1 });
      await rejects('capability_unsupported', `minCopies ${replicas + 1} on a topic of ${replicas}`, tooMany);
      equal(texts(await world.receiveAll(consumer, 1)), ['kept'], 'delivered');
    },
    unsupported: async (world) => await refusedDurability(world, { minCopies: 2 }, 'durability.copies'),
  }),

  chapter('ttl.retention', 'old messages are removed by age or size', {
    unsupported: async (world) => {
      await refusedTopic(world, { retention: { ms: 60_000 } }, 'ttl.retention');
      await refusedTopic(world, { retention: { bytes: 1_000_000 } }, 'ttl.retention');
    },
  }),

  chapter('compaction', 'a compacted topic keeps the latest message of each key', {
    unsupported: async (world) => await refusedTopic(world, { cleanup: 'compact' }, 'compaction'),
  }),
];

/** What more is asked for than can be had is refused, and nothing of it is delivered. */
async function refusedDurability(world: World, options: PublishOptions, capability: Capability): Promise<void> {
  const { topic, consumer } = await world.reader();
  const publish = async (): Promise<unknown> => await world.port.publish(topic, [{ value: 'refused' }], options);
  await rejects(
    'capability_unsupported',
    `a publish with ${JSON.stringify(options)} where ${capability} is unsupported`,
    publish,
  );
  await world.nothingComes(consumer, 'after a refused publish');
}

async function refusedTopic(world: World, changes: TopicChanges, capability: Capability): Promise<void> {
  const options = world.topicOptions(changes);
  world.owns(options.name);
  const error = await rejects('capability_unsupported', `a topic with ${JSON.stringify(changes)}`, async () => {
    return await world.port.createTopic(options);
  });
  equal(error.capability, capability, 'the capability that the error names');
  await rejects('topic_not_found', 'the refused topic', async () => await world.port.describeTopic(options.name));
}
