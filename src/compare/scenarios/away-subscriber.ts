/** A subscription whose consumer is away while messages come: does it find them when it is back? */

import { everySystem, type Finding, type Scenario, type ScenarioContext } from './scenario.ts';
import { countOf, texts } from './stage.ts';

export const awaySubscriber: Scenario = {
  id: 'away-subscriber',
  number: 'S03',
  title: 'Subscriber away',
  question: 'Does a consumer that was away find what came meanwhile, in order and without what it had acked?',
  layers: ['port', 'bare'],
  notFor: () => null,
  exclusive: false,
  isInSmoke: true,
  expectations: [
    {
      systems: ['rabbitmq-stream'],
      versions: '*',
      verdict: 'EMULATED',
      why: 'Over AMQP 0-9-1 a stream has no cursor on the server: whoever reads must remember the place.',
      source: 'rabbitmq-website docs/stream-core-plugin-comparison',
    },
    {
      systems: everySystem,
      versions: '*',
      verdict: 'PASS',
      why: 'The queue holds them, or the group has a committed place.',
      source: 'rabbitmq-website docs/queues (durability); kafka docs/design (consumer position)',
    },
  ],
  run,
};

async function run({ wire, stage, messages }: ScenarioContext): Promise<Finding> {
  const topic = await stage.topic('t');
  const subscription = await stage.subscription('s', topic);
  const early = Math.ceil(messages / 10);
  await stage.publishAcked(topic, texts('early', early));
  await stage.receiveUntil(subscription, (text) => text === `early-${early - 1}`);
  await stage.publishAcked(topic, texts('away', messages));
  const received = await stage.receiveUntil(subscription, (text) => text === `away-${messages - 1}`);
  const found = countOf(received, 'away');
  const again = countOf(received, 'early');
  const inOrder = received
    .filter(({ text }) => text.startsWith('away-'))
    .every(({ text }, index) => text === `away-${index}`);
  const holds = found === messages && again === 0 && inOrder;
  const heldVerdict = wire.system === 'rabbitmq-stream' ? 'EMULATED' : 'PASS';
  return {
    verdict: holds ? heldVerdict : 'DIFFERS',
    summary: `found ${found} of ${messages} after being away, ${again} that were acked before, ${inOrder ? 'in order' : 'out of order'}`,
    observed: { publishedWhileAway: messages, received: found, ackedBeforeAndAgain: again, inOrder },
    evidence: [],
  };
}
