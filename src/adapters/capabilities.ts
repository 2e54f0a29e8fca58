/**
 * What a backend can do, as data. The vocabulary is closed: a driver that forgets a name does not compile, and the
 * conformance suite has a chapter for every name. README, `GET /v1/capabilities` and the report print the same object.
 */

/** Name -> the question it answers. */
export const capabilityQuestions = {
  'publish.confirm': 'Is a publish answered only after its durability is reached?',
  'publish.dedup': 'Is a retry with the same message id stored once?',
  'publish.partialBatch': 'Does each message of a batch get its own outcome?',
  'publish.beforeSubscription': 'Is a message kept that was published before any subscription existed?',
  'order.partition': 'Are messages of one partition delivered in the order they were stored?',
  'order.key': 'Are messages of one key delivered one after the other, also after a nack?',
  'order.keyParallel': 'Do different keys of one partition run in parallel while each keeps its order?',
  'consume.competing': 'Do several consumers of one subscription share its messages?',
  'consume.beyondPartitions': 'Do more consumers than partitions add parallel work?',
  'subscribe.late': 'Can a subscription made later start with messages published before it?',
  'ack.perMessage': 'Can each message be settled on its own, in any order?',
  'ack.redelivery': 'Is a message delivered again after a nack, an expired lease or a died consumer?',
  'ack.attemptCount': 'Does each delivery carry its attempt number?',
  'ack.releaseUncounted': 'Can a message be given back untouched without counting an attempt?',
  deadLetter: 'Are exhausted or rejected messages moved to a dead-letter topic?',
  'retry.backoff': 'Can a redelivery be delayed, with growing delays?',
  delay: 'Can a message be published to be delivered later?',
  'ttl.message': 'Can a message expire on its own?',
  'ttl.retention': 'Are old messages removed by age or size?',
  priority: 'Do messages with a higher priority overtake others?',
  'replay.earliest': 'Can a subscription go back to the oldest kept message?',
  'replay.offset': 'Can a subscription go to an exact offset?',
  'replay.timestamp': 'Can a subscription go to a point in time?',
  browse: 'Can messages be read without a subscription and without removing them?',
  lag: 'Can the number of messages that wait for a subscription be told?',
  transactions: 'Can several publishes be stored all or none?',
  'durability.memory': 'Can a publish be answered once accepted in memory?',
  'durability.os': 'Can a publish be answered once it survives the death of the process?',
  'durability.fsync': 'Can a publish be answered only after it is on the disk?',
  'durability.copies': 'Can a publish be answered only after more than one node holds it?',
  compaction: 'Can a topic keep only the latest message of each key?',
  headers: 'Are message headers kept, byte for byte and in order?',
  largeMessages: 'Are messages of 1 MiB carried?',
} as const;

export type Capability = keyof typeof capabilityQuestions;

/** `native`: the backend does it. `emulated`: the adapter does it on top. `unsupported`: using it is refused. */
export type CapabilityLevel = 'native' | 'emulated' | 'unsupported';

export interface CapabilityClaim {
  readonly level: CapabilityLevel;
  /** One sentence: how it is done, or why it is not. */
  readonly how: string;
  readonly limits?: Readonly<Record<string, number>>;
}

export type CapabilityTable = Readonly<Record<Capability, CapabilityClaim>>;

export const capabilityNames = Object.keys(capabilityQuestions) as readonly Capability[];

export function native(how: string, limits?: Readonly<Record<string, number>>): CapabilityClaim {
  return limits === undefined ? { level: 'native', how } : { level: 'native', how, limits };
}

export function emulated(how: string, limits?: Readonly<Record<string, number>>): CapabilityClaim {
  return limits === undefined ? { level: 'emulated', how } : { level: 'emulated', how, limits };
}

export function unsupported(why: string): CapabilityClaim {
  return { level: 'unsupported', how: why };
}
