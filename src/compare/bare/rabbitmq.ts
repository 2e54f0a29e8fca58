/**
 * RabbitMQ as its own users drive it, with amqplib and without the port: one fanout exchange for a topic, one durable
 * queue of the wanted type for a subscription (a stream: one for the topic, read by all), a confirm channel with a
 * connection of its own, `noDelay`, prefetch, acks of many at once. A queue has no past: where a subscription starts is
 * simply when its queue was made, and that is what the scenarios are to see.
 */

import { type ChannelModel, type ConfirmChannel, connect } from 'amqplib';
import type { Position, QueueType } from '../../adapters/index.ts';
import { persistenceOf } from '../durability.ts';
import type { SystemId } from '../system-ids.ts';
import {
  type SendResult,
  type SubscriptionSpec,
  type Wire,
  type WireMessage,
  type WirePublisher,
  WireRefusal,
} from '../wire.ts';
import { consumeQueue } from './rabbitmq-consumer.ts';

export interface BareRabbitMqOptions {
  readonly system: SystemId;
  readonly queueType: QueueType;
  readonly url: string;
  readonly version: string;
}

/** How a subscription is read: its own queue, or a place in the topic's stream that the client must remember. */
export interface QueueReader {
  readonly queue: string;
  readonly isStream: boolean;
  /** Argument `x-stream-offset` of the next consumer; null for queues. */
  streamOffset: string | number | Date | null;
}

const socketOptions = { noDelay: true, keepAlive: true, timeout: 10_000 };

export async function openBareRabbitMq(options: BareRabbitMqOptions): Promise<Wire> {
  const publishing = await open(options.url);
  const consuming = await open(options.url);
  const readers = new Map<string, QueueReader>();
  /** Confirmed publishes by topic: the end of its stream, since nobody else writes to it. */
  const confirmed = new Map<string, number>();
  const isStream = options.queueType === 'stream';

  return {
    system: options.system,
    layer: 'bare',
    product: 'RabbitMQ',
    version: options.version,
    capabilities: null,
    durability: { persistence: persistenceOf(options.system), copies: 1 },
    configuration: {
      client: 'amqplib, confirm channel, noDelay, persistent messages, separate connections',
      topology: isStream
        ? 'fanout exchange, one stream'
        : `fanout exchange, one durable ${options.queueType} queue for each subscription`,
    },
    async createTopic(name) {
      await onChannel(publishing, async (channel) => {
        await channel.assertExchange(name, 'fanout', { durable: true });
        if (!isStream) return;
        await channel.assertQueue(name, { durable: true, arguments: { 'x-queue-type': 'stream' } });
        await channel.bindQueue(name, name, '');
      });
      confirmed.set(name, 0);
    },
    async deleteTopic(name) {
      await onChannel(publishing, async (channel) => {
        if (isStream) await channel.deleteQueue(name);
        await channel.deleteExchange(name);
      });
    },
    async createSubscription(spec) {
      readers.set(spec.name, await makeReader(publishing, spec, options.queueType, confirmed.get(spec.topic) ?? 0));
    },
    async deleteSubscription(name) {
      const reader = readerOf(readers, name);
      readers.delete(name);
      if (!reader.isStream) await onChannel(publishing, (channel) => channel.deleteQueue(reader.queue));
    },
    async publisher(topic) {
      const channel = await publishing.createConfirmChannel();
      channel.on('error', ignoreSinceCallbacksTell);
      return confirmPublisher(channel, topic, () => confirmed.set(topic, (confirmed.get(topic) ?? 0) + 1));
    },
    consume: (name, consumeOptions) => consumeQueue(consuming, readerOf(readers, name), consumeOptions),
    seek(name, to) {
      const reader = readerOf(readers, name);
      // A queue keeps nothing to go back to; only asking with `x-stream-offset` gets an answer from the broker.
      reader.streamOffset = reader.isStream || to !== 'earliest' ? streamOffsetOf(to, 0) : null;
      return Promise.resolve();
    },
    async close() {
      await Promise.all([publishing.close(), consuming.close()]);
    },
  };
}

async function open(url: string): Promise<ChannelModel> {
  const connection = await connect(url, socketOptions);
  // Without a listener an error event ends the process; every use below fails on its own and says so.
  connection.on('error', ignoreSinceCallbacksTell);
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

async function makeReader(
  connection: ChannelModel,
  spec: SubscriptionSpec,
  queueType: QueueType,
  end: number,
): Promise<QueueReader> {
  if (queueType === 'stream')
    return { queue: spec.topic, isStream: true, streamOffset: streamOffsetOf(spec.start, end) };
  await onChannel(connection, async (channel) => {
    await channel.assertQueue(spec.name, { durable: true, arguments: { 'x-queue-type': queueType } });
    await channel.bindQueue(spec.name, spec.topic, '');
  });
  return { queue: spec.name, isStream: false, streamOffset: null };
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

function confirmPublisher(channel: ConfirmChannel, topic: string, noteConfirmed: () => void): WirePublisher {
  return {
    publish(messages, settled) {
      for (const [index, message] of messages.entries())
        publishOne(channel, topic, message, index, settled, noteConfirmed);
    },
    async close() {
      // Rejects when something was nacked, which its own callback has told already.
      await channel.waitForConfirms().catch(ignoreSinceCallbacksTell);
      await channel.close();
    },
  };
}

function publishOne(
  channel: ConfirmChannel,
  topic: string,
  message: WireMessage,
  index: number,
  settled: (index: number, result: SendResult) => void,
  noteConfirmed: () => void,
): void {
  const headers = message.headers === undefined ? {} : { headers: message.headers };
  channel.publish(topic, message.key ?? '', message.value, { persistent: true, ...headers }, (error: unknown) => {
    if (error === null || error === undefined) {
      noteConfirmed();
      settled(index, { fate: 'acked' });
    } else settled(index, { fate: 'unknown', code: error instanceof Error ? error.message : 'nack' });
  });
}

/** Each caller learns of the failure from its own promise or callback; the event only repeats it. */
function ignoreSinceCallbacksTell(): void {}
