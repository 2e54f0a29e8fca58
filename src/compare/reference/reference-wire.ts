/**
 * The brokers' best clients as a wire: the vendors' own Java clients, in a process of their own. Scenarios drive it message by
 * message; the load of a workload is driven inside, since the way between the processes would be measured with it otherwise.
 */

import { fileURLToPath } from 'node:url';
import { BrokersError, type JavaPrograms, obtainJavaPrograms } from '../../brokers/index.ts';
import { persistenceOf } from '../systems/durability.ts';
import { backlogMax } from '../load/load-run.ts';
import type { DrivenLoad } from '../load/driven-load.ts';
import type { ProcessWire } from '../remote/index.ts';
import { type ReferenceName, referenceSystems } from '../systems/system-ids.ts';
import {
  type ConsumeOptions,
  type SendResult,
  type SubscriptionSpec,
  type WireConsumer,
  type WireMessage,
  type WirePublisher,
  WireRefusal,
} from '../systems/wire.ts';
import { driveLoad, type Driving, measureCeiling, warmUp } from './drive.ts';
import { type FrameReader, FrameWriter } from './frames.ts';
import { asked, JavaProcess } from './java-process.ts';

/** How the process gets to its broker; what is not there is the reason for no row. */
export interface ReferenceTarget {
  readonly rabbitmq: { readonly url: string; readonly version: string; readonly streams?: string } | null;
  readonly kafka: { readonly brokers: readonly string[]; readonly version: string } | null;
  readonly onProgress?: (line: string) => void;
  /** Beside those that lead to the broker: settings of Kafka's producer as `producer.<name>`, and what the client's class reads. */
  readonly clientOptions?: Readonly<Record<string, string>>;
  /** Otherwise than for a workload; cold: not warmed up. */
  readonly driving?: Partial<Driving> & { readonly isCold?: boolean };
  /** Of tests: a client of theirs in the place of ours, from sources beside ours. */
  readonly instead?: { readonly className: string; readonly sources: string };
}

/** There is no Java, no compiler or no client for it here: nothing is measured, and nothing is wrong. */
export class NoReference extends Error {
  override readonly name = 'NoReference';
}

const closeWaitMs = 10_000;
const ownSources = fileURLToPath(new URL('java', import.meta.url));

/** Rejects with NoReference where it cannot be had on this machine or of this broker. */
export async function openReferenceWire(name: ReferenceName, target: ReferenceTarget): Promise<ProcessWire> {
  const client = clientOf(name, target);
  const programs = await javaPrograms(target);
  const system = referenceSystems[name];
  let link = new Link(programs);
  let settings = await link.open(client);
  let isClosed = false;
  const restart = async () => {
    await link.java.kill();
    link = new Link(programs);
    settings = await link.open(client);
  };
  /** One that ended in the middle of a load costs that row, not those after it. */
  const alive = async () => {
    if (link.java.pid === null && !isClosed) await restart();
    return link.java;
  };
  const version = (system === 'kafka' ? target.kafka : target.rabbitmq)?.version ?? 'unknown';
  const { java, libraries } = programs;
  return {
    system,
    name,
    layer: 'reference',
    product: system === 'kafka' ? 'Apache Kafka' : 'RabbitMQ',
    version,
    capabilities: null,
    durability: { persistence: persistenceOf(system), copies: 1 },
    get configuration() {
      return {
        ...settings,
        libraries: client.libraries.map((library) => `${library} ${libraries[library] ?? 'unknown'}`).join(', '),
        java: `${java}, jars sha256 ${programs.jarsDigest.slice(0, 16)}`,
      };
    },
    publishModes: ['usual'],
    notes: [`by a Java program in a process of its own; "event loop" is the busiest thread of it`],
    async createTopic(topic, spec) {
      const { partitions, ...more } = spec;
      refuse(more, 'the reference programs make plain topics');
      await (await alive()).call(asked.createTopic, (frame) => frame.text(topic).int(partitions));
    },
    deleteTopic: async (topic) => void (await (await alive()).call(asked.deleteTopic, (frame) => frame.text(topic))),
    async createSubscription(spec) {
      await link.java.call(asked.createSubscription, (frame) => writeSubscription(frame, spec));
    },
    deleteSubscription: async (subscription) =>
      void (await (await alive()).call(asked.deleteSubscription, (frame) => frame.text(subscription))),
    deadLettersOf: () => Promise.reject(new WireRefusal('broker_has_none', `${name} has no dead letters`)),
    publisher: (topic) => link.publisher(topic),
    consume: (subscription, options) => link.consume(subscription, options),
    seek: () => Promise.reject(new WireRefusal('broker_has_none', 'not asked of the reference programs')),
    async drive(load) {
      const { isCold = false, ...driving } = target.driving ?? {};
      const generatorCeiling = isCold ? null : await link.prepared(load);
      return await driveLoad(link.java, load, { backlogMax, countsFromSend: false, ...driving, generatorCeiling });
    },
    async close() {
      isClosed = true;
      await link.close();
    },
    kill: () => link.java.kill(),
    restart,
    pause: () => link.java.signal('SIGSTOP'),
    resume: () => link.java.signal('SIGCONT'),
    pid: () => link.java.pid,
  };
}

