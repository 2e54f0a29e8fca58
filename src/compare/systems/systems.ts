/** From a system's id to its wires: which port, which topic options, which bare client, which process to watch. */

import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { openPort } from '../../adapters/index.ts';
import type { ObtainedBrokers } from '../../brokers/index.ts';
import { openBareKafka, openBareLog, openBareRabbitMq } from '../bare/index.ts';
import { type GatewayProcess, openGrpcWire, openRestWire, startGatewayProcess } from '../gateway/index.ts';
import { diskUsage } from '../usage/disk-usage.ts';
import { persistenceOf } from './durability.ts';
import { logLooksOften } from './log-settings.ts';
import { openPortWire } from './port-wire.ts';
import { usageOf } from '../usage/process-usage.ts';
import type { Layer, SystemRow } from '../report/model.ts';
import type { DiskMeter } from '../scenarios/scenario.ts';
import { NoReference, openReferenceWire } from '../reference/index.ts';
import { rabbitMqSettingsOf, settingNotes } from '../settings/index.ts';
import { openProcessWire, type ProcessWire, type RemoteTarget } from '../remote/index.ts';
import {
  backendOf,
  isReferenceName,
  isVariantName,
  queueTypeOf,
  type RabbitMqVersionName,
  type SystemId,
  systemOf,
  versionOf,
} from './system-ids.ts';
import type { Wire } from './wire.ts';

export interface SystemsContext {
  readonly brokers: ObtainedBrokers | null;
  /** Of the versions that systems are asked for in by name, and the one that is tuned. */
  readonly others: ReadonlyMap<OtherBroker, ObtainedBrokers>;
  /** The native log's data goes under here. */
  readonly dataDir: string;
  readonly sluiceVersion: string;
  /** Gateways that were started so far, by what they are in front of; whoever made the context closes them. */
  readonly gateways?: Map<string, Promise<GatewayProcess>>;
}

/** A RabbitMQ beside the usual one. */
export type OtherBroker = RabbitMqVersionName | 'tuned';

/** Which one a name needs; null for the usual brokers. */
export function otherBrokerOf(name: string): OtherBroker | null {
  return versionOf(name) ?? (rabbitMqSettingsOf(name) === null ? null : 'tuned');
}

/** A system or layer that was asked for and cannot be had: exit status 3. */
export class SystemMissing extends Error {
  override readonly name = 'SystemMissing';
}

/** Rejects with SystemMissing where there is no broker for it. */
export async function openWire(context: SystemsContext, name: string, layer: Layer): Promise<Wire> {
  if (layer === 'bare') return await openBare(context, name);
  if (layer === 'port') return await openThroughPort(context, name);
  if (layer === 'reference') return await openReference(context, name);
  const system = systemOf(name);
  const gateway = await gatewayOf(context, name);
  const options = { system, name, gateway, durability: { persistence: persistenceOf(name), copies: 1 } } as const;
  return layer === 'rest' ? await openRestWire(options) : await openGrpcWire(options);
}

/** One for each broker: the kinds of queue share theirs, as they share the broker. */
export function gatewayKey(name: string): string {
  return `${backendOf[systemOf(name)]} ${versionOf(name) ?? ''}`;
}

async function gatewayOf(context: SystemsContext, name: string): Promise<GatewayProcess> {
  if (context.gateways === undefined) throw new SystemMissing(`${name}: no gateway can be started here`);
  const backend = backendOf[systemOf(name)];
  const key = gatewayKey(name);
  const started = context.gateways.get(key);
  if (started !== undefined) return await started;
  const starting = startGatewayProcess({
    backend,
    dataDir: await mkdtemp(join(context.dataDir, 'gateway-')),
    rabbitmqUrl: backend === 'rabbitmq' ? rabbitMqOf(context, name).url : null,
    kafkaBrokers: backend === 'kafka' ? kafkaOf(context).brokers : null,
  });
  context.gateways.set(key, starting);
  return await starting;
}

/** The same in a process of its own. For the log that is the system itself, on a directory of its own. */
export async function openWireProcess(context: SystemsContext, name: string, layer: Layer): Promise<ProcessWire> {
  if (layer === 'reference') return await openReference(context, name);
  return await openProcessWire(
    await remoteTarget(context, name, layer, await mkdtemp(join(context.dataDir, 'process-'))),
  );
}

