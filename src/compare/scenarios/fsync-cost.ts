/** An answer only after the disk has it: can that be asked for, and what does it cost? */

import { expected, type Finding, type Scenario, type ScenarioContext } from './scenario.ts';
import { percentile } from './figures.ts';
import { held } from './stage.ts';

const everyMs = 10;
const publishes = 100;

export const fsyncCost: Scenario = {
  id: 'fsync-cost',
  number: 'S30',
  title: 'Answer after the disk',
  question: 'Can a publish be answered only after an fsync, and what is the price at 100 messages a second?',
  layers: ['port', 'bare'],
  notFor: () => null,
  exclusive: true,
  expectations: [
    expected(
      ['log'],
      'any',
      'PASS',
      'The default; group commit shares one fdatasync.',
      'Sluice capability durability.fsync',
    ),
    expected(
      ['rabbitmq-quorum'],
      'any',
      'PASS',
      'Always: a quorum queue confirms after the write-ahead log is synced.',
      'rabbitmq-website docs/quorum-queues; RabbitMQ blog 2025-01-17',
    ),
    expected(
      ['kafka'],
      'any',
      'PASS',
      'By topic, with flush.messages=1; the default is the page cache, and Kafka advises replication instead.',
      'kafka topic config flush.messages',
    ),
    expected(
      ['rabbitmq-classic'],
      'any',
      'UNSUPPORTED',
      'Not to be had by asking: the first store of classic queues syncs persistent messages in batches before it confirms them, whoever publishes.',
      'power-loss on 3.10; rabbitmq-website docs/confirms',
      '<4.0',
    ),
    expected(
      ['rabbitmq-classic', 'rabbitmq-stream'],
      'any',
      'UNSUPPORTED',
      'Confirmed once written, never synced before.',
      'RabbitMQ blog 2025-01-17; Sluice capability durability.fsync',
    ),
  ],
  run,
};

async function run({ wire, stage }: ScenarioContext): Promise<Finding> {
  const synced = await stage.topic('synced', { partitions: 1, isSynced: true });
  const mode = wire.layer === 'port' ? 'fsync' : wire.system === 'log' ? 'fsync' : undefined;
  const dear = await latencies(wire, stage, synced, mode);
  const usual = await stage.topic('usual');
  const cheapMode = wire.system === 'log' ? 'os' : undefined;
  const cheap = await latencies(wire, stage, usual, cheapMode);
  const isChoice = wire.system !== 'rabbitmq-quorum';
  return {
    verdict: held(wire, 'durability.fsync'),
    summary: `publish to answer p50 ${percentile(dear, 0.5)} ms, p99 ${percentile(dear, 0.99)} ms with fsync${isChoice ? `; p50 ${percentile(cheap, 0.5)} ms, p99 ${percentile(cheap, 0.99)} ms without` : '; there is no other way'}`,
    observed: {
      publishes,
      withFsyncP50Ms: percentile(dear, 0.5),
      withFsyncP99Ms: percentile(dear, 0.99),
      withoutP50Ms: isChoice ? percentile(cheap, 0.5) : 'no choice',
      withoutP99Ms: isChoice ? percentile(cheap, 0.99) : 'no choice',
    },
    evidence: ['that the disk has it is not shown by this: a killed process loses nothing that the kernel has'],
  };
}

async function latencies(
  wire: ScenarioContext['wire'],
  stage: ScenarioContext['stage'],
  topic: string,
  mode: string | undefined,
): Promise<readonly number[]> {
  await stage.subscription(`${topic.split('-').at(-1)}-s`, topic);
  // A refusal of the mode is the answer of the scenario.
  await stage.publishAcked(topic, [{ text: 'first' }], mode);
  const publisher = await wire.publisher(topic, mode === undefined ? {} : { mode });
  const waits: number[] = [];
  for (let i = 0; i < publishes; i++) {
    const startedMs = stage.nowMs;
    publisher.publish([{ key: null, value: Buffer.from(`m-${i}`) }], () => waits.push(stage.nowMs - startedMs));
    await stage.pause(everyMs);
  }
  await stage.until(() => waits.length === publishes, 'every answer');
  await stage.within(publisher.close(), 'the publisher to close');
  return waits;
}
