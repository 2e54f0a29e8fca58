/**
 * From need to measured cell: one row for each need, with the question that a person is asked, the cells that answer it, and what
 * would make the answer another one. Pure data.
 */

import type { WorkloadMode } from '../report/model.ts';

/** What must be so of a system. */
export type Predicate =
  /** Every one of these scenarios has the property. */
  | { readonly kind: 'holds'; readonly scenarios: readonly string[] }
  /** Not shown to be behind the best at the same durability, by this figure of this cell. */
  | {
      readonly kind: 'best-cell';
      readonly workload: string;
      readonly mode: WorkloadMode;
      readonly figure: string;
      readonly better: 'higher' | 'lower';
    }
  /** By a figure that a scenario observed. */
  | {
      readonly kind: 'best-observed';
      readonly scenario: string;
      readonly figure: string;
      readonly unit: string;
      readonly better: 'higher' | 'lower';
    }
  /** From start to the first accepted connection. */
  | { readonly kind: 'starts-first' }
  /** The broker has the property, or the port makes it up where the broker has not. */
  | { readonly kind: 'holds-on-any-layer'; readonly scenarios: readonly string[] }
  /** The workload ran without a fault on this system, and each figure is within its bound. */
  | { readonly kind: 'accepts'; readonly workload: string; readonly mode: WorkloadMode; readonly asks: readonly Ask[] };

/** A bound on the median of a figure of a cell. */
export interface Ask {
  /** Dotted path in a row, such as `readers.inventory.missing`. */
  readonly figure: string;
  readonly relation: '<=' | '>=';
  readonly bound: number;
  readonly unit: string;
  /** What the figure is, in words. */
  readonly words: string;
}

export interface Rule {
  /** The word of `--need`. */
  readonly need: string;
  readonly question: string;
  readonly predicate: Predicate;
  readonly wouldChange: string;
}

const settings = 'other settings of the broker, or another version: the cells are of the versions named';
const oneNode = 'a cluster of three nodes, where copies and elections add to every publish';
const clients = "another client: the cells are of amqplib and kafkajs, and the vendors' Java clients do more";
const replacing = 'a message limit or retention that is shorter than what you want to read again';

function holds(need: string, question: string, scenarios: readonly string[], wouldChange: string): Rule {
  return { need, question, predicate: { kind: 'holds', scenarios }, wouldChange };
}

