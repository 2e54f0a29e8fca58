/** The door of `brokers`: real RabbitMQ and Kafka for tests and comparisons. */

export { BrokersError } from './errors.ts';
export { type JavaPrograms, obtainJavaPrograms } from './java-clients.ts';
export { installKafka } from './kafka-install.ts';
export { type BrokerLine, kafkaHeap, kafkaLines } from './kafka-settings.ts';
export { obtainBrokers } from './obtain.ts';
export { brokersOfOthers } from './of-others.ts';
export { runningBrokers } from './running.ts';
export type {
  BrokerKind,
  EndingSignal,
  KafkaHandle,
  ObtainedBrokers,
  RabbitMqHandle,
  RabbitMqSettings,
} from './types.ts';
