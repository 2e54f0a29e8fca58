/** A few keys have most of the messages: is the work still spread over the consumers? */

import { seededRandom } from '../workloads/index.ts';
import { everySystem, expected, type Finding, queues, type Scenario, type ScenarioContext } from './scenario.ts';
import { rounded } from './figures.ts';
import { held, type Text } from './stage.ts';
import { openWorkers, shares } from './workers.ts';

const partitions = 4;
const workers = 4;
const serviceMs = 3;
const messagesMax = 400;
const keys = 100;
const skew = 1.2;
/** The busiest consumer may have this much more than its share. */
const unevenMax = 1.3;

export const hotKey: Scenario = {
  id: 'hot-key',
  number: 'S16',
  title: 'Hot keys',
  question: 'Is the work of four consumers even when a few keys (Zipf 1.2) have most of the messages?',
  layers: ['port', 'bare'],
  notFor: (system, layer) =>
    system === 'log' && layer === 'bare' ? 'the engine alone has no groups of consumers' : null,
  exclusive: false,
  expectations: [
    expected(
      queues,
      'any',
      'PASS',
      'One queue hands out in turn, whatever the key.',
      'rabbitmq-website docs/consumers',
    ),
    expected(
      ['log'],
      'port',
      'PASS',
      'Without ordering by key any consumer takes any message.',
      'Sluice capability consume.beyondPartitions',
    ),
    expected(
      everySystem,
      'port',
      'EMULATED',
      'The port hands each message on its own.',
      'Sluice capability consume.beyondPartitions',
    ),
    expected(
      ['kafka'],
      'bare',
      'DIFFERS',
      'A key has one partition and a partition one consumer: the one with the hot key has most.',
      'kafka docs/design (producer, load balancing)',
    ),
    expected(
      ['rabbitmq-stream'],
      'bare',
      'DIFFERS',
      'Readers of a stream do not share it: each gets everything.',
      'rabbitmq-website docs/streams',
    ),
  ],
  run,
};

async function run(context: ScenarioContext): Promise<Finding> {
  const { wire, stage, seed } = context;
  const messages = Math.min(context.messages, messagesMax);
  const topic = await stage.topic('t', partitions);
  const subscription = await stage.subscription('s', topic);
  const crew = await openWorkers(context, subscription, { workers, credit: 4, serviceMs: () => serviceMs });
  const startedMs = stage.nowMs;
  await stage.publishAcked(topic, skewed(messages, seed));
  await Promise.race([stage.until(() => crew.count() === messages, 'all to be done'), crew.failed]);
  const tookMs = Math.round(stage.nowMs - startedMs);
  const byWorker = shares(crew.done, workers);
  const repeated = crew.done.length - messages;
  const uneven = rounded((Math.max(...byWorker) / messages) * workers);
  await crew.close();
  return {
    verdict: uneven <= unevenMax && repeated === 0 ? held(wire, 'consume.beyondPartitions') : 'DIFFERS',
    summary: `the busiest of ${workers} consumers had ${uneven} times its share${repeated > 0 ? `, ${repeated} messages were done more than once` : ''}; all done after ${tookMs} ms`,
    observed: { messages, keys, zipf: skew, byConsumer: [...byWorker], busiestToMean: uneven, repeated, tookMs },
    evidence: [],
  };
}

function skewed(count: number, seed: number): readonly Text[] {
  const random = seededRandom(seed);
  const weights = Array.from({ length: keys }, (_, rank) => 1 / (rank + 1) ** skew);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const pick = () => {
    let left = random() * total;
    const rank = weights.findIndex((weight) => (left -= weight) < 0);
    return rank === -1 ? keys - 1 : rank;
  };
  return Array.from({ length: count }, (_, i) => ({ key: `key-${pick()}`, text: `m-${i}` }));
}
