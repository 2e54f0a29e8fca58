/**
 * Dead letters of a subscription, published once more to the topic that they came from.
 *
 * What was redriven is remembered by a subscription of its own on the dead-letter topic, `<name>.redrive`: a letter is
 * acknowledged there after it was stored again. So a redrive can be repeated, by any gateway and after a crash, and takes up
 * what is left. A letter that was stored and not yet acknowledged when the process died is published again under the same id.
 */

import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Consumer,
  type Delivery,
  limits,
  type Message,
  PortError,
  type PublishMessage,
} from '../adapters/index.ts';
import type { Caller } from './access/caller.ts';
import type { GatewayContext } from './context.ts';
import { gatewayLimits } from './limits.ts';
import { publishMessages } from './publishing.ts';

export interface RedriveOptions {
  readonly limit: number;
  readonly ratePerSecond?: number;
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
  /** May publish to the topics that the letters go back to: a letter only says where it came from. */
  readonly caller: Caller;
}

export interface Redriven {
  /** Published again, by the topic that they went to; of a dry run: would be. */
  readonly topics: Record<string, number>;
  redriven: number;
  /** Of other subscriptions that share the dead-letter topic, or not known where from. */
  skipped: number;
  /** Letters that were not looked at. */
  remaining: number;
  /** Why it ended early. */
  error: PortError | undefined;
}

/** Ends at the limit, at the end, after `redriveMs`, or with the first letter that cannot be stored. @throws PortError `not_found` */
export async function redrive(
  context: GatewayContext,
  subscription: string,
  options: RedriveOptions,
): Promise<Redriven> {
  const { port } = context;
  const { deadLetterTopic } = await port.describeSubscription(subscription);
  if (deadLetterTopic === null)
    throw new PortError('not_found', `subscription "${subscription}" keeps no dead letters`);
  const reader = `${subscription}.redrive`;
  await port.createSubscription({ name: reader, topic: deadLetterTopic, start: 'earliest', onExhausted: 'block' });
  const result: Redriven = { topics: {}, redriven: 0, skipped: 0, remaining: 0, error: undefined };
  const { total } = await port.lag(reader);
  if (total > 0) {
    const consumer = await port.subscribe(reader, { credit: { messages: gatewayLimits.redriveBatchMax } });
    try {
      await redriveAll(context, subscription, consumer, Math.min(options.limit, total), options, result);
    } catch (reason) {
      result.error = PortError.from(reason);
    } finally {
      // What was taken and not acknowledged is given back, uncounted: all of it, in a dry run.
      await consumer.close();
    }
  }
  // Of a dry run the letters are where they were.
  const { total: left } = await port.lag(reader);
  result.remaining = options.dryRun ? Math.max(0, left - result.redriven - result.skipped) : left;
  return result;
}

async function redriveAll(
  context: GatewayContext,
  subscription: string,
  consumer: Consumer,
  limit: number,
  { ratePerSecond, dryRun, signal, caller }: RedriveOptions,
  result: Redriven,
): Promise<void> {
  const startedAt = performance.now();
  let taken = 0;
  // A tenth of a second's worth at a time: smooth, and few enough calls.
  const batch = Math.min(gatewayLimits.redriveBatchMax, Math.ceil((ratePerSecond ?? Number.POSITIVE_INFINITY) / 10));
  while (taken < limit && !signal.aborted) {
    const elapsedMs = performance.now() - startedAt;
    if (elapsedMs > gatewayLimits.redriveMs) return;
    const dueMs = ratePerSecond === undefined ? 0 : (taken / ratePerSecond) * 1_000;
    if (dueMs > elapsedMs) {
      await delay(Math.min(dueMs - elapsedMs, gatewayLimits.redriveMs - elapsedMs + 1));
      continue;
    }
    const waitMs = taken === 0 ? gatewayLimits.redriveFirstWaitMs : 0;
    const deliveries = await consumer.pull({ maxMessages: Math.min(batch, limit - taken), waitMs, signal });
    if (deliveries.length === 0) return;
    taken += deliveries.length;
    await redriveBatch(context, subscription, consumer.subscription, deliveries, { dryRun, caller }, result);
    // Nothing is acknowledged in a dry run, so the consumer's credit ends it: a look at the first ones.
    if (dryRun && taken >= gatewayLimits.redriveBatchMax) return;
  }
}

