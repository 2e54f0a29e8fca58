/** Tokens that outlive their process, on Kafka: while the group has no members, and by the member that has the partition now. */

import { randomUUID } from 'node:crypto';
import { expect, inject, it, onTestFinished, type TestContext } from 'vitest';
import { openPort } from '../../src/adapters/index.ts';
import type { Delivery, MessagingPort } from '../../src/adapters/port.ts';

const TIMEOUT = { timeout: 90_000 };

it(
  'an ack counts before anybody reads, and again is `already`; the message does not come',
  TIMEOUT,
  async (context) => {
    const world = await published(context, ['one', 'two', 'three']);
    const held = await pulled(world.port(), world.reader, 3);
    const port = await world.restart();
    const two = held.find((delivery) => valueOf(delivery) === 'two')!;
    expect(await statuses(port.ack(world.reader, [two.token, two.token]))).toEqual(['ok', 'already']);
    expect((await port.lag(world.reader)).total).toBe(2);
    const again = await world.restart();
    expect(await statuses(again.ack(world.reader, [two.token]))).toEqual(['already']);
    expect((await pulled(again, world.reader, 2)).map(valueOf)).toEqual(['one', 'three']);
    expect(await statuses(again.ack(world.reader, [held[0]!.token]))).toEqual(['expired']);
  },
);

it('an ack counts while the message is not out again, and a seek ends what was before it', TIMEOUT, async (context) => {
  const world = await published(context, ['one', 'two', 'three']);
  const held = await pulled(world.port(), world.reader, 3);
  const port = await world.restart();
  const consumer = await port.subscribe(world.reader, { credit: { messages: 1 } });
  const [first] = await consumer.pull({ maxMessages: 1, waitMs: 30_000 });
  expect(valueOf(first!)).toBe('one');
  expect(await statuses(port.ack(world.reader, [held[0]!.token, held[2]!.token]))).toEqual(['expired', 'ok']);
  expect(await statuses(port.ack(world.reader, [first!.token]))).toEqual(['ok']);
  expect((await consumer.pull({ maxMessages: 10, waitMs: 30_000 })).map(valueOf)).toEqual(['two']);
  await consumer.close();
  await port.seek(world.reader, 'earliest');
  const after = await world.restart();
  expect(await statuses(after.ack(world.reader, [held[1]!.token]))).toEqual(['expired']);
  expect((await pulled(after, world.reader, 3)).map(valueOf)).toEqual(['one', 'two', 'three']);
});

async function published(context: TestContext, messages: readonly string[]) {
  const handle = inject('kafka');
  if (handle === null) context.skip('no Kafka');
  const config = { brokers: [...(handle?.brokers ?? [])] };
  const open = async () => await openPort({ backend: 'kafka', config, tokens: { gateway: 'one' } });
  let port = await open();
  onTestFinished(async () => await port.close());
  const topic = `tokens-${randomUUID().slice(0, 8)}`;
  const reader = `${topic}-reader`;
  await port.createTopic({ name: topic });
  await port.createSubscription({ name: reader, topic, onExhausted: 'drop', ackDeadlineMs: 300_000 });
  await port.publish(
    topic,
    messages.map((value) => ({ value })),
  );
  return {
    reader,
    port: () => port,
    restart: async () => {
      await port.close();
      port = await open();
      return port;
    },
  };
}

/** So many, by a consumer that keeps them. */
async function pulled(port: MessagingPort, reader: string, count: number): Promise<Delivery[]> {
  const consumer = await port.subscribe(reader, { credit: { messages: 100 } });
  const deliveries: Delivery[] = [];
  while (deliveries.length < count) {
    const more = await consumer.pull({ maxMessages: 100, waitMs: 30_000 });
    if (more.length === 0) throw new Error(`${deliveries.length} of ${count} came`);
    deliveries.push(...more);
  }
  return deliveries;
}

async function statuses(results: ReturnType<MessagingPort['ack']>): Promise<string[]> {
  return (await results).map(({ status }) => status);
}

function valueOf({ message }: Delivery): string {
  return String(message.value);
}
