/** Two consumers share the work and one is killed: how far out of order does what it held come to the other? */

import { overtakenIn } from './ledger.ts';
import { expected, type Finding, everySystem, queues, type Scenario, type ScenarioContext } from './scenario.ts';
import { signal, texts } from './stage.ts';

const count = 100;
const credit = 10;

export const orderAfterCrash: Scenario = {
  id: 'order-after-crash',
  number: 'S12',
  title: 'Order after a crash',
  question: 'When one of two consumers is killed, does the other do what that one held before anything later?',
  layers: ['port', 'bare'],
  notFor: (system) => (system === 'log' ? 'a consumer of the embedded log dies with the log' : null),
  exclusive: true,
  isSlow: true,
  deadlineMs: () => 150_000,
  expectations: [
    expected(
      queues,
      'any',
      'DIFFERS',
      'What the dead one held goes back to the head, but the other had later ones already: it comes out of order by up to the prefetch.',
      'rabbitmq-website docs/queues (message ordering), docs/confirms',
    ),
    expected(
      ['kafka'],
      'any',
      'PASS',
      'A partition has one owner: the next starts where the dead one had committed.',
      'kafka docs/design (consumer position)',
    ),
    expected(
      ['rabbitmq-stream'],
      'bare',
      'PASS',
      'Each reader gets everything in order; nothing is taken over.',
      'rabbitmq-website docs/streams',
    ),
    expected(
      everySystem,
      'any',
      'PASS',
      'One reader at a time goes on where the other was.',
      'Sluice capability consume.competing',
    ),
  ],
  run,
};

async function run(context: ScenarioContext): Promise<Finding> {
  const { stage, openProcess } = context;
  const topic = await stage.topic('t');
  const subscription = await stage.subscription('s', topic);
  const other = await stage.within(openProcess(), 'the process of the consumer');
  await stage.adopt(other, subscription);
  const held = signal();
  let inHand = 0;
  // The one that dies takes and never acks.
  await stage.within(
    other.consume(subscription, {
      credit,
      settle: { kind: 'each' },
      onDelivery: () => {
        inHand++;
        held.resolve();
      },
      onError: held.reject,
    }),
    'the consumer that dies',
  );
  const order: number[] = [];
  const seen = new Set<number>();
  await stage.consume(subscription, {
    credit,
    settle: { kind: 'each' },
    onDelivery: (delivery) => {
      const number = Number(delivery.value.toString().slice(2));
      if (!seen.has(number)) order.push(number);
      seen.add(number);
      delivery.ack();
    },
  });
  await stage.publishAcked(topic, texts('m', count));
  // Where one owner has the partition the dying one may have nothing: then there is nothing to take over.
  await Promise.race([
    stage.within(held.promise, 'something in its hands'),
    stage.until(() => seen.size === count, 'all'),
  ]);
  await stage.pause(settledMs);
  const before = seen.size;
  await other.kill();
  await stage.until(() => seen.size === count, 'all to be done');
  const late = overtakenIn(order);
  const displacement = Math.max(0, ...order.map((number, index) => index - number));
  return {
    verdict: late === 0 ? 'PASS' : 'DIFFERS',
    summary: `${inHand} were in the hands of the killed one, ${before} done by the other; ${late} came after a later one, by up to ${displacement} places`,
    observed: {
      published: count,
      heldByTheKilled: inHand,
      doneBefore: before,
      overtaken: late,
      displacementMax: displacement,
    },
    evidence: [],
  };
}

const settledMs = 500;
