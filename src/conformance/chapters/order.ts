/** order.* and consume.*: who gets what, and in which order. */

import type { Consumer, Delivery, Ordering } from '../../adapters/port.ts';
import { type Chapter, chapter } from '../chapter.ts';
import { check, ConformanceFailure, equal, rejects, sameItems } from '../expect.ts';
import { numbered, text, texts, tokens, type World } from '../world.ts';

export const orderChapters: readonly Chapter[] = [
  chapter(
    'order.partition',
    'messages of a partition come in stored order, also after a nack and with several consumers',
    {
      claimed: async (world) => {
        await checkOrder(world, 'partition', { partitions: 2, lanes: ['0', '1'], perLane: 15 });
      },
      unsupported: async (world) => await refusedOrdering(world, 'partition'),
    },
  ),

  chapter('order.key', 'messages of a key come one after the other, also after a nack and with several consumers', {
    claimed: async (world) => {
      await checkOrder(world, 'key', { partitions: 3, lanes: ['ann', 'bob', 'cy', 'dee', 'eve'], perLane: 10 });
    },
    unsupported: async (world) => await refusedOrdering(world, 'key'),
  }),

  chapter('order.key', 'the order of a key survives a consumer that closes with its messages in hand', {
    claimed: async (world) => {
      const topic = await world.topic({ partitions: 2 });
      const subscription = await world.subscription(topic, {
        ordering: 'key',
        retry: { minBackoffMs: 0, maxBackoffMs: 0, maxAttempts: 50 },
      });
      await publishLanes(world, topic, 'key', ['ann', 'bob'], 8);
      const seen = new Map<string, string[]>();
      for (let round = 0; round < 4; round += 1) {
        const consumer = await world.consumer(subscription);
        for (let settled = 0; settled < 4; settled += 1) {
          const delivery = await world.receiveOne(consumer);
          seen.set(laneOf(delivery, 'key'), [...(seen.get(laneOf(delivery, 'key')) ?? []), text(delivery)]);
          await world.ack(consumer, [delivery]);
        }
        await consumer.pull({ maxMessages: 2, waitMs: world.timing.quietMs }); // in hand when it closes
        await consumer.close();
      }
      for (const lane of ['ann', 'bob']) equal(seen.get(lane), numbered(8, lane), `messages of ${lane}`);
    },
  }),

  chapter('order.keyParallel', 'a key that waits does not hold up the other keys of its partition', {
    claimed: async (world) => {
      const { topic, consumer } = await world.reader({ partitions: 1 }, { ordering: 'key' });
      await publishLanes(world, topic, 'key', ['slow', 'quick', 'third'], 4);
      const held: Delivery[] = [];
      const done: string[] = [];
      while (done.length < 8) {
        for (const delivery of await world.receive(consumer, 1)) {
          if (laneOf(delivery, 'key') === 'slow') held.push(delivery);
          else {
            done.push(text(delivery));
            await world.ack(consumer, [delivery]);
          }
        }
      }
      sameItems(done, [...numbered(4, 'quick'), ...numbered(4, 'third')], 'delivered while a key was held');
      await world.nothingComes(consumer, 'while the first message of the last key is held');
      equal(texts(held), ['slow-0'], 'messages of the held key that were handed out');
      await world.ack(consumer, held);
      for (const value of numbered(4, 'slow').slice(1)) {
        const delivery = await world.receiveOne(consumer);
        equal(text(delivery), value, 'the next message of the key');
        await world.ack(consumer, [delivery]);
      }
    },
  }),

  chapter(
    'consume.competing',
    'the consumers of a subscription share its messages: each goes to one of them, and each gets some',
    {
      claimed: async (world) => {
        const topic = await world.topic({ partitions: 2 });
        const subscription = await world.subscription(topic);
        const first = await world.consumer(subscription, { messages: 10 });
        const second = await world.consumer(subscription, { messages: 10 });
        const values = numbered(40);
        await publishSpread(world, topic, values, 2);
        const [left, right] = await Promise.all([world.receive(first, 10), world.receive(second, 10)]);
        sameItems(
          [...new Set([...texts(left), ...texts(right)])],
          [...texts(left), ...texts(right)],
          'what two consumers hold at once',
        );
        await Promise.all([world.ack(first, left), world.ack(second, right)]);
        const rest = await shareOut(world, [first, second], 20);
        sameItems([...texts(left), ...texts(right), ...rest], values, 'over both consumers');
        await world.nothingComes(first, 'after all were acknowledged');
      },
      unsupported: async (world) => {
        const { subscription } = await world.reader();
        const join = async (): Promise<unknown> =>
          await world.port.subscribe(subscription, { credit: { messages: 1 } });
        await rejects('capability_unsupported', 'a second consumer', join);
      },
    },
  ),

  chapter('consume.beyondPartitions', 'four consumers work at once on one partition', {
    claimed: async (world) => {
      const topic = await world.topic({ partitions: 1 });
      const subscription = await world.subscription(topic);
      const consumers = await Promise.all(
        numbered(4).map(async () => await world.consumer(subscription, { messages: 1 })),
      );
      await world.publishValues(topic, numbered(4));
      const held = await Promise.all(consumers.map(async (consumer) => await world.receiveOne(consumer)));
      sameItems(texts(held), numbered(4), 'one message in the hands of each');
      for (const [index, consumer] of consumers.entries()) await world.ack(consumer, [held[index] as Delivery]);
    },
  }),
];

