/**
 * A Docker engine of our own: Debian's dockerd as a child, with its data, its socket and its bridge in places of this run, and nothing of the machine
 * changed: no packet filter, no forwarding. Ports are published by its own proxy, on 127.0.0.1. Ended by its process id.
 */

import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { dockerAnswers } from '../../src/brokers/docker-engine.ts';
import { waitUntil } from '../../src/brokers/processes.ts';

const run = promisify(execFile);
const START_MS = 30_000;
const END_MS = 30_000;
const COMMAND_MS = 600_000;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
/** Of the bridge: containers have addresses in it, in network namespaces that the engine makes. One of its own for each run. */
const BRIDGE_ADDRESS = `10.213.${process.pid % 256}.1/24`;
/** The port of a service that swallows what it is sent, and that nobody runs. */
const NO_PROXY_THERE = 'http://127.0.0.1:9';
/** The first has BuildKit in it; a newer one in the path wants a plugin for that. */
const CLIENTS = ['/usr/bin/docker', 'docker'];

export interface Said {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the client against the engine of this run. Rejects, with what it said, when its status is not 0. */
export async function docker(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Said> {
  const client = CLIENTS.find((path) => existsSync(path)) ?? 'docker';
  return await run(client, args, {
    env: { ...process.env, DOCKER_BUILDKIT: '1', ...environment },
    timeout: COMMAND_MS,
    maxBuffer: OUTPUT_BYTES_MAX,
  });
}

export class Engine {
  readonly directory: string;
  readonly #bridge: string;
  readonly #process: ChildProcess;
  readonly #ended: Promise<void>;

  private constructor(directory: string, bridge: string) {
    this.directory = directory;
    this.#bridge = bridge;
    const log = openSync(join(directory, 'dockerd.log'), 'a');
    const data = ['--data-root', join(directory, 'data'), '--exec-root', join(directory, 'exec')];
    const network = [
      '--bridge',
      bridge,
      '--iptables=false',
      '--ip6tables=false',
      '--ip-masq=false',
      '--ip-forward=false',
    ];
    this.#process = spawn(
      'dockerd',
      ['--host', socketOf(directory), '--pidfile', join(directory, 'dockerd.pid'), ...data, ...network],
      // What is not here is nowhere: a pull fails at once, and nobody outside is asked.
      { stdio: ['ignore', log, log], env: { ...process.env, HTTP_PROXY: NO_PROXY_THERE, HTTPS_PROXY: NO_PROXY_THERE } },
    );
    this.#ended = new Promise((resolve) => this.#process.once('close', () => resolve()));
    // Interrupted, a run of vitest does not tear down what it set up.
    process.once('exit', () => {
      if (this.#process.exitCode !== null) return;
      this.#process.kill('SIGTERM');
      spawnSync('ip', ['link', 'delete', this.#bridge]);
    });
  }

  /** Resolves when it answers; from then on DOCKER_HOST of this process and of its children is this engine. */
  static async start(): Promise<Engine> {
    if (process.getuid?.() !== 0) throw new Error('these tests start a Docker engine, which needs root');
    if (!existsSync('/usr/sbin/dockerd'))
      throw new Error(
        'these tests need Debian’s Docker: apt-get install --no-install-recommends docker.io docker-compose debootstrap',
      );
    const directory = mkdtempSync(join(tmpdir(), 'sluice-docker-'));
    mkdirSync(join(directory, 'data'));
    const bridge = `sluice-${process.pid % 1_000_000}`;
    await run('ip', ['link', 'add', bridge, 'type', 'bridge']);
    await run('ip', ['address', 'add', BRIDGE_ADDRESS, 'dev', bridge]);
    await run('ip', ['link', 'set', bridge, 'up']);
    process.env['DOCKER_HOST'] = socketOf(directory);
    const engine = new Engine(directory, bridge);
    if (await waitUntil(dockerAnswers, START_MS)) return engine;
    const log = readFileSync(join(directory, 'dockerd.log'), 'utf8').slice(-2_000);
    await engine.stop();
    throw new Error(`dockerd does not answer after ${START_MS} ms: ${log}`);
  }

  /** Ends it with all that runs in it, and removes what it had. */
  async stop(): Promise<void> {
    const { stdout } = await docker(['ps', '--quiet']).catch(() => ({ stdout: '' }));
    const running = stdout.split('\n').filter((id) => id !== '');
    if (running.length > 0) await docker(['kill', ...running]).catch(() => undefined);
    this.#process.kill('SIGTERM');
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), END_MS);
    await this.#ended;
    clearTimeout(timer);
    await run('ip', ['link', 'delete', this.#bridge]).catch(() => undefined);
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

function socketOf(directory: string): string {
  return `unix://${join(directory, 'docker.sock')}`;
}
