import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Engine, engineErrors, openEngine } from '../../src/core-log/index.ts';
import { limits } from '../../src/core-log/limits.ts';
import { lockDirectory, lockOwner } from '../../src/core-log/platform/directory-lock.ts';
import { Child } from './child.ts';
import { errno } from './memory-disk.ts';
import { DATA_DIR, gate, logPath, partitionPath, rejection, runs, turns, until, valuesOf, world } from './support.ts';

describe('a data directory', () => {
  it.each([
    ['holds files of somebody else', { 'notes.txt': 'mine' }, 'not_a_data_directory', 'notes.txt'],
    [
      'has a format file of another program',
      { 'format-version': '{"format":"other","version":1}' },
      'not_a_data_directory',
      'format-version',
    ],
    ['has a format file that cannot be read', { 'format-version': '\0\0' }, 'not_a_data_directory', 'format-version'],
    [
      'was written by a newer version',
      { 'format-version': '{"format":"sluice-log","version":3}' },
      'format_too_new',
      'format 3',
    ],
  ])('that %s is refused and left as it is', async (_, files, code, word) => {
    const made = world();
    await made.disk.makeDirectory(DATA_DIR);
    for (const [name, text] of Object.entries(files)) made.disk.put(`${DATA_DIR}/${name}`, Buffer.from(text));
    const before = made.disk.filesUnder(DATA_DIR);
    const reason = await rejection(made.open());
    expect(reason.code).toBe(code);
    expect(reason.message).toContain(word);
    expect(made.disk.filesUnder(DATA_DIR)).toEqual(before);
    expect(made.disk.openFiles).toBe(0);
  });

  it('that is a file is refused', async () => {
    const made = world();
    made.disk.put(DATA_DIR, Buffer.from('x'));
    expect((await rejection(made.open())).code).toBe('not_a_data_directory');
  });

  it('that is empty, or new down to its parents, becomes one that survives a power cut', async () => {
    const made = world();
    const dataDir = '/a/b/c';
    const engine = await openEngine({ dataDir, clock: made.clock, fileSystem: made.disk });
    await engine.createTopic('t');
    await engine.append('t', 0, [{ value: 'a' }]);
    const fileSystem = made.disk.powerCutAtWorst();
    expect(await valuesOf(await openEngine({ dataDir, clock: made.clock, fileSystem }), 't')).toEqual(['a']);
  });

  it('that was closed in order is known as such, after a crash not', async () => {
    const made = world();
    const first = await made.open();
    expect(first.recovery.cleanShutdown).toBe(true);
    await first.close();
    const second = await made.open();
    expect(second.recovery.cleanShutdown).toBe(true);
    made.disk = made.disk.kill();
    expect((await made.open()).recovery.cleanShutdown).toBe(false);
  });

  it('a close is one close however often it is asked for, and nothing works after it', async () => {
    const made = world();
    const engine = await made.open();
    await engine.createTopic('t');
    await Promise.all([engine.close(), engine.close()]);
    await engine.close();
    for (const call of [
      engine.append('t', 0, [{ value: 'x' }]),
      engine.fetch('t', 0, 0),
      engine.createTopic('u'),
      engine.deleteTopic('t'),
      engine.offsetForTimestamp('t', 0, 0),
      engine.applyRetention(),
      engine.cursors.put('k', null),
    ])
      expect((await rejection(call)).code).toBe('engine_closed');
    expect(made.disk.openFiles).toBe(0);
  });

  it('an engine that cannot be opened closes what it opened, and the next one can', async () => {
    const made = world();
    const first = await made.open();
    await first.createTopic('t', { partitions: 6 });
    await first.append('t', 5, [{ value: 'a' }]);
    await first.close();
    made.disk.intruder = ({ kind, path }) => {
      if (kind === 'open' && path === `${DATA_DIR}/meta/producers.map`) throw errno('EACCES', path);
    };
    expect((await rejection(made.open())).code).toBe('not_writable');
    expect(made.disk.openFiles).toBe(0);
    made.disk.intruder = undefined;
    expect(await valuesOf(await made.open(), 't', 5)).toEqual(['a']);
  });

  it('whose map of topics is damaged is not opened as if it had none', async () => {
    const made = world();
    const engine = await made.open();
    await engine.createTopic('t');
    await engine.close();
    const path = `${DATA_DIR}/meta/topics.map`;
    const bytes = Buffer.from(made.disk.contentOf(path) ?? []);
    bytes[20] = (bytes[20] as number) ^ 1;
    made.disk.put(path, bytes);
    expect((await rejection(made.open())).code).toBe('log_corrupt');
    expect(made.disk.contentOf(logPath('t', 0))).toBeDefined();
    expect(made.disk.openFiles).toBe(0);
  });

  it('every option that is wrong is named, and no file is made', async () => {
    const made = world();
    const wrong = {
      dataDir: '',
      defaultDurability: 'maybe',
      retentionCheckIntervalMs: 0,
      colour: 'red',
      fileSystem: made.disk,
    };
    const reason = await rejection(openEngine(wrong as unknown as Parameters<typeof openEngine>[0]));
    expect(reason.code).toBe('invalid_option');
    for (const name of ['dataDir', 'defaultDurability', 'retentionCheckIntervalMs', 'colour'])
      expect(reason.message).toContain(name);
    expect(made.disk.operations).toEqual([]);
  });
});