interface Lanes {
  readonly partitions: number;
  /** Keys, or partition numbers. */
  readonly lanes: readonly string[];
  readonly perLane: number;
}

/** Publishes interleaved lanes, reads them with three consumers that fail some messages once, and checks each lane. */
async function checkOrder(
  world: World,
  ordering: 'key' | 'partition',
  { partitions, lanes, perLane }: Lanes,
): Promise<void> {
  const topic = await world.topic({ partitions });
  const subscription = await world.subscription(topic, {
    ordering,
    retry: { minBackoffMs: 10, maxBackoffMs: 10, maxAttempts: 50 },
  });
  const consumers = [
    await world.consumer(subscription),
    await world.consumer(subscription),
    await world.consumer(subscription),
  ];
  await publishLanes(world, topic, ordering, lanes, perLane);
  const log = new LaneLog(ordering);
  const failing = new Set(lanes.flatMap((lane) => [`${lane}-1`, `${lane}-${perLane - 2}`]));
  const total = lanes.length * perLane;
  const endsAt = performance.now() + world.timing.deadlineMs;
  await Promise.all(
    consumers.map(async (consumer) => {
      while (log.settled < total) {
        if (performance.now() > endsAt)
          throw new ConformanceFailure(`${log.settled} of ${total} messages were settled in time`);
        const deliveries = await consumer.pull({ maxMessages: 4, waitMs: world.timing.quietMs });
        for (const delivery of deliveries) log.handedOut(delivery);
        for (const delivery of deliveries) {
          const fails = failing.delete(text(delivery));
          log.settles(delivery, fails ? 'nack' : 'ack');
          if (fails) await world.nack(consumer, [delivery], 10);
          else await world.ack(consumer, [delivery]);
        }
      }
    }),
  );
  for (const lane of lanes) {
    const expected = numbered(perLane, lane).flatMap((value, index) =>
      index === 1 || index === perLane - 2
        ? [`${value} (attempt 1)`, `${value} (attempt 2)`]
        : [`${value} (attempt 1)`],
    );
    equal(log.lane(lane), expected, `deliveries of ${ordering} ${lane}`);
  }
}

/** What was handed out per lane, and whether two of a lane were out at once. */
class LaneLog {
  readonly #ordering: Ordering;
  readonly #deliveries = new Map<string, string[]>();
  readonly #out = new Map<string, string>();
  settled = 0;

  constructor(ordering: Ordering) {
    this.#ordering = ordering;
  }

  handedOut(delivery: Delivery): void {
    const lane = laneOf(delivery, this.#ordering);
    const other = this.#out.get(lane);
    check(
      other === undefined,
      `${text(delivery)} was handed out while ${other} of the same ${this.#ordering} was not settled`,
    );
    this.#out.set(lane, text(delivery));
    this.#deliveries.set(lane, [...this.lane(lane), `${text(delivery)} (attempt ${delivery.attempt})`]);
  }

  settles(delivery: Delivery, how: 'ack' | 'nack'): void {
    this.#out.delete(laneOf(delivery, this.#ordering));
    if (how === 'ack') this.settled += 1;
  }

  lane(lane: string): readonly string[] {
    return this.#deliveries.get(lane) ?? [];
  }
}

function laneOf({ message }: Delivery, ordering: Ordering): string {
  return ordering === 'key' ? String(message.key) : String(message.partition);
}

/** Values are LANE-0, LANE-1, ...; lanes are interleaved, in several publishes. */
async function publishLanes(
  world: World,
  topic: string,
  ordering: Ordering,
  lanes: readonly string[],
  perLane: number,
): Promise<void> {
  const PER_PUBLISH = 4;
  for (let from = 0; from < perLane; from += PER_PUBLISH) {
    const numbers = Array.from({ length: Math.min(PER_PUBLISH, perLane - from) }, (_, index) => from + index);
    await world.publish(
      topic,
      numbers.flatMap((number) =>
        lanes.map((lane) => ({
          value: `${lane}-${number}`,
          key: lane,
          ...(ordering === 'partition' ? { partition: Number(lane) } : {}),
        })),
      ),
    );
  }
}

async function publishSpread(
  world: World,
  topic: string,
  values: readonly string[],
  partitions: number,
): Promise<void> {
  await world.publish(
    topic,
    values.map((value, index) => ({ value, partition: index % partitions })),
  );
}

/** Both pull and ack until `count` more were delivered in all. */
async function shareOut(world: World, consumers: readonly Consumer[], count: number): Promise<readonly string[]> {
  const seen: string[] = [];
  const endsAt = performance.now() + world.timing.deadlineMs;
  await Promise.all(
    consumers.map(async (consumer) => {
      while (seen.length < count) {
        if (performance.now() > endsAt)
          throw new ConformanceFailure(`${seen.length} of the last ${count} messages came in time`);
        const deliveries = await consumer.pull({ maxMessages: 5, waitMs: world.timing.quietMs });
        seen.push(...texts(deliveries));
        if (deliveries.length > 0) await world.port.ack(consumer.subscription, tokens(deliveries));
      }
    }),
  );
  return seen;
}

async function refusedOrdering(world: World, ordering: Ordering): Promise<void> {
  const topic = await world.topic();
  const create = async (): Promise<unknown> => await world.subscription(topic, { ordering });
  const error = await rejects('capability_unsupported', `a subscription with ordering "${ordering}"`, create);
  equal(error.capability, `order.${ordering}`, 'the capability that the error names');
}
