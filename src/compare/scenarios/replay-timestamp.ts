/** Going back to a point in time, to the millisecond: what is read that is older, what is missed that is newer. */

import { type Finding, queues, type Scenario, type ScenarioContext } from './scenario.ts';
import { countOf, held, texts } from './stage.ts';

/** Early in a second, so that both halves fall into the same one and a resolution of a second shows. */
const earlyInSecondMs = 300;
/** Between the halves, on both sides of the wanted time: far above the clock's own resolution. */
const gapMs = 20;

export const replayTimestamp: Scenario = {
  id: 'replay-timestamp',
  number: 'S07',
  title: 'Replay from a time',
  question: 'Can a subscription go to a point in time and get exactly what came after it?',
  layers: ['port', 'bare'],
  notFor: () => null,
  exclusive: false,
  isInSmoke: true,
  expectations: [
    {
      systems: ['log', 'kafka'],
      versions: '*',
      verdict: 'PASS',
      why: 'The time index leads to the first message at or after the time.',
      source: 'kafka docs (ListOffsets by timestamp); Sluice log',
    },
    {
      systems: ['rabbitmq-stream'],
      layers: ['port'],
      versions: '*',
      verdict: 'EMULATED',
      why: 'The stream starts at the chunk of that second; the adapter leaves out what is older.',
      source: 'rabbitmq-website docs/streams (timestamp, chunks)',
    },
    {
      systems: ['rabbitmq-stream'],
      layers: ['bare'],
      versions: '*',
      verdict: 'DIFFERS',
      why: 'AMQP times are whole seconds and a stream starts at a chunk: older messages come too.',
      source: 'rabbitmq-website docs/streams (timestamp, chunks)',
    },
    {
      systems: queues,
      versions: '*',
      verdict: 'UNSUPPORTED',
      why: 'A queue keeps nothing to go back to.',
      source: 'rabbitmq-website docs/queues; Sluice capability replay.timestamp',
    },
  ],
  run,
};

async function run({ wire, stage, messages }: ScenarioContext): Promise<Finding> {
  const topic = await stage.topic('t');
  const subscription = await stage.subscription('s', topic);
  const half = Math.ceil(messages / 2);
  await stage.pause(1_000 - (Date.now() % 1_000));
  await stage.publishAcked(topic, texts('old', half));
  await stage.pause(gapMs);
  const wantedMs = Date.now();
  await stage.pause(gapMs);
  await stage.publishAcked(topic, texts('new', half));
  const last = `new-${half - 1}`;
  await stage.receiveUntil(subscription, (text) => text === last);
  await stage.within(wire.seek(subscription, { timestampMs: wantedMs }), 'the seek');
  const received = await stage.receiveUntil(subscription, (text) => text === last);
  const overRead = countOf(received, 'old');
  const missed = half - countOf(received, 'new');
  return {
    verdict: overRead === 0 && missed === 0 ? held(wire, 'replay.timestamp') : 'DIFFERS',
    summary: `${overRead} of ${half} older messages came too, ${missed} of ${half} newer ones were missed`,
    observed: { publishedBefore: half, publishedAfter: half, overRead, missed },
    evidence: [
      `asked for ${new Date(wantedMs).toISOString()}${wantedMs % 1_000 < earlyInSecondMs ? '' : ' (late in its second: a coarse clock may pass unseen)'}`,
      `first message: ${received[0]?.text ?? 'none'}`,
    ],
  };
}
