/**
 * Compaction keeps the latest record of each key with the offset that it had, and changes nothing else: not for readers, not
 * for appends, not for producers, and not when the process dies at any of its steps.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cp, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { compressFrameSync } from 'lz4-napi';
import { compressSync } from 'snappy';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Engine, File, FileSystem, LogRecord, RecordInput } from '../../src/core-log/index.ts';
import { limits } from '../../src/core-log/limits.ts';
import { systemFileSystem } from '../../src/core-log/platform/file-system.ts';
import { BATCH_HEADER_BYTES, sealBatch } from '../../src/core-log/record/batch-view.ts';
import { foreignBatch, type Place, readAll, START_MS, temporaryPlace, valuesOf } from './temporary-engine.ts';

const SEGMENT_BYTES = 1_024;

/** Fills a segment of its own, whatever was before: the next append closes it. */
async function fillSegment(engine: Engine, records: readonly RecordInput[]): Promise<void> {
  const filler = { key: 'filler', value: Buffer.alloc(SEGMENT_BYTES) };
  await engine.append('t', 0, [...records, filler], { durability: 'os' });
}

async function compactedTopic(
  place: Place,
  options: { deleteRetentionMs?: number; cleanup?: 'compact' | 'delete' } = {},
) {
  const engine = await place.open();
  await engine.createTopic('t', { cleanup: 'compact', segmentBytes: SEGMENT_BYTES, ...options });
  return engine;
}

function line({ offset, timestamp, key, value, headers }: LogRecord): string {
  const names = headers.map(({ name }) => name).join(',');
  return `${offset} ${timestamp - START_MS} ${String(key)}=${value === null ? 'null' : value.toString()} ${names}`;
}

const lines = async (engine: Engine) =>
  (await readAll(engine, 't')).filter(({ key }) => String(key) !== 'filler').map(line);

function latestByKey(records: readonly LogRecord[]): Map<string, string> {
  return new Map(records.map((record) => [String(record.key), line(record)]));
}

