/**
 * A small map of bytes that survives: every put is an entry at the end of one file, and when most of the file is
 * outdated it is written anew. Used for topics, cursors and definitions.
 *
 *   entry:  0  crc of the rest     uint32
 *           4  key bytes           uint32
 *           8  value bytes         int32    -1: the key is deleted
 *          12  key, value
 *
 * On open a torn last entry is cut off (kept beside it as `.quarantine`). Bad bytes with whole entries behind them are
 * not torn but damaged: then the map refuses to open, because what it would forget may be the only trace of it.
 */

import { join } from 'node:path';
import { EngineError, writeError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Clock } from '../platform/clock.ts';
import type { File, FileSystem } from '../platform/file-system.ts';
import { crc32c } from '../record/crc32c.ts';
import type { DurableMap as DurableMapDoor, LogPersistence } from '../types.ts';
import { damaged } from './batch-read.ts';
import { readWhole, writeWhole } from './whole-file.ts';

const HEADER_BYTES = 12;
const DELETED = -1;

interface Put {
  readonly entry: Buffer;
  readonly key: string;
  /** What the map held before, for the case that this put fails. */
  readonly before: Buffer | undefined;
  readonly durability: LogPersistence;
  readonly stored: () => void;
  readonly failed: (reason: EngineError) => void;
}

export class DurableMap implements DurableMapDoor {
  readonly #files: FileSystem;
  readonly #clock: Clock;
  readonly #directory: string;
  readonly #path: string;
  readonly #values = new Map<string, Buffer>();
  #file: File;
  /** Known good bytes of the file. */
  #size: number;
  #liveBytes = 0;
  #rewriteFrom: number = limits.mapRewriteBytesMin;
  #queue: Put[] = [];
  #queuedBytes = 0;
  #isScheduled = false;
  #work: Promise<void> | undefined;
  #failure: EngineError | undefined;

  private constructor(files: FileSystem, clock: Clock, directory: string, name: string, file: File, size: number) {
    this.#files = files;
    this.#clock = clock;
    this.#directory = directory;
    this.#path = mapPath(directory, name);
    this.#file = file;
    this.#size = size;
  }

  /** Creates or recovers `<directory>/<name>.map`. Rejects with `log_corrupt`. */
  static async open(files: FileSystem, clock: Clock, directory: string, name: string): Promise<DurableMap> {
    const path = mapPath(directory, name);
    await files.remove(`${path}.new`);
    const bytes = (await readWhole(files, path)) ?? Buffer.alloc(0);
    const end = wholeEnd(bytes, path);
    const file = await files.open(path, 'write');
    if (end < bytes.length) {
      await writeWhole(files, `${path}.${end}.quarantine`, bytes.subarray(end), { sync: true });
      await file.truncate(end);
    }
    // What is whole need not be on the disk yet, and puts to come will be acknowledged on top of it.
    await file.dataSync();
    await files.syncDirectory(directory);
    const map = new DurableMap(files, clock, directory, name, file, end);
    for (let at = 0; at < end; ) {
      const { key, value, next } = decodeEntry(bytes, at);
      map.#apply(key, value);
      at = next;
    }
    return map;
  }

  get(key: string): Buffer | undefined {
    return this.#values.get(key);
  }

  entries(): IterableIterator<[string, Buffer]> {
    return this.#values.entries();
  }

  /** `get` shows it at once; a put that fails is undone, with all that came after it. */
  put(key: string, value: Uint8Array | null, durability: LogPersistence = 'fsync'): Promise<void> {
    return new Promise((resolve, reject) => {
      const refusal = this.#refusal(key, value);
      if (refusal !== undefined) {
        reject(refusal);
        return;
      }
      const entry = encodeEntry(key, value);
      const before = this.#values.get(key);
      this.#apply(key, value === null ? null : Buffer.from(value));
      this.#queue.push({ entry, key, before, durability, stored: resolve, failed: reject });
      this.#queuedBytes += entry.length;
      if (durability === 'memory') resolve();
      this.#schedule();
    });
  }

  /** Everything put is on the disk, and the file is closed. */
  async close(): Promise<void> {
    while (this.#work !== undefined || this.#queue.length > 0) await (this.#work ?? this.#start());
    this.#failure ??= new EngineError('engine_closed', `${this.#path} is closed`);
    if (this.#failure.code === 'engine_closed') await this.#file.dataSync();
    await this.#file.close();
  }

  #refusal(key: string, value: Uint8Array | null): EngineError | undefined {
    if (this.#failure !== undefined) return this.#failure;
    const keyBytes = Buffer.byteLength(key);
    if (keyBytes > limits.mapKeyBytesMax || (value?.byteLength ?? 0) > limits.mapValueBytesMax) {
      return new EngineError(
        'record_too_large',
        `key of ${keyBytes} or value of ${value?.byteLength ?? 0} bytes is too large for a map`,
      );
    }
    if (this.#queuedBytes > limits.mapQueuedBytesMax)
      return new EngineError('queue_full', `too many puts wait for ${this.#path}`);
    return undefined;
  }

  #schedule(): void {
    if (this.#isScheduled || this.#work !== undefined) return;
    this.#isScheduled = true;
    this.#clock.soon(() => {
      this.#isScheduled = false;
      if (this.#work === undefined) void this.#start();
    });
  }

  #start(): Promise<void> {
    this.#work = this.#run().finally(() => {
      this.#work = undefined;
      if (this.#queue.length > 0) this.#schedule();
    });
    return this.#work;
  }