async function redriveBatch(
  context: GatewayContext,
  subscription: string,
  reader: string,
  deliveries: readonly Delivery[],
  { dryRun, caller }: Pick<RedriveOptions, 'dryRun' | 'caller'>,
  result: Redriven,
): Promise<void> {
  const byTopic = new Map<string, Delivery[]>();
  const others: string[] = [];
  for (const delivery of deliveries) {
    const topic = headerOf(delivery.message, 'dead-letter-topic');
    if (topic === undefined || headerOf(delivery.message, 'dead-letter-subscription') !== subscription) {
      result.skipped += 1;
      others.push(delivery.token);
    } else byTopic.set(topic, [...(byTopic.get(topic) ?? []), delivery]);
  }
  if (others.length > 0 && !dryRun) await context.port.ack(reader, others);
  // All of them before the first is stored. A letter that was published by hand could name any topic.
  for (const topic of byTopic.keys()) caller.requireNamed('publish', topic);
  for (const [topic, letters] of byTopic) {
    const stored = dryRun ? letters : await storeAgain(context, topic, letters, caller, result);
    result.redriven += stored.length;
    result.topics[topic] = (result.topics[topic] ?? 0) + stored.length;
    if (!dryRun && stored.length > 0)
      await context.port.ack(
        reader,
        stored.map(({ token }) => token),
      );
    if (result.error !== undefined) throw result.error;
  }
}

async function storeAgain(
  context: GatewayContext,
  topic: string,
  letters: readonly Delivery[],
  caller: Caller,
  result: Redriven,
): Promise<Delivery[]> {
  const outcomes = await publishMessages(
    context,
    topic,
    letters.map(({ message }) => messageAgain(message)),
    {},
    caller,
  );
  return letters.filter((_, index) => {
    const outcome = outcomes[index];
    if (outcome?.kind === 'stored') return true;
    result.error ??= outcome?.error ?? new PortError('internal', 'a letter has no outcome');
    return false;
  });
}

const COUNT = 'dead-letter-redrives';

/** Without what the dead letter said about it, and with how often it came this way. Another message to a backend that knows ids. */
export function messageAgain(letter: Message): PublishMessage {
  const before = Number(headerOf(letter, COUNT) ?? 0);
  const headers = letter.headers.filter(({ name }) => !name.startsWith('dead-letter-'));
  const counter = { name: COUNT, value: Buffer.from(String(before + 1)) };
  return {
    key: letter.key,
    value: letter.value,
    // A message may have as many headers as there can be: it goes back without the count then.
    headers: hasRoomFor(counter, headers) ? [...headers, counter] : headers,
    ...(letter.contentType === null ? {} : { contentType: letter.contentType }),
    ...(letter.id === null ? {} : { id: idAgain(letter.id, before) }),
  };
}

/** `ID-r1`, then `ID-r2`. Only what an earlier redrive wrote is taken off: an id may end like that by itself. */
function idAgain(id: string, before: number): string {
  const written = `-r${before}`;
  const stem = before > 0 && id.endsWith(written) ? id.slice(0, -written.length) : id;
  const again = `${stem}-r${before + 1}`;
  if (again.length <= limits.idCharactersMax) return again;
  return `${createHash('sha256').update(stem).digest('base64url')}-r${before + 1}`;
}

function hasRoomFor(more: Message['headers'][number], headers: Message['headers']): boolean {
  let bytes = 0;
  for (const { name, value } of [...headers, more]) bytes += Buffer.byteLength(name) + value.length;
  return headers.length < limits.headersMax && bytes <= limits.headerBytesMax;
}

/** The last one: a letter that died twice has them twice. */
function headerOf({ headers }: Message, name: string): string | undefined {
  return headers.findLast((header) => header.name === name)?.value.toString();
}
