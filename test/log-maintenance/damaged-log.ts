/** A small data directory with one topic of several segments, and ways to damage it as a disk would. */

import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Engine, type LogRecord, openEngine } from '../../src/core-log/index.ts';

/** So that the log below has several segments. */
const SEGMENT_BYTES = 1_024;
const RECORD_BYTES = 150;

export interface SmallLog {
  readonly directory: string;
  /** Of topic `orders`, partition 0. */
  readonly partition: string;
  /** Base offsets of its segments. */
  readonly segments: readonly number[];
  readonly next: number;
  remove(): void;
}

/** `records` appends of one record each; closed in order, unless `isCrashed`: then as a killed process leaves it. */
export async function smallLog(
  options: { readonly records?: number; readonly isCrashed?: boolean } = {},
): Promise<SmallLog> {
  const { records = 20, isCrashed = false } = options;
  const directory = fs.mkdtempSync(join(tmpdir(), 'sluice-damaged-'));
  const engine = await openEngine({ dataDir: directory });
  await engine.createTopic('orders', { segmentBytes: SEGMENT_BYTES });
  for (let number = 0; number < records; number += 1) await append(engine, number);
  await engine.cursors.put('cursor/billing/0', Buffer.from([0, 0, 0, 0, 0, 0, 0, 3]));
  await engine.close();
  if (isCrashed) fs.rmSync(join(directory, 'clean-shutdown'));
  const partition = join(directory, 'topics', 'orders-0');
  const segments = fs
    .readdirSync(partition)
    .filter((name) => name.endsWith('.log'))
    .map((name) => Number(name.slice(0, 20)))
    .sort((a, b) => a - b);
  return {
    directory,
    partition,
    segments,
    next: records,
    remove: () => fs.rmSync(directory, { recursive: true, force: true }),
  };
}

export async function append(engine: Engine, number: number): Promise<number> {
  const value = `order ${number} `.padEnd(RECORD_BYTES, '.');
  const { baseOffset } = await engine.append('orders', 0, [{ key: `k${number}`, value, timestamp: 1_000 + number }]);
  return baseOffset;
}

/** Offset and number of every record that a reader gets. */
export async function readAll(engine: Engine, from: 'earliest' | number = 'earliest'): Promise<[number, number][]> {
  const found: [number, number][] = [];
  for await (const record of engine.read('orders', 0, { from })) found.push([record.offset, numberOf(record)]);
  return found;
}

export function numberOf({ value }: LogRecord): number {
  return Number(/^order (\d+)/.exec(value?.toString() ?? '')?.[1]);
}

export function logFile(log: SmallLog, segment: number, suffix = '.log'): string {
  return join(log.partition, `${String(log.segments.at(segment)).padStart(20, '0')}${suffix}`);
}

export function flipBit(file: string, position: number, bit = 0): void {
  const bytes = fs.readFileSync(file);
  bytes[position] = (bytes[position] as number) ^ (1 << bit);
  fs.writeFileSync(file, bytes);
}

export function appendBytes(file: string, bytes: Buffer): void {
  fs.appendFileSync(file, bytes);
}

/** Where the batch with this base offset begins in a segment. */
export function positionOf(file: string, baseOffset: number): number {
  const bytes = fs.readFileSync(file);
  for (let at = 0; at < bytes.length; at += 12 + bytes.readInt32BE(at + 8))
    if (Number(bytes.readBigInt64BE(at)) === baseOffset) return at;
  throw new Error(`${file} has no batch at offset ${baseOffset}`);
}

/** One hash over every name and every byte: what must not change has the same one. */
export function fingerprint(directory: string): string {
  const hash = createHash('sha256');
  for (const name of fs.readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort()) {
    const path = join(directory, name);
    hash.update(name);
    if (fs.statSync(path).isFile()) hash.update(fs.readFileSync(path));
  }
  return hash.digest('hex');
}
