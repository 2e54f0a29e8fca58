import { describe, expect, it } from 'vitest';
import type { Engine, LogTopicOptions } from '../../src/core-log/index.ts';
import { limits } from '../../src/core-log/limits.ts';
import { segmentsToDrop } from '../../src/core-log/storage/retention.ts';
import { shouldSync, shouldWrite } from '../../src/core-log/storage/flush-policy.ts';
import { SparseIndex } from '../../src/core-log/storage/sparse-index.ts';
import { TimeIndex } from '../../src/core-log/storage/time-index.ts';
import {
  gate,
  logPath,
  partitionPath,
  readAll,
  rejection,
  START_MS,
  turns,
  until,
  valuesOf,
  type World,
  world,
} from './support.ts';

describe('appends and reads', () => {
  it('offsets are dense, and records come back with key, value, headers and time', async () => {
    const { engine } = await open();
    await engine.append('t', 0, [{ key: 'k', value: 'v', headers: [{ name: 'h', value: Buffer.from([0, 255]) }] }]);
    const { baseOffset, lastOffset } = await engine.append('t', 0, [
      { value: null, timestamp: 5 },
      { key: Buffer.from('é'), value: '' },
    ]);
    expect([baseOffset, lastOffset]).toEqual([1, 2]);
    expect(await readAll(engine, 't')).toEqual([
      {
        offset: 0,
        timestamp: START_MS,
        key: Buffer.from('k'),
        value: Buffer.from('v'),
        headers: [{ name: 'h', value: Buffer.from([0, 255]) }],
      },
      { offset: 1, timestamp: 5, key: null, value: null, headers: [] },
      { offset: 2, timestamp: START_MS, key: Buffer.from('é'), value: Buffer.alloc(0), headers: [] },
    ]);
  });

  it('a read at any offset begins with the record of that offset, from memory and from the disk', async () => {
    const { engine: first, made } = await open({ segmentBytes: 5_000 });
    let next = 0;
    for (let batch = 0; next < 200; batch += 1) {
      const count = 1 + (batch % 5);
      await first.append(
        't',
        0,
        Array.from({ length: count }, (_, index) => ({ value: `${next + index}`.padEnd(150) })),
      );
      next += count;
    }
    const check = async (engine: Engine): Promise<void> => {
      for (let offset = 0; offset < next; offset += 1) {
        const { records, next: after } = await engine.fetch('t', 0, offset, { maxRecords: 3 });
        expect(records.map((record) => record.value?.toString().trim())).toEqual(
          [offset, offset + 1, offset + 2]
            .filter((one) => one < next)
            .slice(0, records.length)
            .map(String),
        );
        expect(after).toBe((records.at(-1)?.offset ?? -2) + 1);
      }
    };
    await check(first);
    await first.close();
    await check(await made.open());
  });

  it('a fetch gives at most so many records and bytes, but at least one record', async () => {
    const { engine } = await open();
    for (let index = 0; index < 10; index += 1) await engine.append('t', 0, [{ value: 'x'.repeat(1_000) }]);
    expect((await engine.fetch('t', 0, 0, { maxRecords: 4 })).records).toHaveLength(4);
    expect((await engine.fetch('t', 0, 0, { maxBytes: 1 })).records).toHaveLength(1);
    expect((await engine.fetch('t', 0, 0, { maxBytes: 3_500 })).records).toHaveLength(3);
    expect((await engine.fetch('t', 0, 10)).records).toEqual([]);
    expect((await rejection(engine.fetch('t', 0, 0, { maxRecords: 0 }))).code).toBe('invalid_option');
    expect((await rejection(engine.fetch('t', 0, 0, { maxBytes: Number.NaN }))).code).toBe('invalid_option');
  });

  it('a fetch without bounds gives the default number of records', async () => {
    const { engine } = await open();
    await engine.append(
      't',
      0,
      Array.from({ length: limits.fetchRecordsDefault + 1 }, () => ({ value: '' })),
    );
    expect((await engine.fetch('t', 0, 0)).records).toHaveLength(limits.fetchRecordsDefault);
    expect((await engine.fetch('t', 0, 1)).records).toHaveLength(limits.fetchRecordsDefault);
  });

  it('a large group is written in pieces of their limit, each appended batch whole', async () => {
    const { engine, disk } = await open();
    const batch = Buffer.alloc(100_000);
    await Promise.all(Array.from({ length: 30 }, () => engine.append('t', 0, [{ value: batch }])));
    const sizes = disk.operations
      .filter(({ kind, path }) => kind === 'write' && path === logPath('t', 0))
      .map(({ bytes }) => bytes);
    expect(sizes.length).toBeGreaterThan(3);
    for (const size of sizes) expect(size).toBeLessThan(limits.groupBytesMax + batch.length + 100);
    expect(engine.status('t', 0).next).toBe(30);
  });

  it.each([-1, 3, 1.5, Number.NaN, Number.POSITIVE_INFINITY])(
    'offset %d of a log of 2 is out of range',
    async (offset) => {
      const { engine } = await open();
      await engine.append('t', 0, [{ value: 'a' }, { value: 'b' }]);
      expect((await rejection(engine.fetch('t', 0, offset))).code).toBe('offset_out_of_range');
    },
  );

  it('what was answered from memory is found by a read that comes before the write', async () => {
    const { engine, disk } = await open();
    const { passed, open: pass } = gate();
    disk.intruder = async ({ kind, path }) => {
      if (kind === 'write' && path === logPath('t', 0)) await passed;
    };
    await engine.append('t', 0, [{ value: 'a' }], { durability: 'memory' });
    const read = engine.fetch('t', 0, 0);
    await turns();
    pass();
    expect((await read).records).toHaveLength(1);
  });

  it('an append that is refused leaves no trace and takes no offset', async () => {
    const { engine } = await open();
    await engine.append('t', 0, [{ value: 'a' }]);
    expect((await rejection(engine.append('t', 0, []))).code).toBe('invalid_option');
    expect((await rejection(engine.append('t', 0, [{ value: 'b' }], { durability: 'maybe' as 'os' }))).code).toBe(
      'invalid_option',
    );
    expect((await rejection(engine.append('t', 1, [{ value: 'b' }]))).code).toBe('topic_not_found');
    expect((await rejection(engine.append('u', 0, [{ value: 'b' }]))).code).toBe('topic_not_found');
    expect((await engine.append('t', 0, [{ value: 'c' }])).baseOffset).toBe(1);
  });
});

