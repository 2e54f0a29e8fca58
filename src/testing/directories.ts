/** Directories that go away with the broker, or at the latest with the process, as far as a process is asked before it ends. */

import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const left = new Set<string>();
let isWatching = false;

/** A directory that nobody else has: also not another worker of the same test run. */
export async function makeDirectory(): Promise<string> {
  const directory = await fs.promises.mkdtemp(join(tmpdir(), 'sluice-testing-'));
  left.add(directory);
  if (!isWatching) {
    isWatching = true;
    process.once('exit', removeAll);
  }
  return directory;
}

export async function removeDirectory(directory: string): Promise<void> {
  await fs.promises.rm(directory, { recursive: true, force: true });
  left.delete(directory);
}

/** Nothing asynchronous happens any more when a process exits. */
function removeAll(): void {
  for (const directory of left) {
    try {
      fs.rmSync(directory, { recursive: true, force: true });
    } catch {
      // The process ends anyway; the system clears its temporary directory.
    }
  }
}
