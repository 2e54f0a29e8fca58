/** A few urgent messages behind many others: do they overtake them? */

import { everySystem, expected, type Finding, type Scenario, type ScenarioContext } from './scenario.ts';
import { percentile } from './figures.ts';
import type { Text } from './stage.ts';

const urgent = 20;
const high = 9;

export const priority: Scenario = {
  id: 'priority',
  number: 'S36',
  title: 'Priority',
  question: 'Are messages of a high priority delivered before all others that wait?',
  layers: ['port', 'bare'],
  notFor: () => null,
  exclusive: false,
  expectations: [
    expected(
      ['rabbitmq-classic'],
      'bare',
      'PASS',
      'With x-max-priority the highest waiting goes first.',
      'rabbitmq-website docs/priority',
    ),
    expected(
      ['rabbitmq-quorum'],
      'any',
      'PASS',
      '32 strict levels.',
      'RabbitMQ blog 2026-04-23 on 4.3; rabbitmq-website docs/quorum-queues (priorities)',
      '>=4.3',
    ),
    expected(
      ['rabbitmq-quorum'],
      'bare',
      'DIFFERS',
      'Two levels, served two to one: the urgent ones come among the others.',
      'rabbitmq-website docs/quorum-queues (priorities, 4.0)',
      '>=4.0',
    ),
    expected(
      ['rabbitmq-quorum'],
      'bare',
      'DIFFERS',
      'Quorum queues have priorities from 4.0 on: first in, first out.',
      'rabbitmq-website docs/quorum-queues',
      '<4.0',
    ),
    expected(
      ['rabbitmq-stream'],
      'bare',
      'DIFFERS',
      'A stream takes the property and pays no heed to it.',
      'rabbitmq-website docs/streams (feature comparison)',
    ),
    expected(
      everySystem,
      'any',
      'UNSUPPORTED',
      'A log has one order; classic queues need to be made with priorities, which the port does not do.',
      'kafka docs/design; rabbitmq-website docs/streams; Sluice capability priority',
    ),
  ],
  run,
};

async function run({ wire, stage, messages }: ScenarioContext): Promise<Finding> {
  const topic = await stage.topic('t');
  const needsRule = wire.layer === 'bare' && (wire.system === 'rabbitmq-classic' || wire.system === 'rabbitmq-quorum');
  const subscription = await stage.subscription('s', topic, needsRule ? { rules: { priorityMax: 10 } } : {});
  const low: readonly Text[] = Array.from({ length: messages }, (_, i) => ({ text: `low-${i}`, priority: 0 }));
  const urgentTexts: readonly Text[] = Array.from({ length: urgent }, (_, i) => ({
    text: `high-${i}`,
    priority: high,
  }));
  await stage.publishAcked(topic, low);
  await stage.publishAcked(topic, urgentTexts);
  const received = await stage.drain(subscription, { count: messages + urgent, quietMs: 2_000 });
  const ranks = received.flatMap(({ text }, rank) => (text.startsWith('high-') ? [rank] : []));
  const holds = ranks.length === urgent && Math.max(...ranks) < urgent;
  return {
    verdict: holds ? 'PASS' : 'DIFFERS',
    summary: `the ${urgent} urgent messages came at places ${Math.min(...ranks) + 1} to ${Math.max(...ranks) + 1} of ${received.length} (median ${percentile(ranks, 0.5) + 1})`,
    observed: {
      low: messages,
      urgent,
      firstPlace: Math.min(...ranks) + 1,
      medianPlace: percentile(ranks, 0.5) + 1,
      lastPlace: Math.max(...ranks) + 1,
    },
    evidence: [],
  };
}
