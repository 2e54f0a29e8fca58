/**
 * A small map of bytes that survives: every put is an entry at the end of one file, and when most of the file is
 * outdated it is written anew. Used for topics, cursors and definitions.
 *
 *   entry:  0  crc of the rest     uint32
 *           4  key bytes           uint32
 *           8  value bytes         int32    -1: the key is deleted
 *          12  key, value
 *   mark:   the same with 0xffffffff for the key's bytes, no key, and as value an int64: what is before this position was
 *           on the disk when the mark was written. Each group after a sync begins with one.
 *
 * On open the entries end at the first bad bytes. Before a mark's position bad bytes are damage, since they had been on
 * the disk: then the map refuses to open, because what it would forget may be the only trace of it. Behind all marks a
 * write was torn, and a power cut may have torn it anywhere: that end is cut off, and kept beside it as `.quarantine`.
 */

import { join } from 'node:path';
import { EngineError, writeError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Clock } from '../platform/clock.ts';
import type { File, FileSystem } from '../platform/file-system.ts';
import { readInt64, writeInt64 } from '../record/batch-view.ts';
import { crc32c } from '../record/crc32c.ts';
import type { DurableMap as DurableMapDoor, LogPersistence } from '../types.ts';
import { damaged } from './batch-read.ts';
import { freeName } from './quarantine.ts';
import type { SpaceReserve } from './space-reserve.ts';
import { readWhole, writeWhole } from './whole-file.ts';
import { writeAgain } from './write-again.ts';

const HEADER_BYTES = 12;
const DELETED = -1;
const MARK_KEY_BYTES = 0xffffffff;
const MARK_VALUE_BYTES = 8;

