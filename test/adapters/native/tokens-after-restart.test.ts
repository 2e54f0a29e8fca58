/** Tokens that outlive their process, on the native log: honoured while nobody else was handed the message, told what they are otherwise. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openPort } from '../../../src/adapters/index.ts';
import type { Consumer, Delivery, MessagingPort } from '../../../src/adapters/port.ts';

describe('after a restart', () => {
  it('an ack counts before anybody pulls, and again is `already`; the message does not come', async () => {
    const world = await published(['one', 'two', 'three']);
    const [first, second] = await world.pull();
    const port = await world.restart();
    expect(await statuses(port.ack('reader', [second!.token, second!.token]))).toEqual(['ok', 'already']);
    const again = await world.restart();
    expect(await statuses(again.ack('reader', [second!.token]))).toEqual(['already']);
    expect(values(await world.pull())).toEqual(['one', 'three']);
    expect(await statuses(again.ack('reader', [first!.token]))).toEqual(['expired']);
  });

  it('an ack counts while the message lies ready, and is `expired` once somebody else was handed it', async () => {
    const world = await published(['one', 'two', 'three']);
    const [first, second, third] = await world.pull();
    const port = await world.restart();
    const consumer = await world.consumer();
    const [handed] = await consumer.pull({ maxMessages: 1, waitMs: 5_000 });
    expect(values([handed!])).toEqual(['one']);
    expect(await statuses(port.ack('reader', [first!.token, third!.token]))).toEqual(['expired', 'ok']);
    expect(values(await consumer.pull({ maxMessages: 10, waitMs: 5_000 }))).toEqual(['two']);
    expect(await statuses(port.ack('reader', [handed!.token, second!.token]))).toEqual(['ok', 'expired']);
    expect((await port.lag('reader')).total).toBe(1);
  });

  it('keeps order: an acknowledged message in the middle of a lane is passed over', async () => {
    const world = await published(['one', 'two', 'three'], { ordering: 'partition' });
    const held = await world.pull();
    expect(values(held)).toEqual(['one']);
    const port = await world.restart();
    const consumer = await world.consumer();
    expect(await statuses(port.ack('reader', [held[0]!.token]))).toEqual(['ok']);
    expect(values(await consumer.pull({ maxMessages: 10, waitMs: 5_000 }))).toEqual(['two']);
  });

  it('only an ack counts: the message comes again by itself after everything else', async () => {
    const world = await published(['one']);
    const [one] = await world.pull();
    const port = await world.restart();
    const { token } = one!;
    const answers = [
      await statuses(port.nack('reader', [token])),
      await statuses(port.release('reader', [token])),
      await statuses(port.reject('reader', [token])),
      await statuses(port.extend('reader', [token], 1_000)),
    ];
    expect(answers.flat()).toEqual(['expired', 'expired', 'expired', 'expired']);
    expect(values(await world.pull())).toEqual(['one']);
  });

  it('one whose time is over is `expired`', async () => {
    const world = await published(['one'], { ackDeadlineMs: 100 });
    const [one] = await world.pull();
    const port = await world.restart();
    await expect.poll(() => Date.now() > one!.deadlineMs).toBe(true);
    expect(await statuses(port.ack('reader', [one!.token]))).toEqual(['expired']);
    expect(values(await world.pull())).toEqual(['one']);
  });

  it('a subscription that was moved, or made again, takes none of before', async () => {
    const world = await published(['one', 'two']);
    const [one] = await world.pull();
    await world.port().seek('reader', 'earliest');
    const moved = await world.restart();
    expect(await statuses(moved.ack('reader', [one!.token]))).toEqual(['expired']);
    const [again] = await world.pull();
    await moved.deleteSubscription('reader');
    await moved.createSubscription({ name: 'reader', topic: 'orders', start: 'earliest' });
    const made = await world.restart();
    expect(await statuses(made.ack('reader', [again!.token]))).toEqual(['expired']);
    expect(values(await world.pull())).toEqual(['one', 'two']);
  });

  it('another subscription, and another log, know nothing of it', async () => {
    const world = await published(['one']);
    await world.port().createSubscription({ name: 'other', topic: 'orders', start: 'earliest' });
    const [one] = await world.pull();
    expect(await statuses(world.port().ack('other', [one!.token]))).toEqual(['invalid']);
    const elsewhere = await published(['one']);
    expect(await statuses(elsewhere.port().ack('reader', [one!.token]))).toEqual(['invalid']);
  });

  it('another message at the same offset is not acknowledged by it', async () => {
    const world = await published(['one']);
    const [one] = await world.pull();
    // As after a power cut that took the unsynced end of the log: the topic is there, its messages are others.
    const port = await world.restart();
    const definition = await port.describeSubscription('reader');
    await port.deleteTopic('orders');
    await port.createTopic({ name: 'orders' });
    await port.createSubscription({ ...definition, start: 'earliest' } as never);
    await port.publish('orders', [{ value: 'new' }]);
    expect(await statuses(port.ack('reader', [one!.token]))).toEqual(['expired']);
    expect(values(await world.pull())).toEqual(['new']);
  });
});

interface World {
  port(): MessagingPort;
  restart(): Promise<MessagingPort>;
  consumer(): Promise<Consumer>;
  /** What is there at once, by a new consumer that keeps it. */
  pull(): Promise<readonly Delivery[]>;
}

async function published(messages: readonly string[], subscription: object = {}): Promise<World> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-tokens-'));
  let port = await openPort({ backend: 'native', config: { dataDir } });
  onTestFinished(async () => {
    await port.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  await port.createTopic({ name: 'orders' });
  await port.createSubscription({ name: 'reader', topic: 'orders', ...subscription });
  await port.publish(
    'orders',
    messages.map((value) => ({ value })),
  );
  const consumer = async (): Promise<Consumer> => await port.subscribe('reader', { credit: { messages: 100 } });
  return {
    port: () => port,
    restart: async () => {
      await port.close();
      port = await openPort({ backend: 'native', config: { dataDir } });
      return port;
    },
    consumer,
    pull: async () => await (await consumer()).pull({ maxMessages: 100, waitMs: 5_000 }),
  };
}

async function statuses(results: ReturnType<MessagingPort['ack']>): Promise<string[]> {
  return (await results).map(({ status }) => status);
}

function values(deliveries: readonly Delivery[]): string[] {
  return deliveries.map(({ message }) => String(message.value));
}
