/**
 * RabbitMQ as its own users drive it, with amqplib and without the port: one fanout exchange for a topic, one durable
 * queue of the wanted type for a subscription (a stream: one for the topic, read by all), a confirm channel with a
 * connection of its own, `noDelay`, prefetch, acks of many at once. A queue has no past: where a subscription starts is
 * simply when its queue was made, and that is what the scenarios are to see.
 */

import { type Channel, type ChannelModel, type ConfirmChannel, connect } from 'amqplib';
import type { Position, QueueType } from '../../adapters/index.ts';
import { persistenceOf } from '../systems/durability.ts';
import { settingNotes, settingsOf } from '../settings/index.ts';
import type { SystemId } from '../systems/system-ids.ts';
import {
  type QueueRules,
  type SendResult,
  type SubscriptionSpec,
  type TopicSpec,
  type Wire,
  type WireMessage,
  type WirePublisher,
  WireRefusal,
  rulesInWords,
} from '../systems/wire.ts';
import { consumeQueue } from './rabbitmq-consumer.ts';

export interface BareRabbitMqOptions {
  readonly system: SystemId;
  readonly name: string;
  readonly queueType: QueueType;
  readonly url: string;
  readonly version: string;
}

/** How a subscription is read: its own queue, or a place in the topic's stream that the client must remember. */
export interface QueueReader {
  readonly queue: string;
  readonly isStream: boolean;
  /** Queue of its dead letters; null without. */
  readonly deadLetters: string | null;
  /** Argument `x-stream-filter`: the broker leaves out chunks without this value, the client what else came in the others. */
  readonly streamFilter: string | null;
  /** Argument `x-stream-offset` of the next consumer; null for queues. */
  streamOffset: string | number | Date | null;
}

const socketOptions = { noDelay: true, keepAlive: true, timeout: 10_000 };

export async function openBareRabbitMq(options: BareRabbitMqOptions): Promise<Wire> {
  const publishing = await open(options.url);
  let consuming = await open(options.url);
  /** A broker may answer what a consumer did by closing its connection: the next consumer gets a new one. */
  const consumingNow = async () => {
    if (closed.has(consuming)) consuming = await open(options.url);
    return consuming;
  };
  const readers = new Map<string, QueueReader>();
  /** Confirmed publishes by topic: the end of its stream, since nobody else writes to it. */
  const confirmed = new Map<string, number>();
  const topics = new Map<string, TopicSpec>();
  const isStream = options.queueType === 'stream';

  return {
    system: options.system,
    name: options.name,
    layer: 'bare',
    product: 'RabbitMQ',
    version: options.version,
    capabilities: null,
    durability: { persistence: persistenceOf(options.name), copies: 1 },
    settings: settingsOf(options.name),
    notes: settingNotes(options.name),
    configuration: {
      client: 'amqplib, confirm channel, noDelay, persistent messages, separate connections',
      topology: isStream
        ? 'fanout exchange, one stream'
        : `fanout exchange, one durable ${options.queueType} queue for each subscription`,
    },
    publishModes: ['persistent', 'transient'],
    async createTopic(name, spec) {
      if (spec.copies !== undefined) throw new WireRefusal('broker_has_none', 'not asked of the bare client: one node');
      if (spec.isCompacted === true)
        throw new WireRefusal('broker_has_none', 'RabbitMQ keeps no latest message of a key');
      if (spec.isSynced === true && options.queueType !== 'quorum')
        throw new WireRefusal(
          'broker_has_none',
          `a ${options.queueType} queue cannot be asked to sync before the confirm`,
        );
      await onChannel(publishing, async (channel) => {
        await channel.assertExchange(name, spec.isRouted === true && !isStream ? 'topic' : 'fanout', { durable: true });
        for (const delayMs of spec.delaysMs ?? []) await makeDelay(channel, name, delayMs, options.queueType);
        if (!isStream) return;
        await channel.assertQueue(name, { durable: true, arguments: streamArguments(spec) });
        await channel.bindQueue(name, name, '');
      });
      topics.set(name, spec);
      confirmed.set(name, 0);
    },
    deadLettersOf(name) {
      const { deadLetters } = readerOf(readers, name);
      if (deadLetters === null)
        return Promise.reject(new WireRefusal('broker_has_none', 'a stream has no dead letters'));
      readers.set(deadLetters, { ...plainReader, queue: deadLetters });
      return Promise.resolve(deadLetters);
    },
    async deleteTopic(name) {
      await onChannel(publishing, async (channel) => {
        if (isStream) await channel.deleteQueue(name);
        for (const delayMs of topics.get(name)?.delaysMs ?? []) await channel.deleteQueue(delayQueue(name, delayMs));
        await channel.deleteExchange(name);
      });
    },
    async createSubscription(spec) {
      const place = { end: confirmed.get(spec.topic) ?? 0, bytesMax: topics.get(spec.topic)?.retention?.bytes };
      readers.set(spec.name, await makeReader(publishing, spec, options.queueType, place));
    },
    async deleteSubscription(name) {
      const reader = readerOf(readers, name);
      readers.delete(name);
      if (reader.isStream) return;
      await onChannel(publishing, async (channel) => {
        await channel.deleteQueue(reader.queue);
        if (reader.deadLetters !== null) await channel.deleteQueue(reader.deadLetters);
      });
    },
    async publisher(topic, { mode = 'persistent' } = {}) {
      const channel = await publishing.createConfirmChannel();
      channel.on('error', ignoreSinceCallbacksTell);
      return confirmPublisher(channel, {
        topic,
        isPersistent: mode === 'persistent',
        isFiltered: isStream && topics.get(topic)?.isRouted === true,
        noteConfirmed: () => confirmed.set(topic, (confirmed.get(topic) ?? 0) + 1),
      });
    },
    consume: async (name, consumeOptions) =>
      await consumeQueue(await consumingNow(), readerOf(readers, name), consumeOptions),
    seek(name, to) {
      const reader = readerOf(readers, name);
      // A queue keeps nothing to go back to; only asking with `x-stream-offset` gets an answer from the broker.
      reader.streamOffset = reader.isStream || to !== 'earliest' ? streamOffsetOf(to, 0) : null;
      return Promise.resolve();
    },
    async close() {
      for (const connection of [publishing, consuming]) if (!closed.has(connection)) await connection.close();
    },
  };
}

