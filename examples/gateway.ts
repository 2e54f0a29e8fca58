/**
 * The gateway that an example talks to: the one at SLUICE_URL, or one of its own for as long as it runs, on the embedded log or on
 * the backend that `--backend` names. What an example makes has names of its own and is removed at the end, so that it can be run
 * again and again on the same broker.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { connect, type SluiceClient, type SubscriptionOptions, type TopicOptions } from 'sluice/client';

const startDeadlineMs = 60_000;
const exitUsage = 2;
const exitTerminated = 143;
const command = join(import.meta.dirname, '..', 'dist', 'cli.js');

export interface ExampleGateway extends AsyncDisposable {
  readonly client: SluiceClient;
  /** Such as `127.0.0.1:9090`; empty for a gateway that was there already. */
  readonly grpcAddress: string;
  /** `native`, `rabbitmq` or `kafka`. */
  readonly backend: string;
  /** What is left of the command line. */
  readonly files: readonly string[];
  /** The same word with the name of this run before it. */
  readonly named: (word: string) => string;
  /** Resolves with its name. */
  readonly topic: (word: string, options?: Omit<TopicOptions, 'name'>) => Promise<string>;
  readonly subscription: (
    word: string,
    topic: string,
    options?: Omit<SubscriptionOptions, 'name' | 'topic'>,
  ) => Promise<string>;
}

/** `--backend native|rabbitmq|kafka`, or SLUICE_URL (and SLUICE_TOKEN) for a gateway that runs already. */
export async function openGateway(example: string): Promise<ExampleGateway> {
  const { values, positionals } = argumentsGiven(example);
  const url = process.env['SLUICE_URL'];
  const own = url === undefined ? await OwnGateway.start(values.backend) : null;
  const token = process.env['SLUICE_TOKEN'];
  const client = connect(own?.url ?? url ?? '', token === undefined ? {} : { token });
  const prefix = `${example}-${Date.now().toString(36)}-`;
  const topics: string[] = [];
  const named = (word: string) => `${prefix}${word}`;
  const { backend } = await client.backend().catch((reason: Error) => {
    console.error(`${example}: ${reason.message}`);
    return process.exit(1);
  });
  console.log(`${example} on ${backend}, by the gateway at ${client.url}\n`);
  return {
    client,
    grpcAddress: own?.grpcAddress ?? '',
    backend,
    files: positionals,
    named,
    async topic(word, options = {}) {
      const { name } = await client.topics.create({ name: named(word), ...options });
      topics.push(name);
      return name;
    },
    async subscription(word, topic, options = {}) {
      const { name } = await client.subscriptions.create({ name: named(word), topic, ...options });
      return name;
    },
    async [Symbol.asyncDispose]() {
      // The directory of an own log goes as a whole.
      if (own === null || backend !== 'native') await removeTopics(client, prefix, topics);
      await own?.stop();
    },
  };
}

function argumentsGiven(example: string) {
  try {
    return parseArgs({ options: { backend: { type: 'string' } }, allowPositionals: true });
  } catch (reason) {
    console.error(`${example}: ${(reason as Error).message}`);
    process.exit(exitUsage);
  }
}

/** With their subscriptions; and the dead letters, which are topics too. */
async function removeTopics(client: SluiceClient, prefix: string, topics: readonly string[]): Promise<void> {
  for (const name of topics) await client.topics.delete(name);
  const left = (await client.topics.list()).filter(({ name }) => name.startsWith(prefix));
  for (const { name } of left) await client.topics.delete(name);
}

/** `sluice serve` on free ports, with a directory that goes away with it. */
class OwnGateway {
  url = '';
  grpcAddress = '';
  readonly #dataDir: string;
  readonly #process: ChildProcess;
  readonly #ended: Promise<number | null>;
  #output = '';

  private constructor(dataDir: string, backend: string | undefined) {
    this.#dataDir = dataDir;
    const args = ['serve', '--port', '0', '--grpc-port', '0', '--data-dir', dataDir];
    this.#process = spawn(
      process.execPath,
      [command, ...args, ...(backend === undefined ? [] : ['--backend', backend])],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    this.#ended = new Promise((resolve) => this.#process.once('close', resolve));
    // An example that breaks leaves nothing behind: no process and no directory.
    process.once('exit', () => {
      this.#process.kill('SIGKILL');
      rmSync(dataDir, { recursive: true, force: true });
    });
    process.once('SIGTERM', () => process.exit(exitTerminated));
    for (const stream of [this.#process.stdout, this.#process.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.#output += chunk.toString();
        this.#process.emit('output');
      });
  }

  static async start(backend: string | undefined): Promise<OwnGateway> {
    const gateway = new OwnGateway(await mkdtemp(join(tmpdir(), 'sluice-example-')), backend);
    const isUp = await gateway.#isUp();
    if (!isUp) {
      await gateway.stop();
      console.error(gateway.#output.trim());
      process.exit(1);
    }
    gateway.url = / on (http:\/\/\S+)/.exec(gateway.#output)?.[1] ?? '';
    gateway.grpcAddress = / gRPC on (\S+)/.exec(gateway.#output)?.[1] ?? '';
    return gateway;
  }

  async stop(): Promise<void> {
    this.#process.kill('SIGTERM');
    await this.#ended;
    rmSync(this.#dataDir, { recursive: true, force: true });
  }

  /** Its last line says that it serves. */
  async #isUp(): Promise<boolean> {
    return await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), startDeadlineMs);
      const done = (isUp: boolean) => {
        clearTimeout(timer);
        resolve(isUp);
      };
      this.#process.on('output', () => {
        if (this.#output.includes('Ctrl-C ends it.')) done(true);
      });
      this.#process.once('close', () => done(false));
    });
  }
}
