/** The door of the Kafka driver: thin; each part has a file of its own. */

import type { CapabilityTable } from '../capabilities.ts';
import type { Driver, Intake, IntakeCredit, IntakeSink, MetaStore, OutgoingMessage, PositionState } from '../driver.ts';
import { PortError } from '../errors.ts';
import { toRecordHeaders } from '../log-codec.ts';
import { OldestUnsettled } from '../oldest-unsettled.ts';
import type {
  BackendInfo,
  Durability,
  Health,
  Persistence,
  Position,
  PublishOutcome,
  ReadResult,
  SubscriptionDefinition,
  SubscriptionLag,
  TopicDefinition,
} from '../port.ts';
import { GivenDefinitions, notManaged } from '../existing.ts';
import { kafkaCapabilities } from './capabilities.ts';
import { isDenied, toFault, toPortError } from './errors.ts';
import { type KafkaNames, ownNames } from './existing.ts';
import { createGroup, deleteGroup, groupLag, seekGroup, settlePosition } from './group-offsets.ts';
import { KafkaIntake } from './intake.ts';
import type { KafkaClient } from './kafka-client.ts';
import { KafkaJsClient } from './kafkajs-client.ts';
import { kafkaLimits } from './kafka-limits.ts';
import { Leaders } from './leaders.ts';
import { MetaTopic } from './meta-topic.ts';
import { type KafkaConfig, parseConfig } from './options.ts';
import { Producer } from './producer.ts';
import { readPartition } from './raw-reader.ts';
import { alterTopic, completeTopic, createTopic, deadLetterTopic, deleteTopic, syncsEveryMessage } from './topics.ts';

/**
 * Resolves when a broker of the cluster answered.
 * @throws PortError backend_unavailable when none did within `connectTimeoutMs`, backend_rejected for a certificate or login that one
 * side refuses, invalid_argument for a wrong configuration.
 */
export async function openDriver(config: Readonly<Record<string, unknown>>): Promise<Driver> {
  const parsed = parseConfig(config);
  const client = new KafkaJsClient(parsed);
  try {
    await client.connect(parsed.connectTimeoutMs);
    const defaultReplicas = parsed.existing === null ? await defaultReplicasOf(client) : 1;
    return new KafkaBackend(parsed, client, defaultReplicas, await client.version());
  } catch (reason) {
    client.close();
    // Who turned us away is named in the reason.
    const where = toFault(reason).isTurnedAway ? 'Kafka' : `Kafka at ${parsed.brokers.join(', ')}`;
    throw withHint(toPortError(reason, where), parsed);
  }
}

/** A listener that wants TLS or a login closes the connection of a client that brings neither, without a word. */
function withHint(error: PortError, { tls, sasl }: KafkaConfig): PortError {
  const absent = [...(tls === null ? ['TLS (tls)'] : []), ...(sasl === null ? ['a login (sasl)'] : [])];
  if (!/closed|disconnected before/i.test(error.message) || absent.length === 0) return error;
  return new PortError(error.code, `${error.message}; it may want ${absent.join(' or ')}`, { cause: error.cause });
}

/** Who may not read the cluster's configuration gets what clusters usually have. */
async function defaultReplicasOf(client: KafkaClient): Promise<number> {
  try {
    return Number((await client.brokerConfig('default.replication.factor')) ?? 1);
  } catch (reason) {
    if (!isDenied(toFault(reason).type)) throw reason;
    return Math.min(USUAL_REPLICAS, client.brokerCount());
  }
}

const USUAL_REPLICAS = 3;