describe('following a log', () => {
  it('wakes for an append without asking again and again, ends with the signal, and leaves nothing behind', async () => {
    const { engine, disk, clock } = await open();
    const stop = new AbortController();
    const seen: string[] = [];
    const reader = (async () => {
      for await (const { value } of engine.read('t', 0, { follow: true, signal: stop.signal }))
        seen.push(value?.toString() ?? '');
    })();
    await turns();
    const { timers } = clock;
    disk.operations.length = 0;
    await turns(50);
    expect([disk.operations.length, clock.timers]).toEqual([0, timers]);
    await engine.append('t', 0, [{ value: 'a' }]);
    await until(() => seen.length === 1, 'the reader has the first');
    await engine.append('t', 0, [{ value: 'b' }, { value: 'c' }]);
    await until(() => seen.length === 3, 'the reader has the rest');
    stop.abort();
    await reader;
    expect(seen).toEqual(['a', 'b', 'c']);
  });

  it('from latest sees what comes, not what was', async () => {
    const { engine } = await open();
    await engine.append('t', 0, [{ value: 'before' }]);
    const iterator = engine.read('t', 0, { from: 'latest', follow: true })[Symbol.asyncIterator]();
    const first = iterator.next();
    await turns();
    await engine.append('t', 0, [{ value: 'after' }]);
    expect((await first).value?.value?.toString()).toBe('after');
    await iterator.return?.();
  });

  it('waitForAppend is true at once when there is something, false when aborted, deleted or closed', async () => {
    const { engine } = await open({ partitions: 2 });
    await engine.append('t', 0, [{ value: 'a' }]);
    expect(await engine.waitForAppend('t', 0, 0)).toBe(true);
    expect(await engine.waitForAppend('t', 0, 1, AbortSignal.abort())).toBe(false);
    const stop = new AbortController();
    const aborted = engine.waitForAppend('t', 0, 1, stop.signal);
    stop.abort();
    expect(await aborted).toBe(false);
    await engine.createTopic('u');
    const deleted = engine.waitForAppend('u', 0, 0);
    await engine.deleteTopic('u');
    expect(await deleted).toBe(false);
    const closed = engine.waitForAppend('t', 1, 0);
    await engine.close();
    expect(await closed).toBe(false);
    expect(await engine.waitForAppend('t', 1, 0)).toBe(false);
  });
});

