/** Kafka as processes of this machine: one node that is broker and controller, or three of them with a static quorum. */

import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './command.ts';
import { limits } from './limits.ts';
import { inNetwork, type LocalBroker, type LocalNode, startAll, waitReady } from './local-broker.ts';
import { type KafkaListener, type SecuredKafka, secureKafka } from './kafka-security.ts';
import { kafkaHeap, kafkaLines } from './kafka-settings.ts';
import { freePorts } from './ports.ts';
import { kafkaBrokerCount, kafkaLeader, parseHostPort, probeKafka } from './probe.ts';
import { RUN_MARK } from './processes.ts';
import type { BrokerNetwork, BrokerSecurity, KafkaHandle } from './types.ts';

interface KafkaPorts {
  readonly client: number;
  readonly controller: number;
}

/** Writes the configuration, formats the storage, starts the nodes and resolves when all of them answer and know each other. */
export async function startKafka(
  libDir: string,
  run: {
    readonly id: string;
    readonly directory: string;
    readonly nodes: 1 | 3;
    readonly security?: BrokerSecurity | undefined;
    readonly network?: BrokerNetwork | undefined;
    readonly advertisedPort?: number | undefined;
  },
): Promise<LocalBroker & Pick<KafkaHandle, 'secured'>> {
  const ports = await kafkaPorts(run.nodes);
  const security = run.security === undefined ? undefined : await secureKafka(run.directory, run.security);
  const clusterId = clusterIdOf(randomBytes(16));
  const loggingFile = join(run.directory, 'log4j2.properties');
  await writeFile(loggingFile, LOGGING);
  const nodes: LocalNode[] = [];
  const host = run.network?.address ?? '127.0.0.1';
  for (const [index, port] of ports.entries()) {
    const directory = join(run.directory, `node-${index + 1}`);
    await mkdir(join(directory, 'data'), { recursive: true });
    const settings = join(directory, 'server.properties');
    await writeFile(
      settings,
      serverProperties(index + 1, ports, join(directory, 'data'), security, { host, port: run.advertisedPort }),
    );
    const address = `${host}:${port.client}`;
    const command = {
      program: 'java',
      args: [...javaArguments(libDir, run.nodes, loggingFile), 'kafka.Kafka', settings],
    };
    nodes.push({
      name: `kafka-${index + 1}`,
      ...inNetwork(command, run.network),
      env: process.env,
      logFile: join(directory, 'server.log'),
      dataDir: join(directory, 'data'),
      address,
      brokerProgram: 'java',
      answers: async () => void (await probeKafka(parseHostPort(address))),
    });
    await runCommand(
      'java',
      [
        '-Xmx128m',
        `-Dlog4j2.configurationFile=${loggingFile}`,
        '-cp',
        join(libDir, '*'),
        'kafka.tools.StorageTool',
        'format',
        // One node forms a quorum of its own; three are named in their configuration instead.
        ...(run.nodes === 1 ? ['--standalone'] : []),
        '-t',
        clusterId,
        '-c',
        settings,
        ...(security?.formatArguments ?? []),
      ],
      { deadlineMs: limits.toolMs, env: { ...process.env, [RUN_MARK]: run.id } },
    );
  }
  const started = performance.now();
  const starting = await startAll(run.id, nodes);
  for (const [process, node] of starting) {
    await waitReady(process, node);
    const address = parseHostPort(node.address);
    await waitReady(process, node, async () => {
      const count = await kafkaBrokerCount(address);
      if (count !== run.nodes) throw new Error(`${count} of ${run.nodes} brokers known`);
    });
  }
  const startMs = Math.round(performance.now() - started);
  const leaderOf = async (from: number, name: string, partition: number): Promise<number> =>
    (await kafkaLeader(parseHostPort(nodes[from]?.address ?? ''), name, partition)) - 1;
  return { nodes, startMs, leaderOf, control: null, ...(security === undefined ? {} : { secured: security.handle }) };
}

/** Pure: a cluster's id from 16 random bytes. It must not start with a dash, which the tool would take for an option: one in 64 would. */
export function clusterIdOf(random: Buffer): string {
  const bytes = Buffer.from(random);
  bytes.writeUInt8(bytes.readUInt8(0) & 0x7f, 0);
  return bytes.toString('base64url');
}

async function kafkaPorts(nodes: 1 | 3): Promise<KafkaPorts[]> {
  const ports = await freePorts(nodes * 2);
  return Array.from({ length: nodes }, (_, index) => ({
    client: ports[index * 2] ?? 0,
    controller: ports[index * 2 + 1] ?? 0,
  }));
}

/** The flags of Kafka's own start script, with less memory: 1 GiB at most, 512 MiB for each of three. */
function javaArguments(libDir: string, nodes: 1 | 3, loggingFile: string): string[] {
  return [
    '-server',
    ...(nodes === 1 ? kafkaHeap.one : kafkaHeap.ofThree),
    '-XX:+UseG1GC',
    '-XX:MaxGCPauseMillis=20',
    '-XX:InitiatingHeapOccupancyPercent=35',
    '-XX:+ExplicitGCInvokesConcurrent',
    '-Djava.awt.headless=true',
    `-Dlog4j2.configurationFile=${loggingFile}`,
    '-cp',
    join(libDir, '*'),
  ];
}

/** Pure: the configuration of node `id` (from 1). Everything not named here or in `kafkaLines` is Kafka's default. */
export function serverProperties(
  id: number,
  ports: readonly KafkaPorts[],
  dataDir: string,
  security?: Pick<SecuredKafka, 'listeners' | 'settings'>,
  reach: { readonly host?: string; readonly port?: number | undefined } = {},
): string {
  const { host = '127.0.0.1' } = reach;
  const own = ports[id - 1];
  if (own === undefined) throw new RangeError(`there is no node ${id}`);
  const copies = ports.length;
  const quorum =
    copies === 1
      ? `controller.quorum.bootstrap.servers=127.0.0.1:${own.controller}`
      : `controller.quorum.voters=${ports.map((p, i) => `${i + 1}@127.0.0.1:${p.controller}`).join(',')}`;
  const plain: KafkaListener = { name: 'PLAINTEXT', protocol: 'PLAINTEXT', port: own.client };
  const controller: KafkaListener = { name: 'CONTROLLER', protocol: 'PLAINTEXT', port: own.controller };
  const clients = [plain, ...(security?.listeners ?? [])];
  const addresses = (listeners: readonly KafkaListener[]) =>
    listeners.map((each) => `${each.name}://${each === controller ? '127.0.0.1' : host}:${each.port}`).join(',');
  return `process.roles=broker,controller
node.id=${id}
${quorum}
listeners=${addresses([...clients, controller])}
advertised.listeners=${addresses(clients.map((each) => (each === plain ? { ...each, port: reach.port ?? each.port } : each)))}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=${[controller, ...clients].map(({ name, protocol }) => `${name}:${protocol}`).join(',')}
log.dirs=${dataDir}
default.replication.factor=${copies}
min.insync.replicas=${copies === 1 ? 1 : 2}
offsets.topic.replication.factor=${copies}
transaction.state.log.replication.factor=${copies}
transaction.state.log.min.isr=${copies === 1 ? 1 : 2}
share.coordinator.state.topic.replication.factor=${copies}
share.coordinator.state.topic.min.isr=${copies === 1 ? 1 : 2}
${kafkaLines.map(({ name, value }) => `${name}=${value}\n`).join('')}${(security?.settings ?? []).map((line) => `${line}\n`).join('')}`;
}

const LOGGING = `status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %p %c{1} %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
`;
