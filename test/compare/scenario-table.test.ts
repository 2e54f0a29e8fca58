/** Every scenario must expect something of everybody it is put to; a hole would only show in the middle of a run. */

import { describe, expect, test } from 'vitest';
import { scenarios, systemIds } from '../../src/compare/index.ts';
import { expectationFor, notRun, versionFits } from '../../src/compare/scenarios/index.ts';

/** Both ends of RabbitMQ's range, and the middle. */
const rabbitMq = ['3.10.8', '4.0.5', '4.3.6'];
const versions = {
  log: ['0.1.0'],
  kafka: ['4.3.1'],
  'rabbitmq-quorum': rabbitMq,
  'rabbitmq-classic': rabbitMq,
  'rabbitmq-stream': rabbitMq,
};

describe.each(scenarios)('scenario $id', (scenario) => {
  test('expects something of every system and layer that it is put to, with reason and source', () => {
    for (const system of systemIds)
      for (const layer of scenario.layers) {
        if (scenario.notFor(system, layer) !== null) continue;
        for (const version of versions[system]) {
          const expected = expectationFor(scenario, system, layer, version);
          expect(expected, `${system} ${version} ${layer}`).not.toBeNull();
          expect(expected?.why).not.toBe('');
          expect(expected?.source).not.toBe('');
        }
      }
  });
});

test('every property of the list is asked by a scenario or has a reason why not, and at least 45 are asked', () => {
  const asked = new Set(scenarios.map(({ number }) => number));
  const all = Array.from({ length: 51 }, (_, index) => `S${String(index + 1).padStart(2, '0')}`);
  expect([...asked, ...notRun.map(({ number }) => number)].toSorted()).toEqual(all);
  expect(asked.size).toBeGreaterThanOrEqual(45);
  for (const { reason } of notRun) expect(reason).not.toBe('');
});

test('what has a fault runs alone and not in the smallest profile', () => {
  for (const scenario of scenarios.filter(({ isFault }) => isFault === true))
    expect([scenario.exclusive, scenario.isInSmoke ?? false]).toEqual([true, false]);
});

test('no expectation is hidden behind an earlier one', () => {
  for (const { id, expectations } of scenarios)
    for (const [index, row] of expectations.entries())
      expect(
        expectations
          .slice(0, index)
          .some(
            (earlier) =>
              earlier.versions === '*' &&
              (earlier.layers === undefined ||
                row.layers?.every((layer) => earlier.layers?.includes(layer)) === true) &&
              row.systems.every((system) => earlier.systems.includes(system)),
          ),
        `${id}, row ${index + 1}`,
      ).toBe(false);
});

test('scenario ids are unique', () => {
  expect(new Set(scenarios.map(({ id }) => id)).size).toBe(scenarios.length);
});

test.each([
  ['4.3.6', '>=4.3', true],
  ['4.3', '>=4.3.0', true],
  ['4.0.5', '>=4.3', false],
  ['4.10.0', '>=4.9', true],
  ['3.10.8', '<4.0', true],
  ['anything', '*', true],
  ['unknown', '>=4.3', false],
])('version %s in range %s: %s', (version, range, fits) => {
  expect(versionFits(version, range)).toBe(fits);
});
