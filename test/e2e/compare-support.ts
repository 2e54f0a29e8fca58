/** Brokers of the test run as the comparison takes them: to be used, not to be ended. */

import type { KafkaHandle, ObtainedBrokers, RabbitMqHandle } from '../../src/brokers/index.ts';

export function brokersGiven(rabbitmq: RabbitMqHandle | null, kafka: KafkaHandle | null): ObtainedBrokers {
  const notOurs = () => Promise.reject(new Error('these brokers belong to the whole test run'));
  return {
    ...(rabbitmq === null ? {} : { rabbitmq }),
    ...(kafka === null ? {} : { kafka }),
    skipped: [],
    started: [],
    killNode: notOurs,
    startNode: notOurs,
    pauseNode: notOurs,
    resumeNode: notOurs,
    leaderOf: notOurs,
    rabbitmqctl: notOurs,
    stop: () => Promise.resolve(),
  };
}
