/** The driver over the embedded log: a topic is an engine topic, a subscription is a set of cursors. */

import { statfs } from 'node:fs/promises';
import { type Engine, EngineError, openEngine, systemFileSystem } from '../../core-log/index.ts';
import { AckTracker } from '../ack-tracker.ts';
import type { CapabilityTable } from '../capabilities.ts';
import { SUBSCRIPTION } from '../definitions.ts';
import type {
  Driver,
  DriverHooks,
  Intake,
  IntakeCredit,
  IntakeSink,
  MetaStore,
  OutgoingMessage,
  PositionState,
} from '../driver.ts';
import { PortError } from '../errors.ts';
import { fromRecord, toTextHeaders } from '../log-codec.ts';
import { OldestUnsettled } from '../oldest-unsettled.ts';
import type {
  BackendInfo,
  Durability,
  Health,
  Persistence,
  Position,
  PublishOutcome,
  ReadResult,
  StorageFigures,
  SubscriptionDefinition,
  SubscriptionLag,
  TopicDefinition,
} from '../port.ts';
import { nativeCapabilities } from './capabilities.ts';
import { deleteTracker, keepCursorsBehind, loadTracker, saveTracker } from './cursors.ts';
import { toPortError } from './errors.ts';
import { NativeIntake } from './intake.ts';
import { SharedReads } from './shared-reads.ts';
import { type NativeOptions, nativeOptions, topicOptionNames } from './options.ts';
import { withTimedSyncs } from './timed-syncs.ts';

/** The native log is released with Sluice and has its version. */
const VERSION = '0.1.0';
const META_PREFIX = 'port/';
const topicOptions: readonly string[] = topicOptionNames;

export { describeCursor, loadTracker } from './cursors.ts';

export async function openDriver(
  config: Readonly<Record<string, unknown>>,
  { synced }: DriverHooks = {},
): Promise<Driver> {
  const options = nativeOptions(config);
  try {
    const { dataDir, compactionCheckIntervalMs, retentionCheckIntervalMs } = options;
    const engine = await openEngine({
      dataDir,
      ...(synced !== undefined && { fileSystem: withTimedSyncs(systemFileSystem, synced) }),
      ...(compactionCheckIntervalMs !== undefined && { compactionCheckIntervalMs }),
      ...(retentionCheckIntervalMs !== undefined && { retentionCheckIntervalMs }),
    });
    return new NativeDriver(engine, options);
  } catch (reason) {
    throw toPortError(reason);
  }
}

/** The driver over an engine that is open already, and is closed with it. */
export function driverOver(engine: Engine, options: Omit<NativeOptions, 'dataDir'>): Driver {
  return new NativeDriver(engine, options);
}

class NativeDriver implements Driver {
  readonly info: BackendInfo = { backend: 'native', product: 'Sluice log', version: VERSION };
  readonly #engine: Engine;
  readonly #options: Omit<NativeOptions, 'dataDir'>;
  readonly #oldest: OldestUnsettled;
  readonly #reads: SharedReads;

