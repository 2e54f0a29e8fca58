/**
 * Compressed batches are stored as they come and read like any others. kafka-segment.log was written by Kafka's own classes,
 * kafka-segment.jsonl is what Kafka's own reader finds in it (fixtures/KafkaSegment.java).
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { compressFrameSync } from 'lz4-napi';
import { compressSync } from 'snappy';
import { describe, expect, it } from 'vitest';
import type { LogRecord } from '../../src/core-log/index.ts';
import {
  BATCH_HEADER_BYTES,
  batchBytesOf,
  CRC_FROM,
  isControl,
  isTransactional,
  sealBatch,
} from '../../src/core-log/record/batch-view.ts';
import { inflateBatch } from '../../src/core-log/record/compression.ts';
import { foreignBatch, numbered, readAll, START_MS, temporaryPlace, valuesOf } from './temporary-engine.ts';

const fixtures = join(import.meta.dirname, 'fixtures');
const segment = readFileSync(join(fixtures, 'kafka-segment.log'));
const found: readonly { offset: number; compression: string }[] = readFileSync(
  join(fixtures, 'kafka-segment.jsonl'),
  'utf8',
)
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line));

function batchesOf(bytes: Buffer): Buffer[] {
  const batches: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += batchBytesOf(bytes, at))
    batches.push(bytes.subarray(at, at + batchBytesOf(bytes, at)));
  return batches;
}

/** As a line of kafka-segment.jsonl, without the compression, which a record does not know. */
function line({ offset, timestamp, key, value, headers }: LogRecord) {
  return {
    offset,
    timestamp,
    key: key?.toString('base64') ?? null,
    valueBytes: value?.length ?? -1,
    valueSha256: value === null ? null : createHash('sha256').update(value).digest('base64'),
    headers: headers.map((header) => [header.name, header.value?.toString('base64') ?? null]),
  };
}

const withoutCompression = (lines: typeof found) =>
  lines.map((record) => Object.fromEntries(Object.entries(record).filter(([field]) => field !== 'compression')));

describe('a segment that Kafka wrote', () => {
  it('is read record for record: every codec, both kinds of timestamp, nulls, headers, transactions as plain records', async () => {
    const place = await temporaryPlace();
    const engine = await place.open();
    await engine.createTopic('t');
    await engine.close();
    await appendFile(join(place.partition('t'), '00000000000000000000.log'), segment);
    const again = await place.open();
    expect(again.recovery.partitions).toEqual([]);
    expect((await readAll(again, 't')).map(line)).toEqual(withoutCompression(found));
    expect(new Set(found.map(({ compression }) => compression))).toEqual(
      new Set(['none', 'gzip', 'snappy', 'lz4', 'zstd']),
    );
  });

  it('is found by time in compressed batches as a full scan finds it', async () => {
    const place = await temporaryPlace();
    const engine = await place.open();
    await engine.createTopic('t');
    await engine.close();
    await appendFile(join(place.partition('t'), '00000000000000000000.log'), segment);
    const again = await place.open();
    const records = await readAll(again, 't');
    for (const at of [
      0,
      START_MS,
      START_MS + 20_000,
      START_MS + 44_994,
      START_MS + 90_500,
      START_MS + 500_030,
      Infinity,
    ]) {
      const first = records.find(({ timestamp }) => timestamp >= at)?.offset ?? again.status('t', 0).next;
      expect(await again.offsetForTimestamp('t', 0, at), String(at)).toBe(first);
    }
  });

  it('can be taken in batch by batch and comes out with the same bytes and the same records', async () => {
    const place = await temporaryPlace();
    const engine = await place.open();
    // Of the producer's batches only those of clients without transactions: a marker is not a client's to append.
    const batches = batchesOf(segment).filter((batch) => !isControl(batch) && !isTransactional(batch));
    await engine.createTopic('t');
    const sent = batches.filter((batch) => (batch.readInt16BE(21) & 8) === 0);
    for (const batch of sent) await engine.appendBatch('t', 0, Buffer.from(batch));
    await engine.close();
    const again = await place.open();
    const { batches: stored } = await again.readBatches('t', 0, 0, { maxBytes: segment.length });
    expect(stored.map((batch) => batch.subarray(CRC_FROM))).toEqual(sent.map((batch) => batch.subarray(CRC_FROM)));
    const offsets = new Set(
      sent.flatMap((batch) => {
        const base = Number(batch.readBigInt64BE(0));
        return Array.from({ length: batch.readInt32BE(57) }, (_, index) => base + index);
      }),
    );
    const content = (records: readonly object[]) => records.map((record) => ({ ...record, offset: 0 }));
    expect(content((await readAll(again, 't')).map(line))).toEqual(
      content(withoutCompression(found.filter(({ offset }) => offsets.has(offset)))),
    );
  });
});

