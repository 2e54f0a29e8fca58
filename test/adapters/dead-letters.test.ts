/** A dead letter stands for a message that is settled once the letter is stored: it must not be lost more easily than that one. */

import { expect, it, onTestFinished } from 'vitest';
import { portFromDriver } from '../../src/adapters/index.ts';
import { ModelDriver } from '../support/model-driver.ts';

/** Answers after a write by default, and after a sync where it is asked and can. Notes down what each topic was stored with. */
class Deep extends ModelDriver {
  readonly stored: (readonly [topic: string, persistence: string])[] = [];
  readonly #canSync: boolean;

  constructor(canSync: boolean) {
    super();
    this.#canSync = canSync;
  }

  override durability(...[topic, asked]: Parameters<ModelDriver['durability']>) {
    if (asked.persistence === 'fsync' && this.#canSync) return { persistence: 'fsync' as const, copies: 1 };
    return super.durability(topic, asked);
  }

  override async publish(...[topic, messages, options]: Parameters<ModelDriver['publish']>) {
    this.stored.push([topic.name, options.durability.persistence]);
    return await super.publish(topic, messages, options);
  }
}

it.each([
  ['after a sync, where the backend can do that', true, 'fsync'],
  ['as messages usually are, where it cannot', false, 'memory'],
])('it is stored %s', async (_, canSync, persistence) => {
  const driver = new Deep(canSync);
  const port = await portFromDriver(driver);
  onTestFinished(async () => await port.close());
  await port.createTopic({ name: 'a' });
  await port.createSubscription({ name: 'r', topic: 'a', onExhausted: 'deadLetter' });
  await port.publish('a', [{ value: 'x' }]);
  const consumer = await port.subscribe('r', { credit: { messages: 1 } });
  const [delivery] = await consumer.pull({ maxMessages: 1, waitMs: 5_000 });
  expect(await port.reject('r', [delivery?.token ?? ''], { reason: 'broken' })).toMatchObject([{ status: 'ok' }]);
  expect(driver.stored).toEqual([
    ['a', 'memory'],
    ['r.dead', persistence],
  ]);
});