  constructor(engine: Engine, options: Omit<NativeOptions, 'dataDir'>) {
    this.#engine = engine;
    this.#reads = new SharedReads(engine);
    this.#oldest = new OldestUnsettled(
      async (topic, partition, offset) => await timestampAt(engine, topic, partition, offset),
    );
    this.#options = options;
  }

  capabilities(): CapabilityTable {
    return nativeCapabilities;
  }

  async openMeta(apply: (key: string, value: string | null) => void): Promise<MetaStore> {
    const { metadata } = this.#engine;
    for (const [key, value] of metadata.entries()) {
      if (key.startsWith(META_PREFIX)) apply(key.slice(META_PREFIX.length), value.toString());
      if (!key.startsWith(META_PREFIX + SUBSCRIPTION)) continue;
      const { name, topic } = JSON.parse(value.toString()) as SubscriptionDefinition;
      await engineCall(keepCursorsBehind(this.#engine, name, topic));
    }
    return {
      // One process owns the directory: there is nobody else to hear from.
      refresh: async () => undefined,
      put: async (key, value) => {
        await engineCall(metadata.put(META_PREFIX + key, value === null ? null : Buffer.from(value), 'fsync'));
        apply(key, value);
      },
    };
  }

  completeTopic(topic: TopicDefinition): TopicDefinition {
    if (topic.queueType !== null) {
      throw new PortError(
        'invalid_argument',
        `queueType "${topic.queueType}" is of RabbitMQ; the native log has one kind of topic`,
      );
    }
    if (topic.replicas !== null && topic.replicas !== 1) {
      throw new PortError(
        'capability_unsupported',
        `${topic.replicas} replicas: the native log keeps one copy on one machine`,
        {
          capability: 'durability.copies',
        },
      );
    }
    const unknown = Object.keys(topic.options).find((name) => !topicOptions.includes(name));
    if (unknown !== undefined)
      throw new PortError('invalid_argument', `options.${unknown} is not an option of the native log`);
    return { ...topic, replicas: 1 };
  }

  checkSubscription(): void {
    // Every combination of the port is possible on the log.
  }

  deadLetterTopic(name: string, source: TopicDefinition): TopicDefinition {
    return { ...source, name, partitions: 1, retention: { ms: null, bytes: null }, cleanup: 'delete', options: {} };
  }

  async createTopic(topic: TopicDefinition): Promise<void> {
    const existing = this.#engine.topic(topic.name);
    if (existing !== undefined) {
      if (existing.partitions === topic.partitions) {
        // Left over from a create that died before its definition was written: nobody was promised anything of it.
        const { retention, cleanup, options } = topic;
        await engineCall(this.#engine.alterTopic(topic.name, { retention, cleanup, ...options }));
        return;
      }
      throw new PortError('already_exists', `the log of topic "${topic.name}" has ${existing.partitions} partitions`);
    }
    const { segmentBytes } = this.#options;
    await engineCall(
      this.#engine.createTopic(topic.name, {
        partitions: topic.partitions,
        retention: topic.retention,
        cleanup: topic.cleanup,
        ...(segmentBytes === undefined ? {} : { segmentBytes }),
        ...topic.options, // the engine checks their values
      }),
    );
  }

  async alterTopic(
    from: TopicDefinition,
    to: TopicDefinition,
    subscriptions: readonly SubscriptionDefinition[],
  ): Promise<void> {
    const gone = Object.keys(from.options).find((name) => !(name in to.options));
    if (gone !== undefined) {
      throw new PortError(
        'capability_unsupported',
        `options.${gone} cannot be taken away on the native log: give another value`,
      );
    }
    const { partitions, retention, cleanup, options } = to;
    await engineCall(this.#engine.alterTopic(to.name, { partitions, retention, cleanup, ...options }));
    // What comes to a partition that is new is read from its first message on.
    for (const { name } of subscriptions)
      for (let partition = from.partitions; partition < partitions; partition += 1)
        await engineCall(saveTracker(this.#engine, name, partition, new AckTracker(0), 'fsync'));
  }

  async deleteTopic(topic: TopicDefinition): Promise<void> {
    this.#reads.forget(topic.name);
    if (this.#engine.topic(topic.name) !== undefined) await engineCall(this.#engine.deleteTopic(topic.name));
  }

  async createSubscription(subscription: SubscriptionDefinition, topic: TopicDefinition): Promise<void> {
    await this.#moveTo(subscription, topic, subscription.start);
  }

  async deleteSubscription(subscription: SubscriptionDefinition, topic: TopicDefinition): Promise<void> {
    for (let partition = 0; partition < topic.partitions; partition += 1) {
      await engineCall(deleteTracker(this.#engine, subscription.name, partition));
      this.#oldest.forget(subscription.name, partition);
    }
  }

  durability(
    _topic: TopicDefinition,
    asked: { readonly persistence?: Persistence; readonly minCopies?: number },
  ): Durability {
    if (asked.minCopies !== undefined && asked.minCopies > 1) {
      throw new PortError('capability_unsupported', `${asked.minCopies} copies: the native log keeps one`, {
        capability: 'durability.copies',
      });
    }
    return { persistence: asked.persistence ?? this.#options.durability, copies: 1 };
  }

  async publish(
    topic: TopicDefinition,
    messages: readonly OutgoingMessage[],
    options: { readonly durability: Durability },
  ): Promise<readonly PublishOutcome[]> {
    const [first] = messages;
    if (first === undefined) return [];
    const { durability } = options;
    if (messages.every(({ partition }) => partition === first.partition))
      return await this.#appendTo(topic, first.partition, messages, durability);
    const byPartition = new Map<number, OutgoingMessage[]>();
    for (const message of messages) {
      const batch = byPartition.get(message.partition);
      if (batch === undefined) byPartition.set(message.partition, [message]);
      else batch.push(message);
    }
    const answers = new Map<number, Iterator<PublishOutcome>>();
    await Promise.all(
      Array.from(byPartition, async ([partition, batch]) => {
        answers.set(partition, (await this.#appendTo(topic, partition, batch, durability)).values());
      }),
    );
    // Within a partition the outcomes are in the order of the messages.
    return messages.map(({ partition }) => answers.get(partition)?.next().value as PublishOutcome);
  }

  /** The messages of one partition are one batch: all stored, or none, but for those whose ids were stored before. */
  async #appendTo(
    topic: TopicDefinition,
    partition: number,
    messages: readonly OutgoingMessage[],
    durability: Durability,
  ): Promise<PublishOutcome[]> {
    const ids = messages.some(({ isIdGiven }) => isIdGiven === true)
      ? messages.map(({ id, isIdGiven }) => (isIdGiven === true ? id : null))
      : undefined;
    const records = messages.map((message) => ({
      key: message.key,
      value: message.value,
      // The log itself adds the header of an id that it is given.
      headers: toTextHeaders(message, ids !== undefined && message.isIdGiven === true ? null : message.id),
      timestamp: message.timestampMs,
    }));
    try {
      const { baseOffset, positions } = await this.#engine.append(topic.name, partition, records, {
        durability: durability.persistence,
        ...(ids !== undefined && { ids }),
      });
      return messages.map(({ id }, index): PublishOutcome => {
        const place = positions?.[index];
        const offset = place?.offset ?? baseOffset + index;
        if (place?.isDuplicate === true) return { kind: 'stored', id, partition, offset, durability, duplicate: true };
        return { kind: 'stored', id, partition, offset, durability };
      });
    } catch (reason) {
      const error = toPortError(reason);
      return messages.map(({ id }) => outcomeOf(id, error, reason));
    }
  }

  async openIntake(
    subscription: SubscriptionDefinition,
    topic: TopicDefinition,
    sink: IntakeSink,
    credit: IntakeCredit,
  ): Promise<Intake> {
    const intake = new NativeIntake(this.#engine, this.#reads, subscription, topic, sink, credit);
    try {
      intake.start();
    } catch (reason) {
      await intake.close();
      throw toPortError(reason);
    }
    return intake;
  }

  async seek(subscription: SubscriptionDefinition, topic: TopicDefinition, to: Position): Promise<void> {
    await this.#moveTo(subscription, topic, to);
  }

  async lag(subscription: SubscriptionDefinition, topic: TopicDefinition): Promise<SubscriptionLag> {
    const partitions = await Promise.all(
      Array.from({ length: topic.partitions }, async (_, partition) => {
        const { earliest, next } = this.#engine.status(topic.name, partition);
        const tracker = loadTracker(this.#engine, subscription.name, partition) ?? new AckTracker(earliest);
        const from = Math.max(tracker.watermark, earliest);
        const lag = Math.max(0, next - from - tracker.settledAboveWatermark);
        if (lag === 0) return { partition, lag };
        const oldestUnackedMs = await this.#oldest.ageMs(subscription.name, topic.name, partition, from);
        return { partition, lag, ...(oldestUnackedMs !== undefined && { oldestUnackedMs }) };
      }),
    );
    return { partitions, total: partitions.reduce((sum, { lag }) => sum + lag, 0) };
  }

  async settlePosition(
    subscription: SubscriptionDefinition,
    topic: TopicDefinition,
    partition: number,
    offset: number,
    settles: boolean,
  ): Promise<PositionState> {
    const { earliest } = this.#engine.status(topic.name, partition);
    const tracker = loadTracker(this.#engine, subscription.name, partition) ?? new AckTracker(earliest);
    if (tracker.isSettled(offset)) return 'settled';
    if (settles && tracker.settleAhead(offset))
      await engineCall(saveTracker(this.#engine, subscription.name, partition, tracker));
    return 'free';
  }

  async read(
    topic: TopicDefinition,
    partition: number,
    from: 'earliest' | 'latest' | number,
    limit: number,
  ): Promise<ReadResult> {
    const { earliest, next } = this.#engine.status(topic.name, partition);
    const offset = typeof from === 'number' ? from : from === 'earliest' ? earliest : next;
    const { records, next: after } = await engineCall(
      this.#engine.fetch(topic.name, partition, offset, { maxRecords: limit }),
    );
    return { messages: records.map((record) => fromRecord(topic.name, partition, record)), next: after };
  }

  async health(): Promise<Health> {
    const fenced = this.#engine.topics().flatMap(({ name, partitions }) =>
      Array.from({ length: partitions }, (_, partition) => ({
        name: `${name}-${partition}`,
        status: this.#engine.status(name, partition),
      })),
    );
    const broken = fenced.filter(({ status }) => status.state === 'fenced');
    if (broken.length === 0) return { ok: true, detail: `log in ${this.#engine.dataDir}` };
    return { ok: false, detail: broken.map(({ name, status }) => `${name}: ${status.reason}`).join('; ') };
  }

  async storage(): Promise<StorageFigures> {
    const topics = this.#engine.topics().map(({ name, partitions }) => {
      const states = Array.from({ length: partitions }, (_, partition) => this.#engine.status(name, partition));
      return {
        topic: name,
        bytes: states.reduce((sum, { bytes }) => sum + bytes, 0),
        segments: states.reduce((sum, { segments }) => sum + segments, 0),
        partitions,
        fenced: states.filter(({ state }) => state === 'fenced').length,
      };
    });
    const { bavail, blocks, bsize } = await statfs(this.#engine.dataDir);
    return {
      topics,
      disk: { freeBytes: bavail * bsize, sizeBytes: blocks * bsize },
      recoveryMs: this.#engine.recovery.durationMs,
    };
  }

  async close(): Promise<void> {
    await engineCall(this.#engine.close());
  }

  async #moveTo(subscription: SubscriptionDefinition, topic: TopicDefinition, to: Position): Promise<void> {
    const starts: number[] = [];
    for (let partition = 0; partition < topic.partitions; partition += 1)
      starts.push(await this.#offsetOf(topic, partition, to, subscription));
    // All are known before the first is moved: an offset out of range moves none.
    for (const [partition, start] of starts.entries()) {
      const tracker = new AckTracker(start);
      // As deep as the definition and the epoch are: a place that a power cut takes back would replay, or pass over, what was said.
      await engineCall(saveTracker(this.#engine, subscription.name, partition, tracker, 'fsync'));
    }
  }

  /** A partition that `offsets` does not name stays where it is; a new subscription has it at the end. */
  async #offsetOf(
    topic: TopicDefinition,
    partition: number,
    to: Position,
    subscription: SubscriptionDefinition,
  ): Promise<number> {
    const { earliest, next } = this.#engine.status(topic.name, partition);
    if (to === 'earliest') return earliest;
    if (to === 'latest') return next;
    if ('timestampMs' in to)
      return await engineCall(this.#engine.offsetForTimestamp(topic.name, partition, to.timestampMs));
    const offset = to.offsets[String(partition)];
    if (offset === undefined) return loadTracker(this.#engine, subscription.name, partition)?.watermark ?? next;
    if (offset < earliest || offset > next) {
      throw new PortError(
        'offset_out_of_range',
        `offset ${offset} of ${topic.name}-${partition} is outside ${earliest} to ${next}`,
      );
    }
    return offset;
  }
}

async function timestampAt(
  engine: Engine,
  topic: string,
  partition: number,
  offset: number,
): Promise<number | undefined> {
  try {
    const { records } = await engine.fetch(topic, partition, offset, { maxRecords: 1 });
    return records[0]?.timestamp;
  } catch (reason) {
    if (reason instanceof EngineError) return undefined; // retention, or damage that health tells of: the lag is still known
    throw reason;
  }
}

/** After a failed sync the bytes may be on the disk or not: that is not a no. */
function outcomeOf(id: string, error: PortError, reason: unknown): PublishOutcome {
  if ((reason as { code?: unknown }).code !== 'sync_failed') return { kind: 'refused', id, error };
  return { kind: 'unknown', id, error: new PortError('publish_outcome_unknown', error.message, { cause: reason }) };
}

async function engineCall<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (reason) {
    throw toPortError(reason);
  }
}
