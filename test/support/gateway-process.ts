/** `sluice serve` as a process of its own: for tests that kill it, stop it, or have several. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
const START_MS = 60_000;
/** What is built starts several times as fast as the sources; `npm test` has built it already. */
let isBuilt = false;

export interface HttpAnswer {
  readonly status: number;
  readonly json: ReturnType<typeof JSON.parse>;
}

export class GatewayProcess {
  readonly #process: ChildProcess;
  /** Resolves with the exit status; null when a signal ended it. */
  readonly exit: Promise<number | null>;
  #output = '';
  url = '';
  grpcAddress = '';

  private constructor(args: readonly string[]) {
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SLUICE_')));
    if (!isBuilt) spawnSync(process.execPath, ['scripts/build-if-needed.mjs'], { cwd: root, stdio: 'inherit' });
    isBuilt = true;
    this.#process = spawn(process.execPath, ['dist/cli.js', 'serve', ...args], {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.exit = new Promise((done) => this.#process.once('close', done));
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
    }
  }

  /** Resolves when it serves. Throws with what it said when it does not. */
  static async start(args: readonly string[]): Promise<GatewayProcess> {
    const gateway = new GatewayProcess(args);
    const deadline = performance.now() + START_MS;
    let hasEnded = false;
    void gateway.exit.then(() => (hasEnded = true));
    while (!gateway.#output.includes('Ctrl-C ends it.')) {
      if (hasEnded || performance.now() > deadline) {
        gateway.kill('SIGKILL');
        throw new Error(`serve did not start: ${gateway.#output}`);
      }
      await new Promise((done) => setTimeout(done, 20));
    }
    gateway.url = / on (http:\/\/[^\s]+)/.exec(gateway.#output)?.[1] ?? '';
    gateway.grpcAddress = / gRPC on (\S+)/.exec(gateway.#output)?.[1] ?? '';
    return gateway;
  }

  get output(): string {
    return this.#output;
  }

  kill(signal: 'SIGKILL' | 'SIGTERM' | 'SIGINT'): void {
    this.#process.kill(signal);
  }

  async post(path: string, body: unknown): Promise<HttpAnswer> {
    const answer = await fetch(`${this.url}/v1/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { status: answer.status, json: await answer.json() };
  }

  async get(path: string): Promise<HttpAnswer> {
    const answer = await fetch(`${this.url}${path}`);
    return { status: answer.status, json: await answer.json() };
  }
}
