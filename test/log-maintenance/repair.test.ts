/** After a repair a damaged partition is written again, nothing whole was dropped in silence, and no offset is given out twice. */

import fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type File,
  type FileSystem,
  dumpLog,
  openEngine,
  repairLog,
  systemFileSystem,
  verifyLog,
} from '../../src/core-log/index.ts';
import { openPort } from '../../src/adapters/index.ts';
import { encodeMark, type SyncedMark } from '../../src/core-log/storage/format.ts';
import { append, fingerprint, flipBit, logFile, positionOf, readAll, type SmallLog, smallLog } from './damaged-log.ts';

const logs: SmallLog[] = [];

afterEach(() => {
  for (const log of logs.splice(0)) log.remove();
});

/** 20 orders, and the one at `offset` of them with a bit flipped in its value. */
async function logWithBadOrder(offset: number): Promise<SmallLog> {
  const log = await smallLog();
  logs.push(log);
  const segment = log.segments.findLastIndex((base) => base <= offset);
  const file = logFile(log, segment);
  flipBit(file, positionOf(file, offset) + 100);
  return log;
}

async function numbersAfterRepair(log: SmallLog): Promise<number[]> {
  expect((await verifyLog(log.directory)).isWhole).toBe(true);
  await using engine = await openEngine({ dataDir: log.directory });
  expect(engine.status('orders', 0).state).toBe('open');
  const found = await readAll(engine);
  for (const [offset, number] of found) expect(number).toBe(offset);
  return found.map(([offset]) => offset);
}

const upTo = (end: number, from = 0) => Array.from({ length: end - from }, (_, index) => from + index);

