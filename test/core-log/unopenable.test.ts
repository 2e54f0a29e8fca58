/** What cannot be read or written when the engine is opened: only that is out of use, and it is said which and why. */

import { describe, expect, it } from 'vitest';
import { openEngine } from '../../src/core-log/index.ts';
import { errno } from './memory-disk.ts';
import { mounted, whyNoMounts } from './mount.ts';
import { logPath, partitionPath, rejection, valuesOf, type World, world } from './support.ts';

/** Topic t with a record in each of three partitions, after a kill. */
async function threePartitions(): Promise<World> {
  const home = world();
  const engine = await home.open();
  await engine.createTopic('t', { partitions: 3 });
  for (let partition = 0; partition < 3; partition += 1)
    await engine.append('t', partition, [{ value: `in ${partition}` }]);
  home.disk = home.disk.kill();
  return home;
}

const faults = [
  { what: 'may not be opened', code: 'EACCES', kind: 'open' },
  { what: 'cannot be read', code: 'EIO', kind: 'read' },
] as const;

describe.each(faults)('a partition whose log $what ($code)', ({ code, kind }) => {
  it('is fenced with file and reason; the others are read and written', async () => {
    const home = await threePartitions();
    home.disk.intruder = (operation) => {
      if (operation.kind === kind && operation.path === logPath('t', 1)) throw errno(code, operation.path);
    };
    const engine = await home.open();
    expect(engine.recovery.partitions).toMatchObject([
      { topic: 't', partition: 1, fencedReason: expect.stringContaining(code) },
    ]);
    expect(engine.status('t', 1)).toMatchObject({
      state: 'fenced',
      reason: expect.stringContaining(partitionPath('t', 1)),
    });
    expect(await rejection(engine.append('t', 1, [{ value: 'x' }]))).toMatchObject({ code: 'fenced' });
    // To call it empty would be a lie.
    expect(await rejection(engine.fetch('t', 1, 0))).toMatchObject({ code: 'read_failed' });
    expect(await rejection(engine.offsetForTimestamp('t', 1, 0))).toMatchObject({ code: 'read_failed' });
    for (const partition of [0, 2]) {
      await engine.append('t', partition, [{ value: 'more' }]);
      expect(await valuesOf(engine, 't', partition)).toEqual([`in ${partition}`, 'more']);
    }
    await engine.close();
    expect(home.disk.openFiles).toBe(0);
    home.disk.intruder = undefined;
    expect(await valuesOf(await home.open(), 't', 1)).toEqual(['in 1']);
  });
});

it('a partition that can be read and not written is read', async () => {
  const home = await threePartitions();
  home.disk.intruder = ({ kind, path }) => {
    if (kind === 'truncate' && path === logPath('t', 1)) throw errno('EROFS', path);
  };
  const engine = await home.open();
  expect(engine.status('t', 1)).toMatchObject({ state: 'fenced', reason: expect.stringContaining('EROFS'), next: 1 });
  expect(await valuesOf(engine, 't', 1)).toEqual(['in 1']);
});

it('a topic is not made where its log cannot be', async () => {
  const home = world();
  const engine = await home.open();
  home.disk.intruder = ({ kind, path }) => {
    if (kind === 'read' && path === partitionPath('t', 0, 'synced-mark')) throw errno('EIO', path);
  };
  expect(await rejection(engine.createTopic('t'))).toMatchObject({ code: 'write_failed' });
  expect(engine.topic('t')).toBeUndefined();
  home.disk.intruder = undefined;
  await engine.createTopic('t');
  expect(engine.status('t', 0)).toMatchObject({ state: 'open', next: 0 });
});

const forbidden = ['EACCES', 'EROFS', 'ENOENT'] as const;

it.each(forbidden)('a data directory that may not be written is said to be that, with its path (%s)', async (code) => {
  const home = world();
  home.disk.intruder = ({ kind, path }) => {
    if (kind === 'makeDirectory') throw errno(code, path);
  };
  const { code: said, message } = await rejection(home.open());
  expect([said, message.split(';')[0]]).toEqual(['not_writable', `/data cannot be written: ${code}`]);
});

it.skipIf(whyNoMounts !== null)('a read-only file system is said to be that', async () => {
  const directory = await mounted('ro,size=1m');
  const reason = await rejection(openEngine({ dataDir: `${directory}/data` }));
  expect(reason).toMatchObject({ code: 'not_writable', message: expect.stringContaining(`${directory}/data`) });
  expect(reason.message).toContain('read-only file system');
});
