/** When the queue of a partition is written: the rule of group commit. */

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
 * share one write and one sync: the slower the disk, the larger the groups. Nothing is held back for others' sake: an
 * append that waits for no sync goes at once and takes the held ones with it.
 */
export function shouldWrite({ queuedBytes, eagerAppends, isWriting, isSyncing }: QueueState): boolean {
  if (isWriting || queuedBytes === 0) return false;
  return !isSyncing || eagerAppends > 0 || queuedBytes >= limits.heldBytesMax;
}
