/**
 * The RabbitMQ driver: topics as exchanges, subscriptions as queues (quorum, classic) or as cursors on streams. Thin: it
 * decides what is legal and hands on; topology.ts has the names, topic-rules.ts the rules, the intakes and the publisher the work.
 */

import { AckTracker } from '../ack-tracker.ts';
import { type CapabilityTable, unsupported } from '../capabilities.ts';
import type { Driver, Intake, IntakeCredit, IntakeSink, MetaStore, OutgoingMessage } from '../driver.ts';
import { PortError } from '../errors.ts';
import { GivenDefinitions, notManaged } from '../existing.ts';
import { OldestUnsettled } from '../oldest-unsettled.ts';
import type {
  BackendInfo,
  Durability,
  Health,
  Persistence,
  Position,
  PublishOutcome,
  QueueType,
  ReadResult,
  SubscriptionDefinition,
  SubscriptionLag,
  TopicDefinition,
} from '../port.ts';
import { AttemptMemory } from './attempt-memory.ts';
import { bounds } from './bounds.ts';
import { capabilityTable } from './capabilities.ts';
import { SupervisedConnection, withChannel } from './connection.ts';
import { CursorStore } from './cursor-store.ts';
import { DelayQueues, delayProblem, isDelayed, stepOf } from './delay-queues.ts';
import { isGone } from './errors.ts';
import { ExistingTopology } from './existing.ts';
import { checkExisting } from './existing-lookup.ts';
import { type HeldOfQueue, QueueIntake } from './intake-queue.ts';
import { StreamIntake } from './intake-stream.ts';
import { toAmqp } from './message-codec.ts';
import { MetaStream } from './meta-stream.ts';
import { parseOptions, type RabbitMqOptions } from './options.ts';
import { type Publication, type PublicationOutcome, Publisher } from './publisher.ts';
import { QueueAges } from './queue-ages.ts';
import { ReleaseMemory } from './release-memory.ts';
import { StreamReader } from './stream-reader.ts';
import {
  checkAlteredSubscriptionOn,
  checkAlteredTopic,
  checkSubscriptionOn,
  completeTopicFor,
  durabilityOf,
  missing,
} from './topic-rules.ts';
import { Topology } from './topology.ts';
import { type BrokerVersion, brokerVersion } from './version.ts';

/**
 * Connects, twice: for publishing, and for all else.
 * @throws PortError `invalid_argument` for bad options; `backend_unavailable` within `connectTimeoutMs` when nothing answers;
 * `backend_rejected` when the broker refuses user or vhost; `capability_unsupported` below RabbitMQ 3.10.
 */
export async function openDriver(config: Readonly<Record<string, unknown>>): Promise<Driver> {
  const options = parseOptions(config);
  const publishing = new SupervisedConnection(options, 'publish');
  const consuming = new SupervisedConnection(options, 'consume');
  try {
    const [model] = await Promise.all([consuming.open(), publishing.open()]);
    return new RabbitMqDriver(options, brokerVersion(model.connection.serverProperties), publishing, consuming);
  } catch (reason) {
    await Promise.all([publishing.close(), consuming.close()]);
    throw PortError.from(reason, 'backend_unavailable');
  }
}

