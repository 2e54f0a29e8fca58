/** The broker stores a message, its answer never arrives, and it is sent again: is it there once or twice? */

import { numberOf, publishAgain, readBack } from './flow.ts';
import { Ledger } from './ledger.ts';
import { expected, type Finding, type Scenario, type ScenarioContext } from './scenario.ts';
import type { Wire } from '../systems/wire.ts';

/** One message at a time, each on a connection of its own: of several that are out, a client may still hold all but the first. */
const rounds = 10;
/** On one machine the bytes are at the broker long before this; nothing tells, since nothing comes back. */
const arriveMs = 300;
const settleMsMax = 10_000;
const quietMs = 500;
const rabbitMq = ['rabbitmq-quorum', 'rabbitmq-classic', 'rabbitmq-stream'] as const;

export const duplicatesAfterRetry: Scenario = {
  id: 'duplicates-after-retry',
  number: 'S24',
  title: 'Sent again after a lost answer',
  question:
    'Is a message stored once when its answer was lost and it is sent again, by the client library where that does so, else by the application?',
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
      'The client library sends nothing again, so the application does; AMQP 0-9-1 knows no sequence numbers, and the second one is stored too. (The stream protocol has deduplication, by the name of a producer and a publishing id.)',
      'rabbitmq-website docs/reliability (publishers), docs/streams (deduplication); Sluice capability publish.dedup',
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
      "An idempotent producer numbers its batches, and the broker drops one that the same producer sends a second time: so does Kafka's own by default, kafkajs when asked; without, the batch is stored twice. What the application itself publishes again is a new message anyway.",
      'KIP-98, KIP-679 (default since 3.0), kafka producer config enable.idempotence; kafkajs docs/producing',
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
  const found: Found[] = [];
  for (const [index, mode] of modes.entries()) found.push(await loseAnswers(context, mode, index));
  const [deciding] = found as [Found];
  return {
    verdict: found.some(({ lost }) => lost > 0) || deciding.duplicates > 0 ? 'DIFFERS' : 'PASS',
    summary: found.map(inWords).join('; '),
    observed: {
      modes,
      answersLost: rounds,
      sentAgainByTheLibrary: found.map(({ byLibrary }) => byLibrary),
      publishedAgainByTheApplication: found.map(({ byApplication }) => byApplication),
      duplicates: found.map(({ duplicates }) => duplicates),
      lost: found.map(({ lost }) => lost),
    },
    evidence: ['one message is under way when the connection is cut, after the broker has had time to store it'],
  };
}

interface Found {
  readonly mode: string;
  readonly byLibrary: number;
  readonly byApplication: number;
  readonly duplicates: number;
  readonly lost: number;
}

function inWords({ mode, byLibrary, byApplication, duplicates, lost }: Found): string {
  const again = [
    ...(byLibrary > 0 ? [`${byLibrary} by the client library`] : []),
    ...(byApplication > 0 ? [`${byApplication} by the application`] : []),
  ];
  return `${mode}: ${rounds} answers were lost, and the messages were sent again (${again.join(', ')}): ${duplicates} are there twice, ${lost} are not there`;
}

async function loseAnswers(context: ScenarioContext, mode: string, index: number): Promise<Found> {
  const { stage } = context;
  const topic = await stage.topic(`t${index}`);
  const subscription = await stage.subscription(`s${index}`, topic);
  const ledger = new Ledger();
  let byApplication = 0;
  for (let round = 0; round < rounds; round++) {
    const { number, isStored } = await loseOne(context, topic, mode, ledger);
    if (isStored) continue;
    // Unknown or refused, the application sends it again.
    byApplication++;
    const fresh = await stage.within(context.open(), 'a client after the cut');
    await publishAgain(stage, fresh, topic, ledger, [number], mode);
    await stage.within(fresh.close(), 'a client to close');
  }
  const { received } = await readBack(context, { topic, subscription, quietMs });
  for (const { text } of received) {
    const number = numberOf(text);
    if (number !== null) ledger.see(number);
  }
  const { duplicates, lost } = ledger.balance();
  return { mode, byLibrary: rounds - byApplication, byApplication, duplicates, lost };
}

/** A client that has published before, so that it is connected, publishes one whose answer is lost with the connection. */
async function loseOne({ stage, faults, open }: ScenarioContext, topic: string, mode: string, ledger: Ledger) {
  if (faults === null) throw new Error('duplicates-after-retry needs faults');
  // One of its own, so that the stage's keeps its connections from being deaf for longer than needed.
  const client: Wire = await stage.within(open(), 'a client');
  const publisher = await stage.within(client.publisher(topic, { mode }), 'a publisher');
  const published = async (number: number) =>
    await new Promise<boolean>((resolve) => {
      publisher.publish([{ key: null, value: Buffer.from(`m-${number}`) }], (_, result) => {
        ledger.answer(number, result);
        resolve(result.fate === 'acked');
      });
    });
  await stage.within(published(ledger.send()), 'the answer before');
  faults.deafen();
  const number = ledger.send();
  const answered = published(number);
  await stage.pause(arriveMs);
  faults.cut();
  const isStored = await Promise.race([answered, stage.pause(settleMsMax).then(() => false)]);
  // What lost its connection may take long to close, and nobody waits for it.
  void publisher
    .close()
    .then(() => client.close())
    .catch(() => undefined);
  return { number, isStored };
}
