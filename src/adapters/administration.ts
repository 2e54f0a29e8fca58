/**
 * Topics and subscriptions: made, changed, listed and removed, on the backend and among the definitions. Nothing here has a deadline; the
 * port gives each call its own.
 */

import type { Capability } from './capabilities.ts';
import { definitionRevision, type Definitions, sameDefinition } from './definitions.ts';
import type { Driver } from './driver.ts';
import { PortError } from './errors.ts';
import type { OpenSessions } from './open-sessions.ts';
import type {
  AlterOptions,
  Created,
  QueueType,
  SubscriptionChanges,
  SubscriptionDefinition,
  SubscriptionOptions,
  TopicChanges,
  TopicDefinition,
  TopicOptions,
} from './port.ts';
import { missingCapability, type PublishPath } from './publish-path.ts';
import type { TokenSecrets } from './token-secrets.ts';
import {
  alteredSubscription,
  alteredTopic,
  checkName,
  checkPositionIn,
  subscriptionDefinition,
  topicDefinition,
} from './validate.ts';

/** Each call is the one of that name in `MessagingPort`. */
export class Administration {
  readonly #driver: Driver;
  readonly #definitions: Definitions;
  readonly #sessions: OpenSessions;
  readonly #secrets: TokenSecrets;
  readonly #publishing: PublishPath;

  constructor(options: {
    readonly driver: Driver;
    readonly definitions: Definitions;
    readonly sessions: OpenSessions;
    readonly secrets: TokenSecrets;
    readonly publishing: PublishPath;
  }) {
    this.#driver = options.driver;
    this.#definitions = options.definitions;
    this.#sessions = options.sessions;
    this.#secrets = options.secrets;
    this.#publishing = options.publishing;
  }

  async createTopic(options: TopicOptions): Promise<Created<TopicDefinition>> {
    const asked = this.#completeTopic(topicDefinition(options));
    return await this.#definitions.change(async () => await this.#createTopicNow(asked));
  }

