/** The bare clients against real brokers: what the brokers do by themselves must be what the scenarios expect of them. */

import { Kafka, logLevel } from 'kafkajs';
import { describe, expect, inject, test } from 'vitest';
import { brokersOfOthers } from '../../src/brokers/index.ts';
import { openBareKafka } from '../../src/compare/bare/index.ts';
import { compare, scenarios } from '../../src/compare/index.ts';
import type { SystemId } from '../../src/compare/index.ts';

const rabbitmq = inject('rabbitmq');
const kafka = inject('kafka');

const groups: readonly { readonly name: string; readonly isThere: boolean; readonly systems: readonly SystemId[] }[] = [
  { name: 'RabbitMQ', isThere: rabbitmq !== null, systems: ['rabbitmq-quorum', 'rabbitmq-classic', 'rabbitmq-stream'] },
  { name: 'Kafka', isThere: kafka !== null, systems: ['kafka'] },
];

/** Those of the smallest profile, and the quick ones among the others. */
const quick = ['order-global', 'dead-letter', 'priority', 'queue-full', 'metadata', 'transaction', 'message-ttl'];
const asked = scenarios.filter(({ id, isInSmoke }) => isInSmoke === true || quick.includes(id));

describe.each(groups)('$name by its usual client', ({ isThere, systems }) => {
  test.skipIf(!isThere)('answers every scenario as expected of this version', { timeout: 120_000 }, async () => {
    const report = await compare({
      systems,
      systemsAreRequired: true,
      allowsRemote: false,
      layers: ['bare'],
      profile: 'smoke',
      repeats: 1,
      seed: 1,
      scenarioIds: asked.map(({ id }) => id),
      workloads: [],
      assertions: [],
      command: 'test',
      onProgress: () => {},
      brokers: brokersOfOthers({ rabbitmq, kafka }),
    });
    const wrong = report.scenarios.filter((row) => row.verdict !== row.expected.verdict);
    expect(
      wrong.map(({ id, system, verdict, expected, summary }) => ({
        id,
        system,
        verdict,
        expected: expected.verdict,
        summary,
      })),
    ).toEqual([]);
    const cells = asked
      .filter(({ layers }) => layers.includes('bare'))
      .flatMap(({ notFor }) => systems.filter((system) => notFor(system, 'bare') === null));
    expect(report.scenarios.length).toBe(cells.length);
    expect(
      report.scenarios.flatMap(({ evidence }) => evidence.filter((line) => line.startsWith('not removed'))),
    ).toEqual([]);
  });
});

test.skipIf(kafka === null)(
  'a topic of kafka-fsync is flushed at each message on the real broker, one of kafka is not',
  async () => {
    const brokers = kafka?.brokers ?? [];
    const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    const flushOf = async (name: string): Promise<string | undefined> => {
      const wire = await openBareKafka({ name, brokers, version: kafka?.version ?? '' });
      const topic = `settings-${name}-${process.pid}`;
      await wire.createTopic(topic, { partitions: 1 });
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: 2, name: topic }],
      });
      await wire.deleteTopic(topic);
      await wire.close();
      expect(wire.durability.persistence).toBe(name === 'kafka' ? 'os' : 'fsync');
      return resources[0]?.configEntries.find(({ configName }) => configName === 'flush.messages')?.configValue;
    };
    expect(await flushOf('kafka-fsync')).toBe('1');
    expect(await flushOf('kafka')).not.toBe('1');
    await admin.disconnect();
  },
);
