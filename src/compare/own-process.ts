/** A module of ours in a child process with a channel to it, from the sources as from dist. */

import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/**
 * Flag of Node. V8 makes the heap of an idle process as small as it can, and lets it grow again slowly: a generator that had waited forty
 * seconds for cells of Java collected its garbage twenty times a second, and its kafkajs took twice the processor time for a message (50 to
 * 75 s a million, else 20 to 30) until that was over. A program that is under load all the time never comes there.
 */
export const keepsHeap = '--no-memory-reducer';

/**
 * `name` without its ending stands beside the module that asks (`import.meta.url`). What the child says on standard error is ours.
 * `flags`: of Node.
 */
export function forkBeside(url: string, name: string, flags: readonly string[] = []): ChildProcess {
  const self = fileURLToPath(url);
  const ending = extname(self);
  const loader = ending === '.ts' ? ['--import', pathToFileURL(createRequire(url).resolve('tsx')).href] : [];
  return fork(join(dirname(self), `${name}${ending}`), [], {
    serialization: 'advanced',
    execArgv: [...loader, ...flags],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}
