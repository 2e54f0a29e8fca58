/** A disk that is really full: a small file system in memory, filled up by somebody else's file, and freed again. */

import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openPort } from '../../src/adapters/index.ts';
import { type Engine, openEngine } from '../../src/core-log/index.ts';
import { mounted, whyNoMounts } from './mount.ts';
import { valuesOf } from './support.ts';

const SIZE = 'size=2m';
const VALUE = 'x'.repeat(8_000);
/** More than fit, by far. */
const TRIES_MAX = 1_000;
const PAGE_BYTES = 4_096;

/** Takes all the space that is left; returns what gives it back. */
function fill(directory: string): () => void {
  const path = join(directory, 'filler');
  const file = openSync(path, 'w');
  try {
    for (let written = 0; written < 2 ** 22; written += writeSync(file, Buffer.alloc(PAGE_BYTES)));
  } catch (reason) {
    if ((reason as NodeJS.ErrnoException).code !== 'ENOSPC') throw reason;
  } finally {
    closeSync(file);
  }
  return () => rmSync(path);
}

async function appendUntilRefused(engine: Engine, acked: string[]): Promise<string> {
  for (let count = 0; count < TRIES_MAX; count += 1) {
    const value = `${acked.length}.${VALUE}`;
    try {
      await engine.append('t', 0, [{ value }], { durability: 'fsync' });
      acked.push(value);
    } catch (reason) {
      return (reason as { readonly code: string }).code;
    }
  }
  return 'nothing was refused';
}

describe.skipIf(whyNoMounts !== null)('on a full disk', () => {
  it('the engine refuses appends with storage_full, reads on, and writes again by itself when there is space', async () => {
    const directory = await mounted(SIZE);
    const dataDir = join(directory, 'data');
    let engine = await openEngine({ dataDir });
    onTestFinished(async () => await engine.close());
    await engine.createTopic('t', { segmentBytes: 64 * 1024 });
    const acked: string[] = [];
    await engine.append('t', 0, [{ value: `0.${VALUE}` }]);
    acked.push(`0.${VALUE}`);
    const free = fill(directory);
    expect(await appendUntilRefused(engine, acked)).toBe('storage_full');
    expect(await appendUntilRefused(engine, acked)).toBe('storage_full');
    expect(await valuesOf(engine, 't')).toEqual(acked);
    expect(engine.status('t', 0).state).toBe('open');
    free();
    expect(await appendUntilRefused(engine, acked)).toBe('storage_full'); // of its own doing
    expect(acked.length).toBeGreaterThan(100);
    expect(await valuesOf(engine, 't')).toEqual(acked);
    await engine.close();
    engine = await openEngine({ dataDir });
    expect(await valuesOf(engine, 't')).toEqual(acked);
  });

  it('a deletion of records makes the space that appends need', async () => {
    const directory = await mounted(SIZE);
    const engine = await openEngine({ dataDir: join(directory, 'data') });
    onTestFinished(async () => await engine.close());
    await engine.createTopic('t', { segmentBytes: 64 * 1024, retention: { bytes: 256 * 1024 } });
    const acked: string[] = [];
    expect(await appendUntilRefused(engine, acked)).toBe('storage_full');
    expect(await engine.applyRetention().catch(() => -1)).not.toBe(0);
    await engine.append('t', 0, [{ value: VALUE }]);
    expect((await valuesOf(engine, 't')).at(-1)).toBe(VALUE);
  });

  it('a thousand cursors are written and records deleted, while appends are refused', async () => {
    const directory = await mounted(SIZE);
    const engine = await openEngine({ dataDir: join(directory, 'data') });
    onTestFinished(async () => await engine.close());
    await engine.createTopic('t', { segmentBytes: 64 * 1024 });
    await engine.createTopic('gone');
    const acked: string[] = [];
    for (let count = 0; count < 10; count += 1) {
      acked.push(`${count}.${VALUE}`);
      await engine.append('t', 0, [{ value: `${count}.${VALUE}` }]);
    }
    const free = fill(directory);
    expect(await appendUntilRefused(engine, acked)).toBe('storage_full');
    for (let place = 0; place < 1_000; place += 1)
      await engine.cursors.put('billing', Buffer.from(String(place).padStart(40)), 'fsync');
    expect(await appendUntilRefused(engine, acked)).toBe('storage_full');
    await engine.deleteTopic('gone');
    expect(await engine.deleteRecords('t', 0, 5)).toBe(5);
    free();
    await engine.append('t', 0, [{ value: VALUE }]);
    expect((await valuesOf(engine, 't')).slice(0, 1)).toEqual([acked[5]]);
  });

  it('the port refuses publishes with storage_full, delivers what is stored, and publishes again when there is space', async () => {
    const directory = await mounted(SIZE);
    const port = await openPort({ backend: 'native', config: { dataDir: join(directory, 'data') } });
    onTestFinished(async () => await port.close());
    await port.createTopic({ name: 'orders' });
    await port.createSubscription({ name: 'billing', topic: 'orders' });
    await port.publish('orders', [{ value: 'first' }]);
    const free = fill(directory);
    let refused: unknown;
    let stored = 1;
    for (let count = 0; count < TRIES_MAX && refused === undefined; count += 1) {
      const [outcome] = await port.publish('orders', [{ value: VALUE }]);
      if (outcome?.kind === 'stored') stored += 1;
      else refused = outcome;
    }
    expect(refused).toMatchObject({ kind: 'refused', error: { code: 'storage_full' } });
    const consumer = await port.subscribe('billing', { credit: { messages: 1_000 } });
    const deliveries = await consumer.pull({ maxMessages: 1_000, waitMs: 5_000 });
    expect(deliveries[0]?.message.value?.toString()).toBe('first');
    for (const { token } of deliveries) expect(await port.ack('billing', [token])).toMatchObject([{ status: 'ok' }]);
    free();
    const [outcome] = await port.publish('orders', [{ value: 'again' }]);
    expect(outcome).toMatchObject({ kind: 'stored', offset: stored });
  });
});
