import { describe, expect, it } from 'vitest';
import { limits } from '../../src/core-log/limits.ts';
import type { AppendResult, Engine, LogPersistence } from '../../src/core-log/index.ts';
import { errno, type Operation } from './memory-disk.ts';
import { gate, logPath, readAll, rejection, turns, until, valuesOf, world, type World } from './support.ts';

const LOG = logPath('t', 0);

describe('group commit', () => {
  it('answers fsync only after a sync that began after the write', async () => {
    const { engine, disk } = await open();
    const sync = hold(disk, 'dataSync');
    const append = track(engine.append('t', 0, [{ value: 'a' }]));
    await sync.reached();
    expect(await valuesOf(engine, 't')).toEqual(['a']); // written, and visible
    await turns();
    expect(append.state).toBe('waiting');
    sync.release();
    expect(await append.promise).toEqual({ baseOffset: 0, lastOffset: 0, durability: 'fsync' });
  });

  it('what it answered at fsync is there after a power cut, with nothing else synced', async () => {
    const { engine, made } = await open();
    await engine.append('t', 0, [{ value: 'a' }, { value: 'b' }]);
    void engine.append('t', 0, [{ value: 'not answered' }]).catch(() => undefined);
    made.disk = made.disk.powerCutAtWorst();
    expect(await valuesOf(await made.open(), 't')).toEqual(['a', 'b']);
  });

  it('answers os after the write and before any sync, memory before the write', async () => {
    const { engine, disk } = await open();
    const write = hold(disk, 'write');
    const sync = hold(disk, 'dataSync');
    const memory = track(engine.append('t', 0, [{ value: 'm' }], { durability: 'memory' }));
    const os = track(engine.append('t', 0, [{ value: 'o' }], { durability: 'os' }));
    await memory.promise;
    await write.reached();
    await turns();
    expect(os.state).toBe('waiting');
    write.release();
    expect((await os.promise).durability).toBe('os');
    expect(sync.count).toBe(0);
    sync.release();
  });

  it('writes and syncs once for all appends of a tick, and answers them in order', async () => {
    const { engine, disk } = await open();
    disk.operations.length = 0;
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const { baseOffset } = await engine.append('t', 0, [{ value: `${index}` }]);
        order.push(baseOffset);
      }),
    );
    expect(order).toEqual(Array.from({ length: 50 }, (_, index) => index));
    expect(kindsOn(disk.operations, LOG)).toEqual(['write', 'dataSync']);
  });

  it('while a sync is under way, gathers fsync appends for one write and one sync', async () => {
    const { engine, disk } = await open();
    const sync = hold(disk, 'dataSync');
    const first = engine.append('t', 0, [{ value: 'first' }]);
    await sync.reached();
    disk.operations.length = 0;
    const later: Promise<AppendResult>[] = [];
    for (let tick = 0; tick < 5; tick += 1) {
      later.push(engine.append('t', 0, [{ value: `${tick}` }]));
      await turns(3);
    }
    expect(kindsOn(disk.operations, LOG)).toEqual([]);
    sync.release();
    await Promise.all([first, ...later]);
    expect(kindsOn(disk.operations, LOG)).toEqual(['write', 'dataSync']);
  });

  it('an os append does not wait for a sync that is under way, nor for those that do', async () => {
    const { engine, disk } = await open();
    const sync = hold(disk, 'dataSync');
    const first = track(engine.append('t', 0, [{ value: 'first' }]));
    await sync.reached();
    const held = track(engine.append('t', 0, [{ value: 'held' }]));
    await engine.append('t', 0, [{ value: 'eager' }], { durability: 'os' });
    expect([first.state, held.state]).toEqual(['waiting', 'waiting']);
    sync.release();
    await Promise.all([first.promise, held.promise]);
    expect(await valuesOf(engine, 't')).toEqual(['first', 'held', 'eager']);
  });

  it('an fsync append is answered while others append os without a pause', async () => {
    const { engine, disk } = await open();
    const busy = neverEmpty(engine, disk, 'os');
    const append = track(engine.append('t', 0, [{ value: 'mine' }]));
    await until(() => append.state !== 'waiting' || busy.writes > 100, 'the fsync append is answered');
    expect([append.state, busy.writes < 5]).toEqual(['done', true]);
    await busy.stop();
  });

  it('an fsync append is answered by the sync of its group, however many others keep coming', async () => {
    const { engine, disk } = await open();
    const busy = neverEmpty(engine, disk, 'fsync');
    const append = track(engine.append('t', 0, [{ value: 'mine' }]));
    await until(() => append.state !== 'waiting' || busy.writes > 100, 'the append is answered');
    expect([append.state, busy.writes < 5]).toEqual(['done', true]);
    await busy.stop();
  });

  it('retention is applied while others append without a pause', async () => {
    const { engine, disk } = await open();
    const busy = neverEmpty(engine, disk, 'os');
    void engine.append('t', 0, [{ value: 'first' }], { durability: 'os' });
    await until(() => busy.writes > 0, 'the first write');
    let isApplied = false;
    void engine.applyRetention().then(() => (isApplied = true));
    await until(() => isApplied || busy.writes > 100, 'retention was applied');
    expect(busy.writes).toBeLessThan(5);
    await busy.stop();
  });
});

