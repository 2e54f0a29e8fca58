import { describe, expect, it } from 'vitest';
import type { Engine } from '../../src/core-log/index.ts';
import { limits } from '../../src/core-log/limits.ts';
import { batchBytesOf } from '../../src/core-log/record/batch-view.ts';
import { DATA_DIR, logPath, partitionPath, readAll, rejection, turns, valuesOf, type World, world } from './support.ts';

const LOG = logPath('t', 0);
const MARK = partitionPath('t', 0, 'synced-mark');

describe('a torn tail', () => {
  it('cut at any byte of the last records is cut back to the last whole one, and kept aside', async () => {
    const { bytes, ends } = await logWithTail();
    for (let size = ends[0] as number; size < bytes.length; size += 1) {
      const { disk, open } = await crashed(bytes.subarray(0, size));
      const engine = await open();
      const whole = ends.filter((end) => end <= size).length;
      const end = ends[whole - 1] as number;
      expect(await valuesOf(engine, 't'), `${size} bytes`).toEqual(['synced', 'a', 'b', 'c'].slice(0, whole));
      expect(engine.status('t', 0)).toMatchObject({ state: 'open', next: whole });
      const file = `${LOG}.${end}.quarantine`;
      if (size === end) {
        expect(engine.recovery.partitions).toEqual([]);
        expect(disk.contentOf(file)).toBeUndefined();
      } else {
        expect(engine.recovery.partitions).toEqual([
          { topic: 't', partition: 0, truncatedBytes: size - end, quarantineFile: file, fencedReason: null },
        ]);
        expect(disk.contentOf(file)).toEqual(bytes.subarray(end, size));
      }
      expect((await engine.append('t', 0, [{ value: 'next' }])).baseOffset).toBe(whole);
      await engine.close();
    }
  });

  it('that is zeros is cut, and a record behind them is not taken for the next one', async () => {
    const { bytes, ends } = await logWithTail();
    const holed = Buffer.concat([bytes, Buffer.alloc(4_096)]);
    holed.fill(0, ends[1], ends[2]);
    const { disk, open } = await crashed(holed);
    const engine = await open();
    expect(await valuesOf(engine, 't')).toEqual(['synced', 'a']);
    expect(disk.contentOf(`${LOG}.${ends[1]}.quarantine`)).toEqual(holed.subarray(ends[1]));
  });

  it('with any bit flipped in it is cut there, never served', async () => {
    const { bytes, ends } = await logWithTail();
    for (let bit = (ends[1] as number) * 8; bit < (ends[2] as number) * 8; bit += 1) {
      const position = bit >>> 3;
      const inBatch = position - (ends[1] as number);
      if (inBatch >= 12 && inBatch < 16) continue; // the epoch, which nobody checks
      const bad = Buffer.from(bytes);
      bad[position] = (bad[position] as number) ^ (1 << (bit & 7));
      const { open } = await crashed(bad);
      expect(await valuesOf(await open(), 't'), `bit ${bit}`).toEqual(['synced', 'a']);
    }
  });

  it('that spans segments takes the later segments with it into one quarantine file', async () => {
    const made = world();
    const engine = await made.open();
    await engine.createTopic('t', { segmentBytes: limits.segmentBytesMin });
    for (let index = 0; index < 6; index += 1)
      await engine.append('t', 0, [{ value: `${index}`.repeat(600) }], { durability: 'os' });
    const bytes = Buffer.from(made.disk.contentOf(logPath('t', 0, 3)) ?? []);
    made.disk.put(logPath('t', 0, 3), bytes.subarray(0, 100));
    made.disk = made.disk.kill();
    const again = await made.open();
    expect(again.status('t', 0)).toMatchObject({ state: 'open', next: 3 });
    const [found] = again.recovery.partitions;
    const file = `${logPath('t', 0, 3)}.0.quarantine`;
    expect([found?.quarantineFile, found?.truncatedBytes]).toEqual([file, 100 + 2 * bytes.length]);
    expect(made.disk.contentOf(file)?.length).toBe(100 + 2 * bytes.length);
    expect((await again.append('t', 0, [{ value: 'next' }])).baseOffset).toBe(3);
    expect(await readAll(again, 't')).toHaveLength(4);
  });

  it('recovered twice, or after a crash at each step of recovery, gives the same', async () => {
    const { bytes, ends } = await logWithTail();
    const torn = bytes.subarray(0, (ends[2] as number) + 30);
    const steps = await (async () => {
      const { disk, open } = await crashed(torn);
      disk.operations.length = 0;
      await open();
      return disk.operations.length;
    })();
    expect(steps).toBeGreaterThan(20);
    for (let step = 1; step <= steps; step += 1) {
      const made = await crashed(torn);
      let left = step;
      made.disk.intruder = () => {
        left -= 1;
        return left > 0 ? undefined : new Promise<void>(() => undefined);
      };
      void made.open();
      await turns(3);
      expect(left).toBeLessThanOrEqual(0);
      made.disk = step % 2 === 0 ? made.disk.kill() : made.disk.powerCutAtWorst();
      const engine = await made.open();
      expect(await valuesOf(engine, 't'), `step ${step}`).toEqual(['synced', 'a', 'b']);
      expect((await engine.append('t', 0, [{ value: 'next' }])).baseOffset).toBe(3);
      const kept = made.disk.filesUnder(partitionPath('t', 0)).filter((path) => path.endsWith('.quarantine'));
      expect(kept.length).toBeGreaterThan(0);
    }
  });
});

