import { expect, test } from 'vitest';
import type { Driver, DriverDelivery, Intake } from '../../src/adapters/driver.ts';
import { openDriver } from '../../src/adapters/kafka/index.ts';
import { makeAtOneMoment } from '../support/made-at-one-moment.ts';
import {
  driverOn,
  kafkaOf,
  message,
  publishAll,
  RecordingSink,
  subscriptionOf,
  topicOf,
  uniqueName,
  until,
} from './support.ts';

/** So that 10,000 unsettled ones stay below the bound of each partition. */
const PARTITIONS = 4;
const CREDIT = { messages: 10_000, bytes: 64 * 1024 * 1024 };

test('the first delivery comes in under a second after the intake is opened', async (ctx) => {
  const driver = await driverOn(kafkaOf(ctx), ctx);
  const topic = topicOf(uniqueName('first'), 4);
  const subscription = subscriptionOf(topic, 'latest');
  await driver.createTopic(topic);
  await driver.createSubscription(subscription, topic);
  await publishAll(driver, topic, [message('a', 3)]);
  const sink = new RecordingSink();
  const startMs = performance.now();
  const intake = await driver.openIntake(subscription, topic, sink, CREDIT);
  await until('the delivery', () => sink.delivered.length === 1);
  expect(performance.now() - startMs).toBeLessThan(1_000);
  await intake.close();
});

test('made by two processes at one moment, it has all that is published after the first of them is answered', async (ctx) => {
  const brokers = kafkaOf(ctx);
  const open = async () => await openDriver({ brokers });
  const { behind, received } = await makeAtOneMoment(open, { partitions: 1 });
  expect(behind.created).toBe(false);
  expect(await received()).toEqual(['after']);
  await expect(makeAtOneMoment(open, { partitions: 1 }, { later: { ackDeadlineMs: 12_345 } })).rejects.toMatchObject({
    code: 'already_exists',
  });
});

test('made by two processes at one moment, and read already through the first, it is there for the second', async (ctx) => {
  const brokers = kafkaOf(ctx);
  const reader = await driverOn(brokers, ctx);
  const sink = new RecordingSink();
  const overtake = (driver: Driver, ahead: () => Promise<void>): void => {
    const create = driver.createSubscription.bind(driver);
    driver.createSubscription = async (subscription, topic, isMadeElsewhere) => {
      let isAhead = false;
      await create(subscription, topic, async () => {
        if (isAhead) return (await isMadeElsewhere?.()) === true;
        // It is told no; before it writes, the other one makes it and reads it.
        isAhead = true;
        await ahead();
        const intake = await reader.openIntake(subscription, topic, sink, CREDIT);
        ctx.onTestFinished(async () => await intake.close());
        await until('a member', () => sink.delivered.length === 1);
        return false;
      });
    };
  };
  const open = async () => await openDriver({ brokers });
  expect((await makeAtOneMoment(open, { partitions: 1 }, { overtake })).behind.created).toBe(false);
  expect(sink.values()).toEqual(['after']);
});

test('of 10,000 messages acked at random, exactly the unacked come again, with their attempts, in order', async (ctx) => {
  const brokers = kafkaOf(ctx);
  const topic = topicOf(uniqueName('acks'), PARTITIONS);
  const subscription = subscriptionOf(topic);
  const first = await driverOn(brokers, ctx);
  await first.createTopic(topic);
  await first.createSubscription(subscription, topic);
  await publishAll(
    first,
    topic,
    Array.from({ length: 10_000 }, (_, index) => message(`m${index}`, index % PARTITIONS)),
  );
  const sink = new RecordingSink();
  const intake = await first.openIntake(subscription, topic, sink, CREDIT);
  await until('10,000 deliveries', () => sink.delivered.length === 10_000);

  // Long runs with single holes, so that every hole fits the metadata; the acks come in random order.
  const random = seeded(42);
  const kept = new Set(sink.values().filter(() => random() < 0.02));
  const failed = new Set([...kept].filter(() => random() < 0.2));
  for (const delivery of shuffled(sink.delivered, random)) settle(intake, delivery, kept, failed);
  await first.close();

  const second = await driverOn(brokers, ctx);
  const again = new RecordingSink();
  const reopened = await second.openIntake(subscription, topic, again, CREDIT);
  await until(`${kept.size} deliveries`, () => again.delivered.length >= kept.size);
  const { total } = await second.lag(subscription, topic);
  expect(total).toBe(kept.size);
  expect(again.values().sort()).toEqual([...kept].sort());
  for (const {
    message: { value },
    attempt,
  } of again.delivered)
    expect(attempt).toBe(failed.has(String(value)) ? 4 : 1);
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const offsets = again.delivered
      .map(({ message: one }) => one)
      .filter((one) => one.partition === partition)
      .map(({ offset }) => offset as number);
    expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
  }
  for (const delivery of again.delivered) void reopened.ack(delivery);
  expect((await second.lag(subscription, topic)).total).toBe(0);
});

