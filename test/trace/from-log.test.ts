/** Logs become traces with every line accounted for, on generated logs and, where they are at hand, on real ones. */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { logShapes, makeLogSample } from '../../scripts/make-log-samples.ts';
import { readTrace, TraceError, traceFromLog, type TraceFromLogOptions } from '../../src/compare/trace/index.ts';

const directory = mkdtempSync(join(tmpdir(), 'sluice-trace-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let files = 0;
function write(text: string | Buffer): string {
  files += 1;
  const file = join(directory, `${files}.log`);
  writeFileSync(file, text);
  return file;
}

async function convert(text: string | Buffer, options: Partial<TraceFromLogOptions> = {}) {
  const file = write(text);
  const out = `${file}.jsonl`;
  const summary = await traceFromLog({ file, out, ...options });
  return { summary, messages: await readTrace(out), out };
}

async function failure(promise: Promise<unknown>): Promise<TraceError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof TraceError)) throw new Error(`expected a TraceError, got ${String(error)}`);
  return error;
}

describe('a generated log of each shape', () => {
  const expected = {
    hdfs: { key: 'block', pattern: /^blk_-?\d+$/ },
    hadoop: { key: 'process', pattern: /^(main|RMCommunicator Allocator|IPC Server handler \d+ on 62270)$/ },
    openssh: { key: 'process', pattern: /^sshd\[\d+\]$/ },
    spark: { key: 'process', pattern: /^(executor\.Executor|storage\.BlockManager|storage\.MemoryStore)$/ },
  } as const;

  it.each(logShapes)('%s: one message a line, in order, keyed, with its own distances', async (shape) => {
    const text = makeLogSample(shape, 7, 500);
    const { summary, messages } = await convert(text);
    expect(summary).toMatchObject({
      format: shape,
      key: expected[shape].key,
      messages: 500,
      lines: 500,
      continuationLines: 0,
    });
    expect(messages.map((message) => message.value).join('\n')).toBe(text.trimEnd());
    for (const message of messages) expect(message.key).toMatch(expected[shape].pattern);
    expect(messages[0]?.tMs).toBe(0);
    expect(messages.at(-1)?.tMs).toBe(summary.spanMs);
    expect(summary.spanMs).toBeGreaterThan(0);
    expect(new Set(messages.map((message) => message.key)).size).toBe(summary.distinctKeys);
  });

  it('is the same for the same seed and another for another', () => {
    expect(makeLogSample('hdfs', 1, 50)).toBe(makeLogSample('hdfs', 1, 50));
    expect(makeLogSample('hdfs', 1, 50)).not.toBe(makeLogSample('hdfs', 2, 50));
  });

  it('gives the same trace with Windows line ends and without a last line end', async () => {
    const text = makeLogSample('spark', 3, 50);
    const plain = await convert(text);
    const windows = await convert(text.trimEnd().replaceAll('\n', '\r\n'));
    expect(windows.messages).toEqual(plain.messages);
    expect(windows.summary.lines).toBe(50);
  });
});