describe('how often retention is applied', () => {
  it('is taken up to what a timer can wait, and not above', async () => {
    const made = world();
    const options = { dataDir: DATA_DIR, clock: made.clock, fileSystem: made.disk };
    const retentionCheckIntervalMs = limits.retentionCheckIntervalMsMax;
    await (await openEngine({ ...options, retentionCheckIntervalMs })).close();
    const reason = await rejection(openEngine({ ...options, retentionCheckIntervalMs: retentionCheckIntervalMs + 1 }));
    expect(reason.code).toBe('invalid_option');
  });
});

describe('the lock of a directory', { timeout: 60_000 }, () => {
  it('keeps a second engine of the same process out, and is free after a close', async () => {
    const dataDir = temporary();
    const first = await openEngine({ dataDir });
    expect(await rejection(openEngine({ dataDir }))).toMatchObject({ code: 'directory_locked' });
    // by another name it is the same directory
    const link = `${dataDir}-link`;
    fs.symlinkSync(dataDir, link);
    onTestFinished(() => fs.rmSync(link));
    expect(await rejection(openEngine({ dataDir: link }))).toMatchObject({ code: 'directory_locked' });
    await first.close();
    await (await openEngine({ dataDir })).close();
    expect(fs.existsSync(join(dataDir, 'lock'))).toBe(false);
  });

  it('keeps a second process out, names the first, and is taken over when that one was killed', async () => {
    const dataDir = temporary();
    const other = new Child('writer.ts', dataDir, 'hold');
    try {
      await other.said((output) => output.includes('opened'));
      const reason = await rejection(openEngine({ dataDir }));
      expect(reason.code).toBe('directory_locked');
      expect(reason.message).toContain(String(other.pid));
    } finally {
      await other.kill();
    }
    expect(fs.existsSync(join(dataDir, 'lock'))).toBe(true); // stale
    await (await openEngine({ dataDir })).close();
  });

  it('of a process that is long dead, or of another boot, or torn, is nobody’s', async () => {
    const dataDir = temporary();
    const boot = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    for (const content of [
      JSON.stringify({ pid: 2 ** 22 + 1, startTime: '1', boot }),
      JSON.stringify({ pid: process.ppid, startTime: '1', boot }), // the id was used again
      JSON.stringify({ pid: process.ppid, startTime: null, boot: 'before' }),
      '{"pid": 1',
      '',
    ]) {
      fs.writeFileSync(join(dataDir, 'lock'), content);
      await (await openEngine({ dataDir })).close();
    }
  });

  it('that cannot be written down is given up again, all of it', async () => {
    const dataDir = temporary();
    fs.mkdirSync(join(dataDir, 'lock'));
    await expect(lockDirectory(dataDir)).rejects.toMatchObject({ code: 'EISDIR' });
    expect(await lockOwner(dataDir)).toBeNull();
    fs.rmdirSync(join(dataDir, 'lock'));
    const lock = await lockDirectory(dataDir);
    expect(lock).toHaveProperty('release');
    if ('release' in lock) await lock.release();
    expect(fs.readdirSync(dataDir)).toEqual([]);
  });

  it('of a live process is respected also where the kernel’s own lock is not seen', async () => {
    const dataDir = temporary();
    const boot = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = fs.readFileSync(`/proc/${process.ppid}/stat`, 'utf8');
    const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    fs.writeFileSync(join(dataDir, 'lock'), JSON.stringify({ pid: process.ppid, startTime, boot }));
    const reason = await rejection(openEngine({ dataDir }));
    expect(reason).toMatchObject({ code: 'directory_locked', message: expect.stringContaining(`${process.ppid}`) });
  });
});

