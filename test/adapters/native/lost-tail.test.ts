/** A power cut takes messages that were read already, and leaves the cursor that passed them. */

import { expect, it } from 'vitest';
import type { MessagingPort } from '../../../src/adapters/index.ts';
import { world } from '../../core-log/support.ts';
import { portOn } from './port-on.ts';

async function ackAll(port: MessagingPort, count: number): Promise<(number | null)[]> {
  const consumer = await port.subscribe('billing', { credit: { messages: 100 } });
  const offsets: (number | null)[] = [];
  while (offsets.length < count) {
    const deliveries = await consumer.pull({ maxMessages: 100, waitMs: 2_000 });
    if (deliveries.length === 0) break;
    offsets.push(...deliveries.map(({ message }) => message.offset));
    await port.ack(
      'billing',
      deliveries.map(({ token }) => token),
    );
  }
  await consumer.close();
  return offsets;
}

it('what is published after a power cut is delivered, also at offsets that were acknowledged before it', async () => {
  const home = world();
  let port = await portOn(home);
  await port.createTopic({ name: 'orders' });
  await port.createSubscription({ name: 'billing', topic: 'orders' });
  await port.publish('orders', [{ value: 'kept' }], { durability: 'fsync' });
  for (let count = 0; count < 4; count += 1) await port.publish('orders', [{ value: `lost ${count}` }]);
  expect(await ackAll(port, 5)).toEqual([0, 1, 2, 3, 4]);
  // The cursors reach the disk, the log's end does not.
  await (await home.disk.open('/data/meta/cursors.map', 'write')).dataSync();
  home.disk = home.disk.powerCutAtWorst();
  port = await portOn(home);
  for (let count = 0; count < 6; count += 1)
    await port.publish('orders', [{ value: `new ${count}` }], { durability: 'fsync' });
  // Neither is the cursor of before any longer on the disk.
  home.disk = home.disk.powerCutAtWorst();
  port = await portOn(home);
  expect(await ackAll(port, 6)).toEqual([1, 2, 3, 4, 5, 6]);
});