export const rules: readonly Rule[] = [
  holds(
    'replay',
    'Must messages be readable again after they were acknowledged (audit, rebuilding a view)?',
    ['replay-after-ack', 'replay-offset'],
    replacing,
  ),
  holds('replay-from-time', 'Must a reader be able to go back to a point in time?', ['replay-timestamp'], replacing),
  holds(
    'replay-beside-live',
    'Must the history be readable while new messages flow?',
    ['replay-after-ack', 'replay-while-live'],
    replacing,
  ),
  holds(
    'late-readers',
    'Must an application that is added later get the messages from before it?',
    ['late-subscriber'],
    replacing,
  ),
  holds(
    'many-readers',
    'Do several applications each need every message, at their own pace, also after being away?',
    ['fan-out', 'away-subscriber'],
    'a reader that stays away until a limit of length, size or time removes what waits for it',
  ),
  holds(
    'per-key-order',
    'Must messages of one key be worked off in order, with several workers?',
    ['order-per-key-competing'],
    'a consistent-hash exchange and a queue with a single active consumer for each part, which is order by key on RabbitMQ by the broker alone',
  ),
  holds(
    'order-after-failure',
    'Must that order also hold when a message fails and is tried again?',
    ['order-after-nack'],
    'stopping the whole key (or partition) at a failure in the application',
  ),
  holds(
    'total-order',
    'Must all messages of a topic be seen in one order, whatever their keys?',
    ['order-global'],
    'one partition instead of four: it has one order everywhere, and one consumer at a time',
  ),
  holds(
    'many-workers',
    'Will there be more workers than you want to plan partitions for?',
    ['consumers-beyond-partitions'],
    'more partitions from the start, or share groups of Kafka 4.2 and newer (the rows kafka-share)',
  ),
  {
    need: 'retry',
    question: 'Must a message that keeps failing be set aside while the others go on?',
    predicate: { kind: 'holds-on-any-layer', scenarios: ['poison-message'] },
    wouldChange: 'a retry topic that the application fills itself',
  },
  holds(
    'dead-letters',
    'Must rejected messages be kept, with the reason?',
    ['dead-letter'],
    'an application that publishes what it rejects to a topic of its own',
  ),
  holds(
    'priority',
    'Must urgent messages overtake those that wait?',
    ['priority'],
    'one topic for each priority and consumers that read the urgent one first',
  ),
  holds(
    'delay',
    'Must a message be deliverable at a later time?',
    ['delayed-message'],
    "a scheduler in the application (RabbitMQ's old plug-in for delayed messages was archived in 2026 and rests on Mnesia, which 4.3 no longer has)",
  ),
  holds(
    'ttl',
    'Must a message that waited too long not be delivered any more?',
    ['message-ttl'],
    'consumers that look at a timestamp and skip what is old',
  ),
  holds(
    'routing',
    'Must the broker hand each consumer only the messages it asked for, by key or header?',
    ['routing'],
    'consumers that filter, and the traffic and CPU of what they throw away',
  ),
  holds(
    'request-reply',
    'Are there calls that wait for a reply?',
    ['request-reply'],
    'the rate of calls: the scenario has one at a time',
  ),
  holds(
    'transactions',
    'Must messages to several topics be stored all or none?',
    ['transaction'],
    'an outbox in the database of the application',
  ),
  holds(
    'exactly-once',
    'Must each input give exactly one result, also across a crash (read, compute, write)?',
    ['one-result-each'],
    'results that are written idempotently: then at-least-once is enough anywhere',
  ),
  holds(
    'deduplication',
    'Must a message be stored once that the client library sends again by itself after a lost answer?',
    ['duplicates-after-retry'],
    "consumers that know the ids they have seen, which is needed anyway for what the application itself publishes again; RabbitMQ's stream protocol, which has deduplication",
  ),
  holds(
    'latest-by-key',
    'Do you need the latest message of each key kept, and the older ones dropped?',
    ['compaction'],
    settings,
  ),
  holds(
    'survives-broker-kill',
    'Must every acknowledged message survive a kill of the broker process?',
    ['broker-kill', 'confirm-meaning'],
    'the weakest ways of publishing not being used (their loss is in the cells), and copies on other machines',
  ),
  holds(
    'survives-power-cut',
    'Must every acknowledged message survive a power cut of the only node, at its default settings?',
    ['power-loss'],
    'flush.messages=1 on Kafka (the scenario power-loss-synced), and copies on machines whose power does not go at the same time, which is what Kafka and streams rely on',
  ),
  holds(
    'notices-damage',
    'Must a message that the disk has damaged be noticed rather than be delivered?',
    ['corruption'],
    "the client: Java's consumers of Kafka and of RabbitMQ's stream protocol check what kafkajs and AMQP do not",
  ),
  holds(
    'survives-consumer-kill',
    'Must the work of a killed consumer be done by another, without a loss?',
    ['consumer-kill'],
    settings,
  ),
  holds(
    'backpressure',
    'Must a publisher be told when a limit of length is reached, rather than old messages be dropped?',
    ['queue-full'],
    "the queue's setting: by default (drop-head) the oldest are dropped and all are confirmed",
  ),
  holds(
    'burst',
    'Must a backlog be taken in and drained without a loss?',
    ['backlog-drain'],
    'a backlog larger than memory and page cache',
  ),
  {
    need: 'large-messages',
    question: 'Are there messages of several megabytes?',
    predicate: {
      kind: 'best-observed',
      scenario: 'large-message',
      figure: 'largestCarriedKib',
      unit: 'KiB',
      better: 'higher',
    },
    wouldChange: 'the limits (message.max.bytes, max_message_size), which can be raised on both',
  },
  {
    need: 'high-rate',
    question: 'Is the highest rate on one node what counts (1 KiB messages)?',
    predicate: {
      kind: 'best-cell',
      workload: 'throughput-1k',
      mode: 'own-maximum',
      figure: 'publish.messagesPerSecond',
      better: 'higher',
    },
    wouldChange: `more cores, a network, and ${clients}`,
  },
  {
    need: 'low-latency',
    question:
      'Is a short time from publish to delivery at a moderate rate what counts (p99 at 5,000 messages a second)?',
    predicate: {
      kind: 'best-cell',
      workload: 'throughput-1k',
      mode: 'equal-load',
      figure: 'latencyMs.endToEnd.p99',
      better: 'lower',
    },
    wouldChange: `a rate nearer to the maximum, and ${oneNode}`,
  },
  {
    need: 'low-cpu',
    question: 'Is processor time of the broker scarce?',
    predicate: {
      kind: 'best-cell',
      workload: 'throughput-1k',
      mode: 'equal-load',
      figure: 'cost.brokerCpuSecondsPerMillion',
      better: 'lower',
    },
    wouldChange: `larger batches, compression, and ${oneNode}`,
  },
  {
    need: 'low-disk',
    question: 'Are bytes written to the disk scarce?',
    predicate: {
      kind: 'best-cell',
      workload: 'throughput-1k',
      mode: 'equal-load',
      figure: 'cost.bytesWrittenPerPayloadByte',
      better: 'lower',
    },
    wouldChange: 'compression, and consumers that lag: what is consumed at once may never reach the disk of a queue',
  },
  {
    need: 'low-memory',
    question: 'Is memory scarce?',
    predicate: { kind: 'best-observed', scenario: 'idle-cost', figure: 'rssMib', unit: 'MiB', better: 'lower' },
    wouldChange: "the heap that Kafka is given, RabbitMQ's watermark, and how much waits",
  },
  {
    need: 'quick-start',
    question: 'Must it be started often and quickly (tests, small machines)?',
    predicate: { kind: 'starts-first' },
    wouldChange: 'what is on the disk: a start recovers it',
  },
];