describe('damage below the synced mark', () => {
  it('fences that partition with file and position, serves what is whole, and leaves the files as they are', async () => {
    const { made, bytes, ends } = await damagedInTheMiddle();
    const engine = await made.open();
    const status = engine.status('t', 0);
    expect(status).toMatchObject({ state: 'fenced', earliest: 0, next: 5 });
    expect(status.reason).toContain(LOG);
    expect(status.reason).toContain(`position ${ends[1]}`);
    const refused = await rejection(engine.append('t', 0, [{ value: 'x' }]));
    expect(refused).toMatchObject({ code: 'log_corrupt', damage: { file: LOG, position: ends[1], nextOffset: 3 } });
    expect((await engine.fetch('t', 0, 0)).records.map(({ offset }) => offset)).toEqual([0, 1]);
    expect(await rejection(engine.fetch('t', 0, 2))).toMatchObject({
      code: 'log_corrupt',
      damage: { position: ends[1], nextOffset: 3 },
    });
    expect((await engine.fetch('t', 0, 3)).records.map(({ offset }) => offset)).toEqual([3, 4]);
    expect(engine.recovery.partitions[0]?.fencedReason).toBe(status.reason);
    await engine.close();
    expect(made.disk.contentOf(LOG)).toEqual(bytes);
    expect((await made.open()).status('t', 0).state).toBe('fenced'); // and again
  });

  it('leaves the other partitions and topics open', async () => {
    const { made } = await damagedInTheMiddle();
    const engine = await made.open();
    expect((await engine.append('t', 1, [{ value: 'x' }])).baseOffset).toBe(1);
    await engine.createTopic('other');
    expect((await engine.append('other', 0, [{ value: 'x' }])).baseOffset).toBe(0);
  });

  it('that a read finds in a closed segment fences the partition then', async () => {
    const { made, engine: first } = await segments();
    await first.close();
    flip(made, logPath('t', 0, 2), 70);
    const engine = await made.open();
    expect(engine.status('t', 0).state).toBe('open'); // closed in order: nobody looked yet
    expect((await rejection(readAll(engine, 't'))).code).toBe('log_corrupt');
    expect(engine.status('t', 0)).toMatchObject({
      state: 'fenced',
      reason: expect.stringContaining(logPath('t', 0, 2)),
    });
    expect((await rejection(engine.append('t', 0, [{ value: 'x' }]))).code).toBe('log_corrupt');
    expect((await engine.fetch('t', 0, 3)).records.length).toBeGreaterThan(0);
  });

  it('is found again at each open, also after somebody read around it and its indexes were made again', async () => {
    const { made, engine: first } = await segments(2 * limits.openSegmentsMax + 4);
    await first.close();
    flip(made, logPath('t', 0, 1), 70);
    for (const path of made.disk.filesUnder(partitionPath('t', 0)))
      if (!path.endsWith('.log') && path !== MARK) made.disk.erase(path);
    const second = await made.open();
    expect(second.status('t', 0).state).toBe('fenced');
    for (let offset = 0; offset < second.status('t', 0).next; offset += 1)
      await second.fetch('t', 0, offset, { maxBytes: 1 }).catch(() => undefined);
    expect((await rejection(second.fetch('t', 0, 1))).code).toBe('log_corrupt');
    await second.close();
    expect((await made.open()).status('t', 0).state).toBe('fenced');
  });

  it('a segment that is gone, or is shorter than what was synced, fences the partition', async () => {
    for (const spoil of [
      ({ disk }: World) => disk.erase(logPath('t', 0, 2)),
      ({ disk }: World) => disk.erase(logPath('t', 0, 5)),
      ({ disk }: World) =>
        disk.put(logPath('t', 0, 5), disk.contentOf(logPath('t', 0, 5))?.subarray(0, 9) ?? Buffer.alloc(0)),
      ({ disk }: World) => disk.put(logPath('t', 0, 5), Buffer.alloc(0)),
      ({ disk }: World) => disk.put(logPath('t', 0, 2), Buffer.alloc(0)),
    ]) {
      const { made, engine } = await segments();
      await engine.close();
      spoil(made);
      const again = await made.open();
      expect(again.status('t', 0)).toMatchObject({ state: 'fenced', next: 6 });
      // offsets that were given out are not given out again, and nothing good is dropped
      expect((await again.fetch('t', 0, 0)).records.length).toBeGreaterThan(0);
      expect((await rejection(again.append('t', 0, [{ value: 'x' }]))).code).toBe('log_corrupt');
    }
  });

  it('a partition without any file is fenced, and not begun again at offset 0', async () => {
    const { made, engine } = await segments();
    await engine.close();
    for (const path of made.disk.filesUnder(partitionPath('t', 0))) made.disk.erase(path);
    expect((await made.open()).status('t', 0).state).toBe('fenced');
  });

  it('a log file shortened under a running engine is damage, not a read without end', async () => {
    const { made, engine } = await segments();
    await engine.close();
    const again = await made.open();
    await again.fetch('t', 0, 1); // opens segments
    made.disk.put(logPath('t', 0, 3), Buffer.alloc(20));
    expect((await rejection(again.fetch('t', 0, 3))).code).toBe('log_corrupt');
  });

  it('a batch inside the value of a damaged record is not served as if it were one of the log', async () => {
    const { bytes } = await logWithTail();
    const inner = bytes.subarray(0, batchBytesOf(bytes)); // claims offset 0
    const made = world();
    const engine = await made.open();
    await engine.createTopic('t');
    await engine.append('t', 0, [{ value: Buffer.concat([Buffer.from('....'), inner, inner]) }]);
    await engine.append('t', 0, [{ value: 'behind' }]);
    await engine.close();
    flip(made, LOG, 75);
    const again = await made.open();
    expect(await rejection(again.fetch('t', 0, 0))).toMatchObject({ code: 'log_corrupt', damage: { nextOffset: 1 } });
    expect((await again.fetch('t', 0, 1)).records[0]?.value?.toString()).toBe('behind');
  });
});

