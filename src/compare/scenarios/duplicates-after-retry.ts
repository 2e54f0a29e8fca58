/** The broker stores a message, its answer never arrives, and the publisher tries again: is it there once or twice? */

import { numberOf, publishAgain, readBack } from './flow.ts';
import { Ledger } from './ledger.ts';
import { expected, type Finding, type Scenario, type ScenarioContext } from './scenario.ts';
import type { Wire } from '../wire.ts';

const before = 5;
const deaf = 20;
/** On one machine the bytes are at the broker long before this; nothing tells, since nothing comes back. */
const arriveMs = 700;
const settleMsMax = 15_000;
const quietMs = 500;
const rabbitMq = ['rabbitmq-quorum', 'rabbitmq-classic', 'rabbitmq-stream'] as const;

export const duplicatesAfterRetry: Scenario = {
  id: 'duplicates-after-retry',
  number: 'S24',
  title: 'Publish again after a lost answer',
  question: 'Is a message stored once when its answer was lost on the way and it is published again?',
  layers: ['port', 'bare'],
  notFor: (system) => (system === 'log' ? 'between the embedded log and its caller no answer can be lost' : null),
  exclusive: true,
  isFault: true,
  deadlineMs: () => 90_000,
  expectations: [
    expected(
      rabbitMq,
      'any',
      'DIFFERS',
      'AMQP 0-9-1 knows no sequence numbers: the second one is stored too.',
      'rabbitmq-website docs/reliability (publishers); Sluice capability publish.dedup',
    ),
    expected(
      ['kafka'],
      'port',
      'DIFFERS',
      'The port says "unknown"; a second publish is a new one.',
      'Sluice capability publish.dedup',
    ),
    expected(
      ['kafka'],
      'bare',
      'PASS',
      'An idempotent producer numbers its batches and the broker drops what it has. kafkajs does so only when asked; without, the batch is stored twice.',
      'kafka producer config enable.idempotence; kafkajs docs/producing',
    ),
  ],
  run,
};

async function run(context: ScenarioContext): Promise<Finding> {
  const { wire } = context;
  const modes =
    wire.system === 'kafka' && wire.layer === 'bare'
      ? ['acks=all, idempotent', 'acks=all']
      : [wire.publishModes[0] ?? ''];
  const found: { mode: string; connections: number; retried: number; duplicates: number; lost: number }[] = [];
  for (const [index, mode] of modes.entries()) found.push({ mode, ...(await loseAnswers(context, mode, index)) });
  const [deciding] = found as [(typeof found)[number]];
  return {
    verdict: found.some(({ lost }) => lost > 0) ? 'DIFFERS' : deciding.duplicates === 0 ? 'PASS' : 'DIFFERS',
    summary: found
      .map(
        ({ mode, duplicates, lost }) =>
          `${mode}: of ${deaf} whose answers were lost ${duplicates} are there twice, ${lost} are not there`,
      )
      .join('; '),
    observed: {
      modes,
      published: before + deaf,
      publishedAgainByTheApplication: found.map(({ retried }) => retried),
      duplicates: found.map(({ duplicates }) => duplicates),
      lost: found.map(({ lost }) => lost),
      connections: found.map(({ connections }) => connections),
    },
    evidence: ['what the application did not publish again, the client library did by itself'],
  };
}

async function loseAnswers(context: ScenarioContext, mode: string, index: number) {
  const { stage, faults, open } = context;
  if (faults === null) throw new Error('duplicates-after-retry needs faults');
  const topic = await stage.topic(`t${index}`);
  const subscription = await stage.subscription(`s${index}`, topic);
  const ledger = new Ledger();
  // A client of its own, so that the stage's keeps its connections from being deaf for longer than needed.
  const client: Wire = await stage.within(open(), 'a client');
  const publisher = await stage.within(client.publisher(topic, { mode }), 'a publisher');
  let answered = 0;
  const publish = () => {
    const number = ledger.send();
    publisher.publish([{ key: null, value: Buffer.from(`m-${number}`) }], (_, result) => {
      answered++;
      ledger.answer(number, result);
    });
  };
  for (let i = 0; i < before; i++) publish();
  await stage.until(() => answered === before, 'the first answers');
  faults.deafen();
  for (let i = 0; i < deaf; i++) publish();
  await stage.pause(arriveMs);
  const connections = faults.cut();
  await Promise.race([stage.until(() => answered === before + deaf, 'the answers'), stage.pause(settleMsMax)]);
  const retried = ledger.open;
  const fresh = await stage.within(open(), 'a wire after the cut');
  await publishAgain(stage, fresh, topic, ledger, retried, mode);
  const { received } = await readBack(context, { topic, subscription, quietMs });
  for (const { text } of received) {
    const number = numberOf(text);
    if (number !== null) ledger.see(number);
  }
  const { duplicates, lost } = ledger.balance();
  return { connections, retried: retried.length, duplicates, lost };
}
