/**
 * A trace of what goes through a topic, on any backend: a subscription of its own reads it through a gateway, without taking anything from
 * anybody, and is deleted afterwards. What is written is when, which key and how large; values only when they are asked for, and keys
 * as pseudonyms unless they are.
 */

import { createHmac, randomBytes } from 'node:crypto';
import type { Writable } from 'node:stream';
import { connect, SluiceError, valueBytes } from '../../client/index.ts';
import { TraceError } from './errors.ts';
import { traceLimits } from './limits.ts';
import { type TraceRecord, writeTrace } from './log-file.ts';
import { topicPattern } from './read-trace.ts';

export const recordedKeys = ['hash', 'keep', 'none'] as const;

export interface RecordOptions {
  readonly url: string;
  readonly token?: string | undefined;
  readonly topic: string;
  /** What is there already, where the backend keeps it, or only what comes from now on. */
  readonly from: 'earliest' | 'latest';
  /** It ends with so many messages, after so long, or when nothing came for so long; whichever is first. */
  readonly messagesMax: number;
  readonly forMs: number;
  readonly idleMs: number;
  /** `hash`: pseudonyms, equal for equal keys within this trace, by a secret that is thrown away. */
  readonly keys: (typeof recordedKeys)[number];
  readonly keepsValues: boolean;
  /** A path, written whole or not at all; or a stream, which is not ended. */
  readonly out: string | Writable;
  readonly signal?: AbortSignal;
}

export interface RecordSummary {
  readonly messages: number;
  readonly spanMs: number;
  readonly bytes: number;
  readonly distinctKeys: number;
  readonly withoutKey: number;
  /** Values that are no UTF-8: their size alone is in the trace. */
  readonly valuesLeftOut: number;
  /** Deliveries that had come before; each message is in the trace once. */
  readonly repeated: number;
}

interface Seen {
  readonly atMs: number;
  readonly order: number;
  readonly key: string | null;
  readonly size: number;
  readonly value: string | null;
}

/** Held in memory, because partitions come one after the other and a trace goes forward. */
const recordedBytesMax = 256 * 1024 * 1024;
/** Around each message in memory. */
const overheadBytes = 64;
const pseudonymCharacters = 16;

/**
 * Resolves when the trace is written and the subscription is gone. Rejects with TraceError `trace_invalid_option`, `trace_unreadable`
 * (no gateway, no such topic, no right to it), `trace_invalid` when nothing came, `trace_too_large`, `trace_unwritable`.
 */
export async function recordTrace(options: RecordOptions): Promise<RecordSummary> {
  const { topic, messagesMax } = options;
  if (!topicPattern.test(topic)) throw new TraceError('trace_invalid_option', `"${topic}" is not a topic name`);
  if (messagesMax > traceLimits.traceMessagesMax)
    throw new TraceError('trace_invalid_option', `at most ${traceLimits.traceMessagesMax} messages fit a trace`);
  let recorded: Awaited<ReturnType<typeof read>>;
  try {
    recorded = await read(options);
  } catch (reason) {
    if (reason instanceof SluiceError)
      throw new TraceError('trace_unreadable', `topic "${topic}" at ${options.url}: ${reason.message}`, {
        cause: reason,
      });
    throw reason;
  }
  const { seen, repeated, valuesLeftOut } = recorded;
  const inOrder = seen.toSorted((a, b) => a.atMs - b.atMs || a.order - b.order);
  const [first] = inOrder;
  if (first === undefined) throw new TraceError('trace_invalid', `nothing came from topic "${topic}"`);
  await writeTrace(
    options.out,
    inOrder.map(({ atMs, key, size, value }): TraceRecord => {
      const line = { t: atMs - first.atMs, topic, key };
      return value === null ? { ...line, size } : { ...line, value };
    }),
  );
  return {
    messages: inOrder.length,
    spanMs: (inOrder.at(-1) as Seen).atMs - first.atMs,
    bytes: inOrder.reduce((sum, { size }) => sum + size, 0),
    distinctKeys: new Set(inOrder.map(({ key }) => key).filter((key) => key !== null)).size,
    withoutKey: inOrder.filter(({ key }) => key === null).length,
    valuesLeftOut,
    repeated,
  };
}

async function read(options: RecordOptions) {
  const { url, token, topic, from, messagesMax, forMs, idleMs, keepsValues } = options;
  const sluice = connect(url, token === undefined ? {} : { token });
  const name = `sluice-trace-${randomBytes(6).toString('hex')}`;
  const pseudonym = pseudonyms(options.keys);
  const seen: Seen[] = [];
  let bytes = 0;
  let repeated = 0;
  let valuesLeftOut = 0;
  await sluice.subscriptions.create({ name, topic, start: from, maxInFlight: { messages: 1_000 } });
  try {
    const ends = [AbortSignal.timeout(forMs), ...(options.signal === undefined ? [] : [options.signal])];
    const signal = AbortSignal.any(ends);
    for await (const delivery of sluice.subscribe(name, { credit: 1_000, encoding: 'base64', idleMs, signal })) {
      const { message, attempt } = delivery;
      if (attempt > 1) repeated += 1;
      else {
        const content = valueBytes(message) ?? Buffer.alloc(0);
        const value = keepsValues ? textOf(content) : null;
        if (keepsValues && value === null) valuesLeftOut += 1;
        const key = message.key === null ? null : pseudonym(Buffer.from(message.key));
        seen.push({ atMs: message.timestamp, order: seen.length, key, size: content.length, value });
        bytes += overheadBytes + (value === null ? 0 : content.length);
        if (bytes > recordedBytesMax)
          throw new TraceError(
            'trace_too_large',
            `more than ${recordedBytesMax} bytes; record fewer messages, or no values`,
          );
      }
      await delivery.ack();
      if (seen.length >= messagesMax) break;
    }
  } finally {
    await sluice.subscriptions.delete(name).catch(() => undefined); // its topic, or the gateway, may be gone
  }
  return { seen, repeated, valuesLeftOut };
}

function pseudonyms(kind: RecordOptions['keys']): (key: Buffer) => string | null {
  const secret = randomBytes(32);
  if (kind === 'none') return () => null;
  if (kind === 'keep') return (key) => key.toString();
  return (key) => createHmac('sha256', secret).update(key).digest('hex').slice(0, pseudonymCharacters);
}

/** null for what is no UTF-8: a trace is text. */
function textOf(content: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    return null;
  }
}
