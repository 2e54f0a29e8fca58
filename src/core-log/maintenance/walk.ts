/**
 * Walks a file of batches from its first byte to its last, over damage: every byte is part of a whole batch or is told as bad.
 *
 * A batch's base offset is outside its checksum, so a batch that passes it may still be in the wrong place. Three things
 * look alike, and what follows tells them apart:
 *
 *   offsets 0-4, 5-9, 20-24, 25-29     the batches in between are missing: a gap, and 20 on is good
 *   offsets 0-4, 5-9, 20-24, 15-19     the third one's base offset is damaged: it is bad, and 15 on is good
 *   offsets 0-4, 5-9, 20-24            nothing tells: bad, unless gaps were made there by compaction
 */

import type { File } from '../platform/file-system.ts';
import { baseOffsetOf, batchBytesOf, lastOffsetOf } from '../record/batch-view.ts';
import { BatchScanner, findBatchBehind } from '../storage/batch-scanner.ts';

export type WalkStep =
  | { readonly kind: 'batch'; readonly position: number; readonly batch: Buffer }
  /** The next batch is at `position`, and the offsets before it are not in the file. */
  | { readonly kind: 'gap'; readonly position: number; readonly from: number; readonly to: number }
  | { readonly kind: 'bad'; readonly position: number; readonly end: number; readonly reason: string };

interface FoundBatch {
  readonly position: number;
  readonly batch: Buffer;
}

/** `expected`: the base offset of the first batch, null when any will do. `size`: where the file ends for this walk.
 *  `gapsBelow`: before this offset compaction may have left gaps. */
export async function* walkBatches(
  file: File,
  size: number,
  options: { readonly expected: number | null; readonly gapsBelow: number },
): AsyncGenerator<WalkStep> {
  let scanner = new BatchScanner(file, 0, size);
  let { expected } = options;
  let isBehindBad = false;
  let ahead: FoundBatch | null | undefined;
  for (;;) {
    const found = ahead === undefined ? await step(scanner) : ahead;
    ahead = undefined;
    if (found === null) {
      if (scanner.fault === null) return;
      const { position, reason } = scanner.fault;
      const offsets = { min: expected ?? 0, max: Number.MAX_SAFE_INTEGER };
      const whole = await findBatchBehind(file, position, size, offsets);
      yield { kind: 'bad', position, end: whole?.position ?? size, reason };
      if (whole === null) return;
      scanner = new BatchScanner(file, whole.position, size);
      isBehindBad = true;
      continue;
    }
    const { position, batch } = found;
    const base = baseOffsetOf(batch);
    if (expected !== null && base !== expected) {
      const isMade = base > expected && base <= options.gapsBelow;
      if (!isMade && (!isBehindBad || base < expected)) ahead = await step(scanner);
      const isGap =
        isMade || (base > expected && (isBehindBad || (ahead?.batch !== undefined && isAfter(ahead, batch))));
      if (!isGap) {
        const reason = `base offset ${base} where ${expected} follows`;
        yield { kind: 'bad', position, end: position + batch.length, reason };
        isBehindBad = true;
        continue;
      }
      yield { kind: 'gap', position, from: expected, to: base };
    }
    yield { kind: 'batch', position, batch };
    expected = lastOffsetOf(batch) + 1;
    isBehindBad = false;
  }
}

/** Its bytes stay as they are when the scanner goes on: each window is a buffer of its own. */
async function step(scanner: BatchScanner): Promise<FoundBatch | null> {
  const found = await scanner.next(null);
  if (found === null) return null;
  const { bytes, at, position } = found;
  return { position, batch: bytes.subarray(at, at + batchBytesOf(bytes, at)) };
}

function isAfter(next: FoundBatch, batch: Buffer): boolean {
  return baseOffsetOf(next.batch) > lastOffsetOf(batch);
}
