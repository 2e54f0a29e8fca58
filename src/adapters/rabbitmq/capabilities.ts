/** The claims, by queue type and version. Each sentence is what the tests of this adapter and the conformance suite hold it to. */

import { type CapabilityTable, emulated, native, unsupported } from '../capabilities.ts';
import type { QueueType } from '../port.ts';
import { bounds } from './bounds.ts';
import type { BrokerVersion } from './version.ts';

export function capabilityTable(queueType: QueueType, version: BrokerVersion, replicas: number): CapabilityTable {
  switch (queueType) {
    case 'quorum':
      return { ...common(replicas), ...queues(), ...quorum(version) };
    case 'classic':
      return { ...common(1), ...queues(), ...classic };
    case 'stream':
      return { ...common(replicas), ...stream };
  }
}

type Claims = Partial<CapabilityTable>;

function common(replicas: number) {
  return {
    'publish.confirm': native('publisher confirms with mandatory routing: confirmed and returned is not stored'),
    'publish.dedup': unsupported('AMQP 0-9-1 has no deduplication; a retry is stored again'),
    'publish.partialBatch': native('each message has its own confirm, nack or return'),
    'order.key': emulated('the port lets one message of a key out at a time, on an ordered partition'),
    'order.keyParallel': emulated('the port runs a lane for each key of a partition'),
    deadLetter: emulated('the port stores the dead letter, confirmed, before the original is acknowledged'),
    'retry.backoff': emulated('the port waits before the next attempt'),
    delay: emulated(
      'it waits in a queue of its own and is dead-lettered to the subscriptions that exist when it is due: never early, late by a tenth of the delay at most while the broker keeps up',
      { ms: bounds.delayMsMax },
    ),
    transactions: unsupported('RabbitMQ gives tx.* of AMQP no atomicity, not even on one queue'),
    compaction: unsupported('queues and streams keep no latest value of a key'),
    headers: emulated(
      'an AMQP table where it loses nothing, else one packed header: bytes, order and repeats are kept',
    ),
    largeMessages: native('one message is at most 16 MiB by the default of the broker', { bytes: 16 * 1024 * 1024 }),
    'durability.copies':
      replicas > 1
        ? native('confirmed by a majority of the members', { copies: replicas })
        : unsupported('the configuration names one node, or the queue type has one copy'),
  } satisfies Claims;
}

function queues() {
  return {
    'publish.beforeSubscription': unsupported(
      'an exchange keeps nothing: without a subscription a publish is refused as unroutable',
    ),
    'order.partition': native('one queue for each partition, with a single active consumer'),
    'consume.competing': native(
      'consumers share one queue; ordered subscriptions have one active consumer for each partition',
    ),
    'consume.beyondPartitions': native('any number of consumers of an unordered subscription share one queue'),
    'subscribe.late': unsupported('the queue of a subscription starts empty'),
    'ack.perMessage': native('basic.ack by delivery tag'),
    'ack.redelivery': native('unacknowledged messages go back to their queue'),
    'ttl.message': native(
      'the message expires when it reaches the head of its queue; dead-lettered by the broker where the subscription does so',
    ),
    'ttl.retention': unsupported(
      'a queue can drop its oldest by age or length, and what is acknowledged leaves it at once; the port sets no such limits',
    ),
    'replay.earliest': unsupported('a queue forgets what was acknowledged'),
    'replay.offset': unsupported('a queue has no offsets'),
    'replay.timestamp': unsupported('a queue forgets what was acknowledged'),
    browse: unsupported('a queue cannot be read without taking its messages'),
    lag: native(
      'ready messages as the queue counts them, and those that this process holds; not those that other processes hold',
    ),
  } satisfies Claims;
}

function quorum(version: BrokerVersion) {
  return {
    'ack.attemptCount': native(
      version.atLeast(4, 3)
        ? 'x-delivery-count, kept by the queue; ordered subscriptions count retries in the process'
        : 'x-delivery-count, kept by the queue: below 4.3 it counts every return, also of a message that nobody touched',
    ),
    'ack.releaseUncounted': version.atLeast(4, 3)
      ? native(
          'basic.nack returns a message uncounted; an ordered subscription is closed with its channel, to keep its order, which counts for whoever opens it next but this process',
        )
      : unsupported('below 4.3 every return of a message counts as a delivery'),
    priority: version.atLeast(4, 3)
      ? native('strict priorities, higher first', { max: bounds.priorityMax })
      : unsupported('quorum queues have strict priorities from 4.3 on'),
    'durability.memory': native('accepted, and gets more: quorum queues always write to the disk before the confirm'),
    'durability.os': native('accepted, and gets more: quorum queues always write to the disk before the confirm'),
    'durability.fsync': native('confirmed after a majority of the members wrote and synced it'),
  } satisfies Claims;
}

const classic = {
  'ack.attemptCount': emulated(
    'counted in this process by message id; another process sees only that it was delivered before',
    {
      remembered: bounds.attemptsRemembered,
    },
  ),
  'ack.releaseUncounted': emulated('exact within this process; another process sees only that it was delivered before'),
  priority: unsupported('classic queues need their levels at declaration; use a quorum queue'),
  'durability.memory': native('published as transient'),
  'durability.os': native('confirmed after it was written; classic queues do not sync before the confirm'),
  'durability.fsync': unsupported('classic queues do not sync to the disk before the confirm'),
} satisfies Claims;

const stream = {
  'publish.beforeSubscription': native('a stream keeps messages without readers'),
  'order.partition': native('one stream for each partition'),
  'consume.competing': emulated(
    'consumers of a process share each partition; of several processes one reads a partition, another takes over',
  ),
  'consume.beyondPartitions': emulated('consumers of a process share the messages of a partition'),
  'subscribe.late': native('a subscription may start anywhere in what is kept'),
  'ack.perMessage': emulated(
    'a cursor with the ranges acknowledged above it, stored on the broker at most 200 ms later',
  ),
  'ack.redelivery': emulated(
    'a message is tried again in the process; after a crash reading goes on from the stored cursor',
  ),
  'ack.attemptCount': emulated('kept in the cursor; attempts since the last stored cursor are lost in a crash'),
  'ack.releaseUncounted': emulated('the message stays in the process, or is read again from the cursor'),
  'ttl.message': unsupported('streams expire whole segments only'),
  'ttl.retention': native('by age and size, in whole segments'),
  priority: unsupported('a stream has one order'),
  'replay.earliest': native('x-stream-offset first'),
  'replay.offset': native('x-stream-offset by number'),
  'replay.timestamp': emulated(
    'x-stream-offset by time starts at a chunk; messages before the time are skipped by their own timestamps',
  ),
  browse: native('a temporary consumer at the offset'),
  lag: emulated('the end of the stream minus the stored cursor'),
  'durability.memory': native('accepted, and gets more: streams always write before the confirm'),
  'durability.os': native('confirmed after a majority of the members wrote it'),
  'durability.fsync': unsupported('streams do not sync to the disk before the confirm'),
} satisfies Claims;
