/** Files, as the engine sees them: few operations, each with a promise that a faulty disk can break in tests. */

import fs from 'node:fs';
import { limits } from '../limits.ts';
import { lockDirectory } from './directory-lock.ts';

export interface File {
  readonly path: string;
  /** Writes all the bytes, one after the other, from `position` on. They are in the page cache then, not on the disk.
   *  After a rejection any part of them may be in the file. */
  write(buffers: readonly Uint8Array[], position: number): Promise<void>;
  /** Fills `into` from `position` on; resolves with the number of bytes, fewer only at the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** The bytes and the size are on the disk. A rejection cannot be repaired by calling again: the kernel may have
   *  dropped the pages and forgotten it. */
  dataSync(): Promise<void>;
  truncate(size: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

export interface FileStatus {
  readonly size: number;
  readonly isDirectory: boolean;
  readonly createdMs: number;
}

export interface DirectoryLock {
  release(): Promise<void>;
}

export interface FileSystem {
  /** `write` creates the file when it is missing and keeps what is in it. */
  open(path: string, mode: 'read' | 'write'): Promise<File>;
  status(path: string): Promise<FileStatus | undefined>;
  /** Names in a directory; empty when it does not exist. */
  list(path: string): Promise<readonly string[]>;
  makeDirectory(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** A file, or a directory with all that is in it; nothing happens when it does not exist. */
  remove(path: string): Promise<void>;
  /** Names created, renamed and removed in the directory are on the disk. */
  syncDirectory(path: string): Promise<void>;
  /** Resolves with undefined and who has it when somebody else does; freed by the kernel when its owner dies. */
  lock(directory: string): Promise<DirectoryLock | { readonly owner: string }>;
}

export const systemFileSystem: FileSystem = {
  async open(path, mode) {
    const flags = mode === 'read' ? fs.constants.O_RDONLY : fs.constants.O_RDWR | fs.constants.O_CREAT;
    return new SystemFile(
      path,
      await new Promise<number>((resolve, reject) => fs.open(path, flags, 0o644, settle(resolve, reject))),
    );
  },
  async status(path) {
    try {
      const stat = await fs.promises.stat(path);
      return { size: stat.size, isDirectory: stat.isDirectory(), createdMs: stat.birthtimeMs };
    } catch (reason) {
      if (isMissing(reason)) return undefined;
      throw reason;
    }
  },
  async list(path) {
    try {
      return await fs.promises.readdir(path);
    } catch (reason) {
      if (isMissing(reason)) return [];
      throw reason;
    }
  },
  async makeDirectory(path) {
    await fs.promises.mkdir(path, { recursive: true });
  },
  async rename(from, to) {
    await fs.promises.rename(from, to);
  },
  async remove(path) {
    await fs.promises.rm(path, { recursive: true, force: true });
  },
  async syncDirectory(path) {
    const handle = await fs.promises.open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  lock: lockDirectory,
};

/** A file by its descriptor and callbacks: the hot path of appends, where fs.promises costs several times as much. */
class SystemFile implements File {
  readonly path: string;
  readonly #fd: number;
  #syncsUnderWay = 0;
  /** Writes still to be left to the thread pool: one of this thread's own took too long. */
  #writesToHandOver = 0;

  constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
  }

  async write(buffers: readonly Uint8Array[], position: number): Promise<void> {
    const [only] = buffers;
    let total = 0;
    for (const { byteLength } of buffers) total += byteLength;
    let written: number;
    if (this.#mayWriteHere(total)) written = this.#writeHere(buffers, position);
    else if (buffers.length === 1 && only !== undefined) written = await this.#writeOnce(only, position);
    else written = await this.#writeMany(buffers, position);
    // A short write: go on with what is left. The disk may have become full; then the next call says so.
    while (written < total) {
      const rest = remainder(buffers, written);
      const more = await this.#writeOnce(rest, position + written);
      if (more === 0) throw Object.assign(new Error(`write to ${this.path} wrote nothing`), { code: 'EIO' });
      written += more;
    }
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    let done = 0;
    while (done < into.byteLength) {
      const count = await new Promise<number>((resolve, reject) => {
        fs.read(this.#fd, into, done, into.byteLength - done, position + done, settle(resolve, reject));
      });
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  dataSync(): Promise<void> {
    this.#syncsUnderWay += 1;
    return new Promise((resolve, reject) => {
      const settled = done(resolve, reject);
      fs.fdatasync(this.#fd, (error) => {
        this.#syncsUnderWay -= 1;
        settled(error);
      });
    });
  }

  truncate(size: number): Promise<void> {
    return new Promise((resolve, reject) => fs.ftruncate(this.#fd, size, done(resolve, reject)));
  }

  size(): Promise<number> {
    return new Promise((resolve, reject) =>
      fs.fstat(this.#fd, (error, stat) => (error === null ? resolve(stat.size) : reject(error))),
    );
  }

  close(): Promise<void> {
    return new Promise((resolve, reject) => fs.close(this.#fd, done(resolve, reject)));
  }

  /** Copying a few pages into the page cache takes less time than handing them to another thread, and than its answer. Behind a
   *  sync, or on a disk that lets nobody write until it has caught up, it may take long: then the event loop must not wait. */
  #mayWriteHere(bytes: number): boolean {
    if (bytes > limits.inlineWriteBytesMax || this.#syncsUnderWay > 0) return false;
    if (this.#writesToHandOver === 0) return true;
    this.#writesToHandOver -= 1;
    return false;
  }

  #writeHere(buffers: readonly Uint8Array[], position: number): number {
    const startedMs = performance.now();
    const [only] = buffers;
    const written =
      buffers.length === 1 && only !== undefined
        ? fs.writeSync(this.#fd, only, 0, only.byteLength, position)
        : fs.writevSync(this.#fd, buffers as Uint8Array[], position); // typed as if it could change the array
    if (performance.now() - startedMs > limits.inlineWriteMsMax) this.#writesToHandOver = limits.handedOverWrites;
    return written;
  }

  #writeOnce(bytes: Uint8Array, position: number): Promise<number> {
    return new Promise((resolve, reject) =>
      fs.write(this.#fd, bytes, 0, bytes.byteLength, position, settle(resolve, reject)),
    );
  }

  #writeMany(buffers: readonly Uint8Array[], position: number): Promise<number> {
    return new Promise((resolve, reject) => fs.writev(this.#fd, buffers, position, settle(resolve, reject)));
  }
}

/** The first bytes that are still to be written: the rest of the buffer in which the write stopped. */
function remainder(buffers: readonly Uint8Array[], written: number): Uint8Array {
  let skip = written;
  for (const buffer of buffers) {
    if (skip < buffer.byteLength) return buffer.subarray(skip);
    skip -= buffer.byteLength;
  }
  throw new Error('nothing is left to write');
}

function settle<T>(resolve: (value: T) => void, reject: (reason: Error) => void) {
  return (error: Error | null, value: T): void => (error === null ? resolve(value) : reject(error));
}

function done(resolve: () => void, reject: (reason: Error) => void) {
  return (error: Error | null | undefined): void => (error === null || error === undefined ? resolve() : reject(error));
}

function isMissing(reason: unknown): boolean {
  return (reason as NodeJS.ErrnoException).code === 'ENOENT';
}
