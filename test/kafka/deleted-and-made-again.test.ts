/** A subscription of a name that was there before: nothing of the earlier one, and no member of a killed process, is in its way. */

import { expect, test } from 'vitest';
import { encodeClaim } from '../../src/adapters/kafka/assignment.ts';
import { ownNames } from '../../src/adapters/kafka/existing.ts';
import { KafkaJsClient } from '../../src/adapters/kafka/kafkajs-client.ts';
import {
  driverOn,
  kafkaOf,
  message,
  publishAll,
  RecordingSink,
  subscriptionOf,
  topicOf,
  uniqueName,
  until,
} from './support.ts';

const CREDIT = { messages: 100, bytes: 1024 * 1024 };

test('a subscription that a killed process read is deleted without waiting for its session to time out', async (ctx) => {
  const brokers = kafkaOf(ctx);
  const driver = await driverOn(brokers, ctx);
  const topic = topicOf(uniqueName('killed'), 1);
  const subscription = subscriptionOf(topic);
  await driver.createTopic(topic);
  await driver.createSubscription(subscription, topic);

  // It joins, commits and is gone without a goodbye, as after kill -9.
  const killed = new KafkaJsClient({ brokers, clientId: 'sluice', connectTimeoutMs: 5_000, tls: null, sasl: null });
  const groupId = ownNames.group(subscription.name);
  const userData = encodeClaim(-1, []);
  const joined = await killed.joinGroup({
    groupId,
    topic: topic.name,
    memberId: '',
    userData,
    onMemberId: () => undefined,
  });
  const member = { groupId, generation: joined.generation, memberId: joined.memberId };
  await killed.syncGroup(member, topic.name, new Map([[joined.memberId, [0]]]));
  killed.close();

  const startedAt = performance.now();
  await driver.deleteSubscription(subscription, topic);
  expect(performance.now() - startedAt).toBeLessThan(12_000);
}, 30_000);

test('a subscription starts where it says, also when the offsets of an earlier one of its name are still there', async (ctx) => {
  const driver = await driverOn(kafkaOf(ctx), ctx);
  const topic = topicOf(uniqueName('again'), 1);
  const subscription = subscriptionOf(topic, 'latest');
  await driver.createTopic(topic);
  await publishAll(driver, topic, [message('a'), message('b')]);
  await driver.createSubscription(subscription, topic);
  const anew = { ...subscription, start: 'earliest' as const };
  await driver.createSubscription(anew, topic);
  const sink = new RecordingSink();
  const intake = await driver.openIntake(anew, topic, sink, CREDIT);
  await until('two deliveries', () => sink.delivered.length === 2);
  expect(sink.values()).toEqual(['a', 'b']);
  await intake.close();
});