describe('segments', () => {
  it('begin a new file before the size is exceeded, named for their first offset', async () => {
    const { engine, disk } = await open({ segmentBytes: 2_000 });
    for (let index = 0; index < 9; index += 1) await engine.append('t', 0, [{ value: 'x'.repeat(532) }]); // 602 bytes each
    expect(disk.filesUnder(partitionPath('t', 0)).filter((path) => path.endsWith('.log'))).toEqual([
      logPath('t', 0, 0),
      logPath('t', 0, 3),
      logPath('t', 0, 6),
    ]);
    for (const base of [0, 3, 6]) expect(disk.contentOf(logPath('t', 0, base))?.length).toBeLessThanOrEqual(2_000);
  });

  it('take a batch that is larger than they are, alone', async () => {
    const { engine, made } = await open({ segmentBytes: limits.segmentBytesMin });
    for (const size of [10, 5_000, 10]) await engine.append('t', 0, [{ value: 'x'.repeat(size) }]);
    expect(engine.status('t', 0).segments).toBe(3);
    await engine.close();
    expect((await valuesOf(await made.open(), 't')).map((value) => value?.length)).toEqual([10, 5_000, 10]);
  });

  it('one group of appends may fill several', async () => {
    const { engine } = await open({ segmentBytes: limits.segmentBytesMin });
    await Promise.all(
      Array.from({ length: 10 }, (_, index) => engine.append('t', 0, [{ value: `${index}`.repeat(600) }])),
    );
    expect(engine.status('t', 0).segments).toBe(10);
    expect(await readAll(engine, 't')).toHaveLength(10);
  });

  it('are closed at their age, with retention and without', async () => {
    for (const retention of [{}, { ms: 10_000 }]) {
      const { engine, clock } = await open({ retention });
      await engine.append('t', 0, [{ value: 'old' }]);
      clock.advance('ms' in retention ? 10_000 : limits.segmentAgeMsMax);
      await engine.append('t', 0, [{ value: 'not old enough' }]);
      expect(engine.status('t', 0).segments).toBe(1);
      clock.advance(1);
      await engine.append('t', 0, [{ value: 'new' }]);
      expect(engine.status('t', 0).segments).toBe(2);
    }
  });

  it('that are closed keep so many files open and no more', async () => {
    const { engine, disk } = await open({ segmentBytes: limits.segmentBytesMin });
    const before = disk.openFiles;
    for (let index = 0; index < 3 * limits.openSegmentsMax; index += 1)
      await engine.append('t', 0, [{ value: 'x'.repeat(600) }]);
    expect(await readAll(engine, 't')).toHaveLength(3 * limits.openSegmentsMax);
    await turns();
    expect(disk.openFiles - before).toBeLessThanOrEqual(limits.openSegmentsMax);
    await engine.close();
    expect(disk.openFiles).toBe(0);
  });
});

