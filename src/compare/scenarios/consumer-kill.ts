/** The process of a consumer is killed (SIGKILL) in the middle of its work: does the next one get all that was not acked? */

import { seededRandom } from '../workloads/index.ts';
import { boundOf } from './figures.ts';
import { everySystem, expected, type Finding, queues, type Scenario, type ScenarioContext } from './scenario.ts';
import { type Received, signal, texts } from './stage.ts';

const perSubscription = 60;
const credit = 10;
const quietMs = 2_500;
/** Kafka holds the partitions of a dead member for the session timeout of 30 s, and clients may wait longer for it to rejoin. */
const patienceMs = 75_000;

export const consumerKill: Scenario = {
  id: 'consumer-kill',
  number: 'S22',
  title: 'Consumer killed',
  question: 'When a consumer process is killed, does the next one get every message it had not acked, and little else?',
  layers: ['port', 'bare'],
  notFor: (system) =>
    system === 'log' ? 'a consumer of the embedded log dies with the log: that is broker-kill' : null,
  exclusive: true,
  isSlow: true,
  deadlineMs: () => 150_000,
  expectations: [
    expected(
      queues,
      'any',
      'PASS',
      'What was handed out and not acked goes back to the queue, marked as redelivered, as soon as the connection is gone.',
      'rabbitmq-website docs/confirms (automatic requeueing)',
    ),
    expected(
      ['rabbitmq-stream'],
      'bare',
      'DIFFERS',
      'The place was in the dead process: over AMQP 0-9-1 the server keeps none, so all of it comes again unless the client stored its offset.',
      'rabbitmq-website docs/stream-core-plugin-comparison',
    ),
    expected(
      ['kafka'],
      'bare',
      'PASS',
      'Our consumer commits the offset of each message when it is done: the next one goes on there. One that commits whole batches does a part of the last one again. Nothing says that a message came before.',
      'kafka docs/design (consumer position); kafkajs docs/consuming (autoCommitThreshold)',
    ),
    expected(
      everySystem,
      'any',
      'PASS',
      'The next one goes on at what was committed; nothing says that a message came before.',
      'kafka docs/design (consumer position)',
    ),
  ],
  run,
};

/** 3 in smoke, 5 in standard, 20 in full; all in one process that is killed once. */
function subscriptionsOf(messages: number): number {
  if (messages < 1_000) return 3;
  return messages < 10_000 ? 5 : 20;
}

async function run(context: ScenarioContext): Promise<Finding> {
  const { stage, messages, seed, openProcess } = context;
  const count = subscriptionsOf(messages);
  const random = seededRandom(seed);
  const other = await stage.within(openProcess(), 'the process of the consumer');
  const cells: { readonly subscription: string; readonly acked: Set<string> }[] = [];
  const reached = signal();
  let ready = 0;
  for (let i = 0; i < count; i++) {
    const topic = await stage.topic(`t${i}`);
    const subscription = await stage.subscription(`s${i}`, topic);
    await stage.adopt(other, subscription);
    await stage.publishAcked(topic, texts('m', perSubscription));
    // Each is somewhere else in its work when the process dies.
    const stopAt = 5 + Math.floor(random() * (perSubscription / 2));
    const acked = new Set<string>();
    let isReady = false;
    await stage.within(
      other.consume(subscription, {
        credit,
        settle: { kind: 'each' },
        onDelivery: (delivery) => {
          if (acked.size < stopAt) {
            acked.add(delivery.value.toString());
            delivery.ack();
          } else if (!isReady) {
            isReady = true;
            if (++ready === count) reached.resolve();
          }
        },
        onError: reached.reject,
      }),
      'a consumer to open',
    );
    cells.push({ subscription, acked });
  }
  await stage.within(reached.promise, 'the consumers to be in their work');
  // Acks that are on their way in this moment count as lost with the process: the sets are of what was meant to be acked.
  await stage.pause(ackMs);
  await other.kill();
  const killedAt = stage.nowMs;
  let lost = 0;
  let ackedAndAgain = 0;
  let unmarked = 0;
  let lostIn = 0;
  const resumedMs: number[] = [];
  const results = await Promise.all(
    cells.map(async ({ subscription, acked }) => ({
      acked,
      received: await drainPatiently(stage, subscription, perSubscription - acked.size),
    })),
  );
  for (const { acked, received } of results) {
    const seen = new Set(received.map(({ text }) => text));
    const missing = perSubscription - new Set([...seen, ...acked]).size;
    lost += missing;
    if (missing > 0) lostIn++;
    const again = received.filter(({ text }) => acked.has(text));
    ackedAndAgain += again.length;
    unmarked += again.filter(({ isRedelivered }) => isRedelivered !== true).length;
    resumedMs.push(Math.round((received[0]?.atMs ?? stage.nowMs) - killedAt));
  }
  const isLittle = ackedAndAgain <= credit * count;
  return {
    verdict: lost === 0 && isLittle ? 'PASS' : 'DIFFERS',
    summary: `${count} subscriptions of a killed process: ${lost} of ${count * perSubscription} messages lost, ${ackedAndAgain} that were done and acked came again (${unmarked} without a mark), the next consumer had its first after ${Math.max(...resumedMs)} ms`,
    observed: {
      subscriptions: count,
      published: count * perSubscription,
      prefetch: credit,
      lost,
      ackedAndAgain,
      againWithoutMark: unmarked,
      resumedAfterMs: resumedMs,
    },
    evidence: [`subscriptions with loss: ${boundOf(lostIn, count)}`],
  };
}

const ackMs = 300;

/** Until nothing comes for a while, counted from the first: before that somebody may still hold the dead one's place. */
async function drainPatiently(
  stage: ScenarioContext['stage'],
  subscription: string,
  least: number,
): Promise<readonly Received[]> {
  const received = [...(await stage.drain(subscription, { count: least, quietMs: patienceMs }))];
  received.push(...(await stage.drain(subscription, { count: Number.MAX_SAFE_INTEGER, quietMs })));
  return received;
}
