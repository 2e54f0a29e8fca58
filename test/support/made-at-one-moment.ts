/** Two processes make the same subscription at the same moment, and a message is published as soon as the first of them is answered. */

import { randomBytes } from 'node:crypto';
import { onTestFinished } from 'vitest';
import type { Driver } from '../../src/adapters/driver.ts';
import { portFromDriver } from '../../src/adapters/open-port.ts';
import type { Created, SubscriptionDefinition, SubscriptionOptions, TopicOptions } from '../../src/adapters/port.ts';

/**
 * @param openDriver another one on the same backend with each call; both are closed when the test ends.
 * @param options.later what the process that is behind asks for otherwise.
 * @param options.overtake arranges that `ahead` is called while the driver makes it, when it has not looked yet where the topic ends.
 */
export async function makeAtOneMoment(
  openDriver: () => Promise<Driver>,
  topic: Omit<TopicOptions, 'name'>,
  {
    later = {},
    overtake = beforeItCreates,
  }: {
    readonly later?: Partial<SubscriptionOptions>;
    readonly overtake?: (driver: Driver, ahead: () => Promise<void>) => void;
  } = {},
): Promise<{
  readonly behind: Created<SubscriptionDefinition>;
  /** Reads it, through the process that was behind. */
  readonly received: () => Promise<readonly (string | undefined)[]>;
}> {
  const name = `twice-${randomBytes(5).toString('hex')}`;
  const options: SubscriptionOptions = { name, topic: name, start: 'latest' };
  const ahead = await portFromDriver(await openDriver());
  onTestFinished(async () => await ahead.close());
  await ahead.createTopic({ ...topic, name });
  await ahead.publish(name, [{ value: 'before' }]);

  const driver = await openDriver();
  const port = await portFromDriver(driver);
  onTestFinished(async () => await port.close());
  overtake(driver, async () => {
    await ahead.createSubscription(options);
    await ahead.publish(name, [{ value: 'after' }]);
  });
  const behind = await port.createSubscription({ ...options, ...later });
  const received = async (): Promise<readonly (string | undefined)[]> => {
    const consumer = await port.subscribe(name, { credit: { messages: 10 } });
    const deliveries = await consumer.pull({ maxMessages: 10, waitMs: 15_000 });
    return deliveries.map(({ message }) => message.value?.toString());
  };
  return { behind, received };
}

/** The port has looked, and found none of that name. */
function beforeItCreates(driver: Driver, ahead: () => Promise<void>): void {
  const create = driver.createSubscription.bind(driver);
  driver.createSubscription = async (...asked) => {
    await ahead();
    await create(...asked);
  };
}
