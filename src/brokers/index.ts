/** The door of `brokers`: real RabbitMQ and Kafka for tests and comparisons. */

export { BrokersError } from './errors.ts';
export { obtainBrokers } from './obtain.ts';
export { runningBrokers } from './running.ts';
export type {
  BrokerKind,
  BrokerNode,
  BrokerRequest,
  KafkaHandle,
  ObtainedBrokers,
  RabbitMqHandle,
  RabbitMqVersion,
} from './types.ts';
