/**
 * What a repair does to a damaged partition, decided before anything is touched. Two ways:
 *
 *   cut          |good|good|BAD|good|good|   ->  |good|good|hole            |
 *   keep later   |good|good|BAD|good|good|   ->  |good|good|hole|good|good|
 *
 * Either way the hole stands for the offsets that are lost, and the log goes on above every offset that was ever given out:
 * subscriptions have counted past them, and a new message at an old offset would never reach those that did.
 */

import { EngineError } from '../errors.ts';
import { follows } from '../storage/batch-scanner.ts';
import type { PartitionExam, Problem, SegmentExam, WholeRun } from './examine.ts';

/** Indexes count offsets from the segment's first in signed 32-bit numbers. */
const OFFSETS_PER_SEGMENT_MAX = 2 ** 31 - 1;

export interface OffsetRange {
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

/** Bytes that leave a segment and are kept in quarantine. */
export interface CutRange {
  readonly segment: SegmentExam;
  readonly from: number;
  readonly to: number;
}

export type SegmentPart =
  | { readonly kind: 'keep'; readonly run: WholeRun }
  | { readonly kind: 'hole'; readonly range: OffsetRange };

export interface SegmentPlan {
  readonly baseOffset: number;
  /** null: the partition had none. */
  readonly segment: SegmentExam | null;
  readonly parts: readonly SegmentPart[];
  /** Its log is as it should be. */
  readonly isUnchanged: boolean;
}

export interface RepairPlan {
  readonly exam: PartitionExam;
  readonly damage: readonly Problem[];
  readonly segments: readonly SegmentPlan[];
  /** Segments of which nothing is left. */
  readonly removed: readonly SegmentExam[];
  readonly cut: readonly CutRange[];
  readonly lost: readonly OffsetRange[];
  /** The offset that the next append gets. */
  readonly nextOffset: number;
}

/** null: there is nothing to repair. */
export function planRepair(exam: PartitionExam, keepLater: boolean): RepairPlan | null {
  const damage = exam.problems.filter(({ severity }) => severity === 'damage');
  if (damage.length === 0) return null;
  const { segments, removed } = keepLater ? withLater(exam) : upToDamage(exam);
  const nextOffset = Math.max(exam.nextOffset, segments.at(-1)?.end ?? 0);
  const plans = finished(segments, exam, nextOffset);
  return {
    exam,
    damage,
    segments: plans,
    removed,
    cut: [...plans.flatMap(cutOf), ...removed.map((segment) => ({ segment, from: 0, to: segment.bytes }))],
    lost: plans.flatMap(({ parts }) => parts.flatMap((part) => (part.kind === 'hole' ? [part.range] : []))),
    nextOffset,
  };
}

interface Draft {
  readonly segment: SegmentExam | null;
  readonly baseOffset: number;
  readonly parts: SegmentPart[];
  /** The offset after the last part. */
  end: number;
}

/** Everything before the first damage. */
function upToDamage({ segments, gapsBelow }: PartitionExam): { segments: Draft[]; removed: readonly SegmentExam[] } {
  const drafts: Draft[] = [];
  for (const [index, segment] of segments.entries()) {
    const previous = drafts.at(-1);
    if (previous !== undefined && !follows(segment.baseOffset, previous.end, gapsBelow))
      return { segments: drafts, removed: segments.slice(index) };
    const draft = draftOf(segment);
    drafts.push(draft);
    const [first] = segment.runs;
    // A first run that begins later has damage before it.
    if (first !== undefined && (segment.badFrom === null || first.from < segment.badFrom)) keep(draft, first);
    if (segment.badFrom !== null) return { segments: drafts, removed: segments.slice(index + 1) };
  }
  return { segments: drafts, removed: [] };
}

/** Everything that is whole, with holes in between. */
function withLater({ segments, gapsBelow }: PartitionExam): { segments: Draft[]; removed: readonly SegmentExam[] } {
  const drafts: Draft[] = [];
  const removed: SegmentExam[] = [];
  for (const segment of segments) {
    const previous = drafts.at(-1);
    if (previous !== undefined && segment.baseOffset < previous.end) {
      removed.push(segment); // it repeats offsets that are taken
      continue;
    }
    if (previous !== undefined && !follows(segment.baseOffset, previous.end, gapsBelow))
      fill(previous, segment.baseOffset);
    const draft = draftOf(segment);
    drafts.push(draft);
    for (const run of segment.runs) {
      if (run.firstOffset > draft.end) fill(draft, run.firstOffset);
      keep(draft, run);
    }
  }
  return { segments: drafts, removed };
}

/** The last segment reaches up to `nextOffset`, and each one is compared with what it was. */
function finished(drafts: Draft[], { segments }: PartitionExam, nextOffset: number): SegmentPlan[] {
  if (drafts.length === 0) drafts.push({ segment: null, baseOffset: nextOffset, parts: [], end: nextOffset });
  const last = drafts.at(-1) as Draft;
  if (last.end < nextOffset) fill(last, nextOffset);
  return drafts.map(({ segment, baseOffset, parts }) => {
    const [only, ...more] = parts;
    const isWhole = more.length === 0 && only?.kind === 'keep' && only.run.from === 0 && only.run.to === segment?.bytes;
    const isEmpty = parts.length === 0 && segment?.bytes === 0;
    return { segment, baseOffset, parts, isUnchanged: segments.length > 0 && (isWhole || isEmpty) };
  });
}

/** What of a segment is not kept. */
function cutOf({ segment, parts }: SegmentPlan): CutRange[] {
  if (segment === null) return [];
  const cut: CutRange[] = [];
  let at = 0;
  for (const part of parts) {
    if (part.kind === 'hole') continue;
    if (part.run.from > at) cut.push({ segment, from: at, to: part.run.from });
    at = part.run.to;
  }
  if (segment.bytes > at) cut.push({ segment, from: at, to: segment.bytes });
  return cut;
}

function draftOf(segment: SegmentExam): Draft {
  return { segment, baseOffset: segment.baseOffset, parts: [], end: segment.baseOffset };
}

function keep(draft: Draft, run: WholeRun): void {
  draft.parts.push({ kind: 'keep', run });
  draft.end = run.nextOffset;
}

function fill(draft: Draft, to: number): void {
  if (to - draft.baseOffset > OFFSETS_PER_SEGMENT_MAX)
    throw new EngineError(
      'log_corrupt',
      `offsets ${draft.end} to ${to - 1} are lost, and segment ${draft.baseOffset} has no room for so many`,
    );
  draft.parts.push({ kind: 'hole', range: { from: draft.end, to } });
  draft.end = to;
}
