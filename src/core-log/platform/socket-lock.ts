/**
 * A lock that is seen from other containers: a Unix socket in the directory itself. Whether somebody listens on it is the kernel's word,
 * whatever network and process ids they have; when its owner dies, the file stays and connecting is refused.
 *
 * Taking the place of a dead one, without a moment in which two hold it: the new socket is made under a name of its own and linked to
 * the lock's name, which fails when that name is there. A dead one is renamed away first, and looked at once more: of two that
 * found it dead, the second may have renamed what the first one has linked since. It then links it back, and has lost.
 *
 * Where the file system has no sockets or no links (some mounts of a desktop's folders), there is no such lock.
 */

import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';

export const SOCKET_FILE = 'lock.socket';

/** Each try lost means that another one was starting and died in the middle of it. */
const TRIES = 5;

export interface SocketLock {
  release(): Promise<void>;
}

/** Resolves with the lock, or with 'held' when another process listens. Where sockets cannot be, with a lock that locks nothing. */
export async function takeSocketLock(directory: string): Promise<SocketLock | 'held'> {
  if (process.platform === 'win32') return noLock;
  const own = `${SOCKET_FILE}.${randomBytes(6).toString('hex')}`;
  return await withShortPaths(directory, async (short) => {
    const server = await listenAt(short(own));
    if (server === undefined) return noLock;
    const outcome = await claim(directory, own, short);
    await fs.promises.rm(join(directory, own), { force: true });
    if (outcome !== 'taken') {
      await close(server);
      return outcome === 'held' ? 'held' : noLock;
    }
    return {
      release: async () => {
        await fs.promises.rm(join(directory, SOCKET_FILE), { force: true });
        await close(server);
      },
    };
  });
}

/** Only looks. */
export async function isSocketHeld(directory: string): Promise<boolean> {
  if (process.platform === 'win32') return false;
  return await withShortPaths(directory, async (short) => await isAlive(short(SOCKET_FILE)));
}

async function claim(
  directory: string,
  own: string,
  short: (name: string) => string,
): Promise<'taken' | 'held' | 'none'> {
  const place = join(directory, SOCKET_FILE);
  for (let tries = 0; tries < TRIES; tries += 1) {
    const error = await link(join(directory, own), place);
    if (error === undefined) return 'taken';
    if (error !== 'EEXIST') return 'none';
    if (await isAlive(short(SOCKET_FILE))) return 'held';
    const gone = `${own}.gone`;
    await fs.promises.rename(place, join(directory, gone)).catch(() => undefined); // another one was faster
    const wasAlive = await isAlive(short(gone));
    if (wasAlive) await link(join(directory, gone), place);
    await fs.promises.rm(join(directory, gone), { force: true });
    if (wasAlive) return 'held';
  }
  return 'held';
}

const noLock: SocketLock = { release: async () => undefined };

/** The code of the error, or undefined when it is linked. */
async function link(from: string, to: string): Promise<string | undefined> {
  try {
    await fs.promises.link(from, to);
    return undefined;
  } catch (reason) {
    return (reason as NodeJS.ErrnoException).code ?? 'unknown';
  }
}

/** False only where the kernel says that nobody listens: a name that may not be connected to may well be somebody's. */
function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(path);
    const answer = (isThere: boolean): void => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', ({ code }: NodeJS.ErrnoException) => answer(code !== 'ECONNREFUSED' && code !== 'ENOENT'));
  });
}

function listenAt(path: string): Promise<net.Server | undefined> {
  return new Promise((resolve) => {
    const server = net.createServer((socket) => socket.destroy());
    server.once('error', () => resolve(undefined)); // no sockets here, or no place left
    server.listen({ path, exclusive: true }, () => resolve(server));
    server.unref();
  });
}

async function close(server: net.Server): Promise<void> {
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

/** An address of a socket has at most 107 bytes, which directories often exceed: on Linux it is named by its open handle. */
async function withShortPaths<T>(directory: string, work: (short: (name: string) => string) => Promise<T>): Promise<T> {
  if (process.platform !== 'linux') return await work((name) => join(directory, name));
  const handle = await fs.promises.open(directory, 'r');
  try {
    return await work((name) => `/proc/self/fd/${handle.fd}/${name}`);
  } finally {
    await handle.close();
  }
}
