/** A change of a topic leaves what others configured on it. */

import { expect, inject, it } from 'vitest';
import { openPort } from '../../src/adapters/index.ts';
import { KafkaJsClient } from '../../src/adapters/kafka/kafkajs-client.ts';
import { parseConfig } from '../../src/adapters/kafka/options.ts';

it('configs that somebody else gave the topic stay, and those taken away are the broker’s again', async (context) => {
  const kafka = inject('kafka');
  if (kafka === null) context.skip('no Kafka');
  const config = { brokers: [...(kafka?.brokers ?? [])] };
  const port = await openPort({ backend: 'kafka', config });
  const client = new KafkaJsClient(parseConfig(config));
  const name = `altered-${Date.now().toString(36)}`;
  context.onTestFinished(async () => {
    await port.deleteTopic(name);
    client.close();
    await port.close();
  });
  await client.connect(5_000);
  await port.createTopic({ name, retention: { ms: 3_600_000 }, options: { 'segment.ms': 60_000 } });
  const made = await client.topicConfigs(name);
  await client.alterTopicConfigs(name, new Map([...made, ['min.cleanable.dirty.ratio', '0.25']]));
  await port.alterTopic(name, {
    retention: { bytes: 1_000_000 },
    options: { 'segment.ms': null, 'flush.messages': 1 },
  });
  const configs = Object.fromEntries(await client.topicConfigs(name));
  expect(configs).toMatchObject({
    'retention.ms': '3600000',
    'retention.bytes': '1000000',
    'flush.messages': '1',
    'min.cleanable.dirty.ratio': '0.25',
  });
  expect(configs['segment.ms']).toBeUndefined();
  const [outcome] = await port.publish(name, [{ value: 'x' }], { durability: 'fsync' });
  expect(outcome).toMatchObject({ kind: 'stored', durability: { persistence: 'fsync' } });
});
