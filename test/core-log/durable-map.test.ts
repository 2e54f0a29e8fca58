import { describe, expect, it } from 'vitest';
import { limits } from '../../src/core-log/limits.ts';
import { DurableMap } from '../../src/core-log/storage/durable-map.ts';
import { SpaceReserve } from '../../src/core-log/storage/space-reserve.ts';
import { errno, MemoryDisk, type OperationKind } from './memory-disk.ts';
import { diceOf, ManualClock, rejection, runs, seedOfRun, turns, until } from './support.ts';

const PATH = '/meta/cursors.map';
const clock = new ManualClock();

describe('a durable map', () => {
  it('keeps puts and deletions over a close', async () => {
    const disk = await emptyDisk();
    const map = await open(disk);
    await map.put('a', Buffer.from('1'));
    await map.put('b', Buffer.from('2'));
    await map.put('a', null);
    await map.put('', Buffer.from('of the empty key'));
    await map.close();
    expect(contents(await open(disk))).toEqual({ b: '2', '': 'of the empty key' });
  });

  it('keeps what it answered at fsync over a power cut, and at os over kill -9', async () => {
    for (const durability of ['fsync', 'os'] as const) {
      const disk = await emptyDisk();
      const map = await open(disk);
      await map.put('a', Buffer.from('1'), durability);
      const found = durability === 'fsync' ? disk.powerCutAtWorst() : disk.kill();
      expect(contents(await open(found))).toEqual({ a: '1' });
    }
  });

  it('puts of one tick share a write and a sync', async () => {
    const disk = await emptyDisk();
    const map = await open(disk);
    disk.operations.length = 0;
    await Promise.all(Array.from({ length: 20 }, (_, index) => map.put(`${index}`, Buffer.from('x'))));
    expect(disk.operations.map(({ kind }) => kind)).toEqual(['write', 'dataSync']);
  });

  it('cut at any byte of its last entry forgets that entry only, and keeps what it cut aside', async () => {
    const disk = await emptyDisk();
    const map = await open(disk);
    await map.put('first', Buffer.from('1'));
    const whole = Buffer.from(disk.contentOf(PATH) ?? []).length;
    await map.put('second', Buffer.from('22'), 'os');
    const bytes = Buffer.from(disk.contentOf(PATH) ?? []);
    for (let size = whole; size < bytes.length; size += 1) {
      const torn = await emptyDisk();
      torn.put(PATH, bytes.subarray(0, size));
      const found = await open(torn);
      expect(contents(found), `${size} bytes`).toEqual({ first: '1' });
      const aside = torn.filesUnder('/meta').filter((path) => path.endsWith('.quarantine'));
      const kept = aside.map((path) => torn.contentOf(path)?.length ?? 0);
      // a mark that is whole is kept in the file
      expect(kept.reduce((sum, length) => sum + length, 0)).toBe(size - (torn.contentOf(PATH)?.length ?? 0));
      await found.put('third', Buffer.from('3'));
      expect(contents(await open(torn.kill()))).toEqual({ first: '1', third: '3' });
    }
  });

  it('with bad bytes where a sync had succeeded refuses to open, and says where', async () => {
    const disk = await emptyDisk();
    const map = await open(disk);
    for (const key of ['a', 'b', 'c']) await map.put(key, Buffer.from('value'));
    const bytes = Buffer.from(disk.contentOf(PATH) ?? []);
    const synced = bytes.length - 20 - 18; // the last mark and the entry behind it have no mark behind them yet
    for (let position = 0; position < synced; position += 1) {
      const bad = Buffer.from(bytes);
      bad[position] = (bad[position] as number) ^ 0x10;
      const damaged = await emptyDisk();
      damaged.put(PATH, bad);
      const reason = await rejection(open(damaged));
      expect([position, reason.code]).toEqual([position, 'log_corrupt']);
      expect(reason.message).toContain(PATH);
      expect(damaged.contentOf(PATH)).toEqual(bad); // left as it is
      expect(damaged.openFiles).toBe(0);
    }
  });

  it('after a close every byte counts as synced', async () => {
    const disk = await emptyDisk();
    const map = await open(disk);
    await map.put('a', Buffer.from('value'), 'os');
    await map.close();
    const bad = Buffer.from(disk.contentOf(PATH) ?? []);
    bad[14] = (bad[14] as number) ^ 1;
    disk.put(PATH, bad);
    expect((await rejection(open(disk))).code).toBe('log_corrupt');
  });

  it('opens after a power cut that left a hole among puts that nobody had synced', async () => {
    const disk = await emptyDisk();
    const map = await open(disk);
    await map.put('synced', Buffer.from('1'));
    for (let index = 0; index < 20; index += 1) await map.put(`os-${index}`, Buffer.alloc(300, index), 'os');
    const bytes = Buffer.from(disk.contentOf(PATH) ?? []);
    bytes.fill(0, 2_048, 2_560);
    const found = await emptyDisk();
    found.put(PATH, bytes);
    const again = await open(found);
    expect(again.get('synced')?.toString()).toBe('1');
    expect(again.cut).toMatchObject({ name: 'cursors', quarantineFile: expect.stringContaining('.quarantine') });
  });

  it('a put whose write fails is undone with all that came after it, and puts work again when there is space', async () => {
    const disk = await emptyDisk();
    const map = await open(disk);
    await map.put('a', Buffer.from('old'));
    disk.spaceLeft = 5;
    const first = rejection(map.put('a', Buffer.from('new')));
    const second = rejection(map.put('b', Buffer.from('2')));
    expect(map.get('a')?.toString()).toBe('new');
    expect([(await first).code, (await second).code]).toEqual(['storage_full', 'storage_full']);
    expect(contents(map)).toEqual({ a: 'old' });
    disk.spaceLeft = Number.POSITIVE_INFINITY;
    await map.put('c', Buffer.from('3'));
    expect(contents(await open(disk.kill()))).toEqual({ a: 'old', c: '3' });
  });

  it('a put whose write can neither be done nor undone is not called a no, and ends the puts', async () => {
    const disk = await emptyDisk();
    const map = await open(disk);
    disk.spaceLeft = 5;
    disk.intruder = failing('truncate');
    expect((await rejection(map.put('a', Buffer.from('1')))).code).toBe('sync_failed');
    expect((await rejection(map.put('a', Buffer.from('1')))).code).toBe('fenced');
  });

  it('a failed sync ends the puts: none that waited is answered as stored, and none is tried again', async () => {
    const disk = await emptyDisk();
    const map = await open(disk);
    disk.intruder = failing('dataSync');
    const [a, b] = await Promise.all([rejection(map.put('a', Buffer.from('1'))), rejection(map.put('b', null))]);
    expect([a.code, b.code]).toEqual(['sync_failed', 'sync_failed']);
    disk.intruder = undefined;
    expect((await rejection(map.put('c', Buffer.from('3')))).code).toBe('sync_failed');
    disk.operations.length = 0;
    await map.close();
    expect(disk.operations.map(({ kind }) => kind)).toEqual(['close']);
  });

  it.each([
    ['a key', limits.mapKeyBytesMax, (size: number) => ['k'.repeat(size), Buffer.alloc(1)] as const],
    ['a value', limits.mapValueBytesMax, (size: number) => ['k', Buffer.alloc(size)] as const],
  ])('takes %s up to its limit and not above', async (_, max, make) => {
    const disk = await emptyDisk();
    const map = await open(disk);
    await map.put(...make(max));
    expect((await rejection(map.put(...make(max + 1)))).code).toBe('record_too_large');
    await map.close();
    expect((await open(disk)).get(make(max)[0])?.length).toBe(make(max)[1].length);
  });

  it('refuses puts with queue_full when too much waits for the disk', async () => {
    const disk = await emptyDisk();
    const map = await open(disk);
    const large = Buffer.alloc(limits.mapValueBytesMax);
    const puts = Array.from({ length: limits.mapQueuedBytesMax / large.length }, () => map.put('k', large));
    expect((await rejection(map.put('k', large))).code).toBe('queue_full');
    await Promise.all(puts);
    await map.put('k', Buffer.from('small'));
  });
});

