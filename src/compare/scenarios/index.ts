/** Every scenario, in the order of the report: the order of the list of properties (S01 to S51). */

import { ackBatching } from './ack-batching.ts';
import { atMostOnce } from './at-most-once.ts';
import { awaySubscriber } from './away-subscriber.ts';
import { backlogDrain } from './backlog-drain.ts';
import { brokerKill } from './broker-kill.ts';
import { brokerKillNewQueue } from './broker-kill-new-queue.ts';
import { brokerPause } from './broker-pause.ts';
import { compaction } from './compaction.ts';
import { confirmMeaning } from './confirm-meaning.ts';
import { confirmOrder } from './confirm-order.ts';
import { connectionCut } from './connection-cut.ts';
import { consumerKill } from './consumer-kill.ts';
import { consumersBeyondPartitions } from './consumers-beyond-partitions.ts';
import { corruption, tornTail } from './corruption.ts';
import { deadLetter } from './dead-letter.ts';
import { delayedMessage } from './delayed-message.ts';
import { diskAlarm } from './disk-alarm.ts';
import { duplicatesAfterRetry } from './duplicates-after-retry.ts';
import { oneResultEach } from './one-result-each.ts';
import { fanOut } from './fan-out.ts';
import { fanOutDisk } from './fan-out-disk.ts';
import { fsyncCost } from './fsync-cost.ts';
import { hotKey } from './hot-key.ts';
import { idleCost } from './idle-cost.ts';
import { idleSubscription } from './idle-subscription.ts';
import { largeMessage } from './large-message.ts';
import { lateSubscriber } from './late-subscriber.ts';
import { manyConnections } from './many-connections.ts';
import { manyTopics } from './many-topics.ts';
import { messageTtl } from './message-ttl.ts';
import { metadata } from './metadata.ts';
import { nodeKillQuorum } from './node-kill-quorum.ts';
import { orderAfterCrash } from './order-after-crash.ts';
import { orderAfterNack } from './order-after-nack.ts';
import { orderAfterRetry } from './order-after-retry.ts';
import { orderGlobal } from './order-global.ts';
import { orderPerKeyCompeting } from './order-per-key-competing.ts';
import { orderSingle } from './order-single.ts';
import { poisonMessage } from './poison-message.ts';
import { powerLoss, powerLossSynced } from './power-loss.ts';
import { priority } from './priority.ts';
import { queueFull } from './queue-full.ts';
import { rebalance } from './rebalance.ts';
import { redeliveryLimit } from './redelivery-limit.ts';
import { replayAfterAck } from './replay-after-ack.ts';
import { replayOffset } from './replay-offset.ts';
import { replayTimestamp } from './replay-timestamp.ts';
import { replayWhileLive } from './replay-while-live.ts';
import { requestReply } from './request-reply.ts';
import { retentionLimit } from './retention-limit.ts';
import { routing } from './routing.ts';
import { withShareGroups } from './share-groups.ts';
import { slowConsumer } from './slow-consumer.ts';
import { slowMessage } from './slow-message.ts';
import { transaction } from './transaction.ts';
import { unroutable } from './unroutable.ts';
import type { Scenario } from './scenario.ts';

const all: readonly Scenario[] = [
  fanOut,
  fanOutDisk,
  lateSubscriber,
  awaySubscriber,
  idleSubscription,
  replayAfterAck,
  replayOffset,
  replayTimestamp,
  replayWhileLive,
  orderSingle,
  orderPerKeyCompeting,
  orderAfterNack,
  orderAfterCrash,
  orderAfterRetry,
  orderGlobal,
  consumersBeyondPartitions,
  hotKey,
  slowConsumer,
  rebalance,
  slowMessage,
  poisonMessage,
  redeliveryLimit,
  atMostOnce,
  consumerKill,
  oneResultEach,
  duplicatesAfterRetry,
  confirmMeaning,
  confirmOrder,
  unroutable,
  brokerKill,
  nodeKillQuorum,
  brokerKillNewQueue,
  powerLoss,
  powerLossSynced,
  fsyncCost,
  brokerPause,
  connectionCut,
  corruption,
  tornTail,
  retentionLimit,
  messageTtl,
  priority,
  delayedMessage,
  deadLetter,
  queueFull,
  diskAlarm,
  largeMessage,
  backlogDrain,
  transaction,
  routing,
  compaction,
  requestReply,
  manyTopics,
  manyConnections,
  ackBatching,
  metadata,
  idleCost,
];

export const scenarios: readonly Scenario[] = all.map(withShareGroups);

export { leftOutOfStandard } from './left-out.ts';
export { notRun } from './not-run.ts';
export { type Expectation, expectationFor, type Scenario, versionFits } from './scenario.ts';
export { Stage, Undecided } from './stage.ts';
