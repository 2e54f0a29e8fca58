/** Calls about one subscription at the same time: what users of several terminals, or of a retrying client, see. */

import { describe, expect, it, onTestFinished } from 'vitest';
import type { Intake, IntakeCredit, IntakeSink } from '../../src/adapters/driver.ts';
import { PortError } from '../../src/adapters/errors.ts';
import { portFromDriver } from '../../src/adapters/open-port.ts';
import type { SubscriptionDefinition, TopicDefinition } from '../../src/adapters/port.ts';
import { ModelDriver } from '../support/model-driver.ts';

/** Counts its open intakes, opens each only when `opens` lets it, and fails what it is told to fail. */
class WatchedDriver extends ModelDriver {
  openIntakes = 0;
  mostOpen = 0;
  opens: Promise<void> = Promise.resolve();
  failDeleteTopic: Error | undefined;
  failDeleteSubscription: Error | undefined;

  override async openIntake(
    subscription: SubscriptionDefinition,
    topic: TopicDefinition,
    sink: IntakeSink,
    credit: IntakeCredit,
  ): Promise<Intake> {
    await this.opens;
    const intake = await super.openIntake(subscription, topic, sink, credit);
    this.openIntakes += 1;
    this.mostOpen = Math.max(this.mostOpen, this.openIntakes);
    const close = intake.close.bind(intake);
    let closed: Promise<void> | undefined;
    intake.close = async () => {
      closed ??= close().then(() => void (this.openIntakes -= 1));
      await closed;
    };
    return intake;
  }

  override async deleteSubscription(subscription: SubscriptionDefinition, topic: TopicDefinition): Promise<void> {
    if (this.failDeleteSubscription !== undefined) throw this.failDeleteSubscription;
    await super.deleteSubscription(subscription, topic);
  }

  override async deleteTopic(topic: TopicDefinition): Promise<void> {
    if (this.failDeleteTopic !== undefined) throw this.failDeleteTopic;
    await super.deleteTopic(topic);
  }
}

async function world() {
  const driver = new WatchedDriver();
  const port = await portFromDriver(driver);
  onTestFinished(async () => await port.close());
  await port.createTopic({ name: 'orders' });
  await port.createSubscription({ name: 'billing', topic: 'orders' });
  const subscribe = async () => await port.subscribe('billing', { credit: { messages: 100 } });
  return { driver, port, subscribe };
}

/** A promise and the hand that resolves it. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

it('a subscription whose deletion is refused is still there, and can be deleted again', async () => {
  const { driver, port } = await world();
  driver.failDeleteSubscription = new PortError('subscription_in_use', 'another client reads it');
  await expect(port.deleteSubscription('billing')).rejects.toMatchObject({ code: 'subscription_in_use' });
  expect(await port.describeSubscription('billing')).toMatchObject({ name: 'billing', topic: 'orders' });
  driver.failDeleteSubscription = undefined;
  await port.deleteSubscription('billing');
  await expect(port.describeSubscription('billing')).rejects.toMatchObject({ code: 'subscription_not_found' });
});

describe('one subscription, several calls at the same time', () => {
  it('eight seeks at once leave one reader: each message comes once, not once per seek', async () => {
    const { driver, port, subscribe } = await world();
    const consumer = await subscribe();
    await port.publish('orders', [{ value: 'a' }, { value: 'b' }]);
    await Promise.all(Array.from({ length: 8 }, async () => await port.seek('billing', 'earliest')));
    expect([driver.openIntakes, driver.mostOpen]).toEqual([1, 1]);
    expect(await consumer.pull({ maxMessages: 10, waitMs: 1_000 })).toHaveLength(2);
    expect(await consumer.pull({ maxMessages: 10, waitMs: 0 })).toHaveLength(0);
    await consumer.close();
    expect(driver.openIntakes).toBe(0);
  });

  it('a pull that opens while a seek moves the subscription reads from the new place', async () => {
    const { port, subscribe } = await world();
    await port.publish('orders', [{ value: 'a' }]);
    const [, consumer] = await Promise.all([port.seek('billing', 'latest'), subscribe()]);
    expect(await consumer.pull({ maxMessages: 10, waitMs: 0 })).toEqual([]);
  });

  it('deleted while its first pull opens it, a subscription is gone for that pull, and nothing reads on', async () => {
    const { driver, port, subscribe } = await world();
    const { opened, open } = gate();
    driver.opens = opened;
    const opening = subscribe();
    const deleting = port.deleteSubscription('billing');
    open();
    await deleting;
    const pulled = opening.then(async (consumer) => await consumer.pull({ maxMessages: 1, waitMs: 5_000 }));
    await expect(pulled).rejects.toMatchObject({ code: 'subscription_not_found' });
    await expect.poll(() => driver.openIntakes).toBe(0);
  });

  it('closed while a seek opens it again, it leaves no reader behind', async () => {
    const { driver, port, subscribe } = await world();
    const consumer = await subscribe();
    const { opened, open } = gate();
    driver.opens = opened;
    const seeking = port.seek('billing', 'earliest');
    await expect.poll(() => driver.openIntakes).toBe(0);
    const closing = consumer.close();
    open();
    await Promise.all([seeking, closing]);
    expect(driver.openIntakes).toBe(0);
  });
});

describe('a topic', () => {
  it('whose deletion fails half-way is still there to be deleted again: its messages do not lie in wait for the next one', async () => {
    const { driver, port } = await world();
    driver.failDeleteTopic = new Error('the disk said no');
    await expect(port.deleteTopic('orders')).rejects.toMatchObject({ code: 'internal' });
    expect(await port.describeTopic('orders')).toMatchObject({ name: 'orders' });
    driver.failDeleteTopic = undefined;
    await port.deleteTopic('orders');
    await expect(port.describeTopic('orders')).rejects.toMatchObject({ code: 'topic_not_found' });
  });
});
