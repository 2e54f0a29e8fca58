/**
 * `manage: none`: exchanges, queues and streams that are there already, as the configuration maps them. When the driver opens it is
 * looked up that each is there; AMQP cannot tell of what type a queue is or what it is bound to, so those are the configuration's words.
 */

import { type TellProblem, textAt } from '../broker-login.ts';
import { checkReferences, entriesOf, mappedSubscription, mappedTopic, subscriptionFields } from '../existing.ts';
import type { SubscriptionDefinition, TopicDefinition } from '../port.ts';
import { Topology } from './topology.ts';
import type { BrokerVersion } from './version.ts';

interface MappedTopic {
  readonly definition: TopicDefinition;
  /** `''` is the default exchange. */
  readonly exchange: string;
  /** By partition. */
  readonly routingKeys: readonly string[];
  /** By partition; only of queueType stream. */
  readonly streams: readonly string[];
}

interface MappedSubscription {
  readonly definition: SubscriptionDefinition;
  /** One, or with `ordering` one for each partition. */
  readonly queues: readonly string[];
}

export interface ExistingRabbitMq {
  readonly topics: readonly MappedTopic[];
  readonly subscriptions: readonly MappedSubscription[];
}

const topicFields = ['name', 'partitions', 'queueType', 'replicas'];
const topicKeys = ['name', 'queueType', 'replicas', 'exchange', 'routingKeys', 'streams'];
const subscriptionKeys = [...subscriptionFields, 'queues', 'singleActiveConsumer'];

/** Of `topics` and `subscriptions`; everything wrong is told. */
export function parseExisting(config: Readonly<Record<string, unknown>>, problem: TellProblem): ExistingRabbitMq {
  const topics = entriesOf(config['topics'], 'topics', topicKeys, problem).flatMap(({ entry, path }) => {
    const topic = parseTopic(entry, path, problem);
    return topic === undefined ? [] : [topic];
  });
  const subscriptions: MappedSubscription[] = [];
  for (const { entry, path } of entriesOf(config['subscriptions'], 'subscriptions', subscriptionKeys, problem)) {
    const definition = mappedSubscription(entry, path, subscriptionFields, problem);
    const queues = namesAt(entry, 'queues', path, problem);
    if (definition === undefined || queues === undefined) continue;
    const topic = topics.find(({ definition: { name } }) => name === definition.topic)?.definition;
    if (topic !== undefined) checkQueues(definition, topic, queues, entry['singleActiveConsumer'], path, problem);
    subscriptions.push({ definition, queues });
  }
  checkReferences(
    topics.map(({ definition }) => definition),
    subscriptions.map(({ definition }) => definition),
    problem,
  );
  return { topics, subscriptions };
}

function parseTopic(
  entry: Readonly<Record<string, unknown>>,
  path: string,
  problem: TellProblem,
): MappedTopic | undefined {
  const routingKeys = namesAt(entry, 'routingKeys', path, problem);
  const exchange = entry['exchange'] === '' ? '' : textAt(entry, 'exchange', path, problem);
  if (entry['exchange'] === undefined) problem(`${path}.exchange`, "is missing; '' is the default exchange");
  if (entry['queueType'] === undefined) problem(`${path}.queueType`, 'is missing: quorum, classic or stream');
  const isStream = entry['queueType'] === 'stream';
  const streams = isStream ? namesAt(entry, 'streams', path, problem) : [];
  if (!isStream && entry['streams'] !== undefined) problem(`${path}.streams`, 'are for the queueType stream');
  if (routingKeys === undefined || exchange === undefined || streams === undefined) return undefined;
  if (new Set(routingKeys).size < routingKeys.length)
    problem(`${path}.routingKeys`, 'must differ: each is a partition');
  if (isStream && streams.length !== routingKeys.length)
    problem(`${path}.streams`, 'must be as many as routingKeys: one for each partition');
  const given = { replicas: 1, ...entry, partitions: routingKeys.length };
  const definition = mappedTopic(given, path, topicFields, problem);
  return definition === undefined ? undefined : { definition, exchange, routingKeys, streams };
}

function checkQueues(
  { ordering }: SubscriptionDefinition,
  { partitions, queueType }: TopicDefinition,
  queues: readonly string[],
  singleActiveConsumer: unknown,
  path: string,
  problem: TellProblem,
): void {
  if (queueType === 'stream') return; // refused as a whole when the driver opens
  const wanted = ordering === 'none' ? 1 : partitions;
  if (queues.length !== wanted) {
    const why = ordering === 'none' ? 'one, which all consumers share' : 'one for each routing key of the topic';
    problem(`${path}.queues`, `must be ${why}: with ordering "${ordering}" that is ${wanted}, not ${queues.length}`);
  }
  if (ordering !== 'none' && singleActiveConsumer !== true) {
    const why = 'only queues declared with x-single-active-consumer keep an order between two processes';
    problem(`${path}.singleActiveConsumer`, `must be true with ordering "${ordering}": ${why}`);
  }
}

function namesAt(
  entry: Readonly<Record<string, unknown>>,
  name: string,
  path: string,
  problem: TellProblem,
): readonly string[] | undefined {
  const value = entry[name];
  const isList = Array.isArray(value) && value.length > 0;
  if (isList && value.every((each): each is string => typeof each === 'string' && each.length <= NAME_CHARACTERS_MAX)) {
    return value;
  }
  problem(`${path}.${name}`, `must be a list of at least one name of at most ${NAME_CHARACTERS_MAX} characters`);
  return undefined;
}

const NAME_CHARACTERS_MAX = 255;

/** The names of the configuration in place of those that this driver gives. */
export class ExistingTopology extends Topology {
  readonly #topics: ReadonlyMap<string, MappedTopic>;
  readonly #queues: ReadonlyMap<string, readonly string[]>;

  constructor({ topics, subscriptions }: ExistingRabbitMq, prefix: string, version: BrokerVersion) {
    super(prefix, version);
    this.#topics = new Map(topics.map((topic) => [topic.definition.name, topic]));
    this.#queues = new Map(subscriptions.map(({ definition, queues }) => [definition.name, queues]));
  }

  override exchange(topic: string): string {
    return this.#topics.get(topic)?.exchange ?? super.exchange(topic);
  }

  override routingKey(topic: string, partition: number): string {
    return this.#topics.get(topic)?.routingKeys[partition] ?? super.routingKey(topic, partition);
  }

  override partitionOf(topic: string, routingKey: string): number {
    return this.#topics.get(topic)?.routingKeys.indexOf(routingKey) ?? super.partitionOf(topic, routingKey);
  }

  override stream(topic: string, partition: number): string {
    return this.#topics.get(topic)?.streams[partition] ?? super.stream(topic, partition);
  }

  /** Being counted takes a queue, and none is made: then others may always be there. */
  override presenceQueue(): undefined {
    return undefined;
  }

  override subscriptionQueues(
    subscription: SubscriptionDefinition,
    topic: TopicDefinition,
  ): { name: string; partitions: number[] }[] {
    const queues = this.#queues.get(subscription.name) ?? [];
    const all = Array.from({ length: topic.partitions }, (_, partition) => partition);
    return queues.map((name, index) => ({ name, partitions: subscription.ordering === 'none' ? all : [index] }));
  }
}
