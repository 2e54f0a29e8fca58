/** A gateway in a container, as docs/DOCKER.md says to run it. */

import { setTimeout as delay } from 'node:timers/promises';
import { freePorts } from '../../src/brokers/ports.ts';
import { docker } from './engine.ts';

const READY_MS = 60_000;
const POLL_MS = 50;
const ANSWER_MS = 2_000;
const REQUEST_MS = 15_000;

interface State {
  readonly Status: string;
  readonly ExitCode: number;
  readonly Health?: { readonly Status: string; readonly Log: readonly { readonly Output: string }[] };
}

export class Container {
  readonly id: string;
  readonly url: string;

  private constructor(id: string, port: number) {
    this.id = id;
    this.url = `http://127.0.0.1:${port}`;
  }

  /** Read-only, without any capability, on a named volume; `options` go before the image's name. */
  static async start(volume: string, options: readonly string[] = []): Promise<Container> {
    const [port = 0] = await freePorts(1);
    const hardened = ['--read-only', '--cap-drop=ALL', '--security-opt=no-new-privileges'];
    const place = ['--publish', `127.0.0.1:${port}:8080`, '--volume', `${volume}:/var/lib/sluice`];
    const open = ['--env', 'SLUICE_ALLOW_UNAUTHENTICATED=true'];
    const { stdout } = await docker(['run', '--detach', ...hardened, ...place, ...open, ...options, 'sluice']);
    return new Container(stdout.trim(), port);
  }

  async ready(): Promise<void> {
    const deadline = performance.now() + READY_MS;
    while (!(await this.#answersReady())) {
      if (performance.now() > deadline || (await this.state()).Status === 'exited')
        throw new Error(`not ready: ${JSON.stringify(await this.state())} ${await this.logs()}`);
      await delay(POLL_MS);
    }
  }

  /** With a deadline: what connects to the proxy of a container that is not there yet may never be answered. */
  async #answersReady(): Promise<boolean> {
    try {
      return (await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(ANSWER_MS) })).ok;
    } catch {
      return false;
    }
  }

  async state(): Promise<State> {
    return JSON.parse((await docker(['inspect', '--format', '{{json .State}}', this.id])).stdout) as State;
  }

  async logs(): Promise<string> {
    const { stdout, stderr } = await docker(['logs', this.id]);
    return stdout + stderr;
  }

  async exec(...command: readonly string[]): Promise<string> {
    return (await docker(['exec', this.id, ...command])).stdout;
  }

  /** Resolves with the exit status once it has ended by itself. */
  async ended(): Promise<number> {
    return Number((await docker(['wait', this.id])).stdout);
  }

  async kill(): Promise<void> {
    await docker(['kill', '--signal=KILL', this.id]);
    await this.ended();
  }

  async again(): Promise<void> {
    await docker(['start', this.id]);
    await this.ready();
  }

  /** As `docker stop` does: SIGTERM, and SIGKILL ten seconds later. */
  async stop(): Promise<number> {
    await docker(['stop', '--time=10', this.id]);
    return (await this.state()).ExitCode;
  }

  async remove(): Promise<void> {
    await docker(['rm', '--force', '--volumes', this.id]);
  }

  async post(path: string, body: unknown): Promise<Response> {
    const headers = { 'content-type': 'application/json' };
    const signal = AbortSignal.timeout(REQUEST_MS);
    return await fetch(`${this.url}/v1/${path}`, { method: 'POST', headers, body: JSON.stringify(body), signal });
  }
}