describe('retention', () => {
  it('by bytes keeps at least that much', async () => {
    const { engine } = await open({ segmentBytes: limits.segmentBytesMin, retention: { bytes: 2_000 } });
    for (let index = 0; index < 10; index += 1) await engine.append('t', 0, [{ value: 'x'.repeat(530) }]); // 600 bytes each
    expect(await engine.applyRetention()).toBe(6);
    expect(engine.status('t', 0)).toMatchObject({ earliest: 6, next: 10, bytes: 2_400, segments: 4 });
    expect(await engine.applyRetention()).toBe(0);
  });

  it('by time lets a segment go when its latest record is old enough, the active one too once it is closed', async () => {
    const { engine, clock, made } = await open({ segmentBytes: limits.segmentBytesMin, retention: { ms: 1_000 } });
    for (let index = 0; index < 4; index += 1) {
      await engine.append('t', 0, [{ value: 'x'.repeat(600) }]);
      clock.advance(300);
    }
    // now 1200: ages 1200, 900, 600, 300
    expect(await engine.applyRetention()).toBe(1);
    clock.advance(10_000);
    expect(await engine.applyRetention()).toBe(3);
    expect(engine.status('t', 0)).toMatchObject({ earliest: 4, next: 4, bytes: 0 });
    await engine.close();
    const again = await made.open();
    expect((await again.append('t', 0, [{ value: 'x' }])).baseOffset).toBe(4);
  });

  it('is applied by the timer, and removes the files', async () => {
    const { engine, clock, disk } = await open({ segmentBytes: limits.segmentBytesMin, retention: { bytes: 1 } });
    for (let index = 0; index < 5; index += 1) await engine.append('t', 0, [{ value: 'x'.repeat(600) }]);
    clock.advance(limits.retentionCheckIntervalMsDefault);
    await until(() => engine.status('t', 0).segments === 1, 'the timer applied it');
    await until(() => disk.filesUnder(partitionPath('t', 0)).length === 2, 'one log and the mark are left');
    clock.advance(limits.retentionCheckIntervalMsDefault);
    await turns();
  });

  it('a reader in a segment that is removed reads on, and then is told that the offset is out of range', async () => {
    const { engine, made } = await open({ segmentBytes: limits.segmentBytesMin, retention: { bytes: 1 } });
    for (let index = 0; index < 6; index += 1) await engine.append('t', 0, [{ value: `${index}`.repeat(600) }]);
    await engine.close();
    const again = await made.open(); // nothing is in memory
    const { passed, open: pass } = gate();
    let isReading = false;
    made.disk.intruder = async ({ kind, path }) => {
      if (kind !== 'read' || path !== logPath('t', 0, 2)) return;
      isReading = true;
      await passed;
    };
    const read = again.fetch('t', 0, 2);
    await until(() => isReading, 'the read is under way');
    const removed = again.applyRetention();
    await turns();
    pass();
    expect((await read).records[0]?.value?.toString()).toBe('2'.repeat(600));
    expect(await removed).toBe(5);
    expect((await rejection(again.fetch('t', 0, 2))).code).toBe('offset_out_of_range');
    expect(again.status('t', 0).state).toBe('open');
  });

  it('a crash at each step of it leaves a log without holes', async () => {
    const count = 4;
    const setUp = async () => {
      const { engine, made } = await open({ segmentBytes: limits.segmentBytesMin, retention: { bytes: 1 } });
      for (let index = 0; index < count; index += 1) await engine.append('t', 0, [{ value: `${index}`.repeat(600) }]);
      made.clock.advance(limits.markDelayMs);
      await turns();
      made.disk.operations.length = 0;
      return { engine, made };
    };
    const { engine: whole, made: counted } = await setUp();
    await whole.applyRetention();
    for (let step = 1; step <= counted.disk.operations.length; step += 1) {
      for (const way of ['kill', 'powerCut'] as const) {
        const { engine, made } = await setUp();
        let left = step;
        made.disk.intruder = () => {
          left -= 1;
          return left > 0 ? undefined : new Promise<void>(() => undefined);
        };
        void engine.applyRetention();
        await until(() => left <= 0, `step ${step}`);
        made.disk = way === 'kill' ? made.disk.kill() : made.disk.powerCutAtWorst();
        const again = await made.open();
        const { earliest, next, state } = again.status('t', 0);
        expect([step, way, state, next]).toEqual([step, way, 'open', count]);
        expect((await readAll(again, 't')).map(({ offset }) => offset)).toEqual(
          Array.from({ length: next - earliest }, (_, index) => earliest + index),
        );
      }
    }
  });

  it.each([
    ['nothing goes without a policy', [10, 10, 10], { ms: null, bytes: null }, 0],
    ['the active segment never goes', [10], { ms: 0, bytes: 0 }, 0],
    ['by bytes, what is left is still enough', [10, 10, 10], { ms: null, bytes: 20 }, 1],
    ['by bytes, nothing goes when it would be too little', [10, 10, 10], { ms: null, bytes: 21 }, 0],
  ])('%s', (_, sizes, policy, count) => {
    const segments = sizes.map((size) => ({ size, maxTimestamp: 0 }));
    expect(segmentsToDrop(segments, policy, 1)).toBe(count);
  });

  it('by time only a front part goes, and at the age itself nothing', () => {
    const at = (...times: number[]) => [...times, 0].map((maxTimestamp) => ({ size: 1, maxTimestamp }));
    expect(segmentsToDrop(at(5, 20, 5), { ms: 10, bytes: null }, 16)).toBe(1);
    expect(segmentsToDrop(at(5), { ms: 10, bytes: null }, 15)).toBe(0);
    expect(segmentsToDrop(at(20, 5), { ms: 10, bytes: null }, 16)).toBe(0);
  });
});

