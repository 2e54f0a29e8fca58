/** The old end of the range: RabbitMQ 3.10 beside the one of all other tests, on ports of its own, at the port and through REST. */

import { afterAll } from 'vitest';
import { obtainBrokers } from '../../src/brokers/index.ts';
import { atPort, rabbitMqTarget, throughRest } from '../support/conformance-targets.ts';

const version = '3.10';
const brokers = await obtainBrokers({ want: ['rabbitmq'], rabbitmqVersion: version, nodes: 1 });

// Declared first, so that it runs last.
afterAll(async () => await brokers.stop());

const rabbitmq = brokers.rabbitmq ?? null;
const skip = brokers.skipped.map(({ reason }) => reason).join('; ');

for (const queueType of ['quorum', 'classic', 'stream'] as const) {
  const target = rabbitMqTarget(queueType, rabbitmq, { version, skip });
  atPort(target);
  throughRest(target);
}
