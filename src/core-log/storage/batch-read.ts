/**
 * Reads the batches from an offset on out of a segment, each served batch checked against its checksum. Damage is never
 * served and never in the way of what is whole: a reader of an offset behind it gets there, a reader of an offset in it
 * is told file and position.
 */

import { EngineError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { File } from '../platform/file-system.ts';
import {
  BATCH_HEADER_BYTES,
  baseOffsetOf,
  batchBytesOf,
  batchFault,
  headerFault,
  lastOffsetOf,
} from '../record/batch-view.ts';
import { BatchScanner, findWholeBatch } from './batch-scanner.ts';

export interface ReadRange {
  /** A position at which a batch begins, at or before the one that holds `offset`. */
  readonly from: number;
  readonly end: number;
  readonly offset: number;
  readonly maxBytes: number;
  /** Base offsets that the segment can hold. */
  readonly offsets: { readonly min: number; readonly max: number };
  /** Before this offset some may be missing: compaction took them. */
  readonly gapsBelow: number;
}

/** At least the batch that holds `offset` or, behind a gap, the next one, and what follows it up to `maxBytes`; empty when
 *  the gap goes on to the end. Rejects with `log_corrupt`. */
export async function readBatches(file: File, range: ReadRange): Promise<readonly Buffer[]> {
  const { end, offset, maxBytes, gapsBelow } = range;
  const found: Buffer[] = [];
  let foundBytes = 0;
  let position = range.from;
  let lastSkipped = range.from - 1;
  let want = Math.min(Math.max(limits.readChunkBytes, maxBytes), limits.readBytesMax);
  for (;;) {
    const window = await readWindow(file, position, Math.min(want, end - position));
    let at = 0;
    let fault: string | null = position >= end && offset >= gapsBelow ? `no batch holds offset ${offset}` : null;
    while (fault === null && position + at < end) {
      if (at + BATCH_HEADER_BYTES > window.length && position + window.length < end) break;
      fault = headerFault(window, at, end - position - at);
      if (fault !== null) break;
      const size = batchBytesOf(window, at);
      if (found.length === 0 && lastOffsetOf(window, at) < offset) {
        lastSkipped = position + at;
        at += size;
        continue;
      }
      if (found.length === 0 && baseOffsetOf(window, at) > offset) {
        const isGap = baseOffsetOf(window, at) <= gapsBelow;
        fault = isGap ? await skippedFault(file, range, lastSkipped) : `no batch holds offset ${offset}`;
        if (fault !== null) break;
      }
      if (at + size > window.length) {
        want = Math.max(size, limits.readChunkBytes);
        break;
      }
      fault = batchFault(window, at, window.length - at);
      if (fault !== null) break;
      found.push(window.subarray(at, at + size));
      foundBytes += size;
      at += size;
      if (foundBytes >= maxBytes) return found;
    }
    if (found.length > 0) return found;
    position += at;
    if (fault === null && position >= end && offset < gapsBelow) {
      fault = await skippedFault(file, range, lastSkipped);
      if (fault === null) return found;
    }
    if (fault !== null || position >= end) {
      // The length of the batch skipped last may be what is damaged, so whole batches are looked for from there on.
      const whole = await findWholeBatch(file, lastSkipped + 1, end, range.offsets);
      if (whole === null || whole.baseOffset > offset || whole.position <= lastSkipped) {
        throw damaged(file.path, position, fault ?? `no batch holds offset ${offset}`, whole?.baseOffset ?? null);
      }
      position = whole.position;
      lastSkipped = whole.position;
    }
  }
}

/** Only a header was read of what was skipped. A gap is believed when the batch before it is whole. */
async function skippedFault(file: File, { from, end }: ReadRange, lastSkipped: number): Promise<string | null> {
  if (lastSkipped < from) return null;
  const scanner = new BatchScanner(file, lastSkipped, end);
  await scanner.next(null);
  return scanner.fault?.reason ?? null;
}

export function damaged(file: string, position: number, reason: string, nextOffset: number | null): EngineError {
  return new EngineError('log_corrupt', `${file} is damaged at position ${position}: ${reason}`, {
    damage: { file, position, nextOffset },
  });
}

async function readWindow(file: File, position: number, size: number): Promise<Buffer> {
  if (size <= 0) return Buffer.alloc(0);
  const window = Buffer.allocUnsafe(size);
  return window.subarray(0, await file.read(window, position));
}
