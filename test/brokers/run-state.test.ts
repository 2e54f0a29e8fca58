import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endRun, identify, isRunning, processesOfRun, RUN_MARK } from '../../src/brokers/processes.ts';
import {
  endAndForget,
  isOrphaned,
  newRunId,
  readRun,
  reapOrphans,
  recordedRuns,
  recordRun,
  runDirectory,
  type RunState,
  saveRun,
} from '../../src/brokers/run-state.ts';
import { startWatchdog } from '../../src/brokers/watchdog-start.ts';
import { allGone } from './listening.ts';

let runs: string;
const children: ChildProcess[] = [];
const before = process.env['SLUICE_BROKERS_RUN_DIR'];

beforeEach(async () => {
  runs = await mkdtemp(join(tmpdir(), 'sluice-runs-'));
  process.env['SLUICE_BROKERS_RUN_DIR'] = runs;
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  if (before === undefined) delete process.env['SLUICE_BROKERS_RUN_DIR'];
  else process.env['SLUICE_BROKERS_RUN_DIR'] = before;
  await rm(runs, { recursive: true, force: true });
});

/** A process that lasts, marked as part of a run; resolves with its pid when it exists. */
async function lasting(runId: string | null, script = 'sleep 600'): Promise<number> {
  const child = spawn('sh', ['-c', script], {
    env: { ...process.env, ...(runId === null ? {} : { [RUN_MARK]: runId }) },
    stdio: 'ignore',
  });
  children.push(child);
  await new Promise((resolve) => child.once('spawn', resolve));
  return child.pid ?? 0;
}

/** An owner that is gone: the identity of a process that has ended. */
async function endedOwner(): Promise<{ pid: number; startTicks: string }> {
  const pid = await lasting(null);
  const owner = identify(pid);
  if (owner === null) throw new Error('the process should run');
  children.at(-1)?.kill('SIGKILL');
  await allGone([pid], 5_000);
  return owner;
}

async function recorded(change: Partial<RunState> = {}): Promise<RunState> {
  const state = await recordRun({ id: newRunId('kafka'), kind: 'kafka', dataDirs: [] });
  await saveRun({ ...state, ...change });
  return { ...state, ...change };
}

describe('a process identity', () => {
  it('is not met by another process with the same pid', async () => {
    const pid = await lasting(null);
    const identity = identify(pid);
    expect(identity).not.toBeNull();
    if (identity === null) return;
    expect(isRunning(identity)).toBe(true);
    expect(isRunning({ pid, startTicks: String(Number(identity.startTicks) - 1) })).toBe(false);
  });

  it('ends with the process, collected by its parent or not', async () => {
    expect(isRunning(await endedOwner())).toBe(false);
  });
});

describe('the processes of a run', () => {
  it('include what they start themselves, daemons too, and nobody else', async () => {
    const id = newRunId('kafka');
    const parent = await lasting(id, 'setsid sleep 600 & setsid sleep 600 & wait');
    await expect.poll(() => processesOfRun(id).length, { timeout: 5_000 }).toBe(3);
    const other = await lasting(newRunId('kafka'));
    const pids = processesOfRun(id).map((one) => one.pid);
    expect(pids).toContain(parent);
    expect(pids).not.toContain(other);
    await endRun(id);
    await allGone(pids, 5_000);
    expect(identify(other)).not.toBeNull();
  });

  it('that ignore SIGTERM are killed', async () => {
    const id = newRunId('kafka');
    const pid = await lasting(id, 'trap "" TERM; while :; do sleep 600; done');
    await endRun(id, 200);
    await allGone([pid], 5_000);
  });
});

describe('a run on record', () => {
  it('belongs to the process that wrote it down, and is not reaped while that lives', async () => {
    const state = await recorded();
    expect(state.owner?.pid).toBe(process.pid);
    expect(await reapOrphans()).toEqual([]);
    expect(readRun(state.id)).toEqual(state);
  });

  it('whose owner is gone is ended with its data, at the next start', async () => {
    const data = join(runs, 'data-elsewhere');
    await mkdir(data);
    await writeFile(join(data, 'file'), '');
    const state = await recorded({ owner: await endedOwner(), dataDirs: [data] });
    const pid = await lasting(state.id);
    expect(await reapOrphans()).toEqual([state.id]);
    await allGone([pid], 5_000);
    expect(existsSync(data)).toBe(false);
    expect(existsSync(runDirectory(state.id))).toBe(false);
  });

  it('whose owner has a successor with the same pid is an orphan all the same', async () => {
    const self = identify(process.pid);
    expect(isOrphaned(await recorded({ owner: { pid: process.pid, startTicks: '1' } }))).toBe(true);
    expect(isOrphaned(await recorded({ owner: self }))).toBe(false);
  });

  it('that was left running is kept while anything of it runs', async () => {
    const state = await recorded({ owner: null });
    await lasting(state.id);
    expect(isOrphaned(state)).toBe(false);
    await endRun(state.id);
    expect(isOrphaned(state)).toBe(true);
  });

  it('of another container on the same machine is left alone, one from before a reboot is not', async () => {
    const owner = await endedOwner();
    const state = await recorded({ owner });
    expect(isOrphaned({ ...state, machine: { ...state.machine, pidNamespace: 'pid:[1]' } })).toBe(false);
    expect(isOrphaned({ ...state, machine: { ...state.machine, bootId: 'another' }, owner: null })).toBe(true);
  });

  it('can be ended twice, and at the same time', async () => {
    const state = await recorded();
    const pid = await lasting(state.id);
    await Promise.all([endAndForget(state), endAndForget(state)]);
    await endAndForget(state);
    await allGone([pid], 5_000);
    expect(recordedRuns()).toEqual([]);
  });

  it('that cannot be read is passed over', async () => {
    const state = await recorded();
    await mkdir(runDirectory('kafka-broken'));
    await writeFile(join(runDirectory('kafka-broken'), 'state.json'), '{"format":1,');
    expect(recordedRuns()).toEqual([state]);
  });
});

describe('the watchdog', () => {
  it('ends the run when its owner is gone', async () => {
    const ownerPid = await lasting(null);
    const state = await recorded({ owner: identify(ownerPid) });
    const pid = await lasting(state.id);
    await startWatchdog(state.id);
    expect(identify(pid)).not.toBeNull();
    children[0]?.kill('SIGKILL');
    await allGone([pid], 10_000);
    await expect.poll(() => readRun(state.id), { timeout: 5_000 }).toBeNull();
  });
});
