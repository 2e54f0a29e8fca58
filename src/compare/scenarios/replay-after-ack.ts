/** Everything was consumed and acked; can the same subscription read it all again? */

import { createHash } from 'node:crypto';
import { type Finding, logLike, queues, type Scenario, type ScenarioContext } from './scenario.ts';
import { countOf, held, type Received, texts } from './stage.ts';

export const replayAfterAck: Scenario = {
  id: 'replay-after-ack',
  number: 'S05',
  title: 'Replay after ack',
  question: 'Can messages that were consumed and acknowledged be read again from the beginning?',
  layers: ['port', 'bare'],
  notFor: () => null,
  exclusive: false,
  isInSmoke: true,
  expectations: [
    {
      systems: logLike,
      versions: '*',
      verdict: 'PASS',
      why: 'An ack moves a reader, it does not remove the message.',
      source: 'rabbitmq-website docs/streams; kafka docs/design (consumer position)',
    },
    {
      systems: queues,
      layers: ['port'],
      versions: '*',
      verdict: 'UNSUPPORTED',
      why: 'An ack removes the message from a queue; Sluice refuses the seek.',
      source: 'rabbitmq-website docs/confirms; Sluice capability replay.earliest',
    },
    {
      systems: queues,
      layers: ['bare'],
      versions: '*',
      verdict: 'DIFFERS',
      why: 'An ack removes the message: a new consumer of the queue finds nothing.',
      source: 'rabbitmq-website docs/confirms',
    },
  ],
  run,
};

async function run({ wire, stage, messages }: ScenarioContext): Promise<Finding> {
  const topic = await stage.topic('t');
  const subscription = await stage.subscription('s', topic);
  await stage.publishAcked(topic, texts('m', messages));
  const first = await stage.receiveUntil(subscription, (text) => text === `m-${messages - 1}`);
  await stage.within(wire.seek(subscription, 'earliest'), 'the seek');
  // The marker ends the wait also where nothing comes again.
  await stage.publishAcked(topic, texts('marker', 1));
  const second = await stage.receiveUntil(subscription, (text) => text === 'marker-0');
  const again = countOf(second, 'm');
  const isSameOrder = hashOf(first) === hashOf(second);
  return {
    verdict: again === messages && isSameOrder ? held(wire, 'replay.earliest') : 'DIFFERS',
    summary: `after the ack ${again} of ${messages} came again${again === messages ? (isSameOrder ? ', in the same order' : ', in another order') : ''}`,
    observed: { published: messages, firstRead: countOf(first, 'm'), secondRead: again, sameOrder: isSameOrder },
    evidence: [`order of the first read: ${hashOf(first)}`, `order of the second read: ${hashOf(second)}`],
  };
}

function hashOf(received: readonly Received[]): string {
  const messages = received.filter(({ text }) => text.startsWith('m-')).map(({ text }) => text);
  return createHash('sha256').update(messages.join('\n')).digest('hex').slice(0, 16);
}
