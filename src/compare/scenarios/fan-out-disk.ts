/** What one more subscription costs on the disk: is a message stored once, or once for each subscription? */

import { everySystem, type Finding, queues, type Scenario, type ScenarioContext } from './scenario.ts';
import { Undecided } from './stage.ts';

/** The curve, and the two ends that suffice where time is short. */
const subscriptionCountsLong = [1, 2, 4, 8] as const;
const subscriptionCountsShort = [1, 4] as const;
const messageBytes = 1024;
/** Enough that cursors and indexes of a page each do not show. */
const messagesMin = 1_000;
/** The most subscriptions may cost this much more than one and still count as one stored copy (cursors, indexes). */
const oneCopyRatioMax = 1.5;
/** The broker writes some of it after the confirm: the figure is read when it has rested this long. */
const restMs = 250;
const restWaitMsMax = 3_000;

export const fanOutDisk: Scenario = {
  id: 'fan-out-disk',
  number: 'S01',
  title: 'Fan-out on disk',
  question: 'Is a message stored once, however many subscriptions there are?',
  layers: ['port'],
  notFor: () => null,
  exclusive: true,
  isInSmoke: true,
  expectations: [
    {
      systems: queues,
      versions: '*',
      verdict: 'DIFFERS',
      why: 'Each queue writes its own copy: a Raft log for each quorum queue, a store for each classic queue below 4 KiB.',
      source: 'rabbitmq-website docs/quorum-queues (when not to use), blog 2025-01-17 on how messages are stored',
    },
    {
      systems: everySystem,
      versions: '*',
      verdict: 'PASS',
      why: 'One stored copy, many readers.',
      source: 'rabbitmq-website docs/streams (large fan-outs); kafka docs/design',
    },
  ],
  run,
};

async function run({ stage, messages: asked, disk }: ScenarioContext): Promise<Finding> {
  const subscriptionCounts = asked < messagesMin ? subscriptionCountsShort : subscriptionCountsLong;
  const most = Math.max(...subscriptionCounts);
  const messages = Math.max(asked, messagesMin);
  const payload = 'x'.repeat(messageBytes);
  const perMessage: number[] = [];
  for (const subscriptions of subscriptionCounts) {
    const topic = await stage.topic(`t${subscriptions}`);
    for (let i = 0; i < subscriptions; i++) await stage.subscription(`t${subscriptions}s${i}`, topic);
    const before = await rested(stage, disk);
    await stage.publishAcked(
      topic,
      Array.from({ length: messages }, () => ({ text: payload })),
    );
    const after = await rested(stage, disk);
    perMessage.push(Math.round((after - before) / messages));
  }
  const ratio = Math.round(((perMessage.at(-1) ?? 0) / Math.max(1, perMessage[0] ?? 0)) * 100) / 100;
  return {
    verdict: ratio <= oneCopyRatioMax ? 'PASS' : 'DIFFERS',
    summary: `${perMessage[0]} bytes written for a message of ${messageBytes} with one subscription, ${perMessage.at(-1)} with ${most} (${ratio} times)`,
    observed: {
      subscriptions: [...subscriptionCounts],
      bytesWrittenPerMessage: perMessage,
      messageBytes,
      messages,
      ratioOfMostToOne: ratio,
    },
    evidence: subscriptionCounts.map(
      (count, index) => `${count} subscriptions: ${perMessage[index]} bytes per message`,
    ),
  };
}

/** The meter's figure once it stands still. */
async function rested(stage: ScenarioContext['stage'], disk: ScenarioContext['disk']): Promise<number> {
  const startedMs = performance.now();
  let last = await disk();
  for (;;) {
    await stage.pause(restMs);
    const now = await disk();
    if (now === null || last === null)
      throw new Undecided('the bytes written cannot be seen (no process of ours, or no access)');
    if (now === last || performance.now() - startedMs > restWaitMsMax) return now;
    last = now;
  }
}
