/** What a gateway costs that has nothing to do: `sluice serve` on Kafka with consumers on ten subscriptions, and no message. */

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { BenchRow } from './row.ts';
import { againstLimit } from './rounds.ts';

const SUBSCRIPTIONS = 10;
/** Groups are formed and what a start leaves to do is done; then it is measured. */
const SETTLE_MS = 8_000;
const MEASURE_MS = 10_000;
const ROUNDS = 3;
const CORE_PERCENT_MAX = 1;
/** Linux counts processor time in these, on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

export async function idleOnKafka(options: { readonly brokers: readonly string[] }): Promise<BenchRow> {
  const gateway = await serve(options.brokers);
  const closing = new AbortController();
  const name = `bench-idle-${randomBytes(4).toString('hex')}`;
  try {
    for (let index = 0; index < SUBSCRIPTIONS; index += 1) {
      await post(`${gateway.url}/v1/topics`, { name: `${name}-${index}` });
      await post(`${gateway.url}/v1/subscriptions`, { name: `${name}-${index}`, topic: `${name}-${index}` });
      const stream = await fetch(`${gateway.url}/v1/subscriptions/${name}-${index}/stream`, { signal: closing.signal });
      if (!stream.ok) throw new Error(`the stream answered ${stream.status}`);
    }
    await passes(SETTLE_MS);
    const percents: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const before = processorSeconds(gateway.pid);
      const startedMs = performance.now();
      await passes(MEASURE_MS);
      percents.push(((processorSeconds(gateway.pid) - before) * 100_000) / (performance.now() - startedMs));
    }
    return againstLimit(`gateway on kafka, ${SUBSCRIPTIONS} subscriptions consumed, idle: processor`, percents, {
      unit: '% of a core',
      limit: CORE_PERCENT_MAX,
    });
  } finally {
    closing.abort();
    for (let index = 0; index < SUBSCRIPTIONS; index += 1)
      await fetch(`${gateway.url}/v1/topics/${name}-${index}`, { method: 'DELETE' }).catch(() => undefined);
    await gateway.stop();
  }
}

async function serve(brokers: readonly string[]) {
  const cli = join(import.meta.dirname, '..', 'src', 'cli.js');
  const options = ['--backend', 'kafka', '--port', '0', '--grpc-port', 'off'];
  const child = spawn(process.execPath, [cli, 'serve', ...options], {
    env: { ...process.env, SLUICE_KAFKA_BROKERS: brokers.join(',') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
    if (url === undefined) continue;
    child.stdout.resume();
    return {
      url,
      pid: child.pid ?? -1,
      stop: async () => {
        child.kill('SIGTERM');
        await ended;
      },
    };
  }
  throw new Error('the gateway ended before it served');
}

async function post(url: string, body: unknown): Promise<void> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
}

function processorSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

async function passes(ms: number): Promise<void> {
  await new Promise<void>((resolve) => setTimeout(resolve, ms));
}