/** How another process gets to the same system; the log is opened there, in the directory given. */
export async function remoteTarget(
  context: SystemsContext,
  name: string,
  layer: Layer,
  dataDir: string,
): Promise<RemoteTarget> {
  const own = brokersOf(context, name);
  const { sluiceVersion } = context;
  const rabbitmq = own?.rabbitmq === undefined ? null : { url: own.rabbitmq.url, version: own.rabbitmq.version };
  const kafka = own?.kafka === undefined ? null : { brokers: own.kafka.brokers, version: own.kafka.version };
  const target = { name, layer, dataDir, sluiceVersion, rabbitmq, kafka };
  if (layer !== 'rest' && layer !== 'grpc') return target;
  const { url, grpcAddress } = await gatewayOf(context, name);
  return { ...target, gateway: { url, grpcAddress } };
}

/** In a process of its own in any case. */
async function openReference(context: SystemsContext, name: string): Promise<ProcessWire> {
  if (!isReferenceName(name)) throw new SystemMissing(`${name}: there is no reference row of it`);
  const target = { rabbitmq: context.brokers?.rabbitmq ?? null, kafka: context.brokers?.kafka ?? null };
  try {
    return await openReferenceWire(name, target);
  } catch (reason) {
    if (!(reason instanceof NoReference)) throw reason;
    throw new SystemMissing(`${name}: ${reason.message}`, { cause: reason });
  }
}

async function openBare(context: SystemsContext, name: string): Promise<Wire> {
  const system = systemOf(name);
  if (system === 'log')
    return await openBareLog({ dataDir: join(context.dataDir, 'bare'), version: context.sluiceVersion });
  if (system === 'kafka') {
    const { brokers, version } = kafkaOf(context);
    return await openBareKafka({ name, brokers, version });
  }
  const { url, version } = rabbitMqOf(context, name);
  return await openBareRabbitMq({ system, name, queueType: queueTypeOf[system], url, version });
}

async function openThroughPort(context: SystemsContext, name: string): Promise<Wire> {
  const system = systemOf(name);
  const backend = backendOf[system];
  const durability = { persistence: persistenceOf(system), copies: 1 };
  return openPortWire({
    system,
    name,
    port: await openPort({ backend, config: await portConfig(context, name) }),
    durability,
    configuration: {
      port: backend,
      durability: `${durability.persistence} (default)`,
      ...brokerSettings(context, name),
    },
  });
}

async function portConfig(context: SystemsContext, name: string): Promise<Readonly<Record<string, unknown>>> {
  const system = systemOf(name);
  if (system === 'log') {
    const dataDir = join(context.dataDir, 'port');
    await mkdir(dataDir, { recursive: true });
    return { dataDir, ...logLooksOften };
  }
  if (system === 'kafka') return { brokers: [...kafkaOf(context).brokers], clientId: 'sluice-compare' };
  return { urls: [...rabbitMqOf(context, name).urls] };
}

function kafkaOf({ brokers }: SystemsContext) {
  if (brokers?.kafka === undefined) throw new SystemMissing(`kafka: ${reasonFor(brokers, 'kafka')}`);
  return brokers.kafka;
}

function rabbitMqOf(context: SystemsContext, name: string) {
  const own = brokersOf(context, name);
  if (own?.rabbitmq !== undefined) return own.rabbitmq;
  const reason =
    own === null && otherBrokerOf(name) === 'tuned'
      ? 'settings are compared where the other RabbitMQ is a process of this machine too'
      : reasonFor(own, 'rabbitmq');
  throw new SystemMissing(`${name}: ${reason}`);
}

/** The brokers that a name stands for: those of its version or its settings, or the usual ones. */
export function brokersOf(context: SystemsContext, name: string): ObtainedBrokers | null {
  const other = otherBrokerOf(name);
  return other === null ? context.brokers : (context.others.get(other) ?? null);
}

function reasonFor(brokers: ObtainedBrokers | null, kind: 'rabbitmq' | 'kafka'): string {
  return brokers?.skipped.find((skip) => skip.kind === kind)?.reason ?? 'no broker was asked for';
}

// ------------------------------------------------------------------------------------------------ what to watch, what to print

function handleOf(context: SystemsContext, name: string) {
  const system = systemOf(name);
  if (system === 'log') return undefined;
  const own = brokersOf(context, name);
  return system === 'kafka' ? own?.kafka : own?.rabbitmq;
}

