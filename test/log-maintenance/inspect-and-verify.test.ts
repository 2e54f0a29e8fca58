/** What is in a directory and whether it is whole: every kind of damage is found and named, and nothing is touched by looking. */

import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type DumpOptions,
  dumpLog,
  inspectLog,
  openEngine,
  type Problem,
  repairLog,
  verifyLog,
} from '../../src/core-log/index.ts';
import { crc32c } from '../../src/core-log/record/crc32c.ts';
import { decodeSeal, encodeSeal, FORMAT_VERSION } from '../../src/core-log/storage/format.ts';
import {
  append,
  appendBytes,
  fingerprint,
  flipBit,
  logFile,
  positionOf,
  readAll,
  type SmallLog,
  smallLog,
} from './damaged-log.ts';

const logs: SmallLog[] = [];

afterEach(() => {
  for (const log of logs.splice(0)) log.remove();
});

async function newLog(options?: Parameters<typeof smallLog>[0]): Promise<SmallLog> {
  const log = await smallLog(options);
  logs.push(log);
  return log;
}

const damageOf = (problems: readonly Problem[]) => problems.filter(({ severity }) => severity === 'damage');

describe('inspect', () => {
  it('tells topics, offsets, sizes, marks and cursors', async () => {
    const log = await newLog();
    const sight = await inspectLog(log.directory, { describeCursor: (key, value) => `${key} has ${value.length}` });
    expect(sight).toMatchObject({ format: { version: FORMAT_VERSION }, inUseBy: null, cleanShutdown: true });
    expect(sight.topics).toMatchObject([{ name: 'orders', partitions: 1, isGoing: false }]);
    expect(sight.partitions).toMatchObject([
      { topic: 'orders', partition: 0, earliest: 0, next: 20, syncedMark: { nextOffset: 20 }, quarantine: [] },
    ]);
    expect(sight.partitions[0]?.segments.map(({ baseOffset }) => baseOffset)).toEqual(log.segments);
    expect(sight.partitions[0]?.bytes).toBeGreaterThan(20 * 150);
    expect(sight.cursors).toEqual([{ key: 'cursor/billing/0', bytes: 8, position: 'cursor/billing/0 has 8' }]);
  });

  it('knows where a log ends that was not closed in order', async () => {
    const log = await newLog({ isCrashed: true });
    fs.rmSync(logFile(log, -1, '.seal'));
    const sight = await inspectLog(log.directory);
    expect(sight).toMatchObject({ cleanShutdown: false, partitions: [{ next: 20 }] });
  });

  it('shows what is in quarantine', async () => {
    const log = await newLog({ isCrashed: true });
    appendBytes(logFile(log, -1), Buffer.from('torn'));
    await (await openEngine({ dataDir: log.directory })).close();
    expect((await inspectLog(log.directory)).partitions[0]?.quarantine).toMatchObject([{ bytes: 4 }]);
  });

  it('looks at a directory in use and says by whom, without touching it', async () => {
    const log = await newLog();
    await using engine = await openEngine({ dataDir: log.directory });
    await append(engine, 20);
    const before = fingerprint(log.directory);
    expect(await inspectLog(log.directory)).toMatchObject({ inUseBy: 'this process', partitions: [{ next: 21 }] });
    expect(await verifyLog(log.directory)).toMatchObject({ isWhole: true, inUseBy: 'this process', problems: [] });
    expect(fingerprint(log.directory)).toBe(before);
  });
});

