/** What RabbitMQ may send ahead is bounded by messages and by bytes, on every kind of subscription. */

import { describe, expect, it } from 'vitest';
import { limits } from '../../../src/adapters/index.ts';
import { bounds } from '../../../src/adapters/rabbitmq/bounds.ts';
import { orderedPrefetch, sharedPrefetch, streamPrefetch } from '../../../src/adapters/rabbitmq/prefetch.ts';

describe.each([
  ['ordered', (bound: Bound) => orderedPrefetch(bound, 1), bounds.assumedOrderedMessageBytes],
  ['unordered', (bound: Bound) => sharedPrefetch(bound), bounds.assumedMessageBytes],
  ['on a stream', (bound: Bound) => streamPrefetch(bound, 1), bounds.assumedMessageBytes],
] as const)('a subscription that is %s', (_, prefetch, messageBytes) => {
  it('is never without a message, and never has more than it may have in flight', () => {
    expect(prefetch({ messages: 1, bytes: 1 })).toBe(1);
    expect(prefetch({ messages: 5, bytes: limits.maxInFlightBytes })).toBe(5);
    expect(prefetch({ messages: limits.maxInFlightMessages, bytes: limits.maxInFlightBytes })).toBe(
      Math.min(limits.maxInFlightMessages, limits.maxInFlightBytes / messageBytes),
    );
  });

  it('has no more than its bytes hold of messages of the assumed size, or a few where they hold none', () => {
    expect(prefetch({ messages: 1_000, bytes: 20 * messageBytes })).toBe(20);
    expect(prefetch({ messages: 1_000, bytes: 1 })).toBe(bounds.prefetchMin);
  });
});

it('the queues of an ordered subscription have together no more than the whole bound', () => {
  const most = { messages: limits.maxInFlightMessages, bytes: limits.maxInFlightBytes };
  expect(orderedPrefetch(most, 100)).toBe(bounds.prefetchTotalMax / 100);
  // What a subscription has that says nothing keeps a broker busy with small messages.
  expect(orderedPrefetch({ messages: 1_000, bytes: 16 * 1024 * 1024 }, 4)).toBe(1_000);
  expect(orderedPrefetch(most, 2 * bounds.prefetchTotalMax)).toBe(1);
});

it('the partitions of a stream share what the subscription may have in flight', () => {
  expect(streamPrefetch({ messages: 1_000, bytes: 100 * bounds.assumedMessageBytes }, 4)).toBe(25);
});

interface Bound {
  readonly messages: number;
  readonly bytes: number;
}
