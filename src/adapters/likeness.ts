/**
 * `--like SYSTEM`: the native log in the manners of another system, so that what runs on it meets no surprise on the company's broker. It refuses what
 * the system refuses, and what the log itself cannot do; it gives no offsets where the system gives none, and answers with the durability that the
 * system reaches. How fast, and how it fails, it does not imitate.
 *
 *   capability claimed by    the log    the system    then
 *                            yes        yes           claimed, as the log does it
 *                            yes        no            unsupported, in the words of the system
 *                            no         yes           unsupported: only the log lacks it
 */

import { type Capability, type CapabilityTable, capabilityNames, unsupported } from './capabilities.ts';
import { SUBSCRIPTION } from './definitions.ts';
import type {
  Driver,
  DriverDelivery,
  Intake,
  IntakeCredit,
  IntakeSink,
  MetaStore,
  OutgoingMessage,
  PositionState,
} from './driver.ts';
import { PortError } from './errors.ts';
import type {
  BackendInfo,
  Durability,
  Health,
  Persistence,
  Position,
  PublishOutcome,
  QueueType,
  ReadResult,
  StorageFigures,
  SubscriptionDefinition,
  SubscriptionLag,
  TopicDefinition,
} from './port.ts';
import { queueTypeOf, systemCapabilities, type SystemName, systemOf } from './systems.ts';

/** What a system says of topics and subscriptions. */
interface Manners {
  readonly queueType: QueueType | null;
  completeTopic(topic: TopicDefinition): TopicDefinition;
  checkSubscription(subscription: SubscriptionDefinition, topic: TopicDefinition): void;
  checkAlteredTopic(from: TopicDefinition, to: TopicDefinition): void;
  checkAlteredSubscription(from: SubscriptionDefinition, to: SubscriptionDefinition, topic: TopicDefinition): void;
  deadLetterTopic(name: string, source: TopicDefinition): TopicDefinition;
  durability(
    topic: TopicDefinition,
    asked: { readonly persistence?: Persistence; readonly minCopies?: number },
  ): Durability;
  /** Of a publish; deliveries of streams have theirs. */
  readonly tellsOffsets: boolean;
}

/** One machine, one copy: what the log really is. */
const NODES = 1;

/** @throws PortError `invalid_argument` for what is not a system. */
export async function driverLike(driver: Driver, id: string): Promise<Driver> {
  const { name } = systemOf(id);
  const manners = await mannersOf(name);
  if (manners === undefined) return driver;
  const tables = new Map<QueueType | null, CapabilityTable>();
  for (const queueType of manners.queueType === null ? [null] : (['quorum', 'classic', 'stream'] as const)) {
    const theirs = await systemCapabilities(id, queueType === null ? { nodes: NODES } : { queueType, nodes: NODES });
    tables.set(queueType, intersection(driver.capabilities(), theirs, id));
  }
  return new LikeDriver(driver, id, manners, tables);
}

async function mannersOf(name: SystemName): Promise<Manners | undefined> {
  if (name === 'log') return undefined;
  if (name === 'kafka') {
    const { completeTopic, deadLetterTopic, syncsEveryMessage } = await import('./kafka/topics.ts');
    return {
      queueType: null,
      completeTopic: (topic) => oneReplica(completeTopic(topic, NODES)),
      checkSubscription: () => undefined,
      checkAlteredTopic: () => undefined,
      checkAlteredSubscription: () => undefined,
      deadLetterTopic,
      durability: (topic, asked) => {
        const most = syncsEveryMessage(topic) ? 'fsync' : 'os';
        if (asked.persistence === 'fsync' && most === 'os')
          throw lacking('durability.fsync', topic, 'needs flush.messages=1');
        if ((asked.minCopies ?? 1) > NODES) throw lacking('durability.copies', topic, `has ${NODES} copy`);
        return { persistence: most, copies: NODES };
      },
      tellsOffsets: true,
    };
  }
  const rules = await import('./rabbitmq/topic-rules.ts');
  const queueType = queueTypeOf(name);
  const oneNode = { urls: ['one node'], replicas: NODES };
  return {
    queueType,
    completeTopic: (topic) => rules.completeTopicFor({ ...topic, queueType: topic.queueType ?? queueType }, oneNode),
    checkSubscription: rules.checkSubscriptionOn,
    checkAlteredTopic: rules.checkAlteredTopic,
    checkAlteredSubscription: rules.checkAlteredSubscriptionOn,
    deadLetterTopic: (letters) => ({
      name: letters,
      partitions: 1,
      retention: { ms: null, bytes: null },
      cleanup: 'delete',
      queueType: 'stream',
      replicas: NODES,
      options: {},
    }),
    durability: rules.durabilityOf,
    tellsOffsets: false,
  };
}

