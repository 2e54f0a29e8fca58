/** A log file with a wrong byte in its middle: what is whole is delivered and stays settled, the rest is said. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type MessagingPort, openPort } from '../../../src/adapters/index.ts';

const MESSAGES = 10;

/** Ten messages in each partition, each a batch of its own; the sixth of partition 0 is damaged while the log is closed. */
async function damagedLog(partitions: number): Promise<MessagingPort> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-damage-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const before = await openPort({ backend: 'native', config: { dataDir } });
  await before.createTopic({ name: 'orders', partitions });
  await before.createSubscription({ name: 'billing', topic: 'orders' });
  for (let number = 0; number < MESSAGES; number += 1) {
    for (let partition = 0; partition < partitions; partition += 1)
      await before.publish('orders', [{ value: `message-${partition}-${number}`, partition }]);
  }
  await before.close();
  const file = join(dataDir, 'topics', 'orders-0', '00000000000000000000.log');
  const bytes = readFileSync(file);
  bytes.write('X', bytes.indexOf('message-0-5'));
  writeFileSync(file, bytes);
  const port = await openPort({ backend: 'native', config: { dataDir } });
  onTestFinished(async () => await port.close());
  return port;
}

describe('a subscription on a damaged partition', () => {
  it('gets what is before the damage once, may ack it, and is then told of the damage', async () => {
    const port = await damagedLog(1);
    const consumer = await port.subscribe('billing', { credit: { messages: 100 } });
    const deliveries = await consumer.pull({ maxMessages: 100, waitMs: 5_000 });
    expect(deliveries.map(({ message }) => message.offset)).toEqual([0, 1, 2, 3, 4]);
    const results = await port.ack(
      'billing',
      deliveries.map(({ token }) => token),
    );
    expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['ok']));
    const later = async () => {
      const next = await port.subscribe('billing', { credit: { messages: 100 } });
      return await next.pull({ maxMessages: 100, waitMs: 5_000 });
    };
    await expect(later()).rejects.toMatchObject({ code: 'log_corrupt' });
    await port.seek('billing', { offsets: { '0': 6 } });
    expect((await later()).map(({ message }) => message.offset)).toEqual([6, 7, 8, 9]);
  });

  it('gets all of the other partitions', async () => {
    const port = await damagedLog(2);
    const consumer = await port.subscribe('billing', { credit: { messages: 100 } });
    const offsets: (number | null)[] = [];
    while (offsets.length < MESSAGES) {
      for (const { token, message } of await consumer.pull({ maxMessages: 100, waitMs: 5_000 })) {
        await port.ack('billing', [token]);
        if (message.partition === 1) offsets.push(message.offset);
      }
    }
    expect(offsets).toEqual(Array.from({ length: MESSAGES }, (_, offset) => offset));
  });
});
