/**
 * A wire whose system, or whose client, lives in a process of its own, so that it can be killed and paused. For brokers it is
 * a client that dies; for the embedded log it is the whole system, which is started again on its files.
 */

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { persistenceOf } from '../systems/durability.ts';
import { OpenCalls } from '../open-calls.ts';
import { forkBeside } from '../own-process.ts';
import { systemOf } from '../systems/system-ids.ts';
import {
  type ConsumeOptions,
  type SendResult,
  type Wire,
  type WireConsumer,
  type WireMessage,
  type WirePublisher,
  WireRefusal,
} from '../systems/wire.ts';
import type { Opened, RemoteDelivery, Reply, Request, SettleAction } from './protocol.ts';
import type { RemoteTarget } from './target.ts';

export interface ProcessWire extends Wire {
  /** SIGKILL; resolves when it is gone. What was published and not answered is `unknown`. */
  readonly kill: () => Promise<void>;
  /** A killed one again, on the same files and addresses; its publishers and consumers are gone. */
  readonly restart: () => Promise<void>;
  readonly pause: () => void;
  readonly resume: () => void;
  readonly pid: () => number | null;
}

const closeWaitMs = 10_000;

/** Resolves when the process runs and its wire is open. */
export async function openProcessWire(target: RemoteTarget): Promise<ProcessWire> {
  let child = new RemoteChild();
  let opened = await child.open(target);
  const system = systemOf(target.name);
  return {
    system,
    name: target.name,
    layer: target.layer,
    product: opened.product,
    version: opened.version,
    publishModes: opened.publishModes,
    capabilities: null,
    durability: { persistence: persistenceOf(target.name), copies: 1 },
    configuration: { client: 'in a process of its own' },
    createTopic: async (name, spec) => void (await child.call({ call: 'createTopic', name, spec })),
    deleteTopic: async (name) => void (await child.call({ call: 'deleteTopic', name })),
    createSubscription: async (spec) => void (await child.call({ call: 'createSubscription', spec })),
    deleteSubscription: async (name) => void (await child.call({ call: 'deleteSubscription', name })),
    deadLettersOf: async (name) => (await child.call({ call: 'deadLettersOf', name })) as string,
    publisher: (topic, options = {}) => child.publisher(topic, options),
    consume: (subscription, options) => child.consume(subscription, options),
    seek: async (name, to) => void (await child.call({ call: 'seek', name, to })),
    close: () => child.close(),
    kill: () => child.kill(),
    async restart() {
      await child.kill();
      child = new RemoteChild();
      opened = await child.open(target);
    },
    pause: () => child.signal('SIGSTOP'),
    resume: () => child.signal('SIGCONT'),
    pid: () => child.pid,
  };
}

type Call = Exclude<Request, { call: 'publish' | 'settle' }>;
/** Omit over a union keeps each member apart. */
type WithoutId<T> = T extends { readonly id: number } ? Omit<T, 'id'> : never;

class RemoteChild {
  readonly #process: ChildProcess;
  readonly #calls = new OpenCalls<unknown>();
  readonly #batches = new Map<number, (index: number, result: SendResult) => void>();
  readonly #open = new Map<number, Set<number>>();
  readonly #consumers = new Map<number, ConsumeOptions>();
  /** A consumer's first deliveries may come before the answer that names it. */
  readonly #early = new Map<number, RemoteDelivery[]>();
  #lastBatch = 0;
  #isGone = false;

  constructor() {
    this.#process = forkBeside(import.meta.url, 'wire-process');
    this.#process.on('message', (reply: Reply) => this.#take(reply));
    this.#process.on('error', () => this.#end());
    this.#process.on('exit', () => this.#end());
  }

  get pid(): number | null {
    return this.#isGone ? null : (this.#process.pid ?? null);
  }

  async open(target: RemoteTarget): Promise<Opened> {
    return (await this.call({ call: 'open', target })) as Opened;
  }