function oneReplica(topic: TopicDefinition): TopicDefinition {
  if ((topic.replicas ?? 1) <= NODES) return topic;
  throw lacking('durability.copies', topic, `${topic.replicas} replicas: this is one node`);
}

function lacking(capability: Capability, { name }: TopicDefinition, why: string): PortError {
  return new PortError('capability_unsupported', `topic "${name}": ${why}`, { capability });
}

function intersection(ours: CapabilityTable, theirs: CapabilityTable, id: string): CapabilityTable {
  const claims = capabilityNames.map((name) => {
    if (theirs[name].level === 'unsupported') return [name, unsupported(`as on ${id}: ${theirs[name].how}`)] as const;
    if (ours[name].level === 'unsupported')
      return [name, unsupported(`${id} can, the native log that stands in for it cannot: ${ours[name].how}`)] as const;
    return [name, ours[name]] as const;
  });
  return Object.fromEntries(claims) as CapabilityTable;
}

class LikeDriver implements Driver {
  readonly info: BackendInfo;
  readonly storage?: () => Promise<StorageFigures>;
  readonly #driver: Driver;
  readonly #manners: Manners;
  readonly #tables: ReadonlyMap<QueueType | null, CapabilityTable>;
  /** By subscription, its topic: who would keep what is published. */
  readonly #topicOf = new Map<string, string>();

  constructor(driver: Driver, id: string, manners: Manners, tables: ReadonlyMap<QueueType | null, CapabilityTable>) {
    this.#driver = driver;
    this.#manners = manners;
    this.#tables = tables;
    this.info = { ...driver.info, like: id };
    if (driver.storage !== undefined) this.storage = driver.storage.bind(driver);
  }

  capabilities(queueType: QueueType | null = this.#manners.queueType): CapabilityTable {
    return this.#tables.get(queueType ?? null) ?? (this.#tables.get(this.#manners.queueType) as CapabilityTable);
  }