describe('compaction', () => {
  it('leaves of each key the latest record, where it was, and the active segment as it is', async () => {
    const place = await temporaryPlace();
    const engine = await compactedTopic(place);
    await fillSegment(engine, [
      { key: 'a', value: '1' },
      { key: 'b', value: '1', headers: [{ name: 'h', value: 'x' }] },
      { key: 'a', value: '2' },
    ]);
    await fillSegment(engine, [
      { key: 'c', value: '1', timestamp: START_MS + 7 },
      { key: 'a', value: '3' },
    ]);
    await engine.append('t', 0, [
      { key: 'd', value: '1' },
      { key: 'd', value: '2' },
      { key: 'c', value: '2' },
    ]);
    const before = engine.status('t', 0);
    expect(await engine.compact()).toBe(3); // twice a, once the filler
    const left = ['1 0 b=1 h', '4 7 c=1 ', '5 0 a=3 ', '7 0 d=1 ', '8 0 d=2 ', '9 0 c=2 '];
    expect(await lines(engine)).toEqual(left);
    expect(engine.status('t', 0)).toMatchObject({ earliest: before.earliest, next: before.next, state: 'open' });
    await engine.close();
    expect(await lines(await place.open())).toEqual(left);
  });

  it('runs by itself once enough is dirty, and not again when nothing is', async () => {
    const place = await temporaryPlace();
    const engine = await place.open({ compactionCheckIntervalMs: 5 });
    await engine.createTopic('t', { cleanup: 'compact', segmentBytes: SEGMENT_BYTES });
    for (let index = 0; index < 10; index += 1) await fillSegment(engine, [{ key: 'k', value: String(index) }]);
    await expect.poll(async () => (await lines(engine)).length, { timeout: 5_000 }).toBe(2);
    expect(await lines(engine)).toEqual(['16 0 k=8 ', '18 0 k=9 ']);
    // Readers see the new segment before the files of the old ones are gone; many checks later the directory still is as it was.
    let files: readonly string[] = [];
    const isSettled = (): boolean => {
      const before = files;
      files = readdirSync(place.partition('t')).toSorted();
      return files.join() === before.join();
    };
    await expect.poll(isSettled, { timeout: 5_000, interval: 50 }).toBe(true);
  });

  it('makes one segment of small neighbours', async () => {
    const place = await temporaryPlace();
    const engine = await compactedTopic(place);
    for (let index = 0; index < 20; index += 1) await fillSegment(engine, [{ key: `k-${index}`, value: 'v' }]);
    await engine.compact(); // each on its own: they were full
    await engine.compact(); // what is left fits together
    expect(engine.status('t', 0).segments).toBeLessThan(6);
    expect((await lines(engine)).length).toBe(20);
    await engine.close();
    const again = await place.open();
    expect((await lines(again)).length).toBe(20);
    expect(again.recovery.partitions).toEqual([]);
  });

  it('keeps a record without a key: nothing can stand for it', async () => {
    const place = await temporaryPlace();
    const engine = await compactedTopic(place, { cleanup: 'delete' });
    await fillSegment(engine, [{ value: 'keyless' }, { key: 'a', value: '1' }, { key: 'a', value: '2' }]);
    await fillSegment(engine, []);
    expect(await engine.compact()).toBe(0); // not a compacted topic yet
    await engine.alterTopic('t', { cleanup: 'compact' });
    expect(await engine.compact()).toBe(1);
    expect(await lines(engine)).toEqual(['0 0 null=keyless ', '2 0 a=2 ']);
  });

  it('with more keys than memory goes over the log in several passes, to the same end', async () => {
    const place = await temporaryPlace();
    let states = 0;
    const rename = async (from: string, to: string): Promise<void> => {
      if (to.endsWith('partition-state')) states += 1;
      await systemFileSystem.rename(from, to);
    };
    const engine = await place.open({ fileSystem: { ...systemFileSystem, rename } });
    await engine.createTopic('t', { cleanup: 'compact', segmentBytes: SEGMENT_BYTES });
    for (let round = 0; round < 3; round += 1) {
      for (let key = 0; key < 12; key += 1) await fillSegment(engine, [{ key: `k-${key}`, value: String(round) }]);
    }
    await fillSegment(engine, []);
    const original = limits.compactionMapBytesMax;
    Object.assign(limits, { compactionMapBytesMax: 5 * limits.compactionKeyOverheadBytes });
    onTestFinished(() => void Object.assign(limits, { compactionMapBytesMax: original }));
    await engine.compact();
    expect(states, 'each pass writes down twice how far it came').toBeGreaterThanOrEqual(2 * 5);
    expect((await lines(engine)).map((record) => record.split(' ')[2])).toEqual(
      Array.from({ length: 12 }, (_, key) => `k-${key}=2`),
    );
  });

  it('tells keys apart that differ only in their bytes or beyond the length that is kept', async () => {
    const place = await temporaryPlace();
    const engine = await compactedTopic(place);
    const long = Buffer.alloc(200, 'x');
    const other = Buffer.concat([long.subarray(0, 199), Buffer.from('y')]);
    const keys = [Buffer.from([0xff]), Buffer.from([0xfe]), Buffer.alloc(0), long, other];
    await fillSegment(
      engine,
      keys.map((key, index) => ({ key, value: String(index) })),
    );
    await fillSegment(engine, [{ key: long, value: 'new' }]);
    await fillSegment(engine, []);
    await engine.compact();
    const values = (await readAll(engine, 't'))
      .filter(({ key }) => String(key) !== 'filler')
      .map(({ value }) => String(value));
    expect(values).toEqual(['0', '1', '2', '4', 'new']);
  });
});

