/**
 * The disk of a test broker: the machine's own, with faults planted, and without the syncs that nobody needs in a directory
 * that is thrown away. What a publish with `durability: 'fsync'` waits for is synced for real in any case.
 */

import { type File, type FileSystem, systemFileSystem } from '../core-log/index.ts';
import type { PlantedFaults } from './faults.ts';
import type { BrokerClock } from './test-clock.ts';

export interface FaultyFilesOptions {
  readonly faults: PlantedFaults;
  readonly clock: BrokerClock;
  /** Everything is synced as in production; otherwise only what was written to a topic's log. */
  readonly syncsAll: boolean;
}

export function faultyFiles({ faults, clock, syncsAll }: FaultyFilesOptions): FileSystem {
  /** On the broker's clock: a segment's age decides when retention may have it. */
  const createdMs = new Map<string, number>();
  return {
    ...systemFileSystem,
    async status(path) {
      const status = await systemFileSystem.status(path);
      if (status === undefined) return undefined;
      const ageMs = Date.now() - status.createdMs;
      return { ...status, createdMs: createdMs.get(path) ?? Math.floor(clock.nowMs() - ageMs) };
    },
    async open(path, mode) {
      if (mode === 'write' && !createdMs.has(path)) createdMs.set(path, clock.nowMs());
      return new FaultyFile(await systemFileSystem.open(path, mode), faults, syncsAll);
    },
    async syncDirectory(path) {
      if (syncsAll) await systemFileSystem.syncDirectory(path);
    },
  };
}

class FaultyFile implements File {
  readonly path: string;
  readonly #file: File;
  readonly #faults: PlantedFaults;
  readonly #syncsAll: boolean;
  readonly #isLog: boolean;
  #isWritten = false;

  constructor(file: File, faults: PlantedFaults, syncsAll: boolean) {
    this.path = file.path;
    this.#file = file;
    this.#faults = faults;
    this.#syncsAll = syncsAll;
    this.#isLog = file.path.endsWith('.log');
  }

  async write(buffers: readonly Uint8Array[], position: number): Promise<void> {
    if (this.#faults.strike(['diskFull']) !== undefined) throw errno('ENOSPC', `no space for ${this.path} (planted)`);
    this.#isWritten = true;
    await this.#file.write(buffers, position);
  }

  async dataSync(): Promise<void> {
    if (this.#isLog && this.#isWritten && this.#faults.strike(['failSyncs']) !== undefined)
      throw errno('EIO', `sync of ${this.path} failed (planted)`);
    if (this.#syncsAll || (this.#isLog && this.#isWritten)) await this.#file.dataSync();
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    return await this.#file.read(into, position);
  }

  async truncate(size: number): Promise<void> {
    await this.#file.truncate(size);
  }

  async size(): Promise<number> {
    return await this.#file.size();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

function errno(code: string, message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code });
}
