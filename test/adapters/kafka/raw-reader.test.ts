/** A browse while retention removes what it is about to read. */

import { expect, it } from 'vitest';
import type { FetchAnswer, KafkaClient } from '../../../src/adapters/kafka/kafka-client.ts';
import { kafkaLimits } from '../../../src/adapters/kafka/kafka-limits.ts';
import { readPartition } from '../../../src/adapters/kafka/raw-reader.ts';

const END = 100;

/** A partition whose begin moves on by ten at each of the first `moves` fetches, before they are answered. */
function shrinking(moves: number): KafkaClient {
  let begin = 0;
  let left = moves;
  const fetch: KafkaClient['fetch'] = async (_leader, [position]) => {
    const { offset = 0, topic = '', partition = 0 } = position ?? {};
    if (left > 0) {
      left -= 1;
      begin += 10;
    }
    return [answerOf(topic, partition, offset, begin)];
  };
  const listOffsets: KafkaClient['listOffsets'] = async (_topic, partitions, where) =>
    new Map(partitions.map((partition) => [partition, where === 'earliest' ? begin : END]));
  const partitions = [{ partition: 0, leader: 1 }];
  return {
    fetch,
    listOffsets,
    knownPartitions: () => ({ partitions }),
    metadata: async (topics: readonly string[]) => new Map(topics.map((topic) => [topic, partitions])),
  } as unknown as KafkaClient;
}

function answerOf(topic: string, partition: number, offset: number, begin: number): FetchAnswer {
  const isRemoved = offset < begin;
  const records = isRemoved
    ? []
    : Array.from({ length: END - offset }, (_, index) => ({
        offset: offset + index,
        timestamp: 1,
        key: null,
        value: Buffer.from('v'),
        contentType: null,
        id: null,
        headers: [],
      }));
  const type = isRemoved ? 'OFFSET_OUT_OF_RANGE' : null;
  return { topic, partition, type, endOffset: END, records, nextOffset: isRemoved ? offset : END, bytes: 1 };
}

it('from the earliest begins at what is the earliest then', async () => {
  const { messages, next } = await readPartition(shrinking(3), 'orders', 0, 'earliest', 5);
  expect(messages.map(({ offset }) => offset)).toEqual([30, 31, 32, 33, 34]);
  expect(next).toBe(35);
});

it('from an offset that was removed meanwhile is refused: another place would be a hole in silence', async () => {
  await expect(readPartition(shrinking(1), 'orders', 0, 3, 5)).rejects.toMatchObject({ code: 'offset_out_of_range' });
});

it('gives up when the earliest moves away each time', async () => {
  const away = readPartition(shrinking(kafkaLimits.earliestMovesMax + 1), 'orders', 0, 'earliest', 5);
  await expect(away).rejects.toMatchObject({ code: 'offset_out_of_range' });
});
