/** The brokers through the gateway. */

import { inject } from 'vitest';
import { kafkaTarget, rabbitMqTarget, throughRest } from '../support/conformance-targets.ts';

throughRest(kafkaTarget(inject('kafka')));
for (const queueType of ['quorum', 'classic', 'stream'] as const)
  throughRest(rabbitMqTarget(queueType, inject('rabbitmq')));
