/** Reads of a log that is in the page cache but not in the engine's memory, and reads at random offsets of a small and a large one. */

import fs from 'node:fs';
import { join } from 'node:path';
import { crc32c } from '@node-rs/crc32';
import { type Engine, openEngine } from '../src/core-log/index.ts';
import type { BenchRow } from './row.ts';
import { againstLimit, inTurns, median } from './rounds.ts';

const MEBIBYTE = 1024 * 1024;
const SEQUENTIAL_BYTES = 128 * MEBIBYTE;
/** The goal names 1 and 20 GiB: a fortieth of them keeps the run short, and both below the memory of the machine. */
const SMALL_BYTES = 32 * MEBIBYTE;
const LARGE_BYTES = 640 * MEBIBYTE;

export async function measureReads(directory: string): Promise<BenchRow[]> {
  const dataDir = join(directory, 'reads');
  await fill(dataDir, 'sequential', SEQUENTIAL_BYTES);
  await fill(dataDir, 'small', SMALL_BYTES);
  await fill(dataDir, 'large', LARGE_BYTES);
  await using engine = await openEngine({ dataDir });
  return [
    ...(await sequential(engine, dataDir)),
    await smallAndLarge('read of one record at a random offset', async (topic) => await randomReadMs(engine, topic)),
    await smallAndLarge('append of one 1 KB record, os', async (topic) => await appendMs(engine, topic)),
  ];
}

async function fill(dataDir: string, topic: string, bytes: number): Promise<void> {
  await using engine = await openEngine({ dataDir });
  await engine.createTopic(topic, { segmentBytes: 128 * MEBIBYTE });
  const records = Array.from({ length: 64 }, () => ({ value: Buffer.alloc(1_000, 'x') }));
  while (engine.status(topic, 0).bytes < bytes) await engine.append(topic, 0, records, { durability: 'os' });
}

async function sequential(engine: Engine, dataDir: string): Promise<BenchRow[]> {
  const { bytes, next } = engine.status('sequential', 0);
  const megabytesPerSecond = (startedMs: number): number => bytes / 1e3 / (performance.now() - startedMs);
  const decoded: number[] = [];
  for (let round = 0; round < 7; round += 1) {
    const started = performance.now();
    for (let offset = 0; offset < next; ) ({ next: offset } = await engine.fetch('sequential', 0, offset));
    decoded.push(megabytesPerSecond(started));
  }
  const raw = await inTurns({
    name: 'sequential read of raw batches of 64 KiB; read(2) + crc32c',
    unit: 'MB/s',
    target: 0.7,
    ours: async () => {
      const started = performance.now();
      for (let offset = 0; offset < next; ) ({ next: offset } = await engine.readBatches('sequential', 0, offset));
      return megabytesPerSecond(started);
    },
    reference: () => {
      const started = performance.now();
      for (const path of segmentsOf(dataDir, 'sequential')) readAndCheck(path);
      return megabytesPerSecond(started);
    },
  });
  const limit = { unit: 'MB/s', limit: 300, isAtLeast: true };
  return [againstLimit('sequential read of 1 KB records, decoded', decoded, limit), raw];
}

function segmentsOf(dataDir: string, topic: string): string[] {
  const directory = join(dataDir, 'topics', `${topic}-0`);
  return fs
    .readdirSync(directory)
    .filter((name) => name.endsWith('.log'))
    .map((name) => join(directory, name));
}

/** In pieces of 1 MiB, as the engine reads, each into memory of its own, as whoever hands on what he read must. */
function readAndCheck(path: string): void {
  const fd = fs.openSync(path, 'r');
  for (;;) {
    const block = Buffer.allocUnsafeSlow(MEBIBYTE);
    const count = fs.readSync(fd, block, 0, block.length, null);
    if (count === 0) break;
    crc32c(block.subarray(0, count));
  }
  fs.closeSync(fd);
}

async function smallAndLarge(what: string, measure: (topic: string) => Promise<number>): Promise<BenchRow> {
  return await inTurns({
    name: `${what}, p50, log of ${LARGE_BYTES / MEBIBYTE} MiB; of ${SMALL_BYTES / MEBIBYTE} MiB`,
    unit: 'ms',
    target: 1 / 1.2,
    isTime: true,
    ours: async () => await measure('large'),
    reference: async () => await measure('small'),
  });
}

async function randomReadMs(engine: Engine, topic: string): Promise<number> {
  const { next } = engine.status(topic, 0);
  const times: number[] = [];
  for (let index = 0; index < 300; index += 1) {
    const offset = (index * 7_919 * 104_729) % next;
    const started = performance.now();
    await engine.fetch(topic, 0, offset, { maxRecords: 1, maxBytes: 1 });
    times.push(performance.now() - started);
  }
  return median(times);
}

async function appendMs(engine: Engine, topic: string): Promise<number> {
  const records = [{ value: Buffer.alloc(1_000, 'x') }];
  const times: number[] = [];
  for (let index = 0; index < 500; index += 1) {
    const started = performance.now();
    await engine.append(topic, 0, records, { durability: 'os' });
    times.push(performance.now() - started);
  }
  return median(times);
}
