/**
 * What runs, written down before it runs. One directory a run: `<runs>/<id>/state.json` names the owner and what to remove, so that
 * whoever comes later (the watchdog, the next start, `sluice brokers down`) can end a run whose owner was killed.
 */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { removeContainer } from './docker-engine.ts';
import { removeTree } from './install-once.ts';
import { runsDir } from './paths.ts';
import { endRun, identify, isRunning, processesOfRun, type ProcessIdentity } from './processes.ts';
import type { BrokerKind, KafkaHandle, RabbitMqHandle } from './types.ts';

export interface RunState {
  readonly format: 1;
  readonly id: string;
  readonly kind: BrokerKind;
  readonly startedAt: string;
  /** Whose end ends the run; null for what `sluice brokers up` leaves running. */
  readonly owner: ProcessIdentity | null;
  /** Pids mean something only within one boot and one pid namespace. */
  readonly machine: Machine;
  /** Directories outside the run's own that go with it. */
  readonly dataDirs: readonly string[];
  /** Docker containers that belong to the run instead of processes. */
  readonly containers: readonly string[];
  /** Null until the broker answers. */
  readonly handle: RabbitMqHandle | KafkaHandle | null;
}

interface Machine {
  readonly bootId: string;
  readonly pidNamespace: string;
}

export function runDirectory(id: string): string {
  return join(runsDir(), id);
}

/** A new run's id: short (it becomes part of paths and of node names), and never the same twice. */
export function newRunId(kind: BrokerKind): string {
  return `${kind}-${randomBytes(5).toString('hex')}`;
}

/**
 * Writes a new run down, owned by this process; resolves when it is on record. Nothing of the run may be started before. A run that
 * is to be left running is handed over (`owner: null`) once it answers: killed half-way, it is cleaned up like any other.
 */
export async function recordRun(
  run: Pick<RunState, 'id' | 'kind' | 'dataDirs'> & { containers?: readonly string[] },
): Promise<RunState> {
  const state: RunState = {
    format: 1,
    id: run.id,
    kind: run.kind,
    startedAt: new Date().toISOString(),
    owner: identify(process.pid),
    machine: thisMachine(),
    dataDirs: run.dataDirs,
    containers: run.containers ?? [],
    handle: null,
  };
  await mkdir(runDirectory(run.id), { recursive: true });
  await saveRun(state);
  return state;
}

/** Replaces the state file in one step: a reader sees the old one or the new one. */
export async function saveRun(state: RunState): Promise<void> {
  const path = join(runDirectory(state.id), 'state.json');
  await writeFile(`${path}.new`, `${JSON.stringify(state, null, 2)}\n`);
  await rename(`${path}.new`, path);
}

/** Every run on record, readable ones only. */
export function recordedRuns(): RunState[] {
  let names: string[];
  try {
    names = readdirSync(runsDir());
  } catch {
    return []; // nothing was ever started here
  }
  return names.map(readRun).filter((state) => state !== null);
}

/** The run's state, or null when it is not on record (any more). */
export function readRun(id: string): RunState | null {
  try {
    const state = JSON.parse(readFileSync(join(runDirectory(id), 'state.json'), 'utf8')) as RunState;
    return state.format === 1 && state.id === id ? state : null;
  } catch {
    return null;
  }
}

/** Whether the run's pids mean something here; another container that shares the directory looks after its own. */
export function isOfThisMachine(state: RunState): boolean {
  const machine = thisMachine();
  return state.machine.bootId !== machine.bootId || state.machine.pidNamespace === machine.pidNamespace;
}

/**
 * Whether the run is nobody's any more: its owner has gone, or all that `up` left running has ended, or the machine was started
 * again since.
 */
export function isOrphaned(state: RunState): boolean {
  if (!isOfThisMachine(state)) return false;
  if (state.machine.bootId !== thisMachine().bootId) return true;
  if (state.owner !== null) return !isRunning(state.owner);
  return state.containers.length === 0 && processesOfRun(state.id).length === 0;
}

/** Ends the run's processes, removes its data and then its record. Safe to call twice and from two processes at once. */
export async function endAndForget(state: RunState, graceMs?: number): Promise<void> {
  await endRun(state.id, graceMs);
  for (const container of state.containers) await removeContainer(container);
  for (const directory of state.dataDirs) await removeTree(directory);
  await removeTree(runDirectory(state.id));
}

/** Ends the runs that were left behind; resolves with their ids. */
export async function reapOrphans(): Promise<string[]> {
  const orphans = recordedRuns().filter(isOrphaned);
  for (const orphan of orphans) await endAndForget(orphan, 0);
  return orphans.map((orphan) => orphan.id);
}

function thisMachine(): Machine {
  return {
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    pidNamespace: readlinkSync('/proc/self/ns/pid'),
  };
}