describe('verify', () => {
  it('finds nothing in a log that is whole, and says how much it looked at', async () => {
    const log = await newLog();
    const before = fingerprint(log.directory);
    const report = await verifyLog(log.directory);
    expect(report).toMatchObject({ isWhole: true, problems: [], checked: { partitions: 1, batches: 20, records: 20 } });
    expect(report.checked.segments).toBe(log.segments.length);
    expect(fingerprint(log.directory)).toBe(before);
  });

  it('finds every bit of a batch that flips, and names the batch', async () => {
    const log = await newLog();
    const file = logFile(log, 1);
    const offset = (log.segments[1] as number) + 1;
    const position = positionOf(file, offset);
    const end = positionOf(file, offset + 1);
    const unseen: number[] = [];
    for (let at = position; at < end; at += 1) {
      flipBit(file, at, at % 8);
      const [first] = damageOf((await verifyLog(log.directory)).problems);
      if (first?.file !== file || first.position !== position) unseen.push(at - position);
      flipBit(file, at, at % 8);
    }
    // The leader epoch is outside the checksum and means nothing to this log.
    expect(unseen).toEqual([12, 13, 14, 15]);
  });

  it('tells one damage from another, and what lies behind it is looked at too', async () => {
    const log = await newLog();
    for (const segment of [0, 2])
      flipBit(logFile(log, segment), positionOf(logFile(log, segment), log.segments[segment] as number) + 80);
    const damage = damageOf((await verifyLog(log.directory)).problems);
    expect([...new Set(damage.map(({ file }) => file))]).toEqual([logFile(log, 0), logFile(log, 2)]);
    expect(damage[0]?.reason).toMatch(/^checksum [0-9a-f]+ stored, [0-9a-f]+ computed/);
  });

  it('says which offsets are missing when a middle segment is gone', async () => {
    const log = await newLog();
    const [, gone, follower] = log.segments;
    fs.rmSync(logFile(log, 1));
    expect(damageOf((await verifyLog(log.directory)).problems)).toMatchObject([
      { file: logFile(log, 2), position: 0, reason: `it begins at offset ${follower} where ${gone} follows` },
    ]);
  });

  it.each([
    {
      name: 'the last segment is gone',
      harm: (log: SmallLog) => fs.rmSync(logFile(log, -1)),
      reason: /^the file is gone, \d+ bytes of it were on the disk/,
    },
    {
      name: 'a file is cut below the synced mark',
      harm: (log: SmallLog) => fs.truncateSync(logFile(log, -1), 100),
      reason: /bytes, the log 100|the file ends there/,
    },
    {
      name: 'the directory of a partition is gone',
      harm: (log: SmallLog) => fs.rmSync(log.partition, { recursive: true }),
      reason: /^the partition has no segment file/,
    },
    {
      name: 'bad bytes in the map of topics',
      harm: (log: SmallLog) => {
        const file = join(log.directory, 'meta', 'topics.map');
        const entry = fs.readFileSync(file);
        fs.writeFileSync(file, Buffer.concat([entry, entry]));
        flipBit(file, 14);
      },
      reason: /^bad bytes before a whole entry at \d+/,
    },
  ])('is damaged: $name', async ({ harm, reason }) => {
    const log = await newLog();
    harm(log);
    const report = await verifyLog(log.directory);
    expect(report.isWhole).toBe(false);
    expect(damageOf(report.problems).map((problem) => problem.reason)).toContainEqual(expect.stringMatching(reason));
  });

  it.each([
    {
      name: 'a write that was torn, above the synced mark',
      harm: (log: SmallLog) => appendBytes(logFile(log, -1), Buffer.alloc(70, 1)),
      reason: /never synced; the next open cuts it off into quarantine$/,
    },
    {
      name: 'an index is missing',
      harm: (log: SmallLog) => fs.rmSync(logFile(log, 0, '.index')),
      reason: /^the file is missing: it is made again from the log/,
    },
    {
      name: 'an index is not the one that was written',
      harm: (log: SmallLog) => fs.appendFileSync(logFile(log, 0, '.timeindex'), 'x'),
      reason: /^its checksum is not the one in the seal/,
    },
    {
      name: 'a seal is missing',
      harm: (log: SmallLog) => fs.rmSync(logFile(log, 0, '.seal')),
      reason: /^the file is missing: it is made again from the log/,
    },
    {
      name: 'there is no synced mark',
      harm: (log: SmallLog) => fs.rmSync(join(log.partition, 'synced-mark')),
      reason: /^the partition has no synced mark/,
    },
    {
      name: 'the last entry of a map is torn',
      harm: (log: SmallLog) => fs.appendFileSync(join(log.directory, 'meta', 'cursors.map'), 'torn'),
      reason: /^the last 4 bytes are no whole entry/,
    },
    {
      name: 'a directory belongs to no topic',
      harm: (log: SmallLog) => fs.mkdirSync(join(log.directory, 'topics', 'stranger-0')),
      reason: /^belongs to no topic/,
    },
  ])('is whole, and says so, when the next open puts it in order: $name', async ({ harm, reason }) => {
    const log = await newLog({ isCrashed: true });
    harm(log);
    const report = await verifyLog(log.directory);
    expect(report.isWhole).toBe(true);
    expect(report.problems.map((problem) => problem.reason)).toContainEqual(expect.stringMatching(reason));
    await using engine = await openEngine({ dataDir: log.directory });
    expect((await readAll(engine)).length).toBe(20);
    expect(await append(engine, 20)).toBe(20);
  });

  it('finds an index that leads to the wrong place though its checksum fits', async () => {
    const log = await newLog();
    const index = logFile(log, 0, '.timeindex');
    const bytes = fs.readFileSync(index);
    bytes.writeBigInt64BE(1n, 0);
    fs.writeFileSync(index, bytes);
    const seal = decodeSeal(fs.readFileSync(logFile(log, 0, '.seal')));
    if (seal === null) throw new Error('the seal should be whole');
    fs.writeFileSync(logFile(log, 0, '.seal'), encodeSeal({ ...seal, timeIndexCrc: crc32c(bytes) }));
    expect(damageOf((await verifyLog(log.directory)).problems)).toMatchObject([
      { file: index, reason: expect.stringMatching(/^the entry at 0 passes over a record of \d+$/) as string },
    ]);
  });

  it('finds a batch whose offset was changed, which no checksum covers, and believes those behind it', async () => {
    const log = await newLog();
    const file = logFile(log, 0);
    const position = positionOf(file, 2);
    flipBit(file, position + 7, 5); // 2 becomes 34
    const report = await verifyLog(log.directory);
    expect(damageOf(report.problems)[0]).toMatchObject({ position, reason: 'base offset 34 where 2 follows' });
    expect(report.checked.batches).toBe(19);
  });
});

