import { afterAll, beforeAll, describe, inject, it } from 'vitest';
import { type MessagingPort, openPort } from '../../src/adapters/index.ts';
import { conformance } from '../../src/conformance/index.ts';

const kafka = inject('kafka');

/** Brokers that src/brokers runs as processes look for old segments every two seconds and for what to compact every second; stock ones every five minutes and 15 seconds. */
const looksOften = kafka?.source === 'process';

const open = async (): Promise<MessagingPort> =>
  await openPort({ backend: 'kafka', config: { brokers: kafka?.brokers ?? [] } });

conformance({
  name: 'kafka',
  skip: kafka === null ? 'no Kafka could be had' : undefined,
  open,
  openAnother: open,
  // On Kafka a publish reaches the disk where its topic flushes each message.
  topics: {
    forCapability: {
      'durability.fsync': { options: { 'flush.messages': 1 } },
      ...(looksOften
        ? {
            compaction: { options: { 'segment.ms': 50, 'min.cleanable.dirty.ratio': 0 } },
            'ttl.retention': { options: { 'segment.ms': 50 } },
          }
        : {}),
    },
  },
  vitest: { afterAll, beforeAll, describe, it },
});
