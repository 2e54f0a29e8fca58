/** Topic definitions as Kafka has them: which options exist, which configs they become, and the making and removing. */

import { sameDefinition } from '../definitions.ts';
import { PortError } from '../errors.ts';
import type { TopicDefinition } from '../port.ts';
import { readableCompressions } from './compression.ts';
import { isFault } from './errors.ts';
import type { KafkaClient } from './kafka-client.ts';
import { kafkaLimits } from './kafka-limits.ts';
import { pause, untilServed } from './patience.ts';

/** Kafka's topic configs that may be given as they are. Retention and cleanup have fields of their own in the definition. */
const topicConfigs = new Set([
  'compression.gzip.level',
  'compression.type',
  'delete.retention.ms',
  'file.delete.delay.ms',
  'flush.messages',
  'flush.ms',
  'index.interval.bytes',
  'local.retention.bytes',
  'local.retention.ms',
  'max.compaction.lag.ms',
  'max.message.bytes',
  'message.timestamp.after.max.ms',
  'message.timestamp.before.max.ms',
  'message.timestamp.type',
  'min.cleanable.dirty.ratio',
  'min.compaction.lag.ms',
  'min.insync.replicas',
  'preallocate',
  'remote.storage.enable',
  'segment.bytes',
  'segment.index.bytes',
  'segment.jitter.ms',
  'segment.ms',
  'unclean.leader.election.enable',
]);

const ownFields: Readonly<Record<string, string>> = {
  'cleanup.policy': 'cleanup',
  'retention.ms': 'retention.ms',
  'retention.bytes': 'retention.bytes',
};

/** Fills in the replicas. @throws PortError invalid_argument for what Kafka does not have. */
export function completeTopic(topic: TopicDefinition, defaultReplicas: number): TopicDefinition {
  if (topic.queueType !== null) {
    throw new PortError(
      'invalid_argument',
      `queueType "${topic.queueType}" is of RabbitMQ; Kafka has one kind of topic`,
    );
  }
  const errors = Object.entries(topic.options).flatMap(([name, value]) => {
    const message = problemOf(name, value);
    return message === null ? [] : [{ path: `options.${name}`, message }];
  });
  if (errors.length > 0) {
    const text = errors.map(({ path, message }) => `${path} ${message}`).join('; ');
    throw new PortError('invalid_argument', `topic "${topic.name}": ${text}`, { errors });
  }
  return { ...topic, replicas: topic.replicas ?? defaultReplicas };
}

function problemOf(name: string, value: string | number | boolean): string | null {
  const field = ownFields[name];
  if (field !== undefined) return `is said by the field ${field}`;
  if (!topicConfigs.has(name)) return 'is not a topic config of Kafka';
  // The broker would compress again what it got.
  if (name === 'compression.type' && !readableCompressions.has(String(value))) {
    return `must be one of ${[...readableCompressions].join(', ')}: the driver does not read ${String(value)}`;
  }
  return null;
}

/** Whether an acknowledged message is on the leader's disk: Kafka then syncs after each batch, before it answers. */
export function syncsEveryMessage(topic: TopicDefinition): boolean {
  return String(topic.options['flush.messages'] ?? '') === '1';
}

/** Letters of a subscription's topic: kept without a limit of time, synced as the source is. */
export function deadLetterTopic(name: string, source: TopicDefinition): TopicDefinition {
  const flush = source.options['flush.messages'];
  return {
    ...source,
    name,
    partitions: 1,
    retention: { ms: null, bytes: null },
    cleanup: 'delete',
    options: flush === undefined ? {} : { 'flush.messages': flush },
  };
}

/**
 * Resolves when every partition has a leader that serves. A topic of this name that is there already is adopted as it is when it has as
 * many partitions.
 * @throws PortError already_exists when it has others.
 */
export async function createTopic(client: KafkaClient, topic: TopicDefinition): Promise<void> {
  try {
    await client.createTopic({
      name: topic.name,
      partitions: topic.partitions,
      replicas: topic.replicas ?? 1,
      configs: configsOf(topic),
    });
  } catch (reason) {
    if (!isFault(reason, 'TOPIC_ALREADY_EXISTS')) throw reason;
  }
  await untilMetadata(client, topic.name, (partitions) => {
    if (partitions === undefined) return false;
    if (partitions.length !== topic.partitions) {
      const text = `Kafka has a topic "${topic.name}" with ${partitions.length} partitions, not ${topic.partitions}`;
      throw new PortError('already_exists', text);
    }
    return partitions.every(({ leader }) => leader !== null);
  });
  // Metadata names a leader a moment before it serves; another node of a cluster may not even have heard of the topic.
  const partitions = Array.from({ length: topic.partitions }, (_, partition) => partition);
  await untilServed(() => client.listOffsets(topic.name, partitions, 'latest'), 'UNKNOWN_TOPIC_OR_PARTITION');
}

/**
 * Resolves when its new partitions serve. Configs that somebody else gave the topic stay: Kafka's AlterConfigs replaces all of them, so
 * they are read first.
 */
export async function alterTopic(client: KafkaClient, from: TopicDefinition, to: TopicDefinition): Promise<void> {
  if (!sameDefinition(configsOf(from), configsOf(to))) {
    const configs = await client.topicConfigs(to.name);
    for (const name of Object.keys(configsOf(from))) configs.delete(name);
    for (const [name, value] of Object.entries(configsOf(to))) configs.set(name, value);
    await client.alterTopicConfigs(to.name, configs);
  }
  if (to.partitions === from.partitions) return;
  // A change that died half-way may have made them.
  const there = (await client.metadata([to.name])).get(to.name)?.length ?? 0;
  if (there < to.partitions) await client.createPartitions(to.name, to.partitions);
  await untilMetadata(client, to.name, (partitions) => {
    return partitions?.length === to.partitions && partitions.every(({ leader }) => leader !== null);
  });
  const fresh = Array.from({ length: to.partitions - from.partitions }, (_, index) => from.partitions + index);
  await untilServed(() => client.listOffsets(to.name, fresh, 'latest'), 'UNKNOWN_TOPIC_OR_PARTITION');
}

/** Resolves when the topic is gone, also when it was before. */
export async function deleteTopic(client: KafkaClient, name: string): Promise<void> {
  try {
    await client.deleteTopic(name);
  } catch (reason) {
    if (!isFault(reason, 'UNKNOWN_TOPIC_OR_PARTITION')) throw reason;
  }
  await untilMetadata(client, name, (partitions) => partitions === undefined);
}

function configsOf(topic: TopicDefinition): Record<string, string> {
  const configs: Record<string, string> = {
    'cleanup.policy': topic.cleanup,
    'retention.ms': String(topic.retention.ms ?? -1),
    'retention.bytes': String(topic.retention.bytes ?? -1),
    'max.message.bytes': String(kafkaLimits.topicMessageBytesMax),
  };
  for (const [name, value] of Object.entries(topic.options)) configs[name] = String(value);
  return configs;
}

type Partitions = Awaited<ReturnType<KafkaClient['metadata']>> extends ReadonlyMap<string, infer P> ? P : never;

/** Brokers learn of a change a moment after the controller made it. */
async function untilMetadata(
  client: KafkaClient,
  name: string,
  holds: (partitions: Partitions | undefined) => boolean,
): Promise<void> {
  const deadline = performance.now() + kafkaLimits.requestTimeoutMs;
  while (!holds((await client.metadata([name])).get(name))) {
    if (performance.now() >= deadline)
      throw new PortError('deadline_exceeded', `Kafka did not settle topic "${name}" in time`);
    await pause(kafkaLimits.retryDelayMs / 5);
  }
}
