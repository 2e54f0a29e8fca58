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

interface Load {
  readonly name: string;
  readonly messageBytes: number;
  readonly messagesPerCall: number;
  readonly callsAtOnce: number;
  readonly messages: number;
}

const loads: readonly Load[] = [
  {
    name: '1 KB, 200 a call, 4 calls at once',
    messageBytes: 1_000,
    messagesPerCall: 200,
    callsAtOnce: 4,
    messages: 40_000,
  },
  {
    name: '100 B, 500 a call, 4 calls at once',
    messageBytes: 100,
    messagesPerCall: 500,
    callsAtOnce: 4,
    messages: 100_000,
  },
  {
    name: '100 B, 1 a call, 64 calls at once',
    messageBytes: 100,
    messagesPerCall: 1,
    callsAtOnce: 64,
    messages: 20_000,
  },
];
const ROUNDS = 5;
const PARTITIONS = 4;
const TARGET = 0.8;

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
      rows.push(await compare(load, viaPort, viaKafkaJs));
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
): Promise<BenchRow> {
  const rates: { ours: number[]; reference: number[] } = { ours: [], reference: [] };
  for (let round = -1; round < ROUNDS; round += 1) {
    const [our, their] = [await ratePerSecond(load, ours), await ratePerSecond(load, reference)];
    if (round < 0) continue; // warm-up
    rates.ours.push(our);
    rates.reference.push(their);
  }
  const [our, their] = [median(rates.ours), median(rates.reference)];
  return {
    name: `kafka port publish, ${load.name}`,
    ours: Math.round(our),
    reference: Math.round(their),
    ratio: our / their,
    unit: 'messages/s',
    target: TARGET,
  };
}

async function ratePerSecond(load: Load, publish: (call: number) => Promise<void>): Promise<number> {
  const calls = load.messages / load.messagesPerCall;
  let next = 0;
  const startMs = performance.now();
  const lane = async (): Promise<void> => {
    while (next < calls) {
      next += 1;
      await publish(next);
    }
  };
  await Promise.all(Array.from({ length: load.callsAtOnce }, lane));
  return load.messages / ((performance.now() - startMs) / 1_000);
}

/** The messages of a call go round the partitions, as messages with many keys would. */
function callMessages<T>(load: Load, call: number, make: (partition: number) => T): T[] {
  return Array.from({ length: load.messagesPerCall }, (_, index) => make((call + index) % PARTITIONS));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const address = process.argv[2];
  if (address === undefined) throw new Error('usage: tsx bench/port-kafka.ts HOST:PORT');
  process.stdout.write(`${formatRows(await run({ brokers: [address] }))}\n`);
}
