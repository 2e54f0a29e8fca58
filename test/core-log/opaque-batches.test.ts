/** appendBatch and readBatches: bytes in, the same bytes out; what is not a batch for the topic stays outside. */

import { describe, expect, it } from 'vitest';
import { limits } from '../../src/core-log/limits.ts';
import { CRC_FROM, sealBatch } from '../../src/core-log/record/batch-view.ts';
import { foreignBatch, numbered, readAll, START_MS, temporaryPlace, valuesOf } from './temporary-engine.ts';

describe('a batch that somebody else built', () => {
  it('is kept byte for byte after its place, from memory and from the disk', async () => {
    const place = await temporaryPlace();
    const engine = await place.open();
    await engine.createTopic('t');
    await engine.append('t', 0, numbered(3));
    const sent = foreignBatch(
      [
        { key: 'k', value: 'a', headers: [{ name: 'h', value: null }] },
        { key: null, value: null },
      ],
      { producerId: 77, producerEpoch: 3, baseSequence: 12 },
    );
    const original = Buffer.from(sent);
    const answer = await engine.appendBatch('t', 0, sent);
    expect(answer).toEqual({ baseOffset: 3, lastOffset: 4, durability: 'fsync' });

    const hot = await engine.readBatches('t', 0, 3);
    await engine.close();
    const again = await place.open();
    const cold = await again.readBatches('t', 0, 3);
    for (const { batches, next } of [hot, cold]) {
      expect(next).toBe(5);
      expect(batches).toHaveLength(1);
      expect(batches[0]?.subarray(CRC_FROM)).toEqual(original.subarray(CRC_FROM));
      expect(batches[0]?.readBigInt64BE(0)).toBe(3n);
      expect(batches[0]?.readUInt32BE(17)).toBe(original.readUInt32BE(17));
    }
    const [, , , first, second] = await readAll(again, 't');
    expect(first?.headers).toEqual([{ name: 'h', value: null }]);
    expect([second?.offset, second?.key, second?.value]).toEqual([4, null, null]);
  });

  it('is handed on without a copy', async () => {
    const engine = await (await temporaryPlace()).open();
    await engine.createTopic('t');
    const sent = foreignBatch(numbered(2));
    await engine.appendBatch('t', 0, sent, { durability: 'os' });
    const { batches } = await engine.readBatches('t', 0, 0);
    expect(batches[0]?.buffer).toBe(sent.buffer);
    expect(batches[0]?.byteOffset).toBe(sent.byteOffset);
  });

  it('is found by any offset inside it, and the records before that offset are left out', async () => {
    const engine = await (await temporaryPlace()).open();
    await engine.createTopic('t');
    await engine.appendBatch('t', 0, foreignBatch(numbered(10)));
    await engine.appendBatch('t', 0, foreignBatch(numbered(5, 'w')));
    const { batches, next } = await engine.readBatches('t', 0, 7, { maxBytes: 1 });
    expect(batches.map((batch) => batch.readBigInt64BE(0))).toEqual([0n]);
    expect(next).toBe(10);
    const { records } = await engine.fetch('t', 0, 7, { maxRecords: 4 });
    expect(records.map(({ offset, value }) => `${offset}=${String(value)}`)).toEqual([
      '7=v-7',
      '8=v-8',
      '9=v-9',
      '10=w-0',
    ]);
    expect(await engine.readBatches('t', 0, 15)).toEqual({ batches: [], next: 15 });
    await expect(engine.readBatches('t', 0, 16)).rejects.toMatchObject({ code: 'offset_out_of_range' });
  });

  const spoiled: readonly [string, (bytes: Buffer) => Buffer, RegExp][] = [
    ['a flipped bit', (bytes) => flip(bytes, bytes.length - 1), /checksum/],
    ['another magic', (bytes) => set(bytes, 16, 1), /magic 1/],
    ['a length beyond its bytes', (bytes) => bytes.subarray(0, -1), /the batch has/],
    ['bytes behind it', (bytes) => Buffer.concat([bytes, Buffer.from([0])]), /1 bytes follow/],
    ['fewer bytes than a header', (bytes) => bytes.subarray(0, 60), /60 bytes are no batch/],
    [
      'a record count that its offsets deny',
      (bytes) => resealed(bytes, () => bytes.writeInt32BE(2, 57)),
      /2 records up to delta 2/,
    ],
    [
      'a record count that its records deny',
      (bytes) =>
        resealed(bytes, () => {
          bytes.writeInt32BE(3, 23);
          bytes.writeInt32BE(4, 57);
        }),
      /record 3 runs out/,
    ],
    ['no records', (bytes) => resealed(bytes, () => bytes.writeInt32BE(0, 57)), /0 records/],
    ['the mark of a transaction', (bytes) => resealed(bytes, () => bytes.writeInt16BE(0x30, 21)), /no transactions/],
    [
      'times of appending that are not ours',
      (bytes) => resealed(bytes, () => bytes.writeInt16BE(0x08, 21)),
      /times of appending/,
    ],
    ['a compression without a meaning', (bytes) => resealed(bytes, () => bytes.writeInt16BE(5, 21)), /compression 5/],
  ];
  it.each(spoiled)('with %s is refused, says why, and leaves no trace', async (_, spoil, why) => {
    const engine = await (await temporaryPlace()).open();
    await engine.createTopic('t');
    const refused = engine.appendBatch('t', 0, spoil(foreignBatch(numbered(3))));
    await expect(refused).rejects.toMatchObject({ code: 'invalid_batch', message: expect.stringMatching(why) });
    expect(await engine.append('t', 0, [{ value: 'next' }])).toMatchObject({ baseOffset: 0 });
    expect(await valuesOf(engine, 't')).toEqual(['next']);
  });

  it('with a record above the limit of the topic is refused, whichever record it is', async () => {
    const engine = await (await temporaryPlace()).open();
    await engine.createTopic('t', { maxRecordBytes: 1_000 });
    const large = { value: Buffer.alloc(1_000) };
    const small = { value: Buffer.alloc(900) };
    const refusal = {
      code: 'record_too_large',
      message: expect.stringMatching(/record 1 has 100\d bytes; at most 1000/),
    };
    await expect(engine.appendBatch('t', 0, foreignBatch([small, large]))).rejects.toMatchObject(refusal);
    await expect(engine.append('t', 0, [small, large])).rejects.toMatchObject(refusal);
    await engine.appendBatch('t', 0, foreignBatch([small, small]));
    expect(engine.status('t', 0).next).toBe(2);
  });

  it('waits for room like every append, and in its turn', async () => {
    const engine = await (await temporaryPlace()).open();
    await engine.createTopic('t');
    const block = { value: Buffer.alloc(limits.queuedBytesMax / 4) };
    const answers = await Promise.all([
      ...Array.from({ length: 6 }, async () => await engine.append('t', 0, [block], { durability: 'os' })),
      engine.appendBatch('t', 0, foreignBatch(numbered(2)), { durability: 'os' }),
      engine.append('t', 0, [{ value: 'last' }], { durability: 'os' }),
    ]);
    expect(answers.map(({ baseOffset }) => baseOffset)).toEqual([0, 1, 2, 3, 4, 5, 6, 8]);
  });
});