describe('a tombstone', () => {
  it('outlives what it deletes by the time of the topic, counted from the first pass that saw it', async () => {
    const place = await temporaryPlace();
    const engine = await compactedTopic(place, { deleteRetentionMs: 60_000 });
    await fillSegment(engine, [
      { key: 'a', value: '1' },
      { key: 'b', value: '1', timestamp: START_MS - 5 },
    ]);
    await fillSegment(engine, [{ key: 'a', value: null, timestamp: START_MS - 9 }]);
    await fillSegment(engine, []);
    place.clock.move(1_000_000);
    await engine.compact();
    expect(await lines(engine)).toEqual(['1 -5 b=1 ', '3 -9 a=null ']);
    place.clock.move(59_999);
    await engine.compact();
    expect(await lines(engine)).toEqual(['1 -5 b=1 ', '3 -9 a=null ']);
    place.clock.move(1);
    await engine.compact();
    expect(await lines(engine)).toEqual(['1 -5 b=1 ']);
  });

  it('goes by itself when its time is over, without anything new', async () => {
    const place = await temporaryPlace();
    const engine = await place.open({ compactionCheckIntervalMs: 5 });
    await engine.createTopic('t', { cleanup: 'compact', segmentBytes: SEGMENT_BYTES, deleteRetentionMs: 60_000 });
    await fillSegment(engine, [{ key: 'a', value: null }]);
    await fillSegment(engine, []);
    await engine.compact();
    expect(await lines(engine)).toEqual(['0 0 a=null ']);
    place.clock.move(60_000);
    await expect.poll(async () => await lines(engine), { timeout: 5_000 }).toEqual([]);
  });

  it('that is superseded by a new value goes with the others', async () => {
    const place = await temporaryPlace();
    const engine = await compactedTopic(place);
    await fillSegment(engine, [
      { key: 'a', value: '1' },
      { key: 'a', value: null },
    ]);
    await fillSegment(engine, [{ key: 'a', value: '2' }]);
    await fillSegment(engine, []);
    await engine.compact();
    expect(await lines(engine)).toEqual(['3 0 a=2 ']);
  });
});

