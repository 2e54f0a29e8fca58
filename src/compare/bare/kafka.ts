/**
 * Kafka as a competent user of kafkajs drives it, without the port: batches of one's own (kafkajs has no linger), acks -1,
 * `eachBatch`, TCP_NODELAY, and the known repair of its timer that never rests. A subscription is a consumer group.
 */

import { createRequire } from 'node:module';
import net from 'node:net';
import tls from 'node:tls';
import { type Admin, Kafka, logLevel, Partitioners } from 'kafkajs';
import type { Position } from '../../adapters/index.ts';
import { persistenceOf } from '../systems/durability.ts';
import { linesOf, settingNotes, settingsOf, valueOf } from '../settings/index.ts';
import { rulesInWords, type SubscriptionSpec, type TopicSpec, type Wire, WireRefusal } from '../systems/wire.ts';
import { consumeGroup, type PartitionOffset } from './kafka-consumer.ts';
import { leaderPollMs, leaderWaitMs, patiently } from './kafka-patience.ts';
import { transact, transform } from './kafka-transactions.ts';
import { type Batching, batchingPublisher, usualBatching } from './kafka-publisher.ts';

export interface BareKafkaOptions {
  /** `kafka`, or by other settings. */
  readonly name?: string;
  readonly brokers: readonly string[];
  readonly version: string;
}

interface Group {
  readonly topic: string;
  /** Where its next consumer goes first: kafkajs takes 5 s to commit offsets for a group, a seek after joining takes none. */
  moveTo: readonly PartitionOffset[] | null;
  wasJoined: boolean;
}

const removeTriesMax = 5;

export async function openBareKafka(options: BareKafkaOptions): Promise<Wire> {
  restRequestQueueTimer();
  const { name: ownName = 'kafka' } = options;
  const batching = batchingOf(ownName);
  const fetching = { minBytes: valueOf(ownName, 'consumer', 'minBytes') ?? 1 };
  const kafka = new Kafka({
    clientId: 'sluice-compare',
    brokers: [...options.brokers],
    logLevel: logLevel.NOTHING,
    socketFactory: openSocket,
  });
  const admin = kafka.admin({ retry: { retries: 1, initialRetryTime: leaderPollMs } });
  await admin.connect();
  const groups = new Map<string, Group>();

  const groupOf = (name: string): Group => {
    const group = groups.get(name);
    if (group === undefined) throw new WireRefusal('subscription_not_found', `no subscription ${name}`);
    return group;
  };

  return {
    system: 'kafka',
    name: ownName,
    layer: 'bare',
    product: 'Apache Kafka',
    version: options.version,
    capabilities: null,
    durability: { persistence: persistenceOf(ownName), copies: 1 },
    settings: settingsOf(ownName),
    notes: settingNotes(ownName),
    configuration: {
      client: `kafkajs, own batches (linger ${batching.lingerMs} ms, at most 1,000 messages), acks=-1, eachBatch, noDelay`,
      topology: 'one topic with partitions, one consumer group for each subscription',
    },
    publishModes,
    async createTopic(name, spec) {
      if (spec.copies !== undefined) throw new WireRefusal('broker_has_none', 'not asked of the bare client: one node');
      if (spec.isRouted === true) throw new WireRefusal('broker_has_none', 'Kafka gives each group the whole topic');
      const entry = {
        topic: name,
        numPartitions: spec.partitions,
        replicationFactor: 1,
        configEntries: [...configsOf(spec), ...topicSettings(ownName)],
      };
      await patiently(() =>
        admin.createTopics({
          topics: [entry],
          waitForLeaders: true,
          timeout: leaderWaitMs,
        }),
      );
      await patiently(() => admin.fetchTopicOffsets(name));
    },
    deleteTopic: (name) => removeTopic(admin, name),
    deadLettersOf: (name) =>
      Promise.reject(new WireRefusal('broker_has_none', `a consumer group has no dead letters (${name})`)),
    async createSubscription(spec) {
      if (spec.rules !== undefined)
        throw new WireRefusal('broker_has_none', `a consumer group of Kafka has no ${rulesInWords(spec.rules)}`);
      groups.set(spec.name, { topic: spec.topic, moveTo: await startOf(admin, spec), wasJoined: false });
    },
    async deleteSubscription(name) {
      const { wasJoined } = groupOf(name);
      groups.delete(name);
      // A group that nobody joined does not exist on the broker.
      if (wasJoined) await admin.deleteGroups([name]);
    },
    async publisher(topic, { mode = 'acks=all' } = {}) {
      const isIdempotent = mode === 'acks=all, idempotent';
      const producer = kafka.producer({
        allowAutoTopicCreation: false,
        createPartitioner: Partitioners.DefaultPartitioner,
        idempotent: isIdempotent,
      });
      await patiently(() => producer.connect());
      return batchingPublisher(producer, topic, { acks: acksOf(mode), ...batching });
    },
    async consume(name, consumeOptions) {
      const group = groupOf(name);
      const { topic, moveTo } = group;
      group.moveTo = null;
      group.wasJoined = true;
      return await consumeGroup(kafka, { groupId: name, topic, moveTo, ...fetching }, consumeOptions);
    },
    async seek(name, to) {
      const group = groupOf(name);
      group.moveTo = await offsetsFor(admin, group.topic, to);
    },
    transact: (entries, end) => transact(kafka, `${entries[0]?.topic ?? 'none'}-${end}`, entries, end),
    async transform(from, to, { subscription, count, crashAt }) {
      groupOf(subscription).wasJoined = true;
      await transform(kafka, { groupId: subscription, from, to, count, crashAt });
    },
    close: () => admin.disconnect(),
  };
}

