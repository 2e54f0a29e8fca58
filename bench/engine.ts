/**
 * The engine's appends against the bare disk: the same bytes, in the same groups, by write(2) and fdatasync from one
 * process, measured in turns with ours so that a noisy machine disturbs both. The ratio is the median of the rounds' ratios.
 */

import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type LogPersistence, type RecordInput, openEngine } from '../src/core-log/index.ts';
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
    for (const work of works) rows.push(await measure(directory, work));
    rows.push(await measureReads(directory));
    return rows;
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

async function measure(directory: string, work: Work): Promise<BenchRow> {
  const engine = await openEngine({ dataDir: join(directory, 'engine') });
  const ours: number[] = [];
  const reference: number[] = [];
  try {
    for (let round = 0; round <= ROUNDS; round += 1) {
      await engine.createTopic('bench');
      const mine = await appendAll(engine, work);
      const raw = writeRaw(directory, mine.bytes, work);
      await engine.deleteTopic('bench');
      if (round === 0) continue; // compiling is not what is measured
      ours.push(mine.bytes / mine.seconds);
      reference.push(mine.bytes / raw);
    }
  } finally {
    await engine.close();
  }
  return row(work.name, ours, reference, 0.5);
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

/** As many bytes, a write for each batch; with fsync, a write and a sync for as many batches as there are appenders. */
function writeRaw(directory: string, bytes: number, work: Work): number {
  const path = join(directory, 'raw');
  const perWrite = Math.round(bytes / work.batches) * (work.durability === 'fsync' ? work.appenders : 1);
  const block = Buffer.alloc(perWrite, 'x');
  const fd = fs.openSync(path, 'w');
  const started = performance.now();
  for (let written = 0; written < bytes; written += perWrite) {
    fs.writeSync(fd, block, 0, Math.min(perWrite, bytes - written), written);
    if (work.durability === 'fsync') fs.fdatasyncSync(fd);
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
