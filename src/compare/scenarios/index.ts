/** Every scenario, in the order of the report. */

import { awaySubscriber } from './away-subscriber.ts';
import { fanOut } from './fan-out.ts';
import { fanOutDisk } from './fan-out-disk.ts';
import { lateSubscriber } from './late-subscriber.ts';
import { orderAfterNack } from './order-after-nack.ts';
import { orderPerKeyCompeting } from './order-per-key-competing.ts';
import { orderSingle } from './order-single.ts';
import { poisonMessage } from './poison-message.ts';
import { replayAfterAck } from './replay-after-ack.ts';
import { replayOffset } from './replay-offset.ts';
import { replayTimestamp } from './replay-timestamp.ts';
import type { Scenario } from './scenario.ts';
import { unroutable } from './unroutable.ts';

export const scenarios: readonly Scenario[] = [
  fanOut,
  fanOutDisk,
  lateSubscriber,
  awaySubscriber,
  replayAfterAck,
  replayOffset,
  replayTimestamp,
  orderSingle,
  orderPerKeyCompeting,
  orderAfterNack,
  unroutable,
  poisonMessage,
];

export { expectationFor, type Scenario, versionFits } from './scenario.ts';
export { Stage, Undecided } from './stage.ts';
