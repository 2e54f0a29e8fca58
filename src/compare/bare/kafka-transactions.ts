/** Kafka's transactions by kafkajs: several topics all or none, and a reader whose place is part of what it writes. */

import type { Kafka, Producer } from 'kafkajs';
import { patiently } from './kafka-patience.ts';

export interface TransactionEntry {
  readonly topic: string;
  readonly value: Buffer;
}

/** Resolves when the transaction is ended as asked. */
export async function transact(
  kafka: Kafka,
  transactionalId: string,
  entries: readonly TransactionEntry[],
  end: 'commit' | 'abort',
): Promise<void> {
  const producer = await openProducer(kafka, transactionalId);
  try {
    const transaction = await producer.transaction();
    for (const { topic, value } of entries) await transaction.send({ topic, acks: -1, messages: [{ value }] });
    await transaction[end]();
  } finally {
    await producer.disconnect();
  }
}

export interface Transformation {
  readonly groupId: string;
  readonly from: string;
  readonly to: string;
  /** How many messages `from` has. */
  readonly count: number;
  /** After the result of this message is sent and before its transaction is committed, both clients are gone, once. */
  readonly crashAt: number;
}

/** Every message of one topic to another, each with its place in one transaction. Resolves when all of them are through. */
export async function transform(kafka: Kafka, transformation: Transformation): Promise<void> {
  await transformUntil(kafka, transformation, transformation.crashAt);
  await transformUntil(kafka, transformation, null);
}

async function transformUntil(
  kafka: Kafka,
  { groupId, from, to, count }: Transformation,
  crashAt: number | null,
): Promise<void> {
  // A new producer with this id ends what the one before it left open.
  const producer = await openProducer(kafka, `${groupId}-transform`);
  const consumer = kafka.consumer({
    groupId,
    heartbeatInterval: 500,
    maxWaitTimeInMs: 250,
    allowAutoTopicCreation: false,
  });
  let isOver = false;
  await new Promise<void>((resolve, reject) => {
    const start = async () => {
      await patiently(async () => {
        await consumer.connect();
        await consumer.subscribe({ topics: [from], fromBeginning: true });
      });
      await consumer.run({
        autoCommit: false,
        eachMessage: async ({ topic, partition, message }) => {
          if (isOver) throw new Error('the client is gone');
          const number = Number(message.offset);
          const transaction = await producer.transaction();
          await transaction.send({ topic: to, acks: -1, messages: [{ value: message.value }] });
          const next = { partition, offset: String(number + 1) };
          await transaction.sendOffsets({ consumerGroupId: groupId, topics: [{ topic, partitions: [next] }] });
          if (number === crashAt) {
            isOver = true;
            resolve();
            throw new Error('the client is gone');
          }
          await transaction.commit();
          if (number === count - 1) resolve();
        },
      });
    };
    start().catch(reject);
  });
  isOver = true;
  await Promise.allSettled([consumer.disconnect(), producer.disconnect()]);
}

async function openProducer(kafka: Kafka, transactionalId: string): Promise<Producer> {
  const producer = kafka.producer({
    transactionalId,
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    transactionTimeout: 20_000,
  });
  await patiently(() => producer.connect());
  return producer;
}
