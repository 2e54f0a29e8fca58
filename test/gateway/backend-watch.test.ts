/** What those who hold a stream are told when the backend goes away and comes back: once each, and the stream stays. */

import { describe, expect, it, onTestFinished } from 'vitest';
import type { Health, MessagingPort } from '../../src/adapters/index.ts';
import { gatewayLimits } from '../../src/gateway/limits.ts';
import { startGateway } from '../../src/gateway/start.ts';
import { openModel } from '../support/model-driver.ts';
import { openEvents, openPull, openSocket } from '../support/stream-clients.ts';
import { connect } from './grpc/support.ts';

const AWAY: Health = { ok: false, detail: 'the disk is on fire' };
const WELL: Health = { ok: true, detail: 'well' };

describe('a stream, while the backend is away', () => {
  it('is told why and that it is back, by its own means, and goes on', { timeout: 30_000 }, async () => {
    const world = await started();
    const events = await openEvents(world, 'by-events');
    const socket = await openSocket(world, 'by-socket');
    socket.send({ start: { credit: { messages: 10 } } });
    const pull = openPull(world, { subscription: 'by-grpc', credit: { messages: 10 } });
    world.health = AWAY;
    const told = [AWAY];
    await expect.poll(() => events.backend()).toEqual(told);
    await expect.poll(() => socket.backend()).toEqual(told);
    await expect.poll(() => pull.backend()).toEqual(told);
    // One that opens meanwhile is told at once.
    const late = await openEvents(world, 'late');
    await expect.poll(() => late.backend(), { timeout: gatewayLimits.backendWatchMs / 2 }).toEqual(told);
    world.health = WELL;
    await expect.poll(() => events.backend()).toEqual([AWAY, WELL]);
    await expect.poll(() => socket.backend()).toEqual([AWAY, WELL]);
    await expect.poll(() => pull.backend()).toEqual([AWAY, WELL]);
    await world.port.publish('orders', [{ value: 'after' }]);
    await expect.poll(() => events.values()).toEqual(['after']);
    await expect.poll(() => socket.deliveries().length).toBe(1);
    await expect.poll(() => pull.values).toEqual(['after']);
  });

  it('a backend that hangs is one that is away', { timeout: 30_000 }, async () => {
    const world = await started();
    const events = await openEvents(world, 'by-events');
    world.health = new Promise<Health>(() => undefined);
    await expect
      .poll(() => events.backend())
      .toEqual([{ ok: false, detail: expect.stringContaining('did not answer') }]);
  });
});

async function started() {
  const model = await openModel();
  const world = { health: WELL as Health | Promise<Health> };
  const port: MessagingPort = new Proxy(model, {
    get(target, name) {
      if (name === 'health') return async () => await world.health;
      const value = Reflect.get(target, name, target) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  await port.createTopic({ name: 'orders' });
  for (const name of ['by-events', 'by-socket', 'by-grpc', 'late'])
    await port.createSubscription({ name, topic: 'orders' });
  const gateway = await startGateway({ port: 0 }, { port });
  const clients = connect(gateway.grpcAddress ?? '');
  onTestFinished(async () => {
    for (const client of Object.values(clients)) client.close();
    await gateway.close();
    await model.close();
  });
  return Object.assign(world, { url: gateway.url, port, ...clients });
}
