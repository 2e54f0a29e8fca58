/** What a topic and a subscription may be on RabbitMQ, and what a publish to it reaches. Pure. */

import type { Capability } from '../capabilities.ts';
import { sameDefinition } from '../definitions.ts';
import { PortError } from '../errors.ts';
import type { Durability, Persistence, SubscriptionDefinition, TopicDefinition } from '../port.ts';
import type { RabbitMqOptions } from './options.ts';
import { SEGMENT_BYTES_OPTION } from './topology.ts';

/** @throws PortError `invalid_argument`, `capability_unsupported`. */
export function completeTopicFor(
  topic: TopicDefinition,
  { urls, replicas }: Pick<RabbitMqOptions, 'urls' | 'replicas'>,
): TopicDefinition {
  const queueType = topic.queueType ?? 'quorum';
  const complete = { ...topic, queueType, replicas: topic.replicas ?? (queueType === 'classic' ? 1 : replicas) };
  if (topic.cleanup === 'compact')
    throw missing('compaction', complete, 'queues and streams keep no latest value of a key');
  if (queueType !== 'stream' && (topic.retention.ms !== null || topic.retention.bytes !== null)) {
    throw missing('ttl.retention', complete, 'a queue is given no limit of age or size by the port');
  }
  const nodes = queueType === 'classic' ? 1 : Math.max(urls.length, replicas);
  if (complete.replicas > nodes) {
    throw missing(
      'durability.copies',
      complete,
      `${complete.replicas} replicas: the configuration knows of ${nodes} node(s)`,
    );
  }
  for (const [name, value] of Object.entries(topic.options)) checkOption(name, value, queueType);
  return complete;
}

function checkOption(name: string, value: string | number | boolean, queueType: string): void {
  const isKnown = queueType === 'stream' && name === SEGMENT_BYTES_OPTION;
  const problem = !isKnown
    ? `is not an option of a ${queueType} topic; streams have ${SEGMENT_BYTES_OPTION}`
    : typeof value === 'number' && Number.isInteger(value) && value > 0
      ? undefined
      : 'must be a number of bytes above 0';
  if (problem === undefined) return;
  const path = `options.${name}`;
  throw new PortError('invalid_argument', `${path} ${problem}`, { errors: [{ path, message: problem }] });
}

/** A queue starts empty and forgets: only streams can start anywhere but at the end. */
export function checkSubscriptionOn({ start }: SubscriptionDefinition, topic: TopicDefinition): void {
  if (topic.queueType === 'stream' || start === 'latest') return;
  if (start === 'earliest') throw missing('subscribe.late', topic, 'the queue of a subscription starts empty');
  throw missing('timestampMs' in start ? 'replay.timestamp' : 'replay.offset', topic, 'a queue has no positions');
}

/** Of a topic only the number of partitions can change: all else is in the arguments of its streams. */
export function checkAlteredTopic(from: TopicDefinition, to: TopicDefinition): void {
  const fixed = (['retention', 'cleanup', 'options'] as const).filter(
    (field) => !sameDefinition([from[field]], [to[field]]),
  );
  if (fixed.length === 0) return;
  throw new PortError(
    'capability_unsupported',
    `topic "${to.name}" (${to.queueType}): ${fixed.join(' and ')} cannot be changed: RabbitMQ fixes the arguments of a queue when it is made`,
  );
}

/** How often a quorum queue itself lets a message come back is one of its arguments. */
export function checkAlteredSubscriptionOn(
  from: SubscriptionDefinition,
  to: SubscriptionDefinition,
  topic: TopicDefinition,
): void {
  if (topic.queueType !== 'quorum' || from.onExhausted === 'block') return;
  if (from.retry.maxAttempts === to.retry.maxAttempts) return;
  throw new PortError(
    'capability_unsupported',
    `subscription "${to.name}": retry.maxAttempts cannot be changed: RabbitMQ fixes the delivery limit of a quorum queue when it is made`,
  );
}

const depths: readonly Persistence[] = ['memory', 'os', 'fsync'];

/** @throws PortError `capability_unsupported` when more is asked than the topic gives. Asked for less, it may give more. */
export function durabilityOf(
  topic: TopicDefinition,
  asked: { readonly persistence?: Persistence; readonly minCopies?: number },
): Durability {
  const copies = topic.replicas ?? 1;
  if (asked.minCopies !== undefined && asked.minCopies > copies) {
    throw missing('durability.copies', topic, `${asked.minCopies} copies: it has ${copies}`);
  }
  const most: Persistence = topic.queueType === 'quorum' ? 'fsync' : 'os';
  if (asked.persistence !== undefined && depths.indexOf(asked.persistence) > depths.indexOf(most)) {
    throw missing(`durability.${asked.persistence}`, topic, `a ${topic.queueType} topic reaches ${most}`);
  }
  const isTransient = topic.queueType === 'classic' && asked.persistence === 'memory';
  return { persistence: isTransient ? 'memory' : most, copies };
}

export function missing(capability: Capability, topic: TopicDefinition, why: string): PortError {
  return new PortError('capability_unsupported', `topic "${topic.name}" (${topic.queueType}): ${why}`, { capability });
}
