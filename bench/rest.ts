/**
 * Publishing over REST on the native log, against a bare Fastify with zod that reads, validates and sends back the same body.
 * Both servers run in this process, one at a time, loaded from a child; rounds alternate, so that a noisy machine disturbs both.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Fastify from 'fastify';
import { z } from 'zod';
import { type Gateway, startGateway } from '../src/gateway/index.ts';
import type { BenchRow } from './row.ts';

const CONNECTIONS = 32;
const ROUNDS = 3;
const SECONDS = 0.7;
const WARM_UP_SECONDS = 0.4;
const TARGET = 0.5;

export async function run(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  const load = fork(fileURLToPath(new URL('./rest-load.js', import.meta.url)));
  const echo = await startEcho();
  try {
    for (const durability of ['os', 'fsync'] as const) {
      const dataDir = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
      const gateway = await startGateway({ port: 0, native: { dataDir, durability } });
      try {
        for (const count of [1, 100]) rows.push(await compare(load, gateway, echo.url, durability, count));
      } finally {
        await gateway.close();
        rmSync(dataDir, { recursive: true, force: true });
      }
    }
  } finally {
    await echo.close();
    load.kill();
  }
  return rows;
}

async function compare(
  load: ChildProcess,
  gateway: Gateway,
  echoUrl: string,
  durability: string,
  count: number,
): Promise<BenchRow> {
  const topic = `bench-${count}`;
  await gateway.port.createTopic({ name: topic });
  const body = JSON.stringify({
    messages: Array.from({ length: count }, (_, index) => ({ key: `k${index}`, value: 'x'.repeat(100) })),
  });
  const ours = async (seconds: number) =>
    await measure(load, { url: gateway.url, path: `/v1/topics/${topic}/messages`, body, seconds });
  const bare = async (seconds: number) => await measure(load, { url: echoUrl, path: '/echo', body, seconds });
  await ours(WARM_UP_SECONDS);
  await bare(WARM_UP_SECONDS);
  const rates = { ours: [] as number[], bare: [] as number[] };
  for (let round = 0; round < ROUNDS; round += 1) {
    rates.ours.push(await ours(SECONDS));
    rates.bare.push(await bare(SECONDS));
  }
  const [oursRate, bareRate] = [median(rates.ours) * count, median(rates.bare) * count];
  return {
    name: `REST publish, native ${durability}, ${count} message${count === 1 ? '' : 's'} of 100 B a request`,
    ours: oursRate,
    reference: bareRate,
    ratio: oursRate / bareRate,
    unit: 'messages/s',
    target: TARGET,
  };
}

async function measure(
  load: ChildProcess,
  order: { url: string; path: string; body: string; seconds: number },
): Promise<number> {
  const { hostname, port } = new URL(order.url);
  const answered = once(load, 'message') as Promise<[{ requestsPerSecond: number; failed: number }]>;
  load.send({
    host: hostname,
    port: Number(port),
    path: order.path,
    body: order.body,
    connections: CONNECTIONS,
    seconds: order.seconds,
  });
  const [{ requestsPerSecond, failed }] = await answered;
  if (failed > 0) throw new Error(`${failed} requests to ${order.path} failed`);
  return requestsPerSecond;
}

async function startEcho(): Promise<{ readonly url: string; close(): Promise<void> }> {
  const Body = z.strictObject({
    messages: z.array(
      z.strictObject({
        key: z.string().optional(),
        value: z.string(),
        headers: z.record(z.string(), z.string()).optional(),
      }),
    ),
  });
  const app = Fastify();
  app.setValidatorCompiler(() => (data) => {
    const result = Body.safeParse(data);
    return result.success ? { value: result.data } : { error: result.error };
  });
  app.setSerializerCompiler(() => JSON.stringify);
  app.post('/echo', { schema: { body: Body } }, async (request) => request.body);
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  return { url, close: async () => await app.close() };
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0;
}
