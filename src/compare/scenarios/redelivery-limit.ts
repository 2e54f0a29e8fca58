/** A message fails and is given back for ever: does the broker by itself ever stop to hand it out? */

import { expected, type Finding, type Scenario, type ScenarioContext } from './scenario.ts';
import { texts } from './stage.ts';

const count = 20;
const poison = 'm-5';
/** After so many without an end there is none. RabbitMQ's limit is 20 where it has one. */
const deliveriesMax = 60;
const quietMs = 2_000;

export const redeliveryLimit: Scenario = {
  id: 'redelivery-limit',
  number: 'S20',
  title: 'Given back for ever',
  question:
    'Does the broker by itself stop to deliver a message that fails and is given back every time, while the others are done?',
  layers: ['bare'],
  notFor: (system) =>
    system === 'log'
      ? 'the engine alone has no acks'
      : system === 'rabbitmq-stream'
        ? 'a stream delivers nothing again: order-after-nack'
        : null,
  exclusive: false,
  deadlineMs: () => 60_000,
  expectations: [
    expected(
      ['rabbitmq-quorum'],
      'bare',
      'PASS',
      'Quorum queues have a limit of 20 failed deliveries by default (basic.reject with requeue, a died consumer); from 4.3 on basic.nack gives back without counting, and so without an end.',
      'rabbitmq-website docs/quorum-queues (when the delivery count is incremented); RabbitMQ blog 2026-04-23 on 4.3',
      '>=4.3',
    ),
    expected(
      ['rabbitmq-quorum'],
      'bare',
      'PASS',
      'Quorum queues have a limit of 20 deliveries by default, a nack counts.',
      'rabbitmq-website docs/quorum-queues (poison messages)',
      '>=4.0',
    ),
    expected(
      ['rabbitmq-quorum'],
      'bare',
      'DIFFERS',
      'Below 4.0 a quorum queue has a limit only where it is told one.',
      'rabbitmq-website docs/quorum-queues (poison messages)',
      '<4.0',
    ),
    expected(
      ['rabbitmq-classic'],
      'bare',
      'DIFFERS',
      'A classic queue does not count.',
      'rabbitmq-website docs/quorum-queues (feature comparison)',
    ),
    expected(
      ['kafka'],
      'bare',
      'DIFFERS',
      'The group stands at the message until its application goes past it, and what is behind it in the partition waits.',
      'kafka docs/design (consumer position)',
    ),
  ],
  run,
};

interface Given {
  readonly by: string;
  readonly deliveries: number;
  readonly isEndless: boolean;
  readonly othersDone: number;
}

async function run({ stage, wire }: ScenarioContext): Promise<Finding> {
  // The broker is asked by the way of giving back that it counts, if it knows two; the other one is told beside it.
  const isCounted = wire.system === 'rabbitmq-quorum' || wire.system === 'rabbitmq-classic';
  const ways = isCounted ? (['basic.reject with requeue', 'basic.nack'] as const) : (['giving back'] as const);
  const found: Given[] = [];
  for (const by of ways) found.push(await givenBack(stage, by));
  const [deciding] = found as [Given];
  return {
    verdict: !deciding.isEndless && deciding.othersDone === count - 1 ? 'PASS' : 'DIFFERS',
    summary: found
      .map(
        ({ by, isEndless, deliveries, othersDone }) =>
          `by ${by} ${isEndless ? `delivered ${deliveries} times without an end` : `delivered ${deliveries} times, then no more`}, ${othersDone} of the ${count - 1} others were done by then`,
      )
      .join('; '),
    observed: {
      published: count,
      ways: [...ways],
      deliveries: found.map(({ deliveries }) => deliveries),
      endlessBy: found.filter(({ isEndless }) => isEndless).map(({ by }) => by),
      othersDone: found.map(({ othersDone }) => othersDone),
    },
    evidence: [],
  };
}

async function givenBack(stage: ScenarioContext['stage'], by: string): Promise<Given> {
  const topic = await stage.topic(by === 'basic.nack' ? 'nack' : 't');
  const subscription = await stage.subscription(by === 'basic.nack' ? 'nack-s' : 's', topic);
  let deliveries = 0;
  let lastAt = stage.nowMs;
  let doneBehind = 0;
  const done = new Set<string>();
  await stage.consume(subscription, {
    credit: 5,
    settle: { kind: 'each' },
    onDelivery: (delivery) => {
      lastAt = stage.nowMs;
      const text = delivery.value.toString();
      if (text === poison && ++deliveries < deliveriesMax) {
        if (by === 'basic.nack' || delivery.fail === undefined) delivery.nack();
        else delivery.fail();
        return;
      }
      if (text === poison) doneBehind = done.size;
      done.add(text);
      delivery.ack();
    },
  });
  await stage.publishAcked(topic, texts('m', count));
  await stage.until(
    () => deliveries >= deliveriesMax || (deliveries > 0 && stage.nowMs - lastAt > quietMs),
    'an end of the deliveries',
  );
  const isEndless = deliveries >= deliveriesMax;
  return { by, deliveries, isEndless, othersDone: isEndless ? doneBehind : done.size };
}
