/**
 * Topics and subscriptions as every process on the backend sees them: a view over the driver's meta store, where each
 * definition is one JSON entry. Reads answer from memory; a miss reads the store again, at most once per
 * `definitionMissTtlMs`, so that a flood of unknown names costs the broker nothing.
 */

import { createHash } from 'node:crypto';
import type { MetaStore } from './driver.ts';
import { PortError } from './errors.ts';
import { limits } from './limits.ts';
import type { SubscriptionDefinition, TopicDefinition } from './port.ts';

const TOPIC = 'topic/';
/** Before the name of a subscription, in the key of its definition. */
export const SUBSCRIPTION = 'subscription/';

export class Definitions {
  readonly #topics = new Map<string, TopicDefinition>();
  readonly #subscriptions = new Map<string, SubscriptionDefinition>();
  readonly #onChange: (kind: 'topic' | 'subscription', name: string) => void;
  #store: MetaStore | undefined;
  #refreshing: Promise<void> | undefined;
  #refreshedAtMs = Number.NEGATIVE_INFINITY;
  #changes: Promise<unknown> = Promise.resolve();

  /** @param onChange told of every definition that appears, changes or goes, from whichever process. */
  constructor(onChange: (kind: 'topic' | 'subscription', name: string) => void) {
    this.#onChange = onChange;
  }

  use(store: MetaStore): void {
    this.#store = store;
  }

  /** The driver's `apply`. Entries of unknown kinds belong to newer versions and are left alone. */
  readonly apply = (key: string, value: string | null): void => {
    if (key.startsWith(TOPIC)) this.#set('topic', this.#topics, key.slice(TOPIC.length), value);
    else if (key.startsWith(SUBSCRIPTION))
      this.#set('subscription', this.#subscriptions, key.slice(SUBSCRIPTION.length), value);
  };

  /** From memory only: for hot paths, which fall back to `topic`. */
  knownTopic(name: string): TopicDefinition | undefined {
    return this.#topics.get(name);
  }

  async findTopic(name: string): Promise<TopicDefinition | undefined> {
    return this.#topics.get(name) ?? (await this.#refreshed(), this.#topics.get(name));
  }

  async topic(name: string): Promise<TopicDefinition> {
    const topic = await this.findTopic(name);
    if (topic === undefined) throw new PortError('topic_not_found', `topic "${name}" does not exist`);
    return topic;
  }

  async findSubscription(name: string): Promise<SubscriptionDefinition | undefined> {
    return this.#subscriptions.get(name) ?? (await this.#refreshed(), this.#subscriptions.get(name));
  }

  async subscription(name: string): Promise<SubscriptionDefinition> {
    const subscription = await this.findSubscription(name);
    if (subscription === undefined)
      throw new PortError('subscription_not_found', `subscription "${name}" does not exist`);
    return subscription;
  }

  async topics(): Promise<readonly TopicDefinition[]> {
    await this.refresh();
    return [...this.#topics.values()];
  }

  async subscriptions(): Promise<readonly SubscriptionDefinition[]> {
    await this.refresh();
    return [...this.#subscriptions.values()];
  }

  subscriptionsOf(topic: string): readonly SubscriptionDefinition[] {
    return [...this.#subscriptions.values()].filter((subscription) => subscription.topic === topic);
  }

  async putTopic(name: string, definition: TopicDefinition | null): Promise<void> {
    await this.#required().put(TOPIC + name, definition === null ? null : JSON.stringify(definition));
  }

  async putSubscription(name: string, definition: SubscriptionDefinition | null): Promise<void> {
    await this.#required().put(SUBSCRIPTION + name, definition === null ? null : JSON.stringify(definition));
  }

  /** One change after the other in this process, each on the newest view: create and delete do not interleave. */
  async change<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#changes.then(async () => {
      await this.refresh();
      return await work();
    });
    this.#changes = turn.catch(() => undefined);
    return await turn;
  }

  /** Calls during a refresh share the next one: the one under way may have started before their cause. */
  async refresh(): Promise<void> {
    if (this.#refreshing !== undefined) await this.#refreshing.catch(() => undefined);
    this.#refreshing ??= this.#required()
      .refresh()
      .finally(() => {
        this.#refreshing = undefined;
        this.#refreshedAtMs = performance.now();
      });
    await this.#refreshing;
  }

  async #refreshed(): Promise<void> {
    if (performance.now() - this.#refreshedAtMs < limits.definitionMissTtlMs) return;
    await this.refresh();
  }

  #required(): MetaStore {
    if (this.#store === undefined) throw new PortError('internal', 'the definitions are not loaded yet');
    return this.#store;
  }

  #set<T>(kind: 'topic' | 'subscription', map: Map<string, T>, name: string, value: string | null): void {
    if (value === null) map.delete(name);
    else map.set(name, JSON.parse(value) as T);
    this.#onChange(kind, name);
  }
}

/** Names what a definition says: equal for equal ones, on every gateway. What an ETag is made of. */
export function definitionRevision(definition: object): string {
  return createHash('sha256').update(canonical(definition)).digest('base64url').slice(0, 22);
}

/** Whether two definitions say the same, whatever the order of their keys. */
export function sameDefinition(left: object, right: object): boolean {
  return canonical(left) === canonical(right);
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`).join(',')}}`;
}
