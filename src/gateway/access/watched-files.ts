/**
 * Files that may change while they are used. They are looked at, not watched: a mounted secret changes by a symbolic link that is
 * swapped, an editor writes a new file, and both are missed by a watch of the old one.
 */

import { stat } from 'node:fs/promises';
import { accessLimits } from './limits.ts';

interface Watched {
  readonly files: readonly string[];
  readonly changed: () => Promise<void>;
  seen: string;
}

export class WatchedFiles {
  readonly #watched: Watched[] = [];
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();

  /** Calls `changed` when one of the files is another than now. */
  async add(files: readonly string[], changed: () => Promise<void>): Promise<void> {
    this.#watched.push({ files, changed, seen: await lookOf(files) });
    this.#timer ??= setInterval(() => void this.look(), accessLimits.filesPollMs).unref();
  }

  /** @param isForced calls all, changed or not. Resolves when they are done. */
  async look(isForced = false): Promise<void> {
    this.#looking = this.#looking.then(async () => {
      for (const watched of this.#watched) {
        const now = await lookOf(watched.files);
        if (now === watched.seen && !isForced) continue;
        watched.seen = now;
        await watched.changed();
      }
    });
    await this.#looking;
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

async function lookOf(files: readonly string[]): Promise<string> {
  const looks = files.map(async (file) => {
    try {
      const { ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
      return `${ino}.${size}.${mtimeNs}.${ctimeNs}`;
    } catch {
      return 'absent';
    }
  });
  return (await Promise.all(looks)).join(' ');
}
