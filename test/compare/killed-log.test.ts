/** The embedded log as a system of its own that is really killed: a process, its files, and the one after it. */

import { expect, test } from 'vitest';
import { compare, isSystemName } from '../../src/compare/index.ts';
import { systemOf, versionOf } from '../../src/compare/system-ids.ts';

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
