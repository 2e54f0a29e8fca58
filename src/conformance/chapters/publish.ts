/** publish.*: what an outcome promises. */

import type { Message, PublishMessage } from '../../adapters/port.ts';
import { type Chapter, chapter } from '../chapter.ts';
import { check, equal, rejects, sameItems, sameSequence } from '../expect.ts';
import { numbered, texts, type World } from '../world.ts';

type OutgoingHeader = NonNullable<PublishMessage['headers']>[number];

const TOO_LARGE_BYTES = 1024 * 1024 + 1;

export const publishChapters: readonly Chapter[] = [
  chapter(
    'publish.confirm',
    'an outcome "stored" names the message, its place and what was reached, and the message is there',
    {
      claimed: async (world) => {
        const { topic, consumer } = await world.reader({ partitions: 2 });
        const messages = numbered(50).map(
          (value, index): PublishMessage => ({ value, id: `id-${value}`, partition: index % 2 }),
        );
        const outcomes = [
          ...(await world.publish(topic, messages.slice(0, 25))),
          ...(await world.publish(topic, messages.slice(25))),
        ];
        equal(
          outcomes.map(({ id }) => id),
          messages.map(({ id }) => id),
          'ids, in the order of the messages',
        );
        for (const { durability } of outcomes) {
          check(
            durability.copies >= 1 && ['memory', 'os', 'fsync'].includes(durability.persistence),
            `durability ${JSON.stringify(durability)}`,
          );
        }
        for (const partition of [0, 1]) {
          const offsets = outcomes.filter((outcome) => outcome.partition === partition).map(({ offset }) => offset);
          checkRising(offsets, partition);
        }
        const deliveries = await world.receiveAll(consumer, messages.length);
        // Some backends give a message an offset and do not tell it to the publisher; where it is told, it is the right one.
        const areOffsetsTold = outcomes.every(({ offset }) => offset !== null);
        const places = (
          items: readonly { id: string | null; partition: number; offset: number | null }[],
        ): readonly string[] =>
          items.map(({ id, partition, offset }) => `${id} at ${partition}${areOffsetsTold ? `:${offset}` : ''}`);
        sameItems(places(deliveries.map(({ message }) => message)), places(outcomes), 'places of what was delivered');
        for (const partition of [0, 1]) {
          const found = deliveries.map(({ message }) => message).filter((message) => message.partition === partition);
          checkRising(
            found.toSorted(byNumber).map(({ offset }) => offset),
            partition,
          );
        }
      },
    },
  ),

  chapter('publish.confirm', 'many publishes at once are each answered and each delivered', {
    claimed: async (world) => {
      const { topic, consumer } = await world.reader({ partitions: 3 });
      const values = numbered(150);
      await Promise.all(values.map(async (value) => await world.publishValues(topic, [value])));
      sameItems(texts(await world.receiveAll(consumer, values.length)), values, 'delivered');
    },
  }),

  chapter('publish.dedup', 'a retry with the same id is stored once, and its outcome says so', {
    claimed: async (world) => {
      const { topic, consumer } = await world.reader();
      const message = { id: 'once', key: 'k', value: 'a' };
      const [first] = await world.publish(topic, [message]);
      const [retry] = await world.publish(topic, [message]);
      equal([first?.duplicate ?? false, retry?.duplicate], [false, true], '`duplicate` of first and retry');
      equal(
        [retry?.partition, retry?.offset],
        [first?.partition, first?.offset],
        'the place of the retry is that of the first',
      );
      equal(texts(await world.receiveAll(consumer, 1)), ['a'], 'delivered');
      // Without a key any partition would do: the retry must find the first one's.
      const wide = await world.reader({ partitions: 3 });
      const ids = numbered(6, 'id');
      const publish = async () =>
        await world.publish(
          wide.topic,
          ids.map((id) => ({ id, value: id })),
        );
      const places = (outcomes: Awaited<ReturnType<typeof publish>>) =>
        outcomes.map(({ partition, offset }) => `${partition}:${offset}`);
      const firsts = places(await publish());
      await world.publishValues(wide.topic, ['x']);
      equal(places(await publish()), firsts, 'places of retries without a key');
      sameItems(texts(await world.receiveAll(wide.consumer, 7)), [...ids, 'x'], 'delivered of those without a key');
    },
    // An id is only a name there: both are stored, and neither outcome claims otherwise.
    unsupported: async (world) => {
      const { topic, consumer } = await world.reader();
      const message = { id: 'twice', key: 'k', value: 'a' };
      const outcomes = [...(await world.publish(topic, [message])), ...(await world.publish(topic, [message]))];
      equal(
        outcomes.map(({ duplicate }) => duplicate ?? false),
        [false, false],
        '`duplicate` where nothing deduplicates',
      );
      equal(texts(await world.receiveAll(consumer, 2)), ['a', 'a'], 'delivered');
    },
  }),

  chapter(
    'publish.partialBatch',
    'of a batch exactly the bad messages are refused, each with its reason, and the others are stored',
    {
      claimed: async (world) => {
        const { topic, consumer } = await world.reader({ partitions: 2 });
        const tooLarge = Buffer.alloc(TOO_LARGE_BYTES);
        const outcomes = await world.port.publish(topic, [
          { value: 'a', partition: 0 },
          { value: tooLarge, partition: 0 },
          { value: 'b', partition: 0 },
          { value: 'nowhere', partition: 2 },
          { value: 'c', partition: 0, id: 'mine' },
          { value: 'k', key: Buffer.alloc(4 * 1024 + 1) },
        ]);
        equal(
          outcomes.map((outcome) => (outcome.kind === 'stored' ? 'stored' : outcome.error.code)),
          ['stored', 'message_too_large', 'stored', 'invalid_argument', 'stored', 'message_too_large'],
          'outcomes',
        );
        equal(outcomes[4]?.id, 'mine', 'the id of an outcome after refused ones');
        sameSequence(texts(await world.receiveAll(consumer, 3)), ['a', 'b', 'c'], 'delivered');
      },
    },
  ),

  chapter(
    'publish.beforeSubscription',
    'a message published before any subscription is kept, or its publish is unroutable; never stored and gone',
    {
      claimed: async (world) => {
        const topic = await world.topic();
        await world.publishValues(topic, numbered(10));
        if (world.claims('subscribe.late')) {
          const consumer = await world.consumer(await world.subscription(topic, { start: 'earliest' }));
          sameItems(texts(await world.receiveAll(consumer, 10)), numbered(10), 'delivered to the first subscription');
        } else if (world.claims('browse')) {
          const { messages } = await world.port.read(topic, 0, 'earliest', 100);
          sameItems(texts(messages.map((message) => ({ message }))), numbered(10), 'browsed');
        } else check(false, 'what is kept can be read, by subscribe.late or browse');
      },
      unsupported: async (world) => {
        const topic = await world.topic({ partitions: 2 });
        equal(await kinds(world, topic, ['a', 'b']), ['unroutable', 'unroutable'], 'outcomes without a subscription');
        const subscription = await world.subscription(topic);
        await world.publishValues(topic, ['c']);
        equal(
          texts(await world.receiveAll(await world.consumer(subscription), 1)),
          ['c'],
          'delivered after subscribing',
        );
        await world.port.deleteSubscription(subscription);
        equal(await kinds(world, topic, ['d']), ['unroutable'], 'outcomes after the last subscription was deleted');
      },
    },
  ),

  chapter('transactions', 'several publishes are stored all or none', {}),

  chapter('largeMessages', 'a value of 1 MiB arrives whole, and one byte more is refused', {
    claimed: async (world) => {
      const { topic, consumer } = await world.reader();
      const value = Buffer.from(
        Array.from({ length: TOO_LARGE_BYTES - 1 }, (_, index) => (index * 31 + (index >> 8)) & 0xff),
      );
      await world.publish(topic, [{ key: 'large', value }]);
      const [delivery] = await world.receiveAll(consumer, 1);
      check(
        delivery?.message.value?.equals(value) === true,
        `${value.length} bytes were sent, ${delivery?.message.value?.length} other ones came`,
      );
      const [outcome] = await world.port.publish(topic, [{ value: Buffer.concat([value, Buffer.from('x')]) }]);
      equal(outcome?.kind === 'refused' ? outcome.error.code : outcome?.kind, 'message_too_large', 'one byte more');
    },
    unsupported: async (world) => {
      const { topic } = await world.reader();
      const [outcome] = await world.port.publish(topic, [{ value: Buffer.alloc(TOO_LARGE_BYTES - 1) }]);
      equal(outcome?.kind === 'refused' ? outcome.error.code : outcome?.kind, 'message_too_large', 'a value of 1 MiB');
    },
  }),

  chapter('headers', 'headers keep their bytes, the order of their names, and the order of the values of a name', {
    claimed: async (world) => {
      const headers = [
        { name: 'b', value: '1' },
        { name: 'b', value: '2' },
        { name: 'a', value: Buffer.from([0, 1, 255]) },
        { name: 'empty', value: '' },
        { name: 'B', value: 'другой' },
        { name: 'x-some-header', value: '{"json":true}' },
      ];
      sameSequence(await headersThere(world, headers), headers.map(shownHeader), 'headers');
      equal(await headersThere(world, []), [], 'headers of a message without');
    },
    unsupported: async (world) => {
      const { topic } = await world.reader();
      await refusedPublish(world, topic, { value: 'x', headers: [{ name: 'a', value: 'b' }] });
    },
  }),

  chapter('headers', 'a header that repeats with others in between keeps its place', {
    claimed: async (world) => {
      const headers = ['b', 'a', 'b', 'c', 'a'].map((name, index) => ({ name, value: String(index) }));
      sameSequence(await headersThere(world, headers), headers.map(shownHeader), 'headers');
    },
  }),
];

