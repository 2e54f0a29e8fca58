/** When the queue of a partition is written, and when what is written is synced: the rules of group commit. */

import { limits } from '../limits.ts';

export interface QueueState {
  readonly queuedBytes: number;
  /** Appends in the queue that wait for the write only, or for nothing: `os` and `memory`. */
  readonly eagerAppends: number;
  readonly isWriting: boolean;
  readonly isSyncing: boolean;
}

/**
 * One write at a time. While a sync is under way appends that wait for the next sync anyway are held back, so that they
 * share one write and one sync: the slower the disk, the larger the groups. What fills a large write goes beside the sync, so
 * that the disk finds it ready. Nothing is held back for others' sake: an append that waits for no sync goes at once and
 * takes the held ones with it.
 */
export function shouldWrite({ queuedBytes, eagerAppends, isWriting, isSyncing }: QueueState): boolean {
  if (isWriting || queuedBytes === 0) return false;
  return !isSyncing || eagerAppends > 0 || queuedBytes >= limits.heldBytesMax;
}

export interface SyncState {
  /** Written for appends that wait for a sync. */
  readonly unsyncedBytes: number;
  /** Still to be written up to the last fsync append that was queued when the first of the unsynced was written. */
  readonly groupBytesLeft: number;
  readonly isSyncing: boolean;
}

/**
 * One sync at a time. What was queued already is written first, so that it shares the sync; what came later is not waited
 * for, else those who are written would wait as long as others keep coming. A large group is halved: while one half is on
 * its way to the disk those of the other, who were answered, build their next batches.
 */
export function shouldSync({ unsyncedBytes, groupBytesLeft, isSyncing }: SyncState): boolean {
  if (isSyncing || unsyncedBytes === 0) return false;
  return groupBytesLeft === 0 || (unsyncedBytes >= limits.halvedGroupBytes && unsyncedBytes >= groupBytesLeft);
}