/** The broker's own processes; none for the embedded log and for brokers that are not ours to see. */
export function brokerPids(context: SystemsContext, name: string): readonly number[] {
  return handleOf(context, name)?.nodes.flatMap((node) => (node.pid === null ? [] : [node.pid])) ?? [];
}

/** Of the gateway in between, where the layer has one that was started. */
export async function gatewayPids(context: SystemsContext, name: string, layer: Layer): Promise<readonly number[]> {
  if (layer !== 'rest' && layer !== 'grpc') return [];
  const pid = (await context.gateways?.get(gatewayKey(name)))?.pid ?? null;
  return pid === null ? [] : [pid];
}

/** The port numbers of its clients' connections. */
export function brokerPorts(context: SystemsContext, name: string): readonly number[] {
  const handle = handleOf(context, name);
  if (handle === undefined) return [];
  const addresses = handle.kind === 'kafka' ? handle.brokers : handle.urls.map((url) => new URL(url).host);
  return addresses.map((address) => Number(address.slice(address.lastIndexOf(':') + 1)));
}

/** Bytes written so far: by the broker's processes, or into the log's directory. */
export function diskMeter(context: SystemsContext, name: string, pids: readonly number[]): DiskMeter {
  if (systemOf(name) === 'log') return () => diskUsage(context.dataDir);
  return () => Promise.resolve(usageOf(pids)?.bytesWritten ?? null);
}

function referenceNotes(name: string): readonly string[] {
  const streams =
    name === 'rabbitmq-stream-protocol'
      ? ['by the stream protocol, where rabbitmq-stream is the same stream over AMQP 0.9.1']
      : [];
  return ["a reference row: the vendor's own Java client, not one of the systems of the answer", ...streams];
}

function brokerSettings(context: SystemsContext, name: string): Readonly<Record<string, string>> {
  if (systemOf(name) === 'log') return { 'data directory': 'new and empty for the run' };
  const handle = handleOf(context, name);
  return { nodes: String(handle?.nodes.length ?? 0), 'obtained by': handle?.source ?? 'unknown' };
}

export function systemRow(context: SystemsContext, name: string, wires: readonly Wire[]): SystemRow {
  const own = wires.filter((wire) => wire.name === name);
  const [first] = own;
  const handle = handleOf(context, name);
  const configuration: Record<string, string> = {};
  for (const wire of own)
    for (const [setting, value] of Object.entries(wire.configuration))
      configuration[`${wire.layer}: ${setting}`] = value;
  return {
    id: name,
    product: first?.product ?? name,
    version: first?.version ?? 'unknown',
    source: handle?.source ?? 'embedded',
    nodes: handle?.nodes.length ?? 1,
    startMs: handle?.startMs ?? null,
    configuration,
    capabilities: own.find((wire) => wire.capabilities !== null)?.capabilities ?? {},
    notes: [
      ...(isReferenceName(name) ? referenceNotes(name) : []),
      ...(isVariantName(name) ? [VARIANT, ...settingNotes(name)] : []),
      ...notesOf(systemOf(name), handle?.source ?? 'embedded', isReferenceName(name)),
    ],
  };
}

function notesOf(system: SystemId, source: SystemRow['source'], isReference: boolean): readonly string[] {
  if (system === 'log')
    return [
      'embedded in the measuring process and not replicated: kept out of "RabbitMQ or Kafka?"',
      'not its defaults: retention is looked at every 2 s and compaction every second, as by the Kafka beside it',
    ];
  if (system !== 'kafka')
    return [
      'shares one RabbitMQ node with the other queue types, measured one after the other',
      ...(system === 'rabbitmq-stream' && !isReference
        ? [
            'over AMQP 0.9.1 by amqplib; the stream protocol, which RabbitMQ recommends for streams, has clients for Java, Go, .NET, Python, Node and others, of which the reference rows have the Java one',
          ]
        : []),
    ];
  return source === 'process' ? [KAFKA_AS_STARTED] : [];
}

const VARIANT = 'the same system by other settings, not one of the systems of the answer';

/** What `src/brokers` sets beside addresses and directories. */
const KAFKA_AS_STARTED =
  "not Kafka's defaults: retention is checked every 2 s and compaction every second instead of 5 min and 15 s, new groups wait 0 instead of 3 s for members, the heap begins at 256 MiB instead of 1 GiB";
