/** Every scenario must expect something of everybody it is put to; a hole would only show in the middle of a run. */

import { describe, expect, test } from 'vitest';
import { scenarios, systemIds } from '../../src/compare/index.ts';
import { expectationFor, versionFits } from '../../src/compare/scenarios/index.ts';

const versions = {
  log: '0.1.0',
  kafka: '4.3.1',
  'rabbitmq-quorum': '4.3.6',
  'rabbitmq-classic': '3.10.8',
  'rabbitmq-stream': '4.0.5',
};

describe.each(scenarios)('scenario $id', (scenario) => {
  test('expects something of every system and layer that it is put to, with reason and source', () => {
    for (const system of systemIds)
      for (const layer of scenario.layers) {
        if (scenario.notFor(system, layer) !== null) continue;
        const expected = expectationFor(scenario, system, layer, versions[system]);
        expect(expected, `${system} ${layer}`).not.toBeNull();
        expect(expected?.why).not.toBe('');
        expect(expected?.source).not.toBe('');
      }
  });
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
