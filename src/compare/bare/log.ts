/**
 * The native log as its own users drive it: the engine directly, in this process, without the port. A subscription is a
 * cursor that the reader keeps; the engine has readers, no groups, so competing consumers share by partition number.
 */

import { type Engine, type LogPersistence, openEngine } from '../../core-log/index.ts';
import { logLooksOften } from '../systems/log-settings.ts';
import { persistenceOf } from '../systems/durability.ts';
import {
  type ConsumeOptions,
  type SendResult,
  type SubscriptionSpec,
  type Wire,
  type WireConsumer,
  type WireMessage,
  type WirePublisher,
  WireRefusal,
} from '../systems/wire.ts';

const fetchRecordsMax = 1_000;
const fetchBytesMax = 1024 * 1024;
/** Small, so that there is soon something closed to compact. */
const compactedSegmentBytes = 16 * 1024;

interface Cursor {
  readonly topic: string;
  /** By partition: where the next read starts. */
  readonly next: number[];
}

export async function openBareLog(options: { readonly dataDir: string; readonly version: string }): Promise<Wire> {
  const engine = await openEngine({ dataDir: options.dataDir, ...logLooksOften });
  const cursors = new Map<string, Cursor>();

  const cursorOf = (name: string): Cursor => {
    const cursor = cursors.get(name);
    if (cursor === undefined) throw new WireRefusal('subscription_not_found', `no subscription ${name}`);
    return cursor;
  };

  return {
    system: 'log',
    name: 'log',
    layer: 'bare',
    product: 'Sluice log',
    version: options.version,
    capabilities: null,
    durability: { persistence: persistenceOf('log'), copies: 1 },
    configuration: { client: 'openEngine in this process', durability: 'fsync (group commit)' },
    publishModes: ['fsync', 'os', 'memory'],
    async createTopic(name, { partitions, retention, isCompacted, isRouted }) {
      if (isRouted === true) throw new WireRefusal('broker_has_none', 'a log gives each reader all of it');
      await engine.createTopic(name, {
        partitions,
        ...(retention === undefined
          ? {}
          : { retention: { ms: null, bytes: retention.bytes }, segmentBytes: retention.segmentBytes }),
        ...(isCompacted === true ? { cleanup: 'compact' as const, segmentBytes: compactedSegmentBytes } : {}),
      });
    },
    deadLettersOf: (name) =>
      Promise.reject(new WireRefusal('broker_has_none', `the engine alone has no dead letters (${name})`)),
    deleteTopic: (name) => engine.deleteTopic(name),
    async createSubscription(spec) {
      if (spec.rules !== undefined)
        throw new WireRefusal('broker_has_none', 'a log has no queues that could have rules');
      cursors.set(spec.name, { topic: spec.topic, next: await startOf(engine, spec) });
    },
    deleteSubscription(name) {
      cursors.delete(name);
      return Promise.resolve();
    },
    publisher: (topic, { mode = 'fsync' } = {}) =>
      Promise.resolve(enginePublisher(engine, topic, mode as LogPersistence)),
    consume: (name, consumeOptions) => Promise.resolve(readAll(engine, name, cursorOf(name), consumeOptions)),
    async seek(name, to) {
      const cursor = cursorOf(name);
      const next = await startOf(engine, { topic: cursor.topic, start: to });
      cursor.next.splice(0, cursor.next.length, ...next);
    },
    close: () => engine.close(),
  };
}

async function startOf(engine: Engine, { topic, start }: Pick<SubscriptionSpec, 'topic' | 'start'>): Promise<number[]> {
  const next: number[] = [];
  for (let partition = 0; partition < partitionsOf(engine, topic); partition++) {
    const status = engine.status(topic, partition);
    if (start === 'earliest') next.push(status.earliest);
    else if (start === 'latest') next.push(status.next);
    else if ('timestampMs' in start) next.push(await engine.offsetForTimestamp(topic, partition, start.timestampMs));
    else next.push(start.offsets[String(partition)] ?? status.next);
  }
  return next;
}

function partitionsOf(engine: Engine, topic: string): number {
  return engine.topic(topic)?.partitions ?? 0;
}

