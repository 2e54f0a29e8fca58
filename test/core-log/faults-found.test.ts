/** What the simulation has found, each told as a user would have seen it. */

import { describe, expect, it } from 'vitest';
import { errno, type Intruder, type OperationKind } from './memory-disk.ts';
import { gate, logPath, partitionPath, readAll, rejection, turns, until, valuesOf, world } from './support.ts';
import { foreignBatch } from './temporary-engine.ts';

const RECORD = { value: 'x'.repeat(600) };
/** A segment for each record. */
const SMALL = { segmentBytes: 1_024 };

/** Fails the operations of a kind on paths that end so. */
function failing(kind: OperationKind, suffix: string): Intruder {
  return (operation) => {
    if (operation.kind === kind && operation.path.endsWith(suffix)) throw errno('EIO', operation.path);
  };
}

describe('after a failed sync and a restart', () => {
  it('what is answered as stored survives a power cut, though the kernel took the pages for clean', async () => {
    const home = world();
    let engine = await home.open();
    await engine.createTopic('t');
    home.disk.intruder = failing('dataSync', '.log');
    expect(await rejection(engine.append('t', 0, [RECORD], { ids: ['a'] }))).toMatchObject({ code: 'sync_failed' });
    home.disk = home.disk.kill();
    engine = await home.open();
    const again = await engine.append('t', 0, [RECORD], { ids: ['a'], durability: 'fsync' });
    expect(again.isDuplicate).toBe(true);
    home.disk = home.disk.powerCutAtWorst();
    expect((await readAll(await home.open(), 't')).map(({ offset }) => offset)).toEqual([again.baseOffset]);
  });

  it('a map holds what it shows, and opens', async () => {
    const home = world();
    let engine = await home.open();
    home.disk.intruder = failing('dataSync', 'cursors.map');
    expect(await rejection(engine.cursors.put('c', Buffer.from('1')))).toMatchObject({ code: 'sync_failed' });
    home.disk = home.disk.kill();
    engine = await home.open();
    const shown = engine.cursors.get('c')?.toString();
    await engine.cursors.put('d', Buffer.from('2'));
    await engine.cursors.put('e', Buffer.from('3'));
    home.disk = home.disk.powerCutAtWorst();
    engine = await home.open();
    expect(['c', 'd', 'e'].map((key) => engine.cursors.get(key)?.toString())).toEqual([shown, '2', '3']);
  });
});

describe('deleteRecords', () => {
  it('called twice at once deletes up to the higher offset', async () => {
    const home = world();
    const engine = await home.open();
    await engine.createTopic('t');
    for (let count = 0; count < 4; count += 1) await engine.append('t', 0, [RECORD]);
    await Promise.all([engine.deleteRecords('t', 0, 3), engine.deleteRecords('t', 0, 1)]);
    home.disk = home.disk.powerCutAtWorst();
    expect((await home.open()).status('t', 0).earliest).toBe(3);
  });

  it('lasts also where retention has let go of the segment and could not remove it', async () => {
    const home = world();
    const engine = await home.open();
    await engine.createTopic('t', { ...SMALL, retention: { bytes: 700 } });
    for (let count = 0; count < 3; count += 1) await engine.append('t', 0, [RECORD]);
    const held = gate();
    home.disk.intruder = async ({ kind }) => {
      if (kind === 'rename') await held.passed;
    };
    const retention = engine.applyRetention();
    await turns();
    home.disk.intruder = undefined;
    const deleted = engine.deleteRecords('t', 0, 1);
    await until(() => home.disk.contentOf(partitionPath('t', 0, 'partition-state')) !== undefined, 'the watermark');
    void retention;
    void deleted;
    home.disk = home.disk.kill();
    expect((await home.open()).status('t', 0).earliest).toBe(1);
  });

  it('under way while the engine closes costs no message id: what is sent again is known', async () => {
    const home = world();
    let engine = await home.open();
    await engine.createTopic('t', SMALL);
    await engine.appendBatch('t', 0, foreignBatch([RECORD], { producerId: 0, producerEpoch: 0, baseSequence: 0 }));
    for (const id of ['a', 'b', 'c']) await engine.append('t', 0, [RECORD], { ids: [id] });
    const held = gate();
    home.disk.intruder = async ({ kind, path }) => {
      if (kind === 'rename' && path.includes('partition-state')) await held.passed;
    };
    const deleting = engine.deleteRecords('t', 0, 1);
    await turns();
    const closing = engine.close();
    await turns();
    held.open();
    await Promise.allSettled([deleting, closing]);
    engine = await home.open();
    expect(await engine.append('t', 0, [RECORD], { ids: ['c'] })).toMatchObject({ isDuplicate: true, baseOffset: 3 });
  });
});

