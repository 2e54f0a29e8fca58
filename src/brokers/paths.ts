/** Where the software and the runs lie. Read from the environment each time, so that a test can point it elsewhere. */

import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** `$XDG_CACHE_HOME/sluice`, by default `~/.cache/sluice`: what can be fetched again. */
export function cacheDir(): string {
  const base = process.env['XDG_CACHE_HOME'];
  return join(base !== undefined && base !== '' ? resolve(base) : join(homedir(), '.cache'), 'sluice');
}

/**
 * One directory for each run of a broker, with its state file. `SLUICE_BROKERS_RUN_DIR` moves it: brokers started under another
 * directory are neither found nor ended by commands that do not name it.
 */
export function runsDir(): string {
  const given = process.env['SLUICE_BROKERS_RUN_DIR'];
  return given !== undefined && given !== '' ? resolve(given) : join(cacheDir(), 'run');
}
