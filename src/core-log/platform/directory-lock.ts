/**
 * One engine per directory. Three locks, because each sees what the others do not:
 *
 *  - on Linux an abstract Unix socket named for the directory's device and inode. The kernel frees it when its owner
 *    dies, however it dies, and two that start at once cannot both have it;
 *  - a file `lock` with the owner's process id and that process's start time. It names the owner in the error, and works
 *    where there are no sockets. A process id alone would lie after a restart: ids are used again, start times of the
 *    same id are not;
 *  - a Unix socket in the directory (socket-lock.ts). Two containers on one volume have networks and process ids of their own: the first lock
 *    is not seen, and both owners are process 1 in the second. A socket in a directory is reached by whoever sees the directory.
 *
 * None sees an owner on another machine: a directory that several machines mount is not for several gateways.
 */

import fs from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import type { DirectoryLock } from './file-system.ts';
import { isSocketHeld, takeSocketLock } from './socket-lock.ts';

export const LOCK_FILE = 'lock';

/** Directories held by this process: the file alone would look like our own. */
const heldHere = new Set<string>();

interface Owner {
  readonly pid: number;
  readonly startTime: string | null;
  readonly boot: string | null;
}

export async function lockDirectory(directory: string): Promise<DirectoryLock | { readonly owner: string }> {
  const { dev, ino } = await fs.promises.stat(directory);
  const name = `${dev}:${ino}`;
  if (heldHere.has(name)) return { owner: 'this process' };
  heldHere.add(name);
  let server: net.Server | undefined;
  let socket: Awaited<ReturnType<typeof takeSocketLock>> = 'held';
  try {
    const file = join(directory, LOCK_FILE);
    if (process.platform === 'linux') server = await listen(`\0sluice-log-${name}`);
    const owner = liveOwner(file);
    const isHeld = owner !== undefined || (process.platform === 'linux' && server === undefined);
    if (!isHeld) socket = await takeSocketLock(directory);
    if (socket === 'held') {
      heldHere.delete(name);
      await closeServer(server);
      if (isHeld) return { owner: owner === undefined ? 'another process' : `process ${owner.pid}` };
      return { owner: 'a process of another container or network' };
    }
    const self: Owner = { pid: process.pid, startTime: startTimeOf(process.pid), boot: bootId() };
    await fs.promises.writeFile(file, `${JSON.stringify(self)}\n`);
    const [held, lock] = [server, socket];
    return {
      async release() {
        await fs.promises.rm(file, { force: true });
        await lock.release();
        await closeServer(held);
        heldHere.delete(name);
      },
    };
  } catch (reason) {
    heldHere.delete(name);
    if (socket !== 'held') await socket.release();
    await closeServer(server);
    throw reason;
  }
}

/** Who has the directory open, in words, or null. Only looks: takes nothing and leaves nothing. */
export async function lockOwner(directory: string): Promise<string | null> {
  const { dev, ino } = await fs.promises.stat(directory);
  const name = `${dev}:${ino}`;
  if (heldHere.has(name)) return 'this process';
  const owner = liveOwner(join(directory, LOCK_FILE));
  if (owner !== undefined) return `process ${owner.pid}`;
  if (process.platform === 'linux' && (await isListening(`\0sluice-log-${name}`))) return 'another process';
  return (await isSocketHeld(directory)) ? 'a process of another container or network' : null;
}

function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(path);
    const answer = (isThere: boolean) => (): void => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once('connect', answer(true)).once('error', answer(false));
  });
}

/** The server, or undefined when the name is taken. */
function listen(path: string): Promise<net.Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = net.createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen({ path, exclusive: true }, () => resolve(server));
    server.unref();
  });
}

async function closeServer(server: net.Server | undefined): Promise<void> {
  if (server === undefined) return;
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

/** Whom the lock file names, if that very process still runs. A file that cannot be read names nobody. */
function liveOwner(file: string): Owner | undefined {
  let owner: Partial<Owner>;
  try {
    owner = JSON.parse(fs.readFileSync(file, 'utf8')) as Partial<Owner>;
  } catch {
    return undefined; // no file, or torn by a crash: whoever wrote it did not live to use it
  }
  const { pid, startTime = null, boot = null } = owner;
  if (typeof pid !== 'number' || !Number.isInteger(pid) || pid <= 0 || boot !== bootId()) return undefined;
  if (pid === process.pid) return undefined; // a directory that we held would be in heldHere
  if (startTime !== null) return startTimeOf(pid) === startTime ? { pid, startTime, boot } : undefined;
  return isAlive(pid) ? { pid, startTime, boot } : undefined;
}

/** Field 22 of /proc/<pid>/stat, in clock ticks since boot; null where there is no such file, or the process is dead and
 *  only waits for its parent to notice (state Z): it holds nothing any more. */
function startTimeOf(pid: number): string | null {
  try {
    const text = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name, field 2, is in parentheses and may hold anything: count from its end.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}

function bootId(): string | null {
  try {
    return fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return null;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (reason) {
    return (reason as NodeJS.ErrnoException).code === 'EPERM';
  }
}