/** A batch whose records are `records`, as the codec would have made them. */
function compressed(batch: Buffer, codec: number, compress: (records: Buffer) => Buffer): Buffer {
  const bytes = Buffer.concat([batch.subarray(0, BATCH_HEADER_BYTES), compress(batch.subarray(BATCH_HEADER_BYTES))]);
  bytes.writeInt32BE(bytes.length - 12, 8);
  bytes.writeInt16BE(codec, 21);
  sealBatch(bytes);
  return bytes;
}

describe('a compressed batch', () => {
  it('of raw snappy, without the framing of the Java client, is read too', async () => {
    const engine = await (await temporaryPlace()).open();
    await engine.createTopic('t');
    await engine.appendBatch(
      't',
      0,
      compressed(foreignBatch(numbered(50)), 2, (records) => compressSync(records)),
    );
    expect(await valuesOf(engine, 't')).toEqual(numbered(50).map(({ value }) => value));
  });

  it('is given out in small pieces, from any offset inside it', async () => {
    const engine = await (await temporaryPlace()).open();
    await engine.createTopic('t');
    await engine.append('t', 0, numbered(2, 'plain'));
    await engine.appendBatch('t', 0, compressed(foreignBatch(numbered(50)), 1, gzipSync));
    const values: string[] = [];
    for (let offset = 0; offset < 52; ) {
      const { records, next } = await engine.fetch('t', 0, offset, { maxRecords: 7 });
      values.push(...records.map(({ value }) => String(value)));
      offset = next;
    }
    expect(values).toEqual([...numbered(2, 'plain'), ...numbered(50)].map(({ value }) => value));
    const { records } = await engine.fetch('t', 0, 40, { maxRecords: 1 });
    expect([records[0]?.offset, String(records[0]?.value)]).toEqual([40, 'v-38']);
  });

  const bombs: readonly [string, number, (records: Buffer) => Buffer][] = [
    ['gzip', 1, gzipSync],
    ['snappy', 2, (records) => compressSync(records)],
    ['lz4', 3, (records) => compressFrameSync(records)],
  ];
  it.each(bombs)(
    'of %s that would become more than the bound is refused before it does',
    async (_, codec, compress) => {
      const batch = compressed(foreignBatch([{ value: Buffer.alloc(1024 * 1024) }]), codec, compress);
      expect(batch.length).toBeLessThan(64 * 1024);
      const refusal = { code: 'undecodable_batch', message: expect.stringMatching(/at most 500000|larger than/) };
      await expect(inflateBatch(batch, 500_000)).rejects.toMatchObject(refusal);
      expect((await inflateBatch(batch, 2_000_000)).length).toBeGreaterThan(1024 * 1024);
    },
  );

  it('of zstd that would become more than the bound is refused, by its window or while it is decoded', async () => {
    const large = batchesOf(segment).findLast(
      (batch) => (batch.readInt16BE(21) & 7) === 4 && batch.readInt32BE(57) === 3,
    );
    await expect(inflateBatch(large as Buffer, 100_000)).rejects.toMatchObject({ code: 'undecodable_batch' });
    // 120 KiB of one byte in 4 bytes of a block: its frame says single segment and no more than it is.
    const run = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0x00, 0xe0, 0x01, 0x00, 0x03, 0x00, 0x0f, 0x61]);
    const bomb = compressed(foreignBatch(numbered(1)), 4, () => run);
    await expect(inflateBatch(bomb, 100_000)).rejects.toMatchObject({
      code: 'undecodable_batch',
      message: expect.stringContaining('it may become 122880 bytes; at most 100000'),
    });
    // A window of 2 GiB for a few bytes.
    const greedy = compressed(foreignBatch(numbered(1)), 4, () =>
      Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 1, 0, 0]),
    );
    await expect(inflateBatch(greedy)).rejects.toMatchObject({ message: expect.stringContaining('2147483648 bytes') });
  });

  it.each([1, 2, 3, 4])(
    'that is not what its codec (%i) writes is an error that names file and offset, never a skip',
    async (codec) => {
      const place = await temporaryPlace();
      const engine = await place.open();
      await engine.createTopic('t');
      await engine.append('t', 0, numbered(2, 'before'));
      await engine.appendBatch(
        't',
        0,
        compressed(foreignBatch(numbered(3)), codec, () => Buffer.from('not compressed at all')),
      );
      await engine.append('t', 0, numbered(1, 'after'));
      expect((await engine.fetch('t', 0, 0)).records).toHaveLength(2);
      await expect(engine.fetch('t', 0, 2)).rejects.toMatchObject({
        code: 'undecodable_batch',
        message: expect.stringMatching(/t-0.00000000000000000000\.log: the batch at offset 2 cannot be decoded as/),
      });
      // It is no damage of the log: bytes go on to come in and out, and what is behind it can be read.
      expect(engine.status('t', 0).state).toBe('open');
      expect((await engine.readBatches('t', 0, 2)).batches).toHaveLength(2);
      expect(String((await engine.fetch('t', 0, 5)).records[0]?.value)).toBe('after-0');
    },
  );

  it('with a codec that has no meaning, found in a file, is an error that names file and offset', async () => {
    const place = await temporaryPlace();
    const engine = await place.open();
    await engine.createTopic('t');
    await engine.close();
    const path = join(place.partition('t'), '00000000000000000000.log');
    await appendFile(path, foreignBatch(numbered(2), { attributes: 6 }));
    const again = await place.open();
    const refusal = {
      code: 'unsupported_compression',
      message: expect.stringContaining(`${path}: the batch at offset 0`),
    };
    await expect(again.fetch('t', 0, 0)).rejects.toMatchObject(refusal);
    await expect(again.offsetForTimestamp('t', 0, START_MS)).rejects.toMatchObject(refusal);
    expect((await readFile(path)).length).toBeGreaterThan(0);
  });

  it('whose records are not records is an error that names file and offset', async () => {
    const engine = await (await temporaryPlace()).open();
    await engine.createTopic('t');
    await engine.appendBatch(
      't',
      0,
      compressed(foreignBatch(numbered(2)), 1, () => gzipSync(Buffer.alloc(40, 0xff))),
    );
    await expect(engine.fetch('t', 0, 0)).rejects.toMatchObject({
      code: 'undecodable_batch',
      message: expect.stringMatching(/\.log: the batch at offset 0 holds no records/),
    });
  });

  it('for a compacted topic is opened to look for keys, and keeps its turn meanwhile', async () => {
    const engine = await (await temporaryPlace()).open();
    await engine.createTopic('t', { cleanup: 'compact' });
    const keyed = [
      { key: 'a', value: '1' },
      { key: 'b', value: '2' },
    ];
    const answers = await Promise.allSettled([
      engine.appendBatch('t', 0, compressed(foreignBatch(keyed), 1, gzipSync)),
      engine.appendBatch('t', 0, compressed(foreignBatch(numbered(2)), 1, gzipSync)),
      engine.appendBatch('t', 0, foreignBatch(numbered(2))),
      engine.append('t', 0, [{ key: 'c', value: '3' }]),
      engine.appendBatch('t', 0, foreignBatch(keyed)),
    ]);
    const seen = answers.map((answer) =>
      answer.status === 'fulfilled' ? answer.value.baseOffset : answer.reason.code,
    );
    expect(seen).toEqual([0, 'key_required', 'key_required', 2, 3]);
  });
});
