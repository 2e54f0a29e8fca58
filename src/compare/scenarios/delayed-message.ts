/** A message for later: does it come then, and how exactly? */

import { everySystem, expected, type Finding, queues, type Scenario, type ScenarioContext } from './scenario.ts';
import { percentile } from './figures.ts';
import { countOf, held, texts } from './stage.ts';

const delayMs = 1_000;
const count = 50;
/** Later than this is not "then". */
const errorMsMax = 500;

export const delayedMessage: Scenario = {
  id: 'delayed-message',
  number: 'S37',
  title: 'Delayed message',
  question: 'Can a message be published to be delivered a second later, and is it?',
  layers: ['port', 'bare'],
  notFor: () => null,
  exclusive: false,
  expectations: [
    expected(
      [...queues, 'rabbitmq-stream'],
      'port',
      'EMULATED',
      'The adapter has waiting queues whose messages are dead-lettered, confirmed, into the topic when they are due.',
      'Sluice capability delay',
    ),
    expected(
      ['log', 'kafka'],
      'port',
      'UNSUPPORTED',
      'A log has no time of delivery, and the port does not make one up.',
      'Sluice capability delay',
    ),
    {
      ...expected(
        ['rabbitmq-stream'],
        'bare',
        'EMULATED',
        'By the same pattern as for queues: what expires goes to the exchange, and the exchange to the stream.',
        'rabbitmq-website docs/ttl, docs/dlx',
        '<4.0',
      ),
      explained:
        'on 3.10.8 nothing that expires in a quorum queue arrives in a stream, without a word in a log or to a client; on 4.3 it does. Why was not found out.',
    },
    expected(
      [...queues, 'rabbitmq-stream'],
      'bare',
      'EMULATED',
      'By a pattern: a queue whose messages expire into the exchange that they were meant for, one queue for each delay.',
      'rabbitmq-website docs/ttl, docs/dlx',
    ),
    expected(everySystem, 'bare', 'UNSUPPORTED', 'A log has no time of delivery.', 'kafka docs/design'),
  ],
  run,
};

async function run({ wire, stage }: ScenarioContext): Promise<Finding> {
  const isPattern = wire.layer === 'bare' && wire.product === 'RabbitMQ';
  const topic = await stage.topic('t', { partitions: 1, ...(isPattern ? { delaysMs: [delayMs] } : {}) });
  const subscription = await stage.subscription('s', topic);
  const startedMs = stage.nowMs;
  await stage.publishAcked(
    topic,
    texts('m', count).map((one) => ({ ...one, delayMs })),
  );
  const received = await stage.drain(subscription, { count, quietMs: delayMs * 4 });
  const errors = received.map(({ atMs }) => atMs - startedMs - delayMs);
  const early = errors.filter((error) => error < -1).length;
  const holds = countOf(received, 'm') === count && early === 0 && percentile(errors, 1) <= errorMsMax;
  return {
    verdict: holds ? (wire.layer === 'port' ? held(wire, 'delay') : 'EMULATED') : 'DIFFERS',
    summary: `${countOf(received, 'm')} of ${count} came, ${early} too early, ${percentile(errors, 0.5)} ms late in the middle and ${percentile(errors, 1)} ms at most`,
    observed: {
      delayMs,
      published: count,
      received: countOf(received, 'm'),
      early,
      lateP50Ms: percentile(errors, 0.5),
      lateMaxMs: percentile(errors, 1),
    },
    evidence: ['the delay is counted from before the publish was handed over'],
  };
}
