/** A subscription as an async iterator: what it holds, extends and gives back, and how it outlives its gateway. */

import { describe, expect, it } from 'vitest';
import { connect, type Delivery, type SluiceClient, type SubscribeOptions } from '../../src/client/index.ts';
import { startGateway } from '../../src/gateway/index.ts';
import { proxyTo, world } from './support.ts';

async function reader(sluice: SluiceClient, subscription: object = {}): Promise<void> {
  await sluice.topics.create({ name: 't' });
  await sluice.subscriptions.create({ name: 's', topic: 't', retry: { minBackoffMs: 0 }, ...subscription });
}

async function publish(sluice: SluiceClient, count: number, prefix = 'm'): Promise<string[]> {
  const values = Array.from({ length: count }, (_, index) => `${prefix}${index}`);
  await sluice.publishBatch(
    't',
    values.map((value) => ({ value })),
  );
  return values;
}

async function lag(sluice: SluiceClient): Promise<number> {
  return (await sluice.subscriptions.lag('s')).total;
}

async function take(sluice: SluiceClient, count: number, options: SubscribeOptions = {}): Promise<Delivery[]> {
  const taken: Delivery[] = [];
  for await (const delivery of sluice.subscribe('s', options)) {
    taken.push(delivery);
    await delivery.ack();
    if (taken.length === count) break;
  }
  return taken;
}

describe('a subscriber', () => {
  it('delivers each message once to a loop that acknowledges, and ends when the loop is left', async () => {
    const { sluice } = await world();
    await reader(sluice);
    const values = await publish(sluice, 150);
    const taken = await take(sluice, 150);
    expect(taken.map(({ message }) => message.value)).toEqual(values);
    expect(await lag(sluice)).toBe(0);
  });

  it('with idleMs ends when nothing came for so long, however short its pulls are', async () => {
    const { sluice } = await world();
    await reader(sluice);
    await publish(sluice, 1);
    const startedMs = performance.now();
    const taken = await take(sluice, 2, { waitMs: 50, idleMs: 400 });
    expect(taken).toHaveLength(1);
    expect(performance.now() - startedMs).toBeGreaterThan(350);
  });

  it('nack counts an attempt, release does not, reject goes to the dead letters, a second settle is "already"', async () => {
    const { sluice } = await world();
    await reader(sluice);
    await publish(sluice, 1);
    await using subscriber = sluice.subscribe('s', { credit: 1 });
    const first = (await subscriber.next()) as Delivery;
    expect([first.attempt, await first.nack({ delayMs: 0 })]).toEqual([1, 'ok']);
    const second = (await subscriber.next()) as Delivery;
    expect([second.attempt, await second.release()]).toEqual([2, 'ok']);
    const third = (await subscriber.next()) as Delivery;
    expect([third.attempt, await third.reject({ reason: 'unreadable' })]).toEqual([2, 'ok']);
    expect([await third.ack(), await first.ack()]).toEqual(['already', 'already']);
    const letters = await sluice.subscriptions.deadLetters('s');
    expect(letters.messages[0]).toMatchObject({ value: 'm0', headers: { 'dead-letter-reason': 'unreadable' } });
    expect(await sluice.subscriptions.redrive('s', { dryRun: true })).toMatchObject({ dryRun: true, redriven: 1 });
    expect(await sluice.subscriptions.redrive('s')).toMatchObject({ redriven: 1, remaining: 0 });
    expect(((await subscriber.next()) as Delivery).message.value).toBe('m0');
  });

  it('extends leases while it holds them, also of what nobody took yet; not beyond holdMs, and not when told not to', async () => {
    const { sluice } = await world();
    await reader(sluice, { ackDeadlineMs: 400 });
    await publish(sluice, 3);
    await using subscriber = sluice.subscribe('s');
    const first = (await subscriber.next()) as Delivery;
    await new Promise((resolve) => setTimeout(resolve, 1_500)); // the claim is about time: several leases long
    const rest = [(await subscriber.next()) as Delivery, (await subscriber.next()) as Delivery];
    expect([first, ...rest].map(({ attempt }) => attempt)).toEqual([1, 1, 1]);
    expect(await Promise.all([first, ...rest].map(async (one) => await one.ack()))).toEqual(['ok', 'ok', 'ok']);
    await subscriber.close();
    for (const options of [{ holdMs: 500 }, { extend: false }]) {
      await publish(sluice, 1);
      await using other = sluice.subscribe('s', { credit: 2, waitMs: 5_000, ...options });
      const held = (await other.next()) as Delivery;
      const again = (await other.next()) as Delivery;
      expect([held.attempt, again.attempt, await held.ack(), await again.ack()]).toEqual([1, 2, 'expired', 'ok']);
    }
  });

  it('has no more out than its credit, and waits with the next pull until one is settled', async () => {
    const { sluice } = await world();
    await reader(sluice);
    await publish(sluice, 10);
    await using subscriber = sluice.subscribe('s', { credit: 3 });
    const out = [await subscriber.next(), await subscriber.next(), await subscriber.next()];
    expect(subscriber.heldCount).toBe(3);
    let isHere = false;
    const fourth = subscriber.next().then((delivery) => {
      isHere = true;
      return delivery;
    });
    expect(await sluice.subscriptions.lag('s')).toMatchObject({ total: 10 });
    expect(isHere).toBe(false);
    await out[1]?.ack();
    expect((await fourth)?.message.value).toBe('m3');
    expect(() => sluice.subscribe('s', { credit: 0 })).toThrow('credit');
  });

  it('gives back what it holds, uncounted, when its signal aborts or the loop is left', async () => {
    const { sluice } = await world();
    await reader(sluice);
    const values = await publish(sluice, 20);
    const controller = new AbortController();
    for await (const delivery of sluice.subscribe('s', { signal: controller.signal })) {
      expect(delivery.attempt).toBe(1);
      controller.abort();
    }
    for await (const { message } of sluice.subscribe('s')) if (message.value === 'm5') break;
    const taken = await take(sluice, 20);
    expect(taken.map(({ message, attempt }) => `${String(message.value)} ${attempt}`).toSorted()).toEqual(
      values.map((value) => `${value} 1`).toSorted(),
    );
    const aborted = sluice.subscribe('s', { signal: controller.signal });
    expect(await aborted.next()).toBeUndefined();
  });

  it('run: handlers side by side; what throws comes again, what is under way at the end is finished', async () => {
    const { sluice } = await world();
    await reader(sluice);
    const values = await publish(sluice, 40);
    const seen: string[] = [];
    const errors: unknown[] = [];
    let atOnce = 0;
    let atOnceMax = 0;
    const subscriber = sluice.subscribe('s');
    await subscriber.run(
      async ({ value }, { attempt }) => {
        atOnce += 1;
        atOnceMax = Math.max(atOnceMax, atOnce);
        await new Promise((resolve) => setImmediate(resolve));
        atOnce -= 1;
        if (value === 'm7' && attempt === 1) throw new Error('not yet');
        seen.push(String(value));
        if (seen.length === 40) void subscriber.close();
      },
      { concurrency: 8, onError: (error) => errors.push(error) },
    );
    expect([seen.toSorted(), atOnceMax, errors.map(String)]).toEqual([values.toSorted(), 8, ['Error: not yet']]);
    expect(await lag(sluice)).toBe(0);
  });

  it('of a subscription that is not there, or goes, says so', async () => {
    const { sluice } = await world();
    await reader(sluice);
    await expect(sluice.subscribe('nobody').next()).rejects.toMatchObject({ code: 'subscription_not_found' });
    const subscriber = sluice.subscribe('s');
    const waiting = expect(subscriber.next()).rejects.toMatchObject({ code: 'subscription_not_found' });
    await sluice.subscriptions.delete('s');
    await waiting;
  });
});

