import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogRecord, RecordInput } from '../../src/core-log/index.ts';
import { limits } from '../../src/core-log/limits.ts';
import { buildBatch } from '../../src/core-log/record/batch-builder.ts';
import {
  baseOffsetOf,
  batchBytesOf,
  batchFault,
  lastOffsetOf,
  maxTimestampOf,
  placeBatch,
  readInt64,
  writeInt64,
} from '../../src/core-log/record/batch-view.ts';
import { crc32c } from '../../src/core-log/record/crc32c.ts';
import { readRecords } from '../../src/core-log/record/record-reader.ts';
import { VarintReader, varintSize, varlongSize, writeVarint, writeVarlong } from '../../src/core-log/record/varint.ts';
import { check } from './support.ts';

const NOW_MS = 1_700_000_000_000;
const everything = { maxRecords: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY };

/** Three records at offset 42, put together by hand after Kafka's description of the format; the checksum was computed bit by bit. */
const golden = {
  records: [
    { key: 'k1', value: 'hello', timestamp: NOW_MS },
    {
      key: null,
      value: '',
      timestamp: NOW_MS + 1_500,
      headers: [
        { name: 'h', value: 'v' },
        { name: 'h', value: null },
      ],
    },
    { key: '', value: null, timestamp: NOW_MS - 5 },
  ] satisfies RecordInput[],
  hex: [
    '000000000000002a', // base offset 42
    '00000055', // 85 bytes follow
    '00000000', // leader epoch
    '02', // magic
    'cbb7f8cf', // CRC-32C of all that follows
    '0000', // attributes
    '00000002', // last offset delta
    '0000018bcfe56800', // base timestamp
    '0000018bcfe56ddc', // max timestamp
    'ffffffffffffffff', // no producer
    'ffff', // no epoch
    'ffffffff', // no sequence
    '00000003', // three records
    // 13 bytes, attributes, delta 0, offset 0, key of 2, value of 5, no headers
    '1a 00 00 00 04 6b31 0a 68656c6c6f 00',
    // 14 bytes, attributes, delta 1500, offset 1, no key, empty value, two headers: h=v and h=null
    '1c 00 b817 02 01 00 04 02 68 02 76 02 68 01',
    // 6 bytes, attributes, delta -5, offset 2, empty key, null value, no headers
    '0c 00 09 04 00 01 00',
  ]
    .join('')
    .replaceAll(' ', ''),
};

