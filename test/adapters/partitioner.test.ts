import fc from 'fast-check';
import kafkajs from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { partitionForKey, StickyPartitions } from '../../src/adapters/partitioner.ts';

const partitioner = kafkajs.Partitioners.DefaultPartitioner();
const metadata = (partitions: number) =>
  Array.from({ length: partitions }, (_, partitionId) => ({
    partitionErrorCode: 0,
    partitionId,
    leader: 1,
    replicas: [1],
    isr: [1],
  }));

describe('the partitioner', () => {
  it('puts every key where a real Kafka client puts it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.integer({ min: 1, max: 64 }), (key, partitions) => {
        const message = { key: Buffer.from(key), value: null };
        expect(partitionForKey(key, partitions)).toBe(
          partitioner({ topic: 't', partitionMetadata: metadata(partitions), message }),
        );
      }),
      { numRuns: 2_000 },
    );
  });

  it('keeps known keys in known partitions, for ever', () => {
    const placed = ['', 'a', 'order-1', 'order-2', 'customer-42', 'é', '日本'].map((key) =>
      partitionForKey(Buffer.from(key), 12),
    );
    expect(placed).toMatchInlineSnapshot(`
      [
        9,
        4,
        10,
        3,
        9,
        3,
        3,
      ]
    `);
  });

  it('gives messages without a key one partition a call, and every partition its turn', () => {
    const sticky = new StickyPartitions();
    expect([1, 2, 3, 4].map(() => sticky.next('t', 3))).toEqual([0, 1, 2, 0]);
    expect(sticky.next('other', 3)).toBe(0);
  });
});
