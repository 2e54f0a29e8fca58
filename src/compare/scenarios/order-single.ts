/** The simplest order: one publisher, one partition, one consumer. */

import { everySystem, type Finding, type Scenario, type ScenarioContext } from './scenario.ts';
import { texts } from './stage.ts';

export const orderSingle: Scenario = {
  id: 'order-single',
  number: 'S09',
  title: 'Order, one consumer',
  question: 'Does one consumer get the messages of one publisher in the order they were sent?',
  layers: ['port', 'bare'],
  notFor: () => null,
  exclusive: false,
  isInSmoke: true,
  expectations: [
    {
      systems: everySystem,
      versions: '*',
      verdict: 'PASS',
      why: 'One channel into one queue, stream or partition is first in, first out.',
      source: 'rabbitmq-website docs/queues (message ordering); kafka docs/design',
    },
  ],
  run,
};

async function run({ stage, messages }: ScenarioContext): Promise<Finding> {
  const topic = await stage.topic('t');
  const subscription = await stage.subscription('s', topic);
  await stage.publishAcked(topic, texts('m', messages));
  const received = await stage.receiveUntil(subscription, (text) => text === `m-${messages - 1}`);
  const firstWrong = received.findIndex(({ text }, index) => text !== `m-${index}`);
  const isInOrder = firstWrong === -1 && received.length === messages;
  return {
    verdict: isInOrder ? 'PASS' : 'DIFFERS',
    summary: isInOrder
      ? `all ${messages} came in order`
      : `${received.length} of ${messages} came, the first out of place at ${firstWrong}`,
    observed: { published: messages, received: received.length, firstOutOfPlace: firstWrong },
    evidence: firstWrong === -1 ? [] : [`position ${firstWrong} has ${received[firstWrong]?.text ?? 'nothing'}`],
  };
}