  #completeTopic(topic: TopicDefinition): TopicDefinition {
    const asked = this.#driver.completeTopic(topic);
    if (asked.cleanup === 'compact') this.#require('compaction', asked.queueType);
    if (asked.retention.ms !== null || asked.retention.bytes !== null) this.#require('ttl.retention', asked.queueType);
    return asked;
  }

  async alterTopic(name: string, changes: TopicChanges, { ifRevision }: AlterOptions = {}): Promise<TopicDefinition> {
    checkName(name, 'topic');
    await this.#definitions.topic(name); // one that is not there need not wait for its turn
    const topic = await this.#definitions.change(async () => {
      const from = await this.#definitions.topic(name);
      checkRevision(`topic "${name}"`, from, ifRevision);
      const to = this.#completeTopic(alteredTopic(from, changes));
      if (sameDefinition(from, to)) return from;
      if (this.#driver.alterTopic === undefined) {
        throw new PortError(
          'capability_unsupported',
          `${this.#driver.info.product} cannot change a topic: make another`,
        );
      }
      // The physical topic first: a crash in between leaves one that can do more than is said, which the same change completes.
      await this.#driver.alterTopic(from, to, this.#definitions.subscriptionsOf(name));
      await this.#definitions.putTopic(name, to);
      return to;
    });
    // Consumers here read from what is new when this is answered; those of other processes when they heard of it.
    await Promise.all(this.#sessions.of(name).map(async (session) => await this.#sessions.renew(session)));
    return topic;
  }

  async #createTopicNow(asked: TopicDefinition): Promise<Created<TopicDefinition>> {
    const existing = await this.#definitions.findTopic(asked.name);
    if (existing !== undefined) {
      if (sameDefinition(existing, asked)) {
        await this.#driver.createTopic(existing); // where a delete died half-way, only the definition is left
        return { created: false, definition: existing };
      }
      throw new PortError(
        'already_exists',
        `topic "${asked.name}" exists with other options: ${JSON.stringify(existing)}`,
      );
    }
    // The physical topic first: a crash in between leaves one that the next create finds and completes.
    await this.#driver.createTopic(asked);
    await this.#definitions.putTopic(asked.name, asked);
    return { created: true, definition: asked };
  }

  async describeTopic(name: string): Promise<TopicDefinition> {
    checkName(name, 'topic');
    return await this.#definitions.topic(name);
  }

  async listTopics(): Promise<readonly TopicDefinition[]> {
    return byName(await this.#definitions.topics());
  }

  async deleteTopic(name: string): Promise<void> {
    checkName(name, 'topic');
    await this.#definitions.topic(name);
    await this.#definitions.change(async () => {
      const topic = await this.#definitions.topic(name);
      for (const subscription of this.#definitions.subscriptionsOf(name))
        await this.#deleteSubscriptionNow(subscription);
      // The physical topic first: should this fail or die in between, the topic is still there to be deleted again. The other
      // way round its messages would lie in wait for the next topic of this name.
      await this.#driver.deleteTopic(topic);
      await this.#definitions.putTopic(name, null);
      this.#publishing.forget(name);
    });
  }

  async createSubscription(options: SubscriptionOptions): Promise<Created<SubscriptionDefinition>> {
    const asked = subscriptionDefinition(options);
    const topic = await this.#definitions.topic(asked.topic);
    this.#checkSubscription(asked, topic);
    return await this.#definitions.change(async () => await this.#createSubscriptionNow(asked));
  }

  async #createSubscriptionNow(asked: SubscriptionDefinition): Promise<Created<SubscriptionDefinition>> {
    const existing = await this.#foundSubscription(asked);
    if (existing !== undefined) return existing;
    const topic = await this.#definitions.topic(asked.topic);
    if (asked.deadLetterTopic !== null && (await this.#definitions.findTopic(asked.deadLetterTopic)) === undefined) {
      await this.#createTopicNow(this.#driver.deadLetterTopic(asked.deadLetterTopic, topic));
    }
    let isMadeElsewhere = false;
    await this.#driver.createSubscription(asked, topic, async () => {
      await this.#definitions.refresh();
      isMadeElsewhere = (await this.#definitions.findSubscription(asked.name)) !== undefined;
      return isMadeElsewhere;
    });
    await this.#definitions.refresh();
    const made = await this.#foundSubscription(asked);
    if (made !== undefined) return made;
    if (isMadeElsewhere) {
      const text = `subscription "${asked.name}" was made and deleted by another process while it was made here`;
      throw new PortError('subscription_in_use', text);
    }
    // Tokens of an earlier subscription of this name are not of this one.
    await this.#secrets.renewEpoch(asked.name);
    await this.#definitions.putSubscription(asked.name, asked);
    return { created: true, definition: asked };
  }

  /** The answer where there is one of that name. @throws PortError `already_exists` when it has other options. */
  async #foundSubscription(asked: SubscriptionDefinition): Promise<Created<SubscriptionDefinition> | undefined> {
    const existing = await this.#definitions.findSubscription(asked.name);
    if (existing === undefined) return undefined;
    if (sameDefinition(existing, asked)) return { created: false, definition: existing };
    throw new PortError(
      'already_exists',
      `subscription "${asked.name}" exists with other options: ${JSON.stringify(existing)}`,
    );
  }

  #checkSubscription(asked: SubscriptionDefinition, topic: TopicDefinition): void {
    if (asked.start === 'earliest') this.#require('subscribe.late', topic.queueType);
    else if (typeof asked.start === 'object') {
      checkPositionIn(asked.start, topic.partitions, 'start');
      this.#require('timestampMs' in asked.start ? 'replay.timestamp' : 'replay.offset', topic.queueType);
    }
    if (asked.ordering !== 'none')
      this.#require(asked.ordering === 'key' ? 'order.key' : 'order.partition', topic.queueType);
    if (asked.deadLetterTopic !== null) this.#require('deadLetter', topic.queueType);
    for (const capability of asked.requires) this.#require(capability as Capability, topic.queueType);
    this.#driver.checkSubscription(asked, topic);
  }

  async describeSubscription(name: string): Promise<SubscriptionDefinition> {
    checkName(name, 'subscription');
    return await this.#definitions.subscription(name);
  }

  async listSubscriptions(): Promise<readonly SubscriptionDefinition[]> {
    return byName(await this.#definitions.subscriptions());
  }

  async alterSubscription(
    name: string,
    changes: SubscriptionChanges,
    { ifRevision }: AlterOptions = {},
  ): Promise<SubscriptionDefinition> {
    checkName(name, 'subscription');
    await this.#definitions.subscription(name);
    const subscription = await this.#definitions.change(async () => {
      const from = await this.#definitions.subscription(name);
      checkRevision(`subscription "${name}"`, from, ifRevision);
      const to = alteredSubscription(from, changes);
      if (sameDefinition(from, to)) return from;
      this.#driver.checkAlteredSubscription?.(from, to, await this.#definitions.topic(from.topic));
      await this.#definitions.putSubscription(name, to);
      return to;
    });
    const session = this.#sessions.get(name);
    if (session !== undefined) await this.#sessions.renew(session);
    return subscription;
  }

  async deleteSubscription(name: string): Promise<void> {
    checkName(name, 'subscription');
    await this.#definitions.subscription(name);
    await this.#definitions.change(
      async () => await this.#deleteSubscriptionNow(await this.#definitions.subscription(name)),
    );
  }

  async #deleteSubscriptionNow(subscription: SubscriptionDefinition): Promise<void> {
    const topic = await this.#definitions.topic(subscription.topic);
    await this.#definitions.putSubscription(subscription.name, null);
    await this.#sessions.inTurn(subscription.name, async () => await this.#sessions.end(subscription.name));
    try {
      await this.#driver.deleteSubscription(subscription, topic);
    } catch (reason) {
      // What is left of it on the backend would be in no list, and could not be deleted again: so it is there again, and the caller is told.
      await this.#definitions.putSubscription(subscription.name, subscription).catch(() => undefined);
      throw reason;
    }
    await this.#secrets.forgetEpoch(subscription.name);
  }

  #require(capability: Capability, queueType: QueueType | null): void {
    const missing = missingCapability(this.#driver, capability, queueType);
    if (missing !== undefined) throw missing;
  }
}

function checkRevision(what: string, definition: object, expected: AlterOptions['ifRevision']): void {
  const revision = definitionRevision(definition);
  if (expected === undefined || [expected].flat().includes(revision)) return;
  const asked = [expected].flat().join(' or ');
  throw new PortError('precondition_failed', `${what} is at revision ${revision}, not at ${asked}`);
}

function byName<T extends { readonly name: string }>(definitions: readonly T[]): readonly T[] {
  return definitions.toSorted((left, right) => (left.name < right.name ? -1 : 1));
}
