/**
 * A process of its own, one for each run: `node watchdog.js RUN-ID`. It looks twice a second whether the run's owner still lives and
 * ends the run when not; kill -9 of the owner, which lets it clean up nothing, therefore leaves no broker behind.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { limits } from './limits.ts';
import { endAndForget, isOrphaned, readRun } from './run-state.ts';

const runId = process.argv[2];
if (runId === undefined) throw new Error('usage: watchdog RUN-ID');

for (;;) {
  const run = readRun(runId);
  // Stopped in order, reaped by somebody else, or handed over by `brokers up`: nothing is left to watch.
  if (run === null || run.owner === null) break;
  if (isOrphaned(run)) {
    await endAndForget(run, 0);
    break;
  }
  await delay(limits.watchdogPollMs);
}
