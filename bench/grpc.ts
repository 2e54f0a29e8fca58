/**
 * Publishing over gRPC on the native log, against a bare grpc-js server that sends the same message back. Both servers run in
 * this process, one at a time, loaded from a child; rounds alternate, so that a noisy machine disturbs both.
 *
 * grpc-js's client costs about as much as the server, so the rates of the two are nearer to each other than the servers are.
 * The processor time of the server's process per message is the second figure, which the client has no part in.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Server, ServerCredentials, type ServerDuplexStream, type ServiceDefinition } from '@grpc/grpc-js';
import { startGateway } from '../src/gateway/index.ts';
import { loadProto } from '../src/gateway/grpc/proto.ts';
import type { LoadOrder, LoadResult } from './grpc-load.ts';
import type { BenchRow } from './row.ts';

const ROUNDS = 5;
const SECONDS = 0.8;
const WARM_UP_SECONDS = 0.6;

const shapes = [
  { mode: 'unary', name: 'gRPC Publish, 32 at once', count: 1, target: 0.7 },
  { mode: 'stream', name: 'gRPC PublishStream, 50 messages a frame', count: 50, target: 0.5 },
] as const;

interface Measured {
  readonly messagesPerSecond: number;
  readonly serverMicrosecondsPerMessage: number;
}

export async function run(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  const load = fork(fileURLToPath(new URL('./grpc-load.ts', import.meta.url)), { execArgv: ['--import', 'tsx'] });
  const echo = await startEcho();
  try {
    for (const durability of ['os', 'fsync'] as const) {
      const dataDir = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
      const gateway = await startGateway({ port: 0, native: { dataDir, durability } });
      try {
        await gateway.port.createTopic({ name: 'bench' });
        for (const shape of shapes) {
          const ours = {
            mode: shape.mode,
            count: shape.count,
            address: gateway.grpcAddress ?? '',
            service: 'sluice',
          } as const;
          const bare = { ...ours, address: echo.address, service: 'echo' } as const;
          rows.push(...(await compare(load, `${shape.name}, native ${durability}`, shape.target, ours, bare)));
        }
      } finally {
        await gateway.close();
        rmSync(dataDir, { recursive: true, force: true });
      }
    }
  } finally {
    echo.close();
    load.kill();
  }
  return rows;
}

type Order = Omit<LoadOrder, 'seconds'>;

async function compare(
  load: ChildProcess,
  name: string,
  target: number,
  ours: Order,
  bare: Order,
): Promise<readonly BenchRow[]> {
  await measure(load, ours, WARM_UP_SECONDS);
  await measure(load, bare, WARM_UP_SECONDS);
  const rounds: { readonly ours: Measured; readonly bare: Measured }[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    rounds.push({ ours: await measure(load, ours, SECONDS), bare: await measure(load, bare, SECONDS) });
  }
  const rate = {
    ours: median(rounds.map((round) => round.ours.messagesPerSecond)),
    bare: median(rounds.map((round) => round.bare.messagesPerSecond)),
  };
  const cost = {
    ours: median(rounds.map((round) => round.ours.serverMicrosecondsPerMessage)),
    bare: median(rounds.map((round) => round.bare.serverMicrosecondsPerMessage)),
  };
  return [
    { name, ours: rate.ours, reference: rate.bare, ratio: rate.ours / rate.bare, unit: 'messages/s', target },
    {
      name: '  processor time of the server',
      ours: cost.ours,
      reference: cost.bare,
      ratio: cost.bare / cost.ours,
      unit: 'us/message',
      target,
    },
  ];
}

async function measure(load: ChildProcess, order: Order, seconds: number): Promise<Measured> {
  const answered = once(load, 'message') as Promise<[LoadResult]>;
  const before = process.cpuUsage();
  load.send({ ...order, seconds } satisfies LoadOrder);
  const [{ messages, failed, elapsedSeconds }] = await answered;
  const used = process.cpuUsage(before);
  if (failed > 0) throw new Error(`${failed} calls of ${order.service} failed`);
  return {
    messagesPerSecond: messages / elapsedSeconds,
    serverMicrosecondsPerMessage: (used.user + used.system) / messages,
  };
}

/** The same path, the same decoding, and what came in as the answer. */
async function startEcho(): Promise<{ readonly address: string; close(): void }> {
  const publisher = loadProto()['sluice.v1.Publisher'] as unknown as ServiceDefinition;
  const service = Object.fromEntries(
    Object.entries(publisher).map(([name, method]) => [
      name,
      { ...method, responseSerialize: method.requestSerialize, responseDeserialize: method.requestDeserialize },
    ]),
  );
  const server = new Server({ 'grpc.enable_channelz': 0 });
  server.addService(service, {
    Publish: (call: { request: unknown }, callback: (error: null, answer: unknown) => void) =>
      callback(null, call.request),
    PublishStream: (call: ServerDuplexStream<unknown, unknown>) => {
      call.on('data', (frame) => void call.write(frame));
      call.on('end', () => void call.end());
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { address: `127.0.0.1:${port}`, close: () => server.forceShutdown() };
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0;
}