describe('a compacted log', () => {
  /** Keys 0 to 6 in turn, times that jump about, some batches wholly superseded. */
  async function thinned(place: Place): Promise<Engine> {
    const engine = await compactedTopic(place);
    for (let index = 0; index < 60; index += 1) {
      const key = `k-${(index * index) % 7}`;
      const timestamp = START_MS + ((index * 37) % 50) * 100;
      await fillSegment(engine, [
        { key, value: `v-${index}`, timestamp },
        { key, value: `w-${index}`, timestamp: timestamp - 50 },
      ]);
    }
    await engine.compact();
    await engine.compact();
    return engine;
  }

  it('is read from every offset, in a gap from the next record on', async () => {
    const place = await temporaryPlace();
    const engine = await thinned(place);
    await engine.close();
    const again = await place.open();
    const all = await readAll(again, 't');
    const { earliest, next } = again.status('t', 0);
    expect(all.length).toBeLessThan(next / 3);
    for (let offset = earliest; offset < next; offset += 1) {
      const first = all.find((record) => record.offset >= offset);
      const { records } = await again.fetch('t', 0, offset, { maxRecords: 1 });
      expect(records.map(line)).toEqual(first === undefined ? [] : [line(first)]);
      const { batches } = await again.readBatches('t', 0, offset, { maxBytes: 1 });
      const last =
        batches[0] === undefined ? undefined : Number(batches[0].readBigInt64BE(0)) + batches[0].readInt32BE(23);
      expect(last ?? -1, `batch for ${offset}`).toBeGreaterThanOrEqual(offset);
    }
  });

  it('is found by time as a full scan finds it', async () => {
    const place = await temporaryPlace();
    const engine = await thinned(place);
    await engine.close();
    const again = await place.open();
    const all = await readAll(again, 't');
    for (let at = START_MS - 100; at < START_MS + 5_100; at += 50) {
      const first = all.find(({ timestamp }) => timestamp >= at)?.offset ?? again.status('t', 0).next;
      expect(await again.offsetForTimestamp('t', 0, at)).toBe(first);
    }
  });

  it('needs neither seals nor indexes, and a crash after it changes nothing', async () => {
    const place = await temporaryPlace();
    const engine = await thinned(place);
    const left = await place.afterCrash();
    for (const name of readdirSync(left.partition('t'))) {
      if (/\.(seal|index|timeindex)$/.test(name)) await rm(join(left.partition('t'), name));
    }
    const again = await left.open();
    expect(again.recovery.partitions).toEqual([]);
    expect((await readAll(again, 't')).map(line)).toEqual((await readAll(engine, 't')).map(line));
    expect(again.status('t', 0)).toMatchObject({ state: 'open', next: engine.status('t', 0).next });
  });

  it('still tells a loss from a gap: a segment that was not compacted yet and is gone fences the partition', async () => {
    const place = await temporaryPlace();
    const engine = await thinned(place);
    for (let index = 0; index < 3; index += 1) await fillSegment(engine, [{ key: 'later', value: String(index) }]);
    await engine.close();
    const logs = readdirSync(place.partition('t'))
      .filter((name) => name.endsWith('.log'))
      .toSorted();
    await rm(join(place.partition('t'), logs.at(-2) as string));
    expect((await place.open()).status('t', 0)).toMatchObject({ state: 'fenced' });
  });

  it('whose state file is damaged is read, and refuses appends', async () => {
    const place = await temporaryPlace();
    const engine = await thinned(place);
    const all = (await readAll(engine, 't')).map(line);
    await engine.close();
    await truncate(join(place.partition('t'), 'partition-state'), 20);
    const again = await place.open();
    expect((await readAll(again, 't')).map(line)).toEqual(all);
    await expect(again.append('t', 0, [{ key: 'k', value: 'v' }])).rejects.toMatchObject({
      code: 'log_corrupt',
      message: expect.stringContaining('partition-state'),
    });
  });

  it('with a bad byte in a closed segment is not compacted over it: the partition is fenced, the bytes stay', async () => {
    const place = await temporaryPlace();
    const engine = await compactedTopic(place);
    for (let index = 0; index < 4; index += 1) await fillSegment(engine, [{ key: 'k', value: String(index) }]);
    await engine.append('t', 0, [{ key: 'z', value: 'end' }]);
    await engine.close();
    const path = join(place.partition('t'), '00000000000000000002.log');
    const bytes = readFileSync(path);
    bytes[70] = (bytes[70] as number) ^ 1;
    await writeFile(path, bytes);
    const again = await place.open();
    await expect(again.compact()).rejects.toMatchObject({
      code: 'log_corrupt',
      message: expect.stringContaining(path),
    });
    expect(again.status('t', 0).state).toBe('fenced');
    expect(readFileSync(path)).toEqual(bytes);
  });
});