describe('a map that is mostly outdated', () => {
  it('is written anew, smaller, and holds the same', async () => {
    const disk = await emptyDisk();
    const map = await open(disk);
    await grow(map);
    expect(disk.contentOf(PATH)?.length).toBeLessThan(limits.mapRewriteBytesMin / 2);
    expect(contents(map)).toMatchObject({ stays: 'here' });
    await map.close();
    expect(contents(await open(disk))).toMatchObject({ stays: 'here' });
    expect(disk.filesUnder('/meta')).toEqual([PATH]);
  });

  it('is there, old or new, after a crash at each step of that', async () => {
    const count = await stepsOf(async (map) => await grow(map));
    expect(count).toBeGreaterThan(10);
    for (let step = 1; step <= count; step += 1) {
      for (const way of ['kill', 'powerCut'] as const) {
        const disk = await emptyDisk();
        const map = await open(disk);
        let left = step;
        let isReached = false;
        disk.intruder = () => {
          left -= 1;
          if (left > 0) return;
          isReached = true;
          return new Promise<void>(() => undefined);
        };
        void grow(map);
        await until(() => isReached, `step ${step}`);
        const found = way === 'kill' ? disk.kill() : disk.powerCutAtWorst();
        const values = contents(await open(found));
        // nothing that was answered is lost: everything before this step
        if (step > 2) expect([step, way, values['stays']]).toEqual([step, way, 'here']);
        expect(found.filesUnder('/meta').filter((path) => path.endsWith('.new'))).toEqual([]);
      }
    }
  });

  it('stays long when there is no space for the new one, and goes on', async () => {
    const disk = await emptyDisk();
    const map = await open(disk);
    disk.intruder = ({ kind, path }) => {
      if (kind === 'write' && path.endsWith('.new')) throw errno('ENOSPC', path);
    };
    await grow(map);
    expect(disk.contentOf(PATH)?.length).toBeGreaterThan(limits.mapRewriteBytesMin);
    await map.put('more', Buffer.from('1'));
    await map.close();
    expect(contents(await open(disk))).toMatchObject({ stays: 'here', more: '1' });
  });

  it('does not bring back a put that was refused after it', async () => {
    const disk = await emptyDisk();
    const map = await open(disk);
    await map.put('a', Buffer.from('old'));
    let refused: Promise<Error> | undefined;
    let isFailed = false;
    disk.intruder = ({ kind, path }) => {
      // While the old file is synced, before the new one is made, somebody puts; the write of that is what fails.
      if (kind === 'dataSync' && path === PATH && (disk.contentOf(PATH)?.length ?? 0) > limits.mapRewriteBytesMin)
        refused ??= rejection(map.put('a', Buffer.from('refused')));
      if (kind !== 'write' || path !== PATH || refused === undefined || isFailed) return;
      isFailed = true;
      throw errno('EIO', path);
    };
    await grow(map).catch(() => undefined); // its next put is refused with the other
    await until(() => isFailed, 'a put while it is written anew');
    await refused;
    expect(map.get('a')?.toString()).toBe('old');
    await map.close();
    expect((await open(disk)).get('a')?.toString()).toBe('old');
  });
});