/** Like a container: a network and process ids of its own, so that its process is number 1, as that of every other one is. */
const container = ['unshare', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];

describe.skipIf(process.getuid?.() !== 0)('the lock of a directory that two containers share (needs root)', () => {
  it('keeps the second out, is seen from outside, and is free when the first was killed', {
    timeout: 60_000,
  }, async () => {
    // longer than the address of a socket may be
    const dataDir = join(temporary(), 'volume-'.repeat(20));
    const first = new Child({ name: 'writer.ts', under: container }, dataDir, 'hold');
    try {
      await first.said((output) => output.includes('opened'));
      const second = new Child({ name: 'writer.ts', under: container }, dataDir, 'hold');
      await expect(second.said((output) => output.includes('opened'))).rejects.toThrow('directory_locked');
      expect(await rejection(openEngine({ dataDir }))).toMatchObject({ code: 'directory_locked' });
      expect(await lockOwner(dataDir)).toContain('container');
    } finally {
      await first.kill();
    }
    const third = new Child({ name: 'writer.ts', under: container }, dataDir, 'hold');
    await third.said((output) => output.includes('opened'));
    await third.kill();
    await (await openEngine({ dataDir })).close();
    expect(fs.readdirSync(dataDir).filter((name) => name.startsWith('lock'))).toEqual([]);
  });

  it('goes to one of many that start at once after a kill', { timeout: 60_000 }, async () => {
    const dataDir = temporary();
    const dead = new Child({ name: 'writer.ts', under: container }, dataDir, 'hold');
    await dead.said((output) => output.includes('opened'));
    await dead.kill();
    const many = Array.from(
      { length: runs(4, 16) },
      () => new Child({ name: 'writer.ts', under: container }, dataDir, 'hold'),
    );
    const outcomes = await Promise.all(
      many.map(
        async (one) => await one.said((output) => output.includes('opened'), 50_000).then(() => 'opened', String),
      ),
    );
    await Promise.all(many.map(async (one) => await one.kill()));
    expect(outcomes.filter((outcome) => outcome === 'opened')).toHaveLength(1);
    for (const outcome of outcomes) expect(outcome).toMatch(/opened|directory_locked/);
  });
});