describe('while it is compacted', () => {
  it('a log takes appends and gives every reader what it had or what is left, never an error', async () => {
    const place = await temporaryPlace();
    const engine = await compactedTopic(place);
    await engine.alterTopic('t', { segmentBytes: 64 * 1024 });
    const written = new Map<number, string>();
    const append = async (round: number): Promise<void> => {
      const records = Array.from({ length: 100 }, (_, key) => ({
        key: `k-${key}`,
        value: `${round}`.padEnd(100, '.'),
      }));
      const { baseOffset } = await engine.append('t', 0, records, { durability: 'os' });
      for (const [index, { key, value }] of records.entries()) written.set(baseOffset + index, `${key}=${value}`);
    };
    for (let round = 0; round < 150; round += 1) await append(round);
    let isDone = false;
    const compacting = engine.compact().finally(() => {
      isDone = true;
    });
    let appends = 0;
    const appending = (async () => {
      while (!isDone) {
        await append(1_000 + appends);
        appends += 1;
      }
    })();
    let scans = 0;
    const reading = (async () => {
      while (!isDone) {
        let last = -1;
        for await (const { offset, key, value } of engine.read('t', 0)) {
          expect(offset).toBeGreaterThan(last);
          expect(`${String(key)}=${String(value)}`).toBe(written.get(offset));
          last = offset;
        }
        scans += 1;
      }
    })();
    expect(await compacting).toBeGreaterThan(10_000);
    await Promise.all([appending, reading]);
    expect(appends).toBeGreaterThan(5);
    expect(scans).toBeGreaterThan(0);
    expect(latestByKey(await readAll(engine, 't')).size).toBe(100);
  });

  it('an engine can be closed and a topic deleted: the pass is left, and nothing of it stays', async () => {
    const place = await temporaryPlace();
    const engine = await compactedTopic(place);
    await engine.alterTopic('t', { segmentBytes: 1024 * 1024 });
    for (let round = 0; round < 40; round += 1) {
      await engine.append(
        't',
        0,
        Array.from({ length: 100 }, (_, key) => ({ key: `k-${key}`, value: Buffer.alloc(1_000, round) })),
        { durability: 'os' },
      );
    }
    const before = latestByKey(await readAll(engine, 't'));
    const compacting = engine.compact();
    compacting.catch(() => undefined);
    await new Promise((resolve) => setImmediate(resolve));
    await engine.close();
    await compacting.catch((reason: unknown) => expect(reason).toMatchObject({ code: 'engine_closed' }));
    const again = await place.open();
    expect(latestByKey(await readAll(again, 't'))).toEqual(before);
    expect(readdirSync(place.partition('t')).filter((name) => /cleaned|swap/.test(name))).toEqual([]);
    const second = again.compact();
    second.catch(() => undefined);
    await again.deleteTopic('t');
    await second.catch((reason: unknown) => expect(reason).toMatchObject({ code: 'topic_not_found' }));
    expect(existsSync(place.partition('t'))).toBe(false);
  });

  it('retention and deleteRecords take their part', async () => {
    const place = await temporaryPlace();
    const engine = await compactedTopic(place);
    for (let index = 0; index < 30; index += 1) await fillSegment(engine, [{ key: `k-${index}`, value: 'v' }]);
    const [, earliest] = await Promise.all([
      engine.compact(),
      engine.deleteRecords('t', 0, 40),
      engine.applyRetention(),
    ]);
    expect(earliest).toBe(40);
    expect(await lines(engine)).toEqual(
      Array.from({ length: 10 }, (_, index) => `${40 + 2 * index} 0 k-${20 + index}=v `),
    );
    await engine.close();
    expect(await lines(await place.open())).toHaveLength(10);
  });
});

