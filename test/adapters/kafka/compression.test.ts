/** Bytes by hand for what the formats allow and Kafka's own producer does not write, and bytes that make no sense. */

import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decompress } from '../../../src/adapters/kafka/compression.ts';
import { KafkaFault } from '../../../src/adapters/kafka/errors.ts';
import { kafkaLimits } from '../../../src/adapters/kafka/kafka-limits.ts';

const GZIP = 1;
const SNAPPY = 2;
const LZ4 = 3;
const ZSTD = 4;

describe('snappy', () => {
  it('every kind of element, bare and in two framed blocks', () => {
    const literal = [(4 - 1) << 2, ...Buffer.from('abcd')];
    const short = [1 | ((5 - 4) << 2), 4]; // abcda
    const medium = [2 | ((3 - 1) << 2), 2, 0]; // dad
    const long = [3 | ((2 - 1) << 2), 12, 0, 0, 0]; // ab
    const counted = [60 << 2, 2 - 1, ...Buffer.from('xy')];
    const block = Buffer.from([16, ...literal, ...short, ...medium, ...long, ...counted]);
    const text = 'abcdabcdadadabxy';
    expect(decompress(block, SNAPPY).toString()).toBe(text);
    const head = Buffer.from([0x82, ...Buffer.from('SNAPPY'), 0, 0, 0, 0, 1, 0, 0, 0, 1]);
    const framed = [head, Buffer.from([0, 0, 0, block.length]), block, Buffer.from([0, 0, 0, block.length]), block];
    expect(decompress(Buffer.concat(framed), SNAPPY).toString()).toBe(text + text);
  });
});

describe('lz4', () => {
  it('blocks that refer to the one before, plain ones, sizes and checksums', () => {
    const flags = 0x40 | 0x10 | 0x08;
    const head = Buffer.from([0x04, 0x22, 0x4d, 0x18, flags, 0x40, 11, 0, 0, 0, 0, 0, 0, 0, 0x99]);
    const checksum = Buffer.alloc(4);
    const plain = Buffer.concat([Buffer.from([4, 0, 0, 0x80]), Buffer.from('abcd'), checksum]);
    const back = [(1 << 4) | 2, ...Buffer.from('x'), 4, 0, 1 << 4, ...Buffer.from('z')]; // x, bcdx and two more of it, z
    const packed = Buffer.concat([Buffer.from([back.length, 0, 0, 0]), Buffer.from(back), checksum]);
    expect(decompress(Buffer.concat([head, plain, packed, Buffer.alloc(4)]), LZ4).toString()).toBe('abcdxbcdxbcz');
  });
});

describe('what makes no sense', () => {
  it('is a fault that names the codec, never a hang and never another error', () => {
    const heads = [
      [],
      [5],
      [0x28, 0xb5, 0x2f, 0xfd],
      [0x28, 0xb5, 0x2f, 0xfd, 0x20],
      [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82],
      [0x82, ...Buffer.from('SNAPPY'), 0],
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...heads),
        fc.uint8Array({ maxLength: 100 }),
        fc.constantFrom(GZIP, SNAPPY, LZ4, ZSTD),
        (head, tail, codec) => {
          try {
            decompress(Buffer.from([...head, ...tail]), codec);
          } catch (reason) {
            expect(reason).toBeInstanceOf(KafkaFault);
            expect((reason as KafkaFault).message).toMatch(/compressed with (gzip|snappy|lz4|zstd)/);
          }
        },
      ),
    );
  });

  it('is also what would fill the memory', () => {
    const zeros = gzipSync(Buffer.alloc(kafkaLimits.decompressedBytesMax + 1));
    expect(() => decompress(zeros, GZIP)).toThrow(/compressed with gzip cannot be read/);
    const run = [0x1f, 0, 1, 0, ...Buffer.alloc(600_000, 255), 0];
    const head = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82]);
    const size = Buffer.alloc(4);
    size.writeUInt32LE(run.length);
    expect(() => decompress(Buffer.concat([head, size, Buffer.from(run), Buffer.alloc(4)]), LZ4)).toThrow(
      /holds more than/,
    );
  });

  it('is also a frame of zstd that wants a window of all the memory', () => {
    const huge = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 31 << 3, 1, 0, 0]);
    expect(() => decompress(huge, ZSTD)).toThrow(/wants a window of/);
  });

  it('a codec that is none', () => {
    expect(() => decompress(Buffer.alloc(4), 5)).toThrow(/compressed with 5, which is not read/);
  });
});
