/** The engine: opens a data directory, finds the partition, and closes everything in order. */

import { EngineError, openError } from '../errors.ts';
import { limits } from '../limits.ts';
import { type EngineOptions, alteredTopic, checkDurability, engineOptions, topicOf } from '../options.ts';
import type { Timer } from '../platform/clock.ts';
import type { FileSystem } from '../platform/file-system.ts';
import type { Random } from '../platform/random.ts';
import { DataDirectory } from '../storage/data-directory.ts';
import { PUBLISHERS_SINCE_VERSION } from '../storage/format.ts';
import { DurableMap } from '../storage/durable-map.ts';
import { SpaceReserve } from '../storage/space-reserve.ts';
import type {
  AppendOptions,
  AppendResult,
  BatchesResult,
  DurableMap as DurableMapDoor,
  Engine,
  FetchResult,
  LogPersistence,
  LogRecord,
  LogTopic,
  LogTopicOptions,
  PartitionStatus,
  ProducerIdentity,
  RecordInput,
  RecoveryReport,
} from '../types.ts';
import { BatchBuffers } from '../record/batch-buffers.ts';
import { HotTailBudget } from './hot-tail.ts';
import { InflatedBatches } from './inflated-batches.ts';
import { MessageIdBudget } from './message-ids.ts';
import { Partition } from './partition.ts';
import { ProducerIds } from './producer-ids.ts';
import {
  type Topic,
  type TopicPlace,
  clearStrangers,
  createDirectories,
  decodeTopic,
  encodeTopic,
  logOptions,
  logPolicy,
  recordRules,
  removeDirectories,
} from './topic.ts';

/**
 * Creates the directory or recovers what is in it. Resolves when every partition can be read, and written unless it is
 * fenced. Rejects with `invalid_option`, `directory_locked`, `not_a_data_directory`, `format_too_new`, `not_writable`, or
 * `log_corrupt` when one of the maps (not a partition) is damaged.
 */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const checked = engineOptions(options);
  const { fileSystem: files, clock, random, dataDir } = checked;
  const startedMs = clock.monotonicMs();
  const directory = await openDirectory(files, dataDir, random);
  const reserve = new SpaceReserve(files, directory.meta);
  const opened: DurableMap[] = [];
  const openMap = async (name: string): Promise<DurableMap> => {
    const map = await DurableMap.open(files, clock, reserve, directory.meta, name);
    opened.push(map);
    return map;
  };
  let engine: LogEngine | undefined;
  try {
    await reserve.take();
    const maps = {
      topics: await openMap('topics'),
      metadata: await openMap('metadata'),
      cursors: await openMap('cursors'),
      producers: await openMap('producers'),
    };
    engine = new LogEngine(checked, directory, maps, reserve);
    await engine.recover(startedMs);
    return engine;
  } catch (reason) {
    // Why it cannot be opened is what the caller is told, not what else goes wrong on the way out.
    await engine?.abandon().catch(() => undefined);
    await Promise.allSettled(opened.map((map) => map.close()));
    await directory.release();
    throw openError(reason, dataDir);
  }
}

async function openDirectory(files: FileSystem, path: string, random: Random): Promise<DataDirectory> {
  try {
    return await DataDirectory.open(files, path, random);
  } catch (reason) {
    throw openError(reason, path);
  }
}

interface Maps {
  readonly topics: DurableMap;
  readonly metadata: DurableMap;
  readonly cursors: DurableMap;
  readonly producers: DurableMap;
}

