/** Publishing goes on while the connection breaks and what was under way is published again: is the order kept? */

import { numberOf, readBack } from './flow.ts';
import { Ledger } from './ledger.ts';
import { everySystem, expected, type Finding, type Scenario, type ScenarioContext } from './scenario.ts';
import type { Wire, WirePublisher } from '../systems/wire.ts';

const everyMs = 3;
const messages = 300;
const cutAt = 100;
const retryMs = 50;
const quietMs = 500;
const rabbitMq = ['rabbitmq-quorum', 'rabbitmq-classic', 'rabbitmq-stream'] as const;

export const orderAfterRetry: Scenario = {
  id: 'order-after-retry',
  number: 'S13',
  title: 'Order after publishing again',
  question: 'Does the order of one publisher hold when its connections break in the middle and it tries again?',
  layers: ['port', 'bare'],
  notFor: (system) => (system === 'log' ? 'between the embedded log and its caller no connection can break' : null),
  exclusive: true,
  isFault: true,
  deadlineMs: () => 90_000,
  expectations: [
    {
      ...expected(
        rabbitMq,
        'any',
        'DIFFERS',
        'Later messages may be stored before an earlier one is known to be lost; nothing promises otherwise, and a lucky cut breaks nothing.',
        'rabbitmq-website docs/reliability (publishers)',
      ),
      or: 'PASS',
    },
    {
      ...expected(
        everySystem,
        'any',
        'DIFFERS',
        "The order of what is sent again is kept by an idempotent producer, which Kafka's own is by default, or with one request under way. kafkajs is none by default, and our publisher has up to four sends under way; the port has one batch of a partition, and what the application publishes again comes after it.",
        'KIP-679; kafka producer config max.in.flight.requests.per.connection; kafkajs docs/producing',
      ),
      or: 'PASS',
    },
  ],
  run,
};

async function run(context: ScenarioContext): Promise<Finding> {
  const { stage, faults, open } = context;
  if (faults === null) throw new Error('order-after-retry needs faults');
  const topic = await stage.topic('t');
  const subscription = await stage.subscription('s', topic);
  const ledger = new Ledger();
  let client: Wire = await stage.within(open(), 'a client');
  let publisher: WirePublisher = await stage.within(client.publisher(topic), 'a publisher');
  let stored = 0;
  let again = 0;
  let reopening: Promise<void> | null = null;
  // As a careful application does: what is not stored is tried again, on a new connection where the old one is dead.
  const reopen = async () => {
    client = await open();
    publisher = await client.publisher(topic);
  };
  const send = (number: number, tries: number) => {
    publisher.publish([{ key: null, value: Buffer.from(`m-${number}`) }], (_, result) => {
      ledger.answer(number, result);
      if (result.fate === 'acked') {
        stored++;
        return;
      }
      again++;
      const retry = async () => {
        if (client.layer === 'bare') await (reopening ??= reopen());
        await stage.pause(retryMs);
        if (stage.isOver) return;
        send(number, tries + 1);
      };
      retry().catch(() => undefined);
    });
  };
  let connections = 0;
  for (let i = 0; i < messages; i++) {
    send(ledger.send(), 1);
    if (i === cutAt) connections = faults.cut();
    await stage.pause(everyMs);
  }
  await stage.until(() => stored >= messages, 'every message to be stored');
  const { received } = await readBack(context, { topic, subscription, quietMs });
  for (const { text } of received) {
    const number = numberOf(text);
    if (number !== null) ledger.see(number);
  }
  const balance = ledger.balance();
  return {
    verdict: balance.overtaken === 0 && balance.lost === 0 ? 'PASS' : 'DIFFERS',
    summary: `${again} of ${messages} publishes were made again after ${connections} connections were reset: ${balance.overtaken} messages came after a later one, ${balance.duplicates} twice, ${balance.lost} lost`,
    observed: {
      published: messages,
      connections,
      publishedAgain: again,
      overtaken: balance.overtaken,
      duplicates: balance.duplicates,
      lost: balance.lost,
    },
    evidence: [],
  };
}
