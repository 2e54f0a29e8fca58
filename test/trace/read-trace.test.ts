/** A trace is read back whole or refused with file and line. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { limits } from '../../src/adapters/limits.ts';
import { readTrace, TraceError, traceErrorCodes, traceFromLog } from '../../src/compare/trace/index.ts';
import { traceLimits } from '../../src/compare/trace/limits.ts';

const directory = mkdtempSync(join(tmpdir(), 'sluice-read-trace-'));
const examples = fileURLToPath(new URL('../../examples/traces/', import.meta.url));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function read(text: string | Buffer): Promise<unknown> {
  const file = join(directory, 'trace.jsonl');
  writeFileSync(file, text);
  return await readTrace(file);
}

const good = '{"t":0,"topic":"a","key":null,"value":"x"}';

describe('readTrace', () => {
  it('keeps order, keys, values, sizes and headers', async () => {
    const text = `${good}\n\n{"t":1.5,"topic":"b","key":"k","size":10,"headers":{"h":"1"}}\n{"t":1.5,"topic":"b","value":""}`;
    expect(await read(text)).toEqual([
      { tMs: 0, topic: 'a', key: null, value: 'x' },
      { tMs: 1.5, topic: 'b', key: 'k', size: 10, headers: { h: '1' } },
      { tMs: 1.5, topic: 'b', key: null, value: '' },
    ]);
  });

  it.each([
    ['not JSON', '{"t":0,'],
    ['not an object', '[1]'],
    ['no time', '{"topic":"a","value":"x"}'],
    ['a negative time', '{"t":-1,"topic":"a","value":"x"}'],
    ['a time that is no number', '{"t":"0","topic":"a","value":"x"}'],
    ['no topic', '{"t":9,"value":"x"}'],
    ['a topic that is no name', '{"t":9,"topic":"../x","value":"x"}'],
    ['neither value nor size', '{"t":9,"topic":"a"}'],
    ['both value and size', '{"t":9,"topic":"a","value":"x","size":1}'],
    ['a size that is no whole number', '{"t":9,"topic":"a","size":1.5}'],
    ['a size above the largest value', `{"t":9,"topic":"a","size":${traceLimits.valueBytesMax + 1}}`],
    ['a key above its limit', JSON.stringify({ t: 9, topic: 'a', key: 'k'.repeat(4097), value: '' })],
    ['a header that is no string', '{"t":9,"topic":"a","value":"x","headers":{"h":1}}'],
    ['an unknown field', '{"t":9,"topic":"a","value":"x","colour":"red"}'],
    ['a line that is too long', `{"t":9,"topic":"a","value":"${'x'.repeat(traceLimits.traceLineBytesMax)}"}`],
  ])('refuses %s and names file and line', async (_, line) => {
    await expect(read(`${good}\n${line}\n${good}\n`)).rejects.toMatchObject({
      code: 'trace_invalid',
      message: expect.stringMatching(/trace\.jsonl:2: ./),
    });
  });

  it('refuses a time that goes back, bytes that are no UTF-8, and an empty file', async () => {
    const later = '{"t":5,"topic":"a","value":"x"}';
    await expect(read(`${later}\n${good}\n`)).rejects.toMatchObject({
      code: 'trace_invalid',
      message: expect.stringContaining(':2: t is 0, before the 5'),
    });
    await expect(
      read(Buffer.concat([Buffer.from('{"t":0,"topic":"a","value":"'), Buffer.from([0xff]), Buffer.from('"}')])),
    ).rejects.toMatchObject({ code: 'trace_invalid' });
    await expect(read('\n \n')).rejects.toMatchObject({ code: 'trace_invalid' });
  });

  it('says that a file cannot be read', async () => {
    const error = await readTrace(join(directory, 'absent.jsonl')).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TraceError);
    expect(error).toMatchObject({ code: 'trace_unreadable' });
  });

  it('allows nothing that the port would refuse', () => {
    expect(traceLimits.valueBytesMax).toBeLessThanOrEqual(limits.valueBytesMax);
    expect(traceLimits.recordBytesMax).toBeLessThanOrEqual(limits.valueBytesMax);
    expect(traceLimits.keyBytesMax).toBeLessThanOrEqual(limits.keyBytesMax);
    expect(traceLimits.headersMax).toBeLessThanOrEqual(limits.headersMax);
    expect(traceLimits.headerBytesMax).toBeLessThanOrEqual(limits.headerBytesMax);
    // Six characters for a byte, and room for the rest of the line.
    expect(traceLimits.traceLineBytesMax).toBeGreaterThan(
      6 * traceLimits.valueBytesMax + 6 * traceLimits.keyBytesMax + 6 * traceLimits.headerBytesMax,
    );
    expect(Object.keys(traceErrorCodes).every((code) => code.startsWith('trace_'))).toBe(true);
  });
});

describe('the examples', () => {
  const traces = readdirSync(examples).filter((name) => name.endsWith('.jsonl'));

  it('there are some', () => expect(traces.length).toBeGreaterThan(0));

  it.each(traces)('%s is a trace', async (name) => {
    const messages = await readTrace(join(examples, name));
    expect(messages.length).toBeGreaterThanOrEqual(100);
    expect(messages[0]?.tMs).toBe(0);
  });
});

describe('the example traces', () => {
  it('are what their script makes', async () => {
    const { exampleLog, textTraces } = await import('../../scripts/make-example-traces.ts');
    for (const [name, make] of Object.entries(textTraces)) {
      expect(readFileSync(join(examples, name), 'utf8') === make(), name).toBe(true);
    }
    expect(readFileSync(join(examples, 'login-attempts.txt'), 'utf8') === exampleLog).toBe(true);
    const out = join(directory, 'again.jsonl');
    await traceFromLog({ file: join(examples, 'login-attempts.txt'), out, topic: 'auth' });
    expect(readFileSync(out, 'utf8') === readFileSync(join(examples, 'login-attempts.jsonl'), 'utf8')).toBe(true);
  });
});
