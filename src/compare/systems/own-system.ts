/** A system of a scenario's own, on this machine's disk: what is done to its files is done to nobody else's. */

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { obtainBrokers } from '../../brokers/index.ts';
import { openProcessWire } from '../remote/index.ts';
import type { OwnSystem } from '../scenarios/scenario.ts';
import { backendOf, type ReferenceName, type SystemId, systemOf, versionOf } from './system-ids.ts';
import { openWire, SystemMissing, type SystemsContext } from './systems.ts';
import type { Wire } from './wire.ts';

/** Driven by the bare client. Rejects with SystemMissing where its files cannot be reached. */
export async function openOwnSystem(context: SystemsContext, name: string): Promise<OwnSystem> {
  return backendOf[systemOf(name)] === 'native' ? await ownLog(context, name) : await ownBroker(context, name);
}

async function ownLog(context: SystemsContext, name: string): Promise<OwnSystem> {
  const scratch = await mkdtemp(join(tmpdir(), 'sluice-own-'));
  const dataDir = join(scratch, 'data');
  const { sluiceVersion } = context;
  const wire = await openProcessWire({ name, layer: 'bare', dataDir, sluiceVersion, rabbitmq: null, kafka: null });
  return {
    // As the bare client lays it out.
    dataDir: join(dataDir, 'bare'),
    scratch,
    pid: () => wire.pid(),
    // Its process is its client too.
    open: () => Promise.resolve(wire),
    pause: () => wire.pause(),
    resume: () => wire.resume(),
    kill: () => wire.kill(),
    stop: () => wire.close(),
    start: () => wire.restart(),
    logLines: () => Promise.resolve([]),
    async close() {
      await wire.kill();
      await rm(scratch, { recursive: true, force: true });
    },
  };
}

async function ownBroker(context: SystemsContext, name: string): Promise<OwnSystem> {
  const kind = systemOf(name) === 'kafka' ? 'kafka' : 'rabbitmq';
  const version = versionOf(name);
  const reference = referenceOf[systemOf(name)];
  const brokers = await obtainBrokers({
    want: [kind],
    fresh: true,
    ...(reference === 'rabbitmq-stream-protocol' ? { rabbitmqStreams: true } : {}),
    ...(version === null ? {} : { rabbitmqVersion: version }),
  });
  const scratch = await mkdtemp(join(tmpdir(), 'sluice-own-'));
  const wires: Wire[] = [];
  const closeWires = async () => void (await Promise.all(wires.splice(0).map((wire) => wire.close().catch(() => {}))));
  const close = async () => {
    await withinMs(closeWires(), closeMsMax);
    await brokers.stop();
    await rm(scratch, { recursive: true, force: true });
  };
  const node = brokers[kind]?.nodes[0];
  const dataDir = node?.dataDir ?? null;
  if (node === undefined || node.pid === null || dataDir === null) {
    await close();
    throw new SystemMissing(brokers.skipped[0]?.reason ?? 'its files are not on this disk for us to touch');
  }
  const own = { ...context, brokers, others: version === null ? context.others : new Map([[version, brokers]]) };
  const opened = async (as: string, layer: 'bare' | 'reference') => {
    const wire = await openWire(own, as, layer);
    wires.push(wire);
    return wire;
  };
  return {
    dataDir,
    scratch,
    pid: () => node.pid,
    open: () => opened(name, 'bare'),
    ...(reference === undefined ? {} : { openReference: () => opened(reference, 'reference') }),
    pause: () => void process.kill(node.pid ?? 0, 'SIGSTOP'),
    resume: () => void process.kill(node.pid ?? 0, 'SIGCONT'),
    kill: () => brokers.killNode(kind),
    async stop() {
      await withinMs(closeWires(), closeMsMax);
      await brokers.killNode(kind, 0, 'SIGTERM');
    },
    start: () => brokers.startNode(kind),
    logLines: () => logLinesIn(dirname(dataDir), dataDir),
    close,
  };
}

/** The client that its vendor would have one use, where that is not the protocol of the bare one. */
const referenceOf: Partial<Record<SystemId, ReferenceName>> = {
  kafka: 'kafka-java',
  'rabbitmq-stream': 'rabbitmq-stream-protocol',
};

const closeMsMax = 5_000;

/** A client whose broker is gone may take long to close, and nobody waits for it. */
async function withinMs(work: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([work, new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)))]);
  clearTimeout(timer);
}

/** What the broker has logged, beside its data. */
async function logLinesIn(directory: string, dataDir: string): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || !entry.name.endsWith('.log') || path.startsWith(`${dataDir}/`)) continue;
    lines.push(...(await readFile(path, 'utf8').catch(() => '')).split('\n'));
  }
  return lines;
}
