/** Whatever happens to the bytes of a closed data directory: opening and reading end, with the truth or with an error that has a name. */

import { describe, expect, it } from 'vitest';
import { type Engine, EngineError, type EngineErrorCode } from '../../src/core-log/index.ts';
import { DATA_DIR, diceOf, logPath, rejection, runs, seedOfRun, type World, world } from './support.ts';
import type { Dice } from './memory-disk.ts';

const ROUNDS = runs(300, 20_000);

describe('bit rot', () => {
  it(`is never served, in ${ROUNDS} random damages of any file`, { timeout: runs(60_000, 3_600_000) }, async () => {
    const seed = seedOfRun();
    const pristine = await closedLog();
    for (let round = 0; round < ROUNDS; round += 1) {
      const made = world();
      for (const [path, bytes] of pristine.files) {
        await made.disk.makeDirectory(path.slice(0, path.lastIndexOf('/')));
        made.disk.put(path, bytes);
      }
      const what = spoil(made, diceOf(seed + round));
      try {
        await readWhatIsLeft(made, pristine.values);
      } catch (reason) {
        throw new Error(`SLUICE_SEED=${seed + round}\n${what}: ${String(reason)}`, { cause: reason });
      }
    }
  });

  it('in any bit of a record below the mark is found, named, and not served', async () => {
    const made = world();
    const engine = await made.open();
    await engine.createTopic('t');
    await engine.append('t', 0, [{ value: 'first' }]);
    const from = engine.status('t', 0).bytes;
    await engine.append('t', 0, [{ key: 'k', value: 'second' }]);
    const to = engine.status('t', 0).bytes;
    await engine.append('t', 0, [{ value: 'third' }]);
    await engine.close();
    const files = new Map(
      made.disk.filesUnder(DATA_DIR).map((path) => [path, Buffer.from(made.disk.contentOf(path) ?? [])]),
    );
    for (let bit = from * 8; bit < to * 8; bit += 1) {
      const position = bit >>> 3;
      if (position - from >= 12 && position - from < 16) continue; // the epoch, which nobody checks
      for (const [path, bytes] of files) made.disk.put(path, bytes);
      const bad = Buffer.from(files.get(logPath('t', 0)) ?? []);
      bad[position] = (bad[position] as number) ^ (1 << (bit & 7));
      made.disk.put(logPath('t', 0), bad);
      const again = await made.open();
      const reason = await rejection(again.fetch('t', 0, 1));
      expect([bit, reason.code], reason.message).toEqual([bit, 'log_corrupt']);
      expect(reason.message).toContain(`${logPath('t', 0)} is damaged at position`);
      expect((await again.fetch('t', 0, 0)).records.map(({ value }) => value?.toString())).toEqual(['first']);
      expect((await again.fetch('t', 0, 2)).records.map(({ value }) => value?.toString())).toEqual(['third']);
      await again.close();
    }
  });
});

/** A directory closed in order: two partitions of several segments, cursors; what is in it, and its files. */
async function closedLog(): Promise<{ files: Map<string, Buffer>; values: string[][] }> {
  const made = world();
  const engine = await made.open();
  await engine.createTopic('t', { partitions: 2, segmentBytes: 6_000 });
  const values: string[][] = [[], []];
  for (let index = 0; index < 80; index += 1) {
    const records = Array.from({ length: 1 + (index % 3) }, (_, record) => ({
      value: `${index}.${record}.`.padEnd(150, 'x'),
    }));
    await engine.append('t', index % 2, records);
    values[index % 2]?.push(...records.map(({ value }) => value));
  }
  await engine.cursors.put('reader', Buffer.from('12'));
  await engine.cursors.put('reader', Buffer.from('13'));
  await engine.close();
  const paths = made.disk.filesUnder(DATA_DIR);
  return { files: new Map(paths.map((path) => [path, Buffer.from(made.disk.contentOf(path) ?? [])])), values };
}

/** Flips, overwrites, cuts or lengthens one file or several; with the marker of a clean close, or without. */
function spoil(made: World, dice: Dice): string {
  const told: string[] = [];
  if (dice(2) === 0) made.disk.erase(`${DATA_DIR}/clean-shutdown`);
  else told.push('clean');
  for (let count = 1 + dice(3); count > 0; count -= 1) {
    const paths = made.disk.filesUnder(DATA_DIR);
    const path = paths[dice(paths.length)] as string;
    const bytes = Buffer.from(made.disk.contentOf(path) ?? []);
    const at = dice(bytes.length + 1);
    const way = dice(6);
    told.push(`${path} at ${at} by ${way}`);
    if (way === 0) made.disk.erase(path);
    else if (way === 1) made.disk.put(path, bytes.subarray(0, at));
    else if (way === 2) made.disk.put(path, Buffer.concat([bytes.subarray(0, at), Buffer.alloc(dice(600), dice(256))]));
    else if (way === 3)
      made.disk.put(path, Buffer.concat([bytes, Buffer.from(Array.from({ length: dice(300) }, () => dice(256)))]));
    else {
      for (let flips = 1 + dice(way === 4 ? 1 : 20); flips > 0 && bytes.length > 0; flips -= 1)
        bytes[dice(bytes.length)] = dice(256);
      made.disk.put(path, bytes);
    }
  }
  return told.join(', ');
}

async function readWhatIsLeft(made: World, values: readonly string[][]): Promise<void> {
  const engine = await opened(made);
  if (engine === undefined) return;
  for (const [partition, expected] of values.entries()) {
    if (engine.topic('t') === undefined) break; // the map of topics ended before it: its records are put aside
    const { earliest, next } = engine.status('t', partition);
    for (let offset = earliest; offset < Math.min(next, expected.length); offset += 1) {
      const fetched = await named(engine.fetch('t', partition, offset, { maxRecords: 2 }), ['log_corrupt']);
      for (const record of fetched?.records ?? []) expect(record.value?.toString()).toBe(expected[record.offset]);
    }
    await named(engine.offsetForTimestamp('t', partition, made.clock.nowMs()), ['log_corrupt']);
    await named(engine.append('t', partition, [{ value: 'more' }]), ['log_corrupt']);
  }
  await engine.close();
  expect(made.disk.openFiles).toBe(0);
}

async function opened(made: World): Promise<Engine | undefined> {
  return await named(made.open(), ['log_corrupt', 'not_a_data_directory', 'format_too_new']);
}

async function named<T>(promise: Promise<T>, codes: readonly EngineErrorCode[]): Promise<T | undefined> {
  try {
    return await promise;
  } catch (reason) {
    if (!(reason instanceof EngineError) || !codes.includes(reason.code)) throw reason;
    return undefined;
  }
}
