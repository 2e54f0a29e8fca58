import { expect, test } from 'vitest';
import { PortError } from '../../../src/adapters/errors.ts';
import { parseConfig } from '../../../src/adapters/kafka/options.ts';
import { completeTopic, syncsEveryMessage } from '../../../src/adapters/kafka/topics.ts';
import type { TopicDefinition } from '../../../src/adapters/port.ts';

const topic: TopicDefinition = {
  name: 't',
  partitions: 1,
  retention: { ms: null, bytes: null },
  cleanup: 'delete',
  queueType: null,
  replicas: null,
  options: {},
};

test('a configuration gets its defaults', () => {
  expect(parseConfig({ brokers: ['h:9092'] })).toEqual({
    brokers: ['h:9092'],
    clientId: 'sluice',
    connectTimeoutMs: 5_000,
    tls: null,
    sasl: null,
    existing: null,
  });
});

const brokers = ['h:9092'];

test('a login is complete, or every part that is missing is told', () => {
  const wrong = {
    tls: { certFile: 'c', verify: 1, ca: 'x' },
    sasl: { mechanism: 'plain', tokenFile: 't', password: '' },
  };
  expect(
    refusal(() => parseConfig({ brokers, ...wrong }))
      .errors?.map(({ path }) => path)
      .toSorted(),
  ).toEqual(['sasl.password', 'sasl.tokenFile', 'sasl.username', 'tls.ca', 'tls.keyFile', 'tls.verify']);
  const two = { mechanism: 'scram-sha-256', username: 'u', password: 'p', passwordFile: 'f' };
  expect(refusal(() => parseConfig({ brokers, sasl: two })).message).toContain('two for one');
  const named = { mechanism: 'oauthbearer', username: 'u' };
  expect(refusal(() => parseConfig({ brokers, sasl: named })).errors?.map(({ path }) => path)).toEqual([
    'sasl.username',
    'sasl.tokenFile',
  ]);
  expect(parseConfig({ brokers, tls: { enabled: false } }).tls).toBeNull();
});

test('a mapping is complete, or every part that is wrong is told', () => {
  const wrong = {
    topics: [{ name: 'a', kafkaTopic: 'a b' }, { name: 'b', partitionz: 1 }, { name: 'b' }],
    subscriptions: [
      { name: 's', topic: 'c', onExhausted: 'drop' },
      { name: 't', topic: 'b', ackDeadlineMs: 1, retry: { max: 1 } },
      { name: 'u', topic: 'b', group: 7 },
    ],
  };
  const paths = refusal(() => parseConfig({ brokers, manage: 'none', ...wrong })).errors?.map(({ path }) => path);
  expect(paths?.toSorted()).toEqual([
    'subscriptions (s).topic',
    'subscriptions[1].ackDeadlineMs',
    'subscriptions[1].retry.max',
    'subscriptions[2].group',
    'topics',
    'topics[0].kafkaTopic',
    'topics[1].partitionz',
  ]);
  const dead = { manage: 'none', topics: [{ name: 'b' }], subscriptions: [{ name: 's', topic: 'b' }] };
  expect(refusal(() => parseConfig({ brokers, ...dead })).message).toContain('"s.dead" is not one of topics');
  expect(refusal(() => parseConfig({ brokers, topics: [] })).message).toContain('with manage "none"');
  expect(refusal(() => parseConfig({ brokers, manage: 'all' })).message).toContain('manage must be');
});

test('all problems of a configuration are reported at once', () => {
  const error = refusal(() => parseConfig({ brokers: ['nohost'], clientId: '', connectTimeoutMs: 0, broker: 'x' }));
  expect(error.code).toBe('invalid_argument');
  expect(error.errors?.map(({ path }) => path).sort()).toEqual(['broker', 'brokers', 'clientId', 'connectTimeoutMs']);
});

test('an unknown topic option, one that is a field, and an unreadable compression are refused', () => {
  const options = { 'flush.messages': 1, 'no.such': 1, 'cleanup.policy': 'compact', 'compression.type': 'brotli' };
  const error = refusal(() => completeTopic({ ...topic, options }, 1));
  expect(error.code).toBe('invalid_argument');
  expect(error.errors?.map(({ path }) => path)).toEqual([
    'options.no.such',
    'options.cleanup.policy',
    'options.compression.type',
  ]);
  expect(refusal(() => completeTopic({ ...topic, queueType: 'quorum' }, 1)).code).toBe('invalid_argument');
});

test("replicas default to the broker's, and flush.messages=1 means fsync however it is written", () => {
  expect(completeTopic(topic, 3).replicas).toBe(3);
  expect(completeTopic({ ...topic, replicas: 2 }, 3).replicas).toBe(2);
  expect(
    [1, '1', 2, 'x'].map((value) => syncsEveryMessage({ ...topic, options: { 'flush.messages': value } })),
  ).toEqual([true, true, false, false]);
});

function refusal(work: () => unknown): PortError {
  try {
    work();
  } catch (reason) {
    if (reason instanceof PortError) return reason;
    throw reason;
  }
  throw new Error('it was accepted');
}
