/** Going back to an exact offset. */

import { type Finding, logLike, queues, type Scenario, type ScenarioContext } from './scenario.ts';
import { countOf, held, texts } from './stage.ts';

export const replayOffset: Scenario = {
  id: 'replay-offset',
  number: 'S06',
  title: 'Replay from an offset',
  question: 'Can a subscription go to an exact offset and get that message first?',
  layers: ['port', 'bare'],
  notFor: () => null,
  exclusive: false,
  isInSmoke: true,
  expectations: [
    {
      systems: logLike,
      versions: '*',
      verdict: 'PASS',
      why: 'Offsets are addresses: `seek` on Kafka and the log, `x-stream-offset` on a stream.',
      source: 'rabbitmq-website docs/streams (consuming); kafka docs/design',
    },
    {
      systems: queues,
      versions: '*',
      verdict: 'UNSUPPORTED',
      why: 'A queue has no offsets; the broker refuses `x-stream-offset` on it, Sluice refuses the seek.',
      source: 'rabbitmq-website docs/streams; Sluice capability replay.offset',
    },
  ],
  run,
};

async function run({ wire, stage, messages }: ScenarioContext): Promise<Finding> {
  const topic = await stage.topic('t');
  const subscription = await stage.subscription('s', topic);
  await stage.publishAcked(topic, texts('m', messages));
  await stage.receiveUntil(subscription, (text) => text === `m-${messages - 1}`);
  const wanted = Math.floor(messages * 0.6);
  await stage.within(wire.seek(subscription, { offsets: { 0: wanted } }), 'the seek');
  const received = await stage.receiveUntil(subscription, (text) => text === `m-${messages - 1}`);
  const first = received[0];
  const isExact = first?.offset === wanted && first.text === `m-${wanted}`;
  const count = countOf(received, 'm');
  return {
    verdict: isExact && count === messages - wanted ? held(wire, 'replay.offset') : 'DIFFERS',
    summary: `asked for offset ${wanted}, got ${first?.offset ?? 'none'} first and ${count} of the ${messages - wanted} from there`,
    observed: { published: messages, askedOffset: wanted, firstOffset: first?.offset ?? -1, received: count },
    evidence: [`first message: ${first?.text ?? 'none'}`],
  };
}
