/** Acks one by one or a hundred at once: what is the difference, and is anything lost or repeated? */

import { everySystem, expected, type Finding, type Scenario, type ScenarioContext } from './scenario.ts';
import { perSecond } from './figures.ts';
import { countOf, duplicatesIn, texts, type Received } from './stage.ts';

/** More than fits into one fetch, or the rate would be that of an array. */
const messageFactor = 10;
const batches = [1, 10, 100] as const;

export const ackBatching: Scenario = {
  id: 'ack-batching',
  number: 'S49',
  title: 'Price of single acks',
  question: 'Is everything delivered once, however many acks go together, and what do single acks cost?',
  layers: ['port', 'bare'],
  notFor: () => null,
  exclusive: true,
  expectations: [
    expected(
      everySystem,
      'any',
      'PASS',
      'Batching acks changes the price and how much comes again after a crash, not the result.',
      'rabbitmq-website docs/confirms (multiple); kafka consumer config (commits)',
    ),
  ],
  run,
};

async function run({ wire, stage, messages: asked }: ScenarioContext): Promise<Finding> {
  const messages = asked * messageFactor;
  const rates: number[] = [];
  let missing = 0;
  let duplicates = 0;
  for (const ackBatch of batches) {
    const topic = await stage.topic(`t${ackBatch}`);
    const subscription = await stage.subscription(`s${ackBatch}`, topic);
    await stage.publishAcked(topic, texts('m', messages));
    const received: Received[] = [];
    const consumer = await stage.consume(subscription, {
      credit: 200,
      settle: { kind: 'batch', ackBatch },
      onDelivery: (delivery) => void received.push(stage.toReceived(delivery)),
    });
    await stage.until(() => received.length >= messages, 'all messages');
    // With the last acks, which closing waits for.
    await stage.within(consumer.close(), 'the consumer to close');
    const ms = stage.nowMs - (received[0]?.atMs ?? 0);
    rates.push(perSecond(received.length, ms));
    missing += messages - countOf(received, 'm');
    duplicates += duplicatesIn(received);
  }
  return {
    verdict: missing === 0 && duplicates === 0 ? 'PASS' : 'DIFFERS',
    summary: `${rates.map((rate, index) => `${rate}/s acking ${batches[index]} at once`).join(', ')}; ${missing} missing, ${duplicates} twice`,
    observed: { messages, acksAtOnce: [...batches], receivedPerSecond: rates, missing, duplicates },
    evidence:
      wire.system === 'kafka' && wire.layer === 'bare'
        ? ['kafkajs commits for each fetched batch, whatever is asked']
        : [],
  };
}
