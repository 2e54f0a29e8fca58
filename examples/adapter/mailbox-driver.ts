/**
 * A whole driver, as small as one can be that keeps its word: mailboxes in the memory of this process, one for each subscription.
 * What is published goes into every mailbox of its topic; without one there is no place for it, and the publish says so.
 *
 * The port on top of it does the rest: names and limits, leases, attempts, back-off, one key at a time. What a mailbox cannot do is
 * in the table below, and the port refuses it.
 */

import {
  type CapabilityTable,
  type Driver,
  type DriverDelivery,
  type Durability,
  emulated,
  type Health,
  type Intake,
  type IntakeCredit,
  type IntakeSink,
  type Message,
  type MetaStore,
  native,
  type OutgoingMessage,
  type Persistence,
  PortError,
  type PublishOutcome,
  type ReadResult,
  type SubscriptionDefinition,
  type SubscriptionLag,
  type TopicDefinition,
  unsupported,
} from 'sluice';

const notALog = 'a mailbox holds what is not settled, and nothing else';

/** A sentence each: how it is done, or why it is not. The suite holds the driver to every line. */
export const mailboxCapabilities: CapabilityTable = {
  'publish.confirm': native('answered when it is in every mailbox of the topic'),
  'publish.dedup': unsupported('ids are not remembered'),
  'publish.partialBatch': native('one outcome per message'),
  'publish.beforeSubscription': unsupported('without a mailbox there is no place for it'),
  'order.partition': native('a mailbox keeps the order of publishing'),
  'order.key': emulated('the port lets one message of a key out at a time'),
  'order.keyParallel': emulated('the port runs a lane for each key'),
  'consume.competing': native('the consumers of a subscription share its mailbox'),
  'consume.beyondPartitions': native('messages, not partitions, are shared out'),
  'subscribe.late': unsupported(notALog),
  'ack.perMessage': native('each message leaves its mailbox on its own'),
  'ack.redelivery': native('what is given back waits in its mailbox again'),
  'ack.attemptCount': native('counted beside the message'),
  'ack.releaseUncounted': native('release leaves the count as it is'),
  deadLetter: unsupported('a dead-letter topic would have no mailbox yet'),
  'retry.backoff': emulated('the port waits before it gives a failed message back'),
  delay: unsupported('a mailbox has no clock'),
  'ttl.message': unsupported('a mailbox has no clock'),
  'ttl.retention': unsupported('a mailbox keeps a message until it is settled'),
  priority: unsupported('a mailbox has one order'),
  'replay.earliest': unsupported(notALog),
  'replay.offset': unsupported(notALog),
  'replay.timestamp': unsupported(notALog),
  browse: unsupported(notALog),
  lag: native('what is in the mailbox, handed out or not'),
  transactions: unsupported('the port has no transactions'),
  'durability.memory': native('in the memory of this process'),
  'durability.os': unsupported('gone with this process'),
  'durability.fsync': unsupported('gone with this process'),
  'durability.copies': unsupported('one process, one copy'),
  compaction: unsupported(notALog),
  headers: native('kept as they are'),
  largeMessages: native('carried up to the limit of the port'),
};

/** A message in one mailbox. As a `DriverDelivery` it is also the handle by which the port settles it. */
class Letter implements DriverDelivery {
  readonly message: Message;
  readonly bytes: number;
  /** Its place in the order of the mailbox, also after it came back. */
  readonly number: number;
  attempt = 1;

  constructor(message: Message, number: number) {
    this.message = message;
    this.number = number;
    const headerBytes = message.headers.reduce((sum, { name, value }) => sum + name.length + value.length, 0);
    this.bytes = (message.key?.length ?? 0) + (message.value?.length ?? 0) + headerBytes;
  }
}

class Mailbox {
  waiting: Letter[] = [];
  readonly out = new Set<Letter>();
  intake: MailboxIntake | undefined;
  #letters = 0;