describe('topics', () => {
  it('are there again after a close and after a power cut, with their options', async () => {
    const made = world();
    const first = await made.open();
    const topic = await first.createTopic('t', { partitions: 3, retention: { ms: 5, bytes: 6 }, segmentBytes: 2_048 });
    expect(topic).toMatchObject({
      name: 't',
      partitions: 3,
      retention: { ms: 5, bytes: 6 },
      cleanup: 'delete',
      segmentBytes: 2_048,
    });
    made.disk = made.disk.powerCutAtWorst();
    const second = await made.open();
    expect(second.topics()).toEqual([topic]);
    expect(second.status('t', 2).state).toBe('open');
    await second.close();
    expect((await made.open()).topic('t')).toEqual(topic);
  });

  it('exist once, also when asked for twice at the same time', async () => {
    const engine = await world().open();
    const [first, second] = await Promise.allSettled([engine.createTopic('t'), engine.createTopic('t')]);
    expect([first.status, second.status]).toEqual(['fulfilled', 'rejected']);
    expect((await rejection(engine.createTopic('t'))).code).toBe('topic_exists');
  });

  it.each([
    ['a', { partitions: 0 }],
    ['a', { partitions: limits.partitionsPerTopicMax + 1 }],
    ['a', { segmentBytes: limits.segmentBytesMin - 1 }],
    ['a', { segmentBytes: limits.segmentBytesMax + 1 }],
    ['a', { retention: { ms: 0 } }],
    ['a', { retention: { bytes: -1 } }],
    ['a', { retention: { days: 1 } as object }],
    ['a', { colour: 'red' } as object],
    ['', {}],
    ['.a', {}],
    ['a/b', {}],
    ['..', {}],
    ['a\0', {}],
    ['é', {}],
    ['a'.repeat(250), {}],
  ])('%j with %j is refused', async (name, options) => {
    const made = world();
    const engine = await made.open();
    const before = made.disk.filesUnder('/');
    expect((await rejection(engine.createTopic(name, options))).code).toBe('invalid_option');
    expect(made.disk.filesUnder('/')).toEqual(before);
  });

  it('take the smallest and the largest of each option', async () => {
    const engine = await world().open();
    const largest = { partitions: limits.partitionsPerTopicMax, segmentBytes: limits.segmentBytesMax };
    expect(await engine.createTopic('largest', largest)).toMatchObject(largest);
    expect((await engine.append('largest', limits.partitionsPerTopicMax - 1, [{ value: 'x' }])).baseOffset).toBe(0);
    const smallest = { partitions: 1, segmentBytes: limits.segmentBytesMin, retention: { ms: 1, bytes: 1 } };
    expect(await engine.createTopic('smallest', smallest)).toMatchObject(smallest);
    await engine.close();
  });

  it('of every length of name that is allowed can be made, written, deleted and put aside', async () => {
    const dataDir = temporary();
    for (const length of [1, 240, 246, 249]) {
      const name = 'n'.repeat(length);
      let engine = await openEngine({ dataDir });
      await engine.createTopic(name, { partitions: 11 });
      await engine.append(name, 10, [{ value: 'a' }]);
      await engine.close();
      engine = await openEngine({ dataDir });
      expect(await valuesOf(engine, name, 10)).toEqual(['a']);
      await engine.deleteTopic(name);
      expect(engine.topic(name)).toBeUndefined();
      await engine.close();
      expect(fs.readdirSync(join(dataDir, 'topics'))).toEqual([]);
      // a directory with records that no topic owns is put aside, not thrown away
      engine = await openEngine({ dataDir });
      await engine.createTopic(name);
      await engine.append(name, 0, [{ value: 'a' }]);
      await engine.close();
      fs.renameSync(join(dataDir, 'topics', `${name}-0`), join(dataDir, 'topics', `${name}-7`));
      engine = await openEngine({ dataDir });
      expect(engine.status(name, 0).state).toBe('fenced');
      await engine.deleteTopic(name);
      await engine.close();
      expect(fs.readdirSync(join(dataDir, 'orphans')).some((found) => found.endsWith('n-7'))).toBe(true);
    }
  });

  it('of which creating or deleting crashes at any step are there as a whole or not at all', async () => {
    for (const what of ['create', 'delete'] as const) {
      const steps = await crashAt(what, Number.POSITIVE_INFINITY);
      expect(steps.operations).toBeGreaterThan(10);
      for (let step = 1; step <= steps.operations; step += 1) {
        for (const way of ['kill', 'powerCut'] as const) {
          const { made, isDone } = await crashAt(what, step);
          made.disk = way === 'kill' ? made.disk.kill() : made.disk.powerCutAtWorst();
          const engine = await made.open();
          const isThere = engine.topic('t') !== undefined;
          if (isDone) expect([what, step, way, isThere]).toEqual([what, step, way, what === 'create']);
          if (isThere)
            expect((await engine.append('t', 1, [{ value: 'x' }])).baseOffset).toBe(what === 'create' ? 0 : 1);
          else expect(made.disk.filesUnder(partitionPath('t', 0))).toEqual([]);
          expect(made.disk.filesUnder(`${DATA_DIR}/orphans`)).toEqual([]);
          expect(await valuesOf(engine, 'other')).toEqual(['stays']);
          if (!isThere) await engine.createTopic('t');
        }
      }
    }
  });

  it('that grow by a partition that cannot be read say so; the others go on, and the next open has all of them', async () => {
    const made = world();
    const engine = await made.open();
    await engine.createTopic('t');
    made.disk.intruder = ({ kind, path }) => {
      if (kind === 'read' && path === `${partitionPath('t', 1)}/synced-mark`) throw errno('EIO', path);
    };
    const reason = await rejection(engine.alterTopic('t', { partitions: 3 }));
    expect([reason.code, reason.message]).toEqual(['write_failed', expect.stringContaining('partition 1 of "t"')]);
    made.disk.intruder = undefined;
    expect(engine.status('t', 1).state).toBe('fenced');
    for (const partition of [0, 2]) await engine.append('t', partition, [{ value: 'a' }]);
    await engine.close();
    const again = await made.open();
    await again.append('t', 1, [{ value: 'b' }]);
    for (const [partition, value] of ['a', 'b', 'a'].entries())
      expect(await valuesOf(again, 't', partition)).toEqual([value]);
  });

  it('that are being deleted take no more appends and wake who waits', async () => {
    const made = world();
    const engine = await made.open();
    await engine.createTopic('t');
    const waiting = engine.waitForAppend('t', 0, 0);
    const deleted = engine.deleteTopic('t');
    expect(await waiting).toBe(false);
    expect((await rejection(engine.append('t', 0, [{ value: 'x' }]))).code).toBe('topic_not_found');
    await deleted;
    await engine.createTopic('t');
    expect((await engine.append('t', 0, [{ value: 'new' }])).baseOffset).toBe(0);
  });

  it('that are deleted while retention is applied do not make it fail', async () => {
    const made = world();
    const engine = await made.open();
    await engine.createTopic('t', { segmentBytes: limits.segmentBytesMin, retention: { bytes: 1 } });
    for (let index = 0; index < 5; index += 1) await engine.append('t', 0, [{ value: 'x'.repeat(600) }]);
    const { passed, open: pass } = gate();
    let isHeld = false;
    made.disk.intruder = async ({ kind }) => {
      if (kind !== 'rename' || isHeld) return;
      isHeld = true;
      await passed;
    };
    const applied = engine.applyRetention();
    await until(() => isHeld, 'retention is under way');
    const deleted = engine.deleteTopic('t');
    await turns();
    pass();
    await Promise.all([applied, deleted]);
    expect(made.disk.filesUnder(`${DATA_DIR}/topics`)).toEqual([]);
  });
});

