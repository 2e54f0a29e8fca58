/** Three nodes of each: minutes on a small machine, so only in the long run. And the older versions of RabbitMQ. */

import amqp from 'amqplib';
import { Kafka, logLevel } from 'kafkajs';
import { describe, expect, inject, it } from 'vitest';
import { obtainBrokers } from '../../src/brokers/index.ts';
import { kafkaBrokerCount, parseHostPort } from '../../src/brokers/probe.ts';
import { recordedRuns } from '../../src/brokers/run-state.ts';
import { isAlive, isLoopback, type Listener, listenersOf, pidsOfRun } from './listening.ts';

const MINUTES = 60_000;

function openElsewhere(dataDir: string | null | undefined): Listener[] {
  const run = recordedRuns().find((one) => one.handle?.nodes[0]?.dataDir === dataDir);
  const listeners = listenersOf(pidsOfRun(run?.id ?? ''));
  expect(listeners.length).toBeGreaterThanOrEqual(6);
  return listeners.filter(({ address }) => !isLoopback(address));
}

/** The queue's next message, or what stands in the way of getting it. */
async function takeFrom(url: string, queue: string): Promise<string | null> {
  const connection = await amqp.connect(url);
  const broken = new Promise<string>((resolve) => {
    connection.on('error', (caught: Error) => resolve(caught.message));
  });
  const taken = async () => {
    const channel = await connection.createChannel();
    channel.on('error', () => undefined); // the connection tells the same
    const message = await channel.get(queue, { noAck: true });
    await connection.close();
    return message === false ? null : message.content.toString();
  };
  return Promise.race([broken, taken().catch(() => broken)]);
}

describe('three nodes of RabbitMQ', () => {
  it('are one cluster on loopback, whose quorum queue outlives a killed node', {
    timeout: 5 * MINUTES,
  }, async (ctx) => {
    if (inject('rabbitmq')?.source !== 'process') return ctx.skip('no RabbitMQ as a process here');
    await using brokers = disposable(await obtainBrokers({ want: ['rabbitmq'], nodes: 3, fresh: true }));
    const { rabbitmq } = brokers.obtained;
    if (rabbitmq === undefined) throw new Error(brokers.obtained.skipped[0]?.reason);
    expect(rabbitmq.urls).toHaveLength(3);
    expect(new Set(rabbitmq.nodes.map((node) => node.pid)).size).toBe(3);

    const connection = await amqp.connect(rabbitmq.url);
    const channel = await connection.createConfirmChannel();
    for (const type of ['quorum', 'stream'])
      await channel.assertQueue(`three-${type}`, { durable: true, arguments: { 'x-queue-type': type } });
    for (const type of ['quorum', 'stream'])
      channel.sendToQueue(`three-${type}`, Buffer.from('held by three'), { persistent: true });
    await channel.waitForConfirms();
    // A stream's replicas open ports of their own to be fed.
    expect(openElsewhere(rabbitmq.nodes[0]?.dataDir)).toEqual([]);
    await connection.close();

    await brokers.obtained.killNode('rabbitmq', 0);
    expect(rabbitmq.nodes[0]?.pid).toBeNull();
    // Until the two others have a leader again, a get is answered with an internal error.
    await expect
      .poll(() => takeFrom(rabbitmq.urls[1] ?? '', 'three-quorum'), { timeout: MINUTES })
      .toBe('held by three');

    await brokers.obtained.startNode('rabbitmq', 0);
    expect(isAlive(rabbitmq.nodes[0]?.pid ?? 0)).toBe(true);
    expect(openElsewhere(rabbitmq.nodes[0]?.dataDir)).toEqual([]);
  });
});

describe('three nodes of Kafka', () => {
  it('are one cluster on loopback, that loses a node and takes it back', { timeout: 5 * MINUTES }, async (ctx) => {
    if (inject('kafka')?.source !== 'process') return ctx.skip('no Kafka as a process here');
    await using brokers = disposable(await obtainBrokers({ want: ['kafka'], nodes: 3, fresh: true }));
    const { kafka } = brokers.obtained;
    if (kafka === undefined) throw new Error(brokers.obtained.skipped[0]?.reason);
    expect(kafka.brokers).toHaveLength(3);
    expect(openElsewhere(kafka.nodes[0]?.dataDir)).toEqual([]);

    const client = new Kafka({ brokers: [...kafka.brokers], logLevel: logLevel.NOTHING });
    const admin = client.admin();
    await admin.connect();
    await admin.createTopics({ waitForLeaders: true, topics: [{ topic: 'three', numPartitions: 1 }] });
    const { topics } = await admin.fetchTopicMetadata({ topics: ['three'] });
    expect(topics[0]?.partitions[0]?.isr).toHaveLength(3);
    await admin.disconnect();

    const known = () => kafkaBrokerCount(parseHostPort(kafka.brokers[0] ?? ''));
    await brokers.obtained.killNode('kafka', 2);
    // Kafka takes broker.session.timeout.ms, 9 s, to see it.
    await expect.poll(known, { timeout: MINUTES }).toBe(2);
    await brokers.obtained.startNode('kafka', 2);
    await expect.poll(known, { timeout: MINUTES }).toBe(3);
  });
});

describe.each(['4.0', '3.10'] as const)('RabbitMQ %s', (version) => {
  it('runs beside another version', { timeout: 5 * MINUTES }, async (ctx) => {
    if (inject('rabbitmq')?.source !== 'process') return ctx.skip('no RabbitMQ as a process here');
    await using brokers = disposable(
      await obtainBrokers({ want: ['rabbitmq'], rabbitmqVersion: version, fresh: true }),
    );
    const { rabbitmq } = brokers.obtained;
    if (rabbitmq === undefined) throw new Error(brokers.obtained.skipped[0]?.reason);
    expect(rabbitmq.version.startsWith(`${version}.`)).toBe(true);
    const connection = await amqp.connect(rabbitmq.url);
    expect(connection.connection.serverProperties.version).toBe(rabbitmq.version);
    await connection.close();
  });
});

function disposable(obtained: Awaited<ReturnType<typeof obtainBrokers>>) {
  return { obtained, [Symbol.asyncDispose]: () => obtained.stop() };
}

describe('a RabbitMQ with settings', () => {
  it('has the lines that it was asked for', { timeout: 2 * MINUTES }, async (ctx) => {
    if (inject('rabbitmq')?.source !== 'process') return ctx.skip('no RabbitMQ as a process here');
    const conf = ['quorum_queue.commands_soft_limit = 256', 'tcp_listen_options.sndbuf = 196608'];
    await using brokers = disposable(await obtainBrokers({ want: ['rabbitmq'], rabbitmqSettings: { conf } }));
    const setting = (name: string) => brokers.obtained.rabbitmqctl(['eval', `application:get_env(rabbit, ${name}).`]);
    expect(await setting('quorum_commands_soft_limit')).toContain('{ok,256}');
    expect(await setting('tcp_listen_options')).toContain('{sndbuf,196608}');
  });
});
