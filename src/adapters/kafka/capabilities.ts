/** What this driver claims of Kafka, and how it holds. */

import { type CapabilityTable, emulated, native, unsupported } from '../capabilities.ts';
import { limits } from '../limits.ts';
import { ackStateBytesPause } from './ack-state.ts';
import { kafkaLimits } from './kafka-limits.ts';

export const kafkaCapabilities: CapabilityTable = {
  'publish.confirm': native('acks=all: answered when all in-sync replicas have it'),
  'publish.dedup': unsupported('a retry with the same id is stored again; consumers can tell by the id'),
  'publish.partialBatch': native('one outcome per message; the messages of one batch of a partition share theirs'),
  'publish.beforeSubscription': native('a topic is a log: it keeps messages without readers'),
  'order.partition': native('a partition is one sequence of offsets, and one batch of it is in flight at a time'),
  'order.key': emulated(
    'one message of a key is out at a time, also through retries, in the process that reads its partition',
  ),
  'order.keyParallel': emulated(
    'each message is tracked on its own, so keys of a partition do not wait for each other',
  ),
  'consume.competing': native(
    'consumers of a process share its partitions, processes share the partitions of the group',
  ),
  'consume.beyondPartitions': emulated(
    'within one process messages are shared out, not partitions; a process without a partition waits',
  ),
  'subscribe.late': native('the group starts at the earliest offset, at one of your choice or at a timestamp'),
  'ack.perMessage': emulated(
    'the low watermark is committed, the acked ranges above it in its metadata, up to 100 ms later',
    {
      commitMetadataBytesMax: kafkaLimits.commitMetadataBytesMax,
      commitIntervalMs: kafkaLimits.commitIntervalMs,
      unsettledPerPartitionMax: ackStateBytesPause,
    },
  ),
  'ack.redelivery': emulated(
    'after nack and expired lease by the process that reads, after a died process by the next one',
    {
      sessionTimeoutMs: kafkaLimits.sessionTimeoutMs,
    },
  ),
  'ack.attemptCount': emulated(
    'counted in the metadata of the commit; a crash may forget the attempt that was under way',
  ),
  'ack.releaseUncounted': emulated('release leaves the count as it is'),
  deadLetter: emulated('a topic of its own; written before the offset of the message counts as settled'),
  'retry.backoff': emulated('held back by the process that reads, doubling from minBackoffMs to maxBackoffMs', {
    delayMsMax: limits.backoffMsMax,
  }),
  delay: unsupported('a log delivers in order of arrival'),
  'ttl.message': unsupported('messages leave by the retention of their topic'),
  'ttl.retention': native('whole closed segments, by age and by bytes'),
  priority: unsupported('a log has one order'),
  'replay.earliest': native(
    'the offsets of the group move to the oldest kept ones; no other process may read meanwhile',
  ),
  'replay.offset': native('the offsets of the group move to those given'),
  'replay.timestamp': native('the first message at or after the time, by the time index'),
  browse: native('any kept offset can be read without a group'),
  lag: native('end offset less what is settled, as committed'),
  transactions: unsupported('Kafka has them; the port does not offer them'),
  'durability.memory': native('asking for it is granted; what is reached is more: os'),
  'durability.os': native('in the page cache of every in-sync replica'),
  'durability.fsync': native(
    'for topics with the option flush.messages=1: the leader syncs each batch before it answers',
  ),
  'durability.copies': native('acks=all: as many nodes as are in sync, read from the metadata'),
  compaction: native('cleanup.policy=compact; such a topic refuses messages without a key'),
  headers: native('record headers: bytes, order and repeats kept'),
  largeMessages: native('topics made by this driver take batches of 2 MiB', { valueBytesMax: limits.valueBytesMax }),
};
