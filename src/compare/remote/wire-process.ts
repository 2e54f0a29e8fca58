/** The process of a process wire: opens a wire and does what its parent says. It ends with its parent. */

import type { Wire, WireConsumer, WireDelivery, WirePublisher } from '../systems/wire.ts';
import type { Opened, Reply, Request } from './protocol.ts';
import { openTarget, type RemoteTarget } from './target.ts';

let wire: Wire | null = null;
let lastHandle = 0;
const publishers = new Map<number, WirePublisher>();
const consumers = new Map<number, WireConsumer>();
const deliveries = new Map<number, WireDelivery>();
let lastDelivery = 0;

process.on('message', (request: Request) => void take(request));
process.on('disconnect', () => process.exit(0));

/** A parent that was killed is told by the end of the channel, and not by a failed write. */
function tell(reply: Reply): void {
  if (process.connected) process.send?.(reply, () => {});
}

async function take(request: Request): Promise<void> {
  if (request.call === 'publish') {
    publishers
      .get(request.handle)
      ?.publish(request.messages.map(withBuffer), (index, result) =>
        tell({ kind: 'settled', batch: request.batch, index, result }),
      );
    return;
  }
  if (request.call === 'settle') {
    deliveries.get(request.delivery)?.[request.action]();
    deliveries.delete(request.delivery);
    return;
  }
  try {
    tell({ kind: 'answer', id: request.id, value: await answer(request) });
  } catch (reason) {
    const code = reason instanceof Error && 'code' in reason ? String(reason.code) : null;
    tell({ kind: 'refused', id: request.id, code, message: reason instanceof Error ? reason.message : String(reason) });
  }
}

async function answer(request: Exclude<Request, { call: 'publish' | 'settle' }>): Promise<unknown> {
  if (request.call === 'open') return await open(request.target);
  if (wire === null) throw new Error('the wire is not open');
  switch (request.call) {
    case 'createTopic':
      return await wire.createTopic(request.name, request.spec);
    case 'deleteTopic':
    case 'deleteSubscription':
    case 'deadLettersOf':
      return await wire[request.call](request.name);
    case 'createSubscription':
      return await wire.createSubscription(request.spec);
    case 'publisher': {
      // Taken before the wait: another one may be asked for meanwhile.
      const handle = ++lastHandle;
      publishers.set(handle, await wire.publisher(request.topic, request.options));
      return handle;
    }
    case 'closePublisher':
      return await publishers.get(request.handle)?.close();
    case 'closeConsumer':
      return await consumers.get(request.handle)?.close();
    case 'consume':
      return await consume(wire, request);
    case 'seek':
      return await wire.seek(request.name, request.to);
    case 'close':
      return await wire.close();
  }
}

async function open(target: RemoteTarget): Promise<Opened> {
  wire = await openTarget(target);
  return { product: wire.product, version: wire.version, publishModes: wire.publishModes };
}

async function consume(opened: Wire, { subscription, credit, settle }: Extract<Request, { call: 'consume' }>) {
  const handle = ++lastHandle;
  const consumer = await opened.consume(subscription, {
    credit,
    settle,
    onDelivery: (delivery) => {
      const number = ++lastDelivery;
      if (settle.kind === 'each') deliveries.set(number, delivery);
      const { key, value, partition, offset, attempt, isRedelivered } = delivery;
      const told = { number, key, value, partition, offset, attempt, isRedelivered, headers: delivery.headers() };
      tell({ kind: 'delivery', handle, delivery: told });
    },
    onError: (reason) => tell({ kind: 'consumerFailed', handle, message: String(reason) }),
  });
  consumers.set(handle, consumer);
  return handle;
}

function withBuffer<T extends { readonly value: Uint8Array }>(message: T): T & { value: Buffer } {
  return { ...message, value: Buffer.from(message.value) };
}
