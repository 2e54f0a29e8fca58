/**
 * RabbitMQ as processes of this machine, in the chroot that rabbitmq-install.ts made: one node, or three that form a cluster at boot.
 *
 * Each run has a directory of its own inside the chroot (the server runs as the user rabbitmq there and can reach nothing else), an
 * epmd of its own on a port of its own, and everything that listens (AMQP, distribution, epmd) on 127.0.0.1. One thing cannot be told
 * to: a stream's replica, in a cluster only, opens a port of 6000-6500 on every interface until its leader has connected, which takes
 * milliseconds; it accepts one connection, and only with a random token. The server has no setting for that address.
 * /proc, which the memory alarm needs, is mounted in a mount namespace that ends with the server: nothing is left to unmount.
 */

import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './command.ts';
import { BrokersError } from './errors.ts';
import { limits } from './limits.ts';
import { inNetwork, type LocalBroker, type LocalNode, startAll, waitReady } from './local-broker.ts';
import { freePorts } from './ports.ts';
import { probeRabbitMq } from './probe.ts';
import { RUN_MARK } from './processes.ts';
import { type SecuredRabbitMq, secureRabbitMq } from './rabbitmq-security.ts';
import type { BrokerNetwork, BrokerSecurity, RabbitMqHandle, RabbitMqSettings } from './types.ts';

interface Account {
  readonly uid: number;
  readonly gid: number;
}

interface NodePorts {
  readonly amqp: number;
  readonly distribution: number;
}

/** Where the run's data lies, seen from the host. */
export function rabbitMqDataDir(root: string, runId: string): string {
  return join(root, insideDir(runId));
}

/** Starts the nodes; resolves when all of them answer and, for three, have formed one cluster. */
export async function startRabbitMq(
  root: string,
  run: {
    readonly id: string;
    /** The run's own, outside of the chroot: for what clients are to read. */
    readonly directory: string;
    readonly nodes: 1 | 3;
    readonly security?: BrokerSecurity | undefined;
    readonly network?: BrokerNetwork | undefined;
    readonly hasStreams?: boolean;
    readonly settings?: RabbitMqSettings | undefined;
  },
): Promise<LocalBroker & Pick<RabbitMqHandle, 'secured' | 'streams'>> {
  const account = await rabbitMqAccount(root);
  const [epmdPort = 0, streamPort = 0, ...ports] = await freePorts(2 + run.nodes * 2);
  // Of several nodes each would need a port of its own, and nobody asks.
  const streams = run.hasStreams === true && run.nodes === 1 ? streamPlugin(streamPort) : null;
  const nodePorts = Array.from({ length: run.nodes }, (_, index) => ({
    amqp: ports[index * 2] ?? 0,
    distribution: ports[index * 2 + 1] ?? 0,
  }));
  await prepareHome(root, run.id, account);
  const launch = inNetwork(await launcher(root, account), run.network);
  const host = run.network?.address ?? '127.0.0.1';
  const nodes: LocalNode[] = [];
  let security: SecuredRabbitMq | undefined;
  for (const [index, own] of nodePorts.entries()) {
    const inside = join(insideDir(run.id), `node-${index + 1}`);
    if (run.security !== undefined) security = await secureRabbitMq(run.directory, inside, run.security);
    await prepareNode(join(root, inside), account, {
      'rabbitmq.conf': rabbitMqConf(
        own.amqp,
        run.nodes,
        [...(security?.settings ?? []), ...(streams?.settings ?? []), ...(run.settings?.conf ?? [])],
        host,
      ),
      enabled_plugins: `[${[...(security?.plugins ?? []), ...(streams?.plugins ?? [])].join(',')}].\n`,
      ...security?.files,
    });
    const url = `amqp://guest:guest@${host}:${own.amqp}`;
    nodes.push({
      name: nodeName(index + 1),
      program: launch.program,
      args: [...launch.args, '/usr/lib/rabbitmq/bin/rabbitmq-server'],
      env: nodeEnvironment(run.id, index + 1, inside, epmdPort, own),
      logFile: join(root, inside, 'start.log'),
      dataDir: join(root, inside, 'data'),
      address: url,
      brokerProgram: 'beam.smp',
      answers: async () => void (await probeRabbitMq(url)),
    });
  }
  const started = performance.now();
  const control = (node: number, args: readonly string[]): Promise<string> =>
    rabbitmqctl(launch, run.id, epmdPort, nodeName(node + 1), args);
  for (const [process, node] of await startAll(run.id, nodes)) await waitReady(process, node);
  if (run.nodes > 1)
    await control(0, ['await_online_nodes', String(run.nodes), '--timeout', String(limits.toolMs / 1_000)]);
  const startMs = Math.round(performance.now() - started);
  const leaderOf = async (from: number, name: string): Promise<number> =>
    leaderIn(await control(from, ['--silent', 'list_queues', 'name', 'leader']), name);
  return {
    nodes,
    startMs,
    leaderOf,
    control,
    ...(security === undefined ? {} : { secured: security.handle }),
    ...(streams === null ? {} : { streams: `127.0.0.1:${streamPort}` }),
  };
}

/** The plugin rabbitmq_stream; by default it would listen on every interface. */
function streamPlugin(port: number): { readonly plugins: readonly string[]; readonly settings: readonly string[] } {
  return {
    plugins: ['rabbitmq_stream'],
    settings: [
      `stream.listeners.tcp.1 = 127.0.0.1:${port}`,
      'stream.advertised_host = 127.0.0.1',
      `stream.advertised_port = ${port}`,
    ],
  };
}

