/** How long the disk takes: the engine's files, with a clock on every sync. Reads and writes are as they were. */

import type { File, FileSystem } from '../../core-log/index.ts';

/** @param note called when a sync has ended, well or not. */
export function withTimedSyncs(files: FileSystem, note: (durationMs: number) => void): FileSystem {
  return {
    ...files,
    open: async (path, mode) => {
      const file = await files.open(path, mode);
      return mode === 'read' ? file : timed(file, note);
    },
  };
}

/** The file itself with one method replaced: a wrapper would add a call to every read and write. */
function timed(file: File, note: (durationMs: number) => void): File {
  const dataSync = file.dataSync.bind(file);
  file.dataSync = async () => {
    const startedMs = performance.now();
    try {
      await dataSync();
    } finally {
      note(performance.now() - startedMs);
    }
  };
  return file;
}
