/** A trace of a topic, recorded through a gateway: what was there, when, how large, and nothing more than was asked for. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../src/client/index.ts';
import { readTrace, recordTrace } from '../../src/compare/trace/index.ts';
import { recordOptions } from '../../src/compare/trace/record-flags.ts';
import { type Gateway, startGateway } from '../../src/gateway/start.ts';

const MESSAGES = 200;
const SECRET_KEY = 'customer-4711';
const SECRET_VALUE = 'paid with card 4111';

describe('a recorded trace', () => {
  let directory: string;
  let gateway: Gateway;
  let sluice: ReturnType<typeof connect>;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'sluice-record-'));
    gateway = await startGateway({ port: 0, native: { dataDir: join(directory, 'data') } });
    sluice = connect(gateway.url);
    await sluice.topics.create({ name: 'orders', partitions: 4 });
    const messages = Array.from({ length: MESSAGES }, (_, index) => ({
      key: index % 10 === 0 ? SECRET_KEY : `customer-${index % 7}`,
      value: `${SECRET_VALUE} ${'x'.repeat(index)}`,
      timestamp: 1_700_000_000_000 + index * 5,
    }));
    const outcomes = await sluice.publishBatch('orders', messages);
    expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['stored']));
  });

  afterAll(async () => {
    await gateway.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('has every message once, in the order of their times over all partitions, with its size', async () => {
    const out = join(directory, 'orders.jsonl');
    const summary = await recordTrace({ ...asked({ from: 'earliest' }), out });
    expect(summary).toMatchObject({ messages: MESSAGES, spanMs: (MESSAGES - 1) * 5, repeated: 0, withoutKey: 0 });
    const trace = await readTrace(out);
    expect(trace.map(({ tMs, size }) => [tMs, size])).toEqual(
      Array.from({ length: MESSAGES }, (_, index) => [index * 5, SECRET_VALUE.length + 1 + index]),
    );
  });

  it('has pseudonyms for keys, equal for equal keys and others in the next trace, and no value, unless they are asked for', async () => {
    const files = ['one', 'two'].map((name) => join(directory, `${name}.jsonl`));
    for (const out of files) await recordTrace({ ...asked({ from: 'earliest' }), out });
    const [one, two] = await Promise.all(files.map(async (file) => await readTrace(file)));
    const keysOf = (trace: typeof one) => trace?.map(({ key }) => key) ?? [];
    expect(new Set(keysOf(one)).size).toBe(8);
    expect(new Set(keysOf(one).filter((_, index) => index % 10 === 0)).size).toBe(1);
    expect(keysOf(one).filter((key) => keysOf(two).includes(key))).toEqual([]);
    for (const file of files) expect(readFileSync(file, 'utf8')).not.toMatch(/customer|paid/);
    const whole = join(directory, 'whole.jsonl');
    await recordTrace({ ...asked({ from: 'earliest', keys: 'keep', values: true }), out: whole });
    expect((await readTrace(whole))[0]).toMatchObject({ key: SECRET_KEY, value: `${SECRET_VALUE} ` });
    await recordTrace({ ...asked({ from: 'earliest', keys: 'none' }), out: whole });
    expect(new Set(keysOf(await readTrace(whole)))).toEqual(new Set([null]));
  });

  it('ends with its limit, and leaves no subscription behind, however it ended', async () => {
    const out = join(directory, 'few.jsonl');
    expect((await recordTrace({ ...asked({ from: 'earliest', limit: '10' }), out })).messages).toBe(10);
    await expect(
      recordTrace({ ...asked({ idle: '300ms' }), out: join(directory, 'none.jsonl') }),
    ).rejects.toMatchObject({
      code: 'trace_invalid',
    });
    expect(await sluice.subscriptions.list()).toEqual([]);
  });

  it('of what comes from now on has what comes from now on', async () => {
    const out = join(directory, 'later.jsonl');
    const recording = recordTrace({ ...asked({ limit: '3' }), out });
    await expect.poll(async () => (await sluice.subscriptions.list()).length).toBe(1);
    await sluice.publishBatch(
      'orders',
      Array.from({ length: 3 }, () => ({ value: Buffer.from([0xff, 0x00]) })),
    );
    expect(await recording).toMatchObject({ messages: 3, bytes: 6, withoutKey: 3 });
  });

  it('is refused with a code for a topic that is not there, a gateway that is not there, and options that are none', async () => {
    const out = join(directory, 'never.jsonl');
    for (const options of [
      { ...asked({}), topic: 'nobody' },
      { ...asked({}), url: 'http://127.0.0.1:1' },
    ])
      await expect(recordTrace({ ...options, out })).rejects.toMatchObject({ code: 'trace_unreadable' });
    await expect(recordTrace({ ...asked({}), topic: '../orders', out })).rejects.toMatchObject({
      code: 'trace_invalid_option',
    });
    for (const flags of [{ from: 'now' }, { limit: '0' }, { for: '10' }, { idle: '25h' }, { keys: 'all' }])
      expect(() => asked(flags)).toThrow(/must be/);
  });

  function asked(flags: Partial<Parameters<typeof recordOptions>[0]>) {
    const defaults = { from: 'latest', limit: '1000', for: '20s', idle: '1s', keys: 'hash', values: false };
    return { ...recordOptions({ ...defaults, url: gateway.url, ...flags }, {}), topic: 'orders' };
  }
});