describe('what a line is', () => {
  it('a stack trace belongs to the message before it, blank lines inside it too', async () => {
    const { summary, messages } = await convert(
      'started by hand\n\n2024-01-01 00:00:00,000 ERROR [main] a.B: boom\n\tat a.B.c(B.java:1)\n\nCaused by: d\n2024-01-01 00:00:01,500 INFO [main] a.B: on\n\n',
    );
    expect(messages.map((message) => message.value)).toEqual([
      '2024-01-01 00:00:00,000 ERROR [main] a.B: boom\n\tat a.B.c(B.java:1)\n\nCaused by: d',
      '2024-01-01 00:00:01,500 INFO [main] a.B: on',
    ]);
    expect(messages.map((message) => message.tMs)).toEqual([0, 1500]);
    expect(summary).toMatchObject({ lines: 8, messages: 2, continuationLines: 3 });
    expect(summary.skipped).toMatchObject({ beforeFirstTimestamp: 1, blank: 2 });
  });

  it('a date that does not exist is skipped and counted, not glued to the message before', async () => {
    const { summary, messages } = await convert(
      '2023-02-28T10:00:00Z a\n2023-02-29T10:00:00Z b\n2023-03-01T25:00:00Z c\n2023-03-01T10:00:00Z d\n',
    );
    expect(messages.map((message) => message.value?.at(-1))).toEqual(['a', 'd']);
    expect(summary.skipped.impossibleDate).toBe(2);
  });

  it('lines above the limits and lines with NUL bytes are skipped and counted', async () => {
    const huge = 'x'.repeat(1024 * 1024 + 1);
    const half = 'y'.repeat(700 * 1024);
    const { summary } = await convert(
      `2024-01-01T00:00:00Z a\n${huge}\n${half}\n${half}\n2024-01-01T00:00:01Z \0\n2024-01-01T00:00:02Z b\n`,
    );
    expect(summary).toMatchObject({ lines: 6, messages: 2, continuationLines: 1 });
    expect(summary.skipped).toMatchObject({ aboveLineLimit: 1, aboveRecordLimit: 1, holdsNulBytes: 1 });
  });

  it('bytes that are no UTF-8 are replaced and counted', async () => {
    const { summary, messages } = await convert(
      Buffer.concat([Buffer.from('2024-01-01T00:00:00Z caf'), Buffer.from([0xe9, 0x0a])]),
    );
    expect(messages[0]?.value).toBe('2024-01-01T00:00:00Z caf\uFFFD');
    expect(summary.repairedLines).toBe(1);
  });

  it('characters that are cut by a read boundary stay whole', async () => {
    const line = `2024-01-01T00:00:00Z ${'é漢😀'.repeat(5_000)}`;
    const { messages, summary } = await convert(`${line}\n${line}\n${line}\n`);
    expect(messages.map((message) => message.value)).toEqual([line, line, line]);
    expect(summary.repairedLines).toBe(0);
  });
});

describe('formats', () => {
  it.each([
    ['rfc5424', '<34>1 2003-10-11T22:14:15.003Z mymachine su 77 ID47 - x', 'mymachine'],
    ['syslog', '<13>Feb  5 17:32:18 web1 cron[12]: x', 'web1'],
    ['clf', '192.0.2.1 - bob [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 2326', '192.0.2.1'],
    ['apache-error', '[Fri Sep 09 10:42:29.902022 2011] [core:error] [pid 35708] x', '35708'],
    ['glog', 'I0102 15:04:05.123456 7 file.go:12] x', '7'],
    ['json', '{"level":30,"time":1531171074631,"pid":657,"hostname":"h","msg":"x"}', '657'],
    ['iso', '2024-05-01 12:00:00 x', null],
    ['epoch', '1700000000.125 x', null],
  ])('%s is recognised and keyed', async (format, line, key) => {
    const { summary, messages } = await convert(`${line}\n`);
    expect(summary.format).toBe(format);
    expect(messages[0]?.key ?? null).toBe(key);
  });

  it('zones count: the same moment in two zones is one time', async () => {
    const { messages } = await convert('2024-05-01T12:00:00.250+02:00 a\n2024-05-01T06:00:01.000-04:00 b\n');
    expect(messages.map((message) => message.tMs)).toEqual([0, 750]);
  });

  it('the key can be chosen; a line without it has none and is counted', async () => {
    const text = '17/06/09 20:10:40 INFO a.B: Found block rdd_2_0\n17/06/09 20:10:41 INFO a.B: nothing\n';
    const { messages, summary } = await convert(text, { key: 'block' });
    expect(messages.map((message) => message.key)).toEqual(['rdd_2_0', null]);
    expect(summary.messagesWithoutKey).toBe(1);
    expect((await convert(text, { key: 'none' })).messages.map((message) => message.key)).toEqual([null, null]);
  });

  it('the list in the help is the table', async () => {
    const { logFormats } = await import('../../src/compare/trace/index.ts');
    const main = readFileSync(new URL('../../src/compare/trace/main.ts', import.meta.url), 'utf8');
    expect(main).toContain(`'auto|${logFormats.map((format) => format.name).join('|')}'`);
    for (const format of logFormats) expect(format.parse(format.example), format.name).not.toBeNull();
  });
});