  async call(request: WithoutId<Call>): Promise<unknown> {
    return await this.#calls.ask((id) => this.#send({ ...request, id } as Request));
  }

  async publisher(topic: string, options: { readonly mode?: string }): Promise<WirePublisher> {
    const handle = (await this.call({ call: 'publisher', topic, options })) as number;
    return {
      publish: (messages, settled) => this.#publish(handle, messages, settled),
      close: async () => {
        if (!this.#isGone) await this.call({ call: 'closePublisher', handle });
      },
    };
  }

  async consume(subscription: string, options: ConsumeOptions): Promise<WireConsumer> {
    const { credit, settle } = options;
    const handle = (await this.call({ call: 'consume', subscription, credit, settle })) as number;
    this.#consumers.set(handle, options);
    for (const delivery of this.#early.get(handle) ?? []) this.#hand(handle, options, delivery);
    this.#early.delete(handle);
    return {
      close: async () => {
        if (!this.#isGone) await this.call({ call: 'closeConsumer', handle });
      },
    };
  }

  /** Closes the wire and ends the process, by force where it does not end. */
  async close(): Promise<void> {
    if (this.#isGone) return;
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), closeWaitMs);
    await this.call({ call: 'close' }).catch(() => undefined);
    clearTimeout(timer);
    await this.kill();
  }

  async kill(): Promise<void> {
    if (this.#isGone) return;
    const gone = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await gone;
  }

  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process.kill(name);
  }

  #publish(
    handle: number,
    messages: readonly WireMessage[],
    settled: (index: number, result: SendResult) => void,
  ): void {
    const batch = ++this.#lastBatch;
    if (this.#isGone) {
      for (const index of messages.keys()) settled(index, { fate: 'refused', code: 'process_gone' });
      return;
    }
    this.#batches.set(batch, settled);
    this.#open.set(batch, new Set(messages.keys()));
    this.#send({ call: 'publish', handle, batch, messages });
  }

  #send(request: Request): void {
    // A channel that closes meanwhile is told by the process's end.
    this.#process.send(request, () => {});
  }

  #take(reply: Reply): void {
    switch (reply.kind) {
      case 'answer':
        this.#calls.answer(reply.id, reply.value);
        return;
      case 'refused':
        this.#calls.fail(
          reply.id,
          reply.code === null ? new Error(reply.message) : new WireRefusal(reply.code, reply.message),
        );
        return;
      case 'settled':
        this.#settle(reply.batch, reply.index, reply.result);
        return;
      case 'delivery': {
        const options = this.#consumers.get(reply.handle);
        if (options !== undefined) this.#hand(reply.handle, options, reply.delivery);
        else this.#early.set(reply.handle, [...(this.#early.get(reply.handle) ?? []), reply.delivery]);
        return;
      }
      case 'consumerFailed':
        this.#consumers.get(reply.handle)?.onError(new Error(reply.message));
    }
  }

  #settle(batch: number, index: number, result: SendResult): void {
    this.#open.get(batch)?.delete(index);
    this.#batches.get(batch)?.(index, result);
    if (this.#open.get(batch)?.size !== 0) return;
    this.#open.delete(batch);
    this.#batches.delete(batch);
  }

  #hand(handle: number, options: ConsumeOptions, { number, value, headers, ...rest }: RemoteDelivery): void {
    const settle = (action: SettleAction) => {
      if (!this.#isGone) this.#send({ call: 'settle', handle, delivery: number, action });
    };
    options.onDelivery({
      ...rest,
      value: Buffer.from(value),
      headers: () => headers,
      ack: () => settle('ack'),
      nack: () => settle('nack'),
      reject: () => settle('reject'),
    });
  }

  #end(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#calls.end(new Error('the process is gone'));
    for (const [batch, indexes] of this.#open)
      for (const index of indexes) this.#settle(batch, index, { fate: 'unknown', code: 'process_gone' });
  }
}
