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
import { inTurns, median } from './rounds.ts';

const CONNECTIONS = 32;
const SECONDS = 0.7;
/** So many requests until all of it is compiled; on a busy machine they take several rounds. */
const WARM_UP_REQUESTS = 20_000;
const WARM_UP_ROUNDS_MAX = 10;
/** By messages a request. */
const TARGETS: Readonly<Record<number, number>> = { 1: 0.7, 100: 0.5 };

export async function run(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  const load = fork(fileURLToPath(new URL('./rest-load.js', import.meta.url)));
  const echo = await startEcho();
  try {
    for (const durability of ['os', 'fsync'] as const) {
      const dataDir = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
      const gateway = await startGateway({ port: 0, native: { dataDir, durability } });
      try {
        for (const count of [1, 100]) rows.push(...(await compare(load, gateway, echo.url, durability, count)));
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

/** Two rows: messages a second, and the server's processor time a request, which other work on the machine disturbs less. */
async function compare(
  load: ChildProcess,
  gateway: Gateway,
  echoUrl: string,
  durability: string,
  count: number,
): Promise<BenchRow[]> {
  const topic = `bench-${count}`;
  await gateway.port.createTopic({ name: topic });
  const body = JSON.stringify({
    messages: Array.from({ length: count }, (_, index) => ({ key: `k${index}`, value: 'x'.repeat(100) })),
  });
  const name = `REST publish, native ${durability}, ${count} message${count === 1 ? '' : 's'} of 100 B a request; bare echo with zod`;
  const processorUs = { ours: [] as number[], bare: [] as number[] };
  const round = async (url: string, path: string, times: number[]): Promise<number> => {
    const { requestsPerSecond, processorUsPerRequest } = await measure(load, { url, path, body });
    times.push(processorUsPerRequest);
    return requestsPerSecond * count;
  };
  const rate = await inTurns({
    name,
    unit: 'messages/s',
    target: TARGETS[count] ?? Number.NaN,
    warmUp: async () => {
      let requests = 0;
      for (let warm = 0; warm < WARM_UP_ROUNDS_MAX && requests < WARM_UP_REQUESTS; warm += 1)
        requests += ((await round(gateway.url, `/v1/topics/${topic}/messages`, [])) / count) * SECONDS;
    },
    ours: async () => await round(gateway.url, `/v1/topics/${topic}/messages`, processorUs.ours),
    reference: async () => await round(echoUrl, '/echo', processorUs.bare),
  });
  const ratios = processorUs.ours.map((ours, index) => (processorUs.bare[index] ?? Number.NaN) / ours);
  const processor: BenchRow = {
    name: `${name}: processor time a request`,
    ours: median(processorUs.ours.slice(2)),
    reference: median(processorUs.bare.slice(2)),
    ratio: median(ratios.slice(2)),
    firstRatio: ratios[0] ?? Number.NaN,
    unit: 'us',
    target: TARGETS[count] ?? Number.NaN,
  };
  return [rate, processor];
}

async function measure(
  load: ChildProcess,
  order: { url: string; path: string; body: string },
): Promise<{ readonly requestsPerSecond: number; readonly processorUsPerRequest: number }> {
  const { hostname, port } = new URL(order.url);
  const answered = once(load, 'message') as Promise<[{ requestsPerSecond: number; failed: number }]>;
  const before = process.cpuUsage();
  load.send({
    host: hostname,
    port: Number(port),
    path: order.path,
    body: order.body,
    connections: CONNECTIONS,
    seconds: SECONDS,
  });
  const [{ requestsPerSecond, failed }] = await answered;
  const { user, system } = process.cpuUsage(before);
  if (failed > 0) throw new Error(`${failed} requests to ${order.path} failed`);
  return { requestsPerSecond, processorUsPerRequest: (user + system) / (requestsPerSecond * SECONDS) };
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
