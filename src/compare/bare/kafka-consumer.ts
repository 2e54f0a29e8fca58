/**
 * A member of a consumer group, in the two ways people use one: whole batches, committed as a batch; or message by message, each
 * committed when it is done, where a failed one is sought again. The second is all that Kafka offers for a nack: the partition waits,
 * then repeats.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs';
import { patiently } from './kafka-patience.ts';
import type { ConsumeOptions, WireConsumer, WireDelivery } from '../systems/wire.ts';

const sessionTimeoutMs = 30_000;
/** Members learn of a rebalance by a heartbeat; the usual 3 s would only make every join that much longer. */
const heartbeatMs = 500;
/** The broker answers a fetch with nothing after this; it answers at once when there is something. */
const fetchWaitMs = 250;
const joinWaitMs = 30_000;

export interface PartitionOffset {
  readonly partition: number;
  readonly offset: string;
}

export interface GroupPlace {
  readonly groupId: string;
  readonly topic: string;
  /** Where to go instead of the committed place; null to go on from there. */
  readonly moveTo: readonly PartitionOffset[] | null;
  /** The broker waits for so many before it answers a fetch, and no longer than `fetchWaitMs`. */
  readonly minBytes: number;
}

export async function consumeGroup(
  kafka: Kafka,
  { groupId, topic, moveTo, minBytes }: GroupPlace,
  options: ConsumeOptions,
): Promise<WireConsumer> {
  const consumer = kafka.consumer({
    groupId,
    sessionTimeout: sessionTimeoutMs,
    heartbeatInterval: heartbeatMs,
    minBytes,
    maxWaitTimeInMs: fetchWaitMs,
    allowAutoTopicCreation: false,
  });
  let isClosed = false;
  /** Lets go of a delivery that is waiting to be settled, so that closing need not wait for its owner. */
  const waiting = new Set<() => void>();
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    // What kafkajs restarts by itself is not the end.
    if (!isClosed && !payload.restart) options.onError(payload.error);
  });
  await patiently(async () => {
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
  });
  const joined = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`group ${groupId} was not joined in ${joinWaitMs} ms`)),
      joinWaitMs,
    );
    consumer.on(consumer.events.GROUP_JOIN, () => {
      clearTimeout(timer);
      resolve();
    });
  });
  const eachBatch =
    options.settle.kind === 'batch'
      ? (payload: EachBatchPayload) => Promise.resolve(handWholeBatch(payload, options))
      : options.settle.kind === 'before'
        ? async ({ batch }: EachBatchPayload) => {
            // Committed, then handed out.
            const offset = String(Number(batch.lastOffset()) + 1);
            await consumer.commitOffsets([{ topic, partition: batch.partition, offset }]);
            for (const message of batch.messages) {
              if (options.settle.kind === 'before') await sleep(options.settle.workMs);
              options.onDelivery(deliveryOf(batch.partition, message, unsettled));
            }
          }
        : (payload: EachBatchPayload) =>
            handOneByOne(payload, options, waiting, (offset) => {
              if (!isClosed) consumer.seek({ ...offset, topic });
            });
  const isEach = options.settle.kind === 'each';
  await consumer.run({
    autoCommit: true,
    eachBatchAutoResolve: !isEach,
    ...(isEach ? { autoCommitThreshold: 1 } : {}),
    eachBatch,
  });
  // kafkajs keeps a seek until the partition is assigned, so the first fetch is already from there.
  for (const to of moveTo ?? []) consumer.seek({ topic, ...to });
  await joined;

  return {
    async close() {
      if (isClosed) return;
      isClosed = true;
      for (const letGo of waiting) letGo();
      await consumer.disconnect();
    },
  };
}

const unsettled = { ack: () => {}, nack: () => {} };

function handWholeBatch({ batch }: EachBatchPayload, options: ConsumeOptions): void {
  for (const message of batch.messages) options.onDelivery(deliveryOf(batch.partition, message, unsettled));
}

async function handOneByOne(
  payload: EachBatchPayload,
  options: ConsumeOptions,
  waiting: Set<() => void>,
  seek: (to: { partition: number; offset: string }) => void,
): Promise<void> {
  const { batch } = payload;
  for (const message of batch.messages) {
    if (!payload.isRunning() || payload.isStale()) return;
    const isDone = await settled(waiting, (settle) => options.onDelivery(deliveryOf(batch.partition, message, settle)));
    if (!isDone) {
      seek({ partition: batch.partition, offset: message.offset });
      return;
    }
    payload.resolveOffset(message.offset);
    await payload.commitOffsetsIfNecessary();
    await payload.heartbeat();
  }
}

async function settled(
  waiting: Set<() => void>,
  hand: (settle: Pick<WireDelivery, 'ack' | 'nack'>) => void,
): Promise<boolean> {
  return await new Promise<boolean>((resolve) => {
    const finish = (isDone: boolean) => {
      waiting.delete(letGo);
      resolve(isDone);
    };
    const letGo = () => finish(false);
    waiting.add(letGo);
    hand({ ack: () => finish(true), nack: () => finish(false) });
  });
}

function deliveryOf(
  partition: number,
  message: KafkaMessage,
  settle: Pick<WireDelivery, 'ack' | 'nack'>,
): WireDelivery {
  return {
    key: message.key === null ? null : message.key.toString(),
    value: message.value ?? Buffer.alloc(0),
    partition,
    offset: Number(message.offset),
    attempt: null,
    isRedelivered: null,
    headers: () =>
      Object.fromEntries(Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)])),
    ...settle,
    // All that a group can do with a message that never succeeds is to go past it.
    reject: settle.ack,
  };
}
