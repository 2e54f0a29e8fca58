/** Order by key while four consumers share the work: judged by when the work was done, not by when it was handed out. */

import { seededRandom } from '../workloads/index.ts';
import { everySystem, type Finding, queues, type Scenario, type ScenarioContext } from './scenario.ts';
import { held, type Received, signal, type Text } from './stage.ts';

const consumers = 4;
const keys = 20;
const partitions = 4;
/** Prefetch of each: what RabbitMQ advises for slow work. */
const credit = 10;
const serviceMsMax = 4;
const quietMs = 150;

export const orderPerKeyCompeting: Scenario = {
  id: 'order-per-key-competing',
  number: 'S10',
  title: 'Order by key, competing consumers',
  question: 'With four consumers of one subscription, are the messages of a key finished one after the other?',
  layers: ['port', 'bare'],
  notFor: (system, layer) =>
    system === 'log' && layer === 'bare' ? 'the engine alone has readers, no groups of competing consumers' : null,
  exclusive: false,
  isInSmoke: true,
  expectations: [
    {
      systems: ['log'],
      layers: ['port'],
      versions: '*',
      verdict: 'PASS',
      why: 'On its own log Sluice is the whole system: what it does itself is native there.',
      source: 'Sluice capabilities of the native backend',
    },
    {
      systems: everySystem,
      layers: ['port'],
      versions: '*',
      verdict: 'EMULATED',
      why: 'The port keeps a lane for each key: the next message of a key waits until the one before is settled.',
      source: 'Sluice capability order.key',
    },
    {
      systems: ['kafka'],
      layers: ['bare'],
      versions: '*',
      verdict: 'PASS',
      why: 'A key has one partition and a partition has one member of the group.',
      source: 'kafka docs/design (consumer groups)',
    },
    {
      systems: queues,
      layers: ['bare'],
      versions: '*',
      verdict: 'DIFFERS',
      why: 'One queue with competing consumers: served in order, finished in any. A consistent-hash exchange with one queue for each part, each with a single active consumer, keeps a key in order by the broker alone; that is another topology, and not asked here.',
      source:
        'rabbitmq-website docs/queues (message ordering), docs/consumers (single active consumer); rabbitmq-consistent-hash-exchange',
    },
    {
      systems: ['rabbitmq-stream'],
      layers: ['bare'],
      versions: '*',
      verdict: 'DIFFERS',
      why: 'Readers of a stream do not compete: each gets everything.',
      source: 'rabbitmq-website docs/streams',
    },
  ],
  run,
};

async function run({ wire, stage, messages, seed }: ScenarioContext): Promise<Finding> {
  const topic = await stage.topic('t', partitions);
  const subscription = await stage.subscription('s', topic, { ordering: 'key', credit: consumers * credit });
  const random = seededRandom(seed);
  const done: Received[] = [];
  const finished = signal();
  const perConsumer = Array.from({ length: consumers }, () => 0);
  const opened = Array.from({ length: consumers }, (_, index) =>
    stage.consume(subscription, {
      credit,
      settle: { kind: 'each' },
      onDelivery: (delivery) => {
        perConsumer[index] = (perConsumer[index] ?? 0) + 1;
        setTimeout(() => {
          done.push(stage.toReceived(delivery));
          delivery.ack();
          if (new Set(done.map(({ text }) => text)).size === messages) finished.resolve();
        }, random() * serviceMsMax);
      },
      onError: finished.reject,
    }),
  );
  await Promise.all(opened);
  await stage.publishAcked(topic, keyedTexts(messages));
  await stage.within(finished.promise, `all ${messages} to be done (${done.length} were)`);
  // A moment for what is done a second time.
  await stage.pause(quietMs);
  const inversions = inversionsByKey(done);
  const repeated = done.length - messages;
  const holds = inversions.length === 0 && repeated === 0;
  return {
    verdict: holds ? held(wire, 'order.key') : 'DIFFERS',
    summary: `${inversions.length} of ${messages} were done after a later message of their key, ${repeated} more than once`,
    observed: {
      published: messages,
      keys,
      consumers,
      inversions: inversions.length,
      repeated,
      deliveriesByConsumer: perConsumer,
    },
    evidence: inversions.slice(0, 5),
  };
}

function keyedTexts(count: number): readonly Text[] {
  return Array.from({ length: count }, (_, i) => ({ key: `key-${i % keys}`, text: `m-${i}` }));
}

function inversionsByKey(done: readonly Received[]): string[] {
  const highest = new Map<string, number>();
  const found: string[] = [];
  for (const { key, text } of done) {
    const number = Number(text.slice(2));
    const last = highest.get(key ?? '') ?? -1;
    if (number < last) found.push(`key ${key}: ${number} was done after ${last}`);
    else highest.set(key ?? '', number);
  }
  return found;
}
