/** Brokers that are left running until somebody ends them: what the commands of `sluice brokers` do. */

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from './install-once.ts';
import { limits } from './limits.ts';
import { isAsAsked, type NotObtained, type Obtained, obtainOne } from './obtain.ts';
import { cacheDir, runsDir } from './paths.ts';
import { keptRuns } from './running.ts';
import { endAndForget, isOfThisMachine, isOrphaned, reapOrphans, recordedRuns } from './run-state.ts';
import type { BrokerKind, BrokerRequest } from './types.ts';

/** Something else than what was asked for runs already. */
export interface Conflict extends NotObtained {
  readonly isConflict: true;
}

/**
 * Starts what is not running yet and leaves it running after this process; resolves with one outcome for each kind. One at a time on
 * this machine: a second call meanwhile waits and then finds the first one's brokers.
 */
export async function leaveRunning(
  kinds: readonly BrokerKind[],
  request: Omit<BrokerRequest, 'want' | 'fresh'>,
): Promise<(Obtained | NotObtained | Conflict)[]> {
  const work = () => Promise.all(kinds.map((kind) => leaveOneRunning(kind, request)));
  // Elsewhere there are only addresses and containers, and no lock can name its holder.
  if (process.platform !== 'linux') return work();
  return withLock(join(runsDir(), 'up.lock'), limits.lockWaitMs, work);
}

async function leaveOneRunning(
  kind: BrokerKind,
  request: Omit<BrokerRequest, 'want' | 'fresh'>,
): Promise<Obtained | NotObtained | Conflict> {
  const runs = (await keptRuns()).filter((run) => run.handle.kind === kind);
  for (const { state, handle, trouble } of runs) {
    if (trouble !== null) {
      request.onProgress?.(`${kind}: ${state.id} does not answer any more, ending it`);
      await endAndForget(state);
    } else if (isAsAsked(handle, request)) return { handle, started: null };
    else {
      const is = `${kind} ${handle.version} with ${handle.nodes.length} node(s) runs already`;
      return { kind, reason: `${is}; end it first: sluice brokers down ${kind}`, isConflict: true };
    }
  }
  return obtainOne(kind, request, true);
}

/** Ends what `up` left running of these kinds, answering or not; resolves with the ids of the runs. */
export async function endKept(kinds: readonly BrokerKind[]): Promise<string[]> {
  if (process.platform !== 'linux') return [];
  const kept = recordedRuns().filter((run) => run.owner === null && isOfThisMachine(run) && kinds.includes(run.kind));
  for (const run of kept) await endAndForget(run);
  // And what somebody's crash left behind, while we are at it.
  await reapOrphans();
  return kept.map((run) => run.id);
}

export interface Inventory {
  /** Directories of the cache that hold an installed broker. */
  readonly software: string[];
  readonly runs: { id: string; kind: BrokerKind; owner: string; startedAt: string; addresses: readonly string[] }[];
}

/** What is installed and what is on record, whoever started it. */
export function inventory(): Inventory {
  const installed = (folder: string) => {
    const directory = join(cacheDir(), folder);
    if (!existsSync(directory)) return [];
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map((entry) => join(directory, entry.name));
  };
  const runs = (process.platform === 'linux' ? recordedRuns() : []).map((run) => ({
    id: run.id,
    kind: run.kind,
    owner: isOrphaned(run) ? 'left behind' : run.owner === null ? 'kept by up' : `of process ${run.owner.pid}`,
    startedAt: run.startedAt,
    addresses: run.handle === null ? [] : run.handle.kind === 'rabbitmq' ? run.handle.urls : run.handle.brokers,
  }));
  return { software: [...installed('kafka'), ...installed('rabbitmq')], runs };
}
