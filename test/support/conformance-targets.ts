/** The suite's targets: each system as a test opens it, and the two doors at which it is tested. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, inject, it } from 'vitest';
import { type MessagingPort, openPort, type QueueType } from '../../src/adapters/index.ts';
import type { KafkaHandle, RabbitMqHandle } from '../../src/brokers/index.ts';
import { conformance, type ConformanceOptions } from '../../src/conformance/index.ts';
import { keepReport } from './conformance-results.ts';
import { restConformance } from './rest-conformance.ts';

export type Target = Omit<ConformanceOptions, 'vitest' | 'nodeTest' | 'except' | 'onReport'>;

/** The port itself. */
export function atPort(target: Target): void {
  conformance({ ...target, onReport: keepReportOfRun(), vitest: { afterAll, beforeAll, describe, it } });
}

/** A gateway in front of it. */
export function throughRest(target: Target): void {
  restConformance({ ...target, name: `REST over ${target.name}`, onReport: keepReportOfRun() });
}

function keepReportOfRun(): NonNullable<ConformanceOptions['onReport']> {
  const directory = inject('conformanceResultsDir');
  return async (report) => await keepReport(directory, report);
}

/** Directories are removed in the end; call it before the door is declared, so that the ports in them are closed by then. */
export function nativeTarget(): Target {
  const dataDirs: string[] = [];
  afterAll(async () => {
    for (const dataDir of dataDirs) await rm(dataDir, { recursive: true, force: true });
  });
  const smallSegments = { options: { segmentBytes: 1_024, segmentMs: 20 } };
  return {
    name: 'native',
    open: async () => {
      const dataDir = await mkdtemp(join(tmpdir(), 'sluice-conformance-'));
      dataDirs.push(dataDir);
      const config = { dataDir, compactionCheckIntervalMs: 20, retentionCheckIntervalMs: 20 };
      return await openPort({ backend: 'native', config });
    },
    topics: { forCapability: { compaction: smallSegments, 'ttl.retention': smallSegments } },
  };
}

export function kafkaTarget(kafka: KafkaHandle | null): Target {
  const open = async (): Promise<MessagingPort> =>
    await openPort({ backend: 'kafka', config: { brokers: kafka?.brokers ?? [] } });
  // Brokers that src/brokers runs as processes look for what to remove and to compact every second or two; stock ones every five
  // minutes and 15 seconds.
  const looksOften = kafka?.source === 'process';
  const quickSegments = { 'segment.ms': 50 };
  return {
    name: 'kafka',
    skip: kafka === null ? 'no Kafka could be had' : undefined,
    open,
    openAnother: open,
    topics: {
      forCapability: {
        // On Kafka a publish reaches the disk where its topic flushes each message.
        'durability.fsync': { options: { 'flush.messages': 1 } },
        ...(looksOften
          ? {
              compaction: { options: { ...quickSegments, 'min.cleanable.dirty.ratio': 0 } },
              'ttl.retention': { options: quickSegments },
            }
          : {}),
      },
    },
    ...(looksOften ? {} : { untested: { 'ttl.retention': 'this Kafka looks for old segments every five minutes' } }),
  };
}

/** @param skip why there is no broker of this version. */
export function rabbitMqTarget(
  queueType: QueueType,
  rabbitmq: RabbitMqHandle | null,
  { version, skip = 'no RabbitMQ could be had' }: { readonly version?: string; readonly skip?: string } = {},
): Target {
  const open = async (): Promise<MessagingPort> =>
    await openPort({ backend: 'rabbitmq', config: { url: rabbitmq?.url } });
  const smallSegments = { options: { 'x-stream-max-segment-size-bytes': 4_000 } };
  return {
    name: `rabbitmq-${queueType}${version === undefined ? '' : `@${version}`}`,
    skip: rabbitmq === null ? skip : undefined,
    open,
    openAnother: open,
    topics: {
      always: { queueType },
      ...(queueType === 'stream' ? { forCapability: { 'ttl.retention': smallSegments } } : {}),
    },
  };
}
