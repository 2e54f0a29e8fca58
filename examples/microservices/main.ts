/**
 * Services that know each other's events and not each other. Orders publishes OrderPlaced; payments answers with PaymentTaken or
 * PaymentRefused; shipping ships what is paid; orders hears of both and closes the order; mail hears of everything.
 *
 * Delivery is at least once, so each service remembers by event id what it did, and an event that follows from another has an id
 * made of that one's: done twice, it is the same event. The card provider fails now and then: the message comes again.
 */

import type { ReceivedMessage, Subscriber } from 'sluice/client';
import { openGateway } from '../gateway.ts';
import { seeded } from '../seeded.ts';
import { until } from '../waiting.ts';

type Event =
  | { readonly kind: 'OrderPlaced'; readonly order: string; readonly totalCents: number }
  | { readonly kind: 'PaymentTaken' | 'PaymentRefused'; readonly order: string }
  | { readonly kind: 'OrderShipped'; readonly order: string; readonly parcel: string };

type Channel = 'orders' | 'payments' | 'shipments';

const orderCount = 40;
/** Above it the card provider says no. */
const limitCents = 18_000;

await using gateway = await openGateway('microservices');
const { client } = gateway;
const topics: Record<Channel, string> = {
  orders: await gateway.topic('orders', { partitions: 2 }),
  payments: await gateway.topic('payments', { partitions: 2 }),
  shipments: await gateway.topic('shipments', { partitions: 2 }),
};
const running: { readonly subscriber: Subscriber; readonly done: Promise<void> }[] = [];
let retried = 0;

/** A service's ear for one topic: every event once, however often it is delivered. */
async function listen(
  service: string,
  channel: Channel,
  handle: (event: Event, id: string) => Promise<void>,
): Promise<void> {
  const name = await gateway.subscription(`${service}-of-${channel}`, topics[channel], {
    ordering: 'key',
    retry: { minBackoffMs: 20, maxAttempts: 10 },
  });
  const seen = new Set<string>();
  const subscriber = client.subscribe(name);
  const handler = async ({ id, value }: ReceivedMessage) => {
    // A message of this program always has one.
    if (id === null) return;
    if (seen.has(id)) return;
    await handle(value as Event, id);
    seen.add(id);
  };
  running.push({ subscriber, done: subscriber.run(handler, { concurrency: 4, onError: () => (retried += 1) }) });
}

/** Keyed by the order: what happens to one order is heard in that order. */
async function tell(channel: Channel, id: string, event: Event): Promise<void> {
  await client.publish(topics[channel], { id, key: event.order, value: event });
}

// ------------------------------------------------------------------------------------------------ the services

type State = 'placed' | 'paid' | 'shipped' | 'cancelled';
const orders = new Map<string, State>();

await listen('payments', 'orders', async (event, id) => {
  if (event.kind !== 'OrderPlaced') return;
  callCardProvider();
  const isTaken = event.totalCents <= limitCents;
  await tell('payments', `payment-for-${id}`, {
    kind: isTaken ? 'PaymentTaken' : 'PaymentRefused',
    order: event.order,
  });
});

await listen('shipping', 'payments', async (event, id) => {
  if (event.kind !== 'PaymentTaken') return;
  await tell('shipments', `parcel-for-${id}`, {
    kind: 'OrderShipped',
    order: event.order,
    parcel: `parcel-${event.order}`,
  });
});

// Payment and parcel come by two topics, so in any order: an order never goes back.
await listen('orders', 'payments', async (event) => {
  if (event.kind === 'PaymentRefused') orders.set(event.order, 'cancelled');
  else if (orders.get(event.order) === 'placed') orders.set(event.order, 'paid');
});
await listen('orders', 'shipments', async (event) => {
  orders.set(event.order, 'shipped');
});

const mails = new Map<string, number>();
for (const channel of ['orders', 'payments', 'shipments'] as const)
  await listen('mail', channel, async ({ kind }) => {
    mails.set(kind, (mails.get(kind) ?? 0) + 1);
  });

const random = seeded(3);
function callCardProvider(): void {
  if (random() < 0.2) throw new Error('the card provider did not answer');
}

// ------------------------------------------------------------------------------------------------ one evening

const amounts = seeded(4);
let expectedRefusals = 0;
for (let index = 0; index < orderCount; index += 1) {
  const order = `order-${index}`;
  const totalCents = 500 + Math.floor(amounts() * 20_000);
  if (totalCents > limitCents) expectedRefusals += 1;
  orders.set(order, 'placed');
  await tell('orders', `placed-${order}`, { kind: 'OrderPlaced', order, totalCents });
}
const shippedExpected = orderCount - expectedRefusals;
await until('every order is shipped or cancelled', () =>
  [...orders.values()].every((state) => state === 'shipped' || state === 'cancelled'),
);
const mailsExpected = 2 * orderCount + shippedExpected;
await until(
  'a mail for every event',
  () => [...mails.values()].reduce((sum, count) => sum + count, 0) >= mailsExpected,
);
await Promise.all(running.map(async ({ subscriber, done }) => (await subscriber.close(), await done)));

const count = (state: State) => [...orders.values()].filter((one) => one === state).length;
console.log(`${orderCount} orders placed, ${count('shipped')} shipped, ${count('cancelled')} cancelled`);
console.log(`the card provider failed ${retried} times, and each payment was tried again`);
console.log(
  `mails: ${[...mails]
    .map(([kind, howMany]) => `${howMany} ${kind}`)
    .toSorted()
    .join(', ')}`,
);
const isRight = count('shipped') === shippedExpected && count('cancelled') === expectedRefusals;
console.log(isRight ? '\nevery order ended as its payment did' : '\nORDERS DID NOT END AS THEIR PAYMENTS DID');
process.exitCode = isRight ? 0 : 1;