/** Each consumer listens to its connection's end until its channel is closed; RabbitMQ allows so many channels by default. */
const listenersMax = 2_047;

/** Connections that are over. */
const closed = new WeakSet<ChannelModel>();

async function open(url: string): Promise<ChannelModel> {
  const connection = await connect(url, socketOptions);
  // Without a listener an error event ends the process; every use below fails on its own and says so.
  connection.on('error', ignoreSinceCallbacksTell);
  connection.on('close', () => closed.add(connection));
  connection.setMaxListeners(listenersMax);
  return connection;
}

async function onChannel<T>(
  connection: ChannelModel,
  work: (channel: Awaited<ReturnType<ChannelModel['createChannel']>>) => Promise<T>,
): Promise<T> {
  const channel = await connection.createChannel();
  channel.on('error', ignoreSinceCallbacksTell);
  const result = await work(channel);
  await channel.close();
  return result;
}

const plainReader = { isStream: false, deadLetters: null, streamFilter: null, streamOffset: null } as const;

async function makeReader(
  connection: ChannelModel,
  spec: SubscriptionSpec,
  queueType: QueueType,
  { end, bytesMax }: { readonly end: number; readonly bytesMax: number | undefined },
): Promise<QueueReader> {
  const { name, topic, rules = {} } = spec;
  if (queueType === 'stream') {
    const { only = null, ...others } = rules;
    if (Object.keys(others).length > 0)
      throw new WireRefusal('broker_has_none', `a stream has no ${rulesInWords(others)}`);
    const streamOffset = streamOffsetOf(spec.start, end);
    return { queue: topic, isStream: true, deadLetters: null, streamFilter: only, streamOffset };
  }
  const deadLetters = rules.hasDeadLetters === true ? `${name}.dead` : null;
  // The limit counts deliveries after the first.
  const limit =
    spec.maxAttempts === undefined || queueType !== 'quorum' ? {} : { 'x-delivery-limit': spec.maxAttempts - 1 };
  try {
    await onChannel(connection, async (channel) => {
      const own = { 'x-queue-type': queueType };
      if (deadLetters !== null) await channel.assertQueue(deadLetters, { durable: true, arguments: own });
      const kept = bytesMax === undefined ? {} : { 'x-max-length-bytes': bytesMax };
      const all = { ...own, ...queueArguments(rules, deadLetters, queueType), ...limit, ...kept };
      await channel.assertQueue(name, { durable: true, arguments: all });
      await channel.bindQueue(name, topic, rules.only ?? '');
    });
  } catch (reason) {
    if (spec.rules === undefined) throw reason;
    throw new WireRefusal('broker_refused', String(reason), { cause: reason });
  }
  return { ...plainReader, queue: name, deadLetters };
}

