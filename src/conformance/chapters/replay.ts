/** subscribe.late, replay.*, browse and lag: a topic as something that can be read again. */

import type { Delivery, Position } from '../../adapters/port.ts';
import { type Chapter, chapter } from '../chapter.ts';
import { check, equal, rejects, sameItems, sameSequence } from '../expect.ts';
import { numbered, statuses, text, texts, tokens, type World } from '../world.ts';

/** Between two messages of the timestamp chapters. */
const STEP_MS = 1_000;

export const replayChapters: readonly Chapter[] = [
  chapter(
    'subscribe.late',
    'a subscription made later starts with the oldest kept message, and takes nothing from others',
    {
      claimed: async (world) => {
        const topic = await world.topic({ partitions: 2 });
        const early = await world.consumer(await world.subscription(topic));
        const values = numbered(20);
        await world.publish(
          topic,
          values.map((value, index) => ({ value, partition: index % 2 })),
        );
        sameItems(texts(await world.receiveAll(early, 20)), values, 'the early subscription');
        const late = await world.consumer(await world.subscription(topic, { start: 'earliest' }));
        sameItems(texts(await world.receiveAll(late, 20)), values, 'the late subscription');
        await world.publishValues(topic, ['next']);
        for (const consumer of [early, late])
          equal(texts(await world.receiveAll(consumer, 1)), ['next'], 'what both get after that');
      },
      unsupported: async (world) => {
        const topic = await world.topic();
        const create = async (): Promise<unknown> => await world.subscription(topic, { start: 'earliest' });
        const error = await rejects('capability_unsupported', 'a subscription with start "earliest"', create);
        equal(error.capability, 'subscribe.late', 'the capability that the error names');
      },
    },
  ),

  chapter('replay.earliest', 'a seek to the earliest delivers everything again, and old tokens are void', {
    claimed: async (world) => {
      const { topic, subscription, consumer } = await world.reader({ partitions: 2 });
      const values = numbered(16);
      await world.publish(
        topic,
        values.map((value, index) => ({ value, partition: index % 2 })),
      );
      const first = await world.receive(consumer, 16);
      await world.ack(consumer, first.slice(0, 10));
      await world.port.seek(subscription, 'earliest');
      equal(
        statuses(await world.port.ack(subscription, tokens(first.slice(10, 11)))),
        ['expired'],
        'a token from before the seek',
      );
      const again = await world.receiveAll(consumer, 16);
      sameItems(texts(again), values, 'delivered again');
      for (const partition of [0, 1]) {
        const offsets = again
          .filter(({ message }) => message.partition === partition)
          .map(({ message }) => message.offset ?? -1);
        equal(
          offsets,
          offsets.toSorted((a, b) => a - b),
          `offsets of partition ${partition}, in order`,
        );
      }
    },
    unsupported: async (world) => await refusedSeek(world, 'earliest', 'replay.earliest'),
  }),

  chapter('replay.earliest', 'a seek to the latest skips what waits', {
    claimed: async (world) => {
      const { topic, subscription, consumer } = await world.reader();
      await world.publishValues(topic, numbered(5, 'skipped'));
      await world.port.seek(subscription, 'latest');
      await world.publishValues(topic, ['wanted']);
      equal(texts(await world.receiveAll(consumer, 1)), ['wanted'], 'delivered after the seek');
    },
  }),

  chapter('replay.offset', 'a seek or a start at an offset delivers exactly the rest', {
    claimed: async (world) => {
      const { topic, subscription, consumer } = await world.reader();
      const values = numbered(12);
      await world.publishValues(topic, values);
      const offsetOf = offsetsOf(await world.receiveAll(consumer, 12));
      for (const from of [7, 0, 11]) {
        await world.port.seek(subscription, { offsets: { 0: offsetOf(`m-${from}`) } });
        sameSequence(texts(await world.receiveAll(consumer, 12 - from)), values.slice(from), `from message ${from}`);
      }
      const started = await world.subscription(topic, { start: { offsets: { 0: offsetOf('m-9') } } });
      sameSequence(
        texts(await world.receiveAll(await world.consumer(started), 3)),
        values.slice(9),
        'a subscription that starts at message 9',
      );
    },
    unsupported: async (world) => await refusedSeek(world, { offsets: { 0: 0 } }, 'replay.offset'),
  }),

  chapter('replay.offset', 'a seek moves only the partitions that it names, and one behind the end is refused', {
    claimed: async (world) => {
      const { topic, subscription, consumer } = await world.reader({ partitions: 2 });
      await world.publish(
        topic,
        numbered(8).map((value, index) => ({ value, partition: index % 2 })),
      );
      const offsetOf = offsetsOf(await world.receiveAll(consumer, 8));
      await world.port.seek(subscription, { offsets: { 1: offsetOf('m-5') } });
      sameSequence(texts(await world.receiveAll(consumer, 2)), ['m-5', 'm-7'], 'of partition 1 from its third message');
      const behind = { offsets: { 0: offsetOf('m-6') + 1_000 } };
      await rejects(
        'offset_out_of_range',
        'a seek behind the end',
        async () => await world.port.seek(subscription, behind),
      );
      await rejects('invalid_argument', 'a seek in a partition that does not exist', async () => {
        await world.port.seek(subscription, { offsets: { 2: 0 } });
      });
      await world.publish(topic, [{ value: 'next', partition: 0 }]);
      equal(texts(await world.receiveAll(consumer, 1)), ['next'], 'after the refused seeks');
    },
  }),

  chapter('replay.timestamp', 'a seek or a start at a time delivers exactly the messages of that time and after', {
    claimed: async (world) => {
      const { topic, subscription, consumer } = await world.reader();
      const values = numbered(10);
      const startMs = Date.now() - values.length * STEP_MS;
      const timeOf = (index: number): number => startMs + index * STEP_MS;
      for (const [index, value] of values.entries())
        await world.publishValues(topic, [value], { timestampMs: timeOf(index) });
      await world.receiveAll(consumer, 10);
      const positions: readonly (readonly [what: string, timestampMs: number, from: number])[] = [
        ['the time of message 4', timeOf(4), 4],
        ['a millisecond later', timeOf(4) + 1, 5],
        ['a millisecond before', timeOf(4) - 1, 4],
        ['before the first', timeOf(0) - STEP_MS, 0],
      ];
      for (const [what, timestampMs, from] of positions) {
        await world.port.seek(subscription, { timestampMs });
        sameSequence(texts(await world.receiveAll(consumer, 10 - from)), values.slice(from), `a seek to ${what}`);
      }
      const started = await world.subscription(topic, { start: { timestampMs: timeOf(7) } });
      sameSequence(
        texts(await world.receiveAll(await world.consumer(started), 3)),
        values.slice(7),
        'a subscription that starts at message 7',
      );
    },
    unsupported: async (world) => await refusedSeek(world, { timestampMs: 0 }, 'replay.timestamp'),
  }),

  chapter('browse', 'any part of a topic can be read without a subscription and without removing it', {
    claimed: async (world) => {
      const { topic, consumer } = await world.reader({ partitions: 2 });
      const { port } = world;
      const values = numbered(10);
      await world.publish(
        topic,
        values.map((value) => ({ value, key: `key of ${value}`, partition: 1 })),
      );
      const delivered = offsetsOf(await world.receive(consumer, 10)); // and held: reading needs no acknowledgement
      const offsets = values.map(delivered);
      for (const time of ['first', 'second']) {
        const { messages, next } = await port.read(topic, 1, 'earliest', 100);
        sameSequence(
          messages.map((message) => text({ message })),
          values,
          `the ${time} read`,
        );
        equal(
          messages.map(({ offset }) => offset),
          offsets,
          'offsets',
        );
        equal(
          messages.map(({ key }) => String(key)),
          values.map((value) => `key of ${value}`),
          'keys',
        );
        check(next > delivered('m-9'), 'next lies behind the last');
        equal((await port.read(topic, 1, next, 100)).messages.length, 0, 'messages from next on');
      }
      const part = await port.read(topic, 1, delivered('m-3'), 4);
      equal(
        part.messages.map((message) => text({ message })),
        values.slice(3, 7),
        'four from the fourth',
      );
      equal(
        texts((await port.read(topic, 1, part.next, 1)).messages.map((message) => ({ message }))),
        ['m-7'],
        'the one after',
      );
      equal((await port.read(topic, 0, 'earliest', 100)).messages.length, 0, 'messages of the empty partition');
      equal((await port.read(topic, 1, 'latest', 100)).messages.length, 0, 'messages from the latest');
      const behind = async (): Promise<unknown> => await port.read(topic, 1, delivered('m-9') + 1_000, 10);
      await rejects('offset_out_of_range', 'a read behind the end', behind);
      await consumer.close();
      const next = await world.consumer(consumer.subscription);
      sameItems(texts(await world.receiveAll(next, 10)), values, 'delivered to the subscription after all that');
    },
    unsupported: async (world) => {
      const topic = await world.topic();
      const error = await rejects(
        'capability_unsupported',
        'a read',
        async () => await world.port.read(topic, 0, 'earliest', 10),
      );
      equal(error.capability, 'browse', 'the capability that the error names');
    },
  }),

  chapter('lag', 'the lag is the number of messages that are not settled', {
    claimed: async (world) => {
      const topic = await world.topic({ partitions: 2 });
      const subscription = await world.subscription(topic);
      const lag = async (): Promise<number> => (await world.port.lag(subscription)).total;
      equal(await lag(), 0, 'the lag of a new subscription');
      await world.publish(
        topic,
        numbered(9).map((value, index) => ({ value, partition: index % 2 })),
      );
      await world.eventually('the lag after 9 publishes', 9, lag);
      const consumer = await world.consumer(subscription);
      await world.ack(consumer, (await world.receive(consumer, 9)).slice(0, 4));
      await consumer.close();
      await world.eventually('the lag after 4 acks', 5, lag);
      const { partitions, total } = await world.port.lag(subscription);
      equal(
        partitions.reduce((sum, entry) => sum + entry.lag, 0),
        total,
        'the sum over the partitions',
      );
      await world.receiveAll(await world.consumer(subscription), 5);
      await world.eventually('the lag after all acks', 0, lag);
    },
    unsupported: async (world) => {
      const { subscription } = await world.reader();
      await rejects('capability_unsupported', 'the lag', async () => await world.port.lag(subscription));
    },
  }),
];

/** Value -> the offset under which it was delivered. */
function offsetsOf(deliveries: readonly Delivery[]): (value: string) => number {
  const offsets = new Map(deliveries.map((delivery) => [text(delivery), delivery.message.offset]));
  return (value) => {
    const offset = offsets.get(value) ?? null;
    check(offset !== null, `${value} was delivered without an offset, on a backend that claims offsets`);
    return offset;
  };
}

/** The refused seek changes nothing: the token in hand is still good. */
async function refusedSeek(world: World, to: Position, capability: string): Promise<void> {
  const { topic, subscription, consumer } = await world.reader();
  await world.publishValues(topic, ['in hand']);
  const delivery = await world.receiveOne(consumer);
  const error = await rejects(
    'capability_unsupported',
    `a seek to ${JSON.stringify(to)}`,
    async () => await world.port.seek(subscription, to),
  );
  equal(error.capability, capability, 'the capability that the error names');
  await world.ack(consumer, [delivery]);
}
