import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { DriverWorld, message, messages, until, valueOf } from './support/driver-world.ts';
import { TcpProxy } from '../../src/faults/index.ts';

const rabbitmq = inject('rabbitmq');

describe.skipIf(rabbitmq === null)('a connection that dies', () => {
  let proxy: TcpProxy;
  let world: DriverWorld;
  let direct: DriverWorld;

  beforeAll(async () => {
    const between = await TcpProxy.before(rabbitmq?.url ?? '');
    proxy = between.proxy;
    world = await DriverWorld.open(between.url);
    direct = await DriverWorld.open(rabbitmq?.url ?? '');
  });
  afterAll(async () => {
    await world.driver.close();
    await direct.driver.close();
    await proxy.close();
  });

  const isUp = async (): Promise<boolean> => (await world.driver.health()).ok;

  it('settles every publish: stored ones are there, refused ones are not, the rest is said to be unknown', async () => {
    const topic = await direct.topic();
    const subscription = await direct.subscription(topic);
    const kinds = new Map<string, string>();
    for (let round = 0; round < 6; round += 1) {
      await until('the connection', isUp);
      const calls = Array.from({ length: 5 }, (_, call) => {
        const batch = messages(600, `r${round}.c${call}.`);
        return { batch, outcomes: world.publish(topic, batch) };
      });
      // After part of the answers; every second round the broker has stored messages of which nobody hears.
      await until('some answers', () => true);
      await new Promise((resolve) => setTimeout(resolve, 5 + round * 7));
      if (round % 2 === 1) {
        proxy.swallowsAnswers = true;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      proxy.cut();
      proxy.swallowsAnswers = false;
      for (const { batch, outcomes } of calls) {
        const settled = await outcomes;
        expect(settled.length).toBe(batch.length);
        for (const [index, outcome] of settled.entries()) {
          expect(outcome.id).toBe(batch[index]?.id);
          if (outcome.kind === 'unknown') expect(outcome.error.code).toBe('publish_outcome_unknown');
          if (outcome.kind === 'refused') expect(outcome.error.code).toBe('backend_unavailable');
          kinds.set(batch[index]?.value?.toString() ?? '', outcome.kind);
        }
      }
    }
    const count = (kind: string): number => [...kinds.values()].filter((each) => each === kind).length;
    expect(kinds.size).toBe(6 * 5 * 600);
    expect(count('unknown')).toBeGreaterThan(0);
    const intake = await direct.intake(subscription, topic);
    const seen = new Set<string>();
    intake.onDelivery = (delivery) => {
      seen.add(valueOf(delivery));
      void intake.ack(delivery);
    };
    for (const delivery of Array.from(intake.unsettled)) intake.onDelivery(delivery);
    await until('everything consumed', async () => (await direct.driver.lag(subscription, topic)).total === 0);
    for (const [value, kind] of kinds) {
      if (kind === 'stored') expect(seen.has(value)).toBe(true);
      if (kind === 'refused') expect(seen.has(value)).toBe(false);
    }
    for (const value of seen) expect(kinds.has(value)).toBe(true);
    await intake.intake.close();
  });

  it('is lost to its deliveries, which come again on the next one', async () => {
    const topic = await direct.topic();
    const subscription = await direct.subscription(topic);
    await until('the connection', isUp);
    const intake = await world.intake(subscription, topic);
    await direct.publish(topic, messages(10));
    await intake.received(10);
    proxy.cut();
    await until('the loss', () => intake.lostOnes.length === 10);
    expect(intake.unsettled.size).toBe(0);
    await intake.received(20);
    expect(new Set(intake.values.slice(10)).size).toBe(10);
    await intake.ackAll();
    await until('no lag', async () => (await direct.driver.lag(subscription, topic)).total === 0);
    await intake.intake.close();
  });

  it('of a stream reader keeps what was acknowledged, also what was not yet stored', async () => {
    const topic = await direct.topic({ queueType: 'stream' });
    const subscription = await direct.subscription(topic);
    await until('the connection', isUp);
    const intake = await world.intake(subscription, topic);
    await direct.publish(topic, messages(10));
    await intake.received(10);
    for (const delivery of intake.all.slice(0, 7)) await intake.ack(delivery);
    proxy.cut();
    await until('the loss', () => intake.lostOnes.length === 3);
    await intake.received(13);
    expect(intake.values.slice(10)).toEqual(['v7', 'v8', 'v9']);
    await intake.ackAll();
    await intake.intake.close();
  });

  it('is backend_unavailable at once while there is none, with health red, and heals by itself', async () => {
    const topic = await direct.topic();
    await direct.subscription(topic);
    await until('the connection', isUp);
    proxy.refuses = true;
    // Of the two connections one may go a moment before the other: what was sent on it then is not known to be stored.
    await until('no connection', async () => {
      const isPublishing = (await world.publish(topic, [message('gone')]))[0]?.kind !== 'refused';
      return !isPublishing && !(await isUp());
    });
    const startedAt = performance.now();
    const [outcome] = await world.publish(topic, [message('no')]);
    expect(outcome?.kind === 'refused' && outcome.error.code).toBe('backend_unavailable');
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    proxy.refuses = false;
    await until('green health', isUp);
    expect((await world.publish(topic, [message('yes')]))[0]?.kind).toBe('stored');
  });
});