// ------------------------------------------------------------------------------------------------ publish

function enginePublisher(engine: Engine, topic: string, durability: LogPersistence): WirePublisher {
  const partitions = partitionsOf(engine, topic);
  const inFlight = new Set<Promise<void>>();
  return {
    publish(messages, settled) {
      if (messages.some(isMoreThanALogCan)) {
        for (const index of messages.keys()) settled(index, { fate: 'refused', code: 'broker_has_none' });
        return;
      }
      for (const [partition, indexes] of byPartition(messages, partitions)) {
        const call = appendGroup(engine, { topic, partition, durability }, messages, indexes, settled);
        inFlight.add(call);
        void call.finally(() => inFlight.delete(call));
      }
    },
    async close() {
      await Promise.all(inFlight);
    },
  };
}

function byPartition(messages: readonly WireMessage[], partitions: number): Map<number, number[]> {
  const groups = new Map<number, number[]>();
  for (const [index, message] of messages.entries()) {
    const partition = message.key === null ? 0 : hashOf(message.key) % partitions;
    const group = groups.get(partition);
    if (group === undefined) groups.set(partition, [index]);
    else group.push(index);
  }
  return groups;
}

function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

function isMoreThanALogCan({ ttlMs, priority, delayMs }: WireMessage): boolean {
  return ttlMs !== undefined || priority !== undefined || delayMs !== undefined;
}

async function appendGroup(
  engine: Engine,
  { topic, partition, durability }: { topic: string; partition: number; durability: LogPersistence },
  messages: readonly WireMessage[],
  indexes: readonly number[],
  settled: (index: number, result: SendResult) => void,
): Promise<void> {
  const records = indexes.map((index) => {
    const { key, value, headers } = messages[index] as WireMessage;
    if (headers === undefined) return { key, value };
    return { key, value, headers: Object.entries(headers).map(([name, text]) => ({ name, value: text })) };
  });
  try {
    await engine.append(topic, partition, records, { durability });
    for (const index of indexes) settled(index, { fate: 'acked' });
  } catch (reason) {
    // A failed append may have reached the disk in part: not certainly gone.
    const code = reason instanceof Error ? reason.message : String(reason);
    for (const index of indexes) settled(index, { fate: 'unknown', code });
  }
}

// ------------------------------------------------------------------------------------------------ consume

function readAll(engine: Engine, name: string, cursor: Cursor, options: ConsumeOptions): WireConsumer {
  const abort = new AbortController();
  const loops = cursor.next.map((_, partition) =>
    followPartition(engine, name, cursor, partition, options, abort.signal).catch((reason: unknown) => {
      if (!abort.signal.aborted) options.onError(reason);
    }),
  );
  return {
    async close() {
      abort.abort();
      await Promise.all(loops);
    },
  };
}

async function followPartition(
  engine: Engine,
  name: string,
  cursor: Cursor,
  partition: number,
  options: ConsumeOptions,
  signal: AbortSignal,
): Promise<void> {
  const { topic } = cursor;
  while (!signal.aborted) {
    const from = cursor.next[partition] as number;
    if (!(await engine.waitForAppend(topic, partition, from, signal))) return;
    const bounds = { maxRecords: Math.min(options.credit, fetchRecordsMax), maxBytes: fetchBytesMax };
    const { records, next } = await engine.fetch(topic, partition, from, bounds);
    for (const record of records) {
      options.onDelivery({
        key: record.key === null ? null : record.key.toString(),
        value: record.value ?? Buffer.alloc(0),
        partition,
        offset: record.offset,
        attempt: null,
        isRedelivered: null,
        headers: () => Object.fromEntries(record.headers.map(({ name: header, value }) => [header, textOf(value)])),
        ack: () => {},
        nack: () => {},
        reject: () => {},
      });
    }
    cursor.next[partition] = next;
    // As the others' commits: durable with the page cache's promise, once for each batch.
    await engine.cursors.put(`${name}/${partition}`, Buffer.from(String(next)), 'os');
  }
}

function textOf(value: Uint8Array | null): string {
  return value === null ? '' : Buffer.from(value).toString();
}
