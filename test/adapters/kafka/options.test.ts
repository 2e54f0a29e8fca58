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
  });
});

test('all problems of a configuration are reported at once', () => {
  const error = refusal(() => parseConfig({ brokers: ['nohost'], clientId: '', connectTimeoutMs: 0, broker: 'x' }));
  expect(error.code).toBe('invalid_argument');
  expect(error.errors?.map(({ path }) => path).sort()).toEqual(['broker', 'brokers', 'clientId', 'connectTimeoutMs']);
});

test('an unknown topic option, one that is a field, and an unreadable compression are refused', () => {
  const options = { 'flush.messages': 1, 'no.such': 1, 'cleanup.policy': 'compact', 'compression.type': 'zstd' };
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
