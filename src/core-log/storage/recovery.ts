/**
 * What a partition's directory holds after a crash, and what is done about it. What counts is on which side of the
 * synced mark bad bytes lie: below it they were on the disk, so somebody changed them; above it a write was torn.
 *
 *   what is found                      below the mark                     above the mark
 *   bad batch                          fenced, files left as they are     cut there, cut bytes into quarantine
 *   segment does not follow the last   fenced                             it and all later ones into quarantine
 *   file ends before the mark          fenced                             -
 *   segment file is gone               fenced                             -
 *
 * Without a whole mark everything counts as below it: then nothing is ever cut, at worst somebody has to look.
 * Segments before the mark's with a fitting seal are not read; after a clean shutdown none is.
 */

import { join } from 'node:path';
import { EngineError } from '../errors.ts';
import type { FileSystem } from '../platform/file-system.ts';
import { damaged } from './batch-read.ts';
import { follows } from './batch-scanner.ts';
import {
  DELETED_SUFFIX,
  MARK_FILE,
  SEGMENT_SUFFIXES,
  type SyncedMark,
  decodeMark,
  segmentOfName,
  segmentPath,
} from './format.ts';
import { type CutPiece, quarantine } from './quarantine.ts';
import { finishSwaps } from './segment-swap.ts';
import { type SegmentFacts, readSeal, scanSegment } from './segment.ts';
import { freshState, type PartitionState, readState, statePath } from './partition-state.ts';
import { readWhole } from './whole-file.ts';

export interface RecoveredLog {
  /** Not empty; the last is the active one. */
  readonly segments: readonly SegmentFacts[];
  /** The sequence of the newest mark; 0 when there is none. */
  readonly markSequence: number;
  readonly mark: SyncedMark | null;
  readonly truncatedBytes: number;
  readonly quarantineFile: string | null;
  readonly state: PartitionState;
  /** Why the partition refuses appends, or null. */
  readonly fenced: EngineError | null;
  /** Nobody could look: what is there is not known, and nothing of it can be read. */
  readonly isUnreadable: boolean;
}

/** What is known of a log that cannot be looked at. */
export function unreadableLog(nowMs: number, fenced: EngineError): RecoveredLog {
  return {
    segments: [emptySegment(null, nowMs)],
    markSequence: 0,
    mark: null,
    truncatedBytes: 0,
    quarantineFile: null,
    state: freshState,
    fenced,
    isUnreadable: true,
  };
}

interface Findings {
  readonly segments: SegmentFacts[];
  readonly cut: CutPiece[];
  fenced: EngineError | null;
}

export async function recoverLog(
  files: FileSystem,
  directory: string,
  options: { readonly isClean: boolean; readonly nowMs: number },
): Promise<RecoveredLog> {
  await finishSwaps(files, directory);
  const bases = await segmentsIn(files, directory);
  const found = await readMark(files, directory);
  const mark = found?.mark ?? null;
  const state = await readState(files, directory);
  const findings: Findings = { segments: [], cut: [], fenced: null };
  if (state === null) findings.fenced = damaged(statePath(directory), 0, 'it is not what was written', null);
  // With the state lost nobody knows which gaps were made: all are let pass, so that what is whole can be read.
  const gapsBelow = state?.gapsBelow ?? Number.MAX_SAFE_INTEGER;
  for (const baseOffset of bases) {
    if (findings.cut.length > 0) await cutFrom(files, directory, baseOffset, 0, findings);
    else await inspect(files, directory, { baseOffset, mark, gapsBelow, ...options }, findings);
  }
  checkLast(directory, mark, findings);
  const isCut = findings.cut.length > 0 && findings.fenced === null;
  const quarantineFile = isCut ? await quarantine(files, directory, findings.cut) : null;
  return {
    segments: findings.segments.length > 0 ? findings.segments : [emptySegment(mark, options.nowMs)],
    markSequence: found?.sequence ?? 0,
    mark,
    truncatedBytes: isCut ? findings.cut.reduce((sum, { size, position }) => sum + size - position, 0) : 0,
    quarantineFile,
    state: state ?? { ...freshState, gapsBelow },
    fenced: findings.fenced,
    isUnreadable: false,
  };
}

export async function readMark(files: FileSystem, directory: string) {
  const bytes = await readWhole(files, join(directory, MARK_FILE));
  return bytes === null ? null : decodeMark(bytes);
}

