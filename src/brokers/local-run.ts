/** A broker that runs as processes of this machine, from its record in the state file to its end. */

import { BrokersError, reasonOf } from './errors.ts';
import { installKafka, KAFKA_VERSION } from './kafka-install.ts';
import { startKafka } from './kafka-process.ts';
import { limits } from './limits.ts';
import {
  brokerProcess,
  killNodeProcess,
  type LocalBroker,
  pauseNodeProcess,
  startNodeProcess,
  waitReady,
} from './local-broker.ts';
import { installRabbitMq } from './rabbitmq-install.ts';
import { rabbitMqDataDir, startRabbitMq } from './rabbitmq-process.ts';
import { endAndForget, newRunId, recordRun, runDirectory, saveRun } from './run-state.ts';
import type {
  BrokerKind,
  BrokerNetwork,
  BrokerNode,
  BrokerSecurity,
  EndingSignal,
  KafkaHandle,
  RabbitMqHandle,
  RabbitMqSettings,
  RabbitMqVersion,
} from './types.ts';
import { startWatchdog } from './watchdog-start.ts';

/** A started broker: its handle, whose pids follow restarts of its nodes, and what can be done to it. */
export interface StartedBroker<Handle extends RabbitMqHandle | KafkaHandle> {
  readonly handle: Handle;
  /** Ends node `index` (from 0); resolves when it is gone. */
  killNode(index: number, signal: EndingSignal): Promise<void>;
  /** Starts an ended node again on its data and port; resolves when it answers. */
  startNode(index: number): Promise<void>;
  pauseNode(index: number): Promise<void>;
  resumeNode(index: number): Promise<void>;
  leaderOf(name: string, partition: number): Promise<number>;
  /** The broker's own command-line tool, against the first node that runs if none is given. */
  control(args: readonly string[], index?: number): Promise<string>;
  /** Ends all of it and removes its data. Idempotent. */
  stop(): Promise<void>;
}

export interface LocalRequest {
  readonly nodes: 1 | 3;
  /** Left running when this process ends (`sluice brokers up`), instead of ended with it by a watchdog. */
  readonly isKept: boolean;
  readonly progress: (line: string) => void;
  readonly security?: BrokerSecurity | undefined;
  readonly network?: BrokerNetwork | undefined;
  readonly kafkaAdvertisedPort?: number | undefined;
  readonly rabbitmqStreams?: true | undefined;
  readonly rabbitmqSettings?: RabbitMqSettings | undefined;
}

/** Installs Kafka where needed and starts it. Throws `unavailable` when it cannot be had here, `failed` when it should have worked. */
export async function startLocalKafka(request: LocalRequest): Promise<StartedBroker<KafkaHandle>> {
  const libDir = await installKafka(request.progress);
  request.progress(`kafka: starting ${nodesInWords(request.nodes)} of ${KAFKA_VERSION}`);
  return startRecorded('kafka', request, () => [], {
    start: (runId) =>
      startKafka(libDir, {
        id: runId,
        directory: runDirectory(runId),
        nodes: request.nodes,
        security: request.security,
        network: request.network,
        advertisedPort: request.kafkaAdvertisedPort,
      }),
    handle: (broker, nodes) => ({
      kind: 'kafka',
      brokers: broker.nodes.map((node) => node.address),
      version: KAFKA_VERSION,
      nodes,
      source: 'process',
      startMs: broker.startMs,
      libDir,
      ...(broker.secured === undefined ? {} : { secured: broker.secured }),
    }),
  });
}

/** The same for RabbitMQ, one version of it. */
export async function startLocalRabbitMq(
  version: RabbitMqVersion,
  request: LocalRequest,
): Promise<StartedBroker<RabbitMqHandle>> {
  const install = await installRabbitMq(version, request.progress);
  request.progress(`rabbitmq: starting ${nodesInWords(request.nodes)} of ${install.version}`);
  return startRecorded('rabbitmq', request, (runId) => [rabbitMqDataDir(install.root, runId)], {
    start: (runId) =>
      startRabbitMq(install.root, {
        id: runId,
        directory: runDirectory(runId),
        nodes: request.nodes,
        security: request.security,
        network: request.network,
        hasStreams: request.rabbitmqStreams === true,
        settings: request.rabbitmqSettings,
      }),
    handle: (broker, nodes) => {
      const urls = broker.nodes.map((node) => node.address);
      return {
        kind: 'rabbitmq',
        url: urls[0] ?? '',
        urls,
        version: install.version,
        nodes,
        source: 'process',
        startMs: broker.startMs,
        ...(broker.secured === undefined ? {} : { secured: broker.secured }),
        ...(broker.streams === undefined ? {} : { streams: broker.streams }),
      };
    },
  });
}

