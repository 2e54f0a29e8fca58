/** Reading a partition without a group: for browsing and for the topic of definitions. kafkajs has no such consumer. */

import { PortError } from '../errors.ts';
import { messageBytes } from '../log-codec.ts';
import type { Message, ReadResult } from '../port.ts';
import { isFault, KafkaFault, naming } from './errors.ts';
import type { FetchAnswer, KafkaClient } from './kafka-client.ts';
import { kafkaLimits } from './kafka-limits.ts';
import { listOffsets } from './patience.ts';
import { messageOf } from './record-batch.ts';

/**
 * Up to `limit` messages, or fewer of large ones: a thousand of 1 MiB, written as JSON, would be more than a string can hold.
 * @throws PortError offset_out_of_range, a KafkaFault for the rest.
 */
export async function readPartition(
  client: KafkaClient,
  topic: string,
  partition: number,
  from: 'earliest' | 'latest' | number,
  limit: number,
  shownTopic = topic,
): Promise<ReadResult> {
  const earliest = await earliestOf(client, topic, partition);
  const end = (await listOffsets(client, topic, [partition], 'latest')).get(partition) ?? 0;
  let next = from === 'earliest' ? earliest : from === 'latest' ? end : from;
  if (next < earliest || next > end) {
    throw new PortError(
      'offset_out_of_range',
      `offset ${next} of ${topic}-${partition} is not in ${earliest} to ${end}`,
    );
  }
  const messages: Message[] = [];
  let bytes = 0;
  let moves = 0;
  const isFull = (): boolean => messages.length >= limit || bytes >= kafkaLimits.readBytesMax;
  while (!isFull() && next < end) {
    const answer = await fetchUnlessRemoved(client, topic, partition, next);
    if (answer === null) {
      // Retention took what was to be read. Whoever asked for the earliest means what is the earliest now.
      if (messages.length > 0) break;
      moves += 1;
      if (from !== 'earliest' || moves > kafkaLimits.earliestMovesMax)
        throw new PortError('offset_out_of_range', `offset ${next} of ${topic}-${partition} was removed by retention`);
      next = await earliestOf(client, topic, partition);
      continue;
    }
    for (const record of answer.records) {
      if (isFull() || record.offset >= end) break;
      const message = messageOf(record, shownTopic, partition);
      messages.push(message);
      bytes += messageBytes(message);
      next = record.offset + 1;
    }
    // What is left of the batches is compacted or control records: behind them is nothing more to wait for.
    if (!isFull()) next = Math.max(next, Math.min(answer.nextOffset, end));
  }
  return { messages, next };
}

async function earliestOf(client: KafkaClient, topic: string, partition: number): Promise<number> {
  return (await listOffsets(client, topic, [partition], 'earliest')).get(partition) ?? 0;
}

/** null when the offset is out of range. */
async function fetchUnlessRemoved(
  client: KafkaClient,
  topic: string,
  partition: number,
  offset: number,
): Promise<FetchAnswer | null> {
  try {
    return await fetchPartition(client, topic, partition, offset, kafkaLimits.fetchShortWaitMs);
  } catch (reason) {
    if (isFault(reason, 'OFFSET_OUT_OF_RANGE')) return null;
    throw reason;
  }
}

/** One fetch from the leader, asked for anew when it moved. Waits at most `waitMs` for news at the end. */
export async function fetchPartition(
  client: KafkaClient,
  topic: string,
  partition: number,
  offset: number,
  waitMs: number,
): Promise<FetchAnswer> {
  const known = client.knownPartitions(topic)?.partitions ?? (await client.metadata([topic])).get(topic);
  const leader = known?.[partition]?.leader ?? null;
  if (leader === null) throw await noLeader(client, topic, partition);
  const position = { topic, partition, offset, maxBytes: kafkaLimits.readBytesMax };
  const [answer] = await client.fetch(leader, [position], waitMs, kafkaLimits.readBytesMax);
  if (answer === undefined) throw new KafkaFault('client', `a fetch of ${topic}-${partition} was answered without it`);
  if (answer.type === null) return answer;
  await client.metadata([topic]);
  const fault = new KafkaFault('broker', `${topic}-${partition}: ${answer.type}`, { type: answer.type });
  throw naming(fault, `Read on Topic "${topic}"`);
}

async function noLeader(client: KafkaClient, topic: string, partition: number): Promise<KafkaFault> {
  const found = (await client.metadata([topic])).get(topic);
  const type = found === undefined ? 'UNKNOWN_TOPIC_OR_PARTITION' : 'LEADER_NOT_AVAILABLE';
  return new KafkaFault('broker', `${topic}-${partition}: ${type}`, { type });
}
