/**
 * Publishing to Kafka through the port against bare `kafkajs` `producer.send` of the same messages, in the same sizes of
 * call, with as many calls at once and the same promise (acks=all). Rounds alternate, so both see the same noise; the median
 * of each counts.
 */

import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { openPort } from '../src/adapters/index.ts';
import { type BenchRow, formatRows } from './row.ts';
import { median, quantile } from './rounds.ts';

interface Load {
  readonly name: string;
  readonly messageBytes: number;
  readonly messagesPerCall: number;
  readonly callsAtOnce: number;
  readonly messages: number;
  readonly target: number;
  /** Also how long a call takes. */
  readonly isTimed?: boolean;
}

const loads: readonly Load[] = [
  {
    name: '1 KB, 200 a call, 4 calls at once',
    messageBytes: 1_000,
    messagesPerCall: 200,
    callsAtOnce: 4,
    messages: 40_000,
    target: 0.9,
  },
  {
    name: '100 B, 500 a call, 4 calls at once',
    messageBytes: 100,
    messagesPerCall: 500,
    callsAtOnce: 4,
    messages: 100_000,
    target: 0.9,
  },
  {
    name: '100 B, 1 a call, 64 calls at once',
    messageBytes: 100,
    messagesPerCall: 1,
    callsAtOnce: 64,
    messages: 20_000,
    target: 5,
    isTimed: true,
  },
  {
    name: '100 B, 1 a call, 256 calls at once',
    messageBytes: 100,
    messagesPerCall: 1,
    callsAtOnce: 256,
    messages: 40_000,
    target: 8,
    isTimed: true,
  },
];
const ROUNDS = 5;
const PARTITIONS = 4;

export async function run(options: { readonly brokers: readonly string[] }): Promise<BenchRow[]> {
  const topic = `bench-${randomBytes(6).toString('hex')}`;
  const port = await openPort({ backend: 'kafka', config: { brokers: options.brokers } });
  const kafka = new Kafka({ brokers: [...options.brokers], logLevel: logLevel.NOTHING });
  const producer = kafka.producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
  });
  try {
    await port.createTopic({ name: topic, partitions: PARTITIONS });
    await producer.connect();
    const rows: BenchRow[] = [];
    for (const load of loads) {
      const value = randomBytes(load.messageBytes);
      const viaPort = async (call: number): Promise<void> => {
        const messages = callMessages(load, call, (partition) => ({ value, partition }));
        const outcomes = await port.publish(topic, messages);
        const bad = outcomes.find(({ kind }) => kind !== 'stored');
        if (bad !== undefined) throw new Error(`a publish was ${JSON.stringify(bad)}`);
      };
      const viaKafkaJs = async (call: number): Promise<void> => {
        await producer.send({
          topic,
          acks: -1,
          messages: callMessages(load, call, (partition) => ({ value, partition })),
        });
      };
      rows.push(...(await compare(load, viaPort, viaKafkaJs)));
    }
    return rows;
  } finally {
    await producer.disconnect();
    await port.deleteTopic(topic);
    await port.close();
  }
}

async function compare(
  load: Load,
  ours: (call: number) => Promise<void>,
  reference: (call: number) => Promise<void>,
): Promise<BenchRow[]> {
  const rounds: { readonly ours: Run; readonly reference: Run }[] = [];
  for (let round = -1; round < ROUNDS; round += 1) {
    const both = { ours: await runOf(load, ours), reference: await runOf(load, reference) };
    if (round >= 0) rounds.push(both); // the first one warms up
  }
  const row = (what: keyof Run) => {
    const our = median(rounds.map((round) => round.ours[what]));
    const their = median(rounds.map((round) => round.reference[what]));
    return { ours: our, reference: their };
  };
  const rate = row('perSecond');
  const name = `kafka port publish, ${load.name}`;
  const rates = { ...rate, name, ratio: rate.ours / rate.reference, unit: 'messages/s', target: load.target };
  if (load.isTimed !== true) return [rates];
  const p99 = row('p99Ms');
  return [rates, { ...p99, name: `${name}: p99`, ratio: p99.reference / p99.ours, unit: 'ms', target: 1 }];
}

interface Run {
  readonly perSecond: number;
  readonly p99Ms: number;
}

async function runOf(load: Load, publish: (call: number) => Promise<void>): Promise<Run> {
  const calls = load.messages / load.messagesPerCall;
  const times: number[] = [];
  let next = 0;
  const startMs = performance.now();
  const lane = async (): Promise<void> => {
    while (next < calls) {
      next += 1;
      const startedMs = performance.now();
      await publish(next);
      times.push(performance.now() - startedMs);
    }
  };
  await Promise.all(Array.from({ length: load.callsAtOnce }, lane));
  return { perSecond: load.messages / ((performance.now() - startMs) / 1_000), p99Ms: quantile(times, 0.99) };
}

/** The messages of a call go round the partitions, as messages with many keys would. */
function callMessages<T>(load: Load, call: number, make: (partition: number) => T): T[] {
  return Array.from({ length: load.messagesPerCall }, (_, index) => make((call + index) % PARTITIONS));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const address = process.argv[2];
  if (address === undefined) throw new Error('usage: tsx bench/port-kafka.ts HOST:PORT');
  process.stdout.write(`${formatRows(await run({ brokers: [address] }))}\n`);
}
