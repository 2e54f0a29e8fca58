/** durability.*, ttl.retention and compaction: how deep, how often and for how long a message is kept. */

import type { Capability } from '../../adapters/capabilities.ts';
import { PortError } from '../../adapters/errors.ts';
import type { Message, Persistence, PublishOptions } from '../../adapters/port.ts';
import { type Chapter, chapter } from '../chapter.ts';
import { check, equal, rejects, Untested } from '../expect.ts';
import { numbered, texts, type TopicChanges, type World } from '../world.ts';

const READ_LIMIT = 1_000;

/** Small, so that a few publishes are too many. */
const RETAINED_BYTES = 20_000;
const RETAINED_VALUE_BYTES = 1_000;
const RETAINED_PER_PUBLISH = 4;
const LOOKS_AGAIN = 3;

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

  chapter('ttl.retention', 'messages older than the retention leave, the oldest first, and not before their time', {
    claimed: async (world) => {
      const ms = world.timing.leaseMs * 3;
      const kept = await retained(world, { ms });
      const sentAt = performance.now();
      await kept.publish(numbered(10, 'old'));
      const before = await kept.values();
      // A look that took longer than the retention shows nothing.
      if (performance.now() - sentAt < ms) equal(before.length, 10, 'messages that are kept before their time is over');
      await world.eventually('messages older than the retention are kept', false, async () => {
        await kept.publish(['tick']); // so that what was before it is no longer the newest
        return (await kept.values()).some((value) => value.startsWith('old'));
      });
      const youngAt = performance.now();
      await kept.publish(['young']);
      const after = await kept.values();
      if (performance.now() - youngAt < ms) equal(after.at(-1), 'young', 'the newest message');
    },
    unsupported: async (world) => await refusedTopic(world, { retention: { ms: 60_000 } }, 'ttl.retention'),
  }),

  chapter(
    'ttl.retention',
    'what is more than the bytes of the retention leaves, the oldest first, and the newest stay',
    {
      claimed: async (world) => {
        const kept = await retained(world, { bytes: RETAINED_BYTES });
        await kept.publish(numbered(5, 'first'));
        equal((await kept.values()).length, 5, 'messages that are kept while they are few');
        let published = 0;
        await world.eventually('messages that are too many are kept', false, async () => {
          const values = numbered(RETAINED_PER_PUBLISH, `more-${published}`);
          published += 1;
          await kept.publish(values);
          const found = await kept.values();
          equal(found.slice(-RETAINED_PER_PUBLISH), values, 'the newest messages');
          return found[0] === 'first-0';
        });
      },
      unsupported: async (world) => await refusedTopic(world, { retention: { bytes: 1_000_000 } }, 'ttl.retention'),
    },
  ),

  chapter('compaction', 'a compacted topic keeps the latest message of each key', {
    claimed: async (world) => {
      if (!world.claims('browse')) throw new Untested('what is kept cannot be looked at without browse');
      const topic = await world.topic({ cleanup: 'compact' }, 'compaction');
      const [keyless] = await world.port.publish(topic, [{ value: 'nothing could ever replace it' }]);
      equal(keyless?.kind, 'refused', 'a message without a key');
      const keys = numbered(3, 'k');
      for (const round of numbered(20, 'round')) {
        await world.publish(
          topic,
          keys.map((key) => ({ key, value: `${key} ${round}` })),
        );
      }
      const latest = keys.map((key) => `${key} round-19`);
      const versions = async (): Promise<readonly Message[]> => {
        const found = (await everything(world, topic)).filter(({ key }) => key?.toString() !== 'tick');
        const state = new Map(found.map(({ key, value }) => [String(key), String(value)]));
        equal([...state.values()].toSorted(), latest, 'the latest message of each key');
        const offsets = found.map(({ offset }) => offset ?? -1);
        equal(
          offsets,
          offsets.toSorted((a, b) => a - b),
          'offsets',
        );
        return found;
      };
      await versions();
      if (!world.hasNeeds('compaction')) return;
      await world.eventually('the number of messages that are kept of the keys', keys.length, async () => {
        await world.publish(topic, [{ key: 'tick', value: 'so that what was before it is old' }]);
        return (await versions()).length;
      });
    },
    unsupported: async (world) => await refusedTopic(world, { cleanup: 'compact' }, 'compaction'),
  }),
];

/** A topic that keeps only so much, and what of it is still there: always the end of what was published. */
async function retained(world: World, retention: NonNullable<TopicChanges['retention']>) {
  if (!world.claims('browse')) throw new Untested('what is kept cannot be looked at without browse');
  if (!world.hasNeeds('ttl.retention')) throw new Untested(world.unmet('ttl.retention'));
  const topic = await world.topic({ retention }, 'ttl.retention');
  const sent: string[] = [];
  return {
    publish: async (values: readonly string[]): Promise<void> => {
      sent.push(...values);
      await world.publish(
        topic,
        values.map((value) => ({ key: value, value: Buffer.alloc(RETAINED_VALUE_BYTES, 'x') })),
      );
    },
    values: async (): Promise<readonly string[]> => {
      // What is removed between two pages of a look is no hole in what is kept: then a second look shows none.
      let found = await keysOf(world, topic);
      const end = (): readonly string[] => sent.slice(sent.length - (found?.length ?? 0));
      for (let again = 0; again < LOOKS_AGAIN && (found === null || found.join() !== end().join()); again += 1)
        found = await keysOf(world, topic);
      check(found !== null, `a read that begins at the earliest was out of range ${LOOKS_AGAIN} times`);
      equal(found, end(), 'what is kept, which is the end of what was published');
      return found;
    },
  };
}

/** null: the place to go on from was removed while looking. */
async function keysOf(world: World, topic: string): Promise<readonly string[] | null> {
  try {
    return (await everything(world, topic)).map(({ key }) => String(key));
  } catch (reason) {
    if (PortError.from(reason).code === 'offset_out_of_range') return null;
    throw reason;
  }
}

/** All that partition 0 holds. */
async function everything(world: World, topic: string): Promise<readonly Message[]> {
  const found: Message[] = [];
  let from: 'earliest' | number = 'earliest';
  for (;;) {
    const { messages, next } = await world.port.read(topic, 0, from, READ_LIMIT);
    if (messages.length === 0) return found;
    found.push(...messages);
    from = next;
  }
}

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
