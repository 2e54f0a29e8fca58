/**
 * The engine's appends against the bare disk. Two references, both by one thread that does nothing else, measured in turns with ours so
 * that a noisy machine disturbs all alike; a ratio is the median of the rounds' ratios.
 *
 *   same groups   the very writes and syncs that the engine made, their sizes recorded, replayed one after the other
 *   best groups   with fsync: one write and one sync for as many batches as appends wait at a time, the largest groups there can be;
 *                 with os: one write for each batch
 *
 * The bytes written by a reference come from as many buffers as there are appenders: from a single one, hot in the cache, it would
 * measure the cache.
 */

import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  type File,
  type FileSystem,
  type LogPersistence,
  type RecordInput,
  openEngine,
} from '../src/core-log/index.ts';
import { systemFileSystem } from '../src/core-log/platform/file-system.ts';
import { type BenchRow, formatRows } from './row.ts';

const ROUNDS = 5;
const RECORDS_PER_BATCH = 100;

interface Work {
  readonly name: string;
  readonly valueBytes: number;
  readonly batches: number;
  readonly durability: LogPersistence;
  /** Appends that wait for their answer at the same time. */
  readonly appenders: number;
}

const works: readonly Work[] = [
  { name: 'append os, 1 KB records', valueBytes: 1_000, batches: 1_500, durability: 'os', appenders: 32 },
  { name: 'append os, 100 B records', valueBytes: 100, batches: 8_000, durability: 'os', appenders: 32 },
  {
    name: 'append fsync, 1 KB records, 64 appenders',
    valueBytes: 1_000,
    batches: 1_000,
    durability: 'fsync',
    appenders: 64,
  },
  {
    name: 'append fsync, 100 B records, 64 appenders',
    valueBytes: 100,
    batches: 4_000,
    durability: 'fsync',
    appenders: 64,
  },
];