describe('the synced mark', () => {
  it('is on the disk a second after a sync, and after that a bad tail counts as damage', async () => {
    const made = world();
    const engine = await made.open();
    await engine.createTopic('t');
    await engine.append('t', 0, [{ value: 'a' }]);
    made.clock.advance(limits.markDelayMs);
    await turns();
    flip(made, LOG, 65);
    made.disk = made.disk.kill();
    expect((await made.open()).status('t', 0)).toMatchObject({ state: 'fenced', next: 1 });
  });

  it('that is missing or damaged is made again from a log that is whole', async () => {
    for (const spoil of [
      (made: World) => made.disk.erase(MARK),
      (made: World) => made.disk.put(MARK, Buffer.alloc(96)),
      (made: World) => made.disk.put(MARK, Buffer.from('short')),
    ]) {
      const { made, engine } = await segments();
      await engine.close();
      spoil(made);
      const again = await made.open();
      expect(await readAll(again, 't')).toHaveLength(6);
      expect((await again.append('t', 0, [{ value: 'x' }])).baseOffset).toBe(6);
      made.disk = made.disk.powerCutAtWorst();
      expect(made.disk.contentOf(MARK)?.length).toBeGreaterThan(0);
      expect(await readAll(await made.open(), 't')).toHaveLength(7);
    }
  });

  it('that is missing beside a torn tail fences the partition: nothing is cut on a guess', async () => {
    const { bytes, ends } = await logWithTail();
    const { disk, open } = await crashed(bytes.subarray(0, (ends[2] as number) + 10));
    disk.erase(MARK);
    const engine = await open();
    expect(engine.status('t', 0).state).toBe('fenced');
    expect(await valuesOf(engine, 't').catch(() => 'damaged')).toEqual(['synced', 'a', 'b']);
    expect(disk.filesUnder(partitionPath('t', 0)).filter((path) => path.endsWith('.quarantine'))).toEqual([]);
  });

  it('half written is the one before', async () => {
    const { made, engine } = await segments();
    await engine.close();
    const bytes = Buffer.from(made.disk.contentOf(MARK) ?? []);
    for (const slot of [0, 48]) {
      const torn = Buffer.from(bytes);
      torn.fill(0, slot + 20, slot + 48);
      made.disk.put(MARK, torn);
      const again = await made.open();
      expect(again.status('t', 0)).toMatchObject({ state: 'open', next: 6 });
      await again.close();
    }
  });
});