class LogEngine implements Engine {
  readonly dataDir: string;
  readonly #options: Required<EngineOptions>;
  readonly #directory: DataDirectory;
  readonly #maps: Maps;
  readonly #place: TopicPlace;
  readonly #producerIds: ProducerIds;
  readonly #messageIds = new MessageIdBudget();
  readonly #buffers = new BatchBuffers();
  readonly #budget = new HotTailBudget(limits.hotTailBytesMax, this.#buffers);
  readonly #inflated = new InflatedBatches(limits.inflatedKeptBytesMax);
  readonly #topics = new Map<string, Topic>();
  /** Names that are being created or deleted: neither there nor free. */
  readonly #changing = new Set<string>();
  /** Names of which only the next open can tell whether there is such a topic. */
  readonly #inDoubt = new Set<string>();
  readonly #changes = new Set<Promise<void>>();
  readonly #altering = new Map<string, Promise<LogTopic>>();
  #recovery: RecoveryReport = { cleanShutdown: true, durationMs: 0, partitions: [], maps: [] };
  #retentionTimer: Timer | undefined;
  #compactionTimer: Timer | undefined;
  #retention: Promise<number> | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: Required<EngineOptions>, directory: DataDirectory, maps: Maps, reserve: SpaceReserve) {
    this.dataDir = options.dataDir;
    this.#options = options;
    this.#directory = directory;
    this.#maps = maps;
    this.#producerIds = new ProducerIds(maps.producers);
    this.#place = { files: options.fileSystem, clock: options.clock, reserve, directory: directory.topics };
  }

  async recover(startedMs: number): Promise<void> {
    const entries = [...this.#maps.topics.entries()].map(([, bytes]) => decodeTopic(bytes));
    const kept = entries.filter(({ isGoing }) => !isGoing).map(({ topic }) => topic);
    for (const { topic, isGoing } of entries) if (isGoing) await this.#finishDelete(topic);
    await clearStrangers(this.#place, kept, this.#directory.orphans);
    const partitions: RecoveryReport['partitions'][number][] = [];
    for (const definition of kept) partitions.push(...(await this.#openTopic(definition, this.#directory.wasClean)));
    this.#recovery = {
      cleanShutdown: this.#directory.wasClean,
      durationMs: this.#options.clock.monotonicMs() - startedMs,
      partitions,
      maps: Object.values(this.#maps).flatMap((map: DurableMap) => (map.cut === null ? [] : [map.cut])),
    };
    this.#scheduleRetention();
    this.#scheduleCompaction();
  }

  /** Lets the partitions go as they are: it is not to be opened. */
  async abandon(): Promise<void> {
    const reason = new EngineError('engine_closed', `the engine of ${this.dataDir} was not opened`);
    const partitions = [...this.#topics.values()].flatMap((topic) => topic.partitions);
    await Promise.allSettled(partitions.map((partition) => partition.abandon(reason)));
  }

  get recovery(): RecoveryReport {
    return this.#recovery;
  }

  get cursors(): DurableMapDoor {
    return this.#maps.cursors;
  }

  get metadata(): DurableMapDoor {
    return this.#maps.metadata;
  }

  async createTopic(name: string, options: LogTopicOptions = {}): Promise<LogTopic> {
    this.#checkOpen();
    const definition = topicOf(name, options);
    if (this.#topics.has(name) || this.#changing.has(name))
      throw new EngineError('topic_exists', `topic "${name}" exists`);
    await this.#change(name, async () => {
      // One of this name whose deletion failed half-way: its segments would be taken for the new one's.
      const left = this.#maps.topics.get(name);
      if (left !== undefined) await this.#erase(decodeTopic(left).topic);
      try {
        await createDirectories(this.#place, definition);
        await this.#maps.topics.put(name, encodeTopic(definition, false), 'fsync');
      } catch (reason) {
        // Not there for sure only when nothing is left of it; the next open removes what cannot be removed now. Where the
        // entry may be on the disk the directories stay: an entry without them would be a loss.
        if (isOutcomeUnknown(reason)) this.#inDoubt.add(name);
        if (!this.#inDoubt.has(name)) await removeDirectories(this.#place, definition).catch(() => undefined);
        throw reason;
      }
      try {
        const [found] = await this.#openTopic(definition, false);
        if (found !== undefined) throw new EngineError('write_failed', `"${name}" was not made: ${found.fencedReason}`);
      } catch (reason) {
        await this.#letGo(name, new EngineError('topic_not_found', `topic "${name}" was not made`));
        await this.#erase(definition).catch(() => undefined); // else the next open has it, empty
        throw reason;
      }
    });
    return definition;
  }

  async alterTopic(name: string, changes: LogTopicOptions): Promise<LogTopic> {
    this.#checkOpen();
    // One alteration after the other: each starts from what the one before made of the topic.
    while (this.#altering.has(name)) await this.#altering.get(name)?.catch(() => undefined);
    const altering = this.#alterTopic(name, changes);
    this.#altering.set(name, altering);
    try {
      return await altering;
    } finally {
      this.#altering.delete(name);
    }
  }

  async #alterTopic(name: string, changes: LogTopicOptions): Promise<LogTopic> {
    const topic = this.#topicOf(name);
    const before = topic.definition;
    const definition = alteredTopic(before, changes);
    const hasMore = definition.partitions > before.partitions;
    await this.#change(name, async () => {
      // After a failure the directories stay: whether the entry is on the disk is not known, and without it they are
      // removed at the next open.
      if (hasMore) await createDirectories(this.#place, definition, before.partitions);
      await this.#maps.topics.put(name, encodeTopic(definition, false), 'fsync');
      for (const partition of topic.partitions) partition.configure(logPolicy(definition), recordRules(definition));
      const partitions = topic.partitions.slice();
      const found = hasMore ? await this.#openPartitions(definition, false, partitions) : [];
      this.#topics.set(name, { definition, partitions });
      const broken = found.find(({ fencedReason }) => fencedReason !== null);
      if (broken !== undefined) {
        const why = `${broken.fencedReason}; it refuses appends until the log is opened again`;
        throw new EngineError('write_failed', `partition ${broken.partition} of "${name}" is not ready: ${why}`);
      }
    });
    return definition;
  }

  async deleteTopic(name: string): Promise<void> {
    this.#checkOpen();
    const topic = this.#topicOf(name);
    await this.#change(name, async () => {
      let unknown: unknown;
      try {
        await this.#maps.topics.put(name, encodeTopic(topic.definition, true), 'fsync');
      } catch (reason) {
        if (!isOutcomeUnknown(reason)) throw reason;
        // The next open may delete it, with all that would be acknowledged in it till then: so nothing is.
        unknown = reason;
      }
      await this.#letGo(name, new EngineError('topic_not_found', `topic "${name}" was deleted`));
      if (unknown !== undefined) throw unknown;
      await this.#finishDelete(topic.definition);
    });
  }

  topic(name: string): LogTopic | undefined {
    return this.#topics.get(name)?.definition;
  }

  topics(): readonly LogTopic[] {
    return [...this.#topics.values()].map(({ definition }) => definition);
  }

  status(topic: string, partition: number): PartitionStatus {
    return this.#partitionOf(topic, partition).status();
  }

  append(
    topic: string,
    partition: number,
    records: readonly RecordInput[],
    options?: AppendOptions,
  ): Promise<AppendResult> {
    try {
      const durability = options?.durability ?? this.#options.defaultDurability;
      checkDurability(durability);
      return this.#partitionOf(topic, partition).append(records, durability, options?.ids);
    } catch (reason) {
      return Promise.reject(reason);
    }
  }

  appendBatch(
    topic: string,
    partition: number,
    bytes: Buffer,
    options?: { readonly durability?: LogPersistence },
  ): Promise<AppendResult> {
    try {
      const durability = options?.durability ?? this.#options.defaultDurability;
      checkDurability(durability);
      return this.#partitionOf(topic, partition).appendBatch(bytes, durability);
    } catch (reason) {
      return Promise.reject(reason);
    }
  }

  async initProducer(previous?: ProducerIdentity): Promise<ProducerIdentity> {
    this.#checkOpen();
    return await this.#producerIds.init(previous);
  }

  async readBatches(
    topic: string,
    partition: number,
    offset: number,
    bounds: { readonly maxBytes?: number } = {},
  ): Promise<BatchesResult> {
    const { maxBytes = limits.fetchBytesDefault } = bounds;
    if (!(maxBytes >= 1)) throw new EngineError('invalid_option', 'maxBytes must be at least 1');
    return await this.#partitionOf(topic, partition).readBatches(offset, maxBytes);
  }

  async deleteRecords(topic: string, partition: number, beforeOffset: number): Promise<number> {
    return await this.#partitionOf(topic, partition).deleteRecords(beforeOffset);
  }

  async fetch(
    topic: string,
    partition: number,
    offset: number,
    bounds: { readonly maxRecords?: number; readonly maxBytes?: number } = {},
  ): Promise<FetchResult> {
    const { maxRecords = limits.fetchRecordsDefault, maxBytes = limits.fetchBytesDefault } = bounds;
    if (!(maxRecords >= 1) || !(maxBytes >= 1))
      throw new EngineError('invalid_option', 'maxRecords and maxBytes must be at least 1');
    return await this.#partitionOf(topic, partition).fetch(offset, { maxRecords, maxBytes });
  }

  async waitForAppend(topic: string, partition: number, offset: number, signal?: AbortSignal): Promise<boolean> {
    if (this.#closing !== undefined) return false;
    return await this.#partitionOf(topic, partition).waitForAppend(offset, signal);
  }

  async offsetForTimestamp(topic: string, partition: number, timestamp: number): Promise<number> {
    return await this.#partitionOf(topic, partition).offsetForTimestamp(timestamp);
  }

  async *read(
    topic: string,
    partition: number,
    options: {
      readonly from?: 'earliest' | 'latest' | number;
      readonly follow?: boolean;
      readonly signal?: AbortSignal;
    } = {},
  ): AsyncIterable<LogRecord> {
    const { from = 'earliest', follow = false, signal } = options;
    const log = this.#partitionOf(topic, partition);
    const { earliest, next } = log.status();
    let offset = typeof from === 'number' ? from : from === 'earliest' ? earliest : next;
    const bounds = { maxRecords: limits.fetchRecordsDefault, maxBytes: limits.fetchBytesDefault };
    while (signal?.aborted !== true) {
      const fetched = await log.fetch(offset, bounds);
      yield* fetched.records;
      offset = fetched.next;
      if (fetched.records.length > 0) continue;
      if (!follow || !(await log.waitForAppend(offset, signal))) return;
    }
  }

  async applyRetention(): Promise<number> {
    this.#checkOpen();
    this.#retention ??= this.#applyRetention().finally(() => {
      this.#retention = undefined;
    });
    return await this.#retention;
  }

  async compact(): Promise<number> {
    this.#checkOpen();
    let removed = 0;
    for (const { partitions } of this.#topics.values()) {
      for (const partition of partitions) removed += await partition.compact();
    }
    return removed;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    this.#retentionTimer?.cancel();
    this.#compactionTimer?.cancel();
    await this.#retention?.catch(() => undefined);
    await Promise.allSettled(this.#changes); // whoever asked for them is told by them
    const closed = new EngineError('engine_closed', `the engine of ${this.dataDir} is closed`);
    const partitions = [...this.#topics.values()].flatMap((topic) => topic.partitions);
    const endings = await Promise.allSettled([
      ...partitions.map((partition) => partition.close(closed)),
      ...Object.values(this.#maps).map((map: DurableMap) => map.close()),
    ]);
    try {
      const isClean =
        endings.every(({ status }) => status === 'fulfilled') && !partitions.some(({ isFenced }) => isFenced);
      // Everything is on the disk; without the marker the next open has more to read, for instance when the disk is full.
      if (isClean) await this.#directory.markClean().catch(() => undefined);
    } finally {
      await this.#directory.release();
    }
    // Everything was let go; what could not be brought to the disk is said nevertheless.
    for (const ending of endings) if (ending.status === 'rejected') throw ending.reason;
  }

  async #openTopic(definition: LogTopic, isClean: boolean): Promise<RecoveryReport['partitions'][number][]> {
    const partitions: Partition[] = [];
    const found = await this.#openPartitions(definition, isClean, partitions);
    this.#topics.set(definition.name, { definition, partitions });
    return found;
  }

  /** Adds the partitions that are not there yet. Resolves with what recovery had to do. */
  async #openPartitions(
    definition: LogTopic,
    isClean: boolean,
    partitions: Partition[],
  ): Promise<RecoveryReport['partitions'][number][]> {
    const found: RecoveryReport['partitions'][number][] = [];
    const before = partitions.length;
    for (let first = partitions.length; first < definition.partitions; first += limits.openConcurrency) {
      const numbers = Array.from(
        { length: Math.min(limits.openConcurrency, definition.partitions - first) },
        (_, index) => first + index,
      );
      const opened = await Promise.allSettled(
        numbers.map((partition) =>
          Partition.open(
            {
              name: `${definition.name}-${partition}`,
              log: logOptions(this.#place, definition, partition),
              rules: recordRules(definition),
              budget: this.#budget,
              buffers: this.#buffers,
              inflated: this.#inflated,
              ids: this.#messageIds,
              producerIds: this.#producerIds,
              isWithoutPast: this.#directory.versionBefore < PUBLISHERS_SINCE_VERSION,
            },
            isClean,
          ),
        ),
      );
      for (const one of opened) if (one.status === 'fulfilled') partitions.push(one.value.partition);
      for (const [index, one] of opened.entries()) {
        if (one.status === 'rejected') {
          const closed = new EngineError('engine_closed', `topic "${definition.name}" was not opened`);
          // Those that were there are in use.
          await Promise.allSettled(partitions.slice(before).map((partition) => partition.abandon(closed)));
          throw one.reason;
        }
        const { recovered } = one.value;
        const { truncatedBytes, quarantineFile, fenced } = recovered;
        if (truncatedBytes === 0 && fenced === null) continue;
        const number = numbers[index] as number;
        found.push({
          topic: definition.name,
          partition: number,
          truncatedBytes,
          quarantineFile,
          fencedReason: fenced?.message ?? null,
        });
      }
    }
    return found;
  }

  async #letGo(name: string, reason: EngineError): Promise<void> {
    const partitions = this.#topics.get(name)?.partitions ?? [];
    this.#topics.delete(name);
    await Promise.all(partitions.map((partition) => partition.abandon(reason)));
  }

  /** The entry says that it goes before the first directory does: half of it must never be taken for a topic. */
  async #erase(topic: LogTopic): Promise<void> {
    await this.#maps.topics.put(topic.name, encodeTopic(topic, true), 'fsync');
    await this.#finishDelete(topic);
  }

  async #finishDelete(topic: LogTopic): Promise<void> {
    await removeDirectories(this.#place, topic);
    await this.#maps.topics.put(topic.name, null, 'fsync');
  }

  async #change(name: string, work: () => Promise<void>): Promise<void> {
    this.#changing.add(name);
    const change = work();
    this.#changes.add(change);
    try {
      await change;
    } finally {
      this.#changes.delete(change);
      this.#changing.delete(name);
    }
  }

  /** One partition after the other, and the next round after the pause. */
  #scheduleCompaction(): void {
    this.#compactionTimer = this.#options.clock.after(this.#options.compactionCheckIntervalMs, () => {
      if (this.#closing !== undefined) return;
      void this.#compactWhatIsDue().finally(() => {
        if (this.#closing === undefined) this.#scheduleCompaction();
      });
    });
  }

  async #compactWhatIsDue(): Promise<void> {
    for (const { partitions } of this.#topics.values()) {
      for (const partition of partitions) {
        if (this.#closing !== undefined) return;
        try {
          if (await partition.isCompactionDue()) await partition.compact();
        } catch {
          // Nothing is lost by it: damage has fenced the partition, a full disk is tried again in the next round.
        }
      }
    }
  }

  #scheduleRetention(): void {
    this.#retentionTimer = this.#options.clock.after(this.#options.retentionCheckIntervalMs, () => {
      if (this.#closing !== undefined) return;
      // What cannot be removed now is tried again at the next turn.
      void this.applyRetention()
        .catch(() => undefined)
        .finally(() => {
          if (this.#closing === undefined) this.#scheduleRetention();
        });
    });
  }

  async #applyRetention(): Promise<number> {
    let removed = 0;
    const failures: unknown[] = [];
    for (const partition of [...this.#topics.values()].flatMap(({ partitions }) => partitions)) {
      try {
        removed += await partition.applyRetention();
      } catch (reason) {
        failures.push(reason); // one partition's disk is not in the way of the others' retention
      }
    }
    if (failures.length > 0) throw failures[0];
    return removed;
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new EngineError('engine_closed', `the engine of ${this.dataDir} is closed`);
  }

  #topicOf(name: string): Topic {
    const topic = this.#topics.get(name);
    if (topic === undefined || this.#changing.has(name))
      throw new EngineError('topic_not_found', `there is no topic "${name}"`);
    return topic;
  }

  #partitionOf(topic: string, partition: number): Partition {
    this.#checkOpen();
    const found = this.#topics.get(topic);
    if (found === undefined) throw new EngineError('topic_not_found', `there is no topic "${topic}"`);
    const log = found.partitions[partition];
    if (log === undefined)
      throw new EngineError(
        'topic_not_found',
        `topic "${topic}" has partitions 0 to ${found.partitions.length - 1}, not ${partition}`,
      );
    return log;
  }
}

/** It may be on the disk or not, and only the next open can tell. */
function isOutcomeUnknown(reason: unknown): boolean {
  return reason instanceof EngineError && reason.code === 'sync_failed';
}