it('after any power cut a map opens, and holds each key as answered last at fsync or as put after that', async () => {
  const seed = seedOfRun();
  for (let run = 0; run < runs(150, 5_000); run += 1) {
    const dice = diceOf(seed + run);
    try {
      await onePowerCut(dice);
    } catch (reason) {
      throw new Error(`SLUICE_SEED=${seed + run}\n${String(reason)}`, { cause: reason });
    }
  }
});

async function onePowerCut(dice: (below: number) => number): Promise<void> {
  let disk = await emptyDisk();
  const possible = new Map<string, (string | undefined)[]>();
  for (let life = 0; life < 3; life += 1) {
    const map = await open(disk);
    for (const [key, values] of possible) {
      const value = map.get(key)?.toString();
      expect(values, `key ${key}`).toContain(value);
      possible.set(key, [value]);
    }
    const steps = dice(25);
    for (let step = 0; step < steps; step += 1) {
      const key = `k${dice(4)}`;
      const value = dice(5) === 0 ? undefined : `${life}-${step}-${'x'.repeat(dice(900))}`;
      const isSynced = dice(3) === 0;
      await map.put(key, value === undefined ? null : Buffer.from(value), isSynced ? 'fsync' : 'os');
      possible.set(key, [...(possible.get(key) ?? [undefined]), value]);
      // A sync brings everything before it to the disk.
      if (isSynced) for (const [each, values] of possible) possible.set(each, values.slice(-1));
    }
    disk = disk.powerCut(dice);
  }
}

async function emptyDisk(): Promise<MemoryDisk> {
  const disk = new MemoryDisk(() => clock.nowMs());
  await disk.makeDirectory('/meta');
  await disk.syncDirectory('/');
  return disk;
}

async function open(disk: MemoryDisk): Promise<DurableMap> {
  return await DurableMap.open(disk, clock, new SpaceReserve(disk, '/meta'), '/meta', 'cursors');
}

function contents(map: DurableMap): Record<string, string> {
  return Object.fromEntries([...map.entries()].map(([key, value]) => [key, value.toString()]));
}

/** One put that stays, and then so many of one key that the file is written anew. */
async function grow(map: DurableMap): Promise<void> {
  await map.put('stays', Buffer.from('here'));
  const size = Math.ceil(limits.mapRewriteBytesMin / 8);
  for (let index = 0; index < 9; index += 1) await map.put('changes', Buffer.alloc(size, index));
}

async function stepsOf(work: (map: DurableMap) => Promise<void>): Promise<number> {
  const disk = await emptyDisk();
  const map = await open(disk);
  disk.operations.length = 0;
  await work(map);
  await turns(2);
  return disk.operations.length;
}

function failing(wanted: OperationKind) {
  return ({ kind, path }: { readonly kind: OperationKind; readonly path: string }): void => {
    if (kind === wanted && path === PATH) throw errno('EIO', path);
  };
}
