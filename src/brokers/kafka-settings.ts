/**
 * What a Kafka that is started here has otherwise than Kafka's defaults, beside addresses, directories and the number of copies: the
 * lines of its configuration as a table, from which both the file of the broker and the page about settings are written.
 */

export interface BrokerLine {
  readonly name: string;
  readonly value: string;
  /** Kafka's own. */
  readonly byDefault: string;
  readonly reason: string;
}

const soon = 'what a topic promises to remove is removed within seconds, so that it can be tested';
const fewPartitions = 'topics of its own that are made at the first use; fewer partitions are made sooner';

export const kafkaLines: readonly BrokerLine[] = [
  {
    name: 'unclean.leader.election.enable',
    value: 'false',
    byDefault: 'false',
    reason: 'said, since answers rest on it',
  },
  { name: 'offsets.topic.num.partitions', value: '4', byDefault: '50', reason: fewPartitions },
  { name: 'transaction.state.log.num.partitions', value: '4', byDefault: '50', reason: fewPartitions },
  { name: 'share.coordinator.state.topic.num.partitions', value: '4', byDefault: '50', reason: fewPartitions },
  {
    name: 'group.initial.rebalance.delay.ms',
    value: '0',
    byDefault: '3000',
    reason: 'a new group does not wait for members that nobody sends',
  },
  {
    name: 'auto.create.topics.enable',
    value: 'false',
    byDefault: 'true',
    reason: 'a topic that nobody made is a mistake, and is to be seen as one',
  },
  { name: 'log.cleaner.enable', value: 'true', byDefault: 'true', reason: 'said, since compaction rests on it' },
  { name: 'log.cleaner.backoff.ms', value: '1000', byDefault: '15000', reason: soon },
  { name: 'log.initial.task.delay.ms', value: '1000', byDefault: '30000', reason: soon },
  { name: 'log.retention.check.interval.ms', value: '2000', byDefault: '300000', reason: soon },
];

/** Of Java: the flags of Kafka's own start script, but for the heap. */
export const kafkaHeap = { one: ['-Xms256m', '-Xmx1g'], ofThree: ['-Xms256m', '-Xmx512m'] } as const;
