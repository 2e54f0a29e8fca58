/**
 * The native log in the manners of another system refuses what that system refused when it was tested: the branches "unsupported is refused" of the
 * conformance suite, held to the findings recorded on the real one. With SLUICE_LONG=1 all chapters: what is left must hold.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  type Capability,
  capabilityNames,
  type MessagingPort,
  openPort,
  type QueueType,
} from '../../src/adapters/index.ts';
import { chapters, memoryTiming, reportOf, runChapters, type TargetReport } from '../../src/conformance/index.ts';
import { recordedDir } from '../support/conformance-results.ts';

const isLong = process.env['SLUICE_LONG'] === '1';

/** What the log cannot do whatever it is like: these are refused though the system has them. */
const logLacks: readonly Capability[] = ['delay', 'ttl.message', 'priority', 'durability.copies'];

async function portLike(like: string): Promise<MessagingPort> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-like-'));
  const config = { dataDir, compactionCheckIntervalMs: 20, retentionCheckIntervalMs: 20 };
  const port = await openPort({ backend: 'native', like, config });
  onTestFinished(async () => {
    await port.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  return port;
}

function recorded(system: string): TargetReport {
  return JSON.parse(readFileSync(join(recordedDir, `${system}.json`), 'utf8')) as TargetReport;
}

const systems: readonly (readonly [string, QueueType | undefined])[] = [
  ['rabbitmq-quorum', 'quorum'],
  ['rabbitmq-classic', 'classic'],
  ['rabbitmq-stream', 'stream'],
  ['rabbitmq-quorum@3.10', 'quorum'],
  ['kafka', undefined],
];

describe('the native log like', () => {
  it.each(systems)('%s refuses what was refused there', async (like, queueType) => {
    const port = await portLike(like);
    const table = port.capabilities(queueType);
    expect(port.info).toMatchObject({ backend: 'native', like });
    const asked = chapters.filter(
      ({ capability }) => isLong || (capability !== 'contract' && table[capability].level === 'unsupported'),
    );
    const results = await runChapters(asked, {
      open: async () => await portLike(like),
      timing: { ...memoryTiming, deadlineMs: 6_000, leaseMs: 500, quietMs: 150 },
      topics: {
        ...(queueType === undefined ? {} : { always: { queueType } }),
        ...(like === 'kafka' ? { forCapability: { 'durability.fsync': { options: { 'flush.messages': 1 } } } } : {}),
      },
    });
    expect(results.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
    const { findings } = reportOf(like, port.info, table, results);
    const real = recorded(like).findings;
    for (const name of capabilityNames) {
      const isRefused = real[name].found === 'refused' || logLacks.includes(name);
      expect(table[name].level === 'unsupported', name).toBe(isRefused);
      if (isRefused) expect(findings[name].found, name).toBe('refused');
    }
  });

  it('rabbitmq-quorum tells no offsets, keeps nothing without a subscription, and dead-letters into what can be browsed', async () => {
    const port = await portLike('rabbitmq-quorum');
    await port.createTopic({ name: 'orders' });
    expect(await port.describeTopic('orders')).toMatchObject({ queueType: 'quorum', replicas: 1 });
    const [lost] = await port.publish('orders', [{ value: 'nobody listens' }]);
    expect(lost).toMatchObject({ kind: 'refused', error: { code: 'unroutable' } });
    await port.createSubscription({ name: 'billing', topic: 'orders' });
    const [stored, again] = await port.publish('orders', [
      { value: 'paid', id: 'x' },
      { value: 'paid', id: 'x' },
    ]);
    expect([stored, again]).toMatchObject([
      { kind: 'stored', offset: null, durability: { persistence: 'fsync', copies: 1 } },
      { kind: 'stored', offset: null },
    ]);
    const consumer = await port.subscribe('billing', { credit: { messages: 10 } });
    const deliveries = await consumer.pull({ maxMessages: 10, waitMs: 2_000 });
    expect(deliveries.map(({ message }) => [message.id, message.offset])).toEqual([
      ['x', null],
      ['x', null],
    ]);
    const tokens = deliveries.map(({ token }) => token);
    expect((await port.ack('billing', tokens.slice(0, 1)))[0]?.status).toBe('ok');
    expect((await port.reject('billing', tokens.slice(1)))[0]?.status).toBe('ok');
    expect((await port.lag('billing')).total).toBe(0);
    expect((await port.read('billing.dead', 0, 'earliest', 10)).messages).toHaveLength(1);
    await expect(port.read('orders', 0, 'earliest', 10)).rejects.toMatchObject({ capability: 'browse' });
    await expect(port.seek('billing', 'earliest')).rejects.toMatchObject({ code: 'capability_unsupported' });
    const late = port.createSubscription({ name: 'late', topic: 'orders', start: 'earliest' });
    await expect(late).rejects.toMatchObject({ capability: 'subscribe.late' });
    const kept = port.createTopic({ name: 'kept', retention: { ms: 1_000 } });
    await expect(kept).rejects.toMatchObject({ capability: 'ttl.retention' });
    const attempts = port.alterSubscription('billing', { retry: { maxAttempts: 9 } });
    await expect(attempts).rejects.toMatchObject({ code: 'capability_unsupported' });
  });

  it('kafka answers from the page cache, and with fsync where the topic has flush.messages', async () => {
    const port = await portLike('kafka');
    await port.createTopic({ name: 'fast' });
    await port.createTopic({ name: 'safe', options: { 'flush.messages': 1, 'min.insync.replicas': 1 } });
    expect((await port.publish('fast', [{ value: 'a' }]))[0]).toMatchObject({
      durability: { persistence: 'os' },
      offset: 0,
    });
    expect((await port.publish('safe', [{ value: 'a' }]))[0]).toMatchObject({ durability: { persistence: 'fsync' } });
    const deep = port.publish('fast', [{ value: 'a' }], { durability: 'fsync' });
    await expect(deep).rejects.toMatchObject({ capability: 'durability.fsync' });
    await expect(port.createTopic({ name: 'odd', options: { segmentBytes: 65_536 } })).rejects.toMatchObject({
      code: 'invalid_argument',
    });
    await expect(port.createTopic({ name: 'wide', replicas: 3 })).rejects.toMatchObject({
      capability: 'durability.copies',
    });
    expect((await port.alterTopic('fast', { partitions: 4, retention: { ms: 1_000 } })).partitions).toBe(4);
  });

  it('no system that there is, and no backend but the log', async () => {
    for (const like of ['pulsar', 'rabbitmq', 'rabbitmq-quorum@3.8', 'log@1.0', 'kafka@latest'])
      await expect(portLike(like), like).rejects.toMatchObject({ code: 'invalid_argument' });
    const other = openPort({ backend: 'kafka', like: 'rabbitmq-quorum', config: { brokers: ['127.0.0.1:9'] } });
    await expect(other).rejects.toMatchObject({ code: 'invalid_argument' });
  });
});
