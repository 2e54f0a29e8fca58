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
import { BatchScanner, findBatchBehind, follows, type WholeBatch } from './batch-scanner.ts';

export interface ReadRange {
  /** Where a batch begins, at or before the one that holds `offset`. */
  readonly from: BatchPlace;
  readonly end: number;
  readonly offset: number;
  readonly maxBytes: number;
  /** Base offsets that the segment can hold. */
  readonly offsets: { readonly min: number; readonly max: number };
  /** Before this offset some may be missing: compaction took them. */
  readonly gapsBelow: number;
}

/** A position, and what is known of the batch there: its first or its last offset. */
export type BatchPlace =
  | { readonly position: number; readonly baseOffset: number }
  | { readonly position: number; readonly lastOffset: number };

/** Why the batch at `at` is not the one of this place, or null. Its own checksum does not cover its base offset. Before
 *  `gapsBelow` one may be missing before it. */
export function placeFault(place: BatchPlace, bytes: Buffer, at: number, gapsBelow = 0): string | null {
  const baseOffset = baseOffsetOf(bytes, at);
  const lastOffset = lastOffsetOf(bytes, at);
  if ('baseOffset' in place)
    return follows(baseOffset, place.baseOffset, gapsBelow)
      ? null
      : `base offset ${baseOffset} where ${place.baseOffset} follows`;
  return lastOffset === place.lastOffset ? null : `last offset ${lastOffset} where the index says ${place.lastOffset}`;
}

/** At least the batch that holds `offset` or, behind a gap, the next one, and what follows it up to `maxBytes`; empty when
 *  the gap goes on to the end. Rejects with `log_corrupt`. */
export async function readBatches(file: File, range: ReadRange): Promise<readonly Buffer[]> {
  const { end, offset, maxBytes, gapsBelow } = range;
  const found: Buffer[] = [];
  let foundBytes = 0;
  let place = range.from;
  let skipped: number | null = null;
  let want = Math.min(Math.max(limits.readChunkBytes, maxBytes), limits.readBytesMax);
  for (;;) {
    const { position } = place;
    const length = Math.min(want, end - position);
    const window = await readWindow(file, position, length);
    let at = 0;
    let fault: string | null = position >= end && offset >= gapsBelow ? `no batch holds offset ${offset}` : null;
    if (window.length < length) fault = `the file ends at ${position + window.length}, the log at ${end}`;
    while (fault === null && position + at < end) {
      if (at + BATCH_HEADER_BYTES > window.length && position + window.length < end) break;
      fault = headerFault(window, at, end - position - at) ?? placeFault(place, window, at, gapsBelow);
      if (fault !== null) break;
      const size = batchBytesOf(window, at);
      if (size > limits.batchBytesMax) {
        fault = `a batch of ${size} bytes is above the limit of ${limits.batchBytesMax}`;
        break;
      }
      const lastOffset = lastOffsetOf(window, at);
      if (lastOffset < offset) {
        skipped = position + at;
      } else {
        if (at + size > window.length) {
          want = Math.max(size, limits.readChunkBytes);
          break;
        }
        fault = batchFault(window, at, window.length - at);
        // Only the header was read of what was skipped: a gap is believed when the batch before it is whole.
        const isBehindGap = found.length === 0 && baseOffsetOf(window, at) > offset && skipped !== null;
        if (isBehindGap) fault ??= await faultAt(file, skipped as number, end);
        if (fault !== null) break;
        found.push(window.subarray(at, at + size));
        foundBytes += size;
        if (foundBytes >= maxBytes) return found;
      }
      at += size;
      place = { position: position + at, baseOffset: lastOffset + 1 };
    }
    if (found.length > 0) return found;
    if (fault === null && place.position < end) continue;
    const isGap =
      fault === null && offset < gapsBelow && (skipped === null || (await faultAt(file, skipped, end)) === null);
    if (isGap) return found;
    const whole = await goOnBehind(file, range, { position: place.position, skipped, fault });
    place = whole;
    skipped = null;
  }
}

/** The first whole batch behind damage, if it is not behind `offset`, too: that then is in the damage. */
async function goOnBehind(
  file: File,
  { end, offset, offsets }: ReadRange,
  at: { readonly position: number; readonly skipped: number | null; readonly fault: string | null },
): Promise<WholeBatch> {
  // Of a batch that was skipped only the header was looked at: where it ends and what follows it may be what is wrong.
  const skippedFault = at.skipped === null ? null : await faultAt(file, at.skipped, end);
  const position = skippedFault === null ? at.position : (at.skipped as number);
  const whole = await findBatchBehind(file, position, end, offsets);
  if (whole !== null && whole.baseOffset <= offset) return whole;
  const reason = skippedFault ?? at.fault ?? `no batch holds offset ${offset}`;
  throw damaged(file.path, position, reason, whole?.baseOffset ?? null);
}

async function faultAt(file: File, position: number, end: number): Promise<string | null> {
  const scanner = new BatchScanner(file, position, end);
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
