/**
 * Consuming through the port, every message acknowledged by itself, against the bare clients on the same messages: amqplib with the
 * same prefetch and acks in the same groups, kafkajs with eachBatch and its own commits. Each round reads what was stored before it
 * began; ours and the reference take turns.
 */

import { randomBytes } from 'node:crypto';
import { connect } from 'amqplib';
import { Kafka, logLevel } from 'kafkajs';
import { openPort } from '../src/adapters/index.ts';
import type { MessagingPort } from '../src/adapters/port.ts';
import type { BenchRow } from './row.ts';
import { inTurns } from './rounds.ts';

const RABBITMQ = { messages: 20_000, messageBytes: 1_024, prefetch: 500, ackEach: 100, target: 0.9 };
const KAFKA = { messages: 100_000, messageBytes: 100, partitions: 4, target: 0.5 };
const PUBLISH_AT_ONCE = 500;
/** A consumer that gets nothing for so long has lost something. */
const SILENCE_MS = 30_000;

export async function consumeFromRabbitMq(options: { readonly url: string }): Promise<BenchRow[]> {
  const { messages, messageBytes, prefetch, ackEach, target } = RABBITMQ;
  const name = `bench-${randomBytes(6).toString('hex')}`;
  await using port = await openPort({ backend: 'rabbitmq', config: { url: options.url } });
  await port.createTopic({ name, queueType: 'quorum' });
  await port.createSubscription({ name, topic: name });
  const connection = await connect(options.url, { noDelay: true });
  const bareConsumer = async (): Promise<number> => {
    const channel = await connection.createChannel();
    await channel.prefetch(prefetch);
    const startedMs = performance.now();
    await new Promise<void>((resolve, reject) => {
      let seen = 0;
      const consuming = channel.consume(`sluice.s.${name}.all`, (message) => {
        seen += 1;
        if (message !== null && (seen % ackEach === 0 || seen === messages)) channel.ack(message, true);
        if (seen === messages) resolve();
      });
      consuming.catch(reject);
    });
    const rate = perSecond(messages, startedMs);
    await channel.close(); // the last acks are before it on the wire
    return rate;
  };
  const against = async (what: string, hasLocalTokens: boolean): Promise<BenchRow> =>
    await inTurns({
      name: `rabbitmq port consume, 1 KB, prefetch ${prefetch}, acks in groups of ${ackEach}${what}; bare amqplib`,
      unit: 'messages/s',
      target,
      ours: async () => {
        await fill(port, name, messages, messageBytes);
        return await consume(port, name, messages, { credit: prefetch, pullMax: ackEach, hasLocalTokens });
      },
      reference: async () => {
        await fill(port, name, messages, messageBytes);
        return await bareConsumer();
      },
    });
  try {
    // What amqplib is acknowledged with means nothing in another process either.
    return [await against('', false), await against(', tokens of this process', true)];
  } finally {
    await connection.close();
    await port.deleteSubscription(name);
    await port.deleteTopic(name);
  }
}

export async function consumeFromKafka(options: { readonly brokers: readonly string[] }): Promise<BenchRow> {
  const { messages, messageBytes, partitions, target } = KAFKA;
  const name = `bench-${randomBytes(6).toString('hex')}`;
  await using port = await openPort({ backend: 'kafka', config: { brokers: options.brokers } });
  await port.createTopic({ name, partitions });
  await fill(port, name, messages, messageBytes);
  const kafka = new Kafka({ brokers: [...options.brokers], logLevel: logLevel.NOTHING });
  let round = 0;
  try {
    return await inTurns({
      name: `kafka port consume, ${messageBytes} B, ${partitions} partitions, each message acknowledged; bare kafkajs eachBatch`,
      unit: 'messages/s',
      target,
      ours: async () => {
        round += 1;
        const subscription = `${name}-${round}`;
        await port.createSubscription({
          name: subscription,
          topic: name,
          start: 'earliest',
          maxInFlight: { messages: 10_000 },
        });
        const rate = await consume(port, subscription, messages, { credit: 10_000, pullMax: 1_000 });
        await port.deleteSubscription(subscription);
        return rate;
      },
      reference: async () => {
        round += 1;
        return await consumeBare(kafka, name, `${name}-bare-${round}`, messages);
      },
    });
  } finally {
    await port.deleteTopic(name);
  }
}

/** From the first message on: forming a group takes seconds in either, and is no rate. */
async function consumeBare(kafka: Kafka, topic: string, groupId: string, messages: number): Promise<number> {
  const consumer = kafka.consumer({ groupId });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  let seen = 0;
  let startedMs = 0;
  await new Promise<void>((resolve, reject) => {
    const running = consumer.run({
      eachBatch: async (payload) => {
        if (startedMs === 0) startedMs = performance.now();
        seen += payload.batch.messages.length;
        if (seen >= messages) resolve();
        await payload.heartbeat();
      },
    });
    running.catch(reject);
  });
  const rate = perSecond(messages, startedMs);
  await consumer.disconnect();
  return rate;
}

async function fill(port: MessagingPort, topic: string, messages: number, messageBytes: number): Promise<void> {
  const value = randomBytes(messageBytes);
  for (let sent = 0; sent < messages; sent += PUBLISH_AT_ONCE) {
    const outcomes = await port.publish(
      topic,
      Array.from({ length: PUBLISH_AT_ONCE }, (_, index) => ({ value, key: String(sent + index) })),
    );
    const bad = outcomes.find(({ kind }) => kind !== 'stored');
    if (bad !== undefined) throw new Error(`a publish was ${JSON.stringify(bad)}`);
  }
}

async function consume(
  port: MessagingPort,
  subscription: string,
  messages: number,
  {
    credit,
    pullMax,
    hasLocalTokens = false,
  }: { readonly credit: number; readonly pullMax: number; readonly hasLocalTokens?: boolean },
): Promise<number> {
  await using consumer = await port.subscribe(subscription, { credit: { messages: credit }, hasLocalTokens });
  let seen = 0;
  let startedMs = 0;
  const acks: Promise<unknown>[] = [];
  while (seen < messages) {
    const deliveries = await consumer.pull({ maxMessages: pullMax, waitMs: SILENCE_MS });
    if (deliveries.length === 0) throw new Error(`after ${seen} of ${messages} nothing came for ${SILENCE_MS} ms`);
    if (startedMs === 0) startedMs = performance.now();
    seen += deliveries.length;
    acks.push(
      port.ack(
        subscription,
        deliveries.map(({ token }) => token),
      ),
    );
  }
  await Promise.all(acks);
  return perSecond(messages, startedMs);
}

function perSecond(count: number, startedMs: number): number {
  return (count * 1_000) / (performance.now() - startedMs);
}