const publishModes = ['acks=all', 'acks=1', 'acks=0', 'acks=all, idempotent'] as const;

function acksOf(mode: string): number {
  if (mode === 'acks=1') return 1;
  return mode === 'acks=0' ? 0 : -1;
}

function configsOf({ retention, isCompacted, isSynced }: TopicSpec): { name: string; value: string }[] {
  const configs: Record<string, string | number> = {
    ...(retention === undefined ? {} : { 'retention.bytes': retention.bytes, 'segment.bytes': retention.segmentBytes }),
    ...(isCompacted === true ? { 'cleanup.policy': 'compact', 'segment.ms': 50, 'min.cleanable.dirty.ratio': 0 } : {}),
    ...(isSynced === true ? { 'flush.messages': 1 } : {}),
  };
  return Object.entries(configs).map(([name, value]) => ({ name, value: String(value) }));
}

function topicSettings(name: string): { name: string; value: string }[] {
  return linesOf(name)
    .filter(({ place }) => place === 'topic')
    .map((line) => ({ name: line.name, value: String(line.value) }));
}

function batchingOf(name: string): Batching {
  return {
    lingerMs: valueOf(name, 'producer', 'linger ms') ?? usualBatching.lingerMs,
    worthwhile: valueOf(name, 'producer', 'batch messages worthwhile') ?? usualBatching.worthwhile,
  };
}

/** A failed call may have deleted it all the same, so the broker is asked before it is tried again. */
async function removeTopic(admin: Admin, topic: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await admin.deleteTopics({ topics: [topic] });
      return;
    } catch (reason) {
      const topics = await patiently(() => admin.listTopics());
      if (!topics.includes(topic)) return;
      if (tries >= removeTriesMax) throw reason;
    }
  }
}

/** Where a new group starts; null where that is the beginning, which a group without commits takes by itself. */
async function startOf(admin: Admin, spec: SubscriptionSpec): Promise<readonly PartitionOffset[] | null> {
  if (spec.start === 'earliest') return null;
  const offsets = await offsetsFor(admin, spec.topic, spec.start);
  return offsets.every(({ offset }) => offset === '0') ? null : offsets;
}

async function offsetsFor(admin: Admin, topic: string, to: Position): Promise<readonly PartitionOffset[]> {
  if (typeof to === 'object' && 'timestampMs' in to)
    return await patiently(() => admin.fetchTopicOffsetsByTimestamp(topic, to.timestampMs));
  const ends = await patiently(() => admin.fetchTopicOffsets(topic));
  return ends.map(({ partition, high, low }) => {
    if (to === 'earliest') return { partition, offset: low };
    if (to === 'latest') return { partition, offset: high };
    return { partition, offset: String(to.offsets[String(partition)] ?? high) };
  });
}

const openSocket = ({
  host,
  port,
  ssl,
  onConnect,
}: {
  host: string;
  port: number;
  ssl: object | undefined;
  onConnect: () => void;
}): net.Socket => {
  const socket = ssl ? tls.connect({ host, port, ...ssl }, onConnect) : net.connect({ host, port }, onConnect);
  socket.setKeepAlive(true, 60_000);
  socket.setNoDelay(true);
  return socket;
};

// ------------------------------------------------------------------------------------------------ the timer that never rests

interface RequestQueuePrototype {
  readonly pending: readonly unknown[];
  readonly throttledUntil: number;
  scheduleCheckPendingRequests: () => void;
}

let isTimerRepaired = false;

/**
 * kafkajs wakes every connection each millisecond even when nothing waits. The repair: no timer unless a request is
 * pending or the broker throttles. A missing internal (another version) leaves kafkajs as it is.
 */
function restRequestQueueTimer(): void {
  if (isTimerRepaired) return;
  isTimerRepaired = true;
  const loaded: unknown = createRequire(import.meta.url)('kafkajs/src/network/requestQueue/index.js');
  if (typeof loaded !== 'function') return;
  const prototype = loaded.prototype as RequestQueuePrototype;
  const schedule = prototype.scheduleCheckPendingRequests;
  if (typeof schedule !== 'function') return;
  prototype.scheduleCheckPendingRequests = function restWhenIdle(this: RequestQueuePrototype) {
    if (this.pending.length > 0 || this.throttledUntil > Date.now()) schedule.call(this);
  };
}
