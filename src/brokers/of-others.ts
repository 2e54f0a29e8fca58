import { BrokersError } from './errors.ts';
import type { KafkaHandle, ObtainedBrokers, RabbitMqHandle } from './types.ts';

/**
 * Brokers that somebody else started and will end, as if they had been obtained: to be used. What would disturb one rejects with
 * `invalid_argument`; `stop()` ends nothing.
 */
export function brokersOfOthers({
  rabbitmq,
  kafka,
}: {
  readonly rabbitmq: RabbitMqHandle | null;
  readonly kafka: KafkaHandle | null;
}): ObtainedBrokers {
  const refuse = () =>
    Promise.reject(new BrokersError('invalid_argument', 'somebody else started it, so it is not ours to disturb'));
  return {
    ...(rabbitmq === null ? {} : { rabbitmq }),
    ...(kafka === null ? {} : { kafka }),
    skipped: [],
    started: [],
    killNode: refuse,
    startNode: refuse,
    pauseNode: refuse,
    resumeNode: refuse,
    leaderOf: refuse,
    rabbitmqctl: refuse,
    stop: () => Promise.resolve(),
  };
}