it('a refused append does not come back after a power cut when a sync was under way as it failed', async () => {
  const home = world();
  const engine = await home.open();
  await engine.createTopic('t');
  const [cutBegun, cutHeld] = [gate(), gate()];
  let writes = 0;
  home.disk.follower = ({ kind, path }) => {
    if (kind !== 'write' || !path.endsWith('.log')) return;
    writes += 1;
    if (writes === 2) throw errno('EIO', path); // written, and called a failure
  };
  home.disk.intruder = async ({ kind, path }) => {
    if (kind !== 'truncate' || !path.endsWith('.log')) return;
    cutBegun.open();
    await cutHeld.passed;
  };
  const first = engine.append('t', 0, [{ value: 'first' }], { durability: 'os' });
  await first;
  const refused = rejection(engine.append('t', 0, [{ value: 'refused' }], { durability: 'os' }));
  await cutBegun.passed;
  await engine.deleteRecords('t', 0, 1); // with a sync of what is before it
  cutHeld.open();
  expect(await refused).toMatchObject({ code: 'write_failed' });
  // Everything that was written may be there, and nothing that was not synced is cut.
  home.disk = home.disk.powerCut((below) => (below === 4 ? 1 : 0));
  expect(await valuesOf(await home.open(), 't')).toEqual([]);
});

it('an append of which one part is new and stored is not called refused for the part that was sent before', async () => {
  const home = world();
  const engine = await home.open();
  await engine.createTopic('t');
  const [syncBegun, syncFails, writeBegun, writeHeld] = [gate(), gate(), gate(), gate()];
  home.disk.intruder = async ({ kind, path }) => {
    if (!path.endsWith('.log')) return;
    if (kind === 'dataSync') {
      syncBegun.open();
      await syncFails.passed;
      throw errno('EIO', path);
    }
    if (kind === 'write' && home.disk.contentOf(path)?.length !== 0) {
      writeBegun.open();
      await writeHeld.passed;
    }
  };
  const synced = rejection(engine.append('t', 0, [RECORD], { durability: 'fsync' }));
  await syncBegun.passed;
  const first = engine.append('t', 0, [RECORD], { ids: ['a'], durability: 'os' });
  const mixed = rejection(engine.append('t', 0, [RECORD, RECORD], { ids: ['a', 'b'], durability: 'os' }));
  await writeBegun.passed;
  syncFails.open();
  await synced;
  writeHeld.open();
  expect(await first).toMatchObject({ baseOffset: 1 });
  expect(await mixed).toMatchObject({ code: 'sync_failed' }); // unknown; the new one is in the log
  expect(engine.status('t', 0).next).toBe(3);
});

it('retention that cannot remove the oldest segment removes none behind it: the partition opens', async () => {
  const home = world();
  let engine = await home.open();
  await engine.createTopic('t', { ...SMALL, retention: { bytes: 700 } });
  for (let count = 0; count < 5; count += 1) await engine.append('t', 0, [RECORD]);
  home.disk.intruder = failing('rename', logPath('t', 0).slice(-24));
  expect(await rejection(engine.applyRetention())).toMatchObject({ code: 'EIO' });
  await engine.applyRetention().catch(() => undefined);
  home.disk = home.disk.kill();
  engine = await home.open();
  expect(engine.status('t', 0)).toMatchObject({ state: 'open', earliest: 0, next: 5 });
  expect(await engine.applyRetention()).toBe(3);
});

