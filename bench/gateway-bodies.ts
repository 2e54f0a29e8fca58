/**
 * What else goes through REST: large raw bodies against a bare server that reads as much, pulls with acknowledgements against
 * the publishes that fill them, and single messages to Kafka against bare kafkajs.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Fastify from 'fastify';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import type { BenchRow } from './row.ts';
import { inTurns } from './rounds.ts';
import { post, serve } from './served.ts';

const CONNECTIONS = 32;
const SECONDS = 1;
const RAW_BYTES = 64 * 1024;
const CONSUMED = { messages: 20_000, lanes: 8 };
const VALUE = 'x'.repeat(100);

interface Load {
  readonly url: string;
  readonly path: string;
  readonly body: string;
  readonly contentType?: string;
}

export async function run(): Promise<BenchRow[]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  const gateway = await serve(['--data-dir', dataDir]);
  const load = fork(fileURLToPath(new URL('./rest-load.js', import.meta.url)));
  const consumers = fork(fileURLToPath(new URL('./rest-consume.js', import.meta.url)));
  const echo = await startRawEcho();
  try {
    await post(`${gateway.url}/v1/topics`, { name: 'raw', retention: { bytes: 64 * RAW_BYTES } });
    await post(`${gateway.url}/v1/topics`, { name: 'consumed' });
    await post(`${gateway.url}/v1/subscriptions`, { name: 'consumed', topic: 'consumed' });
    const body = 'x'.repeat(RAW_BYTES);
    const contentType = 'application/octet-stream';
    const publishHundreds = {
      url: gateway.url,
      path: '/v1/topics/consumed/messages',
      body: JSON.stringify({ messages: Array.from({ length: 100 }, () => ({ value: VALUE })) }),
    };
    return [
      await inTurns({
        name: 'REST publish, raw body of 64 KiB, fsync; a bare server that reads it',
        unit: 'requests/s',
        target: 0.7,
        ours: async () =>
          await requestsPerSecond(load, { url: gateway.url, path: '/v1/topics/raw/messages', body, contentType }),
        reference: async () => await requestsPerSecond(load, { url: echo.url, path: '/', body, contentType }),
      }),
      await inTurns({
        name: 'REST pull and ack, 100 at a time; publishing them, 100 a request, fsync',
        unit: 'messages/s',
        target: 0.5,
        // Ours comes first in a round: what it consumes is what was published before.
        ours: async () => {
          await publishAtLeast(load, publishHundreds, CONSUMED.messages);
          return await consumedPerSecond(consumers, gateway.url);
        },
        reference: async () => (await requestsPerSecond(load, publishHundreds)) * 100,
      }),
    ];
  } finally {
    load.kill();
    consumers.kill();
    echo.close();
    await gateway.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

export async function onKafka(options: { readonly brokers: readonly string[] }): Promise<BenchRow> {
  const topic = `bench-${randomBytes(6).toString('hex')}`;
  const gateway = await serve(['--backend', 'kafka'], { SLUICE_KAFKA_BROKERS: options.brokers.join(',') });
  const load = fork(fileURLToPath(new URL('./rest-load.js', import.meta.url)));
  const kafka = new Kafka({ brokers: [...options.brokers], logLevel: logLevel.NOTHING });
  const producer = kafka.producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
  });
  try {
    await post(`${gateway.url}/v1/topics`, { name: topic, partitions: 4 });
    await producer.connect();
    return await inTurns({
      name: `REST publish on kafka, 1 message of 100 B a request, ${CONNECTIONS} connections; bare kafkajs, ${CONNECTIONS} sends at once`,
      unit: 'messages/s',
      target: 1.5,
      ours: async () =>
        await requestsPerSecond(load, {
          url: gateway.url,
          path: `/v1/topics/${topic}/messages`,
          body: JSON.stringify({ messages: [{ value: VALUE }] }),
        }),
      reference: async () => {
        const untilMs = performance.now() + SECONDS * 1_000;
        let sent = 0;
        const lane = async (): Promise<void> => {
          while (performance.now() < untilMs) {
            sent += 1;
            await producer.send({ topic, acks: -1, messages: [{ value: VALUE, partition: sent % 4 }] });
          }
        };
        await Promise.all(Array.from({ length: CONNECTIONS }, lane));
        return sent / SECONDS;
      },
    });
  } finally {
    load.kill();
    await producer.disconnect();
    await fetch(`${gateway.url}/v1/topics/${topic}`, { method: 'DELETE' });
    await gateway.stop();
  }
}

async function requestsPerSecond(load: ChildProcess, { url, path, body, contentType }: Load): Promise<number> {
  const { hostname, port } = new URL(url);
  const answered = once(load, 'message') as Promise<[{ requestsPerSecond: number; failed: number }]>;
  load.send({
    host: hostname,
    port: Number(port),
    path,
    body,
    connections: CONNECTIONS,
    seconds: SECONDS,
    ...(contentType === undefined ? {} : { contentType }),
  });
  const [result] = await answered;
  if (result.failed > 0) throw new Error(`${result.failed} requests to ${path} failed`);
  return result.requestsPerSecond;
}

async function publishAtLeast(load: ChildProcess, order: Load, messages: number): Promise<void> {
  for (let sent = 0; sent < messages; ) sent += (await requestsPerSecond(load, order)) * SECONDS * 100;
}

async function consumedPerSecond(consumers: ChildProcess, url: string): Promise<number> {
  const answered = once(consumers, 'message') as Promise<[{ messagesPerSecond: number }]>;
  consumers.send({ url, subscription: 'consumed', ...CONSUMED });
  const [{ messagesPerSecond }] = await answered;
  return messagesPerSecond;
}

/** Fastify that reads the body as bytes and says how many there were. */
async function startRawEcho(): Promise<{ readonly url: string; close(): void }> {
  const app = Fastify({ bodyLimit: RAW_BYTES * 2 });
  app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_, bytes, done) => done(null, bytes));
  app.post('/', (request, reply) => {
    void reply.send({ bytes: (request.body as Buffer).length });
  });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  return { url, close: () => void app.close() };
}