describe('a topic whose timestamps are the times of appending', () => {
  it('gives every record the time of its append, in batches of both doors, and looks them up by it', async () => {
    const place = await temporaryPlace();
    const engine = await place.open();
    await engine.createTopic('t', { timestampType: 'append' });
    await engine.append('t', 0, [
      { value: 'a', timestamp: 5 },
      { value: 'b', timestamp: 9_000 },
    ]);
    place.clock.move(1_000);
    const sent = foreignBatch([
      { value: 'c', timestamp: 7 },
      { value: 'd', timestamp: 8 },
    ]);
    await engine.appendBatch('t', 0, sent);
    await engine.close();
    const again = await place.open();
    expect((await readAll(again, 't')).map(({ timestamp }) => timestamp - START_MS)).toEqual([0, 0, 1_000, 1_000]);
    expect(await again.offsetForTimestamp('t', 0, START_MS + 1)).toBe(2);
    expect(await again.offsetForTimestamp('t', 0, START_MS)).toBe(0);
    expect(await again.offsetForTimestamp('t', 0, START_MS + 1_001)).toBe(4);
  });
});

function flip(bytes: Buffer, at: number): Buffer {
  return set(bytes, at, (bytes[at] as number) ^ 1);
}

function set(bytes: Buffer, at: number, value: number): Buffer {
  bytes[at] = value;
  return bytes;
}

function resealed(bytes: Buffer, change: () => void): Buffer {
  change();
  sealBatch(bytes);
  return bytes;
}
