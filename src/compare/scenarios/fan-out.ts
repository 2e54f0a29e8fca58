/** Several subscriptions of one topic: each gets every message, once, whatever the others do. */

import { everySystem, type Finding, type Scenario, type ScenarioContext } from './scenario.ts';
import { countOf, duplicatesIn, texts } from './stage.ts';

const subscriptions = 3;

export const fanOut: Scenario = {
  id: 'fan-out',
  number: 'S01',
  title: 'Fan-out',
  question: 'Does each of several subscriptions get every message?',
  layers: ['port', 'bare'],
  notFor: () => null,
  exclusive: false,
  isInSmoke: true,
  expectations: [
    {
      systems: everySystem,
      versions: '*',
      verdict: 'PASS',
      why: 'Queues get a copy each from the exchange; log-like systems have a position for each reader.',
      source: 'rabbitmq-website docs/exchanges, docs/streams; kafka docs/design (consumer groups)',
    },
  ],
  run,
};

async function run({ stage, messages }: ScenarioContext): Promise<Finding> {
  const topic = await stage.topic('t');
  const names: string[] = [];
  for (let i = 0; i < subscriptions; i++) names.push(await stage.subscription(`s${i}`, topic));
  const last = `m-${messages - 1}`;
  await stage.publishAcked(topic, texts('m', messages));
  const received = await Promise.all(names.map((name) => stage.receiveUntil(name, (text) => text === last)));
  const counts = received.map((list) => countOf(list, 'm'));
  const duplicates = received.reduce((sum, list) => sum + duplicatesIn(list), 0);
  const isWhole = counts.every((count) => count === messages);
  return {
    verdict: isWhole && duplicates === 0 ? 'PASS' : 'DIFFERS',
    summary: `the ${subscriptions} subscriptions received ${counts.join(', ')} of ${messages}, ${duplicates} twice`,
    observed: { published: messages, receivedBySubscription: counts, duplicates },
    evidence: [],
  };
}
