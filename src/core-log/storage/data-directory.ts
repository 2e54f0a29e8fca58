/** The data directory as a whole: whose it is, who has it, in which format, and whether it was left in order. */

import { dirname, join, resolve } from 'node:path';
import { EngineError } from '../errors.ts';
import type { DirectoryLock, FileSystem } from '../platform/file-system.ts';
import { LOCK_FILE } from '../platform/directory-lock.ts';
import { SOCKET_FILE } from '../platform/socket-lock.ts';
import type { Random } from '../platform/random.ts';
import { FORMAT_NAME, FORMAT_VERSION } from './format.ts';
import { readWhole, replaceWhole } from './whole-file.ts';

export const FORMAT_FILE = 'format-version';
export const CLEAN_FILE = 'clean-shutdown';
export const CLEAN_TEXT = 'closed in order\n';
/** What may be in a directory that is still to become ours: our own lock and draft, and what mkfs puts there. */
const NAMES_OF_EMPTY: readonly string[] = [LOCK_FILE, `${FORMAT_FILE}.new`, 'lost+found'];

export class DataDirectory {
  readonly path: string;
  /** The engine before this one closed in order. */
  readonly wasClean: boolean;
  /** The format in which it was left; of a new one the current. */
  readonly versionBefore: number;
  readonly #files: FileSystem;
  readonly #lock: DirectoryLock;

  private constructor(
    files: FileSystem,
    path: string,
    lock: DirectoryLock,
    found: { readonly wasClean: boolean; readonly versionBefore: number },
  ) {
    this.#files = files;
    this.path = path;
    this.#lock = lock;
    this.wasClean = found.wasClean;
    this.versionBefore = found.versionBefore;
  }

  /** Creates the directory or takes it over. Rejects with `directory_locked`, `not_a_data_directory`, `format_too_new`,
   *  and then has changed nothing in it. */
  static async open(files: FileSystem, path: string, random: Random): Promise<DataDirectory> {
    const status = await files.status(path);
    if (status?.isDirectory === false) throw new EngineError('not_a_data_directory', `${path} is a file`);
    // Before the lock file is put there: somebody else's directory is left as it is.
    if (status !== undefined) await checkFormat(files, path);
    await makeDurably(files, path);
    const lock = await files.lock(path);
    if ('owner' in lock) throw new EngineError('directory_locked', `${path} is open in ${lock.owner}`);
    try {
      const found = await checkFormat(files, path);
      const isNew = found === 'empty';
      // An older version is told from now on that it does not know everything that may be here.
      if (isNew || found.version < FORMAT_VERSION) {
        const id = isNew ? random.id() : found.id;
        const format = { format: FORMAT_NAME, version: FORMAT_VERSION, id };
        await replaceWhole(files, path, join(path, FORMAT_FILE), Buffer.from(`${JSON.stringify(format)}\n`));
      }
      await files.makeDirectory(join(path, 'topics'));
      await files.makeDirectory(join(path, 'meta'));
      const wasClean = isNew || (await readWhole(files, join(path, CLEAN_FILE)))?.toString() === CLEAN_TEXT;
      await files.remove(join(path, CLEAN_FILE));
      // The marker must be gone from the disk before anything is written that it would vouch for.
      await files.syncDirectory(path);
      return new DataDirectory(files, path, lock, { wasClean, versionBefore: isNew ? FORMAT_VERSION : found.version });
    } catch (reason) {
      await lock.release();
      throw reason;
    }
  }

  get topics(): string {
    return join(this.path, 'topics');
  }

  get meta(): string {
    return join(this.path, 'meta');
  }

  get orphans(): string {
    return join(this.path, 'orphans');
  }

  /** The next open may believe the seals and marks. */
  async markClean(): Promise<void> {
    await replaceWhole(this.#files, this.path, join(this.path, CLEAN_FILE), Buffer.from(CLEAN_TEXT));
  }

  async release(): Promise<void> {
    await this.#lock.release();
  }
}

/** The directory and those above it that were missing, and their names, are on the disk. */
async function makeDurably(files: FileSystem, path: string): Promise<void> {
  const missing: string[] = [];
  for (let at = resolve(path); (await files.status(at)) === undefined; at = dirname(at)) missing.push(at);
  await files.makeDirectory(path);
  for (const at of missing) await files.syncDirectory(dirname(at));
}

export async function checkFormat(
  files: FileSystem,
  path: string,
): Promise<{ readonly version: number; readonly id: unknown } | 'empty'> {
  const bytes = await readWhole(files, join(path, FORMAT_FILE));
  if (bytes === null) {
    const names = (await files.list(path)).filter(
      (name) => !NAMES_OF_EMPTY.includes(name) && !name.startsWith(SOCKET_FILE),
    );
    if (names.length === 0) return 'empty';
    throw new EngineError(
      'not_a_data_directory',
      `${path} holds ${names.slice(0, 3).join(', ')} and no ${FORMAT_FILE}: it is somebody else's`,
    );
  }
  const { format, version, id } = parseFormat(bytes);
  if (format !== FORMAT_NAME || typeof version !== 'number') {
    throw new EngineError('not_a_data_directory', `${join(path, FORMAT_FILE)} is not of this log`);
  }
  if (version > FORMAT_VERSION) {
    throw new EngineError(
      'format_too_new',
      `${path} has format ${version}, this version knows up to ${FORMAT_VERSION}`,
    );
  }
  return { version, id };
}

function parseFormat(bytes: Buffer): { readonly format?: unknown; readonly version?: unknown; readonly id?: unknown } {
  try {
    const parsed: unknown = JSON.parse(bytes.toString());
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    return {}; // what cannot be parsed was not written by us
  }
}
