/** What docs/CONFORMANCE.md is printed from: the recorded results and the map of properties are those of the code as it is. */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { capabilityNames, type CapabilityTable } from '../../src/adapters/capabilities.ts';
import { kafkaCapabilities } from '../../src/adapters/kafka/capabilities.ts';
import { nativeCapabilities } from '../../src/adapters/native/capabilities.ts';
import type { QueueType } from '../../src/adapters/port.ts';
import { capabilityTable } from '../../src/adapters/rabbitmq/capabilities.ts';
import { versionOf } from '../../src/adapters/rabbitmq/version.ts';
import { chapters, disagreements, properties } from '../../src/conformance/index.ts';
import { readReports, recordedDir, targetNames } from '../support/conformance-results.ts';

const root = new URL('../../', import.meta.url);
const titles = new Set(chapters.map(({ capability, name }) => `${capability}: ${name}`));
const reports = readReports(recordedDir);

/** As the driver gives it out on one node. */
function tableOf(target: string): CapabilityTable {
  const system = target.replace('REST over ', '');
  if (system === 'native') return nativeCapabilities;
  if (system === 'kafka') return kafkaCapabilities;
  const [name = '', version = '4.3'] = system.split('@');
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return capabilityTable(name.replace('rabbitmq-', '') as QueueType, versionOf(version, major, minor), 1);
}

describe('the page of the conformance suite', () => {
  it('shows every target', () => {
    expect(reports.map(({ target }) => target)).toEqual(targetNames);
  });

  it.each(reports.map((report) => [report.target, report] as const))(
    '%s: the recorded findings are of the capability table that there is now, and agree with it',
    (target, report) => {
      const table = tableOf(target);
      for (const name of capabilityNames) expect(report.findings[name].level, name).toBe(table[name].level);
      expect(report.failed).toEqual([]);
      expect(disagreements(report)).toEqual([]);
    },
  );
});

describe('the map of properties', () => {
  it('names chapters and files that there are', () => {
    for (const { id, chapters: named, tests = [] } of properties) {
      expect(
        named.filter((title) => !titles.has(title)),
        id,
      ).toEqual([]);
      const missing = tests.filter((path) => !existsSync(fileURLToPath(new URL(path, root))));
      expect(missing, id).toEqual([]);
    }
  });

  it('says why where nothing tests a property, and has each property once', () => {
    const silent = properties.filter(
      ({ chapters: named, tests = [], untested }) => named.length + tests.length === 0 && untested === undefined,
    );
    expect(silent).toEqual([]);
    expect(new Set(properties.map(({ id }) => id)).size).toBe(properties.length);
  });
});