/** Pure: the server's configuration. Everything not named here is RabbitMQ's default; without `more`, no plugin is enabled. */
export function rabbitMqConf(amqpPort: number, nodes: 1 | 3, more: readonly string[] = [], host = '127.0.0.1'): string {
  const lines = [`listeners.tcp.1 = ${host}:${amqpPort}`, 'log.console = false', 'log.file.level = info'];
  // The usual user may come from a loopback address only.
  if (host !== '127.0.0.1') lines.push('loopback_users = none');
  if (nodes > 1) {
    lines.push('cluster_formation.peer_discovery_backend = classic_config');
    for (let i = 1; i <= nodes; i++) lines.push(`cluster_formation.classic_config.nodes.${i} = ${nodeName(i)}`);
  }
  return `${[...lines, ...more].join('\n')}\n`;
}

function nodeName(index: number): string {
  return `rabbit${index}@localhost`;
}

function insideDir(runId: string): string {
  return join('/var/lib/sluice', runId);
}

function nodeEnvironment(
  runId: string,
  index: number,
  inside: string,
  epmdPort: number,
  own: NodePorts,
): NodeJS.ProcessEnv {
  return {
    ...erlangEnvironment(runId, epmdPort),
    RABBITMQ_NODENAME: nodeName(index),
    RABBITMQ_DIST_PORT: String(own.distribution),
    RABBITMQ_CONFIG_FILE: join(inside, 'rabbitmq.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(inside, 'enabled_plugins'),
    RABBITMQ_MNESIA_BASE: join(inside, 'data'),
    RABBITMQ_LOG_BASE: join(inside, 'log'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
    // The start script then becomes the server instead of waiting beside it, so that signals reach the server itself.
    RUNNING_UNDER_SYSTEMD: 'true',
    // The data is thrown away after a crash, and writing the dump takes seconds.
    ERL_CRASH_DUMP_SECONDS: '0',
  };
}

function erlangEnvironment(runId: string, epmdPort: number): NodeJS.ProcessEnv {
  return {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    LANG: 'C.UTF-8',
    // The cluster's shared secret lies here.
    HOME: insideDir(runId),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_EPMD_PORT: String(epmdPort),
    [RUN_MARK]: runId,
  };
}

interface Launcher {
  readonly program: string;
  readonly args: readonly string[];
}

/** How a program of the chroot is run as its user rabbitmq; the program and its arguments are appended. */
async function launcher(root: string, { uid, gid }: Account): Promise<Launcher> {
  const canUnshare = await runCommand('unshare', ['--mount', 'true'], {
    deadlineMs: limits.toolMs,
  }).then(
    () => true,
    () => false, // a container without the right to: the server runs without /proc, and without a memory alarm
  );
  // Erlang sizes a table by the limit of open files, which is 2^30 in some containers.
  const lowerLimit = 'ulimit -n 65536 2>/dev/null || true';
  const enter = `exec chroot --userspec=${uid}:${gid} "$root" "$@"`;
  if (!canUnshare) return { program: 'sh', args: ['-c', `root=$1; shift; ${lowerLimit}; ${enter}`, 'sh', root] };
  const mountProc = 'mount -t proc proc "$root/proc" 2>/dev/null || true';
  return {
    program: 'unshare',
    args: [
      '--mount',
      '--propagation',
      'private',
      'sh',
      '-c',
      `root=$1; shift; ${mountProc}; ${lowerLimit}; ${enter}`,
      'sh',
      root,
    ],
  };
}

/** Runs RabbitMQ's command-line tool against a node; resolves with what it prints. */
async function rabbitmqctl(
  launch: Launcher,
  runId: string,
  epmdPort: number,
  node: string,
  args: readonly string[],
): Promise<string> {
  return await runCommand(launch.program, [...launch.args, '/usr/lib/rabbitmq/bin/rabbitmqctl', '-n', node, ...args], {
    deadlineMs: limits.toolMs,
    env: {
      ...erlangEnvironment(runId, epmdPort),
      // The tool is an Erlang node too and would listen on every interface while it asks.
      ERL_AFLAGS: '-kernel inet_dist_use_interface {127,0,0,1}',
    },
  });
}

/** Pure: the number (from 0) of the node that leads the queue, from lines of "name TAB leader". */
export function leaderIn(listing: string, queue: string): number {
  for (const line of listing.split('\n')) {
    const [name, leader] = line.split('\t');
    const number = /^rabbit(\d+)@/.exec(leader ?? '')?.[1];
    if (name === queue && number !== undefined) return Number(number) - 1;
  }
  throw new BrokersError('failed', `RabbitMQ tells no leader of a queue "${queue}"`);
}

async function rabbitMqAccount(root: string): Promise<Account> {
  const passwd = await readFile(join(root, 'etc', 'passwd'), 'utf8');
  const found = /^rabbitmq:[^:]*:(\d+):(\d+):/m.exec(passwd);
  if (found === null) throw new BrokersError('failed', `${root} has no user rabbitmq`);
  return { uid: Number(found[1]), gid: Number(found[2]) };
}

/** Everything the server writes must belong to its user: with a directory of root's it ends without a word and without a log. */
async function prepareHome(root: string, runId: string, account: Account): Promise<void> {
  const home = rabbitMqDataDir(root, runId);
  await mkdir(home, { recursive: true });
  const cookie = join(home, '.erlang.cookie');
  await writeFile(cookie, randomBytes(15).toString('hex'));
  await chmod(cookie, 0o400);
  for (const path of [cookie, home]) await chown(path, account.uid, account.gid);
}

async function prepareNode(
  directory: string,
  account: Account,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  for (const path of [directory, join(directory, 'data'), join(directory, 'log')]) {
    await mkdir(path, { recursive: true });
    await chown(path, account.uid, account.gid);
  }
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(directory, name), text);
    await chown(join(directory, name), account.uid, account.gid);
  }
}
