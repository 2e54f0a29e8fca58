/**
 * Appends. The references are one thread that does nothing but the least that a log must do with the same bytes: a checksum and
 * write(2), or the very writes and syncs that the engine made, replayed one after the other. Their bytes come from as many buffers
 * as there are appenders: a single one, hot in the cache, would measure the cache.
 */

import fs from 'node:fs';
import { join } from 'node:path';
import { crc32c } from '@node-rs/crc32';
import {
  type Engine,
  type FileSystem,
  type LogPersistence,
  openEngine,
  type RecordInput,
} from '../src/core-log/index.ts';
import { systemFileSystem } from '../src/core-log/platform/file-system.ts';
import type { BenchRow } from './row.ts';
import { againstLimit, inTurns, median, quantile } from './rounds.ts';

const TOPIC = 'bench';
const BATCH_BYTES = 64 * 1024;

interface Work {
  readonly recordBytes: number;
  readonly recordsPerAppend: number;
  readonly appends: number;
  readonly durability: LogPersistence;
  /** Appends that wait for their answer at the same time. */
  readonly outstanding: number;
  readonly partitions: number;
}

export async function measureAppends(directory: string): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const [recordBytes, partitions] of [
    [1_000, 1],
    [1_000, 8],
    [100, 1],
  ] as const)
    rows.push(await againstChecksumAndWrite(directory, recordBytes, partitions));
  for (const [recordBytes, partitions] of [
    [1_000, 1],
    [1_000, 8],
    [100, 1],
  ] as const)
    rows.push(await againstSameGroups(directory, recordBytes, partitions));
  rows.push(await readyBatches(directory, 64), await readyBatches(directory, 1_024));
  rows.push(...(await oneAtATime(directory)), await withoutBatching(directory));
  return rows;
}

function workOf(recordBytes: number, partitions: number, durability: LogPersistence, appends: number): Work {
  const recordsPerAppend = Math.floor(BATCH_BYTES / recordBytes);
  return { recordBytes, recordsPerAppend, appends, durability, outstanding: 32, partitions };
}

async function againstChecksumAndWrite(directory: string, recordBytes: number, partitions: number): Promise<BenchRow> {
  const work = workOf(recordBytes, partitions, 'os', 1_500);
  await using engine = await openEngine({ dataDir: join(directory, 'os') });
  let bytes = 0;
  return await inTurns({
    name: `append ${recordBytes} B records by 64 KiB, os, ${partitions} partition(s); crc32c + write(2)`,
    unit: 'MB/s',
    target: 0.7,
    ours: async () => {
      const mine = await appendAll(engine, work);
      ({ bytes } = mine);
      return mine.megabytesPerSecond;
    },
    reference: () =>
      checksumAndWrite(directory, copies(Math.round(bytes / work.appends), 32), work.appends, partitions),
  });
}

/** MB/s of a checksum and a write(2) for each buffer in turn. */
function checksumAndWrite(directory: string, buffers: readonly Buffer[], writes: number, files: number): number {
  const paths = Array.from({ length: files }, (_, file) => join(directory, `raw-${file}`));
  const opened = paths.map((path) => ({ fd: fs.openSync(path, 'w'), size: 0 }));
  const started = performance.now();
  let bytes = 0;
  for (let write = 0; write < writes; write += 1) {
    const buffer = buffers[write % buffers.length] as Buffer;
    const file = opened[write % files] as { fd: number; size: number };
    crc32c(buffer);
    fs.writeSync(file.fd, buffer, 0, buffer.length, file.size);
    file.size += buffer.length;
    bytes += buffer.length;
  }
  const seconds = (performance.now() - started) / 1_000;
  for (const { fd } of opened) fs.closeSync(fd);
  for (const path of paths) fs.rmSync(path);
  return bytes / seconds / 1e6;
}

function copies(bytes: number, count: number): Buffer[] {
  return Array.from({ length: count }, () => Buffer.alloc(bytes, 'x'));
}

