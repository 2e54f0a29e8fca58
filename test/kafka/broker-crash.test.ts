import { afterAll, beforeAll, expect, test } from 'vitest';
import { obtainBrokers } from '../../src/brokers/index.ts';
import type { ObtainedBrokers } from '../../src/brokers/types.ts';
import type { PublishOutcome } from '../../src/adapters/port.ts';
import { driverOn, message, publishAll, RecordingSink, subscriptionOf, topicOf, uniqueName, until } from './support.ts';

const PACE_MS = 5;
let own: ObtainedBrokers;

beforeAll(async () => {
  own = await obtainBrokers({ want: ['kafka'], fresh: true });
});

afterAll(async () => {
  await own.stop();
});

test('a broker killed under load: every publish settles, every stored message is there, consuming and publishing go on', async (ctx) => {
  if (own.kafka === undefined || own.kafka.source !== 'process')
    return ctx.skip(own.skipped[0]?.reason ?? 'not a process of ours');
  const driver = await driverOn(own.kafka.brokers, ctx);
  const topic = topicOf(uniqueName('crash'), 3);
  const subscription = subscriptionOf(topic);
  await driver.createTopic(topic);
  await driver.createSubscription(subscription, topic);
  const sink = new RecordingSink();
  const received = new Set<string>();
  const intake = await driver.openIntake(subscription, topic, sink, { messages: 500, bytes: 16 * 1024 * 1024 });
  sink.onDelivery = (delivery) => {
    received.add(String(delivery.message.value));
    setImmediate(() => void intake.ack(delivery));
  };

  const outcomes = new Map<string, PublishOutcome>();
  const counts = { stored: 0, refused: 0, unknown: 0 };
  let next = 0;
  let isLoading = true;
  const lane = async (): Promise<void> => {
    while (isLoading) {
      const batch = Array.from({ length: 20 }, (_, index) => message(`m${next + index}`, (next + index) % 3));
      next += batch.length;
      for (const outcome of await publishAll(driver, topic, batch)) {
        outcomes.set(outcome.id, outcome);
        counts[outcome.kind] += 1;
      }
      await new Promise((resolve) => setTimeout(resolve, PACE_MS));
    }
  };
  const lanes = Promise.all([lane(), lane(), lane()]);
  await until('a thousand stored', () => counts.stored > 1_000);
  await own.killNode('kafka');
  await until('publishes are refused', () => counts.refused > 0, 20_000);
  expect(await driver.health()).toMatchObject({ ok: false });
  await own.startNode('kafka');
  const before = counts.stored;
  await until('publishes are stored again', () => counts.stored > before + 1_000, 30_000);
  isLoading = false;
  await lanes;
  expect(outcomes.size).toBe(next);
  expect(await driver.health()).toMatchObject({ ok: true });

  const all = [...outcomes].filter(([, { kind }]) => kind === 'stored').map(([id]) => id);
  await until('everything stored is received', () => all.every((id) => received.has(id)), 30_000);
  const readBack = new Map<string, string>();
  for (const partition of [0, 1, 2]) {
    for (let from = 0, more = true; more; ) {
      const page = await driver.read(topic, partition, from, 1_000);
      for (const one of page.messages) readBack.set(`${partition}/${one.offset}`, String(one.value));
      more = page.messages.length > 0;
      from = page.next;
    }
  }
  for (const id of all) {
    const outcome = outcomes.get(id);
    if (outcome?.kind === 'stored') expect(readBack.get(`${outcome.partition}/${outcome.offset}`)).toBe(id);
  }
  const refused = [...outcomes].filter(([, { kind }]) => kind === 'refused').map(([id]) => id);
  const present = new Set(readBack.values());
  expect(refused.filter((id) => present.has(id))).toEqual([]);
  expect(sink.errors).toEqual([]);
  await intake.close();
}, 120_000);
