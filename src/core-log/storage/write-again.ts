/**
 * A sync that failed may have cost the pages: the kernel then takes them for clean, so they are read like any others, and a
 * later sync succeeds without having written them. Who opens a file after that cannot tell, and would answer for bytes that
 * the next power cut takes. What no sync is known to have reached is therefore written again, as it is read, before it is
 * synced: it is on the disk then, whatever became of the pages.
 */

import { limits } from '../limits.ts';
import type { File } from '../platform/file-system.ts';

/** Writes the bytes from `from` to `to` over themselves. The caller syncs. */
export async function writeAgain(file: File, from: number, to: number): Promise<void> {
  const chunk = Buffer.alloc(Math.min(limits.scanChunkBytes, Math.max(0, to - from)));
  for (let at = from; at < to; ) {
    const count = await file.read(chunk.subarray(0, Math.min(chunk.length, to - at)), at);
    if (count === 0) throw new Error(`${file.path} ends at ${at} where ${to} bytes were read before`);
    await file.write([chunk.subarray(0, count)], at);
    at += count;
  }
}
