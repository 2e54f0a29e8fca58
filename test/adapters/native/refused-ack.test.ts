/** An acknowledgement that the disk did not take, sent again. */

import { describe, expect, it } from 'vitest';
import { errno } from '../../core-log/memory-disk.ts';
import { rejection, type World, world } from '../../core-log/support.ts';
import { portOn } from './port-on.ts';

const REFUSED = { code: 'backend_rejected' };

describe.each([undefined, 'rabbitmq-quorum'] as const)('an ack that the disk refused (like: %s)', (like) => {
  /** A log with two messages, both handed out; cursors cannot be written, so that the ack of the first one was refused. */
  async function withRefusedAck() {
    const home = world();
    const port = await portOn(home, like);
    await port.createTopic({ name: 'orders' });
    await port.createSubscription({ name: 'billing', topic: 'orders' });
    await port.publish('orders', [{ value: 'one' }, { value: 'two' }]);
    const consumer = await port.subscribe('billing', { credit: { messages: 10 } });
    const [first] = await consumer.pull({ maxMessages: 2, waitMs: 5_000 });
    const { token } = first!;
    home.disk.intruder = ({ kind, path }) => {
      if (kind === 'write' && path.endsWith('cursors.map')) throw errno('EIO', path);
    };
    expect(await rejection(port.ack('billing', [token]))).toMatchObject(REFUSED);
    return { home, port, consumer, token };
  }

  async function valuesAfterKill(home: World): Promise<readonly unknown[]> {
    home.disk = home.disk.kill();
    const port = await portOn(home, like);
    const consumer = await port.subscribe('billing', { credit: { messages: 10 } });
    const deliveries = await consumer.pull({ maxMessages: 10, waitMs: 5_000 });
    await port.close();
    return deliveries.map(({ message }) => message.value?.toString());
  }

  it('is refused again, and not called settled, while the disk does not take it', async () => {
    const { home, port, token } = await withRefusedAck();
    expect(await rejection(port.ack('billing', [token]))).toMatchObject(REFUSED);
    expect(await valuesAfterKill(home)).toEqual(['one', 'two']);
  });

  it('is not called settled when its consumer closes at that moment', async () => {
    const { home, port, consumer, token } = await withRefusedAck();
    const again = port.ack('billing', [token]).then(
      ([result]) => result?.status,
      (reason: { readonly code: string }) => reason.code,
    );
    expect(await rejection(consumer.close())).toMatchObject(REFUSED);
    expect(['backend_rejected', 'expired']).toContain(await again);
    expect(await valuesAfterKill(home)).toEqual(['one', 'two']);
  });

  it('is `already` once it is written, and the message does not come after the death of the process', async () => {
    const { home, port, token } = await withRefusedAck();
    home.disk.intruder = undefined;
    expect(await port.ack('billing', [token])).toEqual([{ token, status: 'already' }]);
    expect(await valuesAfterKill(home)).toEqual(['two']);
  });
});