describe('a file that cannot become a trace', () => {
  it('missing, a directory, empty, without timestamps, binary, not of the format: each has its code and leaves no file', async () => {
    const out = join(directory, 'never.jsonl');
    const attempt = async (options: Partial<TraceFromLogOptions>) =>
      (await failure(traceFromLog({ file: write(''), out, ...options }))).code;
    expect(await attempt({ file: join(directory, 'absent.log') })).toBe('trace_unreadable');
    expect(await attempt({ file: directory })).toBe('trace_unreadable');
    expect(await attempt({})).toBe('trace_no_timestamp');
    expect(await attempt({ file: write('hello\nworld\n') })).toBe('trace_no_timestamp');
    expect(await attempt({ file: write(Buffer.from([0x1f, 0x8b, 0, 0, 1, 2, 3])) })).toBe('trace_not_text');
    expect(await attempt({ file: write(makeLogSample('spark', 1, 3)), format: 'hdfs' })).toBe('trace_no_timestamp');
    expect(readdirSync(directory).filter((name) => name.startsWith('never'))).toEqual([]);
  });

  it('options that do not exist or do not fit are refused', async () => {
    const file = write(makeLogSample('spark', 1, 3));
    const out = `${file}.jsonl`;
    expect((await failure(traceFromLog({ file, out, format: 'nope' }))).code).toBe('trace_invalid_option');
    expect((await failure(traceFromLog({ file, out, key: 'nope' }))).code).toBe('trace_invalid_option');
    expect((await failure(traceFromLog({ file, out, topic: 'a b' }))).code).toBe('trace_invalid_option');
    expect((await failure(traceFromLog({ file, out: file }))).code).toBe('trace_invalid_option');
    expect((await failure(traceFromLog({ file, out, key: 'host' }))).code).toBe('trace_key_unsupported');
    expect((await failure(traceFromLog({ file, out: join(directory, 'no', 'where.jsonl') }))).code).toBe(
      'trace_unwritable',
    );
    expect(existsSync(out)).toBe(false);
  });
});

const loghub = process.env['SLUICE_LOGHUB_DIR'];

describe('real logs', () => {
  const real = [
    { file: 'HDFS_2k.log', format: 'hdfs', key: 'block', withoutKey: 0 },
    { file: 'Hadoop_2k.log', format: 'hadoop', key: 'process', withoutKey: 0 },
    { file: 'OpenSSH_2k.log', format: 'openssh', key: 'process', withoutKey: 0 },
    { file: 'Spark_2k.log', format: 'spark', key: 'process', withoutKey: 0 },
  ] as const;

  it.for(real)('$file: 2,000 lines, each accounted for', async ({ file, format, key, withoutKey }, context) => {
    if (loghub === undefined || !existsSync(join(loghub, file))) {
      context.skip(`${file} is not at hand: set SLUICE_LOGHUB_DIR to a directory with it`);
      return;
    }
    const out = join(directory, `${file}.jsonl`);
    const summary = await traceFromLog({ file: join(loghub, file), out });
    expect(summary).toMatchObject({ format, key, lines: 2000, messages: 2000, continuationLines: 0, repairedLines: 0 });
    expect(Object.values(summary.skipped)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(summary.messagesWithoutKey).toBe(withoutKey);
    const lines = readFileSync(join(loghub, file), 'utf8').split(/\r?\n/).slice(0, 2000);
    expect((await readTrace(out)).map((message) => message.value)).toEqual(lines);
  });
});