/** An end that was cut off at open. */
export interface MapCut {
  readonly name: string;
  readonly truncatedBytes: number;
  readonly quarantineFile: string;
}

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
  readonly #reserve: SpaceReserve;
  readonly #path: string;
  readonly #values = new Map<string, Buffer>();
  #file: File;
  /** Known good bytes of the file. */
  #size: number;
  /** The end of the last entry that is no mark; what is known to be on the disk; what a mark in the file says of it. */
  #entriesEnd = 0;
  #synced: number;
  #marked = 0;
  /** What was cut off at open. */
  readonly cut: MapCut | null;
  #liveBytes = 0;
  #rewriteFrom: number = limits.mapRewriteBytesMin;
  #queue: Put[] = [];
  #queuedBytes = 0;
  #isScheduled = false;
  #work: Promise<void> | undefined;
  #failure: EngineError | undefined;

  private constructor(
    files: FileSystem,
    clock: Clock,
    directory: string,
    reserve: SpaceReserve,
    opened: { readonly path: string; readonly file: File; readonly size: number; readonly cut: MapCut | null },
  ) {
    this.#files = files;
    this.#clock = clock;
    this.#directory = directory;
    this.#reserve = reserve;
    this.#path = opened.path;
    this.#file = opened.file;
    this.#size = opened.size;
    this.#synced = opened.size;
    this.cut = opened.cut;
  }

  /** Creates or recovers `<directory>/<name>.map`; `reserve` is for puts on a full disk. Rejects with `log_corrupt`. */
  static async open(
    files: FileSystem,
    clock: Clock,
    reserve: SpaceReserve,
    directory: string,
    name: string,
  ): Promise<DurableMap> {
    const path = mapPath(directory, name);
    await files.remove(`${path}.new`);
    const bytes = (await readWhole(files, path)) ?? Buffer.alloc(0);
    const end = wholeEnd(bytes, path);
    const file = await files.open(path, 'write');
    try {
      let cut: MapCut | null = null;
      if (end < bytes.length) {
        const quarantineFile = await freeName(files, `${path}.${end}.quarantine`);
        await writeWhole(files, quarantineFile, bytes.subarray(end), { sync: true });
        await files.syncDirectory(directory);
        await file.truncate(end);
        cut = { name, truncatedBytes: bytes.length - end, quarantineFile };
      }
      const map = new DurableMap(files, clock, directory, reserve, { path, file, size: end, cut });
      map.#load(bytes.subarray(0, end));
      // What is whole need not be on the disk yet, and puts to come will be acknowledged on top of it.
      await writeAgain(file, map.#marked, end); // the last mark, too: it vouches for what is before it, not for itself
      await file.dataSync();
      await files.syncDirectory(directory);
      return map;
    } catch (reason) {
      await file.close();
      throw reason;
    }
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
    try {
      if (this.#failure.code === 'engine_closed') await this.#finish();
    } finally {
      await this.#file.close();
    }
  }

  /** The next open knows that everything was on the disk. */
  async #finish(): Promise<void> {
    await this.#file.dataSync();
    if (this.#marked >= this.#entriesEnd) return;
    try {
      await this.#file.write([encodeMark(this.#size)], this.#size);
      await this.#file.dataSync();
    } catch {
      // without it damage may be taken for a torn end, which is cut, and kept
    }
  }

  #load(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      const entry = decodeEntry(bytes, at);
      at = entry.next;
      if (entry.mark === undefined) {
        this.#apply(entry.key, entry.value);
        this.#entriesEnd = at;
      } else {
        this.#marked = entry.mark;
      }
    }
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
    const isMarkDue = this.#marked < Math.min(this.#synced, this.#entriesEnd);
    const mark = isMarkDue ? [encodeMark(this.#synced)] : [];
    const bytes = Buffer.concat([...mark, ...group.map(({ entry }) => entry)]);
    try {
      await this.#reserve.spend(() => this.#file.write([bytes], this.#size));
    } catch (reason) {
      await this.#undo(group, writeError(reason, this.#path));
      return;
    }
    if (isMarkDue) this.#marked = this.#synced;
    this.#size += bytes.length;
    this.#entriesEnd = this.#size;
    for (const put of group) if (put.durability === 'os') put.stored();
    const waiting = group.filter(({ durability }) => durability === 'fsync');
    try {
      if (waiting.length > 0) {
        await this.#file.dataSync();
        this.#synced = this.#size;
      }
      if (this.#isOutdated()) await this.#rewrite();
    } catch (cause) {
      this.#failure = new EngineError(
        'sync_failed',
        `sync of ${this.#path} failed: ${String(cause)}; puts are refused until it is opened again`,
        { cause },
      );
      const unwritten = this.#queue.splice(0);
      this.#restore(unwritten);
      for (const put of [...waiting, ...unwritten]) put.failed(this.#failure);
      return;
    }
    for (const put of waiting) put.stored();
  }

  async #undo(group: readonly Put[], reason: EngineError): Promise<void> {
    const refused = [...group, ...this.#queue.splice(0)];
    this.#queuedBytes = 0;
    this.#restore(refused);
    try {
      await this.#file.truncate(this.#size);
      await this.#file.dataSync(); // else a power cut could bring back what is called not stored
      this.#synced = this.#size;
    } catch (cause) {
      // The file's end is unknown: nothing may follow it, and the puts may come back with the next open.
      const text = `a failed write to ${this.#path} could not be undone: ${String(cause)}`;
      this.#failure = new EngineError('fenced', `${text}; puts are refused until it is opened again`, { cause });
      const unknown = new EngineError('sync_failed', `${text}; the entries may be in it or not`, { cause });
      for (const put of group) put.failed(unknown);
    }
    for (const put of refused) put.failed(this.#failure ?? reason);
  }

  /** As if these puts, the last ones, had not been. */
  #restore(puts: readonly Put[]): void {
    for (const { key, before } of puts.toReversed()) this.#apply(key, before ?? null);
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
    // Puts that wait in the queue are in the map already; they may still be refused, and must not come back then.
    const values = new Map(this.#values);
    for (const { key, before } of this.#queue.toReversed()) {
      if (before === undefined) values.delete(key);
      else values.set(key, before);
    }
    const bytes = Buffer.concat([...values].map(([key, value]) => encodeEntry(key, value)));
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
    this.#entriesEnd = bytes.length;
    this.#synced = bytes.length;
    this.#marked = 0;
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

function encodeMark(synced: number): Buffer {
  const entry = Buffer.alloc(HEADER_BYTES + MARK_VALUE_BYTES);
  entry.writeUInt32BE(MARK_KEY_BYTES, 4);
  entry.writeInt32BE(MARK_VALUE_BYTES, 8);
  writeInt64(entry, HEADER_BYTES, synced);
  entry.writeUInt32BE(crc32c(entry.subarray(4)), 0);
  return entry;
}

type Entry =
  | { readonly mark: number; readonly next: number }
  | { readonly mark?: never; readonly key: string; readonly value: Buffer | null; readonly next: number };

export function decodeEntry(bytes: Buffer, at: number): Entry {
  if (bytes.readUInt32BE(at + 4) === MARK_KEY_BYTES) {
    const next = at + HEADER_BYTES + MARK_VALUE_BYTES;
    return { mark: readInt64(bytes, at + HEADER_BYTES), next };
  }
  const keyEnd = at + HEADER_BYTES + bytes.readUInt32BE(at + 4);
  const valueBytes = bytes.readInt32BE(at + 8);
  const key = bytes.toString('utf8', at + HEADER_BYTES, keyEnd);
  if (valueBytes === DELETED) return { key, value: null, next: keyEnd };
  return { key, value: Buffer.from(bytes.subarray(keyEnd, keyEnd + valueBytes)), next: keyEnd + valueBytes };
}

/** The end of the whole entry at `at`, or null. */
export function entryEnd(bytes: Buffer, at: number): number | null {
  if (at + HEADER_BYTES > bytes.length) return null;
  const isMark = bytes.readUInt32BE(at + 4) === MARK_KEY_BYTES;
  const keyBytes = isMark ? 0 : bytes.readUInt32BE(at + 4);
  const valueBytes = bytes.readInt32BE(at + 8);
  if (isMark && valueBytes !== MARK_VALUE_BYTES) return null;
  if (keyBytes > limits.mapKeyBytesMax || valueBytes < DELETED || valueBytes > limits.mapValueBytesMax) return null;
  const end = at + HEADER_BYTES + keyBytes + Math.max(0, valueBytes);
  if (end > bytes.length || bytes.readUInt32BE(at) !== crc32c(bytes.subarray(at + 4, end))) return null;
  return end;
}

/** Where the whole entries end. Throws `log_corrupt` when what is bad there had been on the disk. */
function wholeEnd(bytes: Buffer, path: string): number {
  let at = 0;
  for (let end = entryEnd(bytes, at); end !== null; end = entryEnd(bytes, at)) at = end;
  for (let behind = at + 1; behind + HEADER_BYTES + MARK_VALUE_BYTES <= bytes.length; behind += 1) {
    if (bytes.readUInt32BE(behind + 4) !== MARK_KEY_BYTES || entryEnd(bytes, behind) === null) continue;
    const entry = decodeEntry(bytes, behind);
    if (entry.mark !== undefined && entry.mark > at)
      throw damaged(
        path,
        at,
        `bad bytes, and a mark at ${behind} says that ${entry.mark} bytes were on the disk`,
        null,
      );
  }
  return at;
}
