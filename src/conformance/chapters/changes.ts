/** Contract: definitions that change while they are used. What a backend cannot change it refuses, and then nothing has changed. */

import { definitionRevision } from '../../adapters/definitions.ts';
import { PortError } from '../../adapters/errors.ts';
import type { MessagingPort, TopicChanges, TopicDefinition } from '../../adapters/port.ts';
import { type Chapter, contract } from '../chapter.ts';
import { check, equal, rejects, sameItems } from '../expect.ts';
import { texts, type World } from '../world.ts';

export const changeChapters: readonly Chapter[] = [
  contract('a subscription that is changed leaves what was not named, and its open consumers follow', async (world) => {
    const { port, timing } = world;
    const { topic, subscription, consumer } = await world.reader({}, { ackDeadlineMs: 60_000 });
    const before = await port.describeSubscription(subscription);
    const changed = await port.alterSubscription(subscription, {
      ackDeadlineMs: timing.leaseMs,
      retry: { minBackoffMs: 0, maxBackoffMs: 0 },
    });
    const expected = {
      ...before,
      ackDeadlineMs: timing.leaseMs,
      retry: { ...before.retry, minBackoffMs: 0, maxBackoffMs: 0 },
    };
    equal(definitionRevision(changed), definitionRevision(expected), 'the revision of the answer');
    equal(await port.describeSubscription(subscription), changed, 'the description after the change');
    await world.publishValues(topic, ['late']);
    const first = await world.receiveOne(consumer);
    equal(first.attempt, 1, 'the first attempt');
    const again = await world.receiveOne(consumer);
    check(again.attempt > 1, `with a deadline of ${timing.leaseMs} ms it came again as attempt ${again.attempt}`);
  }),

  contract('maxInFlight that is changed holds for consumers that are open', async (world) => {
    const { topic, subscription, consumer } = await world.reader({}, { maxInFlight: { messages: 1 } });
    await world.publishValues(topic, ['a', 'b', 'c']);
    const one = await world.receive(consumer, 1);
    await world.nothingComes(consumer, 'with maxInFlight of 1 message and one out');
    await world.port.alterSubscription(subscription, { maxInFlight: { messages: 3 } });
    const more = await world.receive(consumer, 2);
    sameItems(texts([...one, ...more]), ['a', 'b', 'c'], 'messages with maxInFlight of 3');
    await world.ack(consumer, [...one, ...more]);
  }),

  contract('a topic grows by partitions that its subscriptions read, or the change is refused', async (world) => {
    const { port } = world;
    const { topic, subscription, consumer } = await world.reader();
    await world.publishValues(topic, ['before']);
    sameItems(texts(await world.receiveAll(consumer, 1)), ['before'], 'messages before the change');
    if (!(await changed(world, topic, { partitions: 3 }, (to) => to.partitions === 3))) return;
    for (let partition = 0; partition < 3; partition += 1)
      await world.publishValues(topic, [`p${partition}`], { partition });
    sameItems(texts(await world.receiveAll(consumer, 3)), ['p0', 'p1', 'p2'], 'messages of the three partitions');
    await rejects(
      'invalid_argument',
      'a topic that shrinks',
      async () => await port.alterTopic(topic, { partitions: 2 }),
    );
    if (world.claims('lag')) await world.eventually('the lag', 0, async () => (await port.lag(subscription)).total);
  }),

  contract('retention and cleanup are changed, or the change is refused and nothing of it done', async (world) => {
    const topic = await world.topic();
    if (!world.claims('ttl.retention')) {
      const longer = async (): Promise<unknown> => await world.port.alterTopic(topic, { retention: { ms: 3_600_000 } });
      await rejects('capability_unsupported', 'a retention where there is none', longer);
      return;
    }
    const both = { retention: { ms: 3_600_000, bytes: 50_000_000 } };
    if (!(await changed(world, topic, both, ({ retention }) => retention.ms === 3_600_000))) return;
    const one = await world.port.alterTopic(topic, { retention: { ms: null } });
    equal(one.retention, { ms: null, bytes: 50_000_000 }, 'the retention without its time');
    if (!world.claims('compaction')) {
      const compact = async (): Promise<unknown> => await world.port.alterTopic(topic, { cleanup: 'compact' });
      await rejects('capability_unsupported', 'compaction where there is none', compact);
      return;
    }
    equal((await world.port.alterTopic(topic, { cleanup: 'compact' })).cleanup, 'compact', 'the cleanup');
    const [outcome] = await world.port.publish(topic, [{ value: 'without a key' }]);
    equal(outcome?.kind, 'refused', 'a message without a key on the topic that is compacted now');
  }),

  contract('a change for a revision that is not there any more is precondition_failed, and not made', async (world) => {
    const { port } = world;
    const { topic, subscription } = await world.reader();
    const before = await port.describeSubscription(subscription);
    const ifRevision = definitionRevision(before);
    const [one, two] = await Promise.all(
      [11_111, 22_222].map(async (ackDeadlineMs) => {
        const change = port.alterSubscription(subscription, { ackDeadlineMs }, { ifRevision });
        return await change.then(
          (to) => to.ackDeadlineMs,
          (reason: unknown) => PortError.from(reason).code,
        );
      }),
    );
    const winner = [one, two].find((result) => typeof result === 'number');
    check(
      winner !== undefined && [one, two].includes('precondition_failed'),
      `of two changes of one revision one is made and one is precondition_failed, not ${one} and ${two}`,
    );
    equal((await port.describeSubscription(subscription)).ackDeadlineMs, winner, 'the deadline');
    const late = async (): Promise<unknown> => await port.alterTopic(topic, { partitions: 2 }, { ifRevision });
    await rejects('precondition_failed', 'a change of the topic at a revision of something else', late);
    equal((await port.describeTopic(topic)).partitions, 1, 'the partitions');
  }),

  contract('what is not there cannot be changed, and what is out of range is invalid_argument', async (world) => {
    const { port } = world;
    const { topic, subscription } = await world.reader();
    const nowhere = world.name('nowhere');
    const calls: readonly (readonly [
      'topic_not_found' | 'subscription_not_found' | 'invalid_argument',
      () => Promise<unknown>,
    ])[] = [
      ['topic_not_found', async () => await port.alterTopic(nowhere, { partitions: 2 })],
      ['subscription_not_found', async () => await port.alterSubscription(nowhere, { ackDeadlineMs: 1_000 })],
      ['invalid_argument', async () => await port.alterTopic(topic, { partitions: 100_000 })],
      ['invalid_argument', async () => await port.alterSubscription(subscription, { ackDeadlineMs: 1 })],
      ['invalid_argument', async () => await port.alterSubscription(subscription, { retry: { minBackoffMs: 70_000 } })],
    ];
    for (const [code, call] of calls) await rejects(code, `a change that is ${code}`, call);
  }),

  contract('a change by one process is seen by every other, and its consumers read what is new', async (world) => {
    const other = await world.anotherPort();
    const { topic, subscription, consumer } = await world.reader();
    await world.port.alterSubscription(subscription, { ackDeadlineMs: 23_456 });
    await world.eventually(
      'the deadline as the other process sees it',
      23_456,
      async () => await deadlineIn(other, subscription),
    );
    let to: TopicDefinition | undefined;
    try {
      to = await other.alterTopic(topic, { partitions: 2 });
    } catch (reason) {
      equal(PortError.from(reason).code, 'capability_unsupported', 'the refused change');
      return;
    }
    equal(to.partitions, 2, 'the partitions');
    await other.publish(topic, [{ value: 'new', partition: 1 }]);
    sameItems(texts(await world.receiveAll(consumer, 1)), ['new'], 'messages of the partition that another made');
  }),
];

/** Whether it was made; a refusal must leave everything as it was. */
async function changed(
  world: World,
  topic: string,
  changes: TopicChanges,
  holds: (to: TopicDefinition) => boolean,
): Promise<boolean> {
  const before = await world.port.describeTopic(topic);
  let to: TopicDefinition;
  try {
    to = await world.port.alterTopic(topic, changes);
  } catch (reason) {
    equal(PortError.from(reason).code, 'capability_unsupported', `the refusal of ${JSON.stringify(changes)}`);
    equal(await world.port.describeTopic(topic), before, 'the topic after the refused change');
    return false;
  }
  check(holds(to), `${JSON.stringify(changes)} was answered with ${JSON.stringify(to)}`);
  equal(await world.port.describeTopic(topic), to, 'the description after the change');
  return true;
}

async function deadlineIn(port: MessagingPort, subscription: string): Promise<number | undefined> {
  return (await port.listSubscriptions()).find(({ name }) => name === subscription)?.ackDeadlineMs;
}
