/** One message always fails: do the others go on, is it counted, and where does it end? */

import { everySystem, type Finding, type Scenario, type ScenarioContext } from './scenario.ts';
import { held, signal, texts } from './stage.ts';

const maxAttempts = 3;
const credit = 10;

export const poisonMessage: Scenario = {
  id: 'poison-message',
  number: 'S20',
  title: 'Poison message',
  question: 'Is a message that always fails set aside after its attempts, while the others are done?',
  layers: ['port'],
  notFor: () => null,
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
  ],
  run,
};

async function run({ wire, stage, messages }: ScenarioContext): Promise<Finding> {
  const topic = await stage.topic('t');
  const subscription = await stage.subscription('s', topic, { maxAttempts });
  const deadTopic = `${subscription}.dead`;
  const count = Math.min(messages, 100);
  const poison = `m-${Math.floor(count / 3)}`;
  const attempts: (number | null)[] = [];
  const done = new Set<string>();
  const othersDone = signal();
  await stage.consume(subscription, {
    credit,
    settle: { kind: 'each' },
    onDelivery: (delivery) => {
      const text = delivery.value.toString();
      if (text === poison) {
        attempts.push(delivery.attempt);
        delivery.nack();
        return;
      }
      done.add(text);
      delivery.ack();
      if (done.size === count - 1) othersDone.resolve();
    },
    onError: othersDone.reject,
  });
  await stage.publishAcked(topic, texts('m', count));
  await stage.within(othersDone.promise, `the other ${count - 1} to be done`);
  const deadReader = await stage.subscription('dead-reader', deadTopic, { start: 'earliest' });
  const dead = await stage.receiveUntil(deadReader, (text) => text === poison);
  const counted = attempts.map((attempt) => attempt ?? 0);
  const isCounted = counted.length === maxAttempts && counted.every((attempt, index) => attempt === index + 1);
  return {
    verdict: isCounted && dead.length === 1 ? held(wire, 'deadLetter') : 'DIFFERS',
    summary: `${attempts.length} attempts of ${maxAttempts} allowed, ${dead.length} dead letter, ${done.size} of ${count - 1} others done`,
    observed: { published: count, attempts: counted, deadLetters: dead.length, othersDone: done.size },
    evidence: [`dead letter: ${dead[0]?.text ?? 'none'}`],
  };
}
