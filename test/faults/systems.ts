/** The systems that a fault is done to, and how a port is opened on each. */

import { inject } from 'vitest';
import type { TopicOptions } from '../../src/adapters/port.ts';
import type { BrokerKind, KafkaHandle, ObtainedBrokers, RabbitMqHandle } from '../../src/brokers/index.ts';

export interface FaultSystem {
  readonly system: string;
  readonly topic: Omit<TopicOptions, 'name'>;
}

/** One for Kafka, one for each queue type of RabbitMQ. */
export function systemsOf(kind: BrokerKind): readonly FaultSystem[] {
  if (kind === 'kafka') return [{ system: 'kafka', topic: {} }];
  return (['quorum', 'classic', 'stream'] as const).map((queueType) => ({
    system: `rabbitmq-${queueType}`,
    topic: { queueType },
  }));
}

export function configOf(handle: RabbitMqHandle | KafkaHandle): Record<string, unknown> {
  return handle.kind === 'rabbitmq' ? { urls: [...handle.urls] } : { brokers: [...handle.brokers] };
}

/** The broker when it runs as processes of ours; null, said on the console, when it cannot be had, which the setup has judged. */
export function requireProcess<K extends BrokerKind>(
  brokers: ObtainedBrokers,
  kind: K,
): Extract<RabbitMqHandle | KafkaHandle, { kind: K }> | null {
  const handle: RabbitMqHandle | KafkaHandle | undefined = brokers[kind];
  const reason = brokers.skipped.map((one) => one.reason).join('; ');
  // The setup of the run had one as a process and we have not: that is a fault, no reason to skip.
  if (handle?.source !== 'process' && inject(kind)?.source === 'process')
    throw new Error(`${kind} does not run as a process: ${reason}`);
  if (handle?.source === 'process') return handle as Extract<RabbitMqHandle | KafkaHandle, { kind: K }>;
  console.log(`${kind}: SKIPPED: it is not a process of ours to end ${reason}`);
  return null;
}