async function againstSameGroups(directory: string, recordBytes: number, partitions: number): Promise<BenchRow> {
  const work = workOf(recordBytes, partitions, 'fsync', 600);
  const calls: Call[] = [];
  await using engine = await openEngine({ dataDir: join(directory, 'fsync'), fileSystem: recording(calls) });
  return await inTurns({
    name: `append ${recordBytes} B records by 64 KiB, fsync, ${partitions} partition(s); the same writes and fdatasyncs`,
    unit: 'MB/s',
    target: 0.8,
    ours: async () => {
      calls.length = 0;
      return (await appendAll(engine, work)).megabytesPerSecond;
    },
    reference: () => replay(directory, calls.slice()),
  });
}

/** What was asked of a log file, in order: bytes of a write, or a sync. */
interface Call {
  readonly path: string;
  readonly bytes: number | 'sync';
}

/** The system's files; those of the log note what is asked of them. */
function recording(calls: Call[]): FileSystem {
  return {
    ...systemFileSystem,
    async open(path, mode) {
      const file = await systemFileSystem.open(path, mode);
      if (!path.endsWith('.log')) return file;
      return {
        path,
        read: async (into, position) => await file.read(into, position),
        truncate: async (size) => await file.truncate(size),
        size: async () => await file.size(),
        close: async () => await file.close(),
        write: (buffers, position) => {
          calls.push({ path, bytes: buffers.reduce((sum, { byteLength }) => sum + byteLength, 0) });
          return file.write(buffers, position);
        },
        dataSync: () => {
          calls.push({ path, bytes: 'sync' });
          return file.dataSync();
        },
      };
    },
  };
}

/** MB/s of these calls by write(2) and fdatasync(2). */
function replay(directory: string, calls: readonly Call[]): number {
  const largest = calls.reduce((most, { bytes }) => (bytes === 'sync' ? most : Math.max(most, bytes)), 1);
  const source = Buffer.alloc(Math.max(largest * 2, 4 * 1024 * 1024), 'x');
  const paths = [...new Set(calls.map(({ path }) => path))];
  const files = new Map(
    paths.map((path, index) => [path, { fd: fs.openSync(join(directory, `raw-${index}`), 'w'), size: 0 }]),
  );
  let from = 0;
  let written = 0;
  const started = performance.now();
  for (const { path, bytes } of calls) {
    const file = files.get(path) as { fd: number; size: number };
    if (bytes === 'sync') {
      fs.fdatasyncSync(file.fd);
      continue;
    }
    if (from + bytes > source.length) from = 0;
    fs.writeSync(file.fd, source, from, bytes, file.size);
    file.size += bytes;
    from += bytes;
    written += bytes;
  }
  const seconds = (performance.now() - started) / 1_000;
  for (const { fd } of files.values()) fs.closeSync(fd);
  for (const index of paths.keys()) fs.rmSync(join(directory, `raw-${index}`));
  return written / seconds / 1e6;
}

/** Batches that are there already; each round has copies of its own, for the log writes their offsets into them. */
async function readyBatches(directory: string, kibibytes: number): Promise<BenchRow> {
  await using engine = await openEngine({ dataDir: join(directory, `ready-${kibibytes}`) });
  await engine.createTopic('made');
  await engine.append('made', 0, recordsOf(1_000, kibibytes), { durability: 'os' });
  const [batch] = (await engine.readBatches('made', 0, 0)).batches as [Buffer];
  const count = Math.ceil((96 * 1024) / kibibytes);
  const made = () => Array.from({ length: count }, () => Buffer.from(batch));
  return await inTurns({
    name: `appendBatch of ready batches of ${kibibytes} KiB, os; crc32c + write(2)`,
    unit: 'MB/s',
    target: 0.9,
    ours: async () => {
      const ready = made();
      await engine.createTopic(TOPIC);
      const started = performance.now();
      await atOnce(8, count, async (index) => {
        await engine.appendBatch(TOPIC, 0, ready[index] as Buffer, { durability: 'os' });
      });
      const seconds = (performance.now() - started) / 1_000;
      await engine.deleteTopic(TOPIC);
      return (batch.length * count) / seconds / 1e6;
    },
    reference: () => checksumAndWrite(directory, made(), count, 1),
  });
}

