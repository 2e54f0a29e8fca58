/**
 * How many messages RabbitMQ may send ahead. It counts messages only, where a subscription counts bytes, too: before it is known what they
 * weigh, each is assumed to have `assumedMessageBytes` (`assumedOrderedMessageBytes` where the number cannot be changed later).
 */

import { bounds } from './bounds.ts';

interface Bound {
  readonly messages: number;
  readonly bytes: number;
}

/**
 * Of each queue of an ordered subscription. Any of them may be the one that has everything, so each may have what the subscription may
 * have in flight, as long as all together stay below `prefetchTotalMax`. It is never changed: the consumer would have to be made anew.
 */
export function orderedPrefetch(maxInFlight: Bound, queues: number): number {
  const most = Math.ceil(bounds.prefetchTotalMax / queues);
  const fit = fitting(maxInFlight, bounds.prefetchMin, bounds.assumedOrderedMessageBytes);
  return Math.max(1, Math.min(maxInFlight.messages, fit, most));
}

/** Of the one queue of an unordered subscription, until what arrived was weighed. */
export function sharedPrefetch(credit: Bound): number {
  return Math.max(1, Math.min(credit.messages, fitting(credit, bounds.prefetchMin)));
}

/** Of each partition of a stream: only what is read ahead. The broker may send one more as soon as one is handed out, so it bounds memory, not the credit. */
export function streamPrefetch(maxInFlight: Bound, partitions: number): number {
  const total = Math.min(maxInFlight.messages, fitting(maxInFlight, bounds.prefetchMin * partitions));
  return Math.max(1, Math.ceil(total / partitions));
}

/** However few fit, so many are sent ahead: else each would wait for a round trip. */
function fitting({ bytes }: Bound, least: number, messageBytes: number = bounds.assumedMessageBytes): number {
  return Math.max(least, Math.ceil(bytes / messageBytes));
}
