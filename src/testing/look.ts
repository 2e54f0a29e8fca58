/** A look at what is in the broker: published, not yet settled, dead. Reads the log itself, so it says what is stored, not what was asked. */

import type { MessagingPort, Message } from '../adapters/port.ts';
import { loadTracker } from '../adapters/native/index.ts';
import { PortError } from '../adapters/errors.ts';
import { limits } from '../adapters/limits.ts';
import type { Engine } from '../core-log/index.ts';
import type { Activity } from './activity.ts';
import type { Arrivals } from './arrivals.ts';
import { testingLimits } from './limits.ts';

/** A stored message, with its value as text. */
export interface PublishedMessage extends Message {
  /** The value as UTF-8; null for a tombstone. */
  readonly text: string | null;
}

export interface PendingMessage {
  readonly message: PublishedMessage;
  /** How many deliveries of it failed so far. */
  readonly failedAttempts: number;
}

export interface DeadLetterSeen {
  /** As it lies in the dead-letter topic, without the headers that say why. */
  readonly message: PublishedMessage;
  readonly reason: string;
  readonly attempts: number;
  /** Where it came from. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export interface WaitOptions {
  /** How many there must be; default 1. */
  readonly count?: number;
  /** Counts only those; default all. */
  readonly where?: (message: PublishedMessage) => boolean;
  /** Real time; default 4,000. */
  readonly timeoutMs?: number;
}

export interface LookParts {
  readonly port: MessagingPort;
  readonly engine: Engine;
  readonly arrivals: Arrivals;
  readonly activity: Activity;
}

const DEAD_LETTER_HEADER = 'dead-letter-';

/** Everything that the topic holds now, in the order in which it was stored. @throws PortError `topic_not_found` */
export async function published(parts: LookParts, topic: string): Promise<readonly PublishedMessage[]> {
  const { partitions } = await parts.port.describeTopic(topic);
  const found: Arrived[] = [];
  for (let partition = 0; partition < partitions; partition += 1)
    for await (const arrived of messagesOf(parts, topic, partition, 'earliest')) found.push(arrived);
  return found.sort(byArrival).map(({ message }) => message);
}

/** @throws PortError `deadline_exceeded`, naming what was there instead. */
export async function waitForPublished(
  parts: LookParts,
  topic: string,
  options: WaitOptions = {},
): Promise<readonly PublishedMessage[]> {
  const { count = 1, where = () => true, timeoutMs } = options;
  let seen: readonly PublishedMessage[] = [];
  return await parts.activity.until(
    async () => {
      seen = await publishedOrNone(parts, topic);
      const fitting = seen.filter((message) => where(message));
      return fitting.length >= count ? fitting : undefined;
    },
    timeoutMs,
    () => `"${topic}" holds ${preview(seen)}, and not ${count} that fit`,
  );
}

/** What the subscription has not settled: not delivered yet, out with a consumer, or waiting for its back-off. */
export async function pending(parts: LookParts, subscription: string): Promise<readonly PendingMessage[]> {
  const { topic } = await parts.port.describeSubscription(subscription);
  const { partitions } = await parts.port.describeTopic(topic);
  await new Promise<void>((resolve) => setImmediate(resolve)); // a failed attempt is written down in the next turn
  const found: (Arrived & { readonly failedAttempts: number })[] = [];
  for (let partition = 0; partition < partitions; partition += 1) {
    const tracker = loadTracker(parts.engine, subscription, partition);
    if (tracker === undefined) continue;
    // Retention may have passed the cursor.
    const from = Math.max(tracker.watermark, parts.engine.status(topic, partition).earliest);
    for await (const arrived of messagesOf(parts, topic, partition, from)) {
      const offset = arrived.message.offset as number;
      if (tracker.take(offset)) found.push({ ...arrived, failedAttempts: tracker.attemptsOf(offset) });
    }
  }
  return found.sort(byArrival).map(({ message, failedAttempts }) => ({ message, failedAttempts }));
}