  put(message: Message): void {
    this.#letters += 1;
    this.waiting.push(new Letter(message, this.#letters));
    this.intake?.feed();
  }

  putBack(letter: Letter): void {
    if (!this.out.delete(letter)) return;
    const later = this.waiting.findIndex(({ number }) => number > letter.number);
    this.waiting.splice(later === -1 ? this.waiting.length : later, 0, letter);
  }

  count(partition: number): number {
    return [...this.waiting, ...this.out].filter(({ message }) => message.partition === partition).length;
  }
}

/** Hands letters to the port, never more at once than it granted. */
class MailboxIntake implements Intake {
  /** A failed message comes back here after its back-off. */
  readonly retryMode = 'requeue';
  readonly #mailbox: Mailbox;
  readonly #sink: IntakeSink;
  #credit: IntakeCredit;

  constructor(mailbox: Mailbox, sink: IntakeSink, credit: IntakeCredit) {
    this.#mailbox = mailbox;
    this.#sink = sink;
    this.#credit = credit;
  }

  feed(): void {
    while (this.#mailbox.intake === this && this.#hasRoom()) {
      const letter = this.#mailbox.waiting.shift();
      if (letter === undefined) return;
      this.#mailbox.out.add(letter);
      this.#sink.deliver(letter);
    }
  }

  grant(credit: IntakeCredit): void {
    this.#credit = credit;
    this.feed();
  }

  ack(delivery: DriverDelivery): void {
    this.#mailbox.out.delete(delivery as Letter);
    this.feed();
  }

  giveBack(delivery: DriverDelivery, counted: boolean): void {
    const letter = delivery as Letter;
    if (counted) letter.attempt += 1;
    this.#mailbox.putBack(letter);
    this.feed();
  }

  /** Ordered subscriptions are tried again by the port; the count is kept for whoever reads next. */
  noteAttempt(delivery: DriverDelivery, attempt: number): void {
    (delivery as Letter).attempt = attempt;
  }

  async close(): Promise<void> {
    if (this.#mailbox.intake !== this) return;
    this.#mailbox.intake = undefined;
    for (const letter of this.#mailbox.out) this.#mailbox.putBack(letter);
  }

  /** One message is always allowed, however large: else it would never come. */
  #hasRoom(): boolean {
    const { out } = this.#mailbox;
    if (out.size === 0) return true;
    const bytes = [...out].reduce((sum, letter) => sum + letter.bytes, 0);
    return out.size < this.#credit.messages && bytes < this.#credit.bytes;
  }
}

export class MailboxDriver implements Driver {
  readonly info = { backend: 'mailbox', product: 'Mailbox', version: '1.0' };
  /** Topic -> subscription -> mailbox. */
  readonly #topics = new Map<string, Map<string, Mailbox>>();

  capabilities(): CapabilityTable {
    return mailboxCapabilities;
  }

  /** Where definitions live. They are gone with this process, as the mailboxes are, and nobody else has any. */
  async openMeta(apply: (key: string, value: string | null) => void): Promise<MetaStore> {
    return { refresh: async () => undefined, put: async (key, value) => apply(key, value) };
  }

  completeTopic(topic: TopicDefinition): TopicDefinition {
    if (topic.queueType !== null) throw new PortError('invalid_argument', 'mailboxes have no queue types');
    if ((topic.replicas ?? 1) > 1) throw cannot('durability.copies', 'there is one copy');
    return { ...topic, replicas: 1 };
  }

  checkSubscription(): void {
    // What a subscription may ask for and a mailbox cannot do is in the table, and refused by the port.
  }

  deadLetterTopic(name: string, source: TopicDefinition): TopicDefinition {
    return { ...source, name }; // not asked for: deadLetter is unsupported
  }

  async createTopic(topic: TopicDefinition): Promise<void> {
    if (!this.#topics.has(topic.name)) this.#topics.set(topic.name, new Map());
  }

  async deleteTopic(topic: TopicDefinition): Promise<void> {
    this.#topics.delete(topic.name);
  }

  async createSubscription(subscription: SubscriptionDefinition, topic: TopicDefinition): Promise<void> {
    const mailboxes = this.#mailboxes(topic);
    if (!mailboxes.has(subscription.name)) mailboxes.set(subscription.name, new Mailbox());
  }

  async deleteSubscription(subscription: SubscriptionDefinition, topic: TopicDefinition): Promise<void> {
    this.#mailboxes(topic).delete(subscription.name);
  }

  /** Asked before each publish; more than there is must be refused, less may get more. */
  durability(_topic: TopicDefinition, asked: { persistence?: Persistence; minCopies?: number }): Durability {
    if (asked.persistence === 'os' || asked.persistence === 'fsync')
      throw cannot(`durability.${asked.persistence}`, 'a mailbox is memory');
    if ((asked.minCopies ?? 1) > 1) throw cannot('durability.copies', 'there is one copy');
    return { persistence: 'memory', copies: 1 };
  }

  async publish(
    topic: TopicDefinition,
    messages: readonly OutgoingMessage[],
    { durability }: { readonly durability: Durability },
  ): Promise<readonly PublishOutcome[]> {
    const mailboxes = [...this.#mailboxes(topic).values()];
    return messages.map((message): PublishOutcome => {
      const { id, partition, key, value, headers, contentType, timestampMs } = message;
      if (mailboxes.length === 0) {
        const error = new PortError('unroutable', `topic "${topic.name}" has no subscription to keep the message`);
        return { kind: 'refused', id, error };
      }
      const stored = { topic: topic.name, partition, offset: null, key, value, headers, contentType, id, timestampMs };
      for (const mailbox of mailboxes) mailbox.put(stored);
      return { kind: 'stored', id, partition, offset: null, durability };
    });
  }

  async openIntake(
    subscription: SubscriptionDefinition,
    topic: TopicDefinition,
    sink: IntakeSink,
    credit: IntakeCredit,
  ): Promise<Intake> {
    const mailbox = this.#mailbox(subscription, topic);
    const intake = new MailboxIntake(mailbox, sink, credit);
    mailbox.intake = intake;
    intake.feed();
    return intake;
  }

  async seek(): Promise<void> {
    throw cannot('replay.earliest', notALog);
  }

  async lag(subscription: SubscriptionDefinition, topic: TopicDefinition): Promise<SubscriptionLag> {
    const mailbox = this.#mailbox(subscription, topic);
    const partitions = Array.from({ length: topic.partitions }, (_, partition) => ({
      partition,
      lag: mailbox.count(partition),
    }));
    return { partitions, total: mailbox.waiting.length + mailbox.out.size };
  }

  async read(): Promise<ReadResult> {
    throw cannot('browse', notALog);
  }

  async health(): Promise<Health> {
    return { ok: true, detail: 'in memory' };
  }

  async close(): Promise<void> {
    this.#topics.clear();
  }

  #mailboxes(topic: TopicDefinition): Map<string, Mailbox> {
    const mailboxes = this.#topics.get(topic.name);
    if (mailboxes === undefined) throw new PortError('topic_not_found', `topic "${topic.name}" is gone`);
    return mailboxes;
  }

  #mailbox(subscription: SubscriptionDefinition, topic: TopicDefinition): Mailbox {
    const mailbox = this.#mailboxes(topic).get(subscription.name);
    if (mailbox === undefined)
      throw new PortError('subscription_not_found', `subscription "${subscription.name}" is gone`);
    return mailbox;
  }
}

function cannot(capability: keyof CapabilityTable, why: string): PortError {
  return new PortError('capability_unsupported', why, { capability });
}
