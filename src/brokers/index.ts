/** The door of `brokers`: real RabbitMQ and Kafka for tests and comparisons. */

export { obtainBrokers } from './obtain.ts';
export { runningBrokers } from './running.ts';
export type {
  BrokerKind,
  EndingSignal,
  KafkaHandle,
  ObtainedBrokers,
  RabbitMqHandle,
} from './types.ts';