describe('a partition with a bad batch', () => {
  it('is fenced before, and after a cut ends where the damage began', async () => {
    const log = await logWithBadOrder(7);
    {
      await using engine = await openEngine({ dataDir: log.directory });
      await expect(readAll(engine)).rejects.toMatchObject({ code: 'log_corrupt' });
      await expect(append(engine, 20)).rejects.toMatchObject({ code: 'log_corrupt' });
    }
    const { partitions } = await repairLog(log.directory);
    expect(partitions).toMatchObject([{ lost: [{ from: 7, to: 20 }], keptBatches: 7, nextOffset: 20 }]);
    expect(await numbersAfterRepair(log)).toEqual(upTo(7));
  });

  it('keeps the good batches behind it when asked, at their offsets', async () => {
    const log = await logWithBadOrder(7);
    const { partitions } = await repairLog(log.directory, { keepLater: true });
    expect(partitions).toMatchObject([{ lost: [{ from: 7, to: 8 }], keptBatches: 19, nextOffset: 20 }]);
    expect(await numbersAfterRepair(log)).toEqual([...upTo(7), ...upTo(20, 8)]);
  });

  it.each([{ keepLater: false }, { keepLater: true }])(
    'gives the next append an offset that nobody had, keepLater $keepLater',
    async ({ keepLater }) => {
      const log = await logWithBadOrder(19);
      await repairLog(log.directory, { keepLater });
      await using engine = await openEngine({ dataDir: log.directory });
      expect(await append(engine, 20)).toBe(20);
      expect((await readAll(engine, 19)).map(([offset]) => offset)).toEqual([20]);
    },
  );

  it('is written and read again after the next crash and the next close', async () => {
    const log = await logWithBadOrder(7);
    await repairLog(log.directory, { keepLater: true });
    for (let round = 0; round < 3; round += 1) {
      await using engine = await openEngine({ dataDir: log.directory });
      expect(await append(engine, 20 + round)).toBe(20 + round);
      if (round === 1) fs.rmSync(join(log.directory, 'clean-shutdown'), { force: true });
    }
    expect(await numbersAfterRepair(log)).toEqual([...upTo(7), ...upTo(23, 8)]);
  });

  it('leaves what was cut in quarantine, where it can be read', async () => {
    const log = await logWithBadOrder(7);
    const [repair] = (await repairLog(log.directory)).partitions;
    const found: number[] = [];
    for (const { quarantine } of repair?.cut ?? []) {
      for await (const entry of dumpLog(quarantine as string))
        if (entry.kind === 'record') found.push(entry.record.offset);
    }
    expect(found).toEqual(upTo(20, 8));
    const cutBytes = repair?.cut.reduce((sum, { from, to }) => sum + to - from, 0);
    const keptBytes = repair?.cut.reduce((sum, { quarantine }) => sum + fs.statSync(quarantine as string).size, 0);
    expect(keptBytes).toBe(cutBytes);
  });

  it('stays as it is in a dry run, which says what would be done', async () => {
    const log = await logWithBadOrder(7);
    const before = fingerprint(log.directory);
    const planned = await repairLog(log.directory, { dryRun: true, keepLater: true });
    expect(fingerprint(log.directory)).toBe(before);
    const done = await repairLog(log.directory, { keepLater: true });
    const withoutNames = ({ partitions }: typeof done) =>
      partitions.map(({ cut, ...rest }) => ({ ...rest, cut: cut.map(({ from, to, file }) => ({ from, to, file })) }));
    expect(withoutNames(planned)).toEqual(withoutNames(done));
  });

  it('needs no second repair', async () => {
    const log = await logWithBadOrder(7);
    await repairLog(log.directory);
    const before = fingerprint(log.directory);
    expect((await repairLog(log.directory)).partitions).toEqual([]);
    expect(fingerprint(log.directory)).toBe(before);
  });

  it('is not repaired while anybody has it open', async () => {
    const log = await logWithBadOrder(7);
    await using engine = await openEngine({ dataDir: log.directory });
    for (const dryRun of [true, false])
      await expect(repairLog(log.directory, { dryRun })).rejects.toMatchObject({ code: 'directory_locked' });
    expect(engine.status('orders', 0).next).toBe(20);
  });

  it('lets a subscription go on over the hole, with every message behind it', async () => {
    const log = await smallLog({ records: 0 });
    logs.push(log);
    const config = { dataDir: log.directory, segmentBytes: 1_024 };
    {
      await using port = await openPort({ backend: 'native', config });
      await port.createTopic({ name: 'shop' });
      await port.createSubscription({ name: 'billing', topic: 'shop', start: 'earliest' });
      for (let number = 0; number < 12; number += 1)
        await port.publish('shop', [{ value: String(number).padEnd(200, '.') }]);
    }
    const partition = join(log.directory, 'topics', 'shop-0');
    const file = join(partition, `${'0'.repeat(20)}.log`);
    flipBit(file, positionOf(file, 2) + 120);
    await repairLog(log.directory, { topic: 'shop', keepLater: true });

    await using port = await openPort({ backend: 'native', config });
    const [outcome] = await port.publish('shop', [{ value: '12' }]);
    expect(outcome).toMatchObject({ kind: 'stored', offset: 12 });
    const consumer = await port.subscribe('billing', { credit: { messages: 100 } });
    const offsets: (number | null)[] = [];
    while (offsets.at(-1) !== 12) {
      const deliveries = await consumer.pull({ maxMessages: 100, waitMs: 4_000 });
      if (deliveries.length === 0) break;
      offsets.push(...deliveries.map(({ message }) => message.offset));
      await port.ack(
        'billing',
        deliveries.map(({ token }) => token),
      );
    }
    expect(offsets).toEqual([0, 1, ...upTo(13, 3)]);
    expect((await port.lag('billing')).total).toBe(0);
  });
});

describe('other damage', () => {
  it.each([
    {
      name: 'the first byte of the log',
      harm: (log: SmallLog) => flipBit(logFile(log, 0), 16),
      cut: [],
      kept: upTo(20, 1),
    },
    {
      name: 'a middle segment is gone',
      harm: (log: SmallLog) => fs.rmSync(logFile(log, 1)),
      cut: 'first segment',
      kept: 'all but the second segment',
    },
    {
      name: 'the last segment is gone',
      harm: (log: SmallLog) => fs.rmSync(logFile(log, -1)),
      cut: 'all but the last segment',
      kept: 'all but the last segment',
    },
    { name: 'all segments are gone', harm: removeLogs, cut: [], kept: [] },
    {
      name: 'the directory is gone',
      harm: (log: SmallLog) => fs.rmSync(log.partition, { recursive: true }),
      cut: [],
      kept: [],
    },
    {
      name: 'the last segment is cut short below the mark',
      harm: (log: SmallLog) => fs.truncateSync(logFile(log, -1), 0),
      cut: 'all but the last segment',
      kept: 'all but the last segment',
    },
    {
      name: 'the mark is gone and a batch is bad',
      harm: (log: SmallLog) => {
        fs.rmSync(join(log.partition, 'synced-mark'));
        flipBit(logFile(log, 0), positionOf(logFile(log, 0), 1) + 90);
      },
      cut: [0],
      kept: [0, ...upTo(20, 2)],
    },
  ])('is repaired both ways: $name', async ({ name, harm, cut, kept }) => {
    for (const keepLater of [false, true]) {
      const log = await smallLog();
      logs.push(log);
      const [, second, third] = log.segments as [number, number, number];
      const named: Readonly<Record<string, number[]>> = {
        'first segment': upTo(second),
        'all but the second segment': [...upTo(second), ...upTo(20, third)],
        'all but the last segment': upTo(log.segments.at(-1) as number),
      };
      const expected = keepLater ? kept : cut;
      harm(log);
      await repairLog(log.directory, { keepLater });
      expect(await numbersAfterRepair(log)).toEqual(typeof expected === 'string' ? named[expected] : expected);
      await using engine = await openEngine({ dataDir: log.directory });
      // Without any trace of them offsets cannot be kept from being given out again.
      expect(await append(engine, 20)).toBe(name === 'the directory is gone' ? 0 : 20);
    }
  });

  it('is left and named where it is in a map', async () => {
    const log = await smallLog();
    logs.push(log);
    const file = join(log.directory, 'meta', 'cursors.map');
    const entry = fs.readFileSync(file);
    fs.writeFileSync(file, Buffer.concat([entry, entry]));
    flipBit(file, 14);
    expect(await repairLog(log.directory)).toMatchObject({ partitions: [], left: [{ file, position: 0 }] });
  });
});

