/**
 * A gateway of the comparison: `sluice serve` in a process of its own, over the same broker as the other layers, with free ports and
 * its settings as they ship. What a row through it costs more than the port's is the price of the layer.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { keepsHeap } from '../own-process.ts';

export interface GatewayTarget {
  readonly backend: 'native' | 'rabbitmq' | 'kafka';
  readonly dataDir: string;
  readonly rabbitmqUrl: string | null;
  readonly kafkaBrokers: readonly string[] | null;
}

export interface GatewayProcess {
  readonly url: string;
  readonly grpcAddress: string;
  readonly pid: number | null;
  /** Idempotent; by force where it does not end. */
  readonly close: () => Promise<void>;
}

/** It must not outlive the run that began it, however that ends: the channel to it closes with its process. */
const endsWithItsParent = "data:text/javascript,process.on('disconnect',()=>process.exit(0))";

const startMsMax = 30_000;
const closeMsMax = 12_000;
const errorLinesKept = 5;

/** Resolves when it listens. Rejects with what it said where it does not start. */
export async function startGatewayProcess(target: GatewayTarget): Promise<GatewayProcess> {
  // `sluice serve` asks for it by itself (`src/cli.ts`), but not where something is loaded before, as it is here.
  const flags = [keepsHeap, '--import', endsWithItsParent];
  const child = spawn(process.execPath, [...flags, ...commandLine(), ...argumentsFor(target)], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: environmentFor(target),
  });
  const errors: string[] = [];
  child.stderr?.on('data', (chunk: Buffer) => {
    errors.push(
      ...chunk
        .toString()
        .split('\n')
        .filter((line) => line !== ''),
    );
    errors.splice(0, Math.max(0, errors.length - errorLinesKept));
  });
  const { url, grpcAddress } = await addressesOf(child, errors);
  return { url, grpcAddress, pid: child.pid ?? null, close: () => ended(child) };
}

async function addressesOf(child: ChildProcess, errors: readonly string[]) {
  if (child.stdout === null) throw new Error('the gateway has no standard output');
  const timer = setTimeout(() => void child.kill('SIGKILL'), startMsMax);
  const lines = createInterface({ input: child.stdout });
  try {
    for await (const line of lines) {
      const found = / on (?<url>http:\/\/\S+) and gRPC on (?<grpcAddress>\S+)$/.exec(line)?.groups;
      if (found?.['url'] === undefined || found['grpcAddress'] === undefined) continue;
      return { url: found['url'], grpcAddress: found['grpcAddress'] };
    }
    throw new Error(`the gateway did not start: ${errors.join(' ')}`);
  } finally {
    clearTimeout(timer);
    // What it says later is read and dropped: a full pipe would stop it.
    child.stdout.resume();
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => void child.kill('SIGKILL'), closeMsMax);
  await gone;
  clearTimeout(timer);
}

/** From the sources as from dist. */
function commandLine(): readonly string[] {
  const self = fileURLToPath(import.meta.url);
  const cli = join(self, '..', '..', '..', `cli${extname(self)}`);
  if (extname(self) !== '.ts') return [cli];
  return ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href, cli];
}

function argumentsFor({ backend, dataDir }: GatewayTarget): readonly string[] {
  return [
    'serve',
    '--backend',
    backend,
    '--data-dir',
    dataDir,
    '--host',
    '127.0.0.1',
    '--port',
    '0',
    '--grpc-port',
    '0',
  ];
}

/** Addresses may carry passwords, which everybody sees on a command line. Settings of the user's own gateway are not ours. */
function environmentFor({ rabbitmqUrl, kafkaBrokers }: GatewayTarget): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('SLUICE_'));
  return {
    ...Object.fromEntries(kept),
    ...(rabbitmqUrl === null ? {} : { SLUICE_RABBITMQ_URL: rabbitmqUrl }),
    ...(kafkaBrokers === null ? {} : { SLUICE_KAFKA_BROKERS: kafkaBrokers.join(',') }),
  };
}
