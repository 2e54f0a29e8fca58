/** A failed message must be tried again before the later ones of its key are done. */

import { everySystem, type Finding, queues, type Scenario, type ScenarioContext } from './scenario.ts';
import { held, signal, type Text } from './stage.ts';

const credit = 10;
const nackEvery = 10;
/** After the marker's turn: how long a redelivery is waited for that may never come. */
const redeliveryWaitMs = 1_000;

export const orderAfterNack: Scenario = {
  id: 'order-after-nack',
  number: 'S11',
  title: 'Order after a nack',
  question: 'Is a message that failed once delivered again before the later messages of its key are done?',
  layers: ['port', 'bare'],
  notFor: (system, layer) => (system === 'log' && layer === 'bare' ? 'the engine alone has no acks' : null),
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
      why: 'The lane of the key waits until the failed message is settled.',
      source: 'Sluice capability order.key',
    },
    {
      systems: ['kafka'],
      layers: ['bare'],
      versions: '*',
      verdict: 'PASS',
      why: 'The consumer seeks back: the whole partition waits and repeats from there.',
      source: 'kafka docs/design (consumer position)',
    },
    {
      systems: queues,
      layers: ['bare'],
      versions: '*',
      verdict: 'DIFFERS',
      why: 'What was prefetched behind the failed message is done before it comes again.',
      source: 'rabbitmq-website docs/confirms (negative acknowledgements), docs/queues (message ordering)',
    },
    {
      systems: ['rabbitmq-stream'],
      layers: ['bare'],
      versions: '<4.0',
      verdict: 'UNSUPPORTED',
      why: 'A nack on a stream is answered with 540, which ends the connection with everything on it (seen on 3.10).',
      source: 'rabbitmq-website docs/streams (feature comparison)',
    },
    {
      systems: ['rabbitmq-stream'],
      layers: ['bare'],
      versions: '*',
      verdict: 'DIFFERS',
      why: 'On a stream a nack only gives credit: nothing is delivered again.',
      source: 'rabbitmq-website docs/streams',
    },
  ],
  run,
};

async function run({ wire, stage, messages }: ScenarioContext): Promise<Finding> {
  const topic = await stage.topic('t');
  const subscription = await stage.subscription('s', topic, { ordering: 'key', credit });
  const failedOnce = new Set<number>();
  const done: number[] = [];
  const finished = signal();
  await stage.consume(subscription, {
    credit,
    settle: { kind: 'each' },
    onDelivery: (delivery) => {
      const number = Number(delivery.value.toString().slice(2));
      if (number % nackEvery === 0 && !failedOnce.has(number)) {
        failedOnce.add(number);
        delivery.nack();
        return;
      }
      done.push(number);
      delivery.ack();
      if (done.length >= messages) finished.resolve();
    },
    onError: finished.reject,
  });
  const one: readonly Text[] = Array.from({ length: messages }, (_, i) => ({ key: 'only', text: `m-${i}` }));
  await stage.publishAcked(topic, one);
  const neverCame = await stage.within(
    Promise.race([finished.promise.then(() => false), quietAfterAll(stage, done, messages)]),
    'all to be done',
  );
  const overtaken = overtakenIn(done);
  const notRedelivered = messages - new Set(done).size;
  const holds = overtaken === 0 && notRedelivered === 0 && done.length === messages;
  return {
    verdict: holds ? held(wire, 'order.key') : 'DIFFERS',
    summary: neverCame
      ? `${notRedelivered} of ${failedOnce.size} nacked messages were never delivered again`
      : `${overtaken} of ${failedOnce.size} nacked messages were done after a later one`,
    observed: {
      published: messages,
      nacked: failedOnce.size,
      overtaken,
      notRedelivered,
      repeated: done.length - new Set(done).size,
    },
    evidence: [`the first 15 done: ${done.slice(0, 15).join(' ')}`],
  };
}

/** True once the newest message is done and nothing more has come for a while. */
async function quietAfterAll(
  stage: ScenarioContext['stage'],
  done: readonly number[],
  messages: number,
): Promise<boolean> {
  let lastCount = -1;
  let quietSince = Date.now();
  for (;;) {
    if (done.length !== lastCount) {
      lastCount = done.length;
      quietSince = Date.now();
    }
    if (done.includes(messages - 1) && Date.now() - quietSince > redeliveryWaitMs) return true;
    if (done.length >= messages || stage.isOver) return false;
    await stage.pause(20);
  }
}

/** Messages that were done after a later one. */
function overtakenIn(done: readonly number[]): number {
  let highest = -1;
  let count = 0;
  for (const number of done) {
    if (number < highest) count++;
    else highest = number;
  }
  return count;
}
