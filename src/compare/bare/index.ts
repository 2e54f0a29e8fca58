/** The bare clients: the only place of the comparison that knows amqplib, kafkajs and the engine. */

export { openBareKafka } from './kafka.ts';
export { openBareLog } from './log.ts';
export { openBareRabbitMq } from './rabbitmq.ts';
