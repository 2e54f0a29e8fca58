/** A publish that nobody is there for: kept, refused, or acknowledged and gone? */

import { type Finding, logLike, queues, type Scenario, type ScenarioContext } from './scenario.ts';
import { countOf, held, texts } from './stage.ts';

export const unroutable: Scenario = {
  id: 'unroutable',
  number: 'S27',
  title: 'Nobody is listening',
  question: 'What becomes of a message that is published to a topic without any subscription?',
  layers: ['port', 'bare'],
  notFor: () => null,
  exclusive: false,
  isInSmoke: true,
  expectations: [
    {
      systems: logLike,
      versions: '*',
      verdict: 'PASS',
      why: 'It is stored whether or not anybody reads.',
      source: 'rabbitmq-website docs/streams; kafka docs/design; Sluice log',
    },
    {
      systems: queues,
      layers: ['port'],
      versions: '*',
      verdict: 'UNSUPPORTED',
      why: 'There is no queue to keep it; Sluice publishes mandatory and refuses what comes back.',
      source: 'rabbitmq-website docs/publishers (unroutable messages); Sluice code unroutable',
    },
    {
      systems: queues,
      layers: ['bare'],
      versions: '*',
      verdict: 'DIFFERS',
      why: 'Without the mandatory flag an unroutable message is confirmed and dropped.',
      source: 'rabbitmq-website docs/publishers (unroutable messages), docs/confirms',
    },
  ],
  run,
};

async function run({ wire, stage, messages }: ScenarioContext): Promise<Finding> {
  const topic = await stage.topic('t');
  const results = await stage.publish(topic, texts('alone', messages));
  const acked = results.filter((result) => result.fate === 'acked').length;
  const codes = [...new Set(results.flatMap((result) => (result.fate === 'acked' ? [] : [result.code])))];
  if (acked === 0) {
    const isRefusal = results.every((result) => result.fate === 'refused');
    return {
      verdict: isRefusal ? 'UNSUPPORTED' : 'INCONCLUSIVE',
      summary: `all ${messages} were ${isRefusal ? 'refused' : 'not acknowledged'}: ${codes.join(', ')}`,
      observed: { published: messages, acked, codes },
      evidence: codes.map((code) => `answer: ${code}`),
    };
  }
  const start = wire.system === 'rabbitmq-quorum' || wire.system === 'rabbitmq-classic' ? 'latest' : 'earliest';
  const subscription = await stage.subscription('s', topic, { start });
  await stage.publishAcked(topic, texts('marker', 1));
  const received = await stage.receiveUntil(subscription, (text) => text === 'marker-0');
  const kept = countOf(received, 'alone');
  return {
    verdict: kept === acked && acked === messages ? held(wire, 'publish.beforeSubscription') : 'DIFFERS',
    summary: `${acked} of ${messages} were acknowledged, ${kept} of them could be read afterwards`,
    observed: { published: messages, acked, kept, gone: acked - kept },
    evidence: codes.map((code) => `answer: ${code}`),
  };
}
