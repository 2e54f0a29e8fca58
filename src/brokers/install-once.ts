/**
 * Puts a piece of software into the cache exactly once: built in a directory beside, renamed into place when whole. So a directory
 * that is there is complete, whoever was killed when; and of two processes one builds while the other waits.
 */

import { existsSync } from 'node:fs';
import { link, mkdir, readFile, rm, writeFile, rename, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { BrokersError, reasonOf } from './errors.ts';
import { limits } from './limits.ts';
import { identify, isRunning, waitUntil, type ProcessIdentity } from './processes.ts';

/** Resolves when `directory` is there and whole. `build` fills an empty directory; a failed or killed build leaves nothing in place. */
export async function installOnce(directory: string, build: (into: string) => Promise<void>): Promise<void> {
  if (existsSync(directory)) return;
  await mkdir(dirname(directory), { recursive: true });
  await withLock(`${directory}.lock`, limits.lockWaitMs, async () => {
    if (existsSync(directory)) return;
    const prefix = `.building-${basename(directory)}-`;
    // We hold the lock, so whatever half-built directory lies here has lost its builder.
    for (const name of await readdir(dirname(directory))) {
      if (name.startsWith(prefix)) await removeTree(join(dirname(directory), name));
    }
    const into = join(dirname(directory), `${prefix}${process.pid}`);
    await mkdir(into);
    try {
      await build(into);
      await rename(into, directory);
    } catch (caught) {
      await removeTree(into);
      throw caught;
    }
  });
}

/** Removes a directory and all in it; one that is not there is fine. */
export async function removeTree(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
}

/** Runs `work` while no other process on this machine holds the lock file. A lock whose holder has ended is taken over. */
export async function withLock<T>(path: string, withinMs: number, work: () => Promise<T>): Promise<T> {
  const self = identify(process.pid);
  if (self === null) throw new BrokersError('unavailable', 'no /proc on this machine');
  await mkdir(dirname(path), { recursive: true });
  if (!(await waitUntil(() => takeLock(path, self), withinMs)))
    throw new BrokersError('failed', `${path} is still held after ${withinMs} ms`);
  try {
    return await work();
  } finally {
    held.delete(path);
    await rm(path, { force: true });
  }
}

/** Locks that this very process holds: the file alone cannot tell two calls of one process apart from a leftover. */
const held = new Set<string>();

async function takeLock(path: string, self: ProcessIdentity): Promise<boolean> {
  if (held.has(path)) return false;
  held.add(path);
  let isTaken = false;
  try {
    isTaken = await tryLockFile(path, self);
  } finally {
    if (!isTaken) held.delete(path);
  }
  return isTaken;
}

async function tryLockFile(path: string, self: ProcessIdentity): Promise<boolean> {
  // Written aside and linked into place, so that nobody ever reads a lock without its holder's name.
  const draft = `${path}.${self.pid}`;
  await writeFile(draft, JSON.stringify(self));
  try {
    await link(draft, path);
    return true;
  } catch (caught) {
    if ((caught as NodeJS.ErrnoException).code !== 'EEXIST') throw caught;
    const holder = await readHolder(path);
    if (holder !== null && !(isRunning(holder) && holder.pid !== self.pid)) await dropStale(path, holder);
    return false;
  } finally {
    await rm(draft, { force: true });
  }
}

/**
 * A and B both see a dead holder; A removes the file and locks; B, late, would remove A's lock. So the file is renamed away
 * first (only one rename succeeds for one file) and put back when it turns out to be another holder's.
 */
async function dropStale(path: string, holder: ProcessIdentity): Promise<void> {
  const aside = `${path}.stale-${process.pid}`;
  try {
    await rename(path, aside);
  } catch (caught) {
    if ((caught as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw caught;
  }
  const moved = await readHolder(aside);
  if (moved !== null && (moved.pid !== holder.pid || moved.startTicks !== holder.startTicks)) {
    await link(aside, path).catch(() => undefined);
  }
  await rm(aside, { force: true });
}

async function readHolder(path: string): Promise<ProcessIdentity | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as ProcessIdentity;
  } catch {
    return null; // released meanwhile
  }
}

/** Tries a download a bounded number of times; the last failure is the one thrown. */
export async function retryDownload<T>(
  what: string,
  progress: (line: string) => void,
  attempt: () => Promise<T>,
  backoffMs: number = limits.downloadBackoffMs,
): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await attempt();
    } catch (caught) {
      if (tried >= limits.downloadAttempts) throw caught;
      progress(`${what} failed (${tried} of ${limits.downloadAttempts}): ${reasonOf(caught).slice(0, 300)}`);
      await delay(backoffMs * tried);
    }
  }
}
