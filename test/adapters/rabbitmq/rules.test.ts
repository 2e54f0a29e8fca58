import { describe, expect, it } from 'vitest';
import { capabilityNames } from '../../../src/adapters/capabilities.ts';
import type { PortError } from '../../../src/adapters/errors.ts';
import type { QueueType, SubscriptionDefinition, TopicDefinition } from '../../../src/adapters/port.ts';
import { capabilityTable } from '../../../src/adapters/rabbitmq/capabilities.ts';
import { parseOptions } from '../../../src/adapters/rabbitmq/options.ts';
import { checkSubscriptionOn, completeTopicFor, durabilityOf } from '../../../src/adapters/rabbitmq/topic-rules.ts';
import { Topology } from '../../../src/adapters/rabbitmq/topology.ts';
import { brokerVersion, versionOf } from '../../../src/adapters/rabbitmq/version.ts';

const options = parseOptions({ url: 'amqp://127.0.0.1' });
const blank: TopicDefinition = {
  name: 't',
  partitions: 2,
  retention: { ms: null, bytes: null },
  cleanup: 'delete',
  queueType: null,
  replicas: null,
  options: {},
};
const subscription: SubscriptionDefinition = {
  name: 's',
  topic: 't',
  start: 'latest',
  ordering: 'none',
  ackDeadlineMs: 30_000,
  maxInFlight: { messages: 10, bytes: 1_000 },
  retry: { minBackoffMs: 1, maxBackoffMs: 1, maxAttempts: 5 },
  onExhausted: 'deadLetter',
  deadLetterTopic: 's.dead',
  requires: [],
};
const topicOf = (queueType: QueueType): TopicDefinition => completeTopicFor({ ...blank, queueType }, options);

function refusal(work: () => unknown): Pick<PortError, 'code' | 'capability'> {
  try {
    work();
  } catch (reason) {
    const { code, capability } = reason as PortError;
    return { code, capability };
  }
  throw new Error('was not refused');
}

describe('options', () => {
  it('are checked whole: every problem is told, unknown keys are refused', () => {
    try {
      parseOptions({ url: 'http://x', prefix: 'a b', connectTimeoutMs: 1, speed: 'fast' });
    } catch (reason) {
      expect((reason as PortError).code).toBe('invalid_argument');
      expect((reason as PortError).errors?.map(({ path }) => path).toSorted()).toEqual([
        'connectTimeoutMs',
        'prefix',
        'speed',
        'url',
      ]);
      return;
    }
    throw new Error('was accepted');
  });

  it('need one of url and urls, and get a heartbeat', () => {
    expect(refusal(() => parseOptions({})).code).toBe('invalid_argument');
    expect(refusal(() => parseOptions({ url: 'amqp://a', urls: ['amqp://b'] })).code).toBe('invalid_argument');
    expect(parseOptions({ urls: ['amqp://u:p@h:1/v'] }).urls).toEqual(['amqp://u:p@h:1/v?heartbeat=10']);
    expect(parseOptions({ url: 'amqp://h?heartbeat=5' }).urls).toEqual(['amqp://h?heartbeat=5']);
  });
});

describe('capabilities', () => {
  it.each(['quorum', 'classic', 'stream'] as const)('of %s name all of the vocabulary', (queueType) => {
    expect(Object.keys(capabilityTable(queueType, versionOf('4.3.6', 4, 3), 1)).toSorted()).toEqual(
      [...capabilityNames].toSorted(),
    );
  });

  it('know that a release counts below 4.3', () => {
    const level = (major: number, minor: number) =>
      capabilityTable('quorum', versionOf('', major, minor), 1)['ack.releaseUncounted'].level;
    expect([level(3, 10), level(4, 2), level(4, 3), level(5, 0)]).toEqual([
      'unsupported',
      'unsupported',
      'native',
      'native',
    ]);
  });
});

describe('versions', () => {
  it('before 3.10, and brokers that only speak like RabbitMQ, are refused', () => {
    expect(brokerVersion({ product: 'RabbitMQ', version: '3.10.8' }).text).toBe('3.10.8');
    expect(refusal(() => brokerVersion({ product: 'RabbitMQ', version: '3.9.29' })).code).toBe(
      'capability_unsupported',
    );
    expect(refusal(() => brokerVersion({ product: 'Other', version: '9.0.0' })).code).toBe('capability_unsupported');
    expect(refusal(() => brokerVersion({})).code).toBe('capability_unsupported');
  });
});

