/** A subscription made after the messages: does it get the history? */

import { type Finding, logLike, queues, type Scenario, type ScenarioContext } from './scenario.ts';
import { countOf, held, texts } from './stage.ts';

export const lateSubscriber: Scenario = {
  id: 'late-subscriber',
  number: 'S02',
  title: 'Late subscriber',
  question: 'Does a subscription that is made later get the messages published before it?',
  layers: ['port', 'bare'],
  notFor: () => null,
  exclusive: false,
  isInSmoke: true,
  expectations: [
    {
      systems: logLike,
      versions: '*',
      verdict: 'PASS',
      why: 'The messages are kept by retention, not by who has read them.',
      source: 'rabbitmq-website docs/streams (consuming); kafka docs/design; Sluice log',
    },
    {
      systems: queues,
      layers: ['port'],
      versions: '*',
      verdict: 'UNSUPPORTED',
      why: 'A queue holds what came since it was made; Sluice refuses a start at the earliest message.',
      source: 'rabbitmq-website docs/queues; Sluice capability subscribe.late',
    },
    {
      systems: queues,
      layers: ['bare'],
      versions: '*',
      verdict: 'DIFFERS',
      why: 'The queue did not exist and had no binding when the messages came.',
      source: 'rabbitmq-website docs/exchanges (bindings)',
    },
  ],
  run,
};

async function run({ wire, stage, messages }: ScenarioContext): Promise<Finding> {
  const topic = await stage.topic('t');
  // Someone must be there first: queues take no message that has nowhere to go, which is another scenario.
  await stage.subscription('first', topic);
  await stage.publishAcked(topic, texts('before', messages));
  const late = await stage.subscription('late', topic, { start: 'earliest' });
  const after = Math.ceil(messages / 10);
  await stage.publishAcked(topic, texts('after', after));
  const received = await stage.receiveUntil(late, (text) => text === `after-${after - 1}`);
  const before = countOf(received, 'before');
  return {
    verdict: before === messages ? held(wire, 'subscribe.late') : 'DIFFERS',
    summary: `late subscriber received ${before} of ${messages} earlier messages and ${countOf(received, 'after')} of ${after} later ones`,
    observed: {
      publishedBefore: messages,
      receivedOfBefore: before,
      publishedAfter: after,
      receivedOfAfter: countOf(received, 'after'),
    },
    evidence: [`first received: ${received[0]?.text ?? 'nothing'}`],
  };
}