class RabbitMqDriver implements Driver {
  readonly info: BackendInfo;
  readonly #options: RabbitMqOptions;
  readonly #version: BrokerVersion;
  readonly #publishing: SupervisedConnection;
  readonly #consuming: SupervisedConnection;
  readonly #topology: Topology;
  readonly #publisher: Publisher;
  readonly #reader: StreamReader;
  readonly #cursors: CursorStore;
  readonly #delays: DelayQueues;
  /** By subscription on classic queues. */
  readonly #attempts = new Map<string, AttemptMemory>();
  readonly #released = new Map<string, ReleaseMemory>();
  readonly #intakes = new Map<string, QueueIntake | StreamIntake>();
  readonly #queueAges = new QueueAges();
  /** Of subscriptions on streams. */
  readonly #oldest = new OldestUnsettled(
    async (topic, partition, offset) => await this.#reader.timestampAt(this.#topology.stream(topic, partition), offset),
  );
  readonly #capabilities = new Map<QueueType, CapabilityTable>();
  #meta: MetaStream | undefined;
  #probing: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(
    options: RabbitMqOptions,
    version: BrokerVersion,
    publishing: SupervisedConnection,
    consuming: SupervisedConnection,
  ) {
    this.info = { backend: 'rabbitmq', product: 'RabbitMQ', version: version.text };
    this.#options = options;
    this.#version = version;
    this.#publishing = publishing;
    this.#consuming = consuming;
    const { existing, prefix } = options;
    this.#topology =
      existing === null ? new Topology(prefix, version) : new ExistingTopology(existing, prefix, version);
    this.#publisher = new Publisher(publishing);
    this.#reader = new StreamReader(consuming);
    this.#cursors = new CursorStore(consuming, this.#publisher, this.#topology);
    this.#delays = new DelayQueues(consuming, this.#topology);
  }

  capabilities(queueType: QueueType = 'quorum'): CapabilityTable {
    let table = this.#capabilities.get(queueType);
    if (table === undefined) {
      table = capabilityTable(queueType, this.#version, this.#options.replicas);
      if (this.#options.existing !== null)
        table = {
          ...table,
          delay: unsupported('with manage: none there is nowhere to wait: that needs queues of its own'),
        };
      this.#capabilities.set(queueType, table);
    }
    return table;
  }

  async openMeta(apply: (key: string, value: string | null) => void): Promise<MetaStore> {
    const { existing } = this.#options;
    if (existing !== null) {
      await checkExisting(existing, this.#consuming);
      const [topics, subscriptions] = [existing.topics, existing.subscriptions];
      return new GivenDefinitions(
        topics.map(({ definition }) => definition),
        subscriptions.map(({ definition }) => definition),
        apply,
      );
    }
    this.#meta = new MetaStream({
      connection: this.#consuming,
      publisher: this.#publisher,
      reader: this.#reader,
      topology: this.#topology,
      replicas: this.#options.replicas,
      apply,
    });
    await this.#meta.open();
    return this.#meta;
  }

  // ------------------------------------------------------------------------------------------ topics

  completeTopic(topic: TopicDefinition): TopicDefinition {
    const { existing } = this.#options;
    if (existing === null) return completeTopicFor(topic, this.#options);
    const found = existing.topics.find(({ definition: { name } }) => name === topic.name)?.definition;
    if (found === undefined) throw notManaged(`create topic "${topic.name}"`);
    return { ...topic, queueType: topic.queueType ?? found.queueType, replicas: topic.replicas ?? found.replicas };
  }

  checkSubscription(subscription: SubscriptionDefinition, topic: TopicDefinition): void {
    const isThere = this.#options.existing?.subscriptions.some(
      ({ definition: { name } }) => name === subscription.name,
    );
    if (isThere === false) throw notManaged(`create subscription "${subscription.name}"`);
    checkSubscriptionOn(subscription, topic);
  }

  /** A stream: it keeps dead letters without anybody subscribed, and they can be browsed. */
  deadLetterTopic(name: string, source: TopicDefinition): TopicDefinition {
    return {
      name,
      partitions: 1,
      retention: { ms: null, bytes: null },
      cleanup: 'delete',
      queueType: 'stream',
      replicas: source.replicas ?? this.#options.replicas,
      options: {},
    };
  }

  async createTopic(topic: TopicDefinition): Promise<void> {
    if (this.#options.existing !== null) return; // `completeTopic` let only those pass that are there
    const exchange = this.#topology.exchange(topic.name);
    await withChannel(this.#consuming, `create topic "${topic.name}"`, async (channel) => {
      await channel.assertExchange(exchange, 'direct', { durable: true });
      if (topic.queueType !== 'stream') return;
      for (let partition = 0; partition < topic.partitions; partition += 1) {
        const stream = this.#topology.stream(topic.name, partition);
        await channel.assertQueue(stream, { durable: true, arguments: this.#topology.streamArguments(topic) });
        await channel.bindQueue(stream, exchange, String(partition));
      }
    });
  }

  /** An exchange gets more routing keys, and what hangs on it the queues or bindings for them; arguments of queues are for ever. */
  async alterTopic(
    from: TopicDefinition,
    to: TopicDefinition,
    subscriptions: readonly SubscriptionDefinition[],
  ): Promise<void> {
    if (this.#options.existing !== null) throw notManaged(`change topic "${to.name}"`);
    checkAlteredTopic(from, to);
    // Queues before the port sends to their partitions: until then nothing is published there.
    await this.createTopic(to);
    for (const subscription of subscriptions) {
      if (to.queueType === 'stream') await this.#addCursors(subscription, to, from.partitions);
      else await this.#createQueues(subscription, to, from.partitions);
    }
  }

  checkAlteredSubscription(from: SubscriptionDefinition, to: SubscriptionDefinition, topic: TopicDefinition): void {
    checkAlteredSubscriptionOn(from, to, topic);
  }

  async deleteTopic(topic: TopicDefinition): Promise<void> {
    if (this.#options.existing !== null) throw notManaged(`delete topic "${topic.name}"`);
    await this.#delays.deleteAll(topic);
    await withChannel(this.#consuming, `delete topic "${topic.name}"`, async (channel) => {
      await channel.deleteExchange(this.#topology.exchange(topic.name));
      if (topic.queueType !== 'stream') return;
      for (let partition = 0; partition < topic.partitions; partition += 1) {
        const stream = this.#topology.stream(topic.name, partition);
        await channel.deleteQueue(stream);
        this.#reader.forget(stream);
      }
    });
  }

  // ------------------------------------------------------------------------------------------ subscriptions

  async createSubscription(
    subscription: SubscriptionDefinition,
    topic: TopicDefinition,
    isMadeElsewhere?: () => Promise<boolean>,
  ): Promise<void> {
    if (topic.queueType === 'stream') {
      await this.#createCursors(subscription, topic, isMadeElsewhere);
      return;
    }
    await this.#createQueues(subscription, topic, 0);
  }

  /** For the partitions from `first` on. A queue that is there for earlier ones is only bound: it may have the arguments of another version. */
  async #createQueues(subscription: SubscriptionDefinition, topic: TopicDefinition, first: number): Promise<void> {
    const exchange = this.#topology.exchange(topic.name);
    await withChannel(this.#consuming, `create subscription "${subscription.name}"`, async (channel) => {
      for (const queue of this.#topology.subscriptionQueues(subscription, topic)) {
        const added = queue.partitions.filter((partition) => partition >= first);
        if (added.length === queue.partitions.length) {
          await channel.assertQueue(queue.name, {
            durable: true,
            arguments: this.#topology.queueArguments(subscription, topic),
          });
          this.#queueAges.forget(queue.name); // of one that had its name
        }
        for (const partition of added) await channel.bindQueue(queue.name, exchange, String(partition));
      }
    });
  }

  /** For the partitions from `first` on, which are new: whatever is in them came later than the subscription. */
  async #addCursors(subscription: SubscriptionDefinition, topic: TopicDefinition, first: number): Promise<void> {
    for (let partition = first; partition < topic.partitions; partition += 1) {
      if (await this.#cursors.create(subscription.name, partition, topic)) continue;
      await this.#cursors.write(subscription.name, partition, { kind: 'seek', offset: 0 });
    }
  }

  /** A cursor that is there already is left alone: this is called again after a crash in between. */
  async #createCursors(
    subscription: SubscriptionDefinition,
    topic: TopicDefinition,
    isMadeElsewhere: (() => Promise<boolean>) | undefined,
  ): Promise<void> {
    const starts = new Map<number, number>();
    for (let partition = 0; partition < topic.partitions; partition += 1) {
      if (await this.#cursors.create(subscription.name, partition, topic)) continue;
      starts.set(partition, (await this.#resolve(subscription.start, topic, partition)) ?? 0);
    }
    if (starts.size === 0 || (await isMadeElsewhere?.()) === true) return;
    for (const [partition, offset] of starts)
      await this.#cursors.write(subscription.name, partition, { kind: 'seek', offset });
  }

  async deleteSubscription(subscription: SubscriptionDefinition, topic: TopicDefinition): Promise<void> {
    if (this.#options.existing !== null) throw notManaged(`delete subscription "${subscription.name}"`);
    this.#attempts.delete(subscription.name);
    this.#released.delete(subscription.name);
    if (topic.queueType === 'stream') {
      for (let partition = 0; partition < topic.partitions; partition += 1) {
        await this.#cursors.delete(subscription.name, partition);
        this.#oldest.forget(subscription.name, partition);
      }
      return;
    }
    await withChannel(this.#consuming, `delete subscription "${subscription.name}"`, async (channel) => {
      for (const { name } of this.#topology.subscriptionQueues(subscription, topic)) {
        await channel.deleteQueue(name);
        this.#queueAges.forget(name);
      }
    });
  }

  /** Undefined for a partition that the position does not name. */
  async #resolve(position: Position, topic: TopicDefinition, partition: number): Promise<number | undefined> {
    const stream = this.#topology.stream(topic.name, partition);
    if (position === 'latest') return await this.#reader.nextOffset(stream);
    if (position === 'earliest') return (await this.#reader.ends(stream)).first;
    if ('timestampMs' in position) return await this.#reader.offsetAt(stream, position.timestampMs, Date.now());
    const offset = position.offsets[String(partition)];
    if (offset === undefined) return undefined;
    const next = await this.#reader.nextOffset(stream);
    if (offset <= next) return offset;
    throw new PortError(
      'offset_out_of_range',
      `offset ${offset} is after the end ${next} of "${topic.name}" partition ${partition}`,
    );
  }

  // ------------------------------------------------------------------------------------------ publish

  durability(
    topic: TopicDefinition,
    asked: { readonly persistence?: Persistence; readonly minCopies?: number },
  ): Durability {
    return durabilityOf(topic, asked);
  }

  async publish(
    topic: TopicDefinition,
    messages: readonly OutgoingMessage[],
    options: { readonly durability: Durability; readonly signal: AbortSignal | undefined },
  ): Promise<readonly PublishOutcome[]> {
    const outcomes = messages.some(({ delayMs }) => isDelayed(delayMs))
      ? await this.#publishDelayed(topic, messages, options)
      : await this.#publisher.publish(this.#publications(topic, messages, options.durability), options.signal);
    if (topic.queueType === 'stream') {
      const stored = new Set(
        messages
          // What waits is not in the stream yet.
          .filter(({ delayMs }, index) => outcomes[index]?.kind === 'stored' && !isDelayed(delayMs))
          .map(({ partition }) => partition),
      );
      for (const partition of stored) this.#reader.noteStored(this.#topology.stream(topic.name, partition));
    }
    return messages.map(({ id, partition }, index) => {
      const outcome = outcomes[index] as PublicationOutcome;
      if (outcome.kind !== 'stored') return { kind: outcome.kind, id, error: outcome.error };
      return { kind: 'stored', id, partition, offset: null, durability: options.durability };
    });
  }

  #publications(
    topic: TopicDefinition,
    messages: readonly OutgoingMessage[],
    { persistence }: Durability,
  ): Publication[] {
    const exchange = this.#topology.exchange(topic.name);
    const isPersistent = persistence !== 'memory';
    return messages.map((message) => {
      const { content, options } = toAmqp(message, isPersistent);
      return { exchange, routingKey: this.#topology.routingKey(topic.name, message.partition), content, options };
    });
  }

  /** What is to wait goes to its waiting queue, with the delay as its time to live; the rest the usual way. */
  async #publishDelayed(
    topic: TopicDefinition,
    messages: readonly OutgoingMessage[],
    options: { readonly durability: Durability; readonly signal: AbortSignal | undefined },
  ): Promise<readonly PublicationOutcome[]> {
    const failures = await this.#delays.prepare(topic, messages);
    const problems = messages.map(
      (message, index) =>
        delayProblem(message, index) ??
        (isDelayed(message.delayMs) ? failures.get(stepOf(message.delayMs)) : undefined),
    );
    const sent = messages.filter((_, index) => problems[index] === undefined);
    const publications = this.#publications(
      topic,
      sent.map((message) => (isDelayed(message.delayMs) ? { ...message, ttlMs: message.delayMs } : message)),
      options.durability,
    ).map((publication, index) => {
      const { delayMs } = sent[index] as OutgoingMessage;
      return isDelayed(delayMs) ? { ...publication, exchange: this.#delays.exchangeFor(topic, delayMs) } : publication;
    });
    const outcomes = (await this.#publisher.publish(publications, options.signal)).values();
    return problems.map((error) =>
      error === undefined ? (outcomes.next().value as PublicationOutcome) : { kind: 'refused', error },
    );
  }

  // ------------------------------------------------------------------------------------------ consume

  async openIntake(
    subscription: SubscriptionDefinition,
    topic: TopicDefinition,
    sink: IntakeSink,
    credit: IntakeCredit,
  ): Promise<Intake> {
    const common = { connection: this.#consuming, subscription, topic, sink, credit };
    const intake =
      topic.queueType === 'stream'
        ? new StreamIntake({
            ...common,
            cursors: this.#cursors,
            topology: this.#topology,
            endOf: async (stream) => await this.#reader.endOfRead(stream),
          })
        : new QueueIntake({
            ...common,
            queues: this.#topology.subscriptionQueues(subscription, topic),
            partitionOf: (routingKey) => this.#topology.partitionOf(topic.name, routingKey),
            presenceQueue: this.#topology.presenceQueue(subscription.name),
            canReleaseUncounted: topic.queueType === 'quorum' && this.#version.atLeast(4, 3),
            attempts: topic.queueType === 'classic' ? this.#attemptsOf(subscription.name) : undefined,
            released: topic.queueType === 'quorum' ? this.#releasedOf(subscription.name) : undefined,
            gaveBack: (queue, oldestMs) => this.#queueAges.gaveBack(queue, oldestMs, Date.now()),
          });
    await intake.open();
    for (const [name, other] of this.#intakes) if (other.isClosed) this.#intakes.delete(name);
    this.#intakes.set(subscription.name, intake);
    return intake;
  }

  #attemptsOf(subscription: string): AttemptMemory {
    let attempts = this.#attempts.get(subscription);
    if (attempts === undefined) {
      attempts = new AttemptMemory();
      this.#attempts.set(subscription, attempts);
    }
    return attempts;
  }

  #releasedOf(subscription: string): ReleaseMemory {
    let released = this.#released.get(subscription);
    if (released === undefined) {
      released = new ReleaseMemory();
      this.#released.set(subscription, released);
    }
    return released;
  }

  async seek(subscription: SubscriptionDefinition, topic: TopicDefinition, to: Position): Promise<void> {
    if (topic.queueType !== 'stream') throw missing('replay.earliest', topic, 'a queue forgets what was acknowledged');
    const moves = new Map<number, number>();
    for (let partition = 0; partition < topic.partitions; partition += 1) {
      const offset = await this.#resolve(to, topic, partition);
      if (offset !== undefined) moves.set(partition, offset);
    }
    for (const [partition, offset] of moves)
      await this.#cursors.write(subscription.name, partition, { kind: 'seek', offset });
  }

  async lag(subscription: SubscriptionDefinition, topic: TopicDefinition): Promise<SubscriptionLag> {
    const open = this.#intakes.get(subscription.name);
    const intake = open?.isClosed === false ? open : undefined;
    const partitions =
      topic.queueType === 'stream'
        ? await this.#streamLag(subscription, topic, intake instanceof StreamIntake ? intake : undefined)
        : await this.#queueLag(subscription, topic, intake instanceof QueueIntake ? intake : undefined);
    return { partitions, total: partitions.reduce((sum, { lag }) => sum + lag, 0) };
  }

  /** Ready messages and those held here; the one queue of an unordered subscription is told as its first partition. */
  async #queueLag(subscription: SubscriptionDefinition, topic: TopicDefinition, intake: QueueIntake | undefined) {
    const queues = this.#topology.subscriptionQueues(subscription, topic);
    const counts = await withChannel(this.#consuming, `lag of "${subscription.name}"`, async (channel) => {
      const looks: { readonly messageCount: number; readonly consumerCount: number }[] = [];
      for (const { name } of queues) looks.push(await channel.checkQueue(name));
      return looks;
    }).catch((reason: PortError) => {
      if (!isGone(reason.cause)) throw reason;
      throw new PortError('subscription_not_found', `the queue of subscription "${subscription.name}" is gone`, {
        cause: reason,
      });
    });
    const held = intake?.heldByQueue;
    const nowMs = Date.now();
    return counts.map(({ messageCount, consumerCount }, index) => {
      const { name, partitions } = queues[index] as (typeof queues)[number];
      const { count, oldestMs }: HeldOfQueue = held?.[index] ?? { count: 0, oldestMs: undefined };
      const look = { ready: messageCount, consumers: consumerCount, heldSinceMs: oldestMs };
      return lagRow(partitions[0] ?? 0, messageCount + count, this.#queueAges.ageMs(name, look, nowMs));
    });
  }

  async #streamLag(subscription: SubscriptionDefinition, topic: TopicDefinition, intake: StreamIntake | undefined) {
    const rows: LagRow[] = [];
    for (let partition = 0; partition < topic.partitions; partition += 1) {
      const ends = await this.#reader.ends(this.#topology.stream(topic.name, partition));
      const { watermark, settledAbove } =
        intake?.progressOf(partition) ?? (await this.#storedProgress(subscription, partition));
      const from = Math.max(watermark, ends.first);
      const lag = Math.max(0, ends.next - from - settledAbove);
      const ageMs = lag === 0 ? undefined : await this.#streamAgeMs(subscription, topic, partition, from, intake);
      rows.push(lagRow(partition, lag, ageMs));
    }
    return rows;
  }

  /** The first that is not settled is usually in hand where somebody consumes; else it is read. */
  async #streamAgeMs(
    { name }: SubscriptionDefinition,
    topic: TopicDefinition,
    partition: number,
    offset: number,
    intake: StreamIntake | undefined,
  ): Promise<number | undefined> {
    const timestampMs = intake?.timestampMsAt(partition, offset);
    if (timestampMs === undefined) return await this.#oldest.ageMs(name, topic.name, partition, offset);
    return Math.max(0, Math.round(Date.now() - timestampMs));
  }

  async #storedProgress(subscription: SubscriptionDefinition, partition: number) {
    const { watermark, state } = await this.#cursors.peek(subscription.name, partition);
    const tracker = AckTracker.decode(watermark, state);
    return { watermark: tracker.watermark, settledAbove: tracker.settledAboveWatermark };
  }

  async read(
    topic: TopicDefinition,
    partition: number,
    from: 'earliest' | 'latest' | number,
    limit: number,
  ): Promise<ReadResult> {
    if (topic.queueType !== 'stream')
      throw missing('browse', topic, 'a queue cannot be read without taking its messages');
    const stream = this.#topology.stream(topic.name, partition);
    return await this.#reader.read(stream, { topic: topic.name, partition }, from, limit);
  }

  // ------------------------------------------------------------------------------------------ life

  async health(): Promise<Health> {
    for (const connection of [this.#publishing, this.#consuming]) {
      if (connection.state !== 'open') return { ok: false, detail: `${connection.state}: ${connection.detail}` };
    }
    this.#probing ??= this.#consuming.probe(bounds.healthTimeoutMs).finally(() => (this.#probing = undefined));
    try {
      await this.#probing;
    } catch (reason) {
      return { ok: false, detail: PortError.from(reason).message };
    }
    return { ok: true, detail: `RabbitMQ ${this.#version.text}` };
  }

  async close(): Promise<void> {
    this.#closing ??= this.#closeNow();
    await this.#closing;
  }

  /** Intakes first: their last cursors are publishes. */
  async #closeNow(): Promise<void> {
    await Promise.all([...this.#intakes.values()].map(async (intake) => await intake.close()));
    this.#delays.close();
    await this.#meta?.close();
    await this.#publisher.close();
    await Promise.all([this.#publishing.close(), this.#consuming.close()]);
  }
}

type LagRow = SubscriptionLag['partitions'][number];

function lagRow(partition: number, lag: number, oldestUnackedMs: number | undefined): LagRow {
  return { partition, lag, ...(oldestUnackedMs !== undefined && { oldestUnackedMs }) };
}
