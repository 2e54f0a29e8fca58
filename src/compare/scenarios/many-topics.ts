/** Many topics, each with a subscription: what does one more cost, and do they all work? */

import { everySystem, expected, type Finding, type Scenario, type ScenarioContext } from './scenario.ts';
import { percentile, rounded } from './figures.ts';

const topicsMin = 30;
const topicsMax = 300;
/** Joining a group takes Kafka's clients a while: not every one is read. */
const readOf = 5;

export const manyTopics: Scenario = {
  id: 'many-topics',
  number: 'S47',
  title: 'Many topics',
  question: 'Can many topics with a subscription each be made and used, and what does one cost?',
  layers: ['port', 'bare'],
  notFor: () => null,
  exclusive: true,
  isSlow: true,
  deadlineMs: () => 180_000,
  expectations: [
    expected(
      everySystem,
      'any',
      'PASS',
      'Hundreds are usual for all of them; a queue is an Erlang process (a quorum queue a Raft group), a partition of a log is files.',
      'rabbitmq-website docs/quorum-queues (resource use); kafka docs/operations',
    ),
  ],
  run,
};

async function run({ stage, messages, usage }: ScenarioContext): Promise<Finding> {
  const count = Math.min(topicsMax, Math.max(topicsMin, Math.floor(messages / 10)));
  const before = usage();
  const makeMs: number[] = [];
  const pairs: { topic: string; subscription: string }[] = [];
  for (let i = 0; i < count; i++) {
    const startedMs = stage.nowMs;
    const topic = await stage.topic(`t${i}`);
    pairs.push({ topic, subscription: await stage.subscription(`s${i}`, topic) });
    makeMs.push(stage.nowMs - startedMs);
  }
  const after = usage();
  let answered = 0;
  for (const { topic } of pairs) {
    const [result] = await stage.publish(topic, [{ text: 'only' }]);
    if (result?.fate === 'acked') answered++;
  }
  let read = 0;
  const step = Math.floor(count / readOf);
  for (let i = 0; i < readOf; i++) {
    const { subscription } = pairs[i * step] as (typeof pairs)[number];
    const received = await stage.receiveUntil(subscription, (text) => text === 'only');
    if (received.length === 1) read++;
  }
  const grownKib =
    before === null || after === null ? null : Math.round((after.rssBytes - before.rssBytes) / 1024 / count);
  return {
    verdict: answered === count && read === readOf ? 'PASS' : 'DIFFERS',
    summary: `${count} topics made in ${percentile(makeMs, 0.5)} ms each (p99 ${percentile(makeMs, 0.99)}), ${answered} took a message, ${read} of ${readOf} delivered it${grownKib === null ? '' : `; the broker grew by ${grownKib} KiB for each`}`,
    observed: {
      topics: count,
      makeP50Ms: percentile(makeMs, 0.5),
      makeP99Ms: percentile(makeMs, 0.99),
      tookAMessage: answered,
      read,
      brokerKibPerTopic: grownKib ?? 'not visible',
      makeTotalMs: rounded(makeMs.reduce((sum, ms) => sum + ms, 0)),
    },
    evidence: [],
  };
}
