/** An engine on a directory of its own, with a clock that is moved by hand; both are gone when the test is. */

import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import {
  type Clock,
  type Engine,
  type EngineOptions,
  type File,
  type FileSystem,
  type LogRecord,
  openEngine,
  type RecordInput,
} from '../../src/core-log/index.ts';
import { systemFileSystem } from '../../src/core-log/platform/file-system.ts';
import { buildBatch } from '../../src/core-log/record/batch-builder.ts';
import { sealBatch, writeInt64 } from '../../src/core-log/record/batch-view.ts';

export const START_MS = 1_750_000_000_000;

/** Wall time stands still until it is moved; timers run by real time, so that nothing waits for the test. */
export class MovedClock implements Clock {
  #nowMs = START_MS;

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return performance.now();
  }

  after(delayMs: number, callback: () => void) {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  }

  soon(callback: () => void): void {
    setImmediate(callback);
  }

  move(ms: number): void {
    this.#nowMs += ms;
  }
}

export interface Place {
  readonly dataDir: string;
  readonly clock: MovedClock;
  /** Closed when the test ends, unless it was before. */
  open(options?: Partial<EngineOptions>): Promise<Engine>;
  /** What the disk holds now, as another place: what a process that is killed at this moment leaves. */
  afterCrash(): Promise<Place>;
  /** Where the files of a partition are. */
  partition(topic: string, partition?: number): string;
}

export async function temporaryPlace(clock = new MovedClock()): Promise<Place> {
  const dataDir = await mkdtemp(join(tmpdir(), 'sluice-engine-'));
  const opened: Engine[] = [];
  onTestFinished(async () => {
    for (const engine of opened) await engine.close().catch(() => undefined);
    await rm(dataDir, { recursive: true, force: true });
  });
  return {
    dataDir,
    clock,
    open: async (options = {}) => {
      const engine = await openEngine({ dataDir, clock, ...options });
      opened.push(engine);
      return engine;
    },
    afterCrash: async () => {
      const left = await temporaryPlace(clock);
      await cp(dataDir, left.dataDir, { recursive: true, filter: (path) => !/\/lock(\.socket.*)?$/.test(path) });
      return left;
    },
    partition: (topic, partition = 0) => join(dataDir, 'topics', `${topic}-${partition}`),
  };
}

/** A batch as a producer builds it, with the header fields given. */
export function foreignBatch(
  records: readonly RecordInput[],
  fields: {
    readonly attributes?: number;
    readonly producerId?: number;
    readonly producerEpoch?: number;
    readonly baseSequence?: number;
  } = {},
): Buffer {
  const bytes = buildBatch(records, START_MS);
  if (fields.attributes !== undefined) bytes.writeInt16BE(fields.attributes, 21);
  if (fields.producerId !== undefined) writeInt64(bytes, 43, fields.producerId);
  if (fields.producerEpoch !== undefined) bytes.writeInt16BE(fields.producerEpoch, 51);
  if (fields.baseSequence !== undefined) bytes.writeInt32BE(fields.baseSequence, 53);
  sealBatch(bytes);
  return bytes;
}

export async function readAll(engine: Engine, topic: string, partition = 0): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const record of engine.read(topic, partition)) records.push(record);
  return records;
}

export async function valuesOf(engine: Engine, topic: string, partition = 0): Promise<string[]> {
  return (await readAll(engine, topic, partition)).map(({ value }) => value?.toString() ?? 'null');
}

export function numbered(count: number, prefix = 'v'): RecordInput[] {
  return Array.from({ length: count }, (_, index) => ({ value: `${prefix}-${index}` }));
}

/** The system's files, of which writes to logs fail while `isFull` says so. */
export function fillableFiles(): FileSystem & { isFull: boolean } {
  const files = {
    ...systemFileSystem,
    isFull: false,
    open: async (path: string, mode: 'read' | 'write'): Promise<File> => {
      const file = await systemFileSystem.open(path, mode);
      if (!path.endsWith('.log')) return file;
      return {
        path,
        read: async (into, position) => await file.read(into, position),
        write: async (buffers, position) => {
          if (files.isFull) throw Object.assign(new Error('no space is left'), { code: 'ENOSPC' });
          await file.write(buffers, position);
        },
        dataSync: async () => await file.dataSync(),
        truncate: async (size) => await file.truncate(size),
        size: async () => await file.size(),
        close: async () => await file.close(),
      };
    },
  };
  return files;
}