describe('index files', () => {
  const spoilings: [string, (bytes: Buffer) => Buffer | null][] = [
    ['missing', () => null],
    ['empty', () => Buffer.alloc(0)],
    ['short', (bytes) => bytes.subarray(0, Math.floor(bytes.length / 2))],
    ['too long', (bytes) => Buffer.concat([bytes, Buffer.alloc(24)])],
    ['of zeros', (bytes) => Buffer.alloc(bytes.length)],
    ['wrong', (bytes) => Buffer.alloc(bytes.length, 0x7f)],
  ];
  for (const suffix of ['.index', '.timeindex', '.seal']) {
    it.each(spoilings)(`${suffix} that are %s are made again, and every lookup answers the same`, async (_, spoil) => {
      const { made, engine } = await indexed();
      const before = await lookups(engine);
      await engine.close();
      const paths = made.disk.filesUnder(partitionPath('t', 0)).filter((path) => path.endsWith(suffix));
      expect(paths.length).toBeGreaterThan(1);
      const original = new Map(paths.map((path) => [path, Buffer.from(made.disk.contentOf(path) ?? [])]));
      for (const [path, bytes] of original) {
        const spoiled = spoil(bytes);
        if (spoiled === null) made.disk.erase(path);
        else made.disk.put(path, spoiled);
      }
      const again = await made.open();
      expect(await lookups(again)).toEqual(before);
      await again.close();
      for (const [path, bytes] of original) expect(made.disk.contentOf(path)?.length, path).toBe(bytes.length);
    });
  }

  it('without a log are removed', async () => {
    const { made, engine } = await segments();
    await engine.close();
    for (const suffix of ['.index', '.timeindex', '.seal']) made.disk.put(logPath('t', 0, 99, suffix), Buffer.alloc(8));
    made.disk.put(`${logPath('t', 0, 98)}.deleted`, Buffer.alloc(8));
    await made.open();
    expect(made.disk.filesUnder(partitionPath('t', 0)).filter((path) => /9[89]\./.test(path))).toEqual([]);
  });
});

describe('closing a segment', () => {
  it('that fails half-way leaves nothing in the way of the next open, also after smaller appends went on', async () => {
    const made = world();
    const engine = await made.open();
    await engine.createTopic('t', { segmentBytes: limits.segmentBytesMin });
    await engine.append('t', 0, [{ value: 'x'.repeat(600) }]);
    // As if the process had died between making the next segment and removing it again.
    made.disk.put(logPath('t', 0, 1), Buffer.alloc(0));
    await engine.append('t', 0, [{ value: 'small' }]);
    for (let index = 0; index < 3; index += 1) await engine.append('t', 0, [{ value: 'y'.repeat(600) }]);
    made.clock.advance(limits.markDelayMs);
    await turns();
    made.disk = made.disk.kill();
    const again = await made.open();
    expect(again.status('t', 0)).toMatchObject({ state: 'open', next: 5 });
    expect(await readAll(again, 't')).toHaveLength(5);
  });
});

