/** One publisher, a topic of several partitions, one consumer: is there one order over all of it? */

import { expected, type Finding, logLike, queues, type Scenario, type ScenarioContext } from './scenario.ts';
import { overtakenIn } from './ledger.ts';
import type { Text } from './stage.ts';

const partitions = 4;
const keys = 16;

export const orderGlobal: Scenario = {
  id: 'order-global',
  number: 'S14',
  title: 'Order over all partitions',
  question: 'Does one consumer see the messages of one publisher in the order of publishing, whatever their keys?',
  layers: ['port', 'bare'],
  notFor: () => null,
  exclusive: false,
  expectations: [
    expected(
      queues,
      'any',
      'PASS',
      'A subscription without ordering by key is one queue, and a queue has one order.',
      'rabbitmq-website docs/queues (message ordering)',
    ),
    expected(
      ['rabbitmq-stream'],
      'bare',
      'PASS',
      'The bare topic is one stream; partitions (super streams) need another protocol.',
      'rabbitmq-website docs/streams (super streams)',
    ),
    expected(
      logLike,
      'any',
      'DIFFERS',
      'Order holds within a partition; partitions are read side by side.',
      'kafka docs/design; Sluice capability order.partition',
    ),
  ],
  run,
};

async function run({ stage, messages }: ScenarioContext): Promise<Finding> {
  const topic = await stage.topic('t', partitions);
  const subscription = await stage.subscription('s', topic);
  const all: readonly Text[] = Array.from({ length: messages }, (_, i) => ({ key: `key-${i % keys}`, text: `m-${i}` }));
  await stage.publishAcked(topic, all);
  const received = await stage.drain(subscription, { count: messages, quietMs: 2_000 });
  const inversions = overtakenIn(received.map(({ text }) => Number(text.slice(2))));
  const isWhole = new Set(received.map(({ text }) => text)).size === messages;
  return {
    verdict: !isWhole ? 'INCONCLUSIVE' : inversions === 0 ? 'PASS' : 'DIFFERS',
    summary: `${inversions} of ${messages} came after a later one`,
    observed: { published: messages, received: received.length, partitions, inversions },
    evidence: [
      `the first ten: ${received
        .slice(0, 10)
        .map(({ text }) => text)
        .join(' ')}`,
    ],
  };
}
