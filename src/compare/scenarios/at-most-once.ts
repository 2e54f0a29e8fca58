/** A consumer that acks first and works afterwards is killed: how much is lost? */

import { everySystem, expected, type Finding, type Scenario, type ScenarioContext } from './scenario.ts';
import { signal, type Text } from './stage.ts';

const count = 1_000;
const paddingBytes = 1_024;
const workMs = 5;
const killAt = 20;
/** What a careful consumer has in hand; more than that is lost behind its back. */
const credit = 10;
const quietMs = 3_000;
const patienceMs = 75_000;
const rabbitMq = ['rabbitmq-quorum', 'rabbitmq-classic'] as const;

export const atMostOnce: Scenario = {
  id: 'at-most-once',
  number: 'S21',
  title: 'Acked before the work',
  question: 'When a consumer that acks before its work is killed, is the loss bounded by its prefetch?',
  layers: ['bare'],
  notFor: (system) =>
    system === 'log'
      ? 'a consumer of the embedded log dies with the log'
      : system === 'rabbitmq-stream'
        ? 'streams want acks (of credit) from every consumer'
        : null,
  exclusive: true,
  isSlow: true,
  deadlineMs: () => 150_000,
  expectations: [
    expected(
      rabbitMq,
      'bare',
      'DIFFERS',
      'With automatic acks the broker pushes without regard to a prefetch: all that was on its way is lost.',
      'rabbitmq-website docs/confirms (automatic acknowledgement mode)',
    ),
    expected(
      everySystem,
      'bare',
      'DIFFERS',
      'Our consumer commits a whole fetched batch before it works on it; one that commits the offset of each message before its work loses one message at most.',
      'kafka consumer config max.partition.fetch.bytes, max.poll.records',
    ),
  ],
  run,
};

async function run(context: ScenarioContext): Promise<Finding> {
  const { stage, openProcess } = context;
  const topic = await stage.topic('t');
  const subscription = await stage.subscription('s', topic);
  const padding = 'x'.repeat(paddingBytes);
  const all: readonly Text[] = Array.from({ length: count }, (_, i) => ({ text: `m-${i} ${padding}` }));
  await stage.publishAcked(topic, all);
  const other = await stage.within(openProcess(), 'the process of the consumer');
  await stage.adopt(other, subscription);
  const worked = new Set<string>();
  const enough = signal();
  let isDead = false;
  await stage.within(
    other.consume(subscription, {
      credit,
      settle: { kind: 'before', workMs },
      onDelivery: ({ value }) => {
        if (isDead) return;
        worked.add(value.toString());
        if (worked.size >= killAt) enough.resolve();
      },
      onError: enough.reject,
    }),
    'a consumer to open',
  );
  await stage.within(enough.promise, 'the consumer to be in its work');
  isDead = true;
  await other.kill();
  // Kafka gives the place of a dead member to the next one when its session is over; a marker says when that is.
  await stage.publishAcked(topic, [{ text: 'end' }]);
  const rest = await stage.drain(subscription, { count: 1, quietMs: patienceMs });
  const more = await stage.drain(subscription, { count: Number.MAX_SAFE_INTEGER, quietMs });
  const seen = new Set([...worked, ...[...rest, ...more].map(({ text }) => text)]);
  const lost = all.filter(({ text }) => !seen.has(text)).length;
  return {
    verdict: lost <= credit ? 'PASS' : 'DIFFERS',
    summary: `${worked.size} were worked on, ${lost} of ${count} acked without work and lost (prefetch ${credit})`,
    observed: { published: count, workedOn: worked.size, lost, prefetch: credit, messageBytes: paddingBytes },
    evidence: [],
  };
}
