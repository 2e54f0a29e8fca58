/**
 * Crash points: at every operation on a file, of every work that changes more than one of them, the disk is taken as it may be
 * found when the process is killed there, when the power goes and nothing unsynced is left, and in some of the many ways in
 * between: each sector of each unsynced write there or not, names and sizes as of some moment since the last sync. Each of
 * those is opened and held against what had been answered by then.
 */

import { expect, it } from 'vitest';
import { type Engine, openEngine } from '../../src/core-log/index.ts';
import type { Dice, MemoryDisk, Operation } from './memory-disk.ts';
import { DATA_DIR, diceOf, readAll, runs, seedOfRun, turns, type World, world } from './support.ts';
import { foreignBatch } from './temporary-engine.ts';

/** Of each operation, beside the two extremes. */
const STATES_BETWEEN = runs(6, 2_500);
const STATES_MIN = runs(3_000, 1_000_000);

type Way = 'kill' | 'powerCut';

interface Stored {
  readonly offset: number;
  readonly value: string;
  readonly key: string | null;
  readonly isSynced: boolean;
}

/** What had been answered when the crash came. */
class Answers {
  readonly stored: Stored[] = [];
  /** In the order of their writing, those that may be there. */
  readonly cursors: { readonly value: string; isAcked: boolean }[] = [];
  /** Records before it may be gone; must be, once it was answered. */
  deleting = 0;
  deleted = 0;
  mayDrop = false;
  /** What of topic `u` may be found. */
  other: readonly (number | null)[] = [null];
  /** Ids whose second coming must be recognised. */
  readonly ids: string[] = [];
}

interface Work {
  readonly name: string;
  readonly options?: Parameters<Engine['createTopic']>[1];
  readonly run: (engine: Engine, answers: Answers, home: World) => Promise<void>;
}

const SEGMENT = { segmentBytes: 1_024 };

async function append(
  engine: Engine,
  answers: Answers,
  value: string,
  about: { key?: string; sync?: boolean; id?: string } = {},
) {
  const { key = null, sync = true, id } = about;
  const records = [{ key, value: value.padEnd(400, '.') }];
  const durability = sync ? 'fsync' : 'os';
  const { baseOffset } = await engine.append('t', 0, records, { durability, ...(id !== undefined && { ids: [id] }) });
  answers.stored.push({ offset: baseOffset, value, key, isSynced: sync });
  if (id !== undefined && sync) answers.ids.push(id);
}

async function other(answers: Answers, before: number | null, after: number | null, work: Promise<unknown>) {
  answers.other = [before, after];
  await work;
  answers.other = [after];
}

const works: readonly Work[] = [
  {
    name: 'rolling segments',
    options: SEGMENT,
    run: async (engine, answers) => {
      for (let count = 0; count < 8; count += 1) await append(engine, answers, `v${count}`, { sync: count % 3 > 0 });
    },
  },
  {
    name: 'retention',
    options: { ...SEGMENT, retention: { bytes: 1_500 } },
    run: async (engine, answers) => {
      for (let count = 0; count < 9; count += 1) await append(engine, answers, `v${count}`);
      answers.mayDrop = true;
      expect(await engine.applyRetention()).toBeGreaterThan(1);
    },
  },
  {
    name: 'compaction',
    options: { ...SEGMENT, cleanup: 'compact' },
    run: async (engine, answers) => {
      for (let count = 0; count < 12; count += 1) await append(engine, answers, `v${count}`, { key: `k${count % 3}` });
      expect(await engine.compact()).toBeGreaterThan(3);
      await append(engine, answers, 'after', { key: 'k0' });
    },
  },
  {
    name: 'cursors',
    run: async (engine, answers) => {
      for (let count = 0; count < 12; count += 1) {
        const cursor = { value: String(count).padEnd(300_000 * (count % 2), ' '), isAcked: false };
        answers.cursors.push(cursor);
        await engine.cursors.put('c', Buffer.from(cursor.value)); // rewritten on the way, for its size
        cursor.isAcked = true;
      }
    },
  },
  {
    name: 'making, growing and deleting topics',
    run: async (engine, answers) => {
      await append(engine, answers, 'stays');
      await other(answers, null, 2, engine.createTopic('u', { partitions: 2 }));
      await other(answers, 2, 3, engine.alterTopic('u', { partitions: 3 }));
      await engine.append('u', 1, [{ value: 'x' }]);
      await other(answers, 3, null, engine.deleteTopic('u'));
      await other(answers, null, 1, engine.createTopic('u'));
    },
  },
  {
    name: 'deleting records',
    options: SEGMENT,
    run: async (engine, answers) => {
      for (let count = 0; count < 6; count += 1) await append(engine, answers, `v${count}`, { sync: count < 3 });
      for (const before of [2, 5]) {
        answers.deleting = before;
        await engine.deleteRecords('t', 0, before);
        answers.deleted = before;
      }
      await append(engine, answers, 'after');
    },
  },
  {
    name: 'what is known of producers and ids',
    options: { ...SEGMENT, retention: { bytes: 700 } },
    run: async (engine, answers, home) => {
      const { producerId } = await engine.initProducer();
      for (let count = 0; count < 3; count += 1) {
        await append(engine, answers, `v${count}`, { id: `id${count}` });
        const bytes = foreignBatch([{ value: `p${count}` }], { producerId, producerEpoch: 0, baseSequence: count });
        const { baseOffset } = await engine.appendBatch('t', 0, bytes);
        answers.stored.push({ offset: baseOffset, value: `p${count}`, key: null, isSynced: true });
      }
      home.clock.advance(1_000); // a mark of what is synced
      await turns();
      answers.mayDrop = true;
      expect(await engine.applyRetention()).toBeGreaterThan(0);
    },
  },
  {
    name: 'a clean close',
    options: SEGMENT,
    run: async (engine, answers) => {
      for (let count = 0; count < 5; count += 1) await append(engine, answers, `v${count}`, { id: `id${count}` });
      await engine.close();
    },
  },
];

