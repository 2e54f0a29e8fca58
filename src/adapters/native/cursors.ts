/**
 * Where a subscription stands in each partition, as the engine keeps it: opaque bytes under `cursor/<subscription>/<partition>`.
 *
 *   +--------------------+------------------------------+
 *   | watermark, uint64  | ack tracker state            |
 *   +--------------------+------------------------------+
 */

import type { Engine } from '../../core-log/index.ts';
import { AckTracker } from '../ack-tracker.ts';

const WATERMARK_BYTES = 8;

export function loadTracker(engine: Engine, subscription: string, partition: number): AckTracker | undefined {
  const bytes = engine.cursors.get(cursorKey(subscription, partition));
  if (bytes === undefined) return undefined;
  const watermark = Number(bytes.readBigUInt64BE(0));
  try {
    return AckTracker.decode(watermark, bytes.subarray(WATERMARK_BYTES));
  } catch {
    // What is settled above the watermark cannot be read: it comes again, which a consumer must be ready for. A subscription that could
    // not be opened any more would be worse, and so would a log that could not.
    return new AckTracker(watermark);
  }
}

/**
 * Takes back what cursors say of offsets that the log does not have. A message may be read and acknowledged before it is on
 * the disk; a power cut can then take it and leave the cursor. The offset is given to another message, which a cursor that
 * is ahead would pass over in silence. So: at the start, before anybody publishes, and on the disk.
 */
export async function keepCursorsBehind(engine: Engine, subscription: string, topic: string): Promise<void> {
  const partitions = engine.topic(topic)?.partitions ?? 0;
  for (let partition = 0; partition < partitions; partition += 1) {
    const { state, next } = engine.status(topic, partition);
    const tracker = loadTracker(engine, subscription, partition);
    // Of a fenced partition the end may not be known; nothing is appended to it either.
    if (state === 'open' && tracker?.endAt(next) === true)
      await saveTracker(engine, subscription, partition, tracker, 'fsync');
  }
}

/** Resolves when the cursor would survive the death of the process. */
export async function saveTracker(
  engine: Engine,
  subscription: string,
  partition: number,
  tracker: AckTracker,
  durability: 'os' | 'fsync' = 'os',
): Promise<void> {
  const watermark = Buffer.alloc(WATERMARK_BYTES);
  watermark.writeBigUInt64BE(BigInt(tracker.watermark));
  await engine.cursors.put(
    cursorKey(subscription, partition),
    Buffer.concat([watermark, tracker.encode()]),
    durability,
  );
}

export async function deleteTracker(engine: Engine, subscription: string, partition: number): Promise<void> {
  await engine.cursors.put(cursorKey(subscription, partition), null, 'os');
}

/** A cursor in words, for whoever looks at a data directory; null when it is none of ours. */
export function describeCursor(key: string, bytes: Buffer): string | null {
  if (!key.startsWith('cursor/') || bytes.length < WATERMARK_BYTES) return null;
  try {
    const tracker = AckTracker.decode(Number(bytes.readBigUInt64BE(0)), bytes.subarray(WATERMARK_BYTES));
    const above = tracker.settledAboveWatermark;
    return `everything before offset ${tracker.watermark} is settled${above === 0 ? '' : `, and ${above} above it`}`;
  } catch {
    return null; // of a newer encoding, or damaged: the bytes are still counted
  }
}

function cursorKey(subscription: string, partition: number): string {
  return `cursor/${subscription}/${partition}`;
}