describe('a record batch', () => {
  it('is, byte for byte, what Kafka writes', () => {
    const bytes = buildBatch(golden.records, NOW_MS);
    placeBatch(bytes, 42);
    expect(bytes.toString('hex')).toBe(golden.hex);
  });

  it('of bytes that somebody else wrote is read as the records that they hold', () => {
    const bytes = Buffer.from(golden.hex, 'hex');
    expect(batchFault(bytes, 0, bytes.length)).toBeNull();
    expect([baseOffsetOf(bytes), lastOffsetOf(bytes), maxTimestampOf(bytes), batchBytesOf(bytes)]).toEqual([
      42,
      44,
      NOW_MS + 1_500,
      97,
    ]);
    expect(plain(recordsOf(bytes))).toEqual([
      { offset: 42, timestamp: NOW_MS, key: 'k1', value: 'hello', headers: [] },
      { offset: 43, timestamp: NOW_MS + 1_500, key: null, value: '', headers: ['h=v', 'h=null'] },
      { offset: 44, timestamp: NOW_MS - 5, key: '', value: null, headers: [] },
    ]);
  });

  it('gives back whatever records were put in, in order, at whatever offset', () => {
    const bytesOrNull = fc.option(fc.uint8Array({ maxLength: 300 }), { nil: null });
    const record = fc.record({
      key: bytesOrNull,
      value: bytesOrNull,
      headers: fc.array(fc.record({ name: fc.string({ unit: 'grapheme' }), value: bytesOrNull }), { maxLength: 4 }),
      timestamp: fc.maxSafeNat().map((value) => value % 2 ** 52),
    });
    check(
      fc.property(fc.array(record, { minLength: 1, maxLength: 40 }), fc.maxSafeNat(), (records, place) => {
        const baseOffset = Math.min(place, Number.MAX_SAFE_INTEGER - records.length);
        const bytes = buildBatch(records, NOW_MS);
        placeBatch(bytes, baseOffset);
        expect(batchFault(bytes, 0, bytes.length)).toBeNull();
        expect(recordsOf(bytes)).toEqual(
          records.map(({ key, value, headers, timestamp }, index) => ({
            offset: baseOffset + index,
            timestamp,
            key: key === null ? null : Buffer.from(key),
            value: value === null ? null : Buffer.from(value),
            headers: headers.map((header) => ({
              // a lone surrogate cannot be stored as UTF-8
              name: Buffer.from(header.name).toString(),
              value: header.value === null ? null : Buffer.from(header.value),
            })),
          })),
        );
      }),
    );
  });

  it('with any one bit flipped is refused, but for the offset and the epoch that the log sets', () => {
    const whole = Buffer.from(golden.hex, 'hex');
    for (let bit = 0; bit < whole.length * 8; bit += 1) {
      const position = bit >>> 3;
      if (position < 8 || (position >= 12 && position < 16)) continue;
      const bytes = Buffer.from(whole);
      bytes[position] = (bytes[position] as number) ^ (1 << (bit & 7));
      expect(batchFault(bytes, 0, bytes.length), `bit ${bit}`).not.toBeNull();
    }
  });

  it('cut at any byte is refused', () => {
    const whole = Buffer.from(golden.hex, 'hex');
    for (let size = 0; size < whole.length; size += 1)
      expect(batchFault(whole.subarray(0, size), 0, size), `${size} bytes`).not.toBeNull();
  });

  it('is read in parts: from an offset on, so many records, so many bytes but at least one', () => {
    const bytes = buildBatch(
      Array.from({ length: 10 }, (_, index) => ({ value: `${index}`.repeat(100) })),
      NOW_MS,
    );
    const offsets = (from: number, bounds: { maxRecords: number; maxBytes: number }) => {
      const into: LogRecord[] = [];
      readRecords(bytes, from, bounds, into);
      return into.map(({ offset }) => offset);
    };
    expect(offsets(8, everything)).toEqual([8, 9]);
    expect(offsets(3, { ...everything, maxRecords: 2 })).toEqual([3, 4]);
    expect(offsets(3, { ...everything, maxBytes: 1 })).toEqual([3]);
    expect(offsets(3, { ...everything, maxBytes: 250 })).toEqual([3, 4]);
  });

  it('that is compressed is not read as if it were not', () => {
    const bytes = buildBatch([{ value: 'x' }], NOW_MS);
    bytes.writeInt16BE(1, 21);
    bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17);
    expect(() => recordsOf(bytes)).toThrow('a compressed batch is to be inflated first');
  });

  it('keeps what views of larger buffers, other typed arrays and strings hold, not what is around them', () => {
    const large = Buffer.from('....inside....');
    const words = new Uint8Array(new Uint8Array([9, 1, 2, 9]).buffer, 1, 2);
    const [record] = recordsOf(buildBatch([{ key: large.subarray(4, 10), value: words }], NOW_MS));
    expect(record?.key?.toString()).toBe('inside');
    expect(record?.value).toEqual(Buffer.from([1, 2]));
  });

  it.each([
    ['no record', [], 'invalid_option'],
    ['a timestamp before 1970', [{ value: '', timestamp: -1 }], 'invalid_option'],
    ['a timestamp that is no whole number', [{ value: '', timestamp: 1.5 }], 'invalid_option'],
    ['a timestamp that cannot be kept exactly', [{ value: '', timestamp: 2 ** 52 }], 'invalid_option'],
    ['a value that is a number', [{ value: 5 as unknown as string }], 'invalid_option'],
    ['a value that is missing', [{} as RecordInput], 'invalid_option'],
    ['a key that is an object', [{ key: {} as unknown as string, value: '' }], 'invalid_option'],
    [
      'a header without a name',
      [{ value: '', headers: [{ name: 1 as unknown as string, value: '' }] }],
      'invalid_option',
    ],
    [
      'more records than one append takes',
      Array.from({ length: limits.recordsPerAppendMax + 1 }, () => ({ value: '' })),
      'record_too_large',
    ],
    ['a record above its limit', [{ value: Buffer.alloc(limits.recordBytesMax) }], 'record_too_large'],
    [
      'a batch above its limit',
      Array.from({ length: 5 }, () => ({ value: Buffer.alloc(limits.batchBytesMax / 5) })),
      'record_too_large',
    ],
  ] satisfies [string, RecordInput[], string][])('is not made of %s', (_, records, code) => {
    expect(() => buildBatch(records, NOW_MS)).toThrow(expect.objectContaining({ code }));
  });

  it('is made of exactly as many records, and of a record exactly as large, as the limits say', () => {
    const many = buildBatch(
      Array.from({ length: limits.recordsPerAppendMax }, () => ({ value: '' })),
      NOW_MS,
    );
    expect(lastOffsetOf(many)).toBe(limits.recordsPerAppendMax - 1);
    // attributes, timestamp and offset delta, null key, header count are a byte each, the value's length is four
    const value = Buffer.alloc(limits.recordBytesMax - 9);
    expect(recordsOf(buildBatch([{ value }], NOW_MS))[0]?.value?.length).toBe(value.length);
    expect(() => buildBatch([{ value: Buffer.alloc(value.length + 1) }], NOW_MS)).toThrow(/at most/);
  });
});

