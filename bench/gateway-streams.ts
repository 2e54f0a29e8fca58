/**
 * Many readers: what reaches a hundred event streams and when, and what ten thousand silent ones cost. The gateway and its readers are
 * processes of their own.
 */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BenchRow } from './row.ts';
import { againstLimit } from './rounds.ts';
import { passes, post, residentBytes, type Served, serve } from './served.ts';

const FAN_OUT = { clients: 100, messagesPerSecond: 1_000, seconds: 5, p99MsMax: 50 };
const IDLE = { streams: 10_000, subscriptions: 100, kibibytesMax: 40 };
/** Publishes of the fan-out: so many messages each, so that the publisher is not what is measured. */
const PUBLISH_EVERY_MS = 10;
const SETTLE_MS = 3_000;
const WARM_UP_SECONDS = 2;

export interface StreamOrder {
  readonly url: string;
  /** One stream for each path. */
  readonly paths: readonly string[];
}

export interface StreamReport {
  readonly opened: number;
  readonly received: number;
  /** From what the publisher wrote into a message to its arrival. */
  readonly latenciesMs: readonly number[];
}

/** Each on a gateway of its own: memory that the fan-out had used would hide what silent streams need. */
export async function run(): Promise<BenchRow[]> {
  return [...(await onGateway(fanOut)), ...(await onGateway(idle))];
}

async function onGateway(measure: (gateway: Served) => Promise<BenchRow[]>): Promise<BenchRow[]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  const variables = {
    SLUICE_LIMITS_CONNECTIONS_MAX: '20000',
    SLUICE_LIMITS_STREAMS_MAX: '20000',
    SLUICE_LIMITS_PULL_SESSIONS_MAX: '1000',
  };
  const gateway = await serve(['--data-dir', dataDir], variables);
  try {
    return await measure(gateway);
  } finally {
    await gateway.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function fanOut(gateway: Served): Promise<BenchRow[]> {
  const { clients, messagesPerSecond, seconds, p99MsMax } = FAN_OUT;
  await post(`${gateway.url}/v1/topics`, { name: 'fan' });
  const names = Array.from({ length: clients }, (_, index) => `fan-${index}`);
  for (const name of names) await post(`${gateway.url}/v1/subscriptions`, { name, topic: 'fan' });
  const readers = await openReaders({
    url: gateway.url,
    paths: names.map((name) => `/v1/subscriptions/${name}/stream?credit=1000`),
  });
  await publishFor(gateway, WARM_UP_SECONDS, messagesPerSecond);
  await readers.report();
  const sent = await publishFor(gateway, seconds, messagesPerSecond);
  await passes(SETTLE_MS);
  const { received, latenciesMs } = await readers.report();
  readers.close();
  const what = `SSE fan-out, ${clients} clients, ${messagesPerSecond} messages/s`;
  const p99 = latenciesMs.toSorted((a, b) => a - b)[Math.floor(latenciesMs.length * 0.99)] ?? Number.NaN;
  return [
    againstLimit(`${what}: p99 from publish to arrival`, [p99], { unit: 'ms', limit: p99MsMax }),
    {
      name: `${what}: arrived, of what was sent to all`,
      ours: received,
      reference: sent * clients,
      ratio: received / (sent * clients),
      unit: 'messages',
      target: 1,
    },
  ];
}

/** At times that are fixed before; a late one does not move the others. Resolves with how many were stored. */
async function publishFor(gateway: Served, seconds: number, perSecond: number): Promise<number> {
  const each = Math.round((perSecond * PUBLISH_EVERY_MS) / 1_000);
  const startedMs = performance.now();
  const answers: Promise<unknown>[] = [];
  let sent = 0;
  for (let tick = 0; tick * PUBLISH_EVERY_MS < seconds * 1_000; tick += 1) {
    await passes(Math.max(0, startedMs + tick * PUBLISH_EVERY_MS - performance.now()));
    const messages = Array.from({ length: each }, () => ({ value: `at:${Date.now()}:${'x'.repeat(80)}` }));
    answers.push(post(`${gateway.url}/v1/topics/fan/messages`, { messages }));
    sent += each;
  }
  await Promise.all(answers);
  return sent;
}

async function idle(gateway: Served): Promise<BenchRow[]> {
  const { streams, subscriptions, kibibytesMax } = IDLE;
  await post(`${gateway.url}/v1/topics`, { name: 'idle' });
  const names = Array.from({ length: subscriptions }, (_, index) => `idle-${index}`);
  for (const name of names) await post(`${gateway.url}/v1/subscriptions`, { name, topic: 'idle' });
  await passes(SETTLE_MS);
  const before = residentBytes(gateway.pid);
  const readers = await openReaders({
    url: gateway.url,
    paths: Array.from({ length: streams }, (_, index) => `/v1/subscriptions/idle-${index % subscriptions}/stream`),
  });
  await passes(SETTLE_MS);
  const each = (residentBytes(gateway.pid) - before) / streams / 1_024;
  const { opened } = await readers.report();
  readers.close();
  if (opened !== streams) throw new Error(`${opened} of ${streams} streams were opened`);
  return [
    againstLimit(`${streams} idle SSE connections: resident memory of each`, [each], {
      unit: 'KiB',
      limit: kibibytesMax,
    }),
  ];
}

async function openReaders(order: StreamOrder) {
  const child = fork(fileURLToPath(new URL('./stream-readers.js', import.meta.url)));
  const opened = once(child, 'message');
  child.send(order);
  await opened;
  return {
    /** Since the last report. */
    report: async (): Promise<StreamReport> => {
      const answered = once(child, 'message') as Promise<[StreamReport]>;
      child.send('report');
      const [report] = await answered;
      return report;
    },
    close: () => void child.kill(),
  };
}