export async function run(): Promise<BenchRow[]> {
  const directory = fs.mkdtempSync(join(process.env['SLUICE_BENCH_DIR'] ?? tmpdir(), 'sluice-bench-'));
  try {
    const rows: BenchRow[] = [];
    for (const work of works) rows.push(...(await measure(directory, work)));
    rows.push(await measureReads(directory));
    return rows;
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

async function measure(directory: string, work: Work): Promise<BenchRow[]> {
  const recorded: Call[] = [];
  const engine = await openEngine({ dataDir: join(directory, 'engine'), fileSystem: recording(recorded) });
  const ours: number[] = [];
  const same: number[] = [];
  const best: number[] = [];
  try {
    for (let round = 0; round <= ROUNDS; round += 1) {
      await engine.createTopic('bench');
      recorded.length = 0;
      const mine = await appendAll(engine, work);
      const calls = recorded.slice();
      await engine.deleteTopic('bench');
      const replayed = replay(directory, calls, work);
      const ideal = replay(directory, bestCalls(mine.bytes, work), work);
      if (round === 0) continue; // compiling is not what is measured
      ours.push(mine.bytes / mine.seconds);
      same.push(mine.bytes / replayed);
      best.push(mine.bytes / ideal);
    }
  } finally {
    await engine.close();
  }
  return [row(`${work.name}, same groups`, ours, same, 0.5), row(`${work.name}, best groups`, ours, best, 0.5)];
}

/** What was asked of the log files, in order: bytes of a write, or a sync. */
type Call = number | 'sync';

/** The system's files; those of the log note what is asked of them. */
function recording(calls: Call[]): FileSystem {
  return {
    ...systemFileSystem,
    async open(path, mode) {
      const file = await systemFileSystem.open(path, mode);
      return path.endsWith('.log') ? new RecordedFile(file, calls) : file;
    },
  };
}

class RecordedFile implements File {
  readonly path: string;
  readonly #file: File;
  readonly #calls: Call[];

  constructor(file: File, calls: Call[]) {
    this.path = file.path;
    this.#file = file;
    this.#calls = calls;
  }

  write(buffers: readonly Uint8Array[], position: number): Promise<void> {
    this.#calls.push(buffers.reduce((sum, { byteLength }) => sum + byteLength, 0));
    return this.#file.write(buffers, position);
  }

  dataSync(): Promise<void> {
    this.#calls.push('sync');
    return this.#file.dataSync();
  }

  read(into: Uint8Array, position: number): Promise<number> {
    return this.#file.read(into, position);
  }

  truncate(size: number): Promise<void> {
    return this.#file.truncate(size);
  }

  size(): Promise<number> {
    return this.#file.size();
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

async function appendAll(
  engine: Awaited<ReturnType<typeof openEngine>>,
  work: Work,
): Promise<{ bytes: number; seconds: number }> {
  const records = Array.from(
    { length: RECORDS_PER_BATCH },
    (): RecordInput => ({ value: Buffer.alloc(work.valueBytes, 'x') }),
  );
  let left = work.batches;
  const started = performance.now();
  const appender = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await engine.append('bench', 0, records, { durability: work.durability });
    }
  };
  await Promise.all(Array.from({ length: work.appenders }, appender));
  return { seconds: (performance.now() - started) / 1_000, bytes: engine.status('bench', 0).bytes };
}

function bestCalls(bytes: number, work: Work): Call[] {
  const perWrite = Math.round(bytes / work.batches) * (work.durability === 'fsync' ? work.appenders : 1);
  const calls: Call[] = [];
  for (let left = bytes; left > 0; left -= perWrite) {
    calls.push(Math.min(perWrite, left));
    if (work.durability === 'fsync') calls.push('sync');
  }
  return calls;
}

/** Seconds for these calls by write(2) and fdatasync(2). */
function replay(directory: string, calls: readonly Call[], work: Work): number {
  const path = join(directory, 'raw');
  const largest = calls.reduce<number>((most, call) => (call === 'sync' ? most : Math.max(most, call)), 1);
  const source = Buffer.alloc(Math.max(largest * 2, work.appenders * RECORDS_PER_BATCH * work.valueBytes), 'x');
  const fd = fs.openSync(path, 'w');
  let written = 0;
  let from = 0;
  const started = performance.now();
  for (const call of calls) {
    if (call === 'sync') {
      fs.fdatasyncSync(fd);
      continue;
    }
    if (from + call > source.length) from = 0;
    fs.writeSync(fd, source, from, call, written);
    written += call;
    from += call;
  }
  const seconds = (performance.now() - started) / 1_000;
  fs.closeSync(fd);
  fs.rmSync(path);
  return seconds;
}

/** A catch-up read of cold batches (not from the hot tail) against read(2) of the same file in pieces of 1 MiB. */
async function measureReads(directory: string): Promise<BenchRow> {
  const dataDir = join(directory, 'reads');
  const written = await openEngine({ dataDir });
  await written.createTopic('bench');
  const { bytes } = await appendAll(written, {
    name: '',
    valueBytes: 1_000,
    batches: 1_000,
    durability: 'os',
    appenders: 32,
  });
  await written.close();
  await using engine = await openEngine({ dataDir });
  const ours: number[] = [];
  const reference: number[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const started = performance.now();
    for (let offset = 0; offset < engine.status('bench', 0).next; )
      ({ next: offset } = await engine.fetch('bench', 0, offset));
    const middle = performance.now();
    readRaw(join(dataDir, 'topics', 'bench-0', `${'0'.repeat(20)}.log`));
    if (round === 0) continue;
    ours.push((bytes * 1_000) / (middle - started));
    reference.push((bytes * 1_000) / (performance.now() - middle));
  }
  return row('catch-up read, 1 KB records, each decoded', ours, reference, 0.1);
}

function readRaw(path: string): void {
  const block = Buffer.alloc(1024 * 1024);
  const fd = fs.openSync(path, 'r');
  while (fs.readSync(fd, block, 0, block.length, null) > 0);
  fs.closeSync(fd);
}

/** Bytes a second of each round, in the order of the rounds. */
function row(name: string, ours: readonly number[], reference: readonly number[], target: number): BenchRow {
  const ratio = median(ours.map((value, round) => value / (reference[round] ?? Number.NaN)));
  return { name, ours: median(ours) / 1e6, reference: median(reference) / 1e6, ratio, unit: 'MB/s', target };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.stdout.write(`${formatRows(await run())}\n`);
