/** The tools of a log that was compacted: gaps that were made are no damage, losses are, and a compaction cut short is told. */

import { copyFile, readdir, rename, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dumpLog, repairLog, verifyLog } from '../../src/core-log/index.ts';
import { readAll, type Place, temporaryPlace } from '../core-log/temporary-engine.ts';

async function compactedLog(cleanup: 'compact' | 'delete' = 'compact'): Promise<Place> {
  const place = await temporaryPlace();
  const engine = await place.open();
  await engine.createTopic('t', { cleanup: 'compact', segmentBytes: 1_024 });
  for (let index = 0; index < 12; index += 1) {
    const filler = { key: 'filler', value: Buffer.alloc(1_000) };
    await engine.append('t', 0, [{ key: `k-${index % 5}`, value: `v-${index}` }, filler]);
  }
  await engine.compact();
  await engine.compact(); // now neighbours are one segment, with gaps inside
  if (cleanup === 'delete') await engine.alterTopic('t', { cleanup });
  await engine.close();
  return place;
}

const logsOf = async (place: Place) =>
  (await readdir(place.partition('t'))).filter((name) => name.endsWith('.log')).toSorted();

describe('verify', () => {
  it.each(['compact', 'delete'] as const)(
    'finds a compacted log whole, also when its topic is "%s" now',
    async (cleanup) => {
      const place = await compactedLog(cleanup);
      expect(await verifyLog(place.dataDir)).toMatchObject({ isWhole: true, problems: [] });
    },
  );

  it('names a segment that is lost above what was compacted', async () => {
    const place = await compactedLog();
    const engine = await place.open();
    for (let index = 0; index < 3; index += 1)
      await engine.append('t', 0, [{ key: 'late', value: Buffer.alloc(1_000) }]);
    await engine.close();
    await rm(join(place.partition('t'), (await logsOf(place)).at(-2) as string));
    const { isWhole, problems } = await verifyLog(place.dataDir);
    expect([isWhole, problems[0]?.reason]).toEqual([false, expect.stringContaining('where')]);
  });

  it('takes a compaction that was cut short for what it is, on either side of the point from which it counts', async () => {
    const place = await compactedLog();
    const [first] = await logsOf(place);
    const log = join(place.partition('t'), first as string);
    const base = (first as string).slice(0, 20);
    const end = ((await logsOf(place))[1] as string).slice(0, 20);
    await copyFile(log, join(place.partition('t'), `${base}.log.${end}.cleaned`));
    expect(await verifyLog(place.dataDir)).toMatchObject({ isWhole: true });
    await rename(
      join(place.partition('t'), `${base}.log.${end}.cleaned`),
      join(place.partition('t'), `${base}.log.${end}.swap`),
    );
    await rm(log);
    const { isWhole, problems } = await verifyLog(place.dataDir);
    expect([isWhole, problems.map(({ reason }) => reason)]).toEqual([
      true,
      expect.arrayContaining([expect.stringContaining('the next open ends it')]),
    ]);
    const engine = await place.open();
    expect(engine.status('t', 0).state).toBe('open');
  });
});

describe('repair', () => {
  it('of a lost partition state gives the partition a new one: nothing is lost, and it takes appends', async () => {
    const place = await compactedLog();
    const before = await place.open();
    const records = await readAll(before, 't');
    await before.close();
    await truncate(join(place.partition('t'), 'partition-state'), 10);
    expect((await verifyLog(place.dataDir)).isWhole).toBe(false);
    const { partitions } = await repairLog(place.dataDir);
    expect(partitions).toMatchObject([{ topic: 't', partition: 0, lost: [], cut: [] }]);
    const engine = await place.open();
    expect(await readAll(engine, 't')).toEqual(records);
    await engine.append('t', 0, [{ key: 'k', value: 'goes on' }]);
  });
});

describe('dump', () => {
  it('shows gaps as gaps and what is left in between', async () => {
    const place = await compactedLog();
    const kinds: string[] = [];
    for await (const entry of dumpLog(place.dataDir, { topic: 't' })) kinds.push(entry.kind);
    expect(new Set(kinds)).toEqual(new Set(['file', 'batch', 'record', 'gap']));
    expect(kinds.filter((kind) => kind === 'record').length).toBeLessThan(14);
  });
});
