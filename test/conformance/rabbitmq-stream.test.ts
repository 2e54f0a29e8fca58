import { afterAll, beforeAll, describe, inject, it } from 'vitest';
import { type MessagingPort, openPort } from '../../src/adapters/index.ts';
import { conformance } from '../../src/conformance/index.ts';

const rabbitmq = inject('rabbitmq');

const open = async (): Promise<MessagingPort> =>
  await openPort({ backend: 'rabbitmq', config: { url: rabbitmq?.url } });

conformance({
  name: 'rabbitmq-stream',
  skip: rabbitmq === null ? 'no RabbitMQ could be had' : undefined,
  open,
  openAnother: open,
  topics: {
    always: { queueType: 'stream' },
    forCapability: { 'ttl.retention': { options: { 'x-stream-max-segment-size-bytes': 4_000 } } },
  },
  vitest: { afterAll, beforeAll, describe, it },
});
