/**
 * What a publish-subscribe gateway can be asked to keep, by short names (P publish, D delivery, O order, F flow, L life cycle, R replay, T time,
 * C capabilities, E errors), and where each is tested: by chapters of the suite, on every target; by tests of their own, where it
 * takes a fault or a door that the port does not have; or not at all, and then why.
 */

export interface Property {
  readonly id: string;
  /** Reads as a claim. */
  readonly claim: string;
  /** Titles of chapters. */
  readonly chapters: readonly string[];
  /** Test files, from the top of the repository. */
  readonly tests?: readonly string[];
  /** What of it, or why all of it, is not tested. */
  readonly untested?: string;
}

const perBackend = 'it takes a fault that the port cannot make; tested with each broker, and not by the suite';

export const properties: readonly Property[] = [
  {
    id: 'P1',
    claim: 'what was accepted is delivered, value, headers and content type byte for byte',
    chapters: [
      'contract: every published message is delivered once to a consumer that acknowledges',
      'contract: a message arrives as it was sent: key, value, headers, content type, id and time, byte for byte',
      'headers: headers keep their bytes, the order of their names, and the order of the values of a name',
      'largeMessages: a value of 1 MiB arrives whole, and one byte more is refused',
    ],
  },
  {
    id: 'P2',
    claim: 'bytes that are no text, empty values, null and headers in any script arrive as they were',
    chapters: [
      'contract: a message arrives as it was sent: key, value, headers, content type, id and time, byte for byte',
      'contract: a null value arrives as null, not as an empty one',
      'headers: headers keep their bytes, the order of their names, and the order of the values of a name',
    ],
  },
  {
    id: 'P3',
    claim: 'an outcome names the message and its place; places of a partition rise',
    chapters: [
      'publish.confirm: an outcome "stored" names the message, its place and what was reached, and the message is there',
      'publish.confirm: many publishes at once are each answered and each delivered',
    ],
  },
  {
    id: 'P4',
    claim: 'of a batch exactly those that failed are named, and the others are delivered',
    chapters: [
      'publish.partialBatch: of a batch exactly the bad messages are refused, each with its reason, and the others are stored',
    ],
  },
  {
    id: 'P5',
    claim: 'an unknown topic is answered in less than a second',
    chapters: ['contract: an unknown topic is answered topic_not_found within a second, whatever is asked of it'],
  },
  {
    id: 'P6',
    claim: 'a message that reaches nobody is an error, never a success',
    chapters: [
      'publish.beforeSubscription: a message published before any subscription is kept, or its publish is unroutable; never stored and gone',
    ],
  },
  {
    id: 'P7',
    claim: 'a broker that refuses a message in its confirm is an error for that message',
    chapters: [],
    tests: ['test/rabbitmq/faults.test.ts'],
    untested: 'a negative confirm itself: no broker here can be made to send one; returns and lost confirms are tested',
  },
  {
    id: 'P8',
    claim:
      'a connection that is cut with publishes under way leaves each stored, refused or unknown, and none wrongly stored',
    chapters: [],
    tests: ['test/rabbitmq/faults.test.ts', 'test/faults/bounces.test.ts', 'test/e2e/rest-outage.test.ts'],
    untested: perBackend,
  },
  {
    id: 'P9',
    claim: 'a message that is too large is refused before the broker sees it',
    chapters: [
      'publish.partialBatch: of a batch exactly the bad messages are refused, each with its reason, and the others are stored',
      'largeMessages: a value of 1 MiB arrives whole, and one byte more is refused',
    ],
    tests: ['test/gateway/bad-input.test.ts'],
  },
  {
    id: 'P10',
    claim: 'the same id again is one delivery and says that it is a duplicate',
    chapters: ['publish.dedup: a retry with the same id is stored once, and its outcome says so'],
  },
  {
    id: 'P11',
    claim: 'CloudEvents keep their attributes through any of their modes',
    chapters: [],
    untested: 'no port knows CloudEvents: a matter of the gateway, which does not take them yet',
  },
  { id: 'P12', claim: 'a message against its schema is refused', chapters: [], untested: 'no backend claims schemas' },
  {
    id: 'D1',
    claim: 'several consumers together receive everything',
    chapters: [
      'consume.competing: the consumers of a subscription share its messages: each goes to one of them, and each gets some',
      'consume.beyondPartitions: four consumers work at once on one partition',
    ],
  },
  {
    id: 'D2',
    claim: 'topics are apart',
    chapters: ['contract: topics are apart: a subscription gets nothing of another topic'],
  },
  {
    id: 'D3',
    claim: 'each of two subscriptions receives everything',
    chapters: [
      'contract: each of two subscriptions gets every message, at its own pace',
      'subscribe.late: a subscription made later starts with the oldest kept message, and takes nothing from others',
    ],
  },
  {
    id: 'D4',
    claim: 'the members of one subscription share its messages, in one process and in two',
    chapters: [
      'consume.competing: the consumers of a subscription share its messages: each goes to one of them, and each gets some',
      'consume.competing: two processes share a subscription: together they acknowledge each message, and each once',
    ],
  },
  {
    id: 'D5',
    claim: 'a failed message comes again, as attempt 2',
    chapters: [
      'ack.redelivery: a message comes again, the same, after a nack, an expired lease and a closed consumer',
      'ack.redelivery: of many messages the failed ones come again until each was acknowledged once',
      'ack.attemptCount: attempts are 1, 2, 3, ...: a nack and an expired lease count, also across consumers',
      'ack.attemptCount: each message has its own count',
    ],
  },
  {
    id: 'D6',
    claim: 'a delay of a retry is kept to',
    chapters: [
      'retry.backoff: a nack with a delay is kept to: not earlier, and then soon',
      'retry.backoff: without a delay of its own a failed message waits minBackoffMs, then twice that, up to maxBackoffMs',
    ],
  },
  {
    id: 'D7',
    claim: 'a lease that ends delivers again, and one that is extended does not',
    chapters: [
      'ack.redelivery: a message comes again, the same, after a nack, an expired lease and a closed consumer',
      'contract: an extended lease lives as long as it was extended, and its deadline is told',
    ],
  },
  {
    id: 'D8',
    claim: 'a late answer is told so and does nothing to the new lease',
    chapters: [
      'contract: tokens say ok, already, expired or invalid, each for itself',
      'contract: a late nack with an expired token does not disturb the new lease',
    ],
  },
  {
    id: 'D9',
    claim: 'an acknowledgement may be repeated',
    chapters: ['contract: tokens say ok, already, expired or invalid, each for itself'],
  },
  {
    id: 'D10',
    claim: 'a token of one process is told so in another, and does no harm',
    chapters: ['contract: a token of one process is no good in another, and its lease is not disturbed by it'],
    untested: 'settling through another process: no backend claims it, leases belong to the process that gave them',
  },
  {
    id: 'D11',
    claim: 'a message that fails too often is moved once, with reason, attempts and origin',
    chapters: [
      'deadLetter: a message that fails maxAttempts times is moved, not earlier and not later; the others flow on',
      'deadLetter: a rejected message is moved at once, whole, once, with reason and origin',
      'contract: messages that fail too often are dropped or kept for ever, as the subscription says',
    ],
  },
  {
    id: 'D12',
    claim: 'a crash between dead letter and acknowledgement may repeat the dead letter, and loses nothing',
    chapters: [],
    tests: ['test/e2e/rest-crash.test.ts'],
    untested: 'a crash at exactly that point: kills come at random times',
  },
  {
    id: 'D13',
    claim: 'a message that nobody can read does not hold up the others',
    chapters: [
      'deadLetter: a message that fails maxAttempts times is moved, not earlier and not later; the others flow on',
    ],
    tests: ['test/kafka/interop.test.ts', 'test/rabbitmq/queues.test.ts'],
  },
  {
    id: 'D14',
    claim: 'reject moves a message at once',
    chapters: ['deadLetter: a rejected message is moved at once, whole, once, with reason and origin'],
  },
  {
    id: 'O1',
    claim: 'a key keeps its order over several partitions and consumers',
    chapters: [
      'order.key: messages of a key come one after the other, also after a nack and with several consumers',
      'order.key: the order of a key survives a consumer that closes with its messages in hand',
      'order.partition: messages of a partition come in stored order, also after a nack and with several consumers',
    ],
  },
  {
    id: 'O2',
    claim: 'and through a failure of one of its messages',
    chapters: ['order.key: messages of a key come one after the other, also after a nack and with several consumers'],
  },
  {
    id: 'O3',
    claim: 'other keys go on while one waits',
    chapters: ['order.keyParallel: a key that waits does not hold up the other keys of its partition'],
  },
  {
    id: 'O4',
    claim: 'without ordering a slow message holds up nobody',
    chapters: ['contract: without ordering a message that is held holds up nobody, not even of its own key'],
  },
  {
    id: 'F1',
    claim: 'never more is out than the credit and maxInFlight, in messages and bytes',
    chapters: [
      'contract: a consumer never holds more messages than its credit, and settling one grants one',
      'contract: a consumer holds at most its credit of bytes, but for the message that crosses it',
      'contract: a subscription never has more in flight than its maxInFlight, however many consumers',
      'contract: a subscription has no more bytes in flight than its maxInFlight, but for the message that crosses it',
    ],
  },
  {
    id: 'F2',
    claim: 'a client that stops reading a stream costs bounded memory',
    chapters: [],
    untested: 'the port has no streams to push into; its consumers pull',
  },
  {
    id: 'F3',
    claim: 'more credit takes effect while reading',
    chapters: [
      'contract: a consumer never holds more messages than its credit, and settling one grants one',
      'contract: a pull answers at once with waitMs 0, waits when told to, and is woken by a message',
    ],
    tests: ['test/rabbitmq/queues.test.ts'],
    untested: 'raising the credit of an open consumer: the port fixes it; drivers are granted more by their own tests',
  },
  {
    id: 'F4',
    claim: 'intake pauses when the acknowledged ranges fill the metadata of a commit, and goes on without loss',
    chapters: [],
    tests: ['test/kafka/subscription.test.ts', 'test/adapters/ack-tracker.test.ts'],
    untested: 'it takes thousands of holes in one partition, and only Kafka has that bound',
  },
  {
    id: 'L1',
    claim: 'reading in pieces loses nothing',
    chapters: ['contract: reading in pieces, with a new consumer for each, loses nothing'],
  },
  {
    id: 'L2',
    claim: 'consumers that close at the same time lose nothing',
    chapters: ['contract: consumers that close at the same time give everything back, and the next one gets it'],
  },
  {
    id: 'L3',
    claim: 'a shutdown settles or releases what is out, without counting an attempt',
    chapters: [
      'ack.redelivery: what a process holds when it closes goes to another one, with nothing lost and nothing settled twice',
      'ack.releaseUncounted: a released message comes again, to the next consumer too, with the same attempt',
      'contract: a closed port refuses with closed, ends its consumers, and closing again does no harm',
    ],
    tests: ['test/gateway/pull-sessions.test.ts', 'test/gateway/serve.test.ts'],
  },
  {
    id: 'L4',
    claim: 'a killed gateway loses nothing',
    chapters: [],
    tests: ['test/e2e/rest-crash.test.ts'],
    untested: perBackend,
  },
  {
    id: 'L5',
    claim: 'a broker that restarts loses nothing',
    chapters: [],
    tests: ['test/rabbitmq/faults.test.ts', 'test/faults/bounces.test.ts', 'test/e2e/rest-outage.test.ts'],
    untested: perBackend,
  },
  {
    id: 'L6',
    claim: 'a rebalance loses nothing and keeps the order of keys',
    chapters: [
      'consume.competing: two processes share a subscription: together they acknowledge each message, and each once',
      'order.key: the order of a key survives the hand-over from one process to another',
    ],
    tests: ['test/kafka/rebalance.test.ts'],
  },
  {
    id: 'L7',
    claim: 'a network that is cut for half a minute loses nothing',
    chapters: [],
    untested: 'nothing here cuts a network for that long; connections that are reset are tested with each broker',
  },
  {
    id: 'L8',
    claim: 'what stops takes nothing from the others',
    chapters: [
      'contract: a subscription that is deleted takes nothing from the others of its topic',
      'contract: a closed consumer gives back what it holds and gets nothing more',
    ],
  },
  {
    id: 'R1',
    claim: 'a seek to the beginning, an offset or a time delivers exactly the rest',
    chapters: [
      'replay.earliest: a seek to the earliest delivers everything again, and old tokens are void',
      'replay.earliest: a seek to the latest skips what waits',
      'replay.offset: a seek or a start at an offset delivers exactly the rest',
      'replay.offset: a seek moves only the partitions that it names, and one behind the end is refused',
      'replay.timestamp: a seek or a start at a time delivers exactly the messages of that time and after',
    ],
    untested: 'snapshots: no backend claims them',
  },
  {
    id: 'R2',
    claim: 'a seek voids what is leased',
    chapters: ['replay.earliest: a seek to the earliest delivers everything again, and old tokens are void'],
  },
  {
    id: 'R3',
    claim: 'a stream of events goes on from the last one seen',
    chapters: [],
    untested: 'a door of the gateway, which the port does not have',
  },
  {
    id: 'T1',
    claim: 'what has expired is not delivered',
    chapters: [
      'ttl.message: an expired message is not delivered, and one that has time is',
      'ttl.retention: messages older than the retention leave, the oldest first, and not before their time',
    ],
  },
  {
    id: 'T2',
    claim: 'a delayed message is not early',
    chapters: ['delay: a delayed message comes when it is due, not earlier, and holds up nobody'],
  },
  {
    id: 'T3',
    claim: 'the higher priority comes first when messages wait',
    chapters: ['priority: of messages that wait, those with a higher priority come first'],
  },
  {
    id: 'C1',
    claim: 'whatever is called unsupported is refused when it is used',
    chapters: ['contract: a subscription may require exactly the capabilities that are claimed'],
    tests: ['test/conformance-self/findings.test.ts'],
  },
  {
    id: 'C2',
    claim: 'whatever is claimed holds',
    chapters: ['contract: every claim says how, and the health of a port that works is ok'],
    tests: ['test/conformance-self/findings.test.ts'],
  },
  {
    id: 'C3',
    claim: 'an unknown field is an error',
    chapters: ['contract: unknown fields are unknown_field, values out of range invalid_argument: nothing is ignored'],
    tests: ['test/gateway/bad-input.test.ts'],
  },
  {
    id: 'E1',
    claim: 'a broker that is away is 503, soon, and may be tried again',
    chapters: [],
    tests: ['test/e2e/rest-outage.test.ts', 'test/rabbitmq/faults.test.ts'],
    untested: perBackend,
  },
  {
    id: 'E2',
    claim: 'REST and gRPC answer with the same codes',
    chapters: ['contract: an unknown topic is answered topic_not_found within a second, whatever is asked of it'],
    untested: 'gRPC: the suite goes through the port and through REST, whose codes are the same',
  },
  {
    id: 'E3',
    claim: 'who may not is told 401 or 403, and who asks too much 429',
    chapters: [],
    untested: 'access is a matter of the gateway, which the port does not know',
  },
];
