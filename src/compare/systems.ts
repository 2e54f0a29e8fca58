/** From a system's id to its wires: which port, which topic options, which bare client, which process to watch. */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openPort } from '../adapters/index.ts';
import type { ObtainedBrokers } from '../brokers/index.ts';
import { openBareKafka, openBareLog, openBareRabbitMq } from './bare/index.ts';
import { diskUsage } from './disk-usage.ts';
import { persistenceOf } from './durability.ts';
import { openPortWire } from './port-wire.ts';
import { usageOf } from './process-usage.ts';
import type { Layer, SystemRow } from './report/model.ts';
import type { DiskMeter } from './scenarios/scenario.ts';
import { backendOf, queueTypeOf, type SystemId } from './system-ids.ts';
import type { Wire } from './wire.ts';

export interface SystemsContext {
  readonly brokers: ObtainedBrokers | null;
  /** The native log's data goes under here. */
  readonly dataDir: string;
  readonly sluiceVersion: string;
}

/** A system or layer that was asked for and cannot be had: exit status 3. */
export class SystemMissing extends Error {
  override readonly name = 'SystemMissing';
}

/** Rejects with SystemMissing where there is no broker for it. */
export async function openWire(context: SystemsContext, system: SystemId, layer: Layer): Promise<Wire> {
  if (layer === 'bare') return await openBare(context, system);
  if (layer === 'port') return await openThroughPort(context, system);
  throw new SystemMissing(`the layer "${layer}" is not measured by this version; layers: bare, port`);
}

async function openBare(context: SystemsContext, system: SystemId): Promise<Wire> {
  if (system === 'log')
    return await openBareLog({ dataDir: join(context.dataDir, 'bare'), version: context.sluiceVersion });
  if (system === 'kafka') {
    const { brokers, version } = kafkaOf(context);
    return await openBareKafka({ brokers, version });
  }
  const { url, version } = rabbitMqOf(context);
  return await openBareRabbitMq({ system, queueType: queueTypeOf[system], url, version });
}

async function openThroughPort(context: SystemsContext, system: SystemId): Promise<Wire> {
  const backend = backendOf[system];
  const durability = { persistence: persistenceOf(system), copies: 1 };
  return openPortWire({
    system,
    port: await openPort({ backend, config: await portConfig(context, system) }),
    durability,
    configuration: {
      port: backend,
      durability: `${durability.persistence} (default)`,
      ...brokerSettings(context, system),
    },
  });
}

async function portConfig(context: SystemsContext, system: SystemId): Promise<Readonly<Record<string, unknown>>> {
  if (system === 'log') {
    const dataDir = join(context.dataDir, 'port');
    await mkdir(dataDir, { recursive: true });
    return { dataDir };
  }
  if (system === 'kafka') return { brokers: [...kafkaOf(context).brokers], clientId: 'sluice-compare' };
  return { urls: [...rabbitMqOf(context).urls] };
}

function kafkaOf({ brokers }: SystemsContext) {
  if (brokers?.kafka === undefined) throw new SystemMissing(`kafka: ${reasonFor(brokers, 'kafka')}`);
  return brokers.kafka;
}

function rabbitMqOf({ brokers }: SystemsContext) {
  if (brokers?.rabbitmq === undefined) throw new SystemMissing(`rabbitmq: ${reasonFor(brokers, 'rabbitmq')}`);
  return brokers.rabbitmq;
}

function reasonFor(brokers: ObtainedBrokers | null, kind: 'rabbitmq' | 'kafka'): string {
  return brokers?.skipped.find((skip) => skip.kind === kind)?.reason ?? 'no broker was asked for';
}

// ------------------------------------------------------------------------------------------------ what to watch, what to print

/** The broker's own processes; none for the embedded log and for brokers that are not ours to see. */
export function brokerPids(context: SystemsContext, system: SystemId): readonly number[] {
  if (system === 'log') return [];
  const handle = system === 'kafka' ? context.brokers?.kafka : context.brokers?.rabbitmq;
  return handle?.nodes.flatMap((node) => (node.pid === null ? [] : [node.pid])) ?? [];
}

/** Bytes written so far: by the broker's processes, or into the log's directory. */
export function diskMeter(context: SystemsContext, system: SystemId, pids: readonly number[]): DiskMeter {
  if (system === 'log') return () => diskUsage(context.dataDir);
  return () => Promise.resolve(usageOf(pids)?.bytesWritten ?? null);
}

function brokerSettings(context: SystemsContext, system: SystemId): Readonly<Record<string, string>> {
  if (system === 'log') return { 'data directory': 'new and empty for the run' };
  const handle = system === 'kafka' ? context.brokers?.kafka : context.brokers?.rabbitmq;
  return { nodes: String(handle?.nodes.length ?? 0), 'obtained by': handle?.source ?? 'unknown' };
}

export function systemRow(context: SystemsContext, system: SystemId, wires: readonly Wire[]): SystemRow {
  const own = wires.filter((wire) => wire.system === system);
  const [first] = own;
  const handle = system === 'log' ? undefined : system === 'kafka' ? context.brokers?.kafka : context.brokers?.rabbitmq;
  const configuration: Record<string, string> = {};
  for (const wire of own)
    for (const [name, value] of Object.entries(wire.configuration)) configuration[`${wire.layer}: ${name}`] = value;
  return {
    id: system,
    product: first?.product ?? system,
    version: first?.version ?? 'unknown',
    source: handle?.source ?? 'embedded',
    nodes: handle?.nodes.length ?? 1,
    startMs: handle?.startMs ?? null,
    configuration,
    capabilities: own.find((wire) => wire.capabilities !== null)?.capabilities ?? {},
    notes: notesOf(system, handle?.source ?? 'embedded'),
  };
}

function notesOf(system: SystemId, source: SystemRow['source']): readonly string[] {
  if (system === 'log')
    return ['embedded in the measuring process and not replicated: kept out of "RabbitMQ or Kafka?"'];
  if (system !== 'kafka') return ['shares one RabbitMQ node with the other queue types, measured one after the other'];
  return source === 'process' ? [KAFKA_AS_STARTED] : [];
}

/** What `src/brokers` sets beside addresses and directories. */
const KAFKA_AS_STARTED =
  "not Kafka's defaults: retention is checked every 2 s and compaction every second instead of 5 min and 15 s, new groups wait 0 instead of 3 s for members, the heap is at most 1 GiB";