function queueArguments(rules: QueueRules, deadLetters: string | null, queueType: QueueType): Record<string, unknown> {
  const { messageTtlMs, lengthMax, overflow, priorityMax } = rules;
  return {
    ...(messageTtlMs === undefined ? {} : { 'x-message-ttl': messageTtlMs }),
    ...(lengthMax === undefined ? {} : { 'x-max-length': lengthMax }),
    ...(overflow === undefined ? {} : { 'x-overflow': overflow }),
    // A quorum queue has priorities without being told.
    ...(priorityMax === undefined || queueType === 'quorum' ? {} : { 'x-max-priority': priorityMax }),
    ...(deadLetters === null ? {} : { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': deadLetters }),
  };
}

function streamArguments({ retention }: TopicSpec): Record<string, unknown> {
  if (retention === undefined) return { 'x-queue-type': 'stream' };
  return {
    'x-queue-type': 'stream',
    'x-max-length-bytes': retention.bytes,
    'x-stream-max-segment-size-bytes': retention.segmentBytes,
  };
}

/** The usual pattern for a delay: a queue whose messages expire into the exchange that they were meant for. */
async function makeDelay(channel: Channel, topic: string, delayMs: number, queueType: QueueType): Promise<void> {
  const type = queueType === 'classic' ? 'classic' : 'quorum';
  await channel.assertQueue(delayQueue(topic, delayMs), {
    durable: true,
    arguments: { 'x-queue-type': type, 'x-message-ttl': delayMs, 'x-dead-letter-exchange': topic },
  });
}

function delayQueue(topic: string, delayMs: number): string {
  return `${topic}.delay-${delayMs}`;
}

function streamOffsetOf(position: Position, end: number): string | number | Date {
  if (position === 'earliest') return 'first';
  if (position === 'latest') return end;
  if ('timestampMs' in position) return new Date(position.timestampMs);
  return position.offsets['0'] ?? 0;
}

function readerOf(readers: ReadonlyMap<string, QueueReader>, name: string): QueueReader {
  const reader = readers.get(name);
  if (reader === undefined) throw new WireRefusal('subscription_not_found', `no subscription ${name}`);
  return reader;
}

interface Publishing {
  readonly topic: string;
  readonly isPersistent: boolean;
  /** The key is also the value that a stream filters by. */
  readonly isFiltered: boolean;
  readonly noteConfirmed: () => void;
}

function confirmPublisher(channel: ConfirmChannel, publishing: Publishing): WirePublisher {
  return {
    publish(messages, settled) {
      for (const [index, message] of messages.entries()) publishOne(channel, publishing, message, index, settled);
    },
    async close() {
      // Rejects when something was nacked, which its own callback has told already.
      await channel.waitForConfirms().catch(ignoreSinceCallbacksTell);
      await channel.close().catch(ignoreSinceCallbacksTell);
    },
  };
}

function publishOne(
  channel: ConfirmChannel,
  { topic, isPersistent, isFiltered, noteConfirmed }: Publishing,
  message: WireMessage,
  index: number,
  settled: (index: number, result: SendResult) => void,
): void {
  const { key, value, headers, ttlMs, priority, delayMs } = message;
  const filter = isFiltered && key !== null ? { 'x-stream-filter-value': key } : {};
  const options = {
    persistent: isPersistent,
    ...(headers === undefined && !isFiltered ? {} : { headers: { ...headers, ...filter } }),
    ...(ttlMs === undefined ? {} : { expiration: ttlMs }),
    ...(priority === undefined ? {} : { priority }),
  };
  const [exchange, routingKey] = delayMs === undefined ? [topic, key ?? ''] : ['', delayQueue(topic, delayMs)];
  try {
    channel.publish(exchange, routingKey, value, options, (error: unknown) => {
      if (error === null || error === undefined) {
        noteConfirmed();
        settled(index, { fate: 'acked' });
      } else settled(index, failureOf(error));
    });
  } catch (reason) {
    // What cannot be put into frames, or a channel that is gone: nothing was sent.
    settled(index, { fate: 'refused', code: reason instanceof Error ? reason.message : String(reason) });
  }
}

/** A nack is a no; a channel that ended leaves it open. */
function failureOf(error: unknown): SendResult {
  const code = error instanceof Error ? error.message : String(error);
  return { fate: code === 'message nacked' ? 'refused' : 'unknown', code };
}

/** Each caller learns of the failure from its own promise or callback; the event only repeats it. */
function ignoreSinceCallbacksTell(): void {}
