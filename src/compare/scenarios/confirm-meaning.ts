/** Each way to publish, then the broker is killed: which answers meant that the message is stored? */

import { percentile } from './figures.ts';
import { readBack } from './flow.ts';
import { expected, type Finding, queues, type Scenario, type ScenarioContext } from './scenario.ts';
import { countOf } from './stage.ts';
import type { Wire } from '../systems/wire.ts';
import { isRefusalCode } from '../systems/wire.ts';

const perMode = 100;
/** What is younger when the broker dies is another question: broker-kill-new-queue. */
const ageMs = 5_000;
const quietMs = 500;

export const confirmMeaning: Scenario = {
  id: 'confirm-meaning',
  number: 'S25',
  title: 'What an answer means',
  question: 'Does an answered publish survive a kill of the broker in every way of publishing, also the weakest?',
  layers: ['port', 'bare'],
  notFor: () => null,
  exclusive: true,
  isFault: true,
  deadlineMs: () => 120_000,
  expectations: [
    expected(
      ['rabbitmq-quorum', 'rabbitmq-stream'],
      'any',
      'PASS',
      'Whatever the publisher asks for, it is written before it is confirmed; quorum queues also sync.',
      'RabbitMQ blog 2025-01-17; rabbitmq-website docs/quorum-queues, docs/streams',
    ),
    expected(
      ['rabbitmq-classic'],
      'any',
      'DIFFERS',
      'A message published as transient is confirmed in memory and gone after a restart.',
      'rabbitmq-website docs/confirms, docs/queues (durability)',
    ),
    expected(
      ['kafka'],
      'bare',
      'PASS',
      'With acks=1 and acks=all it is in the page cache of the leader. acks=0 asks for no answer, so its messages count as sent only.',
      'kafka producer config acks',
    ),
    expected(
      ['kafka'],
      'port',
      'PASS',
      'Kafka writes every message to the page cache, the weakest too.',
      'Sluice capability durability.memory',
    ),
    {
      ...expected(
        ['log'],
        'any',
        'DIFFERS',
        'With memory it is answered before it is written: what the last milliseconds held may be gone.',
        'Sluice capability durability.memory',
      ),
      or: 'PASS',
    },
    expected(queues, 'any', 'PASS', 'Written before it is confirmed.', 'RabbitMQ blog 2025-01-17'),
  ],
  run,
};

interface Mode {
  readonly name: string;
  readonly acked: number;
  readonly refusal: string | null;
  readonly p50Ms: number;
  readonly topic: string;
  readonly subscription: string;
  kept: number;
}

async function run(context: ScenarioContext): Promise<Finding> {
  const { wire, stage, faults } = context;
  if (faults === null) throw new Error('confirm-meaning needs faults');
  const modes: Mode[] = [];
  const places: { name: string; topic: string; subscription: string }[] = [];
  for (const [index, name] of wire.publishModes.entries()) {
    const topic = await stage.topic(`t${index}`);
    places.push({ name, topic, subscription: await stage.subscription(`s${index}`, topic) });
  }
  await stage.pause(ageMs);
  for (const { name, topic, subscription } of places)
    modes.push(await publishIn(wire, stage, name, topic, subscription));
  await faults.kill();
  const restartMs = await stage.within(faults.start(), 'the broker to start again');
  for (const mode of modes) {
    if (mode.refusal !== null) continue;
    const { received } = await readBack(context, { topic: mode.topic, subscription: mode.subscription, quietMs });
    mode.kept = countOf(received, 'm');
  }
  const asked = modes.filter(({ refusal }) => refusal === null);
  // Without acks nobody answers, and the client only says that it sent.
  const weak = asked.filter(({ name, kept, acked }) => isAnswered(name) && kept < acked);
  return {
    verdict: weak.length === 0 ? 'PASS' : 'DIFFERS',
    summary: modes
      .map(({ name, acked, kept, refusal, p50Ms }) =>
        refusal !== null
          ? `${name}: refused`
          : isAnswered(name)
            ? `${name}: ${kept} of ${acked} kept (answered after ${p50Ms} ms)`
            : `${name}: not answered at all; ${kept} of ${acked} sent ones were there, which nothing promises`,
      )
      .join('; '),
    observed: {
      modes: modes.map(({ name }) => name),
      answered: modes.map(({ name, acked }) => (isAnswered(name) ? acked : 0)),
      sent: modes.map(() => perMode),
      kept: modes.map(({ kept }) => kept),
      answerP50Ms: modes.map(({ p50Ms }) => p50Ms),
      restartMs,
    },
    evidence: modes.flatMap(({ name, refusal }) => (refusal === null ? [] : [`${name}: ${refusal}`])),
  };
}

function isAnswered(mode: string): boolean {
  return mode !== 'acks=0';
}

async function publishIn(
  wire: Wire,
  stage: ScenarioContext['stage'],
  name: string,
  topic: string,
  subscription: string,
): Promise<Mode> {
  const publisher = await wire.publisher(topic, { mode: name });
  const waits: number[] = [];
  let acked = 0;
  let refusal: string | null = null;
  for (let i = 0; i < perMode && refusal === null; i++) {
    const startedMs = stage.nowMs;
    const result = await stage.within(
      new Promise<Parameters<Parameters<typeof publisher.publish>[1]>[1]>((resolve) =>
        publisher.publish([{ key: null, value: Buffer.from(`m-${i}`) }], (_, answer) => resolve(answer)),
      ),
      'an answer',
    );
    waits.push(stage.nowMs - startedMs);
    if (result.fate === 'acked') acked++;
    else if (isRefusalCode(result.code)) refusal = result.code;
  }
  return { name, acked, refusal, p50Ms: percentile(waits, 0.5), topic, subscription, kept: 0 };
}
