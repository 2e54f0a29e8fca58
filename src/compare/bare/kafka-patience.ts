/** Asking Kafka again where it says "not yet". */

import { setTimeout as sleep } from 'node:timers/promises';

/** Metadata of a new topic reaches the client's partition leaders within this. */
export const leaderWaitMs = 10_000;
export const leaderPollMs = 20;

/**
 * kafkajs gives up where the broker says "not yet": a leader that does not know yet that it leads, and, since it asks for all
 * topics when it knows none, a topic of somebody else that is just being deleted. Asked again, both go away.
 */
export async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  const endMs = performance.now() + leaderWaitMs;
  for (;;) {
    try {
      return await ask();
    } catch (reason) {
      if (!isPassing(reason) || performance.now() > endMs) throw reason;
      await sleep(leaderPollMs);
    }
  }
}

/** By shape: kafkajs does not export its error classes to modules. */
function isPassing(reason: unknown): boolean {
  if (!(reason instanceof Error)) return false;
  return reason.name === 'KafkaJSNumberOfRetriesExceeded' || ('retriable' in reason && reason.retriable === true);
}