/** One synced record, three that are written only; where each ends. */
async function logWithTail(): Promise<{ bytes: Buffer; ends: number[] }> {
  const made = world();
  const engine = await made.open();
  await engine.createTopic('t');
  const ends: number[] = [];
  for (const value of ['synced', 'a', 'b', 'c']) {
    await engine.append('t', 0, [{ value }], { durability: value === 'synced' ? 'fsync' : 'os' });
    ends.push(engine.status('t', 0).bytes);
  }
  return { bytes: Buffer.from(made.disk.contentOf(LOG) ?? []), ends };
}

/** A world in which kill -9 left these bytes in the log; the mark is behind the first record. */
async function crashed(bytes: Buffer): Promise<World> {
  const made = world();
  const engine = await made.open();
  await engine.createTopic('t');
  await engine.append('t', 0, [{ value: 'synced' }]);
  made.clock.advance(limits.markDelayMs);
  await turns(2);
  made.disk = made.disk.kill();
  made.disk.put(LOG, bytes);
  return made;
}

/** Offsets 0 to 4, a byte of offset 2 flipped after a clean close; partition 1 has one record. */
async function damagedInTheMiddle(): Promise<{ made: World; bytes: Buffer; ends: number[] }> {
  const made = world();
  const engine = await made.open();
  await engine.createTopic('t', { partitions: 2 });
  const ends: number[] = [];
  await engine.append('t', 0, [{ value: 'first' }]);
  for (let index = 1; index < 5; index += 1) {
    ends.push(engine.status('t', 0).bytes);
    await engine.append('t', 0, [{ value: `${index}` }]);
  }
  await engine.append('t', 1, [{ value: 'x' }]);
  await engine.close();
  flip(made, LOG, (ends[1] as number) + 66);
  made.disk.erase(`${DATA_DIR}/clean-shutdown`); // so that somebody looks
  return { made, bytes: Buffer.from(made.disk.contentOf(LOG) ?? []), ends };
}

/** A record a segment. */
async function segments(count = 6): Promise<{ made: World; engine: Engine }> {
  const made = world();
  const engine = await made.open();
  await engine.createTopic('t', { segmentBytes: limits.segmentBytesMin });
  for (let index = 0; index < count; index += 1)
    await engine.append('t', 0, [{ value: `${index}`.repeat(600).slice(0, 600) }]);
  expect(engine.status('t', 0).segments).toBe(count);
  return { made, engine };
}

/** Several segments of several index entries each, times going up and down. */
async function indexed(): Promise<{ made: World; engine: Engine }> {
  const made = world();
  const engine = await made.open();
  await engine.createTopic('t', { segmentBytes: 30_000 });
  for (let index = 0; index < 150; index += 1)
    await engine.append('t', 0, [
      { value: 'x'.repeat(400), timestamp: 1_000 + index * 10 - (index % 7) * 25 },
      { value: null, timestamp: 5 },
    ]);
  return { made, engine };
}

async function lookups(engine: Engine): Promise<unknown> {
  const { next } = engine.status('t', 0);
  const found: unknown[] = [];
  for (let offset = 0; offset < next; offset += 7)
    found.push(
      (await engine.fetch('t', 0, offset, { maxRecords: 3 })).records.map((record) => [
        record.offset,
        record.timestamp,
      ]),
    );
  for (let time = 0; time < 2_700; time += 40) found.push(await engine.offsetForTimestamp('t', 0, time));
  return found;
}

function flip(made: World, path: string, position: number): void {
  const bytes = Buffer.from(made.disk.contentOf(path) ?? []);
  bytes[position] = (bytes[position] as number) ^ 0x04;
  made.disk.put(path, bytes);
}
