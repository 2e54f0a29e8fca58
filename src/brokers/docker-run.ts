/** Brokers in containers, through testcontainers: one node of each, its port published on 127.0.0.1 only. */

import { removeContainer } from './docker-engine.ts';
import { BrokersError } from './errors.ts';
import { KAFKA_VERSION } from './kafka-install.ts';
import { limits } from './limits.ts';
import type { LocalRequest, StartedBroker } from './local-run.ts';
import { freePorts } from './ports.ts';
import { parseHostPort, probeKafka, probeRabbitMq } from './probe.ts';
import { waitUntil } from './processes.ts';
import { endAndForget, newRunId, recordRun, saveRun } from './run-state.ts';
import type { BrokerKind, BrokerNode, KafkaHandle, RabbitMqHandle, RabbitMqVersion } from './types.ts';

/** Starts `rabbitmq:VERSION` and resolves when it answers. Throws when the image cannot be had or does not start. */
export async function startDockerRabbitMq(
  version: RabbitMqVersion,
  request: LocalRequest,
): Promise<StartedBroker<RabbitMqHandle>> {
  const [port = 0] = await freePorts(1);
  const url = `amqp://guest:guest@127.0.0.1:${port}`;
  const image = `rabbitmq:${version}`;
  const ports = { container: 5672, host: port };
  return startRecorded(
    'rabbitmq',
    request,
    { image, environment: {}, ports },
    () => probeRabbitMq(url),
    (version, startMs) => ({
      kind: 'rabbitmq',
      url,
      urls: [url],
      version,
      nodes: [containerNode('rabbitmq')],
      source: 'docker',
      startMs,
    }),
  );
}

/** The same for `apache/kafka`. */
export async function startDockerKafka(request: LocalRequest): Promise<StartedBroker<KafkaHandle>> {
  const [port = 0] = await freePorts(1);
  const address = `127.0.0.1:${port}`;
  // The port is the same inside and outside, because a Kafka client connects to the address that the broker tells.
  const environment = {
    KAFKA_PROCESS_ROLES: 'broker,controller',
    KAFKA_NODE_ID: '1',
    KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9093',
    KAFKA_LISTENERS: `PLAINTEXT://0.0.0.0:${port},CONTROLLER://localhost:9093`,
    KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://${address}`,
    KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
    KAFKA_INTER_BROKER_LISTENER_NAME: 'PLAINTEXT',
    KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
    KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS: '4',
    KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
    KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
    KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR: '1',
    KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR: '1',
    KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
    KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
    KAFKA_FILE_DELETE_DELAY_MS: '1000',
  };
  const what = { image: `apache/kafka:${KAFKA_VERSION}`, environment, ports: { container: port, host: port } };
  const probe = async () => {
    await probeKafka(parseHostPort(address));
    return KAFKA_VERSION;
  };
  return startRecorded('kafka', request, what, probe, (version, startMs) => ({
    kind: 'kafka',
    brokers: [address],
    version,
    nodes: [containerNode('kafka')],
    source: 'docker',
    startMs,
    libDir: null,
  }));
}

interface ContainerPlan {
  readonly image: string;
  readonly environment: Record<string, string>;
  readonly ports: { readonly container: number; readonly host: number };
}

async function startRecorded<Handle extends RabbitMqHandle | KafkaHandle>(
  kind: BrokerKind,
  request: LocalRequest,
  plan: ContainerPlan,
  probe: () => Promise<string>,
  handleOf: (version: string, startMs: number) => Handle,
): Promise<StartedBroker<Handle>> {
  request.progress(`${kind}: starting ${plan.image} in Docker`);
  const id = await startContainer(plan, request.isKept);
  const started = performance.now();
  try {
    let version = '';
    const isReady = await waitUntil(async () => {
      try {
        version = await probe();
        return true;
      } catch {
        return false; // not yet; what it says in the end is the deadline's error
      }
    }, limits.brokerReadyMs);
    if (!isReady) throw new BrokersError('failed', `${plan.image} does not answer after ${limits.brokerReadyMs} ms`);
    const handle = handleOf(version, Math.round(performance.now() - started));
    const end =
      request.isKept || isReaperOff() ? await record(kind, id, handle, request.isKept) : () => removeContainer(id);
    let ended: Promise<void> | null = null;
    return {
      handle,
      killNode: refuse,
      startNode: refuse,
      pauseNode: refuse,
      resumeNode: refuse,
      leaderOf: refuse,
      control: refuse,
      stop: () => (ended ??= end()),
    };
  } catch (caught) {
    await removeContainer(id);
    throw caught;
  }
}

/** testcontainers' own reaper, a container as well, ends what must not outlive us. Where it is turned off, the next start does. */
function isReaperOff(): boolean {
  return process.platform === 'linux' && process.env['TESTCONTAINERS_RYUK_DISABLED'] === 'true';
}

async function record(
  kind: BrokerKind,
  container: string,
  handle: RabbitMqHandle | KafkaHandle,
  isKept: boolean,
): Promise<() => Promise<void>> {
  const recorded = await recordRun({ id: newRunId(kind), kind, dataDirs: [], containers: [container] });
  const state = { ...recorded, ...(isKept ? { owner: null } : {}), handle };
  await saveRun(state);
  return () => endAndForget(state);
}

/** Resolves with the id of a started container. */
async function startContainer(plan: ContainerPlan, isKept: boolean): Promise<string> {
  const { GenericContainer, Wait } = await import('testcontainers');
  class LoopbackContainer extends GenericContainer {
    // testcontainers publishes on every interface and has no option for it; this hook runs before the container is made.
    protected override async beforeContainerCreated(): Promise<void> {
      const bindings: Record<string, { HostIp?: string; HostPort: string }[]> = this.hostConfig.PortBindings ?? {};
      for (const binding of Object.values(bindings).flat()) binding.HostIp = '127.0.0.1';
    }
  }
  const container = await new LoopbackContainer(plan.image)
    .withEnvironment(plan.environment)
    .withExposedPorts(plan.ports)
    .withAutoCleanup(!isKept)
    // That it runs is enough here: whether it answers is asked at the address that clients get. testcontainers would ask at another one, and for
    // five minutes, where it believes to be in a container itself.
    .withWaitStrategy(Wait.forSuccessfulCommand('true'))
    .withStartupTimeout(limits.dockerStartMs)
    .start();
  return container.getId();
}

function containerNode(name: string): BrokerNode {
  return { name, pid: null, dataDir: null };
}

async function refuse(): Promise<never> {
  throw new BrokersError(
    'invalid_argument',
    'a node in a container is not ours to disturb: that is for brokers that run as processes',
  );
}
