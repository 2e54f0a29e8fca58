import { afterAll, beforeAll, describe, inject, it } from 'vitest';
import { type MessagingPort, openPort } from '../../src/adapters/index.ts';
import { conformance } from '../../src/conformance/index.ts';

const kafka = inject('kafka');

const open = async (): Promise<MessagingPort> =>
  await openPort({ backend: 'kafka', config: { brokers: kafka?.brokers ?? [] } });

conformance({
  name: 'kafka',
  skip: kafka === null ? 'no Kafka could be had' : undefined,
  open,
  openAnother: open,
  // On Kafka a publish reaches the disk where its topic flushes each message.
  topics: { forCapability: { 'durability.fsync': { options: { 'flush.messages': 1 } } } },
  vitest: { afterAll, beforeAll, describe, it },
});
