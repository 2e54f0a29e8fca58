/** Processes of tests: started with our sources, ended by their id, with what they said until then. */

import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

export class Child {
  readonly #process: ChildProcess;
  readonly #ended: Promise<void>;
  #output = '';
  #errors = '';
  #waiters: (() => void)[] = [];

  constructor(script: string, ...args: string[]);
  /** `under`: a program, with its arguments, that becomes the process given behind them. */
  constructor(script: { readonly name: string; readonly under: readonly string[] }, ...args: string[]);
  constructor(script: string | { readonly name: string; readonly under: readonly string[] }, ...args: string[]) {
    const { name, under } = typeof script === 'string' ? { name: script, under: [] } : script;
    const node = [process.execPath, '--import', 'tsx', join(import.meta.dirname, name), ...args];
    const [program = process.execPath, ...rest] = [...under, ...node];
    // One thread for files: what is injected into the n-th call of a thread is then injected into the n-th of all.
    const env = under.length === 0 ? process.env : { ...process.env, UV_THREADPOOL_SIZE: '1' };
    this.#process = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'], env });
    this.#process.stdout?.on('data', (chunk: Buffer) => {
      this.#output += chunk.toString();
      this.#wake();
    });
    this.#process.stderr?.on('data', (chunk: Buffer) => {
      this.#errors += chunk.toString();
    });
    // `close`: both pipes were read to their ends.
    this.#ended = new Promise((resolve) => this.#process.once('close', () => resolve()));
    void this.#ended.then(() => this.#wake());
  }

  get pid(): number {
    return this.#process.pid ?? -1;
  }

  /** Whole lines: the last one may have been cut by the kill. */
  get lines(): string[] {
    return this.#output.split('\n').slice(0, -1);
  }

  /** Resolves when it has said at least so much; rejects when it ends before, or at the deadline. */
  async said(isEnough: (output: string) => boolean, deadlineMs = 20_000): Promise<void> {
    let isLate = false;
    const deadline = setTimeout(() => {
      isLate = true;
      this.#wake();
    }, deadlineMs);
    try {
      while (!isEnough(this.#output)) {
        if (this.#process.exitCode !== null || isLate)
          throw new Error(`said only: ${this.#output.slice(-500)} ${this.#errors}`);
        await new Promise<void>((resolve) => this.#waiters.push(resolve));
      }
    } finally {
      clearTimeout(deadline);
    }
  }

  /** It ends by itself. */
  async ended(): Promise<void> {
    await this.#ended;
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended;
  }

  #wake(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }
}