  async #run(): Promise<void> {
    const group = this.#queue;
    this.#queue = [];
    this.#queuedBytes = 0;
    if (group.length === 0) return;
    const bytes = Buffer.concat(group.map(({ entry }) => entry));
    try {
      await this.#file.write([bytes], this.#size);
    } catch (reason) {
      await this.#undo(group, writeError(reason, this.#path));
      return;
    }
    this.#size += bytes.length;
    for (const put of group) if (put.durability === 'os') put.stored();
    const waiting = group.filter(({ durability }) => durability === 'fsync');
    try {
      if (waiting.length > 0) await this.#file.dataSync();
      if (this.#isOutdated()) await this.#rewrite();
    } catch (cause) {
      this.#failure = new EngineError(
        'sync_failed',
        `sync of ${this.#path} failed: ${String(cause)}; puts are refused until it is opened again`,
        { cause },
      );
      for (const put of [...waiting, ...this.#queue.splice(0)]) put.failed(this.#failure);
      return;
    }
    for (const put of waiting) put.stored();
  }

  async #undo(group: readonly Put[], reason: EngineError): Promise<void> {
    const refused = [...group, ...this.#queue.splice(0)];
    this.#queuedBytes = 0;
    for (const { key, before } of refused.toReversed()) this.#apply(key, before ?? null);
    try {
      await this.#file.truncate(this.#size);
    } catch {
      this.#failure = reason; // the file's end is unknown: nothing may follow it
    }
    for (const put of refused) put.failed(reason);
  }

  #apply(key: string, value: Buffer | null): void {
    const old = this.#values.get(key);
    if (old !== undefined) this.#liveBytes -= entryBytes(key, old);
    if (value === null) {
      this.#values.delete(key);
      return;
    }
    this.#values.set(key, value);
    this.#liveBytes += entryBytes(key, value);
  }

  #isOutdated(): boolean {
    return this.#size > this.#rewriteFrom && this.#size > this.#liveBytes * limits.mapRewriteFactor;
  }

  /** The new file is complete and on the disk before it takes the old one's name. */
  async #rewrite(): Promise<void> {
    // Puts that wait in the queue are in the map already: they are written twice, which is harmless.
    const bytes = Buffer.concat([...this.#values].map(([key, value]) => encodeEntry(key, value)));
    const draft = `${this.#path}.new`;
    try {
      await writeWhole(this.#files, draft, bytes, { sync: true });
    } catch {
      this.#rewriteFrom = this.#size * 2; // the old file is as good as before, only long: no reason to refuse puts
      return;
    }
    await this.#files.rename(draft, this.#path);
    const old = this.#file;
    this.#file = await this.#files.open(this.#path, 'write');
    this.#size = bytes.length;
    this.#rewriteFrom = limits.mapRewriteBytesMin;
    await old.close();
    await this.#files.syncDirectory(this.#directory);
  }
}

function mapPath(directory: string, name: string): string {
  return join(directory, `${name}.map`);
}

function entryBytes(key: string, value: Uint8Array): number {
  return HEADER_BYTES + Buffer.byteLength(key) + value.byteLength;
}

function encodeEntry(key: string, value: Uint8Array | null): Buffer {
  const keyBytes = Buffer.byteLength(key);
  const entry = Buffer.alloc(HEADER_BYTES + keyBytes + (value?.byteLength ?? 0));
  entry.writeUInt32BE(keyBytes, 4);
  entry.writeInt32BE(value === null ? DELETED : value.byteLength, 8);
  entry.write(key, HEADER_BYTES);
  if (value !== null) entry.set(value, HEADER_BYTES + keyBytes);
  entry.writeUInt32BE(crc32c(entry.subarray(4)), 0);
  return entry;
}

export function decodeEntry(
  bytes: Buffer,
  at: number,
): { readonly key: string; readonly value: Buffer | null; readonly next: number } {
  const keyEnd = at + HEADER_BYTES + bytes.readUInt32BE(at + 4);
  const valueBytes = bytes.readInt32BE(at + 8);
  const key = bytes.toString('utf8', at + HEADER_BYTES, keyEnd);
  if (valueBytes === DELETED) return { key, value: null, next: keyEnd };
  return { key, value: Buffer.from(bytes.subarray(keyEnd, keyEnd + valueBytes)), next: keyEnd + valueBytes };
}

/** The end of the whole entry at `at`, or null. */
export function entryEnd(bytes: Buffer, at: number): number | null {
  if (at + HEADER_BYTES > bytes.length) return null;
  const keyBytes = bytes.readUInt32BE(at + 4);
  const valueBytes = bytes.readInt32BE(at + 8);
  if (keyBytes > limits.mapKeyBytesMax || valueBytes < DELETED || valueBytes > limits.mapValueBytesMax) return null;
  const end = at + HEADER_BYTES + keyBytes + Math.max(0, valueBytes);
  if (end > bytes.length || bytes.readUInt32BE(at) !== crc32c(bytes.subarray(at + 4, end))) return null;
  return end;
}

/** Where the whole entries end. Throws `log_corrupt` when there are whole ones behind that, too. */
function wholeEnd(bytes: Buffer, path: string): number {
  let at = 0;
  for (let end = entryEnd(bytes, at); end !== null; end = entryEnd(bytes, at)) at = end;
  for (let behind = at + 1; behind + HEADER_BYTES <= bytes.length; behind += 1) {
    if (entryEnd(bytes, behind) !== null) throw damaged(path, at, `bad bytes before a whole entry at ${behind}`, null);
  }
  return at;
}
