/** A trace recorded off a real queue and a real topic, beside a consumer that loses nothing by it. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { connect } from '../../src/client/index.ts';
import { readTrace, recordTrace } from '../../src/compare/trace/index.ts';
import { startGateway } from '../../src/gateway/start.ts';

const rabbitmq = inject('rabbitmq');
const kafka = inject('kafka');
const systems = [
  ['rabbitmq', 'quorum', rabbitmq],
  ['rabbitmq', 'stream', rabbitmq],
  ['kafka', undefined, kafka],
] as const;
const MESSAGES = 100;

describe.each(systems)('a trace of a topic on %s %s', (backend, queueType, broker) => {
  it.skipIf(broker === null)('has what came while it was recorded, and the consumer has it too', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sluice-record-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const gateway = await startGateway({
      port: 0,
      backend,
      ...(rabbitmq === null ? {} : { rabbitmq: { urls: [rabbitmq.url] } }),
      ...(kafka === null ? {} : { kafka: { brokers: [...kafka.brokers] } }),
    });
    onTestFinished(async () => await gateway.close());
    const sluice = connect(gateway.url);
    const topic = `recorded-${backend}-${queueType ?? 'topic'}-${process.pid}`;
    await sluice.topics.create({ name: topic, partitions: 2, ...(queueType === undefined ? {} : { queueType }) });
    await sluice.subscriptions.create({ name: `${topic}-reader`, topic });
    const out = join(directory, 'trace.jsonl');
    const recording = recordTrace({
      url: gateway.url,
      topic,
      out,
      from: 'latest',
      messagesMax: MESSAGES,
      forMs: 40_000,
      idleMs: 40_000,
      keys: 'hash',
      keepsValues: false,
    });
    const recorders = async (): Promise<string[]> =>
      (await sluice.subscriptions.list()).map(({ name }) => name).filter((name) => name.startsWith('sluice-trace-'));
    await expect.poll(async () => (await recorders()).length).toBe(1);
    await sluice.publishBatch(
      topic,
      Array.from({ length: MESSAGES }, (_, index) => ({ key: `key-${index % 5}`, value: 'x'.repeat(index + 1) })),
    );
    expect(await recording).toMatchObject({ messages: MESSAGES, distinctKeys: 5, withoutKey: 0 });
    expect((await readTrace(out)).reduce((sum, { size = 0 }) => sum + size, 0)).toBe((MESSAGES * (MESSAGES + 1)) / 2);
    let received = 0;
    for await (const delivery of sluice.subscribe(`${topic}-reader`, { idleMs: 20_000 })) {
      await delivery.ack();
      received += 1;
      if (received === MESSAGES) break;
    }
    expect(await recorders()).toEqual([]);
    await sluice.topics.delete(topic);
  });
});
