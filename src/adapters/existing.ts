/**
 * Topics and subscriptions that are there already (`manage: none`): their definitions come from the configuration and nothing is
 * made on the broker to keep them. What both brokers' mappings have in common.
 */

import { objectAt, type TellProblem } from './broker-login.ts';
import type { MetaStore } from './driver.ts';
import { PortError } from './errors.ts';
import type { SubscriptionDefinition, SubscriptionOptions, TopicDefinition, TopicOptions } from './port.ts';
import { subscriptionDefinition, topicDefinition } from './validate.ts';

export type Manage = 'full' | 'none';

/** @throws nothing; a wrong value is told. */
export function parseManage(value: unknown, problem: TellProblem): Manage {
  if (value === undefined || value === 'full') return 'full';
  if (value !== 'none') problem('manage', 'must be "full" or "none"');
  return 'none';
}

type Section = Readonly<Record<string, unknown>>;

/** Each entry of a list of sections, with its path for messages; nothing where the list is absent or none. */
export function entriesOf(
  value: unknown,
  path: string,
  known: readonly string[],
  problem: TellProblem,
): readonly { readonly entry: Section; readonly path: string }[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) {
    problem(path, 'must be a list');
    return [];
  }
  return value.flatMap((each: unknown, index) => {
    const entry = objectAt(each, `${path}[${index}]`, known, problem);
    return entry === null ? [] : [{ entry, path: `${path}[${index}]` }];
  });
}

/** What a mapped subscription may say of itself, beside its place on the broker. */
export const subscriptionFields = [
  'name',
  'topic',
  'ordering',
  'ackDeadlineMs',
  'maxInFlight',
  'retry',
  'onExhausted',
  'deadLetterTopic',
] as const;

/** The entry's fields of these names as a topic, complete. Undefined, and told, when something is wrong with it. */
export function mappedTopic(
  entry: Section,
  path: string,
  fields: readonly string[],
  problem: TellProblem,
): TopicDefinition | undefined {
  return checked(path, problem, () => topicDefinition(picked(entry, fields) as unknown as TopicOptions));
}

export function mappedSubscription(
  entry: Section,
  path: string,
  fields: readonly string[],
  problem: TellProblem,
): SubscriptionDefinition | undefined {
  return checked(path, problem, () => subscriptionDefinition(picked(entry, fields) as unknown as SubscriptionOptions));
}

/** Every subscription on a mapped topic, every dead-letter topic mapped, every name once. */
export function checkReferences(
  topics: readonly { readonly name: string }[],
  subscriptions: readonly SubscriptionDefinition[],
  problem: TellProblem,
): void {
  const names = new Set(topics.map(({ name }) => name));
  tellTwice('topics', topics, problem);
  tellTwice('subscriptions', subscriptions, problem);
  for (const { name, topic, deadLetterTopic } of subscriptions) {
    const where = `subscriptions (${name})`;
    if (!names.has(topic)) problem(`${where}.topic`, `"${topic}" is not one of topics`);
    if (deadLetterTopic === null || names.has(deadLetterTopic)) continue;
    const ways = 'map it there, name another with deadLetterTopic, or set onExhausted to drop or block';
    problem(`${where}.deadLetterTopic`, `"${deadLetterTopic}" is not one of topics, and none is made: ${ways}`);
  }
}

function tellTwice(path: string, named: readonly { readonly name: string }[], problem: TellProblem): void {
  const seen = new Set<string>();
  for (const { name } of named) {
    if (seen.has(name)) problem(path, `name "${name}" twice`);
    seen.add(name);
  }
}

function picked(entry: Section, fields: readonly string[]): Section {
  return Object.fromEntries(Object.entries(entry).filter(([name]) => fields.includes(name)));
}

function checked<T>(path: string, problem: TellProblem, work: () => T): T | undefined {
  try {
    return work();
  } catch (reason) {
    for (const each of PortError.from(reason).errors ?? []) problem(`${path}.${each.path}`, each.message);
    return undefined;
  }
}

/** The definitions of the configuration, for as long as the driver is open. */
export class GivenDefinitions implements MetaStore {
  readonly isReadOnly = true;

  constructor(
    topics: readonly TopicDefinition[],
    subscriptions: readonly SubscriptionDefinition[],
    apply: (key: string, value: string | null) => void,
  ) {
    for (const topic of topics) apply(`topic/${topic.name}`, JSON.stringify(topic));
    for (const subscription of subscriptions) apply(`subscription/${subscription.name}`, JSON.stringify(subscription));
  }

  refresh(): Promise<void> {
    return Promise.resolve();
  }

  put(key: string): Promise<void> {
    return Promise.reject(notManaged(`change the definition of "${key.slice(key.indexOf('/') + 1)}"`));
  }
}

/** @param what such as `create topic "x"`. */
export function notManaged(what: string): PortError {
  return new PortError(
    'capability_unsupported',
    `cannot ${what}: with manage "none" nothing is made or changed on the broker; its topics and subscriptions are those of the configuration`,
  );
}
