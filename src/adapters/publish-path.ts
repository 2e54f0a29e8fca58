/**
 * The way of a publish through the port: each message is checked and completed (id, timestamp, partition), the call is counted against
 * the bounds of what may be in flight, and the driver gives one outcome for each, or time does.
 */

import { randomBytes } from 'node:crypto';
import { AnswerDeadlines } from './answer-deadlines.ts';
import type { Capability } from './capabilities.ts';
import type { PortClock } from './clock.ts';
import type { Definitions } from './definitions.ts';
import type { Driver, OutgoingMessage } from './driver.ts';
import { PortError } from './errors.ts';
import { limits } from './limits.ts';
import { partitionForKey, StickyPartitions } from './partitioner.ts';
import type {
  Persistence,
  PublishMessage,
  PublishOptions,
  PublishOutcome,
  QueueType,
  TopicDefinition,
} from './port.ts';
import type { MessageStamp } from './tracing.ts';
import { checkMessage, messageRefusal } from './validate.ts';

export class PublishPath {
  readonly #driver: Driver;
  readonly #clock: PortClock;
  readonly #definitions: Definitions;
  readonly #deadlines = new AnswerDeadlines(limits.publishTimeoutMs);
  readonly #sticky = new StickyPartitions();
  readonly #instance = randomBytes(6).toString('base64url');
  #ids = 0;
  #inFlightMessages = 0;
  #inFlightBytes = 0;
  #whenIdle: (() => void) | undefined;

  constructor(options: { readonly driver: Driver; readonly clock: PortClock; readonly definitions: Definitions }) {
    this.#driver = options.driver;
    this.#clock = options.clock;
    this.#definitions = options.definitions;
  }

