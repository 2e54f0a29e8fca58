/** A subscriber wants one key of a hundred: who throws the rest away, the broker or the client? */

import { expected, type Finding, queues, type Scenario, type ScenarioContext } from './scenario.ts';
import { rounded } from './figures.ts';
import type { Text } from './stage.ts';

const keys = 100;
const wanted = 'key-7';
const batches = 10;

export const routing: Scenario = {
  id: 'routing',
  number: 'S44',
  title: 'One key of a hundred',
  question: 'Does a subscriber that wants one key of a hundred receive only those messages?',
  layers: ['bare'],
  notFor: () => null,
  exclusive: false,
  deadlineMs: () => 60_000,
  expectations: [
    expected(
      queues,
      'bare',
      'PASS',
      'The exchange routes by the binding; the queue never gets the others.',
      'rabbitmq-website docs/exchanges (topic)',
    ),
    expected(
      ['rabbitmq-stream'],
      'bare',
      'DIFFERS',
      'A Bloom filter leaves out whole chunks without the value; what shares a chunk comes too, and the client filters again. (Over AMQP 1.0 the broker filters message by message since 4.1; not asked here.)',
      'rabbitmq-website docs/stream-filtering',
      '>=3.13',
    ),
    expected(
      ['rabbitmq-stream'],
      'bare',
      'DIFFERS',
      'Streams have filters from 3.13 on: everything comes.',
      'rabbitmq-website docs/stream-filtering',
      '<3.13',
    ),
    expected(
      ['kafka', 'log'],
      'bare',
      'UNSUPPORTED',
      'The broker does not look into messages; the client reads all and throws most away.',
      'Apache Kafka issue KAFKA-6020 (open)',
    ),
  ],
  run,
};

async function run({ stage, messages }: ScenarioContext): Promise<Finding> {
  const topic = await stage.topic('t', { partitions: 1, isRouted: true });
  const subscription = await stage.subscription('s', topic, { start: 'earliest', rules: { only: wanted } });
  const count = Math.max(1_000, messages);
  const all: readonly Text[] = Array.from({ length: count }, (_, i) => ({ key: `key-${i % keys}`, text: `m-${i}` }));
  // In several batches, as in life: a stream filters by what was written together.
  for (let from = 0; from < count; from += Math.ceil(count / batches))
    await stage.publishAcked(topic, all.slice(from, from + Math.ceil(count / batches)));
  await stage.publishAcked(topic, [{ key: wanted, text: 'end' }]);
  const received = await stage.receiveUntil(subscription, (text) => text === 'end');
  const useful = received.filter(({ key, text }) => key === wanted && text !== 'end').length;
  const wantedCount = all.filter(({ key }) => key === wanted).length;
  const came = received.length - 1;
  return {
    verdict: useful === wantedCount && came === useful ? 'PASS' : 'DIFFERS',
    summary: `${came} messages came for ${useful} of ${wantedCount} wanted ones (${rounded(came / Math.max(1, useful))} for each), of ${count} published`,
    observed: { published: count, wanted: wantedCount, received: came, useful },
    evidence: [],
  };
}
