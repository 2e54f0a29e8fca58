/** Which segments may go: a decision without files or clocks. */

export interface RetentionPolicy {
  /** null: by time nothing goes. */
  readonly ms: number | null;
  /** null: by size nothing goes. */
  readonly bytes: number | null;
}

export interface RetentionSegment {
  readonly size: number;
  /** -1: no record. */
  readonly maxTimestamp: number;
}

/**
 * How many segments go, counted from the oldest; the last, active one never. By time a segment goes when its latest
 * record is older than `ms`; by size while what is left without it is still `bytes` or more. Only a front part goes: a
 * log has no holes.
 */
export function segmentsToDrop(segments: readonly RetentionSegment[], policy: RetentionPolicy, nowMs: number): number {
  const { ms, bytes } = policy;
  let left = segments.reduce((sum, { size }) => sum + size, 0);
  let count = 0;
  for (const { size, maxTimestamp } of segments.slice(0, -1)) {
    const isExpired = ms !== null && nowMs - maxTimestamp > ms;
    const isOverSize = bytes !== null && left - size >= bytes;
    if (!isExpired && !isOverSize) break;
    left -= size;
    count += 1;
  }
  return count;
}

/** How many segments hold only records that were deleted, counted from the oldest; the last, active one never. */
export function segmentsBelow(segments: readonly { readonly nextOffset: number }[], lowWatermark: number): number {
  const closed = segments.slice(0, -1);
  const firstKept = closed.findIndex(({ nextOffset }) => nextOffset > lowWatermark);
  return firstKept === -1 ? closed.length : firstKept;
}
