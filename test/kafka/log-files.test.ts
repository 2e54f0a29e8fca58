/** Our log files and Kafka's are the same bytes: Kafka's own tool reads ours, and we read what a real broker wrote. */

import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { expect, inject, onTestFinished, test, type TestContext } from 'vitest';
import { type Engine, type LogRecord, openEngine, type RecordInput } from '../../src/core-log/index.ts';
import { uniqueName } from './support.ts';

const run = promisify(execFile);

interface DumpedRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly headers: string;
  readonly key: string | undefined;
  readonly value: string | undefined;
}

test('Kafka’s DumpLogSegments reads every segment of ours, record for record, and finds its indexes in order', async (ctx) => {
  const libDir = libDirOf(ctx);
  const engine = await openEngine({ dataDir: temporary() });
  await engine.createTopic('orders', { segmentBytes: 64 * 1024 });
  for (let batch = 0; batch < 120; batch += 1) await engine.append('orders', 0, recordsOf(batch));
  const records = await readAll(engine, 'orders');
  const directory = join(engine.dataDir, 'topics', 'orders-0');
  await engine.close();

  const logs = fs
    .readdirSync(directory)
    .filter((name) => name.endsWith('.log'))
    .sort();
  expect(logs.length).toBeGreaterThan(2);
  const dump = await dumped(
    libDir,
    logs.map((name) => join(directory, name)),
  );
  expect(dump.match(/isvalid: true/g)).toHaveLength(120);
  expect(dump).not.toContain('isvalid: false');
  expect(dump).not.toMatch(/invalid bytes|mismatch|corrupt/i);
  expect(recordsIn(dump)).toEqual(
    records.map(({ offset, timestamp, key, value, headers }) => ({
      offset,
      timestamp,
      keyBytes: key?.length ?? -1,
      valueBytes: value?.length ?? -1,
      headers: headers.map(({ name }) => name).join(','),
      key: key?.toString(),
      value: value?.toString(),
    })),
  );

  const indexes = logs.flatMap((name) =>
    ['.index', '.timeindex'].map((suffix) => join(directory, name.replace('.log', suffix))),
  );
  const checked = await dumped(libDir, indexes);
  expect(checked).not.toMatch(/mismatch|not monotonic|out of order|corrupt/i);
  expect(checked.match(/position: /g)?.length).toBeGreaterThan(20);
  expect(checked.match(/timestamp: /g)?.length).toBeGreaterThan(20);
});

test('a segment that a real Kafka wrote is read by our engine, record for record', async (ctx) => {
  const kafka = inject('kafka');
  const source = kafka?.nodes[0]?.dataDir ?? null;
  if (kafka === null || source === null) return ctx.skip('no Kafka whose files can be read');
  const topic = uniqueName('files');
  const written = await writeToKafka(kafka.brokers, topic);
  const theirs = join(source, `${topic}-0`, `${'0'.repeat(20)}.log`);

  const dataDir = temporary();
  const first = await openEngine({ dataDir });
  await first.createTopic(topic);
  await first.close();
  const ours = join(dataDir, 'topics', `${topic}-0`);
  fs.copyFileSync(theirs, join(ours, `${'0'.repeat(20)}.log`));
  fs.rmSync(join(ours, 'synced-mark')); // it is of the empty log
  const engine = await openEngine({ dataDir });
  onTestFinished(async () => await engine.close());
  expect(engine.status(topic, 0)).toMatchObject({ state: 'open', earliest: 0, next: written.length });
  expect((await readAll(engine, topic)).map(plain)).toEqual(written);
  const { baseOffset } = await engine.append(topic, 0, [{ value: 'behind it' }]);
  expect(baseOffset).toBe(written.length);
});

function libDirOf(ctx: TestContext): string {
  const libDir = inject('kafka')?.libDir ?? null;
  return libDir ?? ctx.skip('no Kafka whose tools can be run');
}

