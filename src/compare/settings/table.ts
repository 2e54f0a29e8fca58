/**
 * Every line by which a system is compared otherwise than as its vendor ships it, each with its reason and its source. The code that
 * starts brokers, makes topics and opens clients takes the values from here, and docs/BROKER-SETTINGS.md is printed from here: what
 * is not in this table is not set. Suggestions from those who know a broker better are welcome: a line here is all it takes.
 *
 * A tuned setting must leave the promise as it is (acks, persistence, copies, what a crash delivers again): otherwise it would be
 * another tier and no tuning. It is for the highest rate, and the rows at the equal load show what it costs in latency.
 */

import type { VariantName } from '../systems/system-ids.ts';

/** `rabbitmq.conf`: of the broker; `topic`: of each topic; `producer` and `consumer`: of the client. */
export type Place = 'rabbitmq.conf' | 'topic' | 'producer' | 'consumer';

export interface SettingLine {
  readonly of: readonly VariantName[];
  readonly place: Place;
  /** By its own name, as the broker or the client has it. */
  readonly name: string;
  readonly value: string | number;
  readonly byDefault: string | number;
  readonly reason: string;
  readonly source: string;
}

const rabbitMqTuned = ['rabbitmq-quorum-tuned', 'rabbitmq-classic-tuned', 'rabbitmq-stream-tuned'] as const;
const listenDefaults = [
  ['backlog', 128],
  ['nodelay', 'true'],
  ['linger.on', 'true'],
  ['linger.timeout', 0],
  ['exit_on_close', 'false'],
] as const;
const throughput = 'docs.confluent.io, "Optimize for throughput": larger batches are the most important step';

export const settingLines: readonly SettingLine[] = [
  {
    of: ['kafka-fsync'],
    place: 'topic',
    name: 'flush.messages',
    value: 1,
    byDefault: 'Long.MAX_VALUE (the operating system decides)',
    reason:
      'each batch is on the disk before it is acknowledged: the promise of quorum queues and of the log, on one node',
    source: 'kafka.apache.org/documentation, topic setting flush.messages',
  },
  {
    of: ['kafka-tuned'],
    place: 'producer',
    name: 'linger ms',
    value: 20,
    byDefault: 5,
    reason: 'more messages in a request, fewer requests for broker and client; each waits up to so much longer',
    source: `${throughput}; linger.ms 10 to 100`,
  },
  {
    of: ['kafka-tuned'],
    place: 'producer',
    name: 'batch messages worthwhile',
    value: 800,
    byDefault: 200,
    reason:
      'a batch goes before its time only when it has so many messages: with four partitions about 200 KB for each at 1 KiB',
    source: `${throughput}; batch.size 100,000 to 200,000 bytes for each partition`,
  },
  {
    of: ['kafka-tuned'],
    place: 'consumer',
    name: 'minBytes',
    value: 100_000,
    byDefault: 1,
    reason:
      'the broker answers a fetch when there is something worth it, or after maxWaitTimeInMs (250): fewer fetches',
    source: 'docs.confluent.io, "Optimize for throughput"; fetch.min.bytes about 100,000',
  },
  {
    of: ['rabbitmq-quorum-tuned'],
    place: 'rabbitmq.conf',
    name: 'quorum_queue.commands_soft_limit',
    value: 256,
    byDefault: 32,
    reason:
      'a channel may have so many commands unanswered by a quorum queue before it is held back; here each queue has one publisher',
    source: 'rabbitmq.com/docs/quorum-queues, Configuration: may be increased where a queue has one publisher',
  },
  ...(['sndbuf', 'recbuf'] as const).map((name) => ({
    of: rabbitMqTuned,
    place: 'rabbitmq.conf' as const,
    name: `tcp_listen_options.${name}`,
    value: 196_608,
    byDefault: 'the operating system decides',
    reason: 'larger buffers of each connection, for throughput at the price of memory',
    source: 'rabbitmq.com/docs/networking, Tuning for Throughput: TCP Buffers',
  })),
  ...listenDefaults.map(([name, value]) => ({
    of: rabbitMqTuned,
    place: 'rabbitmq.conf' as const,
    name: `tcp_listen_options.${name}`,
    value,
    byDefault: value,
    reason: 'as it is by default: to name one option of the listener takes away all that are not named',
    source: 'rabbitmq.com/docs/networking, Tuning for Throughput: TCP Buffers',
  })),
];