describe('when a sync fails', () => {
  it('nobody who waited for it is told that it is stored, and the partition says why it takes no more', async () => {
    const { engine, disk } = await open();
    await engine.append('t', 0, [{ value: 'before' }]);
    disk.intruder = ({ kind, path }) => {
      if (kind === 'dataSync' && path === LOG) throw errno('EIO', path);
    };
    const [a, b] = await Promise.all([
      rejection(engine.append('t', 0, [{ value: 'a' }])),
      rejection(engine.append('t', 0, [{ value: 'b' }])),
    ]);
    expect([a.code, b.code]).toEqual(['sync_failed', 'sync_failed']);
    expect(a.message).toContain(LOG);
    expect(a.message).toContain('EIO');
    disk.intruder = undefined; // the disk "works" again: that means nothing
    expect((await rejection(engine.append('t', 0, [{ value: 'c' }]))).code).toBe('fenced');
    expect((await rejection(engine.append('t', 0, [{ value: 'c' }], { durability: 'memory' }))).code).toBe('fenced');
    expect(engine.status('t', 0)).toMatchObject({ state: 'fenced', reason: expect.stringContaining('EIO') });
  });

  it('the log is never synced again, not at close either, and the directory does not count as left in order', async () => {
    const { engine, disk, made } = await open();
    disk.intruder = ({ kind, path }) => {
      if (kind === 'dataSync' && path === LOG) throw errno('EIO', path);
    };
    await rejection(engine.append('t', 0, [{ value: 'a' }]));
    disk.intruder = undefined;
    disk.operations.length = 0;
    await engine.close();
    expect(kindsOn(disk.operations, LOG)).not.toContain('dataSync');
    expect((await made.open()).recovery.cleanShutdown).toBe(false);
  });

  it('what was written meanwhile is not answered as stored, what was queued is refused, readers still read', async () => {
    const { engine, disk } = await open();
    const sync = hold(disk, 'dataSync');
    const first = track(engine.append('t', 0, [{ value: 'first' }]));
    await sync.reached();
    const write = hold(disk, 'write');
    const held = track(engine.append('t', 0, [{ value: 'held' }]));
    const eager = track(engine.append('t', 0, [{ value: 'eager' }], { durability: 'os' }));
    await write.reached();
    const queued = track(engine.append('t', 0, [{ value: 'queued' }]));
    sync.fail(errno('EIO', LOG));
    await until(() => first.state !== 'waiting', 'the sync failed');
    write.release();
    await turns();
    expect([first.code, held.code, eager.state, queued.code]).toEqual(['sync_failed', 'sync_failed', 'done', 'fenced']);
    expect(await valuesOf(engine, 't')).toEqual(['first', 'held', 'eager']);
    expect(await engine.fetch('t', 0, 3)).toEqual({ records: [], next: 3 });
    await engine.close();
  });

  it('the other partitions go on', async () => {
    const { engine, disk } = await open({ partitions: 2 });
    disk.intruder = ({ kind, path }) => {
      if (kind === 'dataSync' && path === LOG) throw errno('EIO', path);
    };
    await rejection(engine.append('t', 0, [{ value: 'a' }]));
    expect((await engine.append('t', 1, [{ value: 'b' }])).baseOffset).toBe(0);
  });

  it('after opening again what had been answered is there, and appends go on behind what is on the disk', async () => {
    const { engine, disk, made } = await open();
    await engine.append('t', 0, [{ value: 'kept' }]);
    disk.intruder = ({ kind, path }) => {
      if (kind === 'dataSync' && path === LOG) throw errno('EIO', path);
    };
    await rejection(engine.append('t', 0, [{ value: 'unknown' }]));
    made.disk = disk.powerCutAtWorst();
    const again = await made.open();
    expect(await valuesOf(again, 't')).toEqual(['kept']);
    expect((await again.append('t', 0, [{ value: 'next' }])).baseOffset).toBe(1);
  });
});