describe('compaction and producers', () => {
  it('leaves the last batch of a producer as a header: its sequence goes on, though nothing else says so', async () => {
    const place = await temporaryPlace();
    const engine = await compactedTopic(place);
    const send = async (to: Engine, sequence: number) =>
      await to.appendBatch(
        't',
        0,
        foreignBatch([{ key: 'k', value: String(sequence) }], {
          producerId: 9,
          producerEpoch: 1,
          baseSequence: sequence,
        }),
      );
    for (const sequence of [0, 1, 2]) await send(engine, sequence);
    await fillSegment(engine, [{ key: 'k', value: 'someone else' }]);
    await fillSegment(engine, []);
    await fillSegment(engine, []);
    expect(await engine.compact()).toBeGreaterThan(3);
    expect((await lines(engine)).map((record) => record.split(' ')[2])).toEqual(['k=someone']);
    await engine.close();
    // What was written down is lost: only the log is left to tell.
    for (const name of readdirSync(place.partition('t')))
      if (name.endsWith('.publishers')) await rm(join(place.partition('t'), name));
    const again = await place.open();
    expect(await send(again, 2)).toMatchObject({ baseOffset: 2, isDuplicate: true });
    await expect(send(again, 4)).rejects.toMatchObject({ code: 'out_of_order_sequence' });
    await send(again, 3);
  });

  it('knows all five of the window through compaction and a crash', async () => {
    const place = await temporaryPlace();
    const engine = await compactedTopic(place);
    const batch = (sequence: number) =>
      foreignBatch([{ key: 'k', value: String(sequence) }], {
        producerId: 9,
        producerEpoch: 1,
        baseSequence: sequence,
      });
    for (let sequence = 0; sequence < 8; sequence += 1) await engine.appendBatch('t', 0, batch(sequence));
    await engine.append('t', 0, [{ key: 'id', value: 'v' }], { ids: ['once'] });
    await fillSegment(engine, [
      { key: 'k', value: 'x' },
      { key: 'id', value: 'x' },
    ]);
    await fillSegment(engine, []);
    await engine.compact();
    const again = await (await place.afterCrash()).open();
    for (let sequence = 3; sequence < 8; sequence += 1) {
      expect(await again.appendBatch('t', 0, batch(sequence))).toMatchObject({
        baseOffset: sequence,
        isDuplicate: true,
      });
    }
    expect(await again.append('t', 0, [{ key: 'id', value: 'v' }], { ids: ['once'] })).toMatchObject({
      baseOffset: 8,
      isDuplicate: true,
    });
  });
});

describe('compressed batches', () => {
  const codecs: readonly [string, number, (records: Buffer) => Buffer][] = [
    ['gzip', 1, gzipSync],
    ['snappy', 2, (records) => compressSync(records)],
    ['lz4', 3, (records) => compressFrameSync(records)],
  ];
  it.each(codecs)('of %s are compacted and stay compressed', async (_, codec, compress) => {
    const place = await temporaryPlace();
    const engine = await compactedTopic(place);
    await engine.alterTopic('t', { segmentBytes: 100_000 });
    const records = Array.from({ length: 2_000 }, (__, index) => ({
      key: `k-${index % 1_500}`,
      value: `value ${index}`.padEnd(60, '.'),
    }));
    const plain = foreignBatch(records);
    const bytes = Buffer.concat([plain.subarray(0, BATCH_HEADER_BYTES), compress(plain.subarray(BATCH_HEADER_BYTES))]);
    bytes.writeInt32BE(bytes.length - 12, 8);
    bytes.writeInt16BE(codec, 21);
    sealBatch(bytes);
    await engine.appendBatch('t', 0, bytes);
    await engine.append('t', 0, [{ key: 'end', value: Buffer.alloc(100_000) }]);
    expect(await engine.compact()).toBe(500);
    const { batches } = await engine.readBatches('t', 0, 0, { maxBytes: 1 });
    expect([(batches[0] as Buffer).readInt16BE(21) & 7, (batches[0] as Buffer).readInt32BE(57)]).toEqual([
      codec,
      1_500,
    ]);
    expect((batches[0] as Buffer).length).toBeLessThan(plain.length / 2);
    expect((await valuesOf(engine, 't')).slice(0, -1).map((value) => value.split('.')[0])).toEqual(
      Array.from({ length: 1_500 }, (__, index) => `value ${index + 500}`),
    );
  });
});

