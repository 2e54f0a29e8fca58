/** How a service on Sluice is tested: a real broker for each test, its time and its faults in the test's hands. */

import { createTestBroker, type TestBroker } from 'sluice/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Order, OrderService } from './order-service.ts';

const order: Order = { id: 'order-1', customer: 'customer-42', amount: 1_999 };

let broker: TestBroker;
let orders: OrderService;
let stop: AbortController;

beforeEach(async () => {
  broker = await createTestBroker({
    topics: [{ name: 'orders', partitions: 4 }],
    subscriptions: [{ name: 'billing', topic: 'orders', retry: { minBackoffMs: 10, maxAttempts: 3 } }],
  });
  orders = new OrderService(broker.port);
  stop = new AbortController();
});

afterEach(async () => {
  stop.abort();
  await broker.close();
});

describe('placing an order', () => {
  it('is tried again when the broker refuses it', async () => {
    const fault = broker.faults.refusePublishes({ times: 2 });
    await orders.place(order);
    expect(fault.hits).toBe(2);
    expect((await broker.published('orders')).map(({ id }) => id)).toEqual(['order-1']);
  });

  it('fails when the broker goes on refusing it', async () => {
    broker.faults.refusePublishes({ times: 3, code: 'overloaded' });
    await expect(orders.place(order)).rejects.toMatchObject({ code: 'overloaded' });
    expect(await broker.published('orders')).toEqual([]);
  });

  it('stores it under one id, be it once or twice, when the answer to the first try was lost', async () => {
    const fault = broker.faults.loseAnswers();
    await orders.place(order);
    expect(fault.hits).toBe(1);
    expect(new Set((await broker.published('orders')).map(({ id }) => id))).toEqual(new Set(['order-1']));
  });
});

describe('billing', () => {
  it('charges every order', async () => {
    const charged: string[] = [];
    void orders.bill(async ({ id }) => void charged.push(id), stop.signal);
    await orders.place(order);
    await broker.waitForSettled('billing');
    expect(charged).toEqual(['order-1']);
  });

  it('gives an order up that it can never charge, and says why', async () => {
    void orders.bill(async () => await Promise.reject(new Error('card expired')), stop.signal);
    await orders.place(order);
    const [letter] = await broker.waitForDeadLetters('billing');
    expect(letter).toMatchObject({ reason: 'Error: card expired', attempts: 3, topic: 'orders' });
    expect(JSON.parse(letter?.message.text ?? '')).toEqual(order);
  });

  it('charges an order that another instance took and never finished', async () => {
    await orders.place(order);
    const stuck = await broker.port.subscribe('billing', { credit: { messages: 1 } });
    await stuck.pull({ maxMessages: 1, waitMs: 1_000 });

    const charged: string[] = [];
    void orders.bill(async ({ id }) => void charged.push(id), stop.signal);
    await broker.clock.advance(31_000); // the lease of 30 seconds ends, and the first back-off
    await broker.waitForSettled('billing');
    expect(charged).toEqual(['order-1']);
  });
});
