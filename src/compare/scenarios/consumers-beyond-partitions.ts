/** More consumers than partitions: do the additional ones get work? */

import { everySystem, expected, type Finding, queues, type Scenario, type ScenarioContext } from './scenario.ts';
import { perSecond } from './figures.ts';
import { held, type Text } from './stage.ts';
import { openWorkers, shares } from './workers.ts';

const partitions = 4;
const workerCounts = [4, 8] as const;
const serviceMs = 5;
const messagesMax = 400;
const keys = 64;

export const consumersBeyondPartitions: Scenario = {
  id: 'consumers-beyond-partitions',
  number: 'S15',
  title: 'More consumers than partitions',
  question: 'Do eight consumers of a topic with four partitions all get work?',
  layers: ['port', 'bare'],
  notFor: (system, layer) =>
    system === 'log' && layer === 'bare' ? 'the engine alone has no groups of consumers' : null,
  exclusive: false,
  expectations: [
    expected(queues, 'any', 'PASS', 'Consumers of a queue take turns.', 'rabbitmq-website docs/consumers'),
    expected(
      ['log'],
      'port',
      'PASS',
      'The subscription tracks each message.',
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
      'A partition has one member of the group; the others wait.',
      'kafka docs/design (consumer groups)',
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
  const { wire, stage } = context;
  const messages = Math.min(context.messages, messagesMax);
  const rates: number[] = [];
  let idle = 0;
  let repeated = 0;
  let byWorker: readonly number[] = [];
  for (const workers of workerCounts) {
    const topic = await stage.topic(`t${workers}`, partitions);
    const subscription = await stage.subscription(`s${workers}`, topic);
    const crew = await openWorkers(context, subscription, { workers, credit: 4, serviceMs: () => serviceMs });
    const all: readonly Text[] = Array.from({ length: messages }, (_, i) => ({
      key: `key-${i % keys}`,
      text: `m-${i}`,
    }));
    const startedMs = stage.nowMs;
    await stage.publishAcked(topic, all);
    await Promise.race([stage.until(() => crew.count() === messages, 'all to be done'), crew.failed]);
    rates.push(perSecond(messages, stage.nowMs - startedMs));
    byWorker = shares(crew.done, workers);
    idle = byWorker.filter((count) => count === 0).length;
    repeated += crew.done.length - messages;
    await crew.close();
  }
  const holds = idle === 0 && repeated === 0;
  return {
    verdict: holds ? held(wire, 'consume.beyondPartitions') : 'DIFFERS',
    summary: `of ${workerCounts.at(-1)} consumers ${idle} got nothing, ${repeated} messages were done more than once; ${rates.join(' and ')} messages/s with ${workerCounts.join(' and ')}`,
    observed: {
      partitions,
      consumers: [...workerCounts],
      messagesPerSecond: rates,
      idle,
      repeated,
      byConsumer: [...byWorker],
    },
    evidence: [],
  };
}
