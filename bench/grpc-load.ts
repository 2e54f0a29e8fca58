/** The load of bench/grpc.ts, in a process of its own so that the server has a core to itself. Told by its parent what to do. */

import { Client, credentials, type ServiceDefinition } from '@grpc/grpc-js';
import { loadProto } from '../src/gateway/grpc/proto.ts';

export interface LoadOrder {
  readonly address: string;
  readonly mode: 'unary' | 'stream';
  /** The echo answers with what it was sent. */
  readonly service: 'sluice' | 'echo';
  /** Messages a call or frame. */
  readonly count: number;
  readonly seconds: number;
}

export interface LoadResult {
  readonly messages: number;
  readonly failed: number;
  readonly elapsedSeconds: number;
}

const CALLS_AT_ONCE = 32;
const STREAMS = 4;
const FRAMES_AT_ONCE = 8;

const definition = loadProto()['sluice.v1.Publisher'] as unknown as ServiceDefinition;

process.on('message', (order: LoadOrder) => {
  void run(order).then((result) => process.send?.(result));
});

async function run(order: LoadOrder): Promise<LoadResult> {
  const client = new Client(order.address, credentials.createInsecure());
  const counts = { messages: 0, failed: 0 };
  const startedAt = performance.now();
  const until = startedAt + order.seconds * 1_000;
  const workers =
    order.mode === 'unary'
      ? Array.from({ length: CALLS_AT_ONCE }, async () => await callInARow(client, order, until, counts))
      : Array.from({ length: STREAMS }, async () => await oneStream(client, order, until, counts));
  await Promise.all(workers);
  const elapsedSeconds = (performance.now() - startedAt) / 1_000;
  client.close();
  return { ...counts, elapsedSeconds };
}

async function callInARow(
  client: Client,
  order: LoadOrder,
  until: number,
  counts: { messages: number; failed: number },
): Promise<void> {
  const { Publish: method } = definition;
  if (method === undefined) throw new Error('no Publish');
  const decode = order.service === 'echo' ? method.requestDeserialize : method.responseDeserialize;
  const request = { topic: 'bench', messages: messages(order.count) };
  while (performance.now() < until) {
    const failed = await new Promise<boolean>((resolve) => {
      client.makeUnaryRequest(method.path, method.requestSerialize, decode, request, (error) =>
        resolve(error !== null),
      );
    });
    if (failed) counts.failed += 1;
    else counts.messages += order.count;
  }
}

async function oneStream(
  client: Client,
  order: LoadOrder,
  until: number,
  counts: { messages: number; failed: number },
): Promise<void> {
  const { PublishStream: method } = definition;
  if (method === undefined) throw new Error('no PublishStream');
  const decode = order.service === 'echo' ? method.requestDeserialize : method.responseDeserialize;
  const stream = client.makeBidiStreamRequest(method.path, method.requestSerialize, decode);
  const frame = { correlationId: 1, topic: 'bench', messages: messages(order.count) };
  await new Promise<void>((resolve) => {
    stream.on('data', (answer: { problem?: unknown }) => {
      if (answer.problem === undefined) counts.messages += order.count;
      else counts.failed += 1;
      if (performance.now() < until) stream.write(frame);
      else stream.end();
    });
    stream.on('error', () => {
      counts.failed += 1;
      resolve();
    });
    stream.on('end', resolve);
    for (let sent = 0; sent < FRAMES_AT_ONCE; sent += 1) stream.write(frame);
  });
}

function messages(count: number) {
  return Array.from({ length: count }, (_, index) => ({
    key: Buffer.from(`k${index}`),
    value: Buffer.alloc(100, 'x'),
  }));
}
