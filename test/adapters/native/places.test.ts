/** What the native driver keeps beside the log: places of subscriptions, ids, topics that a crash left half made. */

import { describe, expect, it } from 'vitest';
import { loadTracker } from '../../../src/adapters/native/cursors.ts';
import { driverOver } from '../../../src/adapters/native/index.ts';
import { type MessagingPort, PortError } from '../../../src/adapters/index.ts';
import { portFromDriver } from '../../../src/adapters/open-port.ts';
import { type World, world } from '../../core-log/support.ts';
import { temporaryPlace } from '../../core-log/temporary-engine.ts';

async function portOn(home: World, durability: 'os' | 'fsync' = 'os'): Promise<MessagingPort> {
  return await portFromDriver(driverOver(await home.open(), { durability, segmentBytes: undefined }));
}

async function valuesFor(port: MessagingPort, subscription: string, count: number): Promise<string[]> {
  const consumer = await port.subscribe(subscription, { credit: { messages: 100 } });
  const values: string[] = [];
  while (values.length < count) {
    const deliveries = await consumer.pull({ maxMessages: 100, waitMs: 2_000 });
    if (deliveries.length === 0) break;
    values.push(...deliveries.map(({ message }) => String(message.value)));
  }
  await consumer.close();
  return values;
}

describe('the place of a subscription', () => {
  it('of which only the watermark can be read is that: what is settled above it comes again, and the log opens', async () => {
    const engine = await (await temporaryPlace()).open();
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(101n);
    await engine.cursors.put('cursor/billing/0', Buffer.concat([bytes, Buffer.from([1, 0, 1, 0xa5, 1])]), 'os');
    expect(loadTracker(engine, 'billing', 0)?.watermark).toBe(101);
  });

  it('that was told to be the end, or moved to the beginning, is so after a power cut', async () => {
    const home = world();
    let port = await portOn(home);
    await port.createTopic({ name: 'orders' });
    await port.publish('orders', [{ value: 'before' }], { durability: 'fsync' });
    await port.createSubscription({ name: 'new', topic: 'orders', start: 'latest' });
    await port.createSubscription({ name: 'moved', topic: 'orders', start: 'latest' });
    await port.seek('moved', 'earliest');
    home.disk = home.disk.powerCutAtWorst();
    port = await portOn(home);
    await port.publish('orders', [{ value: 'after' }], { durability: 'fsync' });
    expect(await valuesFor(port, 'new', 1)).toEqual(['after']);
    expect(await valuesFor(port, 'moved', 2)).toEqual(['before', 'after']);
  });
});

it('an id that was made for a message makes none a repetition, also after a crash; one that was given does', async () => {
  const place = await temporaryPlace();
  const open = async (from: typeof place) =>
    await portFromDriver(driverOver(await from.open(), { durability: 'fsync', segmentBytes: undefined }));
  const port = await open(place);
  await port.createTopic({ name: 'orders' });
  const [made] = await port.publish('orders', [{ value: 'first' }]);
  await port.publish('orders', [{ value: 'second', id: 'given' }]);
  const again = await open(await place.afterCrash());
  const { messages } = await again.read('orders', 0, 'earliest', 10);
  expect(messages.map(({ id }) => id)).toEqual([made?.id, 'given']);
  const outcomes = await again.publish('orders', [
    { value: 'sent on under the id that it came with', id: made?.id ?? '' },
    { value: 'second', id: 'given' },
  ]);
  expect(outcomes.map((outcome) => outcome.kind === 'stored' && outcome.duplicate === true)).toEqual([false, true]);
});

it('a topic that a crash left without its definition becomes what it is made as', async () => {
  const place = await temporaryPlace();
  const engine = await place.open();
  let isBroken = true;
  const metadata = engine.metadata;
  const failing = new Proxy(engine, {
    get: (target, name) => {
      if (name === 'metadata')
        return {
          ...metadata,
          entries: () => metadata.entries(),
          get: (key: string) => metadata.get(key),
          put: async (key: string, value: Buffer | null, durability: 'os' | 'fsync') => {
            if (isBroken && key.includes('orders')) throw new PortError('storage_full', 'no room for the definition');
            await metadata.put(key, value, durability);
          },
        };
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  const port = await portFromDriver(driverOver(failing, { durability: 'os', segmentBytes: undefined }));
  await expect(port.createTopic({ name: 'orders', retention: { ms: 3_600_000 } })).rejects.toThrow();
  isBroken = false;
  await port.createTopic({ name: 'orders' });
  expect(engine.topic('orders')?.retention).toEqual({ ms: null, bytes: null });
  await port.close();
});
