/** Messages are published one by one without waiting: are they answered in the same order? */

import { everySystem, expected, type Finding, type Scenario, type ScenarioContext } from './scenario.ts';
import { percentile } from './figures.ts';
import { overtakenIn } from './ledger.ts';
import { Undecided } from './stage.ts';

export const confirmOrder: Scenario = {
  id: 'confirm-order',
  number: 'S26',
  title: 'Order of the answers',
  question: 'Are publishes that do not wait for each other answered in the order they were made?',
  layers: ['port', 'bare'],
  notFor: () => null,
  exclusive: false,
  expectations: [
    {
      ...expected(
        ['kafka'],
        'bare',
        'DIFFERS',
        'The broker answers in order, and the offsets are in order; of several sends that are under way kafkajs tells some a moment before an earlier one. Of few messages, which go in few sends, none is seen.',
        'seen with kafkajs 2.2: base offsets in order, promises not',
      ),
      or: 'PASS',
    },
    expected(
      everySystem,
      'any',
      'PASS',
      'One partition or queue is written in order. RabbitMQ promises no order of confirms, several at once may be confirmed together; with one queue none is seen to be overtaken.',
      'rabbitmq-website docs/confirms (ordering of publisher confirms); kafka docs/design',
    ),
  ],
  run,
};

async function run({ wire, stage, messages }: ScenarioContext): Promise<Finding> {
  const topic = await stage.topic('t');
  await stage.subscription('s', topic);
  const publisher = await wire.publisher(topic);
  const answered: number[] = [];
  const waits: number[] = [];
  let failed = 0;
  for (let i = 0; i < messages; i++) {
    const startedMs = stage.nowMs;
    publisher.publish([{ key: null, value: Buffer.from(`m-${i}`) }], (_, { fate }) => {
      if (fate !== 'acked') failed++;
      answered.push(i);
      waits.push(stage.nowMs - startedMs);
    });
  }
  await stage.until(() => answered.length === messages, 'every answer');
  await stage.within(publisher.close(), 'the publisher to close');
  if (failed > 0) throw new Undecided(`${failed} of ${messages} publishes were not acknowledged`);
  const overtaken = overtakenIn(answered);
  return {
    verdict: overtaken === 0 ? 'PASS' : 'DIFFERS',
    summary: `${overtaken} of ${messages} answers came after a later one's`,
    observed: { published: messages, overtaken, p50Ms: percentile(waits, 0.5), p99Ms: percentile(waits, 0.99) },
    evidence: [`the first ten answers: ${answered.slice(0, 10).join(' ')}`],
  };
}