describe('looking for a time', () => {
  it('finds the first record at or after it, as a walk over all records does, whatever the order of times', async () => {
    const { engine: first, made } = await open({ segmentBytes: 20_000 });
    const times: number[] = [];
    for (let batch = 0; batch < 120; batch += 1) {
      const records = Array.from({ length: 1 + (batch % 3) }, (_, index) => ({
        value: 'x'.repeat(300),
        timestamp: 10_000 + batch * 100 - ((batch * 7 + index * 13) % 11) * 60,
      }));
      times.push(...records.map(({ timestamp }) => timestamp));
      await first.append('t', 0, records);
    }
    const expected = (time: number): number => {
      const found = times.findIndex((one) => one >= time);
      return found === -1 ? times.length : found;
    };
    const check = async (engine: Engine): Promise<void> => {
      for (let time = 9_000; time < 23_000; time += 37)
        expect([time, await engine.offsetForTimestamp('t', 0, time)]).toEqual([time, expected(time)]);
    };
    await check(first);
    await first.close();
    await check(await made.open());
  });

  it('while retention removes segments does not fail', async () => {
    const { engine, disk, made } = await open({ segmentBytes: limits.segmentBytesMin, retention: { bytes: 1 } });
    for (let index = 0; index < 6; index += 1)
      await engine.append('t', 0, [{ value: 'x'.repeat(600), timestamp: index + 1 }]);
    await engine.close();
    const again = await made.open();
    const { passed, open: pass } = gate();
    let isLooking = false;
    disk.intruder = async ({ kind, path }) => {
      if (kind !== 'open' || path !== logPath('t', 0, 0)) return;
      isLooking = true;
      await passed;
    };
    const found = again.offsetForTimestamp('t', 0, 1);
    await until(() => isLooking, 'the first segment is opened');
    const removed = again.applyRetention();
    await turns();
    pass();
    await removed;
    expect(await found).toBeLessThanOrEqual(5);
  });
});

