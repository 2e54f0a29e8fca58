/** Starts the watchdog of a run: the process that ends the run's brokers when this process is gone, however it went. */

import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { runsDir } from './paths.ts';
import { RUN_MARK } from './processes.ts';

/** Resolves when the watchdog process exists. It ends by itself once the run's record is gone. */
export async function startWatchdog(runId: string): Promise<void> {
  const env: NodeJS.ProcessEnv = { ...process.env, SLUICE_BROKERS_RUN_DIR: runsDir() };
  // It must not carry a mark itself, or it would end itself with the run.
  delete env[RUN_MARK];
  delete env['NODE_OPTIONS'];
  const child = spawn(process.execPath, [...loaderArguments(), watchdogFile(), runId], {
    env,
    stdio: 'ignore',
    // A session of its own: what ends our process group must not end it.
    detached: true,
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  child.unref();
}

/** watchdog.js beside this file in dist, watchdog.ts beside it in src. */
function watchdogFile(): string {
  const self = fileURLToPath(import.meta.url);
  return join(self, '..', `watchdog${extname(self)}`);
}

/** From src the file is TypeScript, which Node 20 runs only with tsx; from dist nothing is needed. */
function loaderArguments(): string[] {
  if (extname(fileURLToPath(import.meta.url)) !== '.ts') return [];
  return ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href];
}