/** Of the bare clients in every row, stock and tuned: what they are opened with beside addresses. */
export const clientLines: readonly {
  readonly client: string;
  readonly name: string;
  readonly value: string;
  readonly byDefault: string;
  readonly reason: string;
}[] = [
  {
    client: 'kafkajs, producer',
    name: 'batches over `send`',
    value: '1,000 messages or 800 KB at most, linger 5 ms, 4 sends under way',
    byDefault: 'none: each call is a request',
    reason: "what Kafka's own producer does by itself",
  },
  {
    client: 'kafkajs, consumer',
    name: '`sessionTimeout`',
    value: '30000',
    byDefault: '30000',
    reason: "kafkajs's default; Kafka's own client has 45000",
  },
  {
    client: 'kafkajs, consumer',
    name: '`heartbeatInterval`',
    value: '500',
    byDefault: '3000',
    reason: 'members learn of a rebalance by it; it also makes every join shorter',
  },
  {
    client: 'kafkajs, consumer',
    name: '`maxWaitTimeInMs`',
    value: '250',
    byDefault: '5000',
    reason: 'a fetch that found nothing; what comes is answered at once',
  },
  {
    client: 'kafkajs, consumer',
    name: '`autoCommitThreshold`',
    value: '1 where each message is acknowledged by itself',
    byDefault: 'none: after a batch',
    reason: 'an acknowledgement of Kafka is a committed offset',
  },
  {
    client: 'kafkajs',
    name: 'timer of the request queue',
    value: 'none where nothing waits',
    byDefault: 'every 10 ms or sooner',
    reason: 'it keeps an idle client at work',
  },
  {
    client: 'kafkajs and amqplib',
    name: '`TCP_NODELAY`',
    value: 'on',
    byDefault: 'off',
    reason: 'small frames go out at once',
  },
  {
    client: 'amqplib',
    name: 'confirms, acks of many, two connections',
    value: 'a confirm channel of its own; 100 deliveries or 10 ms an ack',
    byDefault: 'as the application does it',
    reason: "RabbitMQ's advice for clients",
  },
];

/** What was thought of and left as it is. */
export const leftAlone: readonly { readonly what: string; readonly reason: string }[] = [
  {
    what: 'Kafka: acks=1, acks=0',
    reason: 'another promise; see the scenario `confirm-meaning`',
  },
  {
    what: 'Kafka: compression',
    reason: 'it would compress what the generator invents, and the other systems are given the same bytes',
  },
  {
    what: 'Kafka: num.network.threads, num.io.threads, heap',
    reason: 'more threads than the two cores already, and no collection of garbage that could be seen at these rates',
  },
  {
    what: 'RabbitMQ: raft.segment_max_entries',
    reason:
      'older advice for small messages; the documents of 4.x advise to leave it and to rely on the size of segments',
  },
  {
    what: 'RabbitMQ: busy waiting of the Erlang schedulers (+sbwt none and its like)',
    reason: 'RabbitMQ 4.3 starts its machine so already, as the command line of its process shows',
  },
  {
    what: 'RabbitMQ: prefetch, acks of many, unconfirmed publishes',
    reason: 'levelled for all systems: what a crash may deliver again is part of the promise',
  },
  {
    what: 'RabbitMQ: management plugin, statistics',
    reason: 'the plugin is not enabled in the first place',
  },
  {
    what: 'Partitions',
    reason:
      'four on Kafka, the embedded log and the port; the bare rows of RabbitMQ have one queue for each subscription, or one stream: several behind a consistent-hash exchange are another topology',
  },
  { what: 'The embedded log', reason: 'it is no part of the answer; its defaults only' },
];