async function javaPrograms({ instead, onProgress = () => {} }: ReferenceTarget): Promise<JavaPrograms> {
  try {
    return await obtainJavaPrograms([ownSources, ...(instead === undefined ? [] : [instead.sources])], onProgress);
  } catch (reason) {
    if (reason instanceof BrokersError && reason.code === 'unavailable')
      throw new NoReference(reason.message, { cause: reason });
    throw reason;
  }
}

// ------------------------------------------------------------------------------------------------ which client

interface ClientChoice {
  readonly className: string;
  readonly options: Readonly<Record<string, string>>;
  readonly libraries: readonly string[];
}

function clientOf(name: ReferenceName, target: ReferenceTarget): ClientChoice {
  const own = ownClientOf(name, target);
  const options = { ...own.options, ...target.clientOptions };
  return { ...own, options, className: target.instead?.className ?? own.className };
}

function ownClientOf(name: ReferenceName, { rabbitmq, kafka }: ReferenceTarget): ClientChoice {
  if (referenceSystems[name] === 'kafka') {
    if (kafka === null) throw new NoReference('no Kafka');
    const className = name === 'kafka-share' ? 'KafkaShare' : 'KafkaGroups';
    return { className, options: { brokers: kafka.brokers.join(',') }, libraries: ['kafka-clients'] };
  }
  if (rabbitmq === null) throw new NoReference('no RabbitMQ');
  if (name === 'rabbitmq-stream-protocol') return streamClient(rabbitmq);
  const queueType = name === 'rabbitmq-classic-java' ? 'classic' : 'quorum';
  return { className: 'RabbitQueues', options: { url: rabbitmq.url, queueType }, libraries: ['amqp-client'] };
}

function streamClient({ url, streams }: NonNullable<ReferenceTarget['rabbitmq']>): ClientChoice {
  if (streams === undefined)
    throw new NoReference(
      'this RabbitMQ has no known listener for the stream protocol (plugin rabbitmq_stream); one that the comparison starts itself as a process has',
    );
  const { username, password, pathname } = new URL(url);
  const vhost = pathname.length > 1 ? decodeURIComponent(pathname.slice(1)) : '/';
  const [host = '', port = ''] = streams.split(':');
  const login = { user: decodeURIComponent(username), password: decodeURIComponent(password) };
  return { className: 'RabbitStreams', options: { host, port, vhost, ...login }, libraries: ['stream-client'] };
}

/** Nothing that was asked for is ignored. */
function refuse(more: object, why: string): void {
  const named = Object.entries(more).flatMap(([field, value]) => (value === undefined ? [] : [field]));
  if (named.length > 0) throw new WireRefusal('broker_has_none', `${why}: no ${named.join(', ')}`);
}

function writeSubscription(frame: FrameWriter, { name, topic, start, maxAttempts, rules }: SubscriptionSpec): void {
  if (rules !== undefined) refuse(rules, 'the reference programs make plain subscriptions');
  if (start !== 'earliest' && start !== 'latest')
    throw new WireRefusal('broker_has_none', 'the reference programs start at an end of the topic');
  frame
    .text(name)
    .text(topic)
    .boolean(start === 'earliest')
    .int(maxAttempts ?? 0);
}

// ------------------------------------------------------------------------------------------------ message by message

const settlements = { ack: 0, nack: 1, reject: 2 } as const;
const fateNames = ['acked', 'refused', 'unknown'] as const;

interface OpenBatch {
  readonly first: number;
  readonly open: Set<number>;
  readonly settled: (index: number, result: SendResult) => void;
}

/** One process and what is open in it. */
class Link {
  readonly java: JavaProcess;
  /** By the size of a payload. */
  readonly #ceilings = new Map<number, number>();
  /** By publisher. */
  readonly #batches = new Map<number, OpenBatch[]>();
  readonly #consumers = new Map<number, ConsumeOptions>();
  /** Of consumers whose opening is not answered yet. */
  readonly #early = new Map<number, FrameReader[]>();

  constructor(programs: JavaPrograms) {
    this.java = new JavaProcess(programs, {
      settled: (publisher, index, fate, code) => this.#settled(publisher, index, fate, code),
      delivery: (consumer, fields) => this.#delivered(consumer, fields),
      consumerFailed: (consumer, reason) => this.#consumers.get(consumer)?.onError(new Error(reason)),
      ended: () => this.#ended(),
    });
  }

  async open({ className, options }: ClientChoice): Promise<Readonly<Record<string, string>>> {
    const entries = Object.entries(options);
    const fields = await this.java.call(asked.open, (frame) => {
      frame.text(className).int(entries.length);
      for (const [key, value] of entries) frame.text(key).text(value);
    });
    const count = fields.int();
    return Object.fromEntries(Array.from({ length: count }, () => [fields.text(), fields.text()]));
  }