class KafkaBackend implements Driver {
  readonly info: BackendInfo;
  readonly #config: KafkaConfig;
  readonly #names: KafkaNames;
  /** For administration and browsing; publishing, following the definitions and each intake have connections of their own. */
  readonly #client: KafkaClient;
  readonly #produceClient: KafkaClient;
  readonly #defaultReplicas: number;
  readonly #leaders: Leaders;
  readonly #producer: Producer;
  readonly #intakes = new Map<string, KafkaIntake>();
  readonly #oldest = new OldestUnsettled(
    async (topic, partition, offset) => await this.#timestampAt(topic, partition, offset),
  );
  /** With `manage: none`, as Kafka has them. */
  #found: readonly TopicDefinition[] = [];
  #metaClient: KafkaClient | null = null;
  #meta: MetaTopic | null = null;
  #closing: Promise<void> | null = null;

  constructor(config: KafkaConfig, client: KafkaClient, defaultReplicas: number, version: string) {
    this.#config = config;
    this.#names = config.existing ?? ownNames;
    this.#client = client;
    this.#defaultReplicas = defaultReplicas;
    this.#produceClient = new KafkaJsClient(config);
    this.#leaders = new Leaders(this.#produceClient);
    this.#producer = new Producer(this.#produceClient, this.#leaders);
    this.info = { backend: 'kafka', product: 'Apache Kafka', version };
  }

  capabilities(): CapabilityTable {
    return kafkaCapabilities;
  }

  async openMeta(apply: (key: string, value: string | null) => void): Promise<MetaStore> {
    const { existing } = this.#config;
    if (existing !== null) {
      this.#found = await this.#call('reading what is there', () => existing.definitions(this.#client));
      return new GivenDefinitions(this.#found, existing.subscriptions, apply);
    }
    const followerClient = new KafkaJsClient(this.#config);
    this.#metaClient = followerClient;
    this.#meta = await this.#call('opening the definitions', () =>
      MetaTopic.open({
        client: this.#client,
        followerClient,
        producer: this.#producer,
        replicas: Math.min(this.#client.brokerCount(), Math.max(this.#defaultReplicas, 1)),
        apply,
      }),
    );
    return this.#meta;
  }

  completeTopic(topic: TopicDefinition): TopicDefinition {
    if (this.#config.existing === null) return completeTopic(topic, this.#defaultReplicas);
    const found = this.#found.find(({ name }) => name === topic.name);
    if (found === undefined) throw notManaged(`create topic "${topic.name}"`);
    return completeTopic(topic, found.replicas ?? this.#defaultReplicas);
  }

  /** Every combination of the port is possible on a log. */
  checkSubscription({ name }: SubscriptionDefinition): void {
    const { existing } = this.#config;
    const isThere = existing?.subscriptions.some((subscription) => subscription.name === name);
    if (isThere === false) throw notManaged(`create subscription "${name}"`);
  }

  deadLetterTopic(name: string, source: TopicDefinition): TopicDefinition {
    return deadLetterTopic(name, source);
  }

  async createTopic(topic: TopicDefinition): Promise<void> {
    if (this.#config.existing !== null) return; // `completeTopic` let only those pass that are there
    await this.#call(`creating topic "${topic.name}"`, async () => {
      await createTopic(this.#client, topic);
      await this.#leaders.refresh(topic.name);
    });
  }

  /** Groups without an offset in a new partition read it from its first message on. */
  async alterTopic(from: TopicDefinition, to: TopicDefinition): Promise<void> {
    if (this.#config.existing !== null) throw notManaged(`change topic "${to.name}"`);
    await this.#call(`changing topic "${to.name}"`, async () => {
      await alterTopic(this.#client, from, to);
      await this.#leaders.refresh(to.name);
    });
  }

  async deleteTopic(topic: TopicDefinition): Promise<void> {
    if (this.#config.existing !== null) throw notManaged(`delete topic "${topic.name}"`);
    await this.#call(`deleting topic "${topic.name}"`, () => deleteTopic(this.#client, topic.name));
  }

  async createSubscription(
    subscription: SubscriptionDefinition,
    topic: TopicDefinition,
    isMadeElsewhere?: () => Promise<boolean>,
  ): Promise<void> {
    await this.#call(`creating subscription "${subscription.name}"`, () =>
      createGroup(this.#client, this.#names.group(subscription.name), subscription, topic, isMadeElsewhere),
    );
  }

  async deleteSubscription(subscription: SubscriptionDefinition, { partitions }: TopicDefinition): Promise<void> {
    if (this.#config.existing !== null) throw notManaged(`delete subscription "${subscription.name}"`);
    await this.#call(`deleting subscription "${subscription.name}"`, () =>
      deleteGroup(this.#client, this.#names.group(subscription.name), subscription),
    );
    for (let partition = 0; partition < partitions; partition += 1) this.#oldest.forget(subscription.name, partition);
  }

  durability(
    topic: TopicDefinition,
    asked: { readonly persistence?: Persistence; readonly minCopies?: number },
  ): Durability {
    const persistence = syncsEveryMessage(topic) ? 'fsync' : 'os';
    if (asked.persistence === 'fsync' && persistence !== 'fsync') {
      const text = `topic "${topic.name}" answers from the page cache; create it with the option flush.messages=1 for fsync`;
      throw new PortError('capability_unsupported', text, { capability: 'durability.fsync' });
    }
    const copies = this.#leaders.copies(this.#names.topic(topic.name));
    if (asked.minCopies !== undefined && asked.minCopies > copies) {
      const text = `topic "${topic.name}" has ${copies} in-sync copies, not ${asked.minCopies}`;
      throw new PortError('capability_unsupported', text, { capability: 'durability.copies' });
    }
    return { persistence, copies };
  }

  async publish(
    topic: TopicDefinition,
    messages: readonly OutgoingMessage[],
    options: { readonly durability: Durability; readonly signal: AbortSignal | undefined },
  ): Promise<readonly PublishOutcome[]> {
    const records = messages.map((message) => ({
      partition: message.partition,
      record: {
        key: message.key,
        value: message.value,
        headers: toRecordHeaders(message),
        timestampMs: message.timestampMs,
      },
    }));
    const outcomes = await this.#producer.publish(this.#names.topic(topic.name), records, options.signal);
    return outcomes.map((outcome, index) => {
      const { id, partition } = messages[index] as OutgoingMessage;
      if (outcome.kind !== 'stored') return { kind: outcome.kind, id, error: outcome.error };
      return { kind: 'stored', id, partition, offset: outcome.offset, durability: options.durability };
    });
  }

  async openIntake(
    subscription: SubscriptionDefinition,
    topic: TopicDefinition,
    sink: IntakeSink,
    credit: IntakeCredit,
  ): Promise<Intake> {
    const client = new KafkaJsClient(this.#config);
    const { name } = subscription;
    const onClosed = (): void => {
      if (this.#intakes.get(name) === intake) this.#intakes.delete(name);
    };
    const intake = new KafkaIntake({
      subscription,
      groupId: this.#names.group(name),
      topic: this.#physical(topic),
      shownTopic: topic.name,
      startWithoutOffset: this.#config.existing === null ? null : subscription.start,
      sink,
      credit,
      client,
      adminClient: this.#client,
      onClosed,
    });
    this.#intakes.set(name, intake);
    intake.start();
    return intake;
  }

  async seek(subscription: SubscriptionDefinition, topic: TopicDefinition, to: Position): Promise<void> {
    await this.#call(`seeking subscription "${subscription.name}"`, () =>
      seekGroup(this.#client, this.#names.group(subscription.name), subscription, this.#physical(topic), to),
    );
  }

  /** Undefined when it was removed meanwhile, or is not in sight: the lag is known all the same. */
  async #timestampAt(topic: string, partition: number, offset: number): Promise<number | undefined> {
    try {
      const { messages } = await readPartition(this.#client, this.#names.topic(topic), partition, offset, 1);
      return messages[0]?.timestampMs;
    } catch {
      return undefined;
    }
  }

  async lag(subscription: SubscriptionDefinition, topic: TopicDefinition): Promise<SubscriptionLag> {
    // What this process acked a moment ago counts.
    await this.#intakes.get(subscription.name)?.flush();
    return await this.#call(`lag of subscription "${subscription.name}"`, () =>
      groupLag(
        this.#client,
        this.#names.group(subscription.name),
        this.#physical(topic),
        this.#config.existing === null ? 'earliest' : subscription.start,
        async (partition, offset) => await this.#oldest.ageMs(subscription.name, topic.name, partition, offset),
      ),
    );
  }

  async settlePosition(
    subscription: SubscriptionDefinition,
    topic: TopicDefinition,
    partition: number,
    offset: number,
    settles: boolean,
  ): Promise<PositionState> {
    return await this.#call(`settling in subscription "${subscription.name}"`, () =>
      settlePosition(
        this.#client,
        this.#names.group(subscription.name),
        this.#physical(topic),
        partition,
        offset,
        settles,
      ),
    );
  }

  /** By its name on Kafka. */
  #physical(topic: TopicDefinition): TopicDefinition {
    return { ...topic, name: this.#names.topic(topic.name) };
  }

  async read(
    topic: TopicDefinition,
    partition: number,
    from: 'earliest' | 'latest' | number,
    limit: number,
  ): Promise<ReadResult> {
    return await this.#call(`reading ${topic.name}-${partition}`, () =>
      readPartition(this.#client, this.#names.topic(topic.name), partition, from, limit, topic.name),
    );
  }

  async health(): Promise<Health> {
    try {
      await this.#client.connect(kafkaLimits.healthTimeoutMs);
      return { ok: true, detail: `${this.#client.brokerCount()} broker(s) answer` };
    } catch (reason) {
      return {
        ok: false,
        detail: `no broker answers: ${toPortError(reason, this.#config.brokers.join(', ')).message}`,
      };
    }
  }

  async close(): Promise<void> {
    this.#closing ??= this.#closeNow();
    await this.#closing;
  }

  async #closeNow(): Promise<void> {
    await Promise.all([...this.#intakes.values()].map((intake) => intake.close()));
    await this.#producer.close(kafkaLimits.closeTimeoutMs);
    this.#meta?.close();
    this.#metaClient?.close();
    this.#produceClient.close();
    this.#client.close();
  }

  async #call<T>(doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (reason) {
      throw toPortError(reason, doing);
    }
  }
}
