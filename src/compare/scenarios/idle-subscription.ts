/** A subscription that nobody reads: do publishers and the other subscriptions notice, and does it lose what waits for it? */

import { everySystem, expected, type Finding, type Scenario, type ScenarioContext } from './scenario.ts';
import { perSecond } from './figures.ts';
import { countOf, texts } from './stage.ts';

export const idleSubscription: Scenario = {
  id: 'idle-subscription',
  number: 'S04',
  title: 'A subscription nobody reads',
  question:
    'Do publishers and other subscriptions go on while one subscription is never read, and is its backlog kept?',
  layers: ['port', 'bare'],
  notFor: () => null,
  exclusive: false,
  expectations: [
    expected(
      everySystem,
      'any',
      'PASS',
      'Without a limit only the unread one grows (a queue) or stays behind (a position in a log); limits are another scenario.',
      'rabbitmq-website docs/queues, docs/maxlength; kafka docs/design (consumer position)',
    ),
  ],
  run,
};

async function run({ stage, messages }: ScenarioContext): Promise<Finding> {
  const topic = await stage.topic('t');
  const idle = await stage.subscription('idle', topic);
  const busy = await stage.subscription('busy', topic);
  const startedMs = stage.nowMs;
  await stage.publishAcked(topic, texts('m', messages));
  const publishMs = stage.nowMs - startedMs;
  const last = `m-${messages - 1}`;
  const read = await stage.receiveUntil(busy, (text) => text === last);
  const found = await stage.receiveUntil(idle, (text) => text === last);
  const holds = countOf(read, 'm') === messages && countOf(found, 'm') === messages;
  return {
    verdict: holds ? 'PASS' : 'DIFFERS',
    summary: `the read one received ${countOf(read, 'm')} of ${messages}, the unread one still had ${countOf(found, 'm')}`,
    observed: {
      published: messages,
      receivedByTheOther: countOf(read, 'm'),
      foundInTheIdle: countOf(found, 'm'),
      publishedPerSecond: perSecond(messages, publishMs),
    },
    evidence: [],
  };
}