  async publisher(topic: string): Promise<WirePublisher> {
    const handle = (await this.java.call(asked.publisher, (frame) => frame.text(topic))).int();
    this.#batches.set(handle, []);
    let next = 0;
    return {
      publish: (messages, settled) => {
        if (messages.some(isMoreThanPlain)) {
          for (const index of messages.keys()) settled(index, { fate: 'refused', code: 'broker_has_none' });
          return;
        }
        const first = next;
        next += messages.length;
        this.#batches.get(handle)?.push({ first, open: new Set(messages.keys()), settled });
        const frame = new FrameWriter(asked.publish).int(handle).int(first).int(messages.length);
        for (const { key, value } of messages) frame.bytes(key === null ? null : Buffer.from(key)).bytes(value);
        if (!this.java.tell(frame))
          for (const index of messages.keys()) settled(index, { fate: 'refused', code: 'process_gone' });
      },
      close: async () => {
        if (this.java.pid !== null) await this.java.call(asked.closePublisher, (frame) => frame.int(handle));
      },
    };
  }

  async consume(subscription: string, options: ConsumeOptions): Promise<WireConsumer> {
    const { settle, credit } = options;
    if (settle.kind === 'before')
      throw new WireRefusal('broker_has_none', 'the reference programs are not asked to take at most once');
    const ackBatch = settle.kind === 'batch' ? settle.ackBatch : 0;
    const fields = await this.java.call(asked.consume, (frame) => frame.text(subscription).int(credit).int(ackBatch));
    const handle = fields.int();
    this.#consumers.set(handle, options);
    for (const early of this.#early.get(handle) ?? []) this.#hand(handle, options, early);
    this.#early.delete(handle);
    return {
      close: async () => {
        if (this.java.pid !== null) await this.java.call(asked.closeConsumer, (frame) => frame.int(handle));
      },
    };
  }

  /** Warm, once for each size of payload; resolves with what the program does against nothing. */
  async prepared({ spec, topic }: DrivenLoad): Promise<number> {
    const known = this.#ceilings.get(spec.messageBytes);
    if (known !== undefined) return known;
    const ceiling = await measureCeiling(this.java, spec);
    const warm = `${topic}-warm`;
    const subscription = { name: `${warm}-s`, topic: warm, start: 'latest', ordering: 'none' } as const;
    await this.java.call(asked.createTopic, (frame) => frame.text(warm).int(spec.partitions));
    await this.java.call(asked.createSubscription, (frame) => writeSubscription(frame, subscription));
    await warmUp(this.java, spec, warm, subscription.name);
    await this.java.call(asked.deleteSubscription, (frame) => frame.text(subscription.name));
    await this.java.call(asked.deleteTopic, (frame) => frame.text(warm));
    this.#ceilings.set(spec.messageBytes, ceiling);
    return ceiling;
  }

  /** Closes the client and ends the process, by force where it does not end. */
  async close(): Promise<void> {
    if (this.java.pid === null) return;
    const timer = setTimeout(() => void this.java.kill(), closeWaitMs);
    await this.java.call(asked.close).catch(() => undefined);
    clearTimeout(timer);
    await this.java.kill();
  }

  #settled(publisher: number, number: number, fate: number, code: string): void {
    const batches = this.#batches.get(publisher) ?? [];
    const batch = batches.find(({ first, open }) => number >= first && open.has(number - first));
    if (batch === undefined) return;
    batch.open.delete(number - batch.first);
    if (batch.open.size === 0) batches.splice(batches.indexOf(batch), 1);
    const name = fateNames[fate] ?? 'unknown';
    batch.settled(number - batch.first, name === 'acked' ? { fate: name } : { fate: name, code });
  }

  #delivered(consumer: number, fields: FrameReader): void {
    const options = this.#consumers.get(consumer);
    if (options !== undefined) this.#hand(consumer, options, fields);
    else this.#early.set(consumer, [...(this.#early.get(consumer) ?? []), fields]);
  }

  #hand(consumer: number, options: ConsumeOptions, fields: FrameReader): void {
    const token = fields.long();
    const partition = fields.int();
    const offset = fields.long();
    const attempt = fields.int();
    const redelivered = fields.byte();
    const key = fields.bytes();
    const value = fields.bytes();
    const settle = (how: keyof typeof settlements) => () =>
      void this.java.tell(new FrameWriter(asked.settle).int(consumer).long(token).byte(settlements[how]));
    options.onDelivery({
      key: key === null ? null : key.toString(),
      value: value ?? Buffer.alloc(0),
      partition,
      offset: offset < 0 ? null : offset,
      attempt: attempt === 0 ? null : attempt,
      isRedelivered: redelivered < 0 ? null : redelivered === 1,
      headers: () => ({}),
      ack: settle('ack'),
      nack: settle('nack'),
      reject: settle('reject'),
    });
  }

  #ended(): void {
    for (const batches of this.#batches.values())
      for (const { open, settled } of batches)
        for (const index of open) settled(index, { fate: 'unknown', code: 'process_gone' });
    this.#batches.clear();
  }
}

function isMoreThanPlain({ headers, ttlMs, priority, delayMs }: WireMessage): boolean {
  return [headers, ttlMs, priority, delayMs].some((asked) => asked !== undefined);
}
