/**
 * The shop's order fan-out: each order is published once, and the database, payments, inventory and recommendations each read
 * it by a subscription of their own, at their own pace. Recommendations are slow; inventory is down for a while and catches up.
 * In the end all four have the same orders, each customer's in the order in which they were placed.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Subscriber } from 'sluice/client';
import { openGateway } from '../gateway.ts';
import { seeded, skewed } from '../seeded.ts';
import { until } from '../waiting.ts';

interface Order {
  readonly id: string;
  readonly customer: string;
  readonly totalCents: number;
}

const orderCount = 200;
const customers = 40;
/** Inventory goes down when it has seen so many. */
const inventoryStopsAt = 40;

const readers = {
  database: { workMs: 0, workers: 4 },
  payments: { workMs: 2, workers: 4 },
  inventory: { workMs: 0, workers: 2 },
  recommendations: { workMs: 3, workers: 1 },
} as const;
type ReaderName = keyof typeof readers;

await using gateway = await openGateway('order-fan-out');
const { client } = gateway;
const topic = await gateway.topic('orders', { partitions: 4 });

class Reader {
  readonly name: ReaderName;
  readonly orders = new Map<string, Order>();
  repeated = 0;
  doneAfterMs = 0;
  readonly #subscription: string;
  #subscriber: Subscriber | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(name: ReaderName, subscription: string) {
    this.name = name;
    this.#subscription = subscription;
  }

  start(): void {
    const { workMs, workers } = readers[this.name];
    this.#subscriber = client.subscribe(this.#subscription, { credit: 20 });
    this.#running = this.#subscriber.run(
      async ({ value }) => {
        if (workMs > 0) await sleep(workMs);
        this.#take(value as Order);
      },
      { concurrency: workers },
    );
  }

  async stop(): Promise<void> {
    await this.#subscriber?.close();
    await this.#running;
  }

  async lag(): Promise<number> {
    return (await client.subscriptions.lag(this.#subscription)).total;
  }

  /** At least once: an order that was seen is not counted again. */
  #take(order: Order): void {
    if (this.orders.has(order.id)) this.repeated += 1;
    else this.orders.set(order.id, order);
    if (this.orders.size === orderCount) this.doneAfterMs = Math.round(performance.now() - startedMs);
  }
}

// Subscriptions first: what is published before is on a queue of RabbitMQ for nobody.
const shop: Record<ReaderName, Reader> = {
  database: await reader('database'),
  payments: await reader('payments'),
  inventory: await reader('inventory'),
  recommendations: await reader('recommendations'),
};
const all = Object.values(shop);

const startedMs = performance.now();
for (const one of all) one.start();

const random = seeded(7);
const placed: Order[] = Array.from({ length: orderCount }, (_, index) => ({
  id: `order-${index}`,
  customer: `customer-${skewed(random, customers)}`,
  totalCents: 500 + Math.floor(random() * 20_000),
}));

let inventoryMissed = 0;
for (let from = 0; from < orderCount; from += 10) {
  const outcomes = await client.publishBatch(
    topic,
    placed.slice(from, from + 10).map((order) => ({ id: order.id, key: order.customer, value: order })),
  );
  const failed = outcomes.find(({ kind }) => kind !== 'stored');
  if (failed !== undefined) throw new Error(`an order was not stored: ${JSON.stringify(failed)}`);
  if (inventoryMissed === 0 && shop.inventory.orders.size >= inventoryStopsAt) await inventoryGoesDown();
}
const placedAfterMs = Math.round(performance.now() - startedMs);
console.log(`${orderCount} orders placed after ${placedAfterMs} ms`);
if (inventoryMissed === 0) {
  // It was too slow to see so many while they were placed: it goes down now, with the rest before it.
  await until('inventory sees its first orders', () => shop.inventory.orders.size >= inventoryStopsAt);
  await inventoryGoesDown();
}
console.log(`inventory is down with ${await shop.inventory.lag()} orders waiting for it, and comes back`);
shop.inventory.start();

await until('all four have every order', () => all.every(({ orders }) => orders.size === orderCount));
await Promise.all(all.map((one) => one.stop()));

console.log('\nreader           orders  repeated  all after  each customer in order');
for (const { name, orders, repeated, doneAfterMs } of all)
  console.log(
    `${name.padEnd(16)} ${String(orders.size).padStart(6)}  ${String(repeated).padStart(8)}  ${`${doneAfterMs} ms`.padStart(9)}  ${keepsOrder(orders) ? 'yes' : 'NO'}`,
  );
const isSame = all.every(({ orders }) => digest(orders) === digest(new Map(placed.map((order) => [order.id, order]))));
const isRight = isSame && all.every(({ orders }) => keepsOrder(orders));
console.log(`\n${isRight ? 'all four have the same orders' : 'THE READERS DO NOT AGREE'}`);
process.exitCode = isRight ? 0 : 1;

async function reader(name: ReaderName): Promise<Reader> {
  return new Reader(name, await gateway.subscription(name, topic, { ordering: 'key' }));
}

async function inventoryGoesDown(): Promise<void> {
  await shop.inventory.stop();
  inventoryMissed = orderCount - shop.inventory.orders.size;
  console.log(`inventory goes down after ${shop.inventory.orders.size} orders`);
}

function digest(orders: ReadonlyMap<string, Order>): string {
  return JSON.stringify([...orders.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1)));
}

/** Of each customer, what was seen first was placed first. */
function keepsOrder(orders: ReadonlyMap<string, Order>): boolean {
  const lastOf = new Map<string, number>();
  return [...orders.values()].every(({ id, customer }) => {
    const index = Number(id.slice('order-'.length));
    const isLater = index > (lastOf.get(customer) ?? -1);
    lastOf.set(customer, index);
    return isLater;
  });
}