describe('the limits', () => {
  it('fit each other', () => {
    expect(limits.batchBytesMax).toBeGreaterThan(limits.recordBytesMax);
    expect(limits.queuedBytesMax).toBeGreaterThan(limits.heldBytesMax);
    expect(limits.heldBytesMax).toBeGreaterThanOrEqual(limits.groupBytesMax);
    expect(limits.groupBytesMax).toBeGreaterThanOrEqual(limits.halvedGroupBytes);
    expect(limits.segmentBytesMax).toBeLessThan(2 ** 31);
    expect(limits.segmentBytesDefault).toBeLessThanOrEqual(limits.segmentBytesMax);
    expect(limits.hotTailBatchBytesMax).toBeLessThan(limits.hotTailBytesMax);
    expect(limits.readBytesMax).toBeGreaterThanOrEqual(limits.readChunkBytes);
    expect(limits.readBytesMax).toBeGreaterThanOrEqual(limits.fetchBytesDefault);
    expect(limits.mapQueuedBytesMax).toBeGreaterThanOrEqual(limits.mapValueBytesMax);
    expect(`${'n'.repeat(249)}-${limits.partitionsPerTopicMax - 1}`.length).toBeLessThanOrEqual(255);
    expect([limits.namePattern.test('n'.repeat(249)), limits.namePattern.test('n'.repeat(250))]).toEqual([true, false]);
  });

  it('every error code has a meaning and says whether the same call may succeed later', () => {
    for (const { meaning, retryable } of Object.values(engineErrors)) {
      expect(meaning).not.toBe('');
      expect(typeof retryable).toBe('boolean');
    }
  });
});

/** Runs into a crash at that operation of creating or deleting topic `t`, beside a topic that stays. */
async function crashAt(what: 'create' | 'delete', step: number) {
  const made = world();
  const engine: Engine = await made.open();
  await engine.createTopic('other');
  await engine.append('other', 0, [{ value: 'stays' }]);
  if (what === 'delete') {
    await engine.createTopic('t', { partitions: 2 });
    await engine.append('t', 1, [{ value: 'x' }]);
  }
  made.disk.operations.length = 0;
  let left = step;
  made.disk.intruder = () => {
    left -= 1;
    return left > 0 ? undefined : new Promise<void>(() => undefined);
  };
  let isDone = false;
  const work = what === 'create' ? engine.createTopic('t', { partitions: 2 }) : engine.deleteTopic('t');
  void work.then(() => (isDone = true));
  await until(() => isDone || left <= 0, `step ${step}`);
  return { made, isDone, operations: made.disk.operations.length };
}

function temporary(): string {
  const path = fs.mkdtempSync(join(tmpdir(), 'sluice-log-'));
  onTestFinished(() => fs.rmSync(path, { recursive: true, force: true }));
  return path;
}