describe('the indexes', () => {
  it('the offset index leads to the last entry at or before an offset', () => {
    const index = new SparseIndex(100);
    expect(index.floor(150)).toBeNull();
    for (let entry = 1; entry <= 200; entry += 1)
      index.append({ lastOffset: 100 + entry * 10, position: entry * 4_096 });
    for (let offset = 100; offset < 2_200; offset += 1) {
      const entry = Math.min(200, Math.floor((offset - 100) / 10));
      expect(index.floor(offset)).toEqual(
        entry === 0 ? null : { lastOffset: 100 + entry * 10, position: entry * 4_096 },
      );
    }
    expect(new SparseIndex(100, Buffer.from(index.bytes)).floor(999)).toEqual(index.floor(999));
  });

  it('the time index never leads behind a record that is late enough', () => {
    const index = new TimeIndex(100);
    expect(index.startFor(0)).toBe(100);
    index.append(50, 110);
    index.append(40, 120); // not later: no entry
    index.append(70, 130);
    expect([49, 50, 51, 70, 71].map((time) => index.startFor(time))).toEqual([100, 100, 110, 110, 130]);
    const loaded = new TimeIndex(100, Buffer.from(index.bytes));
    loaded.append(70, 140);
    expect(loaded.bytes).toEqual(index.bytes);
  });

  it('on the disk are Kafka’s: 8 bytes an offset, 12 a time, one for about 4 KiB of log', async () => {
    const { engine, disk } = await open();
    for (let index = 0; index < 100; index += 1)
      await engine.append('t', 0, [{ value: 'x'.repeat(954), timestamp: index + 1 }]); // 1,024 bytes each
    await engine.close();
    const offsets = disk.contentOf(logPath('t', 0, 0, '.index')) ?? Buffer.alloc(0);
    const times = disk.contentOf(logPath('t', 0, 0, '.timeindex')) ?? Buffer.alloc(0);
    expect([offsets.readInt32BE(0), offsets.readInt32BE(4)]).toEqual([5, 5 * 1_024]);
    expect([times.readBigInt64BE(0), times.readInt32BE(8)]).toEqual([6n, 5]);
    expect(offsets.length / 8).toBe(19);
    expect(times.length / 12).toBe(20); // and the latest of all
  });
});

describe('the rules of group commit', () => {
  const idle = { queuedBytes: 1, eagerAppends: 0, isWriting: false, isSyncing: false };
  it.each([
    [{}, true],
    [{ queuedBytes: 0 }, false],
    [{ isWriting: true }, false],
    [{ isSyncing: true }, false],
    [{ isSyncing: true, eagerAppends: 1 }, true],
    [{ isSyncing: true, queuedBytes: limits.heldBytesMax - 1 }, false],
    [{ isSyncing: true, queuedBytes: limits.heldBytesMax }, true],
    [{ isWriting: true, isSyncing: true, eagerAppends: 1 }, false],
  ])('with %j writes: %s', (state, isDue) => {
    expect(shouldWrite({ ...idle, ...state })).toBe(isDue);
  });

  const half = limits.halvedGroupBytes;
  it.each([
    [{ unsyncedBytes: 0, groupBytesLeft: 0 }, false],
    [{ unsyncedBytes: 1, groupBytesLeft: 0 }, true],
    [{ unsyncedBytes: 1, groupBytesLeft: 0, isSyncing: true }, false],
    [{ unsyncedBytes: half - 1, groupBytesLeft: 1 }, false],
    [{ unsyncedBytes: half, groupBytesLeft: half }, true],
    [{ unsyncedBytes: half, groupBytesLeft: half + 1 }, false],
  ])('with %j syncs: %s', (state, isDue) => {
    expect(shouldSync({ isSyncing: false, ...state })).toBe(isDue);
  });
});

