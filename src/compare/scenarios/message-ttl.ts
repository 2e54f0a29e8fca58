/** Messages that expire on their own: do they go in time, also behind one that lives longer? */

import { everySystem, expected, type Finding, queues, type Scenario, type ScenarioContext } from './scenario.ts';
import { countOf, texts } from './stage.ts';

const shortMs = 300;
const longMs = 4_000;
const count = 20;
const afterMs = 1_000;

export const messageTtl: Scenario = {
  id: 'message-ttl',
  number: 'S35',
  title: 'Time to live',
  question:
    'Is a message that lived too long never delivered, and does it leave in time also behind one that lives longer?',
  layers: ['port', 'bare'],
  notFor: () => null,
  exclusive: false,
  deadlineMs: () => 60_000,
  expectations: [
    expected(
      queues,
      'port',
      'PASS',
      'Never delivered late; how long it stays behind a longer-lived one cannot be seen through the port.',
      'rabbitmq-website docs/ttl; Sluice capability ttl.message',
    ),
    expected(
      queues,
      'bare',
      'DIFFERS',
      'Never delivered late, but it leaves only at the head of the queue: behind a longer-lived one it stays.',
      'rabbitmq-website docs/ttl (caveats)',
    ),
    expected(
      everySystem,
      'any',
      'UNSUPPORTED',
      'A log has retention, no time to live of single messages.',
      'kafka topic configs; rabbitmq-website docs/streams; Sluice capability ttl.message',
    ),
  ],
  run,
};

async function run({ wire, stage }: ScenarioContext): Promise<Finding> {
  const topic = await stage.topic('t');
  const rules = wire.layer === 'bare' ? { rules: { hasDeadLetters: true } } : {};
  const plain = await stage.subscription('plain', topic, rules);
  await stage.publishAcked(
    topic,
    texts('short', count).map((one) => ({ ...one, ttlMs: shortMs })),
  );
  await stage.pause(afterMs);
  await stage.publishAcked(topic, [{ text: 'end' }]);
  const late = countOf(await stage.receiveUntil(plain, (text) => text === 'end'), 'short');

  const other = await stage.topic('behind');
  const behind = await stage.subscription('behind-s', other, rules);
  await stage.publishAcked(
    other,
    texts('long', 1).map((one) => ({ ...one, ttlMs: longMs })),
  );
  const startedMs = stage.nowMs;
  await stage.publishAcked(
    other,
    texts('short', count).map((one) => ({ ...one, ttlMs: shortMs })),
  );
  const leftMs = wire.layer === 'bare' ? await leftAfter(stage, behind, startedMs) : null;
  const isInTime = leftMs === null || leftMs < afterMs;
  const stayed =
    leftMs === null
      ? 'how long they stay behind a longer-lived one cannot be seen through the port'
      : `behind one that lives ${longMs} ms they stayed ${leftMs} ms`;
  return {
    verdict: late === 0 && isInTime ? 'PASS' : 'DIFFERS',
    summary: `${late} of ${count} were delivered after their time; ${stayed}`,
    observed: { ttlMs: shortMs, published: count, deliveredLate: late, stayedMs: leftMs ?? 'not visible' },
    evidence: [],
  };
}

/** When the first of the short-lived arrives among the dead letters. */
async function leftAfter(stage: ScenarioContext['stage'], subscription: string, startedMs: number): Promise<number> {
  const dead = await stage.deadLettersOf(subscription);
  const received = await stage.receiveUntil(dead, (text) => text.startsWith('short-'));
  const first = received.find(({ text }) => text.startsWith('short-'));
  return Math.round((first?.atMs ?? stage.nowMs) - startedMs);
}
