/** What `sluice brokers up` left running. */

import { reasonOf } from './errors.ts';
import { parseHostPort, probeKafka, probeRabbitMq } from './probe.ts';
import { isOrphaned, recordedRuns, type RunState } from './run-state.ts';
import type { BrokerKind, KafkaHandle, RabbitMqHandle } from './types.ts';

/** A run that `up` left, with what its first node says now. */
export interface KeptRun {
  readonly state: RunState;
  readonly handle: RabbitMqHandle | KafkaHandle;
  /** Null when every node answers, else what is wrong. */
  readonly trouble: string | null;
}

/**
 * The brokers that `sluice brokers up` left running on this machine and that answer; for `serve --backend kafka` without an
 * address. Resolves with an empty object when there is none.
 */
export async function runningBrokers(): Promise<{ rabbitmq?: RabbitMqHandle; kafka?: KafkaHandle }> {
  const found: { rabbitmq?: RabbitMqHandle; kafka?: KafkaHandle } = {};
  for (const { handle, trouble } of await keptRuns()) {
    if (trouble !== null) continue;
    if (handle.kind === 'rabbitmq') found.rabbitmq ??= handle;
    else found.kafka ??= handle;
  }
  return found;
}

/** The one of that kind, or null. */
export async function runningBroker(kind: BrokerKind): Promise<RabbitMqHandle | KafkaHandle | null> {
  return (await runningBrokers())[kind] ?? null;
}

/** Every run that `up` left, whether it still answers or not, newest first. */
export async function keptRuns(): Promise<KeptRun[]> {
  if (process.platform !== 'linux') return [];
  const kept = recordedRuns()
    .filter((state) => state.owner === null && !isOrphaned(state))
    .toSorted((a, b) => b.startedAt.localeCompare(a.startedAt));
  return Promise.all(kept.flatMap((state) => (state.handle === null ? [] : [examined(state, state.handle)])));
}

async function examined(state: RunState, handle: RabbitMqHandle | KafkaHandle): Promise<KeptRun> {
  const answers: Promise<unknown>[] =
    handle.kind === 'rabbitmq'
      ? handle.urls.map((url) => probeRabbitMq(url))
      : handle.brokers.map((broker) => probeKafka(parseHostPort(broker)));
  try {
    await Promise.all(answers);
    return { state, handle, trouble: null };
  } catch (caught) {
    return { state, handle, trouble: reasonOf(caught) };
  }
}