/** Keys, values and headers of all kinds; times that go up and down. Text without line ends, because the tool prints it. */
function recordsOf(batch: number): RecordInput[] {
  return Array.from({ length: 1 + (batch % 7) }, (_, index) => ({
    key: [null, '', `key-${batch}`, 'ключ'][(batch + index) % 4] as string | null,
    value: index === 3 ? null : 'v'.repeat((batch * 37) % 900) + index,
    headers:
      index % 2 === 0
        ? []
        : [
            { name: 'h', value: 'x' },
            { name: 'empty', value: '' },
            { name: 'h', value: null },
          ],
    timestamp: 1_700_000_000_000 + batch * 1_000 - index * 400,
  }));
}

async function dumped(libDir: string, files: readonly string[]): Promise<string> {
  const args = ['--deep-iteration', '--print-data-log', '--files', files.join(',')];
  const tool = ['-Dfile.encoding=UTF-8', '-cp', join(libDir, '*'), 'org.apache.kafka.tools.DumpLogSegments'];
  const { stdout, stderr } = await run('java', [...tool, ...args], { maxBuffer: 64 * 1024 * 1024, timeout: 50_000 });
  return stdout + stderr;
}

/** `| offset: 0 CreateTime: 17 keySize: 2 valueSize: 5 sequence: -1 headerKeys: [h,n] key: k1 payload: hello` */
function recordsIn(dump: string): DumpedRecord[] {
  const line =
    /^\| offset: (\d+) CreateTime: (\d+) keySize: (-?\d+) valueSize: (-?\d+) sequence: -1 headerKeys: \[(.*?)\](?: key: (.*?))?(?: payload: (.*))?$/;
  return dump.split('\n').flatMap((text) => {
    const found = line.exec(text);
    if (found === null) return [];
    const [, offset, timestamp, keyBytes, valueBytes, headers = '', key, value] = found;
    return [
      {
        offset: Number(offset),
        timestamp: Number(timestamp),
        keyBytes: Number(keyBytes),
        valueBytes: Number(valueBytes),
        headers,
        key,
        value,
      },
    ];
  });
}

interface PlainRecord {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly string[];
  readonly timestamp: number;
}

async function writeToKafka(brokers: readonly string[], topic: string): Promise<PlainRecord[]> {
  const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await Promise.all([admin.connect(), producer.connect()]);
  try {
    // The records say that they are years old: with Kafka's seven days the broker would remove them at its next look.
    const configEntries = [{ name: 'retention.ms', value: '-1' }];
    await admin.createTopics({ topics: [{ topic, numPartitions: 1, configEntries }], waitForLeaders: true });
    const written = Array.from(
      { length: 200 },
      (_, index): PlainRecord => ({
        key: index % 3 === 0 ? null : `k${index}`,
        value: index % 11 === 0 ? null : 'w'.repeat(index * 3),
        headers: index % 2 === 0 ? [] : ['h=1'],
        timestamp: 1_700_000_000_000 + index,
      }),
    );
    for (let from = 0; from < written.length; from += 40) {
      const messages = written.slice(from, from + 40).map(({ key, value, headers, timestamp }) => ({
        key,
        value,
        partition: 0,
        timestamp: String(timestamp),
        headers: headers.length === 0 ? {} : { h: '1' },
      }));
      await producer.send({ topic, acks: -1, messages });
    }
    return written;
  } finally {
    await Promise.all([admin.disconnect(), producer.disconnect()]);
  }
}

function plain({ key, value, headers, timestamp }: LogRecord): PlainRecord {
  return {
    key: key?.toString() ?? null,
    value: value?.toString() ?? null,
    headers: headers.map((header) => `${header.name}=${header.value?.toString() ?? 'null'}`),
    timestamp,
  };
}

async function readAll(engine: Engine, topic: string): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const record of engine.read(topic, 0)) records.push(record);
  return records;
}

function temporary(): string {
  const path = fs.mkdtempSync(join(tmpdir(), 'sluice-files-'));
  onTestFinished(() => fs.rmSync(path, { recursive: true, force: true }));
  return path;
}
