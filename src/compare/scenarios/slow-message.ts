/** One message takes long: what waits behind it? */

import { everySystem, expected, type Finding, queues, type Scenario, type ScenarioContext } from './scenario.ts';
import { held, signal, type Text } from './stage.ts';
import { openWorkers } from './workers.ts';

const workers = 4;
const partitions = 4;
const fastMs = 1;
/** The slow one is held until nothing else has been done for this long: then whoever is not done waits for it. */
const stillMs = 1_500;
const messages = 200;
const slowText = 'm-20';

export const slowMessage: Scenario = {
  id: 'slow-message',
  number: 'S19',
  title: 'Slow message',
  question: 'Do all other messages go on while one is not done?',
  layers: ['port', 'bare'],
  notFor: (system, layer) =>
    system === 'log' && layer === 'bare' ? 'the engine alone has no groups of consumers' : null,
  exclusive: false,
  deadlineMs: () => 60_000,
  expectations: [
    expected(
      queues,
      'any',
      'PASS',
      'The other consumers of the queue go on; only what was prefetched behind it waits, and the prefetch is one.',
      'rabbitmq-website docs/consumer-prefetch',
    ),
    expected(['log'], 'port', 'PASS', 'The subscription tracks each message.', 'Sluice capability ack.perMessage'),
    expected(
      everySystem,
      'port',
      'EMULATED',
      'The port hands each message on its own.',
      'Sluice capability ack.perMessage',
    ),
    expected(
      ['kafka'],
      'bare',
      'DIFFERS',
      'What is behind it in its partition waits.',
      'kafka docs/design (consumer position)',
    ),
    expected(
      ['rabbitmq-stream'],
      'bare',
      'DIFFERS',
      'Each reader gets everything, in order: each is held up by it.',
      'rabbitmq-website docs/streams',
    ),
  ],
  run,
};

async function run(context: ScenarioContext): Promise<Finding> {
  const { wire, stage } = context;
  const topic = await stage.topic('t', partitions);
  const subscription = await stage.subscription('s', topic);
  const release = signal();
  const crew = await openWorkers(context, subscription, {
    workers,
    credit: 1,
    serviceMs: (_, text) => (text === slowText ? release.promise : fastMs),
  });
  const all: readonly Text[] = Array.from({ length: messages }, (_, i) => ({ key: `key-${i}`, text: `m-${i}` }));
  const startedMs = stage.nowMs;
  await stage.publishAcked(topic, all);
  const others = messages - 1;
  const lastMs = () => crew.done.at(-1)?.atMs ?? stage.nowMs;
  const isStill = () => crew.done.length > 0 && stage.nowMs - lastMs() > stillMs;
  await Promise.race([stage.until(() => crew.count() === others || isStill(), 'the others to be done'), crew.failed]);
  const waiting = others - crew.count();
  const tookMs = Math.round(lastMs() - startedMs);
  release.resolve();
  await Promise.race([stage.until(() => crew.count() === messages, 'all to be done'), crew.failed]);
  const repeated = crew.done.length - messages;
  await crew.close();
  return {
    verdict: waiting === 0 ? held(wire, 'ack.perMessage') : 'DIFFERS',
    summary: `${waiting} of the other ${others} waited until it was done, the rest took ${tookMs} ms`,
    observed: { messages, waiting, doneMeanwhile: others - waiting, tookMs, repeated },
    evidence: [],
  };
}
