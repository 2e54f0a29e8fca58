import { describe, expect, it } from 'vitest';
import { errorCodes, type PortError } from '../../src/adapters/errors.ts';
import { limits } from '../../src/adapters/limits.ts';
import type { SubscriptionOptions, TopicOptions } from '../../src/adapters/port.ts';
import {
  checkMessage,
  checkPositionIn,
  messageRefusal,
  subscriptionDefinition,
  topicDefinition,
} from '../../src/adapters/validate.ts';

function problemOf(work: () => unknown): PortError {
  try {
    work();
  } catch (reason) {
    return reason as PortError;
  }
  throw new Error('it was accepted');
}

describe('input of the port', () => {
  it('fills in every default of a subscription', () => {
    expect(subscriptionDefinition({ name: 'billing', topic: 'orders' })).toEqual({
      name: 'billing',
      topic: 'orders',
      start: 'latest',
      ordering: 'none',
      ackDeadlineMs: 30_000,
      maxInFlight: { messages: 1_000, bytes: 16 * 1024 * 1024 },
      retry: { minBackoffMs: 100, maxBackoffMs: 60_000, maxAttempts: 5 },
      onExhausted: 'deadLetter',
      deadLetterTopic: 'billing.dead',
      requires: [],
    });
  });

  it('reports all problems at once, by path', () => {
    const error = problemOf(() =>
      topicDefinition({ name: '../etc', partitions: 0, cleanup: 'shred' } as unknown as TopicOptions),
    );
    expect(error).toMatchObject({ code: 'invalid_argument' });
    expect(error.errors?.map(({ path }) => path)).toEqual(['name', 'partitions', 'cleanup']);
  });

  it.each([
    ['a topic', () => topicDefinition({ name: 't', colour: 'red' } as unknown as TopicOptions)],
    ['a retention', () => topicDefinition({ name: 't', retention: { days: 7 } } as unknown as TopicOptions)],
    [
      'a subscription',
      () => subscriptionDefinition({ name: 's', topic: 't', maxAttempts: 3 } as unknown as SubscriptionOptions),
    ],
    [
      'a retry',
      () => subscriptionDefinition({ name: 's', topic: 't', retry: { max: 3 } } as unknown as SubscriptionOptions),
    ],
  ])('refuses an unknown field of %s', (_, work) => {
    expect(problemOf(work).code).toBe('unknown_field');
  });

  it.each(['', '.', '-a', 'a/b', 'a b', '..', 'x'.repeat(250), 'a\0b', 'é'])('refuses the name %j', (name) => {
    expect(problemOf(() => topicDefinition({ name })).code).toBe('invalid_argument');
  });

  it('a timestamp in microseconds is refused alone, before a backend refuses the batch it is in', () => {
    const of = (timestampMs: number) => () => checkMessage({ value: 'a', timestampMs }, 3);
    expect(problemOf(of(1_795_648_068_831_123)).errors?.[0]?.path).toBe('messages[3].timestamp');
    expect(of(limits.timestampMsMax)).not.toThrow();
    expect(of(0)).not.toThrow();
  });

  it('a subscription whose dead-letter topic is its own topic, or has no room for a name, is refused', () => {
    expect(
      problemOf(() => subscriptionDefinition({ name: 's', topic: 't', deadLetterTopic: 't' })).errors?.[0]?.path,
    ).toBe('deadLetterTopic');
    // "x" reads "x.dead", the dead letters of another: by default it would feed its own back to itself.
    expect(problemOf(() => subscriptionDefinition({ name: 'x', topic: 'x.dead' })).errors?.[0]?.path).toBe(
      'deadLetterTopic',
    );
    expect(problemOf(() => subscriptionDefinition({ name: 'x'.repeat(249), topic: 't' })).errors?.[0]?.path).toBe(
      'name',
    );
  });

  it('a seek names partitions that exist and offsets that can be', () => {
    expect(() => checkPositionIn({ offsets: { '0': 5, '3': 0 } }, 4, 'to')).not.toThrow();
    expect(problemOf(() => checkPositionIn({ offsets: { '4': 5 } }, 4, 'to')).code).toBe('invalid_argument');
    expect(problemOf(() => checkPositionIn({ offsets: { '0': -1 } }, 4, 'to')).code).toBe('invalid_argument');
    expect(problemOf(() => checkPositionIn({ offsets: { '1e1': 1 } }, 99, 'to')).code).toBe('invalid_argument');
  });

  it('sizes are refused message by message, before any backend', () => {
    const code = (message: Parameters<typeof checkMessage>[0]) => messageRefusal(checkMessage(message, 0))?.code;
    expect(code({ value: Buffer.alloc(limits.valueBytesMax) })).toBeUndefined();
    expect(code({ value: Buffer.alloc(limits.valueBytesMax + 1) })).toBe('message_too_large');
    expect(code({ value: '', key: 'k'.repeat(limits.keyBytesMax + 1) })).toBe('message_too_large');
    expect(
      code({ value: '', headers: Array.from({ length: limits.headersMax + 1 }, () => ({ name: 'h', value: '' })) }),
    ).toBe('message_too_large');
  });

  it('reserved header names cannot be forged', () => {
    for (const name of ['content-type', 'sluice-id', 'sluice-key']) {
      expect(problemOf(() => checkMessage({ value: '', headers: [{ name, value: 'x' }] }, 0)).code).toBe(
        'invalid_argument',
      );
    }
  });
});

describe('the table of error codes', () => {
  it('calls retryable exactly what another try can mend without a change', () => {
    for (const [code, row] of Object.entries(errorCodes)) {
      if (row.retryable) expect([429, 503, 504, 507], code).toContain(row.httpStatus);
    }
  });
});
