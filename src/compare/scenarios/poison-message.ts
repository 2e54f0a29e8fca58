/** One message always fails: do the others go on, is it counted, and where does it end? */

import { everySystem, expected, type Finding, type Scenario, type ScenarioContext } from './scenario.ts';
import { held, texts } from './stage.ts';

const maxAttempts = 3;
const credit = 10;
/** After so many without an end there is none. */
const attemptsMax = 30;
const quietMs = 2_000;
/** A queue that gives back again and again does so every millisecond. */
const stillMs = 300;

export const poisonMessage: Scenario = {
  id: 'poison-message',
  number: 'S20',
  title: 'Poison message',
  question: 'Is a message that always fails set aside after its attempts, while the others are done?',
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
      why: 'The port counts the attempts and writes the dead letter on every backend alike.',
      source: 'Sluice capabilities deadLetter and ack.attemptCount',
    },
    expected(
      ['rabbitmq-quorum'],
      'bare',
      'PASS',
      'The queue counts what failed (delivery-limit) and hands it to its dead-letter exchange, by the broker alone.',
      'rabbitmq-website docs/quorum-queues (poison message handling)',
    ),
    expected(
      ['rabbitmq-classic'],
      'bare',
      'DIFFERS',
      'A classic queue does not count: the application rejects without requeue when it has had enough.',
      'rabbitmq-website docs/quorum-queues (feature comparison)',
    ),
    expected(
      everySystem,
      'bare',
      'UNSUPPORTED',
      'Consumer groups and streams count no attempts and have no dead letters; the application does both.',
      'kafka docs/design; rabbitmq-website docs/streams',
    ),
  ],
  run,
};

async function run({ wire, stage, messages }: ScenarioContext): Promise<Finding> {
  const topic = await stage.topic('t');
  const rules = wire.layer === 'bare' ? { rules: { hasDeadLetters: true } } : {};
  const subscription = await stage.subscription('s', topic, { maxAttempts, ...rules });
  const count = Math.min(messages, 100);
  const poison = `m-${Math.floor(count / 3)}`;
  const attempts: (number | null)[] = [];
  const done = new Set<string>();
  let lastAt = stage.nowMs;
  await stage.consume(subscription, {
    credit,
    settle: { kind: 'each' },
    onDelivery: (delivery) => {
      const text = delivery.value.toString();
      if (text !== poison) {
        done.add(text);
        delivery.ack();
        return;
      }
      attempts.push(delivery.attempt);
      lastAt = stage.nowMs;
      // Whoever has no end is let go, so that the scenario has one.
      if (attempts.length >= attemptsMax) delivery.ack();
      else if (delivery.fail === undefined) delivery.nack();
      else delivery.fail();
    },
  });
  await stage.publishAcked(topic, texts('m', count));
  await stage.until(() => done.size === count - 1, `the other ${count - 1} to be done`);
  // A broker gives back at once, so that an end is soon told from none; what has an end has a letter, or lost the message.
  const isStill = () => wire.layer === 'port' || stage.nowMs - lastAt > stillMs;
  await stage.until(
    () => attempts.length >= attemptsMax || (attempts.length >= maxAttempts && isStill()),
    'an end of the attempts',
  );
  const isEndless = attempts.length >= attemptsMax;
  const letters = await stage.deadLettersOf(subscription);
  const dead = isEndless ? [] : await stage.drain(letters, { count: 1, quietMs });
  const isCounted = attempts.length === maxAttempts && attempts.every((attempt, index) => attempt === index + 1);
  const isSetAside = dead.length === 1 && dead[0]?.text === poison;
  return {
    verdict: isCounted && isSetAside ? held(wire, 'deadLetter') : 'DIFFERS',
    summary: `${attempts.length} attempts of ${maxAttempts} allowed${isEndless ? ', without an end' : ''}, ${dead.length} dead ${dead.length === 1 ? 'letter' : 'letters'}, ${done.size} of ${count - 1} others done`,
    observed: {
      published: count,
      attempts: attempts.map((attempt) => attempt ?? 0),
      deadLetters: dead.length,
      othersDone: done.size,
    },
    evidence: [`dead letter: ${dead[0]?.text ?? 'none'}`],
  };
}
