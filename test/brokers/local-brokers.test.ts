/** Real processes, started and disturbed by this file alone (`fresh`). */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import amqp from 'amqplib';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import {
  type BrokerKind,
  type KafkaHandle,
  obtainBrokers,
  type ObtainedBrokers,
  type RabbitMqHandle,
} from '../../src/brokers/index.ts';
import { recordedRuns, runDirectory } from '../../src/brokers/run-state.ts';
import { allGone, isAlive, isLoopback, isOpen, listenersOf, pidsOfRun } from './listening.ts';

let brokers: ObtainedBrokers;

beforeAll(async () => {
  brokers = await obtainBrokers({ want: ['rabbitmq', 'kafka'], fresh: true, rabbitmqStreams: true });
});
afterAll(() => brokers.stop());

/** The handle when it is a process of ours; a missing broker was reported and judged by the global setup already. */
function processOf<K extends BrokerKind>(kind: K): Extract<RabbitMqHandle | KafkaHandle, { kind: K }> | null {
  const handle: RabbitMqHandle | KafkaHandle | undefined = brokers[kind];
  // Had by the setup but not by us: that is a failure of this module, not a reason to skip.
  if (handle === undefined && inject(kind) !== null && inject(kind)?.source !== 'address')
    throw new Error(brokers.skipped.map(({ reason }) => reason).join('; '));
  return handle?.source === 'process' ? (handle as Extract<RabbitMqHandle | KafkaHandle, { kind: K }>) : null;
}

/** The id under which a started broker is on record. */
function runIdOf(handle: RabbitMqHandle | KafkaHandle): string {
  const found = recordedRuns().find((run) => run.handle?.nodes[0]?.dataDir === handle.nodes[0]?.dataDir);
  if (found === undefined) throw new Error('the run is not on record');
  return found.id;
}

async function publishToQueue(url: string, queue: string, text: string): Promise<void> {
  const connection = await amqp.connect(url);
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
  channel.sendToQueue(queue, Buffer.from(text), { persistent: true });
  await channel.waitForConfirms();
  await connection.close();
}

/** The file in which RabbitMQ looks, at its start, for the quorum queues that it has. */
function registeredQueues(handle: RabbitMqHandle): string {
  const [node] = handle.nodes;
  const name = node?.name ?? '';
  return readFileSync(join(node?.dataDir ?? '', name, 'quorum', name, 'names.dets'), 'latin1');
}

async function takeFromQueue(url: string, queue: string): Promise<string | null> {
  const connection = await amqp.connect(url);
  const channel = await connection.createChannel();
  const message = await channel.get(queue, { noAck: true });
  await connection.close();
  return message === false ? null : message.content.toString();
}

function kafkaClient(handle: KafkaHandle): Kafka {
  return new Kafka({ brokers: [...handle.brokers], logLevel: logLevel.NOTHING, retry: { retries: 20 } });
}