  async openMeta(apply: (key: string, value: string | null) => void): Promise<MetaStore> {
    return await this.#driver.openMeta((key, value) => {
      if (key.startsWith(SUBSCRIPTION)) this.#note(key.slice(SUBSCRIPTION.length), value);
      apply(key, value);
    });
  }

  #note(name: string, value: string | null): void {
    if (value === null) this.#topicOf.delete(name);
    else this.#topicOf.set(name, (JSON.parse(value) as SubscriptionDefinition).topic);
  }

  completeTopic(topic: TopicDefinition): TopicDefinition {
    return this.#manners.completeTopic(topic);
  }

  checkSubscription(subscription: SubscriptionDefinition, topic: TopicDefinition): void {
    this.#manners.checkSubscription(subscription, topic);
    this.#driver.checkSubscription(subscription, topic);
  }

  checkAlteredSubscription(from: SubscriptionDefinition, to: SubscriptionDefinition, topic: TopicDefinition): void {
    this.#manners.checkAlteredSubscription(from, to, topic);
    this.#driver.checkAlteredSubscription?.(from, to, topic);
  }

  deadLetterTopic(name: string, source: TopicDefinition): TopicDefinition {
    return this.#manners.deadLetterTopic(name, source);
  }

  async createTopic(topic: TopicDefinition): Promise<void> {
    await this.#driver.createTopic(asLog(topic));
  }

  async alterTopic(
    from: TopicDefinition,
    to: TopicDefinition,
    subscriptions: readonly SubscriptionDefinition[],
  ): Promise<void> {
    this.#manners.checkAlteredTopic(from, to);
    await this.#driver.alterTopic?.(asLog(from), asLog(to), subscriptions);
  }

  async deleteTopic(topic: TopicDefinition): Promise<void> {
    await this.#driver.deleteTopic(asLog(topic));
  }

  async createSubscription(subscription: SubscriptionDefinition, topic: TopicDefinition): Promise<void> {
    await this.#driver.createSubscription(subscription, asLog(topic));
    this.#topicOf.set(subscription.name, topic.name);
  }

  async deleteSubscription(subscription: SubscriptionDefinition, topic: TopicDefinition): Promise<void> {
    await this.#driver.deleteSubscription(subscription, asLog(topic));
  }

  durability(
    topic: TopicDefinition,
    asked: { readonly persistence?: Persistence; readonly minCopies?: number },
  ): Durability {
    return this.#manners.durability(topic, asked);
  }

  async publish(
    topic: TopicDefinition,
    messages: readonly OutgoingMessage[],
    options: { readonly durability: Durability; readonly signal: AbortSignal | undefined },
  ): Promise<readonly PublishOutcome[]> {
    const claims = this.capabilities(topic.queueType);
    if (claims['publish.beforeSubscription'].level === 'unsupported' && !this.#isHeard(topic.name)) {
      const error = new PortError(
        'unroutable',
        `topic "${topic.name}" has no subscription, and keeps nothing without one`,
      );
      return messages.map(({ id }) => ({ kind: 'refused', id, error }));
    }
    const recognises = claims['publish.dedup'].level !== 'unsupported';
    const sent = recognises ? messages : messages.map((message) => ({ ...message, isIdGiven: false }));
    const outcomes = await this.#driver.publish(asLog(topic), sent, options);
    if (this.#manners.tellsOffsets) return outcomes;
    return outcomes.map((outcome) => (outcome.kind === 'stored' ? { ...outcome, offset: null } : outcome));
  }

  #isHeard(topic: string): boolean {
    for (const heard of this.#topicOf.values()) if (heard === topic) return true;
    return false;
  }

  async openIntake(
    subscription: SubscriptionDefinition,
    topic: TopicDefinition,
    sink: IntakeSink,
    credit: IntakeCredit,
  ): Promise<Intake> {
    const hasOffsets = this.#manners.tellsOffsets || topic.queueType === 'stream';
    if (hasOffsets) return await this.#driver.openIntake(subscription, asLog(topic), sink, credit);
    const intake = new WithoutOffsets(sink);
    intake.use(await this.#driver.openIntake(subscription, asLog(topic), intake.sink, credit));
    return intake;
  }

  async seek(subscription: SubscriptionDefinition, topic: TopicDefinition, to: Position): Promise<void> {
    await this.#driver.seek(subscription, asLog(topic), to);
  }

  async lag(subscription: SubscriptionDefinition, topic: TopicDefinition): Promise<SubscriptionLag> {
    return await this.#driver.lag(subscription, asLog(topic));
  }

  async settlePosition(
    subscription: SubscriptionDefinition,
    topic: TopicDefinition,
    partition: number,
    offset: number,
    settles: boolean,
  ): Promise<PositionState> {
    const state = await this.#driver.settlePosition?.(subscription, asLog(topic), partition, offset, settles);
    return state ?? 'elsewhere';
  }

  async read(
    topic: TopicDefinition,
    partition: number,
    from: 'earliest' | 'latest' | number,
    limit: number,
  ): Promise<ReadResult> {
    return await this.#driver.read(asLog(topic), partition, from, limit);
  }

  async health(): Promise<Health> {
    return await this.#driver.health();
  }

  async close(): Promise<void> {
    await this.#driver.close();
  }
}

/** What the log itself is told of a topic: options of the other system are its own, checked and kept, and of no effect here. */
function asLog(topic: TopicDefinition): TopicDefinition {
  return { ...topic, queueType: null, replicas: NODES, options: {} };
}

/** Hands on deliveries without their offsets; the log's own go back to it. */
class WithoutOffsets implements Intake {
  readonly retryMode = 'local';
  readonly #sink: IntakeSink;
  readonly #shown = new Map<DriverDelivery, DriverDelivery>();
  readonly #inner = new Map<DriverDelivery, DriverDelivery>();
  #intake: Intake | undefined;

  constructor(sink: IntakeSink) {
    this.#sink = sink;
  }

  use(intake: Intake): void {
    this.#intake = intake;
  }

  get sink(): IntakeSink {
    return {
      deliver: (inner) => {
        const shown = { message: { ...inner.message, offset: null }, attempt: inner.attempt, bytes: inner.bytes };
        this.#shown.set(inner, shown);
        this.#inner.set(shown, inner);
        this.#sink.deliver(shown);
      },
      lost: (deliveries) => this.#sink.lost(deliveries.flatMap((inner) => this.#shown.get(inner) ?? [])),
      ended: (error) => this.#sink.ended(error),
    };
  }

  grant(credit: IntakeCredit): void {
    this.#intake?.grant(credit);
  }

  ack(shown: DriverDelivery): Promise<void> | void {
    const inner = this.#taken(shown);
    return inner === undefined ? undefined : this.#intake?.ack(inner);
  }

  async written(): Promise<void> {
    await this.#intake?.written?.();
  }

  giveBack(shown: DriverDelivery, counted: boolean): Promise<void> | void {
    const inner = this.#taken(shown);
    return inner === undefined ? undefined : this.#intake?.giveBack(inner, counted);
  }

  noteAttempt(shown: DriverDelivery, attempt: number): void {
    const inner = this.#inner.get(shown);
    if (inner !== undefined) this.#intake?.noteAttempt?.(inner, attempt);
  }

  async close(): Promise<void> {
    await this.#intake?.close();
  }

  #taken(shown: DriverDelivery): DriverDelivery | undefined {
    const inner = this.#inner.get(shown);
    this.#inner.delete(shown);
    if (inner !== undefined) this.#shown.delete(inner);
    return inner;
  }
}
