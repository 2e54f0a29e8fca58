/** The publisher of the bare rows: batches, and their order. */

import type { Message, Producer } from 'kafkajs';
import { expect, it } from 'vitest';
import { batchingPublisher } from '../../src/compare/bare/kafka-publisher.ts';
import type { WirePublisher } from '../../src/compare/systems/wire.ts';

const batching = { acks: -1, lingerMs: 2, worthwhile: 10 };

it('what was published first is written first, however many partitions it goes to', async () => {
  const { producer, written } = slowToEncode();
  const publisher = batchingPublisher(producer, 't', batching);
  await published(publisher, ['warm']);
  // What fills a batch, of four keys, and what is enough for another one, of one of them.
  const keys = ['a', 'b', 'c', 'd'];
  await published(publisher, [
    ...Array.from({ length: fillsBatch }, (_, at) => keys[at % keys.length] as string),
    ...Array.from({ length: batching.worthwhile }, () => 'a'),
  ]);
  await publisher.close();
  expect(written.map(({ length }) => length)).toEqual([1, fillsBatch, batching.worthwhile]);
  const numbers = written.flat().map(({ value }) => Number(value));
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
});

it('a message does not wait for others where nothing is under way', async () => {
  const { producer, written } = slowToEncode();
  const publisher = batchingPublisher(producer, 't', batching);
  for (let at = 0; at < 5; at += 1) await published(publisher, ['a']);
  await publisher.close();
  expect(written).toHaveLength(5);
});

const valueBytes = 1_000;
const fillsBatch = 800;

let number = 0;

function published(publisher: WirePublisher, keys: readonly string[]): Promise<void> {
  const messages = keys.map((key) => ({ key, value: Buffer.from(String(number++).padEnd(valueBytes)) }));
  let left = keys.length;
  return new Promise((resolve) => {
    publisher.publish(messages, () => {
      left -= 1;
      if (left === 0) resolve();
    });
  });
}

/** As kafkajs does it: a step for each partition (here for each key), then it is written, and answered a moment later. */
function slowToEncode(): { readonly producer: Producer; readonly written: Message[][] } {
  const written: Message[][] = [];
  const producer = {
    async send({ messages }: { messages: Message[] }) {
      for (const _partition of new Set(messages.map(({ key }) => key))) await Promise.resolve();
      written.push(messages);
      await new Promise((resolve) => setTimeout(resolve, 1));
      return [];
    },
    disconnect: () => Promise.resolve(),
  };
  return { producer: producer as unknown as Producer, written };
}
