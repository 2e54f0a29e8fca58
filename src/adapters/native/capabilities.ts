/** What the native log claims. */

import { logLimits } from '../../core-log/index.ts';
import { type CapabilityTable, native, unsupported } from '../capabilities.ts';
import { limits } from '../limits.ts';

export const nativeCapabilities: CapabilityTable = {
  'publish.confirm': native('answered after the group commit that holds it'),
  'publish.dedup': native(
    'per partition, within a window of time and number that survives restarts: the answer is the place of the first one',
    { windowMs: logLimits.messageIdWindowMs, idsPerPartition: logLimits.messageIdsPerPartitionMax },
  ),
  'publish.partialBatch': native('one outcome per message; the messages of one partition are stored together'),
  'publish.beforeSubscription': native('a topic is a log: it keeps messages without readers'),
  'order.partition': native('a partition is one sequence of offsets'),
  'order.key': native('one message of a key is out at a time, also through retries'),
  'order.keyParallel': native('the subscription tracks each message, so keys do not wait for each other'),
  'consume.competing': native('the consumers of a subscription share its messages'),
  'consume.beyondPartitions': native('messages, not partitions, are shared out'),
  'subscribe.late': native('start: earliest, an offset or a timestamp'),
  'ack.perMessage': native('a low watermark and the settled offsets above it, stored with each change'),
  'ack.redelivery': native('after nack, expired lease, closed consumer or restart'),
  'ack.attemptCount': native('counted in the cursor; a crash may forget the attempt that was under way'),
  'ack.releaseUncounted': native('release leaves the count as it is'),
  deadLetter: native('a topic of its own; written before the message is settled'),
  'retry.backoff': native('held back by the subscription, doubling from minBackoffMs to maxBackoffMs', {
    delayMsMax: limits.backoffMsMax,
  }),
  delay: unsupported('a log delivers in order of arrival'),
  'ttl.message': unsupported('messages leave by the retention of their topic'),
  'ttl.retention': native('whole closed segments, by age and by bytes'),
  priority: unsupported('a log has one order'),
  'replay.earliest': native('the cursor moves to the oldest kept offset'),
  'replay.offset': native('the cursor moves to the offset'),
  'replay.timestamp': native('the first message at or after the time, by the time index'),
  browse: native('any kept offset can be read'),
  lag: native('end offset less what is settled'),
  transactions: unsupported('the port has no transactions'),
  'durability.memory': native('answered when accepted in memory'),
  'durability.os': native('answered after write(2)'),
  'durability.fsync': native('answered after fdatasync; the default'),
  'durability.copies': unsupported('one machine, one copy'),
  compaction: native('closed segments are written anew in the background; such a topic refuses messages without a key'),
  headers: native('record headers: bytes, order and repeats kept'),
  largeMessages: native('carried up to the limit of the port', { valueBytesMax: limits.valueBytesMax }),
};