describe('topics', () => {
  it('get the defaults of the backend', () => {
    expect(completeTopicFor(blank, options)).toMatchObject({ queueType: 'quorum', replicas: 1 });
    const cluster = parseOptions({ urls: ['amqp://a', 'amqp://b', 'amqp://c'] });
    expect(completeTopicFor(blank, cluster).replicas).toBe(3);
    expect(completeTopicFor({ ...blank, queueType: 'classic' }, cluster).replicas).toBe(1);
  });

  it('that ask for what is not there are refused with the capability', () => {
    const refused = (change: Partial<TopicDefinition>) =>
      refusal(() => completeTopicFor({ ...blank, ...change }, options));
    expect(refused({ cleanup: 'compact' }).capability).toBe('compaction');
    expect(refused({ retention: { ms: 1, bytes: null } }).capability).toBe('ttl.retention');
    expect(refused({ replicas: 3 }).capability).toBe('durability.copies');
    expect(refused({ options: { 'x-max-length': 5 } }).code).toBe('invalid_argument');
    expect(refused({ queueType: 'stream', options: { 'x-stream-max-segment-size-bytes': 'big' } }).code).toBe(
      'invalid_argument',
    );
  });

  it('promise what their queue type reaches, and refuse more', () => {
    expect(durabilityOf(topicOf('quorum'), {})).toEqual({ persistence: 'fsync', copies: 1 });
    expect(durabilityOf(topicOf('quorum'), { persistence: 'memory' }).persistence).toBe('fsync');
    expect(durabilityOf(topicOf('classic'), {}).persistence).toBe('os');
    expect(durabilityOf(topicOf('classic'), { persistence: 'memory' }).persistence).toBe('memory');
    expect(durabilityOf(topicOf('stream'), {}).persistence).toBe('os');
    for (const queueType of ['classic', 'stream'] as const) {
      expect(refusal(() => durabilityOf(topicOf(queueType), { persistence: 'fsync' })).capability).toBe(
        'durability.fsync',
      );
    }
    expect(refusal(() => durabilityOf(topicOf('quorum'), { minCopies: 2 })).capability).toBe('durability.copies');
  });
});

describe('subscriptions', () => {
  it('start anywhere on streams, only at the end on queues', () => {
    const starting = (start: SubscriptionDefinition['start'], queueType: QueueType) => () =>
      checkSubscriptionOn({ ...subscription, start }, topicOf(queueType));
    for (const start of ['earliest', 'latest', { timestampMs: 1 }, { offsets: { '0': 1 } }] as const)
      starting(start, 'stream')();
    starting('latest', 'quorum')();
    expect(refusal(starting('earliest', 'quorum')).capability).toBe('subscribe.late');
    expect(refusal(starting({ timestampMs: 1 }, 'classic')).capability).toBe('replay.timestamp');
    expect(refusal(starting({ offsets: {} }, 'classic')).capability).toBe('replay.offset');
  });
});

describe('names on the broker', () => {
  const topology = new Topology('sluice', versionOf('4.3.6', 4, 3));

  it('of different things differ, whatever dots the names have', () => {
    const names = ['a', 'a.0', 'a.all', 'a.0.0', 'a.all.0'].flatMap((name) =>
      (['none', 'partition'] as const).flatMap((ordering) =>
        topology.subscriptionQueues({ ...subscription, name, ordering }, topicOf('quorum')).map((queue) => queue.name),
      ),
    );
    expect(new Set(names).size).toBe(names.length);
  });

  it('fit a short string, and long ones stay apart', () => {
    const long = 'n'.repeat(248);
    const names = [topology.stream(`${long}a`, 10), topology.stream(`${long}b`, 10), topology.stream(`${long}a`, 11)];
    expect(new Set(names).size).toBe(3);
    for (const name of names) expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
  });

  it('carry an explicit delivery limit above what the subscription allows, or none at all', () => {
    const limitOf = (change: Partial<SubscriptionDefinition>) =>
      topology.queueArguments({ ...subscription, ...change }, topicOf('quorum'))['x-delivery-limit'];
    expect(limitOf({})).toBe(150);
    expect(limitOf({ onExhausted: 'block', deadLetterTopic: null })).toBe(2 ** 31 - 1);
  });
});
