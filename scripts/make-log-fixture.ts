/**
 * Writes test/fixtures/log-format-<version>: data directories as the present format has them, and what is in them. A later
 * version must read every one of them, record for record (test/log-format/fixtures.test.ts). Run once for each version of
 * the format, before its first release; a fixture that is there is never written again, because no file of users would be.
 *
 *   clean/      closed in order
 *   crashed/    the same as a killed process leaves it: no seal of the last segments, marks behind, a write torn in the middle
 *   expected.json
 *
 * `npx tsx scripts/make-log-fixture.ts`
 */

import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { driverOver } from '../src/adapters/native/index.ts';
import { portFromDriver } from '../src/adapters/open-port.ts';
import { type Engine, type RecordInput, inspectLog, openEngine, systemFileSystem } from '../src/core-log/index.ts';
import { buildBatch } from '../src/core-log/record/batch-builder.ts';
import { sealBatch, writeInt64 } from '../src/core-log/record/batch-view.ts';
import { FORMAT_VERSION } from '../src/core-log/storage/format.ts';
import { BrokerClock } from '../src/testing/test-clock.ts';

/** 2026-01-01, so that the same script writes the same bytes. */
const START_MS = Date.UTC(2026, 0, 1);
const SEGMENT_BYTES = 1_024;
const TORN_BYTES = 40;
const MARK_LOOKS_MAX = 10_000;

const target = resolve(import.meta.dirname, `../test/fixtures/log-format-${FORMAT_VERSION}`);
if (fs.existsSync(target)) {
  process.stderr.write(`${target} is there: what a version has written stays as it was written\n`);
  process.exit(1);
}

const work = fs.mkdtempSync(join(tmpdir(), 'sluice-fixture-'));
const dataDir = join(work, 'data');
const clock = new BrokerClock({ startMs: START_MS, isStopped: true });
const engine = await openEngine({
  dataDir,
  clock: clock.forEngine(),
  // Birth times of files would make every run different.
  fileSystem: {
    ...systemFileSystem,
    status: async (path) => {
      const status = await systemFileSystem.status(path);
      return status === undefined ? undefined : { ...status, createdMs: START_MS };
    },
  },
  random: { id: () => `fixture-of-format-${FORMAT_VERSION}` },
});

await writeRecords();
await writeSinceFormat2();
await writeSubscription();
await writeMaps();
await marksSaved();
// Above the marks: what recovery has to look at.
await engine.append('kinds', 0, [{ key: 'late', value: 'above the mark', timestamp: START_MS + 9_000 }]);
const expected = {
  topics: await topicsOf(engine),
  maps: mapsOf(engine),
  subscription: {
    name: 'billing',
    topic: 'shop',
    deliveries: [
      [1, 2],
      [4, 1],
    ],
  },
};

fs.cpSync(dataDir, join(work, 'crashed'), { recursive: true, filter: (path) => !path.endsWith('/lock') });
await engine.close();
clock.close();
tear(join(work, 'crashed', 'topics', 'kinds-0'));

fs.cpSync(dataDir, join(target, 'clean'), { recursive: true });
fs.cpSync(join(work, 'crashed'), join(target, 'crashed'), { recursive: true });
fs.writeFileSync(join(target, 'expected.json'), `${JSON.stringify({ ...expected, tornBytes: TORN_BYTES }, null, 2)}\n`);
fs.rmSync(work, { recursive: true });
process.stdout.write(`wrote ${target}\n`);

/** Every kind of record, batches of one and of many, several segments, an empty topic, one that was deleted. */
async function writeRecords(): Promise<void> {
  await engine.createTopic('kinds', {
    partitions: 2,
    segmentBytes: SEGMENT_BYTES,
    retention: { ms: 10 ** 12, bytes: 10 ** 9 },
  });
  const kinds: RecordInput[] = [
    { key: 'text', value: 'a value' },
    { value: 'no key' },
    { key: 'tombstone', value: null },
    { key: '', value: '' },
    { key: Buffer.from([0, 255, 128]), value: Buffer.from([255, 0, 254, 1]) },
    { key: 'ключ 鍵 🔑', value: 'значение 値 💎' },
    {
      key: 'headers',
      value: 'with headers',
      headers: [
        { name: 'one', value: 'first' },
        { name: 'one', value: 'again' },
        { name: 'null', value: null },
        { name: '', value: Buffer.from([1, 2, 3]) },
      ],
    },
    { key: 'older', value: 'than the one before', timestamp: START_MS - 86_400_000 },
  ];
  await engine.append(
    'kinds',
    0,
    kinds.map((record, index) => ({ timestamp: START_MS + index, ...record })),
  );
  for (let number = 0; number < 12; number += 1)
    await engine.append('kinds', number % 2, [
      { key: `k${number}`, value: `${number} `.repeat(100), timestamp: START_MS + 1_000 + number },
    ]);
  // Long enough for entries in its indexes.
  await engine.createTopic('long');
  for (let number = 0; number < 20; number += 1)
    await engine.append('long', 0, [{ value: `${number} `.padEnd(700, 'x'), timestamp: START_MS + number }]);
  await engine.createTopic('empty');
  await engine.createTopic('deleted');
  await engine.append('deleted', 0, [{ value: 'gone' }]);
  await engine.deleteTopic('deleted');
}

