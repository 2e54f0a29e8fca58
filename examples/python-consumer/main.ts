/**
 * A consumer in Python over REST, with its standard library only (consumer.py). This program starts a gateway, publishes readings
 * of sensors, some of which must be tried again and some of which are none, runs the consumer, and looks at what is left.
 */

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { openGateway } from '../gateway.ts';
import { normal, seeded } from '../seeded.ts';

const readingCount = 120;
const late = 6;
const broken = 2;
/** Joining a group of Kafka takes some seconds, in which nothing comes. */
const idleSeconds = { native: 1, rabbitmq: 3, kafka: 10 };

await using gateway = await openGateway('python-consumer');
const { client, backend } = gateway;
const topic = await gateway.topic('readings', { partitions: 2 });
const subscription = await gateway.subscription('climate', topic, { retry: { minBackoffMs: 50, maxAttempts: 5 } });

const random = seeded(9);
const readings = Array.from({ length: readingCount }, (_, index) => ({
  id: `reading-${index}`,
  key: `sensor-${index % 3}`,
  value: { celsius: Math.round(10 * (20 + (index % 3) + normal(random))) / 10, isLate: index % 20 === 7 },
}));
const noReadings = Array.from({ length: broken }, (_, index) => ({ id: `broken-${index}`, value: 'Celsius?' }));
const outcomes = await client.publishBatch(topic, [...readings, ...noReadings]);
if (outcomes.some(({ kind }) => kind !== 'stored')) throw new Error('not every reading was stored');
console.log(
  `published ${readingCount} readings, ${late} of which fail at first, and ${broken} messages that are none\n`,
);

const status = await python(client.url, subscription);
const letters = (await client.subscriptions.deadLetters(subscription)).messages;
const { total } = await client.subscriptions.lag(subscription);
console.log(`\nthe consumer ended with ${status}; ${total} messages left, ${letters.length} dead letters`);
process.exitCode = status === 0 && total === 0 && letters.length === broken ? 0 : 1;

async function python(url: string, name: string): Promise<number | null> {
  const seconds = idleSeconds[backend as keyof typeof idleSeconds] ?? idleSeconds.kafka;
  const script = join(import.meta.dirname, 'consumer.py');
  const child = spawn('python3', [script, url, name, '--idle-seconds', String(seconds)], { stdio: 'inherit' });
  return await new Promise((resolve) => {
    child.once('error', (error) => {
      console.error(`python3 cannot be started: ${error.message}`);
      resolve(null);
    });
    child.once('close', resolve);
  });
}
