/** Messages that are given up: stored in the dead-letter topic of their subscription, with why and from where. */

import type { Definitions } from './definitions.ts';
import type { Driver, OutgoingMessage } from './driver.ts';
import { PortError } from './errors.ts';
import { partitionForKey } from './partitioner.ts';
import type { Durability, SubscriptionDefinition, TopicDefinition } from './port.ts';
import type { PublishPath } from './publish-path.ts';
import type { DeadLetter } from './session.ts';
import type { MessageStamp, PortTracing } from './tracing.ts';

export class DeadLetters {
  readonly #driver: Driver;
  readonly #definitions: Definitions;
  readonly #publishing: PublishPath;
  readonly #tracing: PortTracing;

  constructor(options: {
    readonly driver: Driver;
    readonly definitions: Definitions;
    readonly publishing: PublishPath;
    readonly tracing: PortTracing;
  }) {
    this.#driver = options.driver;
    this.#definitions = options.definitions;
    this.#publishing = options.publishing;
    this.#tracing = options.tracing;
  }

  /** Resolves when it is stored. @throws PortError when it is not, or nobody knows: then it may be stored twice. */
  async store(subscription: SubscriptionDefinition, letter: DeadLetter): Promise<void> {
    await this.#tracing.deadLetter(
      subscription,
      letter.attempts,
      letter.message,
      async (stamp) => await this.#storeNow(subscription, letter, stamp),
    );
  }

  /** The message it stands for may have been published with more than what is usual here, and is settled when the letter is stored. */
  #deepest(topic: TopicDefinition): Durability {
    try {
      return this.#driver.durability(topic, { persistence: 'fsync' });
    } catch {
      return this.#driver.durability(topic, {});
    }
  }

  async #storeNow(
    subscription: SubscriptionDefinition,
    { message, attempts, reason }: DeadLetter,
    stamp: MessageStamp | undefined,
  ): Promise<void> {
    const topic = await this.#definitions.topic(subscription.deadLetterTopic as string);
    const about = [
      ['dead-letter-reason', reason],
      ['dead-letter-attempts', String(attempts)],
      ['dead-letter-subscription', subscription.name],
      ['dead-letter-topic', message.topic],
      ['dead-letter-partition', String(message.partition)],
      ...(message.offset === null ? [] : [['dead-letter-offset', String(message.offset)] as const]),
    ] as const;
    const letter: OutgoingMessage = {
      key: message.key,
      value: message.value,
      headers: [
        ...(stamp?.headersFor(message.headers) ?? message.headers),
        ...about.map(([name, value]) => ({ name, value: Buffer.from(value) })),
      ],
      contentType: message.contentType,
      id: message.id ?? this.#publishing.nextId(),
      timestampMs: message.timestampMs,
      partition: message.key === null ? 0 : partitionForKey(message.key, topic.partitions),
    };
    const durability = this.#deepest(topic);
    const storing = this.#publishing.store(topic, [letter], { durability, signal: undefined });
    const [outcome] = await storing.catch((reason: unknown) => {
      throw PortError.from(reason);
    });
    if (outcome?.kind !== 'stored') throw outcome?.error ?? new PortError('internal', 'the driver gave no outcome');
  }
}
