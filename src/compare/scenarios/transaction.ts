/** Messages to two topics in one transaction: is an aborted one seen by nobody, and a committed one whole? */

import { everySystem, expected, type Finding, type Scenario, type ScenarioContext } from './scenario.ts';
import { WireRefusal } from '../systems/wire.ts';

const rounds = 5;

export const transaction: Scenario = {
  id: 'transaction',
  number: 'S43',
  title: 'Two topics, all or none',
  question: 'Are messages to two topics stored all or none, and those of an aborted transaction delivered to nobody?',
  layers: ['port', 'bare'],
  notFor: () => null,
  exclusive: false,
  deadlineMs: () => 60_000,
  expectations: [
    expected(
      ['kafka'],
      'bare',
      'PASS',
      'Atomic over partitions, for readers of committed messages.',
      'kafka docs/design (transactions)',
    ),
    expected(
      ['rabbitmq-quorum', 'rabbitmq-classic', 'rabbitmq-stream'],
      'bare',
      'UNSUPPORTED',
      'AMQP 0-9-1 promises atomicity of tx.* on one queue only, and RabbitMQ not even there; amqplib has no door for it.',
      'rabbitmq-website docs/semantics (transactions); amqplib API',
    ),
    expected(everySystem, 'any', 'UNSUPPORTED', 'Not offered.', 'Sluice capability transactions'),
  ],
  run,
};

async function run({ wire, stage }: ScenarioContext): Promise<Finding> {
  if (wire.transact === undefined)
    throw new WireRefusal('capability_unsupported', `${wire.system} (${wire.layer}) offers no transaction over topics`);
  const topics = [await stage.topic('a'), await stage.topic('b')];
  const subscriptions = [
    await stage.subscription('as', topics[0] as string),
    await stage.subscription('bs', topics[1] as string),
  ];
  const startedMs = stage.nowMs;
  for (let round = 0; round < rounds; round++)
    for (const end of ['abort', 'commit'] as const) {
      const entries = topics.map((topic) => ({ topic, value: Buffer.from(`${end}-${round}`) }));
      await stage.within(wire.transact(entries, end), `a transaction to ${end}`);
    }
  const perTransactionMs = Math.round((stage.nowMs - startedMs) / (rounds * 2));
  let aborted = 0;
  let committed = 0;
  for (const [index, topic] of topics.entries()) {
    await stage.publishAcked(topic, [{ text: 'end' }]);
    const received = await stage.receiveUntil(subscriptions[index] as string, (text) => text === 'end');
    aborted += received.filter(({ text }) => text.startsWith('abort-')).length;
    committed += received.filter(({ text }) => text.startsWith('commit-')).length;
  }
  const whole = rounds * topics.length;
  return {
    verdict: aborted === 0 && committed === whole ? 'PASS' : 'DIFFERS',
    summary: `of ${whole} messages of aborted transactions ${aborted} were delivered, of ${whole} committed ones ${committed}; a transaction took ${perTransactionMs} ms, each with a new producer, its connection and its id`,
    observed: {
      topics: topics.length,
      transactions: rounds * 2,
      abortedDelivered: aborted,
      committedDelivered: committed,
      perTransactionMs,
    },
    evidence: ['the time is not that of a transaction on a producer that is open already'],
  };
}