type Started<Handle extends RabbitMqHandle | KafkaHandle> = LocalBroker &
  Pick<Handle, 'secured'> & { readonly streams?: string };

interface Starter<Handle extends RabbitMqHandle | KafkaHandle> {
  start(runId: string): Promise<Started<Handle>>;
  handle(broker: Started<Handle>, nodes: readonly BrokerNode[]): Handle;
}

async function startRecorded<Handle extends RabbitMqHandle | KafkaHandle>(
  kind: BrokerKind,
  request: LocalRequest,
  dataDirs: (runId: string) => string[],
  starter: Starter<Handle>,
): Promise<StartedBroker<Handle>> {
  for (let attempt = 1; ; attempt++) {
    const id = newRunId(kind);
    const state = await recordRun({ id, kind, dataDirs: dataDirs(id) });
    try {
      await startWatchdog(id);
      const broker = await starter.start(id);
      const nodes = broker.nodes.map((node) => ({
        name: node.name,
        pid: brokerProcess(id, node)?.pid ?? null,
        dataDir: node.dataDir,
      }));
      const handle = starter.handle(broker, nodes);
      await saveRun({ ...state, handle, owner: request.isKept ? null : state.owner });
      return startedBroker(id, broker, nodes, handle, () => endAndForget(state));
    } catch (caught) {
      await endAndForget(state, 0);
      // Between finding a free port and listening on it somebody else may have taken it: other ports then.
      const isPortTaken = /eaddrinuse|address already in use|already_used|BindException/i.test(reasonOf(caught));
      if (!isPortTaken || attempt >= limits.startAttempts) throw caught;
      request.progress(`${kind}: a port was taken meanwhile, starting again on others`);
    }
  }
}

function startedBroker<Handle extends RabbitMqHandle | KafkaHandle>(
  runId: string,
  broker: LocalBroker,
  nodes: { pid: number | null }[],
  handle: Handle,
  end: () => Promise<void>,
): StartedBroker<Handle> {
  let ended: Promise<void> | null = null;
  const nodeAt = (index: number) => {
    const node = broker.nodes[index];
    const shown = nodes[index];
    if (node === undefined || shown === undefined)
      throw new BrokersError('invalid_argument', `there is no node ${index} of ${broker.nodes.length}`);
    return { node, shown };
  };
  const running = (): number => {
    const index = nodes.findIndex(({ pid }) => pid !== null);
    if (index === -1) throw new BrokersError('failed', `no node of ${handle.kind} runs`);
    return index;
  };
  return {
    handle,
    killNode: async (index, signal) => {
      const { node, shown } = nodeAt(index);
      await killNodeProcess(runId, node, signal);
      shown.pid = null;
    },
    pauseNode: async (index) => pauseNodeProcess(runId, nodeAt(index).node, 'SIGSTOP'),
    resumeNode: async (index) => pauseNodeProcess(runId, nodeAt(index).node, 'SIGCONT'),
    leaderOf: async (name, partition) => await broker.leaderOf(running(), name, partition),
    control: async (args, index) => {
      if (broker.control === null) throw new BrokersError('invalid_argument', `${handle.kind} has no such tool here`);
      if (index !== undefined) nodeAt(index);
      return await broker.control(index ?? running(), args);
    },
    startNode: async (index) => {
      const { node, shown } = nodeAt(index);
      if (brokerProcess(runId, node) !== null) throw new BrokersError('failed', `${node.name} runs already`);
      await waitReady(await startNodeProcess(runId, node), node);
      shown.pid = brokerProcess(runId, node)?.pid ?? null;
    },
    stop: () => (ended ??= end()),
  };
}

function nodesInWords(nodes: 1 | 3): string {
  return nodes === 1 ? 'one node' : 'three nodes';
}
