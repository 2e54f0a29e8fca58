/** Batches and records as they lie in a file or a partition, over damage, in the order of the bytes. */

import { basename, join } from 'node:path';
import { EngineError } from '../errors.ts';
import { type FileSystem, systemFileSystem } from '../platform/file-system.ts';
import {
  baseOffsetOf,
  compressionOf,
  isControl,
  lastOffsetOf,
  maxTimestampOf,
  recordCountOf,
} from '../record/batch-view.ts';
import { inflateBatch } from '../record/compression.ts';
import { readRecords } from '../record/record-reader.ts';
import { FORMAT_FILE } from '../storage/data-directory.ts';
import { segmentOfName, segmentPath } from '../storage/format.ts';
import type { LogRecord } from '../types.ts';
import { layoutOf, placeIn } from './data-layout.ts';
import { walkBatches } from './walk.ts';

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

export type DumpEntry =
  | { readonly kind: 'file'; readonly file: string; readonly bytes: number }
  | {
      readonly kind: 'batch';
      readonly position: number;
      readonly bytes: number;
      readonly baseOffset: number;
      readonly lastOffset: number;
      readonly records: number;
      readonly maxTimestamp: number;
      readonly compression: string;
      /** Stands for offsets, holds no messages. */
      readonly isControl: boolean;
    }
  | { readonly kind: 'record'; readonly record: LogRecord }
  /** Between two batches offsets are missing. */
  | { readonly kind: 'gap'; readonly position: number; readonly from: number; readonly to: number }
  | { readonly kind: 'bad'; readonly position: number; readonly bytes: number; readonly reason: string };

export interface DumpOptions {
  /** In a data directory: which topic, and which of its partitions (default 0). */
  readonly topic?: string;
  readonly partition?: number;
  /** The first offset to show; default the first there is. */
  readonly from?: number;
  /** At most so many records; default all. */
  readonly limit?: number;
  readonly fileSystem?: FileSystem;
}

/**
 * @param path a data directory, a partition's directory, or one file: a segment or a quarantine.
 * @throws EngineError `not_a_data_directory`, `format_too_new`, `topic_not_found`, `invalid_option`
 */
export async function* dumpLog(path: string, options: DumpOptions = {}): AsyncGenerator<DumpEntry> {
  const { fileSystem: files = systemFileSystem, from = 0, limit = Number.POSITIVE_INFINITY } = options;
  let left = limit;
  for (const file of await filesOf(files, path, options)) {
    const status = await files.status(file);
    if (status === undefined) continue; // retention of whoever has it open
    yield { kind: 'file', file, bytes: status.size };
    for await (const entry of entriesOf(files, file, status.size, from)) {
      if (entry.kind === 'record') left -= 1;
      if (left < 0) return;
      yield entry;
    }
  }
}

async function* entriesOf(files: FileSystem, path: string, size: number, from: number): AsyncGenerator<DumpEntry> {
  const expected = segmentOfName(basename(path));
  const file = await files.open(path, 'read');
  try {
    for await (const step of walkBatches(file, size, { expected, gapsBelow: Number.MAX_SAFE_INTEGER })) {
      if (step.kind === 'gap') yield step;
      else if (step.kind === 'bad') {
        const { position, end, reason } = step;
        yield { kind: 'bad', position, bytes: end - position, reason };
      } else if (lastOffsetOf(step.batch) >= from) yield* batchEntries(step.batch, step.position, from);
    }
  } finally {
    await file.close();
  }
}

async function* batchEntries(batch: Buffer, position: number, from: number): AsyncGenerator<DumpEntry> {
  yield {
    kind: 'batch',
    position,
    bytes: batch.length,
    baseOffset: baseOffsetOf(batch),
    lastOffset: lastOffsetOf(batch),
    records: recordCountOf(batch),
    maxTimestamp: maxTimestampOf(batch),
    compression: codecs[compressionOf(batch)] ?? `unknown (${compressionOf(batch)})`,
    isControl: isControl(batch),
  };
  const records: LogRecord[] = [];
  const all = { maxRecords: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY };
  try {
    readRecords(await inflateBatch(batch), from, all, records);
  } catch (reason) {
    const text = `its records cannot be shown: ${reason instanceof Error ? reason.message : String(reason)}`;
    yield { kind: 'bad', position, bytes: batch.length, reason: text };
    return;
  }
  for (const record of records) yield { kind: 'record', record };
}

async function filesOf(files: FileSystem, path: string, options: DumpOptions): Promise<readonly string[]> {
  const status = await files.status(path);
  if (status === undefined) throw new EngineError('not_a_data_directory', `${path} does not exist`);
  if (!status.isDirectory) return [path];
  if ((await files.status(join(path, FORMAT_FILE))) === undefined) {
    const own = await segmentsFrom(files, path, options.from ?? 0);
    if (own.length > 0) return own;
    throw new EngineError('not_a_data_directory', `${path} is neither a data directory nor a partition's`);
  }
  const layout = await layoutOf(files, path);
  if (options.topic === undefined) {
    const names = layout.topics.map(({ topic }) => topic.name).join(', ');
    throw new EngineError('invalid_option', `which topic of ${path}? It has ${names || 'none'}`);
  }
  const { directory } = placeIn(layout, options.topic, options.partition ?? 0);
  return await segmentsFrom(files, directory, options.from ?? 0);
}

/** The segments that can hold `from` or what comes after it. */
async function segmentsFrom(files: FileSystem, directory: string, from: number): Promise<readonly string[]> {
  const bases = (await files.list(directory)).flatMap((name) => segmentOfName(name) ?? []).sort((a, b) => a - b);
  const first = Math.max(
    0,
    bases.findLastIndex((base) => base <= from),
  );
  return bases.slice(first).map((base) => segmentPath(directory, base, '.log'));
}
