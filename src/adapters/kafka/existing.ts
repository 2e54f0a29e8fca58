/**
 * `manage: none`: topics and groups that are there already, as the configuration maps them. Kafka is asked once, when the driver
 * opens, whether the topics exist and how many partitions they have.
 */

import type { TellProblem } from '../broker-login.ts';
import { PortError } from '../errors.ts';
import { checkReferences, entriesOf, mappedSubscription, mappedTopic, subscriptionFields } from '../existing.ts';
import { limits } from '../limits.ts';
import type { SubscriptionDefinition, TopicDefinition } from '../port.ts';
import type { KafkaClient } from './kafka-client.ts';

/** Where topics and subscriptions are on Kafka. */
export interface KafkaNames {
  topic(name: string): string;
  group(subscription: string): string;
}

/** Where this driver makes them itself. */
export const ownNames: KafkaNames = { topic: (name) => name, group: (subscription) => `sluice.${subscription}` };

interface MappedTopic {
  /** Its partitions count only where `partitionsGiven`. */
  readonly definition: TopicDefinition;
  readonly kafkaTopic: string;
  readonly partitionsGiven: boolean;
}

interface MappedSubscription {
  readonly definition: SubscriptionDefinition;
  readonly group: string;
}

const topicFields = ['name', 'partitions', 'cleanup', 'retention'];
const ownSubscriptionFields = [...subscriptionFields, 'start'];
const KAFKA_TOPIC = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/;

export class ExistingKafka implements KafkaNames {
  readonly #topics: ReadonlyMap<string, MappedTopic>;
  readonly #subscriptions: ReadonlyMap<string, MappedSubscription>;

  constructor(topics: readonly MappedTopic[], subscriptions: readonly MappedSubscription[]) {
    this.#topics = new Map(topics.map((topic) => [topic.definition.name, topic]));
    this.#subscriptions = new Map(subscriptions.map((each) => [each.definition.name, each]));
  }

  get subscriptions(): readonly SubscriptionDefinition[] {
    return [...this.#subscriptions.values()].map(({ definition }) => definition);
  }

  topic(name: string): string {
    return this.#topics.get(name)?.kafkaTopic ?? name;
  }

  group(subscription: string): string {
    return this.#subscriptions.get(subscription)?.group ?? subscription;
  }

  /** @throws PortError `topic_not_found`, `invalid_argument` for another number of partitions; a KafkaFault for the rest. */
  async definitions(client: KafkaClient): Promise<readonly TopicDefinition[]> {
    const found: TopicDefinition[] = [];
    for (const { definition, kafkaTopic, partitionsGiven } of this.#topics.values()) {
      const there = (await client.metadata([kafkaTopic])).get(kafkaTopic);
      const where = `topic "${definition.name}" of the configuration`;
      if (there === undefined) throw new PortError('topic_not_found', `${where}: Kafka has no topic "${kafkaTopic}"`);
      if (partitionsGiven && there.length !== definition.partitions) {
        const text = `${where}: Kafka's "${kafkaTopic}" has ${there.length} partitions, not ${definition.partitions}`;
        throw new PortError('invalid_argument', text);
      }
      if (there.length > limits.partitionsPerTopicMax) {
        const text = `${where}: ${there.length} partitions are above the limit of ${limits.partitionsPerTopicMax}`;
        throw new PortError('invalid_argument', text);
      }
      found.push({ ...definition, partitions: there.length, replicas: there[0]?.replicas.length ?? null });
    }
    return found;
  }
}

/** Of `topics` and `subscriptions`; everything wrong is told. */
export function parseExisting(
  config: Readonly<Record<string, unknown>>,
  clientGroups: (subscription: string) => string,
  problem: TellProblem,
): ExistingKafka {
  const topics = entriesOf(config['topics'], 'topics', [...topicFields, 'kafkaTopic'], problem).flatMap(
    ({ entry, path }): MappedTopic[] => {
      const definition = mappedTopic(entry, path, topicFields, problem);
      const kafkaTopic = entry['kafkaTopic'] ?? entry['name'];
      if (typeof kafkaTopic !== 'string' || !KAFKA_TOPIC.test(kafkaTopic)) {
        problem(`${path}.kafkaTopic`, 'must be the name of a topic of Kafka');
        return [];
      }
      return definition === undefined
        ? []
        : [{ definition, kafkaTopic, partitionsGiven: entry['partitions'] !== undefined }];
    },
  );
  const known = [...ownSubscriptionFields, 'group'];
  const subscriptions = entriesOf(config['subscriptions'], 'subscriptions', known, problem).flatMap(
    ({ entry, path }): MappedSubscription[] => {
      const definition = mappedSubscription(entry, path, ownSubscriptionFields, problem);
      const group = entry['group'] ?? clientGroups(String(entry['name']));
      if (typeof group !== 'string' || group.length === 0 || group.length > 255) {
        problem(`${path}.group`, 'must be the name of a consumer group');
        return [];
      }
      return definition === undefined ? [] : [{ definition, group }];
    },
  );
  checkReferences(
    topics.map(({ definition }) => definition),
    subscriptions.map(({ definition }) => definition),
    problem,
  );
  return new ExistingKafka(topics, subscriptions);
}