describe('when the disk is full', () => {
  it('the whole group is refused, nothing of it is kept, and appends work again when there is space', async () => {
    const { engine, disk, made } = await open();
    await engine.append('t', 0, [{ value: 'before' }]);
    disk.spaceLeft = 100; // half of what comes
    const refused = await Promise.all([
      rejection(engine.append('t', 0, [{ value: 'x'.repeat(50) }])),
      rejection(engine.append('t', 0, [{ value: 'y'.repeat(50) }])),
    ]);
    expect(refused.map(({ code }) => code)).toEqual(['storage_full', 'storage_full']);
    expect(await valuesOf(engine, 't')).toEqual(['before']);
    disk.spaceLeft = Number.POSITIVE_INFINITY;
    expect((await engine.append('t', 0, [{ value: 'after' }])).baseOffset).toBe(1);
    made.disk = disk.kill();
    expect(await valuesOf(await made.open(), 't')).toEqual(['before', 'after']);
  });

  it('what arrives while the write fails is refused too, because its offsets counted on', async () => {
    const { engine, disk } = await open();
    const write = hold(disk, 'write');
    const first = track(engine.append('t', 0, [{ value: 'first' }]));
    await write.reached();
    const second = track(engine.append('t', 0, [{ value: 'second' }]));
    write.fail(errno('ENOSPC', LOG));
    await until(() => second.state !== 'waiting', 'the second is answered');
    expect([first.code, second.code]).toEqual(['storage_full', 'storage_full']);
    expect((await engine.append('t', 0, [{ value: 'third' }])).baseOffset).toBe(0);
  });

  it('and the sync of cutting the write off fails too, nobody is answered by a later sync', async () => {
    const { engine, disk } = await open({ segmentBytes: limits.segmentBytesMin });
    let syncs = 0;
    disk.intruder = ({ kind, path }) => {
      if (kind === 'write' && path === logPath('t', 0, 1)) throw errno('ENOSPC', path);
      if (kind !== 'dataSync' || path !== LOG) return;
      syncs += 1;
      if (syncs === 1) throw errno('EIO', path);
    };
    // One group: the first is written to the old segment, the second fails in the new one.
    const [first, second] = await Promise.all([
      rejection(engine.append('t', 0, [{ value: 'x'.repeat(600) }])),
      rejection(engine.append('t', 0, [{ value: 'y'.repeat(600) }])),
    ]);
    expect([first.code, second.code, syncs]).toEqual(['sync_failed', 'sync_failed', 1]);
    expect(engine.status('t', 0).state).toBe('fenced');
    await engine.close();
    expect(syncs).toBe(1);
  });

  it('reads go on, also of segments whose indexes must be made again', async () => {
    const { engine, disk, made } = await open({ segmentBytes: limits.segmentBytesMin });
    for (let index = 0; index < 10; index += 1) await engine.append('t', 0, [{ value: `${index}`.repeat(500) }]);
    await engine.close();
    for (const path of disk.filesUnder(DATA)) if (path.endsWith('index')) disk.erase(path);
    disk.spaceLeft = 60; // for the lock and the like
    const again = await made.open();
    expect(await readAll(again, 't')).toHaveLength(10);
  });

  it('retention still makes room', async () => {
    const { engine, disk, clock } = await open({ segmentBytes: limits.segmentBytesMin, retention: { ms: 1_000 } });
    for (let index = 0; index < 5; index += 1)
      await engine.append('t', 0, [{ value: 'x'.repeat(600), timestamp: clock.nowMs() }]);
    clock.advance(10_000);
    disk.spaceLeft = 0;
    await engine.applyRetention().catch(() => undefined); // the active segment could not be closed
    expect(engine.status('t', 0).segments).toBeLessThanOrEqual(2);
    expect((await engine.append('t', 0, [{ value: 'room again' }])).baseOffset).toBe(5);
  });

  it('closing the engine loses nothing and lets everything go', async () => {
    const { engine, disk, made } = await open();
    await engine.append('t', 0, [{ value: 'kept' }]);
    disk.spaceLeft = 0;
    await engine.close();
    expect(disk.openFiles).toBe(0);
    disk.spaceLeft = Number.POSITIVE_INFINITY;
    expect(await valuesOf(await made.open(), 't')).toEqual(['kept']);
  });
});