describe.each(['rabbitmq', 'kafka'] as const)('a %s of our own', (kind) => {
  it('is told with its process, its data and the time it took', (ctx) => {
    const handle = processOf(kind);
    if (handle === null) return ctx.skip(`no ${kind} as a process here`);
    const [node] = handle.nodes;
    expect(isAlive(node?.pid ?? 0)).toBe(true);
    expect(existsSync(node?.dataDir ?? '')).toBe(true);
    expect(handle.startMs).toBeGreaterThan(0);
    expect(handle.version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it('listens on loopback only, with every process it has', (ctx) => {
    const handle = processOf(kind);
    if (handle === null) return ctx.skip(`no ${kind} as a process here`);
    const listeners = listenersOf(pidsOfRun(runIdOf(handle)));
    // Kafka: clients and controllers. RabbitMQ: AMQP, distribution, epmd in both address families or one.
    expect(listeners.length).toBeGreaterThanOrEqual(kind === 'kafka' ? 2 : 3);
    expect(listeners.filter(({ address }) => !isLoopback(address))).toEqual([]);
    // The plugin for the stream protocol would be on every interface by default.
    const streams = handle.kind === 'rabbitmq' ? handle.streams : undefined;
    if (kind === 'rabbitmq') expect(listeners.map(({ port }) => `127.0.0.1:${port}`)).toContain(streams);
  });
});

describe('a node that was killed with SIGKILL', () => {
  it('of RabbitMQ comes back on the same port with its queue and message', async (ctx) => {
    const handle = processOf('rabbitmq');
    if (handle === null) return ctx.skip('no RabbitMQ as a process here');
    const pid = handle.nodes[0]?.pid ?? 0;
    await publishToQueue(handle.url, 'survivor', 'still here');
    // RabbitMQ writes the register of its quorum queues some seconds late; a queue younger than that loses what it has confirmed.
    await expect.poll(() => registeredQueues(handle), { timeout: 20_000 }).toContain('survivor');
    await brokers.killNode('rabbitmq');
    expect(isAlive(pid)).toBe(false);
    expect(handle.nodes[0]?.pid).toBeNull();
    await brokers.startNode('rabbitmq');
    expect(handle.nodes[0]?.pid).not.toBe(pid);
    expect(isAlive(handle.nodes[0]?.pid ?? 0)).toBe(true);
    expect(await takeFromQueue(handle.url, 'survivor')).toBe('still here');
  });

  it('of Kafka comes back on the same port with its topic and message', async (ctx) => {
    const handle = processOf('kafka');
    if (handle === null) return ctx.skip('no Kafka as a process here');
    const pid = handle.nodes[0]?.pid ?? 0;
    const before = kafkaClient(handle);
    const admin = before.admin();
    await admin.connect();
    await admin.createTopics({ waitForLeaders: true, topics: [{ topic: 'survivor', numPartitions: 1 }] });
    await admin.disconnect();
    const producer = before.producer();
    await producer.connect();
    await producer.send({ topic: 'survivor', acks: -1, messages: [{ value: 'still here' }] });
    await producer.disconnect();

    await brokers.killNode('kafka');
    expect(isAlive(pid)).toBe(false);
    await brokers.startNode('kafka');

    const after = kafkaClient(handle).admin();
    await after.connect();
    await expect
      .poll(async () => (await after.fetchTopicOffsets('survivor').catch(() => []))[0]?.high, { timeout: 20_000 })
      .toBe('1');
    await after.disconnect();
  });

  it('cannot be killed twice, nor started while it runs', async (ctx) => {
    if (processOf('kafka') === null) return ctx.skip('no Kafka as a process here');
    await expect(brokers.startNode('kafka')).rejects.toThrow('runs already');
    await expect(brokers.killNode('kafka', 5)).rejects.toThrow('no node 5');
  });
});

describe('stop', () => {
  it('leaves no process, no port, no data and no record', async (ctx) => {
    const own = await obtainBrokers({ want: ['rabbitmq', 'kafka'], fresh: true });
    const handles = [own.rabbitmq, own.kafka].filter((handle) => handle?.source === 'process');
    if (handles.length === 0) return ctx.skip('no broker as a process here');
    const runs = handles.map((handle) => runIdOf(handle as RabbitMqHandle | KafkaHandle));
    const pids = runs.flatMap(pidsOfRun);
    const ports = listenersOf(pids).map(({ port }) => port);
    const directories = handles.flatMap((handle) => handle?.nodes.map((node) => node.dataDir ?? '') ?? []);
    expect(pids.length).toBeGreaterThanOrEqual(handles.length);
    await own.stop();
    await own.stop();
    expect(pids.filter(isAlive)).toEqual([]);
    for (const port of ports) expect(await isOpen(port), `port ${port}`).toBe(false);
    expect([...directories, ...runs.map(runDirectory)].filter((path) => existsSync(path))).toEqual([]);
    // And the other ones, of this file, live on.
    await expect(brokers.killNode('rabbitmq', 9)).rejects.toThrow('no node 9');
    await allGone(runs.flatMap(pidsOfRun), 1_000);
  });
});

describe('what cannot be had', () => {
  it('is skipped with the reason: no Java', async () => {
    vi.stubEnv('PATH', '/nonexistent');
    vi.stubEnv('DOCKER_HOST', 'unix:///nonexistent.sock');
    try {
      const none = await obtainBrokers({ want: ['kafka'], fresh: true });
      expect(none.kafka).toBeUndefined();
      expect(none.skipped).toHaveLength(1);
      expect(none.skipped[0]?.reason).toMatch(/no engine answers.*no Java/);
      await none.stop();
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('is skipped with the reason: not root', async () => {
    vi.stubEnv('DOCKER_HOST', 'unix:///nonexistent.sock');
    const asUser = vi.spyOn(process, 'getuid').mockReturnValue(1000);
    try {
      const none = await obtainBrokers({ want: ['rabbitmq'], fresh: true });
      expect(none.skipped[0]?.reason).toContain('needs root');
      await none.stop();
    } finally {
      asUser.mockRestore();
      vi.unstubAllEnvs();
    }
  });

  it('is an address that was given and does not answer; nothing else is taken in its place', async () => {
    vi.stubEnv('SLUICE_KAFKA_BROKERS', '127.0.0.1:1');
    vi.stubEnv('SLUICE_RABBITMQ_URL', 'amqp://user:secret@127.0.0.1:1');
    try {
      const none = await obtainBrokers({ want: ['rabbitmq', 'kafka'] });
      expect(none.skipped.map(({ kind }) => kind)).toEqual(['rabbitmq', 'kafka']);
      expect(none.skipped[0]?.reason).toMatch(/^SLUICE_RABBITMQ_URL is set, but (?!.*secret)/);
      expect(none.skipped[1]?.reason).toMatch(/^SLUICE_KAFKA_BROKERS is set, but/);
      await none.stop();
    } finally {
      vi.unstubAllEnvs();
    }
  });
});
