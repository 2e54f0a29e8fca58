/** A port over the native driver on a disk in memory. */

import { driverLike } from '../../../src/adapters/likeness.ts';
import { driverOver } from '../../../src/adapters/native/index.ts';
import type { MessagingPort } from '../../../src/adapters/index.ts';
import { portFromDriver } from '../../../src/adapters/open-port.ts';
import type { World } from '../../core-log/support.ts';

/** @param like whose manners it takes on, as `--like` has them. */
export async function portOn(home: World, like?: string): Promise<MessagingPort> {
  const driver = driverOver(await home.open(), { durability: 'os', segmentBytes: undefined });
  return await portFromDriver(like === undefined ? driver : await driverLike(driver, like));
}