describe('a process that dies while it compacts', () => {
  it('leaves after each of its steps a log with every latest record, and the next one ends the work', {
    timeout: 300_000,
  }, async () => {
    const origin = await temporaryPlace();
    const engine = await compactedTopic(origin);
    const batch = (index: number) =>
      foreignBatch([{ key: 'p', value: `p-${index}` }], { producerId: 5, producerEpoch: 0, baseSequence: index });
    const last = process.env['SLUICE_LONG'] === '1' ? 8 : 3;
    for (let index = 0; index <= last; index += 1) {
      await fillSegment(engine, [{ key: `k-${index % 2}`, value: `v-${index}` }]);
      await engine.appendBatch('t', 0, batch(index), { durability: 'os' });
    }
    const before = await readAll(engine, 't');
    const { next } = engine.status('t', 0);
    await engine.close();
    const original = new Set(before.map(line));
    const latest = latestByKey(before);
    const whole = await (await copyOf(origin)).open();
    await whole.compact();
    await whole.compact();
    const result = (await readAll(whole, 't')).map(line);
    expect(result.length).toBeLessThan(before.length);

    /** Lets the process die after so many operations; resolves with whether it did. */
    async function dieAfter(survived: number): Promise<boolean> {
      const place = await copyOf(origin);
      const files = mortalFiles();
      const dying = await place.open({ fileSystem: files });
      files.operationsLeft = survived;
      const isDead = await compactTwice(dying).then(
        () => false,
        () => true,
      );
      const about = `after ${survived} operations`;
      const left = await place.afterCrash();
      const again = await left.open();
      expect(again.status('t', 0), about).toMatchObject({ state: 'open', next });
      const records = await readAll(again, 't');
      expect(
        records.map(line).filter((record) => !original.has(record)),
        about,
      ).toEqual([]);
      expect(latestByKey(records), about).toEqual(latest);
      expect(await again.appendBatch('t', 0, batch(last)), about).toMatchObject({ isDuplicate: true });
      await compactTwice(again);
      expect((await readAll(again, 't')).map(line), about).toEqual(result);
      expect(
        readdirSync(left.partition('t')).filter((name) => /cleaned|swap|new/.test(name)),
        about,
      ).toEqual([]);
      await again.close();
      files.operationsLeft = Infinity;
      await dying.close();
      return isDead;
    }

    let survived = 0;
    for (let areDead = [true]; areDead.every(Boolean); survived += areDead.length) {
      const from = survived; // several at once: most of the time the disk is waited for
      areDead = await Promise.all(Array.from({ length: 8 }, async (_, index) => await dieAfter(from + index)));
    }
    expect(survived).toBeGreaterThan(40);
  });

  async function compactTwice(engine: Engine): Promise<void> {
    await engine.compact();
    await engine.compact();
  }

  async function copyOf(origin: Place): Promise<Place> {
    const place = await temporaryPlace(origin.clock);
    await cp(origin.dataDir, place.dataDir, { recursive: true, filter: (path) => !/\/lock(\.socket.*)?$/.test(path) });
    return place;
  }

  /** So many operations that change something happen; the one after them, if it is a write, half; the later ones not at all. */
  function mortalFiles(): FileSystem & { operationsLeft: number } {
    const live = (): void => {
      if (files.operationsLeft <= 0) throw new Error('the process is dead');
      files.operationsLeft -= 1;
    };
    const files = {
      ...systemFileSystem,
      operationsLeft: Infinity,
      open: async (path: string, mode: 'read' | 'write'): Promise<File> => {
        const file = await systemFileSystem.open(path, mode);
        return {
          path,
          read: async (into, position) => await file.read(into, position),
          write: async (buffers, position) => {
            const whole = Buffer.concat(buffers);
            if (files.operationsLeft === 0) await file.write([whole.subarray(0, whole.length / 2)], position);
            live();
            await file.write([whole], position);
          },
          dataSync: async () => {
            live();
            await file.dataSync();
          },
          truncate: async (size) => {
            live();
            await file.truncate(size);
          },
          size: async () => await file.size(),
          close: async () => await file.close(),
        };
      },
      rename: async (from: string, to: string) => {
        live();
        await systemFileSystem.rename(from, to);
      },
      remove: async (path: string) => {
        live();
        await systemFileSystem.remove(path);
      },
      syncDirectory: async (path: string) => {
        live();
        await systemFileSystem.syncDirectory(path);
      },
    };
    return files;
  }
});
