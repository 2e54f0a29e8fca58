/** What the two brokers have in common when they run as processes here: start a node, wait for its answer, know its pid. */

import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tailOf } from './command.ts';
import { BrokersError, reasonOf } from './errors.ts';
import { limits } from './limits.ts';
import {
  identify,
  isRunning,
  NODE_MARK,
  type ProcessIdentity,
  processesOfRun,
  programName,
  RUN_MARK,
  signalProcess,
  waitUntil,
} from './processes.ts';
import type { BrokerNetwork, EndingSignal } from './types.ts';

/** Everything needed to start a node, and to start it again on the same data and port. */
export interface LocalNode {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
  readonly dataDir: string;
  /** Where clients reach it: host:port for Kafka, a URL for RabbitMQ. */
  readonly address: string;
  /** The broker's own program among the node's processes, as the kernel names it. */
  readonly brokerProgram: 'java' | 'beam.smp';
  /** Resolves when the node answers in its protocol, throws when it does not (yet). */
  readonly answers: () => Promise<void>;
}

export interface LocalBroker {
  readonly nodes: readonly LocalNode[];
  readonly startMs: number;
  /** The node that leads `name`, asked of node `from`. */
  readonly leaderOf: (from: number, name: string, partition: number) => Promise<number>;
  /** The broker's own command-line tool against a node; null where there is none. */
  readonly control: ((node: number, args: readonly string[]) => Promise<string>) | null;
}

/** The same command in a network namespace. `ip` becomes the program, so the process that was started is still the node's. */
export function inNetwork<T extends { readonly program: string; readonly args: readonly string[] }>(
  command: T,
  network: BrokerNetwork | undefined,
): T {
  if (network === undefined) return command;
  return {
    ...command,
    program: 'ip',
    args: ['netns', 'exec', network.namespace, command.program, ...command.args],
  };
}

/**
 * Starts the node's process; resolves with its identity when it exists, long before it answers. What it executes in turn, down to the
 * broker, keeps that identity or is waited for by it: when it has ended, so has the node. It outlives us unless somebody ends it.
 */
export async function startNodeProcess(runId: string, node: LocalNode): Promise<ProcessIdentity> {
  const log = openSync(node.logFile, 'a');
  try {
    const child = spawn(node.program, node.args, {
      // The mark comes last: whatever the caller's environment holds, these processes belong to this run.
      env: { ...node.env, [RUN_MARK]: runId, [NODE_MARK]: node.name },
      stdio: ['ignore', log, log],
      // A session of its own: Ctrl-C in our terminal is ours to answer, and a file as its output survives us.
      detached: true,
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    const identity = identify(child.pid ?? 0);
    if (identity === null) throw new Error('it ended at once');
    return identity;
  } catch (caught) {
    throw new BrokersError('failed', `${node.name} did not start: ${reasonOf(caught)}`, { cause: caught });
  } finally {
    closeSync(log);
  }
}

/** Starts all nodes, without waiting for one before the next: the members of a cluster wait for each other. */
export async function startAll(runId: string, nodes: readonly LocalNode[]): Promise<[ProcessIdentity, LocalNode][]> {
  const started: [ProcessIdentity, LocalNode][] = [];
  for (const node of nodes) started.push([await startNodeProcess(runId, node), node]);
  return started;
}

/** Resolves when the node answers; throws `failed`, with the end of its log, when it has ended or the time is up. */
export async function waitReady(
  started: ProcessIdentity,
  node: LocalNode,
  answers: () => Promise<void> = node.answers,
): Promise<void> {
  let last = 'no answer';
  let hasEnded = false;
  const isReady = await waitUntil(async () => {
    hasEnded = !isRunning(started);
    if (hasEnded) return true;
    try {
      await answers();
      return true;
    } catch (caught) {
      last = reasonOf(caught);
      return false;
    }
  }, limits.brokerReadyMs);
  if (isReady && !hasEnded) return;
  const log = tailOf(await readFile(node.logFile, 'utf8').catch(() => ''));
  const what = hasEnded ? 'ended while starting' : `not ready in ${limits.brokerReadyMs} ms (${last})`;
  throw new BrokersError('failed', `${node.name}: ${what}; its log ends: ${log}`);
}

/** The broker's own process (not the shell around it), or null when it does not run. */
export function brokerProcess(runId: string, node: LocalNode): ProcessIdentity | null {
  const found = processesOfRun(runId, node.name);
  return found.find(({ pid }) => programName(pid) === node.brokerProgram) ?? null;
}

/** The node's processes but for epmd, which the first node of a run starts, all of them share and none of them ends. */
function ownProcesses(runId: string, node: LocalNode): ProcessIdentity[] {
  return processesOfRun(runId, node.name).filter(({ pid }) => programName(pid) !== 'epmd');
}

/** Ends the broker's process; resolves when no process of the node is left but a shared epmd, and its ports are free. */
export async function killNodeProcess(runId: string, node: LocalNode, signal: EndingSignal): Promise<void> {
  const broker = runningProcess(runId, node);
  const seen = ownProcesses(runId, node);
  const left = () => seen.filter(isRunning);
  signalProcess(broker, signal);
  if (signal === 'SIGTERM' && !(await waitUntil(() => !isRunning(broker), limits.orderlyEndMs)))
    throw new BrokersError('failed', `${node.name} did not end within ${limits.orderlyEndMs} ms of SIGTERM`);
  // The shell around it ends by itself when its child has; the same goes for Erlang's helpers.
  if (!(await waitUntil(() => left().length === 0, limits.killMs)))
    for (const one of left()) signalProcess(one, 'SIGKILL');
  if (!(await waitUntil(() => left().length === 0, limits.killMs)))
    throw new BrokersError('failed', `${node.name} survived SIGKILL`);
}

/** Stops the broker's process, or lets it go on. Its helpers only wait for it. */
export function pauseNodeProcess(runId: string, node: LocalNode, signal: 'SIGSTOP' | 'SIGCONT'): void {
  signalProcess(runningProcess(runId, node), signal);
}

function runningProcess(runId: string, node: LocalNode): ProcessIdentity {
  const broker = brokerProcess(runId, node);
  if (broker === null) throw new BrokersError('failed', `${node.name} does not run`);
  return broker;
}
