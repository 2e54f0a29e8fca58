import { afterAll, beforeAll, describe, inject, it } from 'vitest';
import { openPort } from '../../src/adapters/index.ts';
import { conformance } from '../../src/conformance/index.ts';

const rabbitmq = inject('rabbitmq');

conformance({
  name: 'rabbitmq-quorum',
  skip: rabbitmq === null ? 'no RabbitMQ could be had' : undefined,
  open: async () => await openPort({ backend: 'rabbitmq', config: { url: rabbitmq?.url } }),
  topics: { always: { queueType: 'quorum' } },
  vitest: { afterAll, beforeAll, describe, it },
});
