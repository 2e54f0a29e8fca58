/** Messages that cannot be done: do they end in the dead letters, all of them and with a reason? */

import { everySystem, expected, type Finding, queues, type Scenario, type ScenarioContext } from './scenario.ts';
import { countOf, held, texts } from './stage.ts';

const count = 60;
const rejectEvery = 3;

export const deadLetter: Scenario = {
  id: 'dead-letter',
  number: 'S38',
  title: 'Dead letters',
  question: 'Does every rejected message end in the dead letters once, with the reason, and no other?',
  layers: ['port', 'bare'],
  notFor: () => null,
  exclusive: false,
  expectations: [
    expected(['log'], 'port', 'PASS', 'On its own log Sluice is the whole system.', 'Sluice capability deadLetter'),
    expected(
      everySystem,
      'port',
      'EMULATED',
      'The port writes the letter before the message counts as done.',
      'Sluice capability deadLetter',
    ),
    expected(
      queues,
      'bare',
      'PASS',
      'A dead-letter exchange takes what is rejected, with the header x-death; by default without a confirm on the way (at most once), by quorum queues at least once where dead-letter-strategy asks for it.',
      'rabbitmq-website docs/dlx (safety), docs/quorum-queues (dead lettering)',
    ),
    expected(
      everySystem,
      'bare',
      'UNSUPPORTED',
      'Consumer groups and streams have none; the application writes them itself.',
      'kafka docs/design; rabbitmq-website docs/streams',
    ),
  ],
  run,
};

async function run({ wire, stage }: ScenarioContext): Promise<Finding> {
  const topic = await stage.topic('t');
  const rules = wire.layer === 'bare' ? { rules: { hasDeadLetters: true } } : {};
  const subscription = await stage.subscription('s', topic, rules);
  const done = new Set<string>();
  const rejected = new Set<string>();
  await stage.consume(subscription, {
    credit: 10,
    settle: { kind: 'each' },
    onDelivery: (delivery) => {
      const text = delivery.value.toString();
      const isBad = Number(text.slice(2)) % rejectEvery === 0;
      (isBad ? rejected : done).add(text);
      if (isBad) delivery.reject();
      else delivery.ack();
    },
  });
  await stage.publishAcked(topic, texts('m', count));
  await stage.until(() => done.size + rejected.size === count, 'all to be handed out');
  const letters = await stage.deadLettersOf(subscription);
  const received = await stage.drain(letters, { count: rejected.size, quietMs: 2_000 });
  const strangers = received.filter(({ text }) => !rejected.has(text)).length;
  const reasoned = received.filter(({ headers }) =>
    Object.keys(headers()).some((name) => /death|dead|reason/i.test(name)),
  );
  const whole = countOf(received, 'm') === rejected.size && received.length === rejected.size && strangers === 0;
  return {
    verdict: whole && reasoned.length === received.length ? held(wire, 'deadLetter') : 'DIFFERS',
    summary: `${countOf(received, 'm')} of ${rejected.size} rejected ones are among the dead letters, ${received.length - rejected.size} more than once, ${strangers} others; ${reasoned.length} say why`,
    observed: {
      published: count,
      rejected: rejected.size,
      deadLetters: received.length,
      strangers,
      withReason: reasoned.length,
    },
    evidence: Object.entries(received[0]?.headers() ?? {})
      .slice(0, 4)
      .map(([name, value]) => `${name}: ${value.slice(0, 120)}`),
  };
}