describe('CRC-32C', () => {
  it('has the check value of the standard, and agrees with a bitwise one on any bytes', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
    check(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => {
        expect(crc32c(bytes)).toBe(bitwiseCrc32c(bytes));
      }),
    );
  });
});

describe('varints', () => {
  it.each([
    [0, '00'],
    [-1, '01'],
    [1, '02'],
    [63, '7e'],
    [-64, '7f'],
    [64, '8001'],
    [-65, '8101'],
    [300, 'd804'],
    [8_191, 'fe7f'],
    [-8_192, 'ff7f'],
    [8_192, '808001'],
    [2 ** 31 - 1, 'feffffff0f'],
    [-(2 ** 31), 'ffffffff0f'],
  ])('%d is %s', (value, hex) => {
    const bytes = Buffer.alloc(10);
    expect(bytes.subarray(0, writeVarint(bytes, 0, value)).toString('hex')).toBe(hex);
    expect(varintSize(value)).toBe(hex.length / 2);
    expect(new VarintReader(bytes, 0).next()).toBe(value);
  });

  it('hold any number up to 2^52 and its negative, in as many bytes as announced, like a bigint of 64 bits', () => {
    const any = fc.oneof(
      fc.integer(),
      fc.maxSafeNat().map((value) => value % (2 ** 52 + 1)),
      fc.maxSafeNat().map((value) => 0 - (value % (2 ** 52 + 1))), // never -0, which no varint holds
      fc.constantFrom(2 ** 31, -(2 ** 31) - 1, 2 ** 32, 2 ** 52, -(2 ** 52)),
    );
    check(
      fc.property(any, (value) => {
        const bytes = Buffer.alloc(12);
        const end = writeVarlong(bytes, 0, value);
        expect(end).toBe(varlongSize(value));
        expect(bytes.subarray(0, end).toString('hex')).toBe(bigVarint(value).toString('hex'));
        const reader = new VarintReader(bytes, 0);
        expect([reader.next(), reader.position]).toEqual([value, end]);
      }),
    );
  });

  it('that run out of their bytes, or never end, are an error and not a number', () => {
    expect(() => new VarintReader(Buffer.alloc(0), 0).next()).toThrow(RangeError);
    for (let size = 1; size <= 12; size += 1)
      expect(() => new VarintReader(Buffer.alloc(size, 0x80), 0).next(), `${size} bytes`).toThrow(RangeError);
  });
});

it('64-bit numbers are read and written exactly, up to 2^53 and below zero', () => {
  check(
    fc.property(fc.oneof(fc.maxSafeInteger(), fc.constantFrom(-1, 2 ** 32, -(2 ** 32), 2 ** 53 - 1)), (value) => {
      const bytes = Buffer.alloc(8);
      writeInt64(bytes, 0, value);
      expect([Number(bytes.readBigInt64BE(0)), readInt64(bytes, 0)]).toEqual([value, value]);
    }),
  );
});

function recordsOf(bytes: Buffer): LogRecord[] {
  const records: LogRecord[] = [];
  readRecords(bytes, 0, everything, records);
  return records;
}

function plain(records: readonly LogRecord[]) {
  return records.map(({ key, value, headers, ...rest }) => ({
    ...rest,
    key: key?.toString() ?? null,
    value: value?.toString() ?? null,
    headers: headers.map(({ name, value: text }) => `${name}=${text === null ? 'null' : text.toString()}`),
  }));
}

function bitwiseCrc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ ((crc & 1) === 1 ? 0x82f63b78 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

function bigVarint(value: number): Buffer {
  let zigzag = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
  const bytes: number[] = [];
  for (; zigzag >= 0x80n; zigzag >>= 7n) bytes.push(Number(zigzag & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(zigzag)]);
}
