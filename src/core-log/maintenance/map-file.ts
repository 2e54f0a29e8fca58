/** A durable map (storage/durable-map.ts) as it lies on the disk, read without taking it over. */

import { join } from 'node:path';
import type { FileSystem } from '../platform/file-system.ts';
import { decodeEntry, entryEnd } from '../storage/durable-map.ts';
import { readWhole } from '../storage/whole-file.ts';

export interface MapSight {
  readonly name: string;
  readonly file: string;
  readonly bytes: number;
  /** What the whole entries in front say; those behind damage are not believed, they may be outdated. */
  readonly entries: ReadonlyMap<string, Buffer>;
  /** Where the whole entries end; equal to `bytes` when all are whole. */
  readonly wholeBytes: number;
  /** The next whole entry behind bad bytes, null when there is none: then the last write was torn. */
  readonly nextWholeAt: number | null;
}

export async function readMap(files: FileSystem, directory: string, name: string): Promise<MapSight> {
  const file = join(directory, `${name}.map`);
  const bytes = (await readWhole(files, file)) ?? Buffer.alloc(0);
  const entries = new Map<string, Buffer>();
  let at = 0;
  for (let end = entryEnd(bytes, at); end !== null; end = entryEnd(bytes, at)) {
    const entry = decodeEntry(bytes, at);
    at = end;
    if (entry.mark !== undefined) continue; // says how far the file was synced, nothing of its content
    if (entry.value === null) entries.delete(entry.key);
    else entries.set(entry.key, entry.value);
  }
  return { name, file, bytes: bytes.length, entries, wholeBytes: at, nextWholeAt: wholeEntryAfter(bytes, at) };
}

function wholeEntryAfter(bytes: Buffer, at: number): number | null {
  for (let behind = at + 1; behind < bytes.length; behind += 1) if (entryEnd(bytes, behind) !== null) return behind;
  return null;
}
