/**
 * Publishing to RabbitMQ through the port against bare amqplib: the same bodies to a quorum queue, confirmed, with as many
 * messages in flight. The bare side is amqplib as one writes it by hand: a confirm channel, persistent, no id, no headers, no
 * mandatory routing. Rows that say "equal properties" give its messages what ours have (an id, a time, mandatory routing), so that the
 * rest is the port's own cost. Rounds alternate, so both see the same noise; the median of each counts. Queues are emptied in between.
 */

import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { type Channel, type ConfirmChannel, connect, type Options } from 'amqplib';
import { openPort } from '../src/adapters/index.ts';
import { type BenchRow, formatRows } from './row.ts';

interface Load {
  readonly name: string;
  readonly messageBytes: number;
  readonly messagesPerCall: number;
  readonly callsAtOnce: number;
  readonly messages: number;
  readonly hasEqualProperties?: boolean;
}

const loads: readonly Load[] = [
  {
    name: '100 B, 200 a call, 2,000 in flight',
    messageBytes: 100,
    messagesPerCall: 200,
    callsAtOnce: 10,
    messages: 40_000,
  },
  {
    name: '1 KB, 200 a call, 2,000 in flight',
    messageBytes: 1_024,
    messagesPerCall: 200,
    callsAtOnce: 10,
    messages: 40_000,
  },
  {
    name: '1 KB, 1 a call, 2,000 in flight',
    messageBytes: 1_024,
    messagesPerCall: 1,
    callsAtOnce: 2_000,
    messages: 40_000,
  },
  {
    name: '1 KB, 200 a call, 2,000 in flight, equal properties',
    messageBytes: 1_024,
    messagesPerCall: 200,
    callsAtOnce: 10,
    messages: 40_000,
    hasEqualProperties: true,
  },
  {
    name: '1 KB, 1 a call, 2,000 in flight, equal properties',
    messageBytes: 1_024,
    messagesPerCall: 1,
    callsAtOnce: 2_000,
    messages: 40_000,
    hasEqualProperties: true,
  },
  { name: '1 KB, 1 a call, 1 in flight', messageBytes: 1_024, messagesPerCall: 1, callsAtOnce: 1, messages: 1_000 },
];
const ROUNDS = 5;
const TARGET = 0.9;

export async function run(options: { readonly url: string }): Promise<BenchRow[]> {
  const name = `bench-${randomBytes(6).toString('hex')}`;
  const port = await openPort({ backend: 'rabbitmq', config: { url: options.url } });
  const connection = await connect(options.url, { noDelay: true });
  const bare = await connection.createConfirmChannel();
  try {
    await port.createTopic({ name });
    await port.createSubscription({ name, topic: name });
    await bare.assertExchange(name, 'direct', { durable: true });
    await bare.assertQueue(name, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
    await bare.bindQueue(name, name, '0');
    const rows: BenchRow[] = [];
    for (const load of loads) rows.push(await compare(load, port, bare, name));
    return rows;
  } finally {
    await bare.deleteQueue(name);
    await bare.deleteExchange(name);
    await connection.close();
    await port.deleteTopic(name);
    await port.close();
  }
}

async function compare(
  load: Load,
  port: Awaited<ReturnType<typeof openPort>>,
  bare: ConfirmChannel,
  name: string,
): Promise<BenchRow> {
  const value = randomBytes(load.messageBytes);
  const ours = async (): Promise<void> => {
    const outcomes = await port.publish(
      name,
      Array.from({ length: load.messagesPerCall }, () => ({ value })),
    );
    const bad = outcomes.find(({ kind }) => kind !== 'stored');
    if (bad !== undefined) throw new Error(`a publish was ${JSON.stringify(bad)}`);
  };
  const reference = async (): Promise<void> => await publishBare(bare, name, value, load);
  const rates: { ours: number[]; reference: number[] } = { ours: [], reference: [] };
  for (let round = -1; round < ROUNDS; round += 1) {
    const our = await ratePerSecond(load, ours);
    await empty(bare, name);
    const their = await ratePerSecond(load, reference);
    await empty(bare, name);
    if (round < 0) continue; // warm-up
    rates.ours.push(our);
    rates.reference.push(their);
  }
  const [our, their] = [median(rates.ours), median(rates.reference)];
  return {
    name: `rabbitmq port publish, ${load.name}`,
    ours: Math.round(our),
    reference: Math.round(their),
    ratio: our / their,
    unit: 'messages/s',
    target: TARGET,
  };
}

async function publishBare(
  bare: ConfirmChannel,
  exchange: string,
  value: Buffer,
  { messagesPerCall, hasEqualProperties = false }: Load,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let left = messagesPerCall;
    for (let index = 0; index < messagesPerCall; index += 1) {
      bare.publish(exchange, '0', value, hasEqualProperties ? ourProperties() : { persistent: true }, (error) => {
        left -= 1;
        if (error !== null) reject(error);
        else if (left === 0) resolve();
      });
    }
  });
}

let ids = 0;

function ourProperties(): Options.Publish {
  ids += 1;
  const nowMs = Date.now();
  return {
    headers: { 'sluice-timestamp': nowMs },
    mandatory: true,
    persistent: true,
    timestamp: Math.floor(nowMs / 1_000),
    messageId: `bench-${ids.toString(36)}`,
  };
}

async function empty(channel: Channel, name: string): Promise<void> {
  await channel.purgeQueue(name);
  await channel.purgeQueue(`sluice.s.${name}.all`);
}

async function ratePerSecond(load: Load, publish: () => Promise<void>): Promise<number> {
  const calls = load.messages / load.messagesPerCall;
  let started = 0;
  const startMs = performance.now();
  const lane = async (): Promise<void> => {
    while (started < calls) {
      started += 1;
      await publish();
    }
  };
  await Promise.all(Array.from({ length: load.callsAtOnce }, lane));
  return load.messages / ((performance.now() - startMs) / 1_000);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const url = process.argv[2];
  if (url === undefined) throw new Error('usage: tsx bench/port-rabbitmq.ts amqp://user:password@host:port');
  process.stdout.write(`${formatRows(await run({ url }))}\n`);
}