let states = 0;

it.each(works)('$name may be cut short anywhere', { timeout: runs(60_000, 6 * 3_600_000) }, async (work) => {
  const seed = seedOfRun();
  const dice = diceOf(seed);
  const home = world();
  const engine = await home.open();
  await engine.createTopic('t', work.options);
  const answers = new Answers();
  let failure: Error | undefined;
  home.disk.intruder = async (operation) => {
    if (operation.kind === 'read' || operation.kind === 'close' || failure !== undefined) return;
    failure = await checkAll(home, answers, dice, operation).then(
      () => undefined,
      (reason: unknown) =>
        new Error(`SLUICE_SEED=${seed}\nbefore ${operation.kind} ${operation.path}: ${String(reason)}`, {
          cause: reason,
        }),
    );
  };
  await work.run(engine, answers, home);
  await home.disk.intruder({ kind: 'write', path: 'nothing more', bytes: 0 });
  if (failure !== undefined) throw failure;
});

it(`${STATES_MIN} states of the disk were opened`, () => {
  expect(states).toBeGreaterThanOrEqual(STATES_MIN);
});

async function checkAll(home: World, answers: Answers, dice: Dice, operation: Operation): Promise<void> {
  await check(
    home,
    home.disk.asFound((below) => below - 1),
    answers,
    'kill',
  );
  await check(
    home,
    home.disk.asFound(() => 0),
    answers,
    'powerCut',
  );
  // Where nothing is unsynced since the last look, no other state is possible; opening a file changes nothing.
  const between = operation.kind === 'open' ? 1 : STATES_BETWEEN;
  for (let count = 0; count < between; count += 1) await check(home, home.disk.asFound(dice), answers, 'powerCut');
}

async function check(home: World, disk: MemoryDisk, answers: Answers, way: Way): Promise<void> {
  states += 1;
  const engine = await openEngine({ dataDir: DATA_DIR, clock: home.clock, fileSystem: disk });
  expect(engine.recovery.partitions.filter(({ fencedReason }) => fencedReason !== null)).toEqual([]);
  const found = engine.topic('u')?.partitions ?? null;
  expect(answers.other).toContain(found);
  const last = answers.cursors.findLastIndex(({ isAcked }) => isAcked);
  const cursors = answers.cursors.slice(Math.max(0, last)).map(({ value }) => value);
  if (answers.cursors.length > 0 && last >= 0) expect(cursors).toContain(engine.cursors.get('c')?.toString());
  await checkRecords(engine, answers, way);
  for (const id of answers.ids) {
    const again = await engine.append('t', 0, [{ value: 'again' }], { ids: [id], durability: 'memory' });
    expect([id, again.isDuplicate]).toEqual([id, true]);
  }
}

async function checkRecords(engine: Engine, answers: Answers, way: Way): Promise<void> {
  const { earliest, next } = engine.status('t', 0);
  const isCompacted = engine.topic('t')?.cleanup === 'compact';
  const records = await readAll(engine, 't');
  const at = new Map(records.map(({ offset, value }) => [offset, value?.toString().replace(/\.+$/, '')]));
  if (!isCompacted)
    expect(records.map(({ offset }) => offset)).toEqual(
      Array.from({ length: next - earliest }, (_, index) => earliest + index),
    );
  expect(earliest).toBeGreaterThanOrEqual(answers.deleted);
  if (!answers.mayDrop) expect(earliest).toBeLessThanOrEqual(answers.deleting);
  for (const { offset, value, key, isSynced } of answers.stored) {
    if (offset < earliest || (!isSynced && way === 'powerCut')) continue;
    const isReplaced = isCompacted && answers.stored.some((later) => later.key === key && later.offset > offset);
    if (isReplaced && !at.has(offset)) continue;
    expect([offset, at.get(offset)]).toEqual([offset, value]);
  }
}
