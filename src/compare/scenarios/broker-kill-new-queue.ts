/** The broker is killed within a second of the topic's making: are its acknowledged messages there afterwards? */

import { readBack } from './flow.ts';
import { everySystem, expected, type Finding, type Scenario, type ScenarioContext } from './scenario.ts';
import { countOf, texts, Undecided } from './stage.ts';

const count = 50;
const quietMs = 500;

export const brokerKillNewQueue: Scenario = {
  id: 'broker-kill-new-queue',
  number: 'S28',
  title: 'Broker killed, topic brand new',
  question: 'Is every acknowledged message there when the broker is killed right after the topic was made and filled?',
  layers: ['port', 'bare'],
  notFor: () => null,
  exclusive: true,
  isFault: true,
  deadlineMs: () => 120_000,
  expectations: [
    {
      ...expected(
        ['rabbitmq-quorum'],
        'any',
        'PASS',
        'A quorum queue syncs a message before it confirms it; nothing in the documents says that a queue has to be older.',
        'rabbitmq-website docs/quorum-queues (data safety)',
      ),
      explained:
        'the name of the queue\'s member is written to a file that is not synced at once (names.dets). After the kill the broker repairs the file, does not find the member, says so in its log ("was not found on this node. Starting member as a new one") and starts it empty: the messages were synced, the member that owns them was not. On 4.0 and 3.10 the queue does not come back: it refuses every publish. Seen in every kill within half a second of the making, and in none of a queue that was five seconds old; a cluster, whose other members should have the messages, was not tried.',
    },
    expected(
      everySystem,
      'any',
      'PASS',
      'What was answered was given to the kernel, the topic too.',
      'RabbitMQ blog 2025-01-17; kafka docs/design',
    ),
  ],
  run,
};

async function run(context: ScenarioContext): Promise<Finding> {
  const { stage, faults } = context;
  if (faults === null) throw new Error('broker-kill-new-queue needs faults');
  const startedMs = stage.nowMs;
  const topic = await stage.topic('t');
  const subscription = await stage.subscription('s', topic);
  await stage.publishAcked(topic, texts('m', count));
  const ageMs = Math.round(stage.nowMs - startedMs);
  await faults.kill();
  await stage.within(faults.start(), 'the broker to start again');
  const { received, trouble } = await readBack(context, { topic, subscription, quietMs }).then(
    (back) => ({ ...back, trouble: null }),
    (reason: unknown) => {
      if (reason instanceof Undecided) throw reason;
      // The broker answers for everything else: this queue does not come back.
      return { received: [], trouble: reason instanceof Error ? reason.message : String(reason) };
    },
  );
  const kept = countOf(received, 'm');
  return {
    verdict: kept === count ? 'PASS' : 'DIFFERS',
    summary: `${trouble === null ? '' : `the topic took and gave nothing after the restart (${trouble}): `}${kept} of ${count} acknowledged messages are there; the topic was ${ageMs} ms old when the broker was killed`,
    observed: { acked: count, kept, lost: count - kept, topicAgeMs: ageMs, kills: 1 },
    evidence: ['one kill: what did not happen may happen in up to 95 % of them'],
  };
}
