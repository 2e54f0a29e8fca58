/**
 * Which processes are ours, and ending them by id. Linux only: everything is read from /proc.
 *
 * A pid alone is no identity, because the kernel gives it out again; pid and start time together are one. And a list of pids kept
 * by us would miss what a broker starts by itself (epmd makes itself a daemon) or what was started just before we were killed.
 * So every process of a run carries the run's id in its environment, which children inherit, and a run is ended by looking for it.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { BrokersError } from './errors.ts';
import { limits } from './limits.ts';

export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: clock ticks between the boot and the start of the process. */
  readonly startTicks: string;
}

/** The variable that marks a process as part of a run. */
export const RUN_MARK = 'SLUICE_BROKER_RUN';
/** The variable that tells which node of the run a process belongs to. */
export const NODE_MARK = 'SLUICE_BROKER_NODE';

/** The process that has this pid now, or null when there is none (a zombie has ended, it only waits to be collected). */
export function identify(pid: number): ProcessIdentity | null {
  const stat = readProc(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // "pid (name) state ...": the name may hold spaces and parentheses, so count from the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  const threads = Number(fields[17]);
  const startTicks = fields[19];
  // A killed process whose first thread is a zombie already still has its ports and files until the last thread is gone.
  const hasEnded = state === 'X' || (state === 'Z' && threads <= 1);
  if (hasEnded || startTicks === undefined) return null;
  return { pid, startTicks };
}

/** Whether that very process still runs; a later one with the same pid does not count. */
export function isRunning(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startTicks === identity.startTicks;
}

/** Every running process that carries the run's mark; with `node`, only that node's. */
export function processesOfRun(runId: string, node?: string): ProcessIdentity[] {
  const found: ProcessIdentity[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^[0-9]+$/.test(name)) continue;
    const environment = readProc(`/proc/${name}/environ`)?.split('\0');
    if (!environment?.includes(`${RUN_MARK}=${runId}`)) continue;
    if (node !== undefined && !environment.includes(`${NODE_MARK}=${node}`)) continue;
    const identity = identify(Number(name));
    if (identity !== null) found.push(identity);
  }
  return found;
}

/** The name of the process's program, as `ps -o comm` prints it. */
export function programName(pid: number): string | null {
  return readProc(`/proc/${pid}/comm`)?.trim() ?? null;
}

/** Sends a signal to that very process; one that has ended meanwhile is no error. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isRunning(identity)) return;
  try {
    process.kill(identity.pid, signal);
  } catch (caught) {
    if ((caught as NodeJS.ErrnoException).code !== 'ESRCH') throw caught;
  }
}

/** Resolves with true when the condition holds, with false when it did not within the time. */
export async function waitUntil(holds: () => boolean | Promise<boolean>, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() >= deadline) return false;
    await delay(limits.pollMs);
  }
  return true;
}

/**
 * Ends every process of the run: SIGTERM to the brokers, then to what is left of them (epmd, shells), SIGKILL to what stays.
 * Resolves when none is left; throws `failed` when one survives SIGKILL.
 */
export async function endRun(runId: string, graceMs: number = limits.stopGraceMs): Promise<void> {
  // A process on its way out has no readable environment any more, but its ports still: so those once seen are watched by identity.
  // And one in the middle of an exec has none for an instant: so only two empty looks, some time apart, mean that nobody is left.
  const seen = new Map<number, ProcessIdentity>();
  const look = () => {
    for (const one of processesOfRun(runId)) seen.set(one.pid, one);
    return [...seen.values()].filter(isRunning);
  };
  const isNobodyLeft = async () => {
    if (look().length > 0) return false;
    await delay(limits.pollMs);
    return look().length === 0;
  };
  const isBroker = ({ pid }: ProcessIdentity) => ['beam.smp', 'java'].includes(programName(pid) ?? '');
  // The brokers first: Erlang's port helper ending under a running beam.smp makes it crash instead of stop.
  for (const one of look().filter(isBroker)) signalProcess(one, 'SIGTERM');
  await waitUntil(() => !look().some(isBroker), graceMs);
  for (const one of look()) signalProcess(one, 'SIGTERM');
  if (await waitUntil(isNobodyLeft, Math.min(graceMs, 1_000))) return;
  const isGone = await waitUntil(() => {
    // Again each time: a process may have started another between our look and our signal.
    for (const one of look()) signalProcess(one, 'SIGKILL');
    return isNobodyLeft();
  }, limits.killMs);
  if (!isGone) throw new BrokersError('failed', `processes of run ${runId} survived SIGKILL`);
}

/** A file of /proc, or null when the process is gone or is not ours to look at. */
function readProc(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