/** Gaps of compaction, tombstones with a horizon, deleted records, batches of a producer, ids, times of appending. */
async function writeSinceFormat2(): Promise<void> {
  await engine.createTopic('latest', { cleanup: 'compact', segmentBytes: SEGMENT_BYTES });
  for (let number = 0; number < 12; number += 1) {
    const value = number === 4 ? null : `${number} `.repeat(100);
    const record = { key: `k${number % 3}`, value, timestamp: START_MS + number };
    await engine.append('latest', 0, [record], { ids: [`latest-${number}`] });
  }
  for (let number = 0; number < 3; number += 1) {
    const batch = buildBatch([{ key: `p${number}`, value: 'of a producer', timestamp: START_MS }], START_MS);
    writeInt64(batch, 43, 7);
    batch.writeInt16BE(0, 51);
    batch.writeInt32BE(number, 53);
    sealBatch(batch);
    await engine.appendBatch('latest', 0, batch);
  }
  await engine.append('latest', 0, [{ key: 'k3', value: null, timestamp: START_MS }]);
  for (let number = 0; number < 3; number += 1)
    await engine.append('latest', 0, [{ key: 'end', value: `${number} `.repeat(300), timestamp: START_MS + 100 }]);
  await engine.compact();
  await engine.deleteRecords('long', 0, 5);
  await engine.createTopic('appended', { timestampType: 'append' });
  await engine.append('appended', 0, [{ value: 'at the time of the log', timestamp: 1 }]);
}

/** Five messages: the first settled, the second failed once, the third and fourth settled above it, the fifth untouched. */
async function writeSubscription(): Promise<void> {
  const driver = driverOver(engine, { durability: 'fsync', segmentBytes: undefined });
  const port = await portFromDriver(driver, {}, clock);
  await port.createTopic({ name: 'shop' });
  await port.createSubscription({ name: 'billing', topic: 'shop', start: 'earliest' });
  for (let number = 0; number < 5; number += 1)
    await port.publish('shop', [{ key: `order-${number}`, value: JSON.stringify({ number }), id: `id-${number}` }]);
  const consumer = await port.subscribe('billing', { credit: { messages: 4 } });
  const deliveries = await consumer.pull({ maxMessages: 4, waitMs: 4_000 });
  const tokens = deliveries.map(({ token }) => token);
  await port.nack('billing', tokens.slice(1, 2));
  await port.ack('billing', [...tokens.slice(0, 1), ...tokens.slice(2)]);
  await consumer.close(); // the port stays: closing it would close the engine
}

async function writeMaps(): Promise<void> {
  await engine.metadata.put('replaced', Buffer.from('old'));
  await engine.metadata.put('replaced', Buffer.from('new'));
  await engine.metadata.put('removed', Buffer.from('x'));
  await engine.metadata.put('removed', null);
  await engine.cursors.put('bytes', Buffer.from([0, 1, 254, 255]));
}

/** A second on the clock is what marks wait for; then they are written beside all else. */
async function marksSaved(): Promise<void> {
  await clock.advance(1_000);
  for (let look = 0; look < MARK_LOOKS_MAX; look += 1) {
    const { partitions } = await inspectLog(dataDir);
    if (partitions.every(({ next, syncedMark }) => syncedMark?.nextOffset === next)) return;
  }
  throw new Error('the synced marks were not written');
}

async function topicsOf(from: Engine) {
  const topics = [];
  for (const definition of from.topics()) {
    const partitions = [];
    for (let partition = 0; partition < definition.partitions; partition += 1) {
      const records = [];
      for await (const { offset, timestamp, key, value, headers } of from.read(definition.name, partition)) {
        records.push({
          offset,
          timestamp,
          key: base64(key),
          value: base64(value),
          headers: headers.map((header) => [header.name, base64(header.value)]),
        });
      }
      partitions.push(records);
    }
    topics.push({ definition, partitions });
  }
  return topics;
}

function mapsOf({ metadata, cursors }: Engine) {
  const entriesOf = (map: Engine['metadata']) =>
    Object.fromEntries([...map.entries()].map(([key, value]) => [key, value.toString('base64')]));
  return { metadata: entriesOf(metadata), cursors: entriesOf(cursors) };
}

/** The first part of a batch behind the last one. */
function tear(partition: string): void {
  const last = fs
    .readdirSync(partition)
    .filter((name) => name.endsWith('.log'))
    .sort()
    .at(-1) as string;
  const file = join(partition, last);
  fs.appendFileSync(file, fs.readFileSync(file).subarray(0, TORN_BYTES));
}

function base64(bytes: Buffer | null): string | null {
  return bytes === null ? null : bytes.toString('base64');
}
