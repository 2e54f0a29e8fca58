import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CONTENT_TYPE_HEADER, ID_HEADER } from '../../../src/adapters/log-codec.ts';
import {
  decodeRecords,
  encodeBatch,
  type RecordToWrite,
  recordBytes,
} from '../../../src/adapters/kafka/record-batch.ts';

const load = createRequire(import.meta.url);
const KafkaJsDecoder = load('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => unknown;
const decodeByKafkaJs = load('kafkajs/src/protocol/recordBatch/v0/decoder') as (decoder: unknown) => Promise<{
  readonly records: readonly {
    offset: string;
    timestamp: string;
    key: Buffer | null;
    value: Buffer | null;
    headers: Record<string, Buffer>;
  }[];
}>;
const crc32c = load('kafkajs/src/protocol/recordBatch/crc32C') as (bytes: Uint8Array) => number;

const bytes = fc.uint8Array({ maxLength: 200 }).map((value) => Buffer.from(value));
const headerName = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.constantFrom(ID_HEADER, CONTENT_TYPE_HEADER, 'sluice-iD', 'content-typ'),
);
const record: fc.Arbitrary<RecordToWrite> = fc.record({
  key: fc.option(bytes, { nil: null }),
  value: fc.option(bytes, { nil: null }),
  headers: fc.array(fc.record({ name: headerName, value: bytes }), { maxLength: 5 }),
  timestampMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
});
const batch = fc.array(record, { minLength: 1, maxLength: 50 });

describe('record batches', () => {
  test('are read back as they were written, header order and repeats included; the first id and content type apart', () => {
    fc.assert(
      fc.property(batch, (records) => {
        const { records: read, nextOffset } = decodeRecords(encodeBatch(records), 0, []);
        expect(nextOffset).toBe(records.length);
        expect(read).toEqual(
          records.map(({ key, value, headers, timestampMs }, offset) => {
            const [id, contentType] = [ID_HEADER, CONTENT_TYPE_HEADER].map((own) =>
              headers.find(({ name }) => name === own),
            );
            return {
              key,
              value,
              offset,
              timestamp: timestampMs,
              id: id?.value.toString() ?? null,
              contentType: contentType?.value.toString() ?? null,
              headers: headers.filter((header) => header !== id && header !== contentType),
            };
          }),
        );
      }),
    );
  });

  test('are read by kafkajs', async () => {
    await fc.assert(
      fc.asyncProperty(batch, async (records) => {
        const read = await decodeByKafkaJs(new KafkaJsDecoder(encodeBatch(records)));
        expect(read.records.map(({ key, value, timestamp }) => ({ key, value, timestamp }))).toEqual(
          records.map(({ key, value, timestampMs }) => ({ key, value, timestamp: String(timestampMs) })),
        );
      }),
    );
  });

  test('take no more bytes than was reckoned', () => {
    fc.assert(
      fc.property(batch, (records) => {
        const reckoned = records.reduce((sum, one) => sum + recordBytes(one), 61);
        expect(encodeBatch(records).length).toBeLessThanOrEqual(reckoned);
      }),
    );
  });

  test('are read from an offset inside, and only whole ones', () => {
    const one = rebased(encodeBatch([text('a'), text('b'), text('c')]), 10);
    const cut = rebased(encodeBatch([text('d')]), 13).subarray(0, -1);
    const { records, nextOffset } = decodeRecords(Buffer.concat([one, cut]), 11, []);
    expect(records.map(({ offset, value }) => [offset, String(value)])).toEqual([
      [11, 'b'],
      [12, 'c'],
    ]);
    expect(nextOffset).toBe(13);
  });

  test('with a flipped bit are refused', () => {
    const damaged = encodeBatch([text('abc')]);
    const last = damaged.length - 2;
    damaged.writeUInt8(damaged.readUInt8(last) ^ 1, last);
    expect(() => decodeRecords(damaged, 0, [])).toThrow(/wrong CRC/);
  });

  test('compressed with gzip are read, with another codec refused by name', () => {
    const plain = encodeBatch([text('abc'), text('def')]);
    const { records } = decodeRecords(compressed(plain, 1, gzipSync(plain.subarray(61))), 0, []);
    expect(records.map(({ value }) => String(value))).toEqual(['abc', 'def']);
    expect(() => decodeRecords(compressed(plain, 4, Buffer.from('x')), 0, [])).toThrow(/zstd/);
  });

  test('of an aborted transaction and control records are passed over', () => {
    const aborted = transactional(rebased(encodeBatch([text('aborted')]), 0), 7n, false);
    const marker = { ...text(''), key: Buffer.from([0, 0, 0, 0]) };
    const abort = transactional(rebased(encodeBatch([marker]), 1), 7n, true);
    const committed = transactional(rebased(encodeBatch([text('committed')]), 2), 7n, false);
    const { records, nextOffset } = decodeRecords(Buffer.concat([aborted, abort, committed]), 0, [
      { producerId: 7n, firstOffset: 0 },
    ]);
    expect(records.map(({ value }) => String(value))).toEqual(['committed']);
    expect(nextOffset).toBe(3);
  });

  test('of a control batch that compaction has emptied are none', () => {
    const emptied = encodeBatch([text('gone')]).subarray(0, 61);
    emptied.writeInt32BE(emptied.length - 12, 8);
    emptied.writeInt32BE(0, 57);
    const marker = transactional(rebased(emptied, 4), 7n, true);
    expect(decodeRecords(marker, 4, [])).toEqual({ records: [], nextOffset: 5 });
  });
});

function text(value: string): RecordToWrite {
  return { key: null, value: Buffer.from(value), headers: [], timestampMs: 1_000 };
}

function rebased(one: Buffer, baseOffset: number): Buffer {
  one.writeBigInt64BE(BigInt(baseOffset), 0);
  return one;
}

function compressed(plain: Buffer, codec: number, section: Buffer): Buffer {
  const one = Buffer.concat([plain.subarray(0, 61), section]);
  one.writeInt32BE(one.length - 12, 8);
  one.writeInt16BE(codec, 21);
  return sealed(one);
}

function transactional(one: Buffer, producerId: bigint, isControl: boolean): Buffer {
  one.writeInt16BE(isControl ? 0x30 : 0x10, 21);
  one.writeBigInt64BE(producerId, 43);
  return sealed(one);
}

function sealed(one: Buffer): Buffer {
  one.writeUInt32BE(crc32c(one.subarray(21)), 17);
  return one;
}
