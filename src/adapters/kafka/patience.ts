/** Asking again while a broker is not there yet: a new topic's leader, a coordinator that moves or loads. */

import { isFault } from './errors.ts';
import type { KafkaClient } from './kafka-client.ts';
import { kafkaLimits } from './kafka-limits.ts';

/** Answers that a moment mends: metadata names a leader before it serves, and a moved coordinator loads its offsets first. */
const NOT_YET = [
  'NOT_LEADER_FOR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'REPLICA_NOT_AVAILABLE',
  'OFFSET_NOT_AVAILABLE',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
  'GROUP_LOAD_IN_PROGRESS',
];

/**
 * Rejects with the last answer after `requestTimeoutMs`, with any other at once.
 * @param alsoNotYet answers that a moment mends here, and would be final elsewhere.
 */
export async function untilServed<T>(ask: () => Promise<T>, ...alsoNotYet: readonly string[]): Promise<T> {
  const deadline = performance.now() + kafkaLimits.requestTimeoutMs;
  for (;;) {
    try {
      return await ask();
    } catch (reason) {
      if (!isFault(reason, ...NOT_YET, ...alsoNotYet) || performance.now() >= deadline) throw reason;
    }
    await pause(kafkaLimits.retryDelayMs / 2);
  }
}

export async function listOffsets(
  client: KafkaClient,
  ...what: Parameters<KafkaClient['listOffsets']>
): Promise<ReadonlyMap<number, number>> {
  return await untilServed(() => client.listOffsets(...what));
}

export async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