async function headersThere(world: World, headers: readonly OutgoingHeader[]): Promise<readonly string[]> {
  const { topic, consumer } = await world.reader();
  await world.publish(topic, [{ value: 'x', headers }]);
  const [delivery] = await world.receiveAll(consumer, 1);
  return (delivery?.message.headers ?? []).map(shownHeader);
}

function shownHeader({ name, value }: OutgoingHeader): string {
  return `${name}=${Buffer.from(value as Uint8Array).toString('hex')}`;
}

/** In the order of publishing: values end with their number. */
function byNumber(left: Message, right: Message): number {
  return Number(String(left.value).slice(2)) - Number(String(right.value).slice(2));
}

/** Using what is not supported is refused, as a rejection or as the outcome of the message. */
export async function refusedPublish(world: World, topic: string, message: PublishMessage): Promise<void> {
  await rejects('capability_unsupported', `a publish of ${JSON.stringify(message)}`, async () => {
    const [outcome] = await world.port.publish(topic, [message]);
    if (outcome?.kind === 'refused') throw outcome.error;
    return outcome;
  });
}

async function kinds(world: World, topic: string, values: readonly string[]): Promise<readonly string[]> {
  const outcomes = await world.port.publish(
    topic,
    values.map((value) => ({ value })),
  );
  return outcomes.map((outcome) => (outcome.kind === 'refused' ? outcome.error.code : outcome.kind));
}

/** Positions of one partition rise with the publishes; a backend has all of them or none. */
function checkRising(offsets: readonly (number | null)[], partition: number): void {
  if (offsets.every((offset) => offset === null)) return;
  for (const [index, offset] of offsets.entries()) {
    const before = offsets[index - 1] ?? -1;
    check(
      offset !== null && offset > before,
      `offsets of partition ${partition} must rise, but ${before} is followed by ${offset}`,
    );
  }
}