describe('a directory that is not one of this log', () => {
  it.each([
    { name: 'does not exist', make: () => join(tmpdir(), 'sluice-no-such-directory'), code: 'not_a_data_directory' },
    { name: 'is empty', make: () => fs.mkdtempSync(join(tmpdir(), 'sluice-empty-')), code: 'not_a_data_directory' },
    {
      name: 'is somebody else’s',
      make: () => {
        const directory = fs.mkdtempSync(join(tmpdir(), 'sluice-foreign-'));
        fs.writeFileSync(join(directory, 'notes.txt'), 'mine');
        return directory;
      },
      code: 'not_a_data_directory',
    },
  ])('$name: refused and untouched', async ({ make, code }) => {
    const directory = make();
    const before = fs.existsSync(directory) ? fingerprint(directory) : null;
    for (const look of [inspectLog, verifyLog]) await expect(look(directory)).rejects.toMatchObject({ code });
    if (before === null) return;
    expect(fingerprint(directory)).toBe(before);
    fs.rmSync(directory, { recursive: true });
  });

  it('a topic or partition that is not there is refused by name', async () => {
    const log = await newLog();
    const first = async (options: DumpOptions) => await dumpLog(log.directory, options)[Symbol.asyncIterator]().next();
    await expect(first({ topic: 'nope' })).rejects.toThrow(/has no topic "nope"; it has orders/);
    await expect(first({ topic: 'orders', partition: 3 })).rejects.toMatchObject({ code: 'topic_not_found' });
    await expect(first({})).rejects.toThrow(/^which topic of .* It has orders$/);
    await expect(repairLog(log.directory, { topic: 'nope' })).rejects.toMatchObject({ code: 'topic_not_found' });
    await expect(repairLog(log.directory, { partition: 0 })).rejects.toMatchObject({ code: 'invalid_option' });
  });
});
