/** The embedded log as a system of its own that is really killed: a process, its files, and the one after it. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compare, isSystemName } from '../../src/compare/index.ts';
import { openProcessWire } from '../../src/compare/remote/index.ts';
import { systemOf, versionOf } from '../../src/compare/systems/system-ids.ts';

test('what the killed log had acknowledged is there when it is started again, on both layers', async () => {
  const report = await compare({
    systems: ['log'],
    systemsAreRequired: true,
    allowsRemote: false,
    layers: ['bare', 'port'],
    profile: 'smoke',
    repeats: 1,
    seed: 1,
    scenarioIds: ['broker-kill-new-queue'],
    workloads: [],
    assertions: [],
    command: 'test',
    onProgress: () => {},
  });
  expect(report.scenarios.map(({ layer, verdict, observed }) => [layer, verdict, observed['lost']])).toEqual([
    ['bare', 'PASS', 0],
    ['port', 'PASS', 0],
  ]);
}, 60_000);

test('publishers that are opened at once each write to their own topic', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'sluice-two-'));
  const wire = await openProcessWire({
    name: 'log',
    layer: 'bare',
    dataDir,
    sluiceVersion: 'test',
    rabbitmq: null,
    kafka: null,
  });
  try {
    // Many, so that what they ask comes to the process together.
    const topics = Array.from({ length: 30 }, (_, index) => `t${index}`);
    for (const topic of topics) {
      await wire.createTopic(topic, { partitions: 1 });
      await wire.createSubscription({ name: topic, topic, start: 'earliest', ordering: 'none' });
    }
    const publishers = await Promise.all(topics.map(async (topic) => await wire.publisher(topic)));
    const got = new Map<string, string>();
    const publishing = publishers.map(
      async (publisher, index) =>
        await new Promise<void>((resolve) =>
          publisher.publish([{ key: null, value: Buffer.from(`to ${topics[index]}`) }], () => resolve()),
        ),
    );
    await Promise.all(publishing);
    for (const topic of topics)
      await wire.consume(topic, {
        credit: 1,
        settle: { kind: 'batch', ackBatch: 1 },
        onDelivery: ({ value }) => void got.set(topic, value.toString()),
        onError: () => {},
      });
    await expect
      .poll(() => Object.fromEntries(got))
      .toEqual(Object.fromEntries(topics.map((topic) => [topic, `to ${topic}`])));
  } finally {
    await wire.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}, 60_000);

test('a connection of the embedded log cannot be cut: left out with its reason, not passed', async () => {
  const report = await compare({
    systems: ['log'],
    systemsAreRequired: true,
    allowsRemote: false,
    layers: ['port'],
    profile: 'smoke',
    repeats: 1,
    seed: 1,
    scenarioIds: ['connection-cut'],
    workloads: [],
    assertions: [],
    command: 'test',
    onProgress: () => {},
  });
  expect(report.scenarios).toEqual([]);
  expect(report.notMeasured).toContainEqual(
    expect.objectContaining({ id: 'connection-cut', system: 'log', reason: 'the embedded log has no connections' }),
  );
}, 60_000);

test.each([
  ['kafka', true],
  ['rabbitmq-quorum@3.10', true],
  ['rabbitmq-stream@4.0', true],
  ['rabbitmq-quorum@3.11', false],
  ['kafka@4.3', false],
  ['log@1', false],
  ['rabbitmq-quorum@3.10@4.0', false],
  ['rabbitmq-quorum@', false],
  ['nothing', false],
])('"%s" is the name of a system: %s', (name, is) => {
  expect(isSystemName(name)).toBe(is);
});

test('a name says its system and its version', () => {
  expect([systemOf('rabbitmq-quorum@3.10'), versionOf('rabbitmq-quorum@3.10')]).toEqual(['rabbitmq-quorum', '3.10']);
  expect([systemOf('kafka'), versionOf('kafka')]).toEqual(['kafka', null]);
});