describe('when a write fails and cannot be undone', () => {
  it('the partition is fenced, and the outcome of that write is not called a no', async () => {
    const { engine, disk, made } = await open();
    await engine.append('t', 0, [{ value: 'kept' }]);
    disk.intruder = ({ kind, path }) => {
      if (path === LOG && (kind === 'dataSync' || kind === 'truncate')) throw errno('EIO', path);
    };
    const length = disk.contentOf(LOG)?.length ?? 0;
    disk.spaceLeft = 71; // one batch fits, the next does not
    const [written, cut] = await Promise.all([
      rejection(engine.append('t', 0, [{ value: '12' }], { durability: 'os' })),
      rejection(engine.append('t', 0, [{ value: '34' }], { durability: 'os' })),
    ]);
    expect(disk.contentOf(LOG)?.length).toBe(length + 71);
    expect([written.code, cut.code]).toEqual(['sync_failed', 'sync_failed']);
    expect((await rejection(engine.append('t', 0, [{ value: 'c' }]))).code).toBe('fenced');
    made.disk = disk.kill();
    expect(await valuesOf(await made.open(), 't')).toEqual(['kept', '12']); // which is why
  });
});

describe('the queue of a partition', () => {
  it('makes appends wait when it is full, in their order, and loses none', async () => {
    const { engine, disk } = await open();
    const write = hold(disk, 'write');
    const large = Buffer.alloc(limits.queuedBytesMax / 4);
    const appends = Array.from({ length: 8 }, () =>
      track(engine.append('t', 0, [{ value: large }], { durability: 'memory' })),
    );
    await write.reached();
    await turns();
    expect(appends.map(({ state }) => state)).toEqual([...Array(4).fill('done'), ...Array(4).fill('waiting')]);
    write.release();
    const offsets = await Promise.all(appends.map(async ({ promise }) => (await promise).baseOffset));
    expect(offsets).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('counts what waits for a slow sync: memory is bounded however slow the disk is', async () => {
    const { engine, disk } = await open();
    const sync = hold(disk, 'dataSync');
    const large = Buffer.alloc(limits.queuedBytesMax / 16);
    const appends = Array.from({ length: 40 }, () => track(engine.append('t', 0, [{ value: large }])));
    await sync.reached();
    await turns(200);
    expect(disk.contentOf(LOG)?.length).toBeLessThan(limits.queuedBytesMax + 2 * large.length);
    sync.release();
    const offsets = await Promise.all(appends.map(async ({ promise }) => (await promise).baseOffset));
    expect(offsets).toEqual(Array.from({ length: 40 }, (_, index) => index));
  });

  it('takes so many appends and no more, however small they are', async () => {
    const { engine, disk } = await open();
    const write = hold(disk, 'write');
    void engine.append('t', 0, [{ value: '' }]);
    await write.reached();
    const appends = Array.from({ length: limits.queuedAppendsMax + 10 }, () =>
      track(engine.append('t', 0, [{ value: '' }], { durability: 'memory' })),
    );
    await turns();
    expect(appends.filter(({ state }) => state === 'done')).toHaveLength(limits.queuedAppendsMax - 1);
    write.release();
    await Promise.all(appends.map(({ promise }) => promise));
  });

  it('refuses with queue_full when too many wait for room', async () => {
    const { engine, disk } = await open();
    const write = hold(disk, 'write');
    const third = { value: Buffer.alloc(limits.queuedBytesMax / 3) };
    await engine.append('t', 0, [third, third, third], { durability: 'memory' });
    await write.reached();
    const waiting = Array.from({ length: limits.waitingAppendsMax }, () => engine.append('t', 0, [{ value: '' }]));
    expect((await rejection(engine.append('t', 0, [{ value: '' }]))).code).toBe('queue_full');
    write.release();
    await Promise.all(waiting);
    expect(engine.status('t', 0).next).toBe(limits.waitingAppendsMax + 3);
  });

  it('refuses with queue_full when what waits for room is large, however few they are', async () => {
    const { engine, disk } = await open();
    const write = hold(disk, 'write');
    const third = { value: Buffer.alloc(limits.queuedBytesMax / 3) };
    await engine.append('t', 0, [third, third, third], { durability: 'memory' });
    await write.reached();
    const eighth = { value: Buffer.alloc(limits.waitingBytesMax / 8) };
    const waiting = Array.from({ length: 8 }, () => engine.append('t', 0, [eighth]));
    expect((await rejection(engine.append('t', 0, [{ value: 'x' }]))).code).toBe('queue_full');
    write.release();
    await Promise.all(waiting);
    expect(engine.status('t', 0).next).toBe(11);
  });

  it('is emptied before the engine is closed', async () => {
    const { engine, made } = await open();
    const appends = Array.from({ length: 20 }, (_, index) => engine.append('t', 0, [{ value: `${index}` }]));
    await engine.close();
    await Promise.all(appends);
    expect(await readAll(await made.open(), 't')).toHaveLength(20);
  });

  it('is refused when the topic is deleted', async () => {
    const { engine, disk } = await open();
    const write = hold(disk, 'write');
    const first = track(engine.append('t', 0, [{ value: 'under way' }], { durability: 'os' }));
    await write.reached();
    const second = track(engine.append('t', 0, [{ value: 'queued' }]));
    const deleted = engine.deleteTopic('t');
    await until(() => second.state !== 'waiting', 'the queued append is refused');
    expect(second.code).toBe('topic_not_found');
    write.release();
    await deleted;
    expect(first.state).toBe('done');
    expect(disk.filesUnder(`${DATA}/topics`)).toEqual([]);
  });
});

const DATA = '/data';

async function open(topic: Parameters<Engine['createTopic']>[1] = {}) {
  const made: World = world();
  const engine = await made.open();
  await engine.createTopic('t', topic);
  return { made, engine, disk: made.disk, clock: made.clock };
}

type State = 'waiting' | 'done' | 'failed';

interface Tracked {
  readonly promise: Promise<AppendResult>;
  state: State;
  code: string | undefined;
}

function track(promise: Promise<AppendResult>): Tracked {
  const tracked: Tracked = { promise, state: 'waiting', code: undefined };
  promise.then(
    () => {
      tracked.state = 'done';
    },
    (reason: { readonly code?: string }) => {
      tracked.state = 'failed';
      tracked.code = reason.code;
    },
  );
  return tracked;
}

/** Holds up the next operation of this kind on the log, and those after it, until it is released or fails. */
function hold(disk: World['disk'], kind: Operation['kind']) {
  const { passed, open: pass } = gate();
  const before = disk.intruder;
  let failure: Error | undefined;
  const held = {
    count: 0,
    reached: async () => await until(() => held.count > 0, `${kind} of ${LOG}`),
    release: pass,
    fail: (reason: Error) => {
      failure = reason;
      pass();
    },
  };
  disk.intruder = async (operation) => {
    await before?.(operation);
    if (operation.kind !== kind || operation.path !== LOG) return;
    held.count += 1;
    await passed;
    const thrown = failure;
    failure = undefined;
    if (thrown !== undefined) throw thrown;
  };
  return held;
}

/** From now on another append comes during every write, so that the queue is never empty when one ends. */
function neverEmpty(engine: Engine, disk: World['disk'], durability: LogPersistence) {
  const appends: Promise<AppendResult>[] = [];
  disk.intruder = async ({ kind, path }) => {
    if (kind !== 'write' || path !== LOG) return;
    busy.writes += 1;
    appends.push(engine.append('t', 0, [{ value: 'another' }], { durability }));
    await turns(2);
  };
  const busy = {
    writes: 0,
    stop: async (): Promise<void> => {
      disk.intruder = undefined;
      await Promise.all(appends);
    },
  };
  return busy;
}

function kindsOn(operations: readonly Operation[], path: string): string[] {
  return operations.filter((operation) => operation.path === path).map(({ kind }) => kind);
}