describe('a repair that is ended at any of its steps', () => {
  it.each([{ keepLater: false }, { keepLater: true }])(
    'leaves what a second one completes, keepLater $keepLater',
    async ({ keepLater }) => {
      for (let steps = 0; ; steps += 1) {
        const log = await logWithBadOrder(7);
        const isDone = await repairLog(log.directory, { keepLater, fileSystem: endingAfter(steps) }).then(
          () => true,
          () => false,
        );
        if (isDone) {
          expect(steps).toBeGreaterThan(10);
          return;
        }
        await repairLog(log.directory, { keepLater });
        expect(await numbersAfterRepair(log)).toEqual(keepLater ? [...upTo(7), ...upTo(20, 8)] : upTo(7));
        await using engine = await openEngine({ dataDir: log.directory });
        expect(await append(engine, 20)).toBe(20);
      }
    },
  );

  it('gives out no offset again that only a seal still knows', async () => {
    for (let steps = 0, isDone = false; !isDone; steps += 1) {
      const log = await logWithBadOrder(7);
      const last = log.segments.at(-1) as number;
      writeMark(log, { segment: last, position: 0, nextOffset: last });
      fs.truncateSync(logFile(log, -1), 0);
      isDone = await repairLog(log.directory, { keepLater: true, fileSystem: endingAfter(steps) }).then(
        () => true,
        () => false,
      );
      await repairLog(log.directory, { keepLater: true });
      await using engine = await openEngine({ dataDir: log.directory });
      expect(await append(engine, 20)).toBe(20);
    }
  });
});

function writeMark(log: SmallLog, mark: SyncedMark): void {
  const file = fs.openSync(join(log.partition, 'synced-mark'), 'r+');
  const { bytes, position } = encodeMark(mark, 1_000);
  fs.writeSync(file, bytes, 0, bytes.length, position);
  fs.closeSync(file);
}

function removeLogs(log: SmallLog): void {
  for (const name of fs.readdirSync(log.partition)) if (name.endsWith('.log')) fs.rmSync(join(log.partition, name));
}

/** After so many changes every further one fails: as far as the directory can tell, the process has ended. */
function endingAfter(steps: number): FileSystem {
  let left = steps;
  const step = (): void => {
    if (left <= 0) throw new Error('the process has ended');
    left -= 1;
  };
  return {
    ...systemFileSystem,
    async open(path, mode): Promise<File> {
      if (mode === 'write') step();
      const file = await systemFileSystem.open(path, mode);
      return {
        path,
        read: async (into, position) => await file.read(into, position),
        size: async () => await file.size(),
        close: async () => await file.close(),
        write: async (buffers, position) => {
          step();
          await file.write(buffers, position);
        },
        truncate: async (size) => {
          step();
          await file.truncate(size);
        },
        dataSync: async () => {
          step();
          await file.dataSync();
        },
      };
    },
    async rename(from, to) {
      step();
      await systemFileSystem.rename(from, to);
    },
    async remove(path) {
      step();
      await systemFileSystem.remove(path);
    },
    async makeDirectory(path) {
      step();
      await systemFileSystem.makeDirectory(path);
    },
  };
}
