/** Kafka's own tool reads what compaction leaves: thinned batches of every codec, delete horizons, headers without records. */

import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { compressFrameSync } from 'lz4-napi';
import { compressSync } from 'snappy';
import { expect, inject, onTestFinished, test } from 'vitest';
import { openEngine } from '../../src/core-log/index.ts';
import { BATCH_HEADER_BYTES, sealBatch } from '../../src/core-log/record/batch-view.ts';
import { foreignBatch } from '../core-log/temporary-engine.ts';

test('Kafka’s DumpLogSegments reads compacted segments, and finds in them the records that we read', async (ctx) => {
  const libDir = inject('kafka')?.libDir ?? null;
  if (libDir === null) return ctx.skip('no Kafka whose tools can be run');
  const dataDir = await mkdtemp(join(tmpdir(), 'sluice-compacted-'));
  onTestFinished(async () => await rm(dataDir, { recursive: true, force: true }));
  const engine = await openEngine({ dataDir });
  await engine.createTopic('t', { cleanup: 'compact', segmentBytes: 16 * 1024 });
  const codecs: readonly ((records: Buffer) => Buffer)[] = [
    (records) => records,
    gzipSync,
    (records) => compressSync(records),
    (records) => compressFrameSync(records),
  ];
  for (const [codec, compress] of codecs.entries()) {
    const records = Array.from({ length: 1_500 }, (_, index) => ({
      key: `${codec}-${index % 1_000}`,
      value: index % 9 === 0 ? null : `value ${index}`,
      headers: [{ name: 'h', value: 'x' }],
    }));
    const plain = foreignBatch(records);
    const bytes = Buffer.concat([plain.subarray(0, BATCH_HEADER_BYTES), compress(plain.subarray(BATCH_HEADER_BYTES))]);
    bytes.writeInt32BE(bytes.length - 12, 8);
    bytes.writeInt16BE(codec, 21);
    sealBatch(bytes);
    await engine.appendBatch('t', 0, bytes);
  }
  await engine.appendBatch(
    't',
    0,
    foreignBatch([{ key: '0-0', value: 'p' }], { producerId: 5, producerEpoch: 0, baseSequence: 0 }),
  );
  await engine.append('t', 0, [{ key: '0-0', value: Buffer.alloc(16 * 1024) }]);
  await engine.append('t', 0, [{ key: '0-0', value: Buffer.alloc(16 * 1024) }]);
  expect(await engine.compact()).toBeGreaterThan(2_000);
  const expected: string[] = [];
  for await (const { offset, key, value } of engine.read('t', 0))
    expected.push(`${offset} ${String(key)} ${value?.length ?? -1}`);
  const directory = join(dataDir, 'topics', 't-0');
  await engine.close();

  const logs = (await readdir(directory)).filter((name) => name.endsWith('.log')).toSorted();
  const files = logs.map((name) => join(directory, name)).join(',');
  const tool = [
    '-cp',
    join(libDir, '*'),
    'org.apache.kafka.tools.DumpLogSegments',
    '--deep-iteration',
    '--print-data-log',
    '--files',
    files,
  ];
  const { stdout } = await promisify(execFile)('java', tool, { maxBuffer: 64 * 1024 * 1024 });
  expect(stdout).not.toMatch(/isvalid: false|invalid bytes|exception/i);
  for (const word of [
    'compresscodec: gzip',
    'compresscodec: snappy',
    'compresscodec: lz4',
    'deleteHorizonMs: OptionalLong[',
    'count: 0 ',
  ])
    expect(stdout).toContain(word);
  const found = [...stdout.matchAll(/^\| offset: (\d+) .*? valueSize: (-?\d+) .*? key: (\S+)/gm)];
  expect(found.map(([, offset, size, key]) => `${offset} ${key} ${size}`)).toEqual(expected);
});