/** Resolves when the subscription has settled everything. @throws PortError `deadline_exceeded`, naming what is left. */
export async function waitForSettled(
  parts: LookParts,
  subscription: string,
  options: Pick<WaitOptions, 'timeoutMs'> = {},
): Promise<void> {
  let left: readonly PendingMessage[] = [];
  await parts.activity.until(
    async () => {
      left = await pending(parts, subscription);
      return left.length === 0 ? true : undefined;
    },
    options.timeoutMs,
    () => `"${subscription}" has not settled ${preview(left.map(({ message }) => message))}`,
  );
}

/** What the subscription gave up, in the order in which it did. */
export async function deadLetters(parts: LookParts, subscription: string): Promise<readonly DeadLetterSeen[]> {
  const { deadLetterTopic } = await parts.port.describeSubscription(subscription);
  if (deadLetterTopic === null) return [];
  // Another subscription may use the same topic.
  return (await publishedOrNone(parts, deadLetterTopic))
    .filter((message) => header(message, 'dead-letter-subscription') === subscription)
    .map(deadLetterOf);
}

/** @throws PortError `deadline_exceeded`, naming what was there instead. */
export async function waitForDeadLetters(
  parts: LookParts,
  subscription: string,
  options: Omit<WaitOptions, 'where'> = {},
): Promise<readonly DeadLetterSeen[]> {
  const { count = 1, timeoutMs } = options;
  let seen: readonly DeadLetterSeen[] = [];
  return await parts.activity.until(
    async () => {
      seen = await deadLetters(parts, subscription);
      return seen.length >= count ? seen : undefined;
    },
    timeoutMs,
    () => `"${subscription}" has ${preview(seen.map(({ message }) => message))} as dead letters, and not ${count}`,
  );
}

async function publishedOrNone(parts: LookParts, topic: string): Promise<readonly PublishedMessage[]> {
  try {
    return await published(parts, topic);
  } catch (reason) {
    if (reason instanceof PortError && reason.code === 'topic_not_found') return [];
    throw reason;
  }
}

interface Arrived {
  readonly message: PublishedMessage;
  readonly arrival: number;
}

async function* messagesOf(
  { port, arrivals }: LookParts,
  topic: string,
  partition: number,
  from: 'earliest' | number,
): AsyncGenerator<Arrived> {
  let seen = 0;
  let arrival = 0;
  for (let at: 'earliest' | number = from; ; ) {
    const { messages, next } = await port.read(topic, partition, at, limits.readMessagesMax);
    for (const message of messages) {
      // One that nobody saw stored came after the one before it, that much is certain.
      arrival = arrivals.of(topic, partition, message.offset as number) ?? arrival;
      yield { message: { ...message, text: message.value?.toString() ?? null }, arrival };
    }
    seen += messages.length;
    if (messages.length === 0) return;
    if (seen > testingLimits.messagesSeenMax)
      throw new PortError('internal', `"${topic}" holds more than ${testingLimits.messagesSeenMax} messages`);
    at = next;
  }
}

function deadLetterOf(message: PublishedMessage): DeadLetterSeen {
  return {
    message: { ...message, headers: message.headers.filter(({ name }) => !name.startsWith(DEAD_LETTER_HEADER)) },
    reason: header(message, 'dead-letter-reason') ?? '',
    attempts: Number(header(message, 'dead-letter-attempts')),
    topic: header(message, 'dead-letter-topic') ?? '',
    partition: Number(header(message, 'dead-letter-partition')),
    offset: Number(header(message, 'dead-letter-offset')),
  };
}

/** The last one of the name: a message that was a dead letter before carries older ones. */
function header({ headers }: Message, name: string): string | undefined {
  return headers.findLast((candidate) => candidate.name === name)?.value.toString();
}

function byArrival(left: Arrived, right: Arrived): number {
  return (
    left.arrival - right.arrival ||
    left.message.partition - right.message.partition ||
    Number(left.message.offset) - Number(right.message.offset)
  );
}

function preview(messages: readonly PublishedMessage[]): string {
  const some = messages.slice(0, 3).map(({ text }) => JSON.stringify(text?.slice(0, 60) ?? null));
  return `${messages.length} message${messages.length === 1 ? '' : 's'}${some.length === 0 ? '' : ` (${some.join(', ')}${messages.length > 3 ? ', ...' : ''})`}`;
}