test('no more than the grant is out at once, in messages and in bytes, and a larger grant takes effect', async (ctx) => {
  const driver = await driverOn(kafkaOf(ctx), ctx);
  const topic = topicOf(uniqueName('credit'), 2);
  const subscription = subscriptionOf(topic);
  await driver.createTopic(topic);
  await driver.createSubscription(subscription, topic);
  await publishAll(
    driver,
    topic,
    Array.from({ length: 200 }, (_, index) => message(`m${index}`, index % 2, { value: Buffer.alloc(1_000) })),
  );
  const sink = new RecordingSink();
  const intake = await driver.openIntake(subscription, topic, sink, { messages: 7, bytes: CREDIT.bytes });
  await until('7 deliveries', () => sink.delivered.length === 7);
  await driver.lag(subscription, topic); // a round trip: more would have come by now
  expect(sink.delivered.length).toBe(7);
  intake.grant({ messages: 100, bytes: 10_000 });
  await until('some more', () => sink.delivered.length > 7);
  expect(sink.delivered.length).toBeLessThanOrEqual(10);
  let out = sink.delivered.length;
  let outMax = out;
  sink.onDelivery = (delivery) => {
    out += 1;
    outMax = Math.max(outMax, out);
    setImmediate(() => {
      out -= 1;
      void intake.ack(delivery);
    });
  };
  const firstOnes = sink.delivered.slice();
  for (const delivery of firstOnes) {
    out -= 1;
    void intake.ack(delivery);
  }
  await until('all', () => sink.delivered.length === 200);
  expect(outMax).toBeLessThanOrEqual(10);
  await intake.close();
});

test('near 4 KB of gaps intake pauses, resumes when they close, and a restart loses and repeats nothing', async (ctx) => {
  const brokers = kafkaOf(ctx);
  const topic = topicOf(uniqueName('gaps'), 1);
  const subscription = subscriptionOf(topic);
  const driver = await driverOn(brokers, ctx);
  await driver.createTopic(topic);
  await driver.createSubscription(subscription, topic);
  const count = 6_000;
  await publishAll(
    driver,
    topic,
    Array.from({ length: count }, (_, index) => message(`m${index}`)),
  );
  const sink = new RecordingSink();
  const held: DriverDelivery[] = [];
  const acked = new Set<string>();
  let isHolding = true;
  const intake = await driver.openIntake(subscription, topic, sink, { messages: 9_000, bytes: CREDIT.bytes });
  sink.onDelivery = (delivery) => {
    // Every second one stays open: the worst case for the encoding, two bytes for each pair.
    if (isHolding && (delivery.message.offset as number) % 2 === 0) {
      held.push(delivery);
      return;
    }
    acked.add(String(delivery.message.value));
    queueMicrotask(() => void intake.ack(delivery));
  };
  // Alternating gaps of one byte each are cheap, so the pause comes after more than a thousand of them.
  await until('the pause', async () => {
    const before = sink.delivered.length;
    await driver.lag(subscription, topic);
    await driver.lag(subscription, topic);
    return before > 0 && sink.delivered.length === before;
  });
  const paused = sink.delivered.length;
  expect(paused).toBeGreaterThan(1_000);
  expect(paused).toBeLessThan(count);
  await intake.close();

  const reopened = new RecordingSink();
  const second = await driver.openIntake(subscription, topic, reopened, { messages: 9_000, bytes: CREDIT.bytes });
  reopened.onDelivery = (delivery) => {
    expect(acked.has(String(delivery.message.value))).toBe(false);
    acked.add(String(delivery.message.value));
    queueMicrotask(() => void second.ack(delivery));
  };
  isHolding = false;
  await until('everything', () => acked.size === count);
  expect(reopened.delivered.length).toBe(count - paused + held.length);
  expect((await driver.lag(subscription, topic)).total).toBe(0);
  await second.close();
});

test('a pause by gaps ends while the intake is open', async (ctx) => {
  const driver = await driverOn(kafkaOf(ctx), ctx);
  const topic = topicOf(uniqueName('resume'), 1);
  const subscription = subscriptionOf(topic);
  await driver.createTopic(topic);
  await driver.createSubscription(subscription, topic);
  await publishAll(
    driver,
    topic,
    Array.from({ length: 4_000 }, (_, index) => message(`m${index}`)),
  );
  const sink = new RecordingSink();
  const held: DriverDelivery[] = [];
  let isHolding = true;
  const intake = await driver.openIntake(subscription, topic, sink, { messages: 4_000, bytes: CREDIT.bytes });
  sink.onDelivery = (delivery) => {
    if (isHolding && (delivery.message.offset as number) % 2 === 0) held.push(delivery);
    else queueMicrotask(() => void intake.ack(delivery));
  };
  await until('the pause', async () => {
    const before = sink.delivered.length;
    await driver.lag(subscription, topic);
    await driver.lag(subscription, topic);
    return before > 0 && sink.delivered.length === before;
  });
  expect(sink.delivered.length).toBeLessThan(4_000);
  isHolding = false;
  for (const delivery of held) void intake.ack(delivery);
  await until('the rest', () => sink.delivered.length === 4_000);
  await intake.close();
});

function settle(
  intake: Intake,
  delivery: DriverDelivery,
  kept: ReadonlySet<string>,
  failed: ReadonlySet<string>,
): void {
  const value = String(delivery.message.value);
  if (!kept.has(value)) void intake.ack(delivery);
  else if (failed.has(value)) intake.noteAttempt?.(delivery, 3);
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const copy = [...items];
  for (let index = copy.length - 1; index > 0; index -= 1) {
    const other = Math.floor(random() * (index + 1));
    [copy[index], copy[other]] = [copy[other] as T, copy[index] as T];
  }
  return copy;
}
