/**
 * Tools that know nothing of this project, on the same brokers: Kafka's own ProducerPerformance and EndToEndLatency, and a loop on
 * RabbitMQ's Java client. Each is a process of its own; what it prints is read here.
 */

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { installKafka, obtainJavaPrograms } from '../../brokers/index.ts';

const toolMs = 120_000;
const heap = '-Xmx512m';

export interface ProducerPerformance {
  readonly messagesPerSecond: number;
  /** Mean, from the call of `send` to the answer. */
  readonly latencyMs: number;
}

/** Where a tool goes, and what ends it before its time. */
interface KafkaToolOptions {
  readonly brokers: readonly string[];
  readonly signal: AbortSignal | undefined;
}

export interface ProducerPerformanceOptions extends KafkaToolOptions {
  readonly topic: string;
  readonly messageBytes: number;
  /** null: as many as it can. */
  readonly ratePerSecond: number | null;
  readonly messages: number;
  /** Of these, not counted. */
  readonly warmupMessages: number;
  readonly properties: Readonly<Record<string, string | number>>;
}

export async function producerPerformance(options: ProducerPerformanceOptions): Promise<ProducerPerformance> {
  const { brokers, topic, messageBytes, ratePerSecond, messages, warmupMessages, properties } = options;
  const flags = {
    'bootstrap-server': brokers.join(','),
    topic,
    'num-records': messages,
    'warmup-records': warmupMessages,
    'record-size': messageBytes,
    throughput: ratePerSecond ?? -1,
  };
  const settings = Object.entries(properties).map(([name, value]) => `${name}=${value}`);
  const said = await kafkaTool('ProducerPerformance', options.signal, flags, ['--command-property', ...settings]);
  return readProducerPerformance(said);
}

/** The line about the steady state; throws where there is none. */
export function readProducerPerformance(said: string): ProducerPerformance {
  const found = /steady state records sent, ([\d.]+) records\/sec .*?, ([\d.]+) ms avg latency/.exec(said);
  if (found === null) throw new Error(`ProducerPerformance said nothing of a steady state: ${said.slice(-300)}`);
  return { messagesPerSecond: Number(found[1]), latencyMs: Number(found[2]) };
}

/** Mean milliseconds from the send to the reception, one message at a time, the first ones included. */
export async function endToEndLatency(
  options: KafkaToolOptions & { readonly topic: string; readonly messageBytes: number; readonly messages: number },
): Promise<number> {
  const { brokers, topic, messageBytes, messages } = options;
  const said = await kafkaTool('EndToEndLatency', options.signal, {
    'bootstrap-server': brokers.join(','),
    topic,
    'num-records': messages,
    'producer-acks': 'all',
    'record-size': messageBytes,
  });
  return readEndToEndLatency(said);
}

export function readEndToEndLatency(said: string): number {
  const found = /Avg latency: ([\d.]+) ms/.exec(said);
  if (found === null) throw new Error(`EndToEndLatency told no average: ${said.slice(-300)}`);
  return Number(found[1]);
}

async function kafkaTool(
  name: string,
  signal: AbortSignal | undefined,
  flags: Readonly<Record<string, string | number>>,
  more: readonly string[] = [],
): Promise<string> {
  const lib = await installKafka(() => {});
  const given = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, String(value)]);
  return await run([heap, '-cp', join(lib, '*'), `org.apache.kafka.tools.${name}`, ...given, ...more], signal);
}

export interface AmqpLoop {
  readonly messagesPerSecond: number;
  /** Medians. */
  readonly endToEndMs: number;
  readonly confirmMs: number;
}

export interface AmqpLoopOptions {
  readonly url: string;
  readonly signal: AbortSignal | undefined;
  readonly queueType: 'quorum' | 'classic';
  readonly queue: string;
  readonly messageBytes: number;
  readonly window: number;
  readonly prefetch: number;
  readonly ackBatch: number;
  readonly ratePerSecond: number | null;
  readonly warmupMs: number;
  readonly measuredMs: number;
}

export async function amqpLoop(options: AmqpLoopOptions): Promise<AmqpLoop> {
  const { url, queueType, queue, messageBytes, window, prefetch, ackBatch, ratePerSecond } = options;
  const { classPath } = await obtainJavaPrograms([fileURLToPath(new URL('java', import.meta.url))], () => {});
  const numbers = [messageBytes, window, prefetch, ackBatch, ratePerSecond ?? 0, options.warmupMs, options.measuredMs];
  const args = [heap, '-cp', classPath, 'AmqpLoop', queueType, queue, ...numbers.map(String)];
  return readAmqpLoop(await run(args, options.signal, { AMQP_URL: url }));
}

export function readAmqpLoop(said: string): AmqpLoop {
  const found = /([\d.]+) messages\/s, ([\d.]+) ms to reception, ([\d.]+) ms to confirm/.exec(said);
  if (found === null) throw new Error(`the loop told no result: ${said.slice(-300)}`);
  return { messagesPerSecond: Number(found[1]), endToEndMs: Number(found[2]), confirmMs: Number(found[3]) };
}

async function run(
  args: readonly string[],
  signal: AbortSignal | undefined,
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const own = { env: { ...process.env, ...environment }, ...(signal === undefined ? {} : { signal }) };
  const { stdout } = await promisify(execFile)('java', args, { timeout: toolMs, maxBuffer: 16 * 1024 * 1024, ...own });
  return stdout;
}
