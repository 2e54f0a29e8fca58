/** What a released format wrote is read by every later version, record for record; what a newer one wrote is left alone. */

import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openPort } from '../../src/adapters/index.ts';
import { type Engine, type LogTopic, openEngine, verifyLog } from '../../src/core-log/index.ts';
import { FORMAT_VERSION } from '../../src/core-log/storage/format.ts';
import { fingerprint } from '../log-maintenance/damaged-log.ts';

interface ExpectedRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [string, string | null])[];
}

interface Expected {
  readonly topics: readonly {
    readonly definition: LogTopic;
    readonly partitions: readonly (readonly ExpectedRecord[])[];
  }[];
  readonly maps: {
    readonly metadata: Readonly<Record<string, string>>;
    readonly cursors: Readonly<Record<string, string>>;
  };
  /** Offset and attempt of what is still to be delivered. */
  readonly subscription: { readonly name: string; readonly deliveries: readonly (readonly [number, number])[] };
  readonly tornBytes: number;
}

const fixtures = resolve(import.meta.dirname, '../fixtures');
const versions = fs.readdirSync(fixtures).flatMap((name) => /^log-format-(\d+)$/.exec(name)?.[1] ?? []);
const copies: string[] = [];

afterEach(() => {
  for (const copy of copies.splice(0)) fs.rmSync(copy, { recursive: true, force: true });
});

/** Opening a directory changes it: the fixture itself stays as it was written. */
function copyOf(version: string, state: 'clean' | 'crashed'): string {
  const copy = fs.mkdtempSync(join(tmpdir(), 'sluice-format-'));
  copies.push(copy);
  fs.cpSync(join(fixtures, `log-format-${version}`, state), copy, { recursive: true });
  return copy;
}

function expectedOf(version: string): Expected {
  return JSON.parse(fs.readFileSync(join(fixtures, `log-format-${version}`, 'expected.json'), 'utf8')) as Expected;
}

const base64 = (bytes: Buffer | null): string | null => bytes?.toString('base64') ?? null;

async function recordsOf(engine: Engine, topic: string, partition: number): Promise<ExpectedRecord[]> {
  const found: ExpectedRecord[] = [];
  for await (const { offset, timestamp, key, value, headers } of engine.read(topic, partition))
    found.push({
      offset,
      timestamp,
      key: base64(key),
      value: base64(value),
      headers: headers.map((header) => [header.name, base64(header.value)]),
    });
  return found;
}

function entriesOf(map: Engine['metadata']): Record<string, string | null> {
  return Object.fromEntries([...map.entries()].map(([key, value]) => [key, base64(value)]));
}

const cases = versions.flatMap((version) => (['clean', 'crashed'] as const).map((state) => ({ version, state })));

describe.each(cases)('format $version, $state', ({ version, state }) => {
  const expected = expectedOf(version);

  it('is read record for record, with its topics, definitions and cursors', async () => {
    const dataDir = copyOf(version, state);
    expect((await verifyLog(dataDir)).isWhole).toBe(true);
    await using engine = await openEngine({ dataDir });
    expect(engine.recovery.cleanShutdown).toBe(state === 'clean');
    expect(engine.topics().map(({ name }) => name)).toEqual(expected.topics.map(({ definition }) => definition.name));
    for (const { definition, partitions } of expected.topics) {
      // A later version may know more options than the one that wrote it.
      expect(engine.topic(definition.name)).toMatchObject(definition);
      for (const [partition, records] of partitions.entries())
        expect(await recordsOf(engine, definition.name, partition)).toEqual(records);
    }
    expect(entriesOf(engine.metadata)).toEqual(expected.maps.metadata);
    expect(entriesOf(engine.cursors)).toEqual(expected.maps.cursors);
  });

  it('goes on where it ended, and is read again after the next open', async () => {
    const dataDir = copyOf(version, state);
    const ends = new Map<string, { next: number; count: number }>();
    for (let round = 0; round < 2; round += 1) {
      await using engine = await openEngine({ dataDir });
      for (const { definition, partitions } of expected.topics) {
        for (const [partition, records] of partitions.entries()) {
          const name = `${definition.name}-${partition}`;
          // The last record of each topic is its last offset; before it compaction may have left gaps.
          const { next, count } = ends.get(name) ?? { next: (records.at(-1)?.offset ?? -1) + 1, count: records.length };
          const more = [{ key: 'more', value: 'more' }];
          expect((await engine.append(definition.name, partition, more)).baseOffset).toBe(next);
          expect(await recordsOf(engine, definition.name, partition)).toHaveLength(count + 1);
          ends.set(name, { next: next + 1, count: count + 1 });
        }
      }
    }
    expect((await verifyLog(dataDir)).isWhole).toBe(true);
  });

  it('delivers what its subscription had not settled, and counts the attempts on', async () => {
    const { name, deliveries } = expected.subscription;
    await using port = await openPort({ backend: 'native', config: { dataDir: copyOf(version, state) } });
    const consumer = await port.subscribe(name, { credit: { messages: 100 } });
    const found: [number | null, number][] = [];
    while (found.length < deliveries.length) {
      const pulled = await consumer.pull({ maxMessages: 100, waitMs: 4_000 });
      if (pulled.length === 0) break;
      found.push(...pulled.map(({ message, attempt }): [number | null, number] => [message.offset, attempt]));
    }
    expect(found).toEqual(deliveries);
    expect((await port.lag(name)).total).toBe(deliveries.length);
  });
});

it('a torn write of the crashed directory is cut off and kept', async () => {
  for (const version of versions) {
    const dataDir = copyOf(version, 'crashed');
    await using engine = await openEngine({ dataDir });
    const [found, ...others] = engine.recovery.partitions;
    expect(others).toEqual([]);
    expect(found).toMatchObject({ topic: 'kinds', truncatedBytes: expectedOf(version).tornBytes, fencedReason: null });
    expect(fs.existsSync(found?.quarantineFile ?? '')).toBe(true);
  }
});

it('there is a fixture of every format up to the present one', () => {
  expect(versions.map(Number).sort((a, b) => a - b)).toEqual(
    Array.from({ length: FORMAT_VERSION }, (_, index) => index + 1),
  );
});

it('a directory of a newer format is refused, names both versions, and is left untouched', async () => {
  const dataDir = copyOf(versions[0] as string, 'clean');
  const file = join(dataDir, 'format-version');
  const newer = FORMAT_VERSION + 1;
  fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace(/"version":\d+/, `"version":${newer}`));
  const before = fingerprint(dataDir);
  await expect(openEngine({ dataDir })).rejects.toMatchObject({
    code: 'format_too_new',
    message: `${dataDir} has format ${newer}, this version knows up to ${FORMAT_VERSION}`,
  });
  await expect(openPort({ backend: 'native', config: { dataDir } })).rejects.toThrow(/format_too_new/);
  expect(fingerprint(dataDir)).toBe(before);
});
