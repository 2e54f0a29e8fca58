/**
 * `npm run bench`: every benchmark, one table. Only ratios are meant to be compared between runs and machines.
 * `npm run bench -- engine rest` runs the named ones.
 */

import { obtainBrokers } from '../src/brokers/index.ts';
import { type BenchRow, formatRows } from './row.ts';

const asked = process.argv.slice(2);
const wanted = (name: string): boolean => asked.length === 0 || asked.includes(name);
const rows: BenchRow[] = [];

if (wanted('engine')) rows.push(...(await (await import('./engine.ts')).run()));
if (wanted('testing')) rows.push(...(await (await import('./testing.ts')).run()));
if (wanted('rest')) rows.push(...(await (await import('./rest.ts')).run()));
if (wanted('bodies')) rows.push(...(await (await import('./gateway-bodies.ts')).run()));
if (wanted('streams')) rows.push(...(await (await import('./gateway-streams.ts')).run()));
if (wanted('memory')) rows.push(...(await (await import('./gateway-memory.ts')).run()));
if (wanted('grpc')) rows.push(...(await (await import('./grpc.ts')).run()));

const want = (['rabbitmq', 'kafka'] as const).filter(wanted);
if (want.length > 0) {
  const brokers = await obtainBrokers({ want, onProgress: (line) => process.stderr.write(`${line}\n`) });
  try {
    for (const { kind, reason } of brokers.skipped) process.stderr.write(`${kind} left out: ${reason}\n`);
    const { rabbitmq, kafka } = brokers;
    if (rabbitmq !== undefined) {
      rows.push(...(await (await import('./port-rabbitmq.ts')).run({ url: rabbitmq.url })));
      rows.push(...(await (await import('./port-consume.ts')).consumeFromRabbitMq({ url: rabbitmq.url })));
    }
    if (kafka !== undefined) {
      rows.push(...(await (await import('./port-kafka.ts')).run({ brokers: kafka.brokers })));
      rows.push(await (await import('./port-consume.ts')).consumeFromKafka({ brokers: kafka.brokers }));
      rows.push(await (await import('./gateway-bodies.ts')).onKafka({ brokers: kafka.brokers }));
      rows.push(await (await import('./idle-gateway.ts')).idleOnKafka({ brokers: kafka.brokers }));
    }
  } finally {
    await brokers.stop();
  }
}

process.stdout.write(`${formatRows(rows)}\n`);
process.exit(0); // clients of a stopped broker may keep timers
