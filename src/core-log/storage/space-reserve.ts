/**
 * Space that is kept for what must go on when the disk is full: cursors (a consumer that cannot acknowledge is delivered the same
 * again), deletions (they make space), definitions. A file of zeros that is given back to the disk step by step; until it
 * is whole again appends are refused, else they would take what was given.
 *
 * It is a courtesy, not a promise: somebody else may fill the disk faster.
 */

import { join } from 'node:path';
import { EngineError, isDiskFull } from '../errors.ts';
import { limits } from '../limits.ts';
import type { FileSystem } from '../platform/file-system.ts';

const RESERVE_FILE = 'reserve';

export class SpaceReserve {
  readonly #files: FileSystem;
  readonly #path: string;
  #size = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(files: FileSystem, directory: string) {
    this.#files = files;
    this.#path = join(directory, RESERVE_FILE);
  }

  get isWhole(): boolean {
    return this.#size >= limits.reservedBytes;
  }

  /** Takes the space if it is to be had. */
  async take(): Promise<void> {
    await this.#inTurn(async () => {
      this.#size = (await this.#files.status(this.#path))?.size ?? 0;
      await this.#refill();
    });
  }

  /** Runs `work` again for as long as it fails for want of space and there is some to give. It must leave nothing behind that
   *  doing it again does not replace. */
  async spend<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work();
      } catch (reason) {
        if (!isDiskFull(reason) || !(await this.#inTurn(() => this.#give()))) throw reason;
      }
    }
  }

  /** Rejects with `storage_full` while what was given could not be taken back. */
  async checkWhole(): Promise<void> {
    await this.#inTurn(() => this.#refill());
    if (this.isWhole) return;
    throw new EngineError(
      'storage_full',
      `less than ${limits.reservedBytes} bytes are left on the disk of ${this.#path}; nothing was written`,
    );
  }

  async #give(): Promise<boolean> {
    if (this.#size === 0) return false;
    const left = Math.max(0, this.#size - limits.reserveStepBytes);
    try {
      const file = await this.#files.open(this.#path, 'write');
      try {
        await file.truncate(left);
      } finally {
        await file.close();
      }
    } catch {
      return false; // a disk that does not let go of space has none
    }
    this.#size = left;
    return true;
  }

  async #refill(): Promise<void> {
    const missing = limits.reservedBytes - this.#size;
    if (missing <= 0) return;
    try {
      const file = await this.#files.open(this.#path, 'write');
      try {
        await file.write([Buffer.alloc(missing)], this.#size);
        this.#size = limits.reservedBytes;
      } catch (reason) {
        await file.truncate(this.#size);
        throw reason;
      } finally {
        await file.close();
      }
    } catch (reason) {
      // Without space it is tried again with the next append. Any other fault is not what it is for: appends find out themselves.
      if (!isDiskFull(reason)) this.#size = limits.reservedBytes;
    }
  }

  /** One at a time: a step that was given must not be taken back by the one who is told of it too late. */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return await done;
  }
}
