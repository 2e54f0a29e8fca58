/**
 * The images that a registry would give, made here, because none can be reached where these tests run: small Debians by debootstrap,
 * from the mirror that apt is configured with. What stands in for what: docs/DOCKER.md.
 */

import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { aptProxies, debianMirror } from '../../src/brokers/apt-mirror.ts';
import { installOnce } from '../../src/brokers/install-once.ts';
import { cacheDir } from '../../src/brokers/paths.ts';
import { installRabbitMq } from '../../src/brokers/rabbitmq-install.ts';
import { fetchNode } from '../package/packed-project.ts';
import { docker } from './engine.ts';

const run = promisify(execFile);
const NODE_VERSION = '24.21.0';
const DEBIAN = 'bookworm';
const DEBOOTSTRAP_MS = 600_000;
const IMPORT_MS = 300_000;

/** Under these names, which no registry has, so that nothing is ever pulled in their place. */
export const standIns = {
  node: `sluice.test/node:${NODE_VERSION}`,
  prometheus: 'sluice.test/prometheus',
  /** What testcontainers is asked for by `sluice brokers`: the real name. */
  rabbitmq: 'rabbitmq:4.3',
} as const;

/** A Debian with Node and npm, as the official image of Node is one. Configured to reach the registry as this machine does. */
export async function importNode(): Promise<void> {
  const root = join(cacheDir(), 'docker', `node-${NODE_VERSION}-${DEBIAN}`);
  await installOnce(root, async (into) => {
    await run('debootstrap', ['--variant=minbase', '--include=ca-certificates', DEBIAN, into, await debianMirror()], {
      env: { ...process.env, ...(await aptProxies()) },
      timeout: DEBOOTSTRAP_MS,
      maxBuffer: 64 * 1024 * 1024,
    });
    const bin = join(into, 'usr', 'local', 'bin');
    const modules = join(into, 'usr', 'local', 'lib', 'node_modules');
    const nodeDirectory = await fetchNode(NODE_VERSION);
    cpSync(join(nodeDirectory, 'node'), join(bin, 'node'));
    rmSync(join(nodeDirectory, '..', '..', '..'), { recursive: true, force: true });
    const globalModules = (await run('npm', ['root', '--global'])).stdout.trim();
    mkdirSync(modules, { recursive: true });
    cpSync(join(globalModules, 'npm'), join(modules, 'npm'), { recursive: true });
    for (const name of ['npm', 'npx']) symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(bin, name));
    const registry = (await run('npm', ['config', 'get', 'registry'])).stdout.trim();
    const certificates = (await run('npm', ['config', 'get', 'cafile'])).stdout.trim();
    const settings = [`registry=${registry}`];
    if (existsSync(certificates)) {
      cpSync(certificates, join(into, 'etc', 'ssl', 'certs', 'of-the-host.pem'));
      settings.push('cafile=/etc/ssl/certs/of-the-host.pem');
    }
    mkdirSync(join(into, 'usr', 'local', 'etc'), { recursive: true });
    writeFileSync(join(into, 'usr', 'local', 'etc', 'npmrc'), `${settings.join('\n')}\n`);
  });
  await importTree(root, standIns.node);
}

/** The RabbitMQ that `sluice brokers` runs as a process, as an image: listens on every address of its container, and lets guest in from anywhere. */
export async function importRabbitMq(progress: (line: string) => void): Promise<void> {
  const { root } = await installRabbitMq('4.3', progress);
  await importTree(root, 'sluice.test/rabbitmq-tree');
  await buildFrom(standIns.rabbitmq, {
    Dockerfile: `FROM sluice.test/rabbitmq-tree
COPY rabbitmq.conf /etc/rabbitmq/rabbitmq.conf
# One cookie for the server and for whoever asks it from a shell of root.
RUN echo sluice-test > /var/lib/rabbitmq/.erlang.cookie && cp /var/lib/rabbitmq/.erlang.cookie /root/ && chmod 400 /root/.erlang.cookie /var/lib/rabbitmq/.erlang.cookie && chown rabbitmq:rabbitmq /var/lib/rabbitmq/.erlang.cookie
EXPOSE 5672
CMD ["/usr/lib/rabbitmq/bin/rabbitmq-server"]
`,
    'rabbitmq.conf': 'listeners.tcp.1 = 0.0.0.0:5672\nloopback_users = none\nlog.console = true\n',
  });
}

/** Debian's Prometheus of this machine on the base of the first. */
export async function buildPrometheus(): Promise<void> {
  await buildFrom(
    standIns.prometheus,
    {
      Dockerfile: `FROM ${standIns.node}\nCOPY prometheus /bin/prometheus\nRUN mkdir /prometheus\nENTRYPOINT ["/bin/prometheus"]\n`,
    },
    ['/usr/bin/prometheus'],
  );
}

async function buildFrom(
  name: string,
  files: Readonly<Record<string, string>>,
  copies: readonly string[] = [],
): Promise<void> {
  const context = mkdtempSync(join(tmpdir(), 'sluice-image-'));
  try {
    for (const [path, text] of Object.entries(files)) writeFileSync(join(context, path), text);
    for (const path of copies) cpSync(path, join(context, path.slice(path.lastIndexOf('/') + 1)));
    await docker(['build', '--quiet', '--tag', name, context]);
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
}

/** What runs or lies in such a tree of this machine is not part of the image. */
const LEFT_OUT = [
  'proc',
  'sys',
  'dev',
  'tmp',
  'run',
  'var/cache/apt',
  'var/lib/apt/lists',
  'var/lib/rabbitmq',
  'debootstrap',
];

async function importTree(root: string, name: string): Promise<void> {
  const excluded = LEFT_OUT.map((path) => `--exclude=./${path}/*`);
  const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  // A pipe of the shell's: between two children of ours it would have to go through this process.
  const pipe =
    'set -o pipefail; root=$1 name=$2 path=$3; shift 3; tar -c -C "$root" "$@" . | docker import --change "ENV $path" - "$name"';
  await run('bash', ['-c', pipe, 'import', root, name, path, ...excluded], { timeout: IMPORT_MS });
}
