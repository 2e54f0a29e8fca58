import { expect, test } from 'vitest';
import type { FetchAnswer, FetchPosition, KafkaClient } from '../../../src/adapters/kafka/kafka-client.ts';
import { kafkaLimits } from '../../../src/adapters/kafka/kafka-limits.ts';
import { readPartition } from '../../../src/adapters/kafka/raw-reader.ts';

const MESSAGES = 40;
const BYTES = 1024 * 1024;

test('a browse of large messages stops early and says where to go on, however many it was asked for', async () => {
  const first = await readPartition(client, 't', 0, 'earliest', 1_000);
  const bytes = first.messages.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
  expect(bytes).toBeLessThanOrEqual(kafkaLimits.readBytesMax + BYTES);
  expect(first.next).toBe(first.messages.length);
  const offsets = first.messages.map(({ offset }) => offset);
  for (let { next } = first; next < MESSAGES; ) {
    const page = await readPartition(client, 't', 0, next, 1_000);
    offsets.push(...page.messages.map(({ offset }) => offset));
    ({ next } = page);
  }
  expect(offsets).toEqual(Array.from({ length: MESSAGES }, (_, offset) => offset));
});

/** A partition of forty messages of 1 MiB; each fetch answers with three. */
const client = {
  listOffsets: async (_topic: string, partitions: readonly number[], at: string) =>
    new Map(partitions.map((partition) => [partition, at === 'earliest' ? 0 : MESSAGES])),
  knownPartitions: () => ({ partitions: [{ partition: 0, leader: 1, replicas: [1], inSync: [1] }], atMs: Date.now() }),
  fetch: async (_leader: number, [position]: readonly FetchPosition[]): Promise<readonly FetchAnswer[]> => {
    const from = position?.offset ?? 0;
    const nextOffset = Math.min(from + 3, MESSAGES);
    const records = Array.from({ length: nextOffset - from }, (_, index) => ({
      offset: from + index,
      key: null,
      value: Buffer.alloc(BYTES),
      headers: [],
      timestamp: 0,
    }));
    return [
      { topic: 't', partition: 0, type: null, endOffset: MESSAGES, records, nextOffset, bytes: records.length * BYTES },
    ];
  },
} as unknown as KafkaClient;