async function oneAtATime(directory: string): Promise<BenchRow[]> {
  const appends = 200;
  await using engine = await openEngine({ dataDir: join(directory, 'one') });
  await engine.createTopic(TOPIC);
  const record = recordsOf(1_000, 1);
  const syncMs: number[] = [];
  const one = await inTurns({
    name: 'one append of 1 KB at a time, fsync, p50; write(2) + fdatasync(2)',
    unit: 'ms',
    target: 1 / 1.5,
    isTime: true,
    ours: async () => {
      const times: number[] = [];
      for (let index = 0; index < appends; index += 1) {
        const started = performance.now();
        await engine.append(TOPIC, 0, record, { durability: 'fsync' });
        times.push(performance.now() - started);
      }
      return median(times);
    },
    reference: () => {
      const p50 = rawSyncP50(directory, appends);
      syncMs.push(p50);
      return p50;
    },
  });
  const p99s: number[] = [];
  const work: Work = {
    recordBytes: 100,
    recordsPerAppend: 1,
    appends: 100_000,
    durability: 'fsync',
    outstanding: 1_000,
    partitions: 1,
  };
  const many = await inTurns({
    name: '1,000 appends of one 100 B record outstanding, fsync; the same, os',
    unit: 'appends/s',
    target: 0.5,
    ours: async () => {
      const { appendsPerSecond, p99Ms } = await appendAll(engine, work, 'many');
      p99s.push(p99Ms);
      return appendsPerSecond;
    },
    reference: async () => (await appendAll(engine, { ...work, durability: 'os' }, 'many')).appendsPerSecond,
  });
  const limit = 20 * median(syncMs);
  return [one, many, againstLimit('the same, fsync, p99 against 20 x fdatasync p50', p99s, { unit: 'ms', limit })];
}

function rawSyncP50(directory: string, count: number): number {
  const path = join(directory, 'raw');
  const fd = fs.openSync(path, 'w');
  const bytes = Buffer.alloc(1_070, 'x');
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const started = performance.now();
    fs.writeSync(fd, bytes, 0, bytes.length, index * bytes.length);
    fs.fdatasyncSync(fd);
    times.push(performance.now() - started);
  }
  fs.closeSync(fd);
  fs.rmSync(path);
  return median(times);
}

async function withoutBatching(directory: string): Promise<BenchRow> {
  await using engine = await openEngine({ dataDir: join(directory, 'single') });
  const rates: number[] = [];
  const work: Work = {
    recordBytes: 100,
    recordsPerAppend: 1,
    appends: 200_000,
    durability: 'os',
    outstanding: 1_000,
    partitions: 1,
  };
  for (let round = 0; round < 7; round += 1) rates.push((await appendAll(engine, work)).appendsPerSecond);
  return againstLimit('100 B records, one an append, os', rates, {
    unit: 'records/s',
    limit: 300_000,
    isAtLeast: true,
  });
}

function recordsOf(bytes: number, count: number): RecordInput[] {
  return Array.from({ length: count }, () => ({ value: Buffer.alloc(bytes, 'x') }));
}

async function appendAll(engine: Engine, work: Work, topic = TOPIC) {
  const { durability, partitions, appends } = work;
  await engine.createTopic(topic, { partitions });
  const records = recordsOf(work.recordBytes, work.recordsPerAppend);
  const options = { durability };
  const latencies: number[] = [];
  const started = performance.now();
  await atOnce(work.outstanding, appends, async (index) => {
    const startedMs = index % 16 === 0 ? performance.now() : 0;
    await engine.append(topic, index % partitions, records, options);
    if (startedMs > 0) latencies.push(performance.now() - startedMs);
  });
  const seconds = (performance.now() - started) / 1_000;
  let bytes = 0;
  for (let partition = 0; partition < partitions; partition += 1) bytes += engine.status(topic, partition).bytes;
  await engine.deleteTopic(topic);
  return {
    bytes,
    megabytesPerSecond: bytes / seconds / 1e6,
    appendsPerSecond: appends / seconds,
    p99Ms: quantile(latencies, 0.99),
  };
}

async function atOnce(lanes: number, count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const index = next;
      next += 1;
      await work(index);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