describe('memory', () => {
  it('of what was written last is bounded, and a batch too large for it does not push out the others', async () => {
    const { engine, disk } = await open({ partitions: 2 });
    await engine.append('t', 0, [{ value: 'small' }], { durability: 'os' });
    const large = Buffer.alloc(limits.hotTailBatchBytesMax + 1);
    await engine.append('t', 1, [{ value: large }], { durability: 'os' });
    disk.operations.length = 0;
    await engine.fetch('t', 0, 0);
    expect(readsOf(disk)).toBe(0);
    await engine.fetch('t', 1, 0);
    expect(readsOf(disk)).toBeGreaterThan(0);
    const fits = Buffer.alloc(limits.hotTailBatchBytesMax - 100);
    for (let bytes = 0; bytes < limits.hotTailBytesMax; bytes += fits.length) {
      await engine.append('t', 1, [{ value: fits }], { durability: 'os' });
      await engine.fetch('t', 1, engine.status('t', 1).next - 1);
    }
    disk.operations.length = 0;
    expect((await engine.fetch('t', 1, engine.status('t', 1).next - 1)).records).toHaveLength(1);
    expect(readsOf(disk)).toBe(0);
    expect((await engine.fetch('t', 0, 0)).records).toHaveLength(1);
    expect(readsOf(disk)).toBeGreaterThan(0);
  });

  it('of a partition that nobody reads only the end is kept', async () => {
    const { engine, disk } = await open();
    const value = Buffer.alloc(10_000, 'x');
    for (let bytes = 0; bytes < limits.hotTailUnreadBytesMax * 2; bytes += value.length)
      await engine.append('t', 0, [{ value }], { durability: 'os' });
    disk.operations.length = 0;
    await engine.fetch('t', 0, engine.status('t', 0).next - 1);
    expect(readsOf(disk)).toBe(0);
    await engine.fetch('t', 0, 0);
    expect(readsOf(disk)).toBeGreaterThan(0);
  });

  it('of batches is used again, but never under a reader', async () => {
    const { engine } = await open();
    const append = async (text: string): Promise<void> => {
      await engine.append('t', 0, [{ value: Buffer.alloc(10_000, text) }], { durability: 'os' });
    };
    const readers: { readonly text: string; readonly value: Buffer | null | undefined; readonly batch: string }[] = [];
    const batches: Buffer[] = [];
    for (let round = 0; round < 200; round += 1) {
      const text = String.fromCharCode(97 + (round % 26));
      await append(text);
      // Some are read at once, some later, most never.
      if (round % 7 !== 0) continue;
      const from = Math.max(0, round - (round % 5));
      const { records } = await engine.fetch('t', 0, from);
      const read = await engine.readBatches('t', 0, from);
      batches.push(read.batches[0] as Buffer);
      const written = String.fromCharCode(97 + (from % 26));
      readers.push({ text: written, value: records[0]?.value, batch: (read.batches[0] as Buffer).toString('latin1') });
    }
    for (let more = 0; more < 50; more += 1) await append('!'); // unread: what was kept is let go
    await Promise.all(Array.from({ length: 200 }, async () => await append('!'))); // and all of it is used again
    for (const [index, { text, value, batch }] of readers.entries()) {
      expect(value?.toString()).toBe(text.repeat(10_000));
      expect(batches[index]?.toString('latin1')).toBe(batch);
    }
    const all: string[] = [];
    for await (const { value } of engine.read('t', 0)) all.push(String(value?.toString('latin1', 0, 1)));
    expect(all.slice(0, 200)).toEqual(Array.from({ length: 200 }, (_, at) => String.fromCharCode(97 + (at % 26))));
    expect(all.slice(200).join('')).toBe('!'.repeat(250));
  });
});

function readsOf(disk: World['disk']): number {
  return disk.operations.filter(({ kind }) => kind === 'read').length;
}

async function open(topic: LogTopicOptions = {}) {
  const made = world();
  const engine = await made.open();
  await engine.createTopic('t', topic);
  return { made, engine, disk: made.disk, clock: made.clock };
}
