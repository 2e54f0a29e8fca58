/**
 * The load generator as the run sees it: started once, kept for all cells, since a program that has just started is slower than one
 * that is warm. While it works this process only looks at what it and the broker use, so what the orchestration costs is in nobody's
 * figures, and a generator that is too busy to look at anything is still looked at.
 */

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { CellQuestion, MeasureCell, MeasuredCell } from '../load/measure-cell.ts';
import { OpenCalls } from '../open-calls.ts';
import { forkBeside, keepsHeap } from '../own-process.ts';
import type { RemoteTarget } from '../remote/index.ts';
import { cellLimitMs, NotMeasurable } from '../load/workload-run.ts';
import { observeHere, type UsageObserver, type UsageWatching } from '../usage/usage-observer.ts';
import type { WorkloadSpec } from '../workloads/index.ts';
import { NotInTime, withDeadline } from '../waiting.ts';
import type { Call, CellAnswer, FromGenerator, ToGenerator } from './protocol.ts';

const openMsMax = 60_000;
const ceilingMsMax = 30_000;
const closeMsMax = 10_000;

/** It ended, was killed or did not answer: the cell that it was at is broken, and another generator is needed. */
export class GeneratorGone extends Error {
  override readonly name = 'GeneratorGone';
}

/** A client could not be opened there: its cell is broken. */
export class ClientFailed extends Error {
  override readonly name = 'ClientFailed';
}

export class Generator {
  readonly #process: ChildProcess;
  readonly #calls = new OpenCalls<unknown>();
  readonly #watches = new Map<number, UsageWatching>();
  readonly #clients = new Set<string>();
  #observer: UsageObserver = observeHere([]);
  #onSample: CellQuestion['onSample'];
  #isGone = false;

  constructor() {
    this.#process = forkBeside(import.meta.url, 'generator-process', [keepsHeap]);
    this.#process.on('message', (message: FromGenerator) => this.#take(message));
    this.#process.on('error', (reason) => this.#end(reason.message));
    this.#process.on('exit', (code, signal) => this.#end(signal ?? `exit status ${code}`));
  }

  get pid(): number | null {
    return this.#isGone ? null : (this.#process.pid ?? null);
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** Messages a second against nothing, in that process. */
  async ceiling(spec: WorkloadSpec): Promise<number> {
    return (await this.#call({ call: 'ceiling', spec }, ceilingMsMax)) as number;
  }

  hasClient(client: string): boolean {
    return this.#clients.has(client);
  }

  /** A client for cells to come, under a name. */
  async open(client: string, target: RemoteTarget): Promise<void> {
    try {
      await this.#call({ call: 'open', client, target }, openMsMax);
    } catch (reason) {
      if (reason instanceof GeneratorGone) throw reason;
      throw new ClientFailed(`${client} could not be opened: ${(reason as Error).message}`, { cause: reason });
    }
    this.#clients.add(client);
  }

  /** Measures with a client that was opened; `brokerPids` are looked at from here. */
  measure(client: string, brokerPids: readonly number[]): MeasureCell {
    return async ({ onSample, ...question }) => {
      const { pid } = this.#process;
      this.#observer = observeHere(brokerPids, pid === undefined ? [] : [pid]);
      this.#onSample = onSample;
      const cell = { client, ...question };
      const answer = (await this.#call({ call: 'measure', cell }, cellLimitMs(question.spec))) as CellAnswer;
      if ('notMeasurable' in answer) throw new NotMeasurable(answer.notMeasurable);
      return answer satisfies MeasuredCell;
    };
  }

  /** Closes its clients and ends it, by force where it does not end. Idempotent. */
  async close(): Promise<void> {
    if (this.#isGone) return;
    await this.#call({ call: 'close' }, closeMsMax).catch(() => undefined);
    await this.kill();
  }

  async kill(): Promise<void> {
    if (this.#isGone) return;
    const gone = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await gone;
  }

  async #call(call: Call, deadlineMs: number): Promise<unknown> {
    const answered = this.#calls.ask((id) => this.#send({ ...call, id }));
    try {
      return await withDeadline(answered, deadlineMs);
    } catch (reason) {
      if (!(reason instanceof NotInTime)) throw reason;
      // One that does not answer cannot be asked for anything else.
      await this.kill();
      throw new GeneratorGone(`the generator did not answer: ${reason.message}`, { cause: reason });
    }
  }

  #send(message: ToGenerator): void {
    // A channel that closes meanwhile is told by the process's end.
    this.#process.send(message, () => {});
  }

  #take(message: FromGenerator): void {
    switch (message.kind) {
      case 'answer':
        this.#calls.answer(message.id, message.value);
        return;
      case 'failed':
        this.#calls.fail(message.id, new Error(message.message));
        return;
      case 'point':
        this.#onSample?.(message.point);
        return;
      case 'watch':
        this.#watches.set(message.watch, this.#observer.watch());
        return;
      case 'unwatch':
        void this.#unwatch(message.watch);
    }
  }

  async #unwatch(watch: number): Promise<void> {
    const usage = await this.#watches.get(watch)?.stop();
    this.#watches.delete(watch);
    if (usage !== undefined) this.#send({ call: 'used', watch, usage });
  }

  #end(how: string): void {
    if (this.#isGone) return;
    this.#isGone = true;
    for (const watching of this.#watches.values()) void watching.stop();
    this.#watches.clear();
    this.#calls.end(new GeneratorGone(`the generator ended: ${how}`));
  }
}
