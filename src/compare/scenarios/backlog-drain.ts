/** A backlog waits while publishing goes on: does it slow the publisher, and does it drain whole and in order? */

import { everySystem, expected, type Finding, type Scenario, type ScenarioContext } from './scenario.ts';
import { perSecond } from './figures.ts';
import { countOf, duplicatesIn, texts } from './stage.ts';

const backlogFactor = 10;

export const backlogDrain: Scenario = {
  id: 'backlog-drain',
  number: 'S42',
  title: 'Backlog and drain',
  question: 'Is all of a backlog delivered when somebody comes for it, and how fast are publishing and draining?',
  layers: ['port', 'bare'],
  notFor: () => null,
  exclusive: true,
  expectations: [
    expected(
      everySystem,
      'any',
      'PASS',
      'Classic queues (v2), quorum queues of 3.12 and later and logs are made to hold long backlogs; the figures say how well.',
      'RabbitMQ blog 2023-05-17 on 3.12; kafka docs/design (persistence)',
    ),
  ],
  run,
};

async function run({ stage, messages }: ScenarioContext): Promise<Finding> {
  const topic = await stage.topic('t');
  const subscription = await stage.subscription('s', topic);
  const rate = async (name: string, count: number) => {
    const startedMs = stage.nowMs;
    await stage.publishAcked(topic, texts(name, count));
    return perSecond(count, stage.nowMs - startedMs);
  };
  // The first messages of a topic also pay for opening it.
  await rate('warmup', messages);
  const empty = await rate('early', messages);
  const backlog = messages * backlogFactor;
  await rate('backlog', backlog);
  const full = await rate('late', messages);
  const total = backlog + 3 * messages;
  const startedMs = stage.nowMs;
  const received = await stage.drain(subscription, { count: total, quietMs: 3_000 });
  const drainPerSecond = perSecond(received.length, stage.nowMs - startedMs);
  const found = ['warmup', 'early', 'backlog', 'late'].reduce((sum, name) => sum + countOf(received, name), 0);
  return {
    verdict: found === total ? 'PASS' : 'DIFFERS',
    summary: `published ${empty}/s without and ${full}/s with a backlog of ${backlog}; ${found} of ${total} drained at ${drainPerSecond}/s`,
    observed: {
      backlog,
      publishedPerSecondEmpty: empty,
      publishedPerSecondWithBacklog: full,
      drained: found,
      expected: total,
      duplicates: duplicatesIn(received),
      drainPerSecond,
    },
    evidence: [],
  };
}