async function inspect(
  files: FileSystem,
  directory: string,
  about: {
    readonly baseOffset: number;
    readonly mark: SyncedMark | null;
    readonly gapsBelow: number;
    readonly isClean: boolean;
  },
  findings: Findings,
): Promise<void> {
  const { baseOffset, mark, gapsBelow } = about;
  const path = segmentPath(directory, baseOffset, '.log');
  const status = await files.status(path);
  if (status === undefined) throw new EngineError('log_corrupt', `${path} went away while it was read`);
  const { size, createdMs } = status;
  const previous = findings.segments.at(-1);
  if (previous !== undefined && size === 0 && baseOffset < previous.nextOffset) {
    // Closing a segment failed half-way, and the one before went on. An empty file holds nothing to keep.
    for (const suffix of SEGMENT_SUFFIXES) await files.remove(segmentPath(directory, baseOffset, suffix));
    return;
  }
  if (previous !== undefined && !follows(baseOffset, previous.nextOffset, gapsBelow)) {
    if (!isBelow(mark, previous.baseOffset, previous.size))
      return await cutFrom(files, directory, baseOffset, 0, findings);
    findings.fenced ??= damaged(
      path,
      0,
      `it begins at offset ${baseOffset} where ${previous.nextOffset} follows`,
      baseOffset,
    );
  }
  const seal = await readSeal(files, directory, baseOffset);
  const isTrusted =
    mark !== null &&
    (baseOffset < mark.segment || (about.isClean && baseOffset === mark.segment && size === mark.position));
  if (isTrusted && seal !== null && seal.size === size) {
    const { nextOffset, maxTimestamp } = seal;
    findings.segments.push({ baseOffset, size, nextOffset, maxTimestamp, createdMs: seal.createdMs });
    return;
  }
  const file = await files.open(path, 'read');
  try {
    let scan = await scanSegment(file, baseOffset, size, { pastDamage: false, gapsBelow });
    const { fault } = scan;
    if (fault !== null && isBelow(mark, baseOffset, fault.position)) {
      scan = await scanSegment(file, baseOffset, size, { pastDamage: true, gapsBelow });
      const nextOffset = mark?.segment === baseOffset ? Math.max(mark.nextOffset, scan.nextOffset) : scan.nextOffset;
      findings.fenced ??= damaged(path, fault.position, fault.reason, scan.offsetBehindFault);
      findings.segments.push(facts(baseOffset, size, nextOffset, createdMs, scan));
      return;
    }
    findings.segments.push(facts(baseOffset, scan.end, scan.nextOffset, createdMs, scan));
    if (fault !== null) await cutFrom(files, directory, baseOffset, fault.position, findings);
  } finally {
    await file.close();
  }
}

function facts(
  baseOffset: number,
  size: number,
  nextOffset: number,
  createdMs: number,
  { indexes }: Awaited<ReturnType<typeof scanSegment>>,
): SegmentFacts {
  return { baseOffset, size, nextOffset, createdMs, maxTimestamp: indexes.maxTimestamp, indexes };
}

function isBelow(mark: SyncedMark | null, baseOffset: number, position: number): boolean {
  if (mark === null || baseOffset < mark.segment) return true;
  return baseOffset === mark.segment && position < mark.position;
}

/** What was synced must be there: the log reaches the mark, or it is not the log that was written. */
function checkLast(directory: string, mark: SyncedMark | null, findings: Findings): void {
  const last = findings.segments.at(-1);
  if (findings.fenced !== null) return;
  if (last === undefined) {
    findings.fenced = damaged(
      segmentPath(directory, mark?.segment ?? 0, '.log'),
      0,
      'the partition has no segment file',
      null,
    );
    return;
  }
  if (mark === null) return;
  const path = segmentPath(directory, mark.segment, '.log');
  const marked = findings.segments.find(({ baseOffset }) => baseOffset === mark.segment);
  if (last.baseOffset < mark.segment) {
    findings.fenced = damaged(path, 0, `the file is gone, ${mark.position} bytes of it were on the disk`, null);
  } else if (marked !== undefined && marked.size < mark.position) {
    findings.fenced = damaged(
      path,
      marked.size,
      `the file ends there, ${mark.position} bytes of it were on the disk`,
      null,
    );
  } else {
    return;
  }
  // Offsets that were given out are never given out again.
  findings.segments[findings.segments.length - 1] = { ...last, nextOffset: Math.max(last.nextOffset, mark.nextOffset) };
}

async function cutFrom(
  files: FileSystem,
  directory: string,
  baseOffset: number,
  position: number,
  findings: Findings,
): Promise<void> {
  const path = segmentPath(directory, baseOffset, '.log');
  const size = (await files.status(path))?.size ?? 0;
  const isKept = findings.segments.at(-1)?.baseOffset === baseOffset;
  findings.cut.push({ baseOffset, position, size, isKept });
}

function emptySegment(mark: SyncedMark | null, nowMs: number): SegmentFacts {
  const baseOffset = mark?.nextOffset ?? 0;
  return { baseOffset, size: 0, nextOffset: baseOffset, maxTimestamp: -1, createdMs: nowMs };
}

/** Base offsets in order. Removes what a crash left of files on their way out, and indexes without their log. */
async function segmentsIn(files: FileSystem, directory: string): Promise<number[]> {
  const names = await files.list(directory);
  const logs = new Set(names.filter((name) => segmentOfName(name) !== null));
  for (const name of names) {
    const suffix = SEGMENT_SUFFIXES.find((candidate) => candidate !== '.log' && name.endsWith(candidate));
    const isOrphan = suffix !== undefined && !logs.has(`${name.slice(0, -suffix.length)}.log`);
    if (isOrphan || name.endsWith(DELETED_SUFFIX)) await files.remove(join(directory, name));
  }
  return [...logs].map((name) => segmentOfName(name) as number).sort((a, b) => a - b);
}