describe('a gateway that goes away', () => {
  it('is waited for: the subscriber goes on with the next one on that address, and misses nothing', async () => {
    const { gateway, sluice } = await world();
    await reader(sluice);
    await publish(sluice, 3);
    await using subscriber = sluice.subscribe('s', { waitMs: 2_000 });
    for (let index = 0; index < 3; index += 1) await (await subscriber.next())?.ack();
    const waiting = subscriber.next();
    const { port } = new URL(gateway.url);
    const { dataDir } = gateway.config.native;
    await gateway.close();
    const next = await startGateway({ port: Number(port), grpcPort: 'off', native: { dataDir, durability: 'os' } });
    try {
      await publish(sluice, 1, 'after');
      expect((await waiting)?.message.value).toBe('after0');
    } finally {
      await subscriber.close();
      await next.close();
    }
  });

  it('for longer than outageMs ends the subscriber with the reason', async () => {
    const { gateway, sluice } = await world();
    await reader(sluice);
    await gateway.close();
    await expect(sluice.subscribe('s', { outageMs: 300 }).next()).rejects.toMatchObject({
      code: 'gateway_unreachable',
    });
  });

  it('an ack whose answer is lost is tried again, and was done once', async () => {
    const { gateway, sluice: direct } = await world();
    await reader(direct);
    await publish(direct, 1);
    const proxy = await proxyTo(gateway.url);
    const subscriber = connect(proxy.url).subscribe('s', { credit: 1 });
    const delivery = (await subscriber.next()) as Delivery;
    proxy.cutAnswers(1);
    expect(await delivery.ack()).toBe('ok');
    expect(await lag(direct)).toBe(0);
    await subscriber.close();
  });
});