describe('a topic', () => {
  it('whose creation ended in doubt is there after a restart, empty and open, or not at all', async () => {
    const home = world();
    let engine = await home.open();
    home.disk.intruder = failing('dataSync', 'topics.map');
    expect(await rejection(engine.createTopic('t'))).toMatchObject({ code: 'sync_failed' });
    home.disk.intruder = failing('makeDirectory', 't-0');
    await rejection(engine.createTopic('t'));
    home.disk = home.disk.kill();
    engine = await home.open();
    expect(engine.status('t', 0)).toMatchObject({ state: 'open', next: 0 });
  });

  it('made again after its deletion failed half-way is empty and open', async () => {
    const home = world();
    let engine = await home.open();
    await engine.createTopic('t', SMALL);
    for (let count = 0; count < 3; count += 1) await engine.append('t', 0, [RECORD]);
    await engine.close(); // with a mark of what is synced
    engine = await home.open();
    home.disk.intruder = failing('rename', 't-0');
    expect(await rejection(engine.deleteTopic('t'))).toMatchObject({ code: 'EIO' });
    home.disk.intruder = undefined;
    await engine.createTopic('t', SMALL);
    expect(engine.status('t', 0)).toMatchObject({ state: 'open', earliest: 0, next: 0, segments: 1 });
    // Nor was anything of the old one put aside in it.
    expect(home.disk.filesUnder(partitionPath('t', 0)).filter((path) => path.includes('quarantine'))).toEqual([]);
    await engine.append('t', 0, [RECORD]);
    home.disk = home.disk.kill();
    engine = await home.open();
    expect(engine.status('t', 0)).toMatchObject({ state: 'open', earliest: 0, next: 1 });
  });

  it('whose deletion ended in doubt acknowledges nothing that the next start would delete', async () => {
    const home = world();
    const engine = await home.open();
    await engine.createTopic('t');
    home.disk.intruder = failing('dataSync', 'topics.map');
    expect(await rejection(engine.deleteTopic('t'))).toMatchObject({ code: 'sync_failed' });
    expect(await rejection(engine.append('t', 0, [RECORD]))).toMatchObject({ code: 'topic_not_found' });
  });
});

describe('a compaction whose renaming, removing or syncing of names fails once', () => {
  const naming: readonly OperationKind[] = ['rename', 'remove', 'syncDirectory'];

  it('leaves at each of its steps a log that is read whole, and is brought to its end by the next one', async () => {
    let failures = 0;
    for (let step = 0; ; step += 1) {
      const home = world();
      let engine = await home.open();
      await engine.createTopic('t', { ...SMALL, cleanup: 'compact' });
      for (let count = 0; count < 12; count += 1) await engine.append('t', 0, [{ ...RECORD, key: `k${count % 3}` }]);
      let left = step;
      let hasFailed = false;
      home.disk.intruder = ({ kind, path }) => {
        if (!naming.includes(kind)) return;
        left -= 1;
        if (left !== -1) return;
        hasFailed = true;
        throw errno('EIO', path);
      };
      const first = await engine.compact().catch((reason: unknown) => reason);
      home.disk.intruder = undefined;
      if (!hasFailed) break;
      failures += 1;
      const latest = (await readAll(engine, 't')).slice(-3).map(({ offset }) => offset);
      expect([step, latest, engine.status('t', 0).state, first]).toMatchObject([
        step,
        [9, 10, 11],
        'open',
        expect.anything(),
      ]);
      await engine.compact();
      const kept = (await readAll(engine, 't')).map(({ offset }) => offset);
      expect([step, kept]).toEqual([step, [8, 9, 10, 11].filter((offset) => kept.includes(offset))]);
      home.disk = home.disk.powerCutAtWorst();
      engine = await home.open();
      expect((await readAll(engine, 't')).map(({ offset }) => offset)).toEqual(kept);
      expect(engine.status('t', 0).state).toBe('open');
    }
    expect(failures).toBeGreaterThan(4);
  });
});