  /** As `MessagingPort.publish`, of a topic that is known. */
  async publish(
    topic: TopicDefinition,
    messages: readonly PublishMessage[],
    options: PublishOptions,
    stamp?: MessageStamp,
  ): Promise<readonly PublishOutcome[]> {
    if (messages.length > limits.messagesPerPublishMax) {
      throw new PortError(
        'message_too_large',
        `${messages.length} messages in one publish are above the limit of ${limits.messagesPerPublishMax}`,
      );
    }
    const durability = this.#driver.durability(topic, {
      ...(options.durability === undefined ? {} : { persistence: options.durability as Persistence }),
      ...(options.minCopies === undefined ? {} : { minCopies: options.minCopies }),
    });
    const refused: (PortError | undefined)[] = [];
    const { outgoing, ids, bytes } = this.#prepare(topic, messages, refused, stamp);
    if (outgoing.length === 0) return merge(ids, refused, []);
    this.#enter(outgoing.length, bytes);
    try {
      const outcomes = await this.store(topic, outgoing, { durability, signal: options.signal });
      return refused.length === 0 ? outcomes : merge(ids, refused, outcomes);
    } catch (reason) {
      throw PortError.from(reason);
    } finally {
      this.#leave(outgoing.length, bytes);
    }
  }

  /** Resolves when nothing is in flight. */
  async idle(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#whenIdle = resolve;
      if (this.#inFlightMessages === 0) resolve();
    });
  }

  /** The topic is gone: another one of its name begins anew. */
  forget(topic: string): void {
    this.#sticky.forget(topic);
  }

  /** Fills `refused` sparsely: only for messages that cannot be stored, by their index. */
  #prepare(
    topic: TopicDefinition,
    messages: readonly PublishMessage[],
    refused: (PortError | undefined)[],
    stamp: MessageStamp | undefined,
  ) {
    const outgoing: OutgoingMessage[] = [];
    const ids: string[] = [];
    const nowMs = this.#clock.nowMs();
    let bytes = 0;
    let sticky = -1;
    for (let index = 0; index < messages.length; index += 1) {
      const message = messages[index] as PublishMessage;
      const checked = checkMessage(message, index);
      const id = checked.id ?? this.nextId();
      ids.push(id);
      const refusal = messageRefusal(checked) ?? this.#refusalOnTopic(topic, message, index);
      if (refusal !== undefined) {
        refused[index] = refusal;
        continue;
      }
      let { partition } = message;
      if (partition === undefined) {
        if (checked.key !== null) partition = partitionForKey(checked.key, topic.partitions);
        else if (checked.id !== undefined && this.#recognisesIds(topic)) {
          // A repetition must come to where the first one is.
          partition = partitionForKey(Buffer.from(checked.id), topic.partitions);
        } else {
          if (sticky < 0) sticky = this.#sticky.next(topic.name, topic.partitions);
          partition = sticky;
        }
      }
      bytes += checked.bytes;
      const { key, value, contentType, timestampMs = nowMs } = checked;
      let { headers } = checked;
      if (stamp !== undefined) {
        // After the bounds: what the caller did not write must not make its message too large.
        headers = stamp.headersFor(headers);
        if (headers !== checked.headers) bytes += stamp.bytes;
      }
      const isIdGiven = checked.id !== undefined;
      const plain = { key, value, headers, contentType, id, isIdGiven, timestampMs, partition };
      outgoing.push(hasSchedule(message) ? { ...plain, ...schedule(message) } : plain);
    }
    return { outgoing, ids, bytes };
  }

  #recognisesIds({ queueType }: TopicDefinition): boolean {
    return this.#driver.capabilities(queueType ?? undefined)['publish.dedup'].level !== 'unsupported';
  }

  #refusalOnTopic(topic: TopicDefinition, message: PublishMessage, index: number): PortError | undefined {
    const { partition } = message;
    if (partition !== undefined && !(Number.isInteger(partition) && partition >= 0 && partition < topic.partitions)) {
      const path = `messages[${index}].partition`;
      const text = `must be from 0 to ${topic.partitions - 1}`;
      return new PortError('invalid_argument', `${path} ${partition} ${text}`, { errors: [{ path, message: text }] });
    }
    if (topic.cleanup === 'compact' && (message.key === undefined || message.key === null)) {
      const path = `messages[${index}].key`;
      const text = 'is needed: the topic keeps the latest message of each key';
      return new PortError('invalid_argument', `${path} ${text}`, { errors: [{ path, message: text }] });
    }
    return this.#refusalOfSchedule(topic, message);
  }

  #refusalOfSchedule(topic: TopicDefinition, message: PublishMessage): PortError | undefined {
    const { queueType, name } = topic;
    const { delayMs, ttlMs, priority } = message;
    if (delayMs !== undefined) {
      const missing = missingCapability(this.#driver, 'delay', queueType);
      if (missing !== undefined) return missing;
      // A backend that keeps nothing for nobody cannot tell later that nobody was there.
      const isKept = missingCapability(this.#driver, 'publish.beforeSubscription', queueType) === undefined;
      if (!isKept && this.#definitions.subscriptionsOf(name).length === 0)
        return new PortError('unroutable', `topic "${name}" has no subscription that could get a delayed message`);
    }
    if (ttlMs !== undefined) {
      const missing = missingCapability(this.#driver, 'ttl.message', queueType);
      if (missing !== undefined) return missing;
    }
    return priority === undefined ? undefined : missingCapability(this.#driver, 'priority', queueType);
  }

  /** One outcome for each; without an answer in time all of them are unknown. Rejects as the driver does. Not counted as in flight. */
  store(
    topic: TopicDefinition,
    outgoing: readonly OutgoingMessage[],
    options: Parameters<Driver['publish']>[2],
  ): Promise<readonly PublishOutcome[]> {
    return this.#deadlines.within(this.#driver.publish(topic, outgoing, options), () => {
      const error = new PortError('publish_outcome_unknown', `no answer within ${limits.publishTimeoutMs} ms`);
      return outgoing.map(({ id }) => ({ kind: 'unknown', id, error }));
    });
  }

  #enter(messages: number, bytes: number): void {
    if (
      this.#inFlightMessages > 0 &&
      (this.#inFlightMessages + messages > limits.publishInFlightMessagesMax ||
        this.#inFlightBytes + bytes > limits.publishInFlightBytesMax)
    ) {
      throw new PortError(
        'too_many_in_flight',
        `${this.#inFlightMessages} messages of ${this.#inFlightBytes} bytes are not yet answered`,
        { retryAfterMs: 100 },
      );
    }
    this.#inFlightMessages += messages;
    this.#inFlightBytes += bytes;
  }

  #leave(messages: number, bytes: number): void {
    this.#inFlightMessages -= messages;
    this.#inFlightBytes -= bytes;
    if (this.#inFlightMessages === 0) this.#whenIdle?.();
  }

  /** Of this process; no other one makes the same. */
  nextId(): string {
    this.#ids += 1;
    return `${this.#instance}-${this.#ids.toString(36)}`;
  }
}

/** Why what a backend does not claim cannot be asked of it; undefined where it does. */
export function missingCapability(
  driver: Driver,
  capability: Capability,
  queueType: QueueType | null,
): PortError | undefined {
  const claim = driver.capabilities(queueType ?? undefined)[capability];
  if (claim.level !== 'unsupported') return undefined;
  const { product } = driver.info;
  const where = queueType === null ? product : `${product} ${queueType}`;
  return new PortError('capability_unsupported', `${where} has no ${capability}: ${claim.how}`, { capability });
}

/** Rare, and absent fields must stay absent: the plain case makes one object. */
function hasSchedule({ delayMs, ttlMs, priority }: PublishMessage): boolean {
  return delayMs !== undefined || ttlMs !== undefined || priority !== undefined;
}

function schedule({ delayMs, ttlMs, priority }: PublishMessage): Partial<OutgoingMessage> {
  return {
    ...(delayMs === undefined ? {} : { delayMs }),
    ...(ttlMs === undefined ? {} : { ttlMs }),
    ...(priority === undefined ? {} : { priority }),
  };
}

/** Outcomes of the sent ones between those that were refused here, in the caller's order. */
function merge(
  ids: readonly string[],
  refused: readonly (PortError | undefined)[],
  outcomes: readonly PublishOutcome[],
): readonly PublishOutcome[] {
  let sent = 0;
  return ids.map((id, index) => {
    const error = refused[index];
    if (error !== undefined) return { kind: 'refused', id, error };
    sent += 1;
    return outcomes[sent - 1] as PublishOutcome;
  });
}
