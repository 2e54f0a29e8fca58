/**
 * Reading streams without a subscription: their ends, positions by time, and browsing. Each call uses a channel of its own.
 *
 * RabbitMQ tells the end of a stream over AMQP 0-9-1 only by letting one consume the last chunk (the count of a passive
 * declare is seconds old). A round trip on the same channel after that is answered behind the chunk's messages, so what has
 * arrived by then is all there is. In a cluster this is the end as the connected node knows it.
 */

import type { ConsumeMessage } from 'amqplib';
import { PortError } from '../errors.ts';
import { messageBytes } from '../log-codec.ts';
import type { Message, ReadResult } from '../port.ts';
import { bounds } from './bounds.ts';
import type { SupervisedConnection } from './connection.ts';
import { DeliveryChannel } from './delivery-channel.ts';
import { fromAmqp as errorFromAmqp, isGone } from './errors.ts';
import { fromAmqp, STREAM_OFFSET } from './message-codec.ts';

type OffsetSpec = 'first' | 'last' | 'next' | number | { readonly '!': 'timestamp'; readonly value: number };

export interface StreamEnds {
  /** Offset of the oldest kept message; equals `next` when there is none. */
  readonly first: number;
  /** Offset that the next message gets. */
  readonly next: number;
}

export function offsetOf(message: ConsumeMessage): number {
  const offset: unknown = message.properties.headers?.[STREAM_OFFSET];
  return typeof offset === 'number' ? offset : 0;
}

export class StreamReader {
  readonly #connection: SupervisedConnection;

  constructor(connection: SupervisedConnection) {
    this.#connection = connection;
  }

  async nextOffset(stream: string): Promise<number> {
    let next = 0;
    await this.#consume(stream, 'last', bounds.chunkMessagesMax, async (channel, onMessage) => {
      onMessage((message) => (next = Math.max(next, offsetOf(message) + 1)));
      await twoBarriers(channel, stream);
    });
    return next;
  }

  async ends(stream: string): Promise<StreamEnds> {
    const next = await this.nextOffset(stream);
    if (next === 0) return { first: 0, next };
    const first = await this.#firstMatch(stream, 'first', next, () => true);
    return { first: first ?? next, next };
  }

  /** The first message at or after a time by the messages' own timestamps; the end when there is none. */
  async offsetAt(stream: string, timestampMs: number, nowMs: number): Promise<number> {
    const next = await this.nextOffset(stream);
    // Publishers may give times ahead of the broker's clock: then its index of chunks is no help.
    const isPast = timestampMs + bounds.clockSkewMs < nowMs;
    const fromMs = Math.max(0, timestampMs - bounds.clockSkewMs);
    const from: OffsetSpec = isPast ? { '!': 'timestamp', value: Math.floor(fromMs / 1_000) } : 'first';
    const where = { topic: '', partition: 0 };
    const found = await this.#firstMatch(
      stream,
      from,
      next,
      (message) => fromAmqp(message, where).timestampMs >= timestampMs,
    );
    return found ?? next;
  }

  /** @throws PortError `offset_out_of_range`. */
  async read(
    stream: string,
    where: { readonly topic: string; readonly partition: number },
    from: 'earliest' | 'latest' | number,
    limit: number,
  ): Promise<ReadResult> {
    const next = await this.nextOffset(stream);
    if (from === 'latest' || from === next) return { messages: [], next };
    if (typeof from === 'number' && from > next) throw outOfRange(stream, `offset ${from} is after the end ${next}`);
    if (next === 0) return { messages: [], next: 0 };
    const messages: Message[] = [];
    let bytes = 0;
    await this.#scan(stream, from === 'earliest' ? 'first' : from, next, (raw, offset) => {
      if (typeof from === 'number' && offset < from) return false;
      if (messages.length === 0 && typeof from === 'number' && offset > from) {
        throw outOfRange(stream, `offset ${from} is before the first kept message ${offset}`);
      }
      const message = fromAmqp(raw, where);
      messages.push(message);
      bytes += messageBytes(message);
      return messages.length >= limit || bytes >= bounds.readBytesMax;
    });
    const last = messages.at(-1);
    return { messages, next: last === undefined ? next : (last.offset ?? 0) + 1 };
  }

  async #firstMatch(
    stream: string,
    from: OffsetSpec,
    next: number,
    matches: (message: ConsumeMessage) => boolean,
  ): Promise<number | undefined> {
    let found: number | undefined;
    await this.#scan(stream, from, next, (message, offset) => {
      if (!matches(message)) return false;
      found = offset;
      return true;
    });
    return found;
  }

  /** Until `visit` returns true, or the message before `next` was visited, or nothing more comes. */
  async #scan(
    stream: string,
    from: OffsetSpec,
    next: number,
    visit: (message: ConsumeMessage, offset: number) => boolean,
  ): Promise<void> {
    if (next === 0) return;
    await this.#consume(stream, from, SCAN_PREFETCH, async (channel, onMessage) => {
      await new Promise<void>((resolve, reject) => {
        let isOver = false;
        let seen = 0;
        const end = (error?: unknown): void => {
          isOver = true;
          clearTimeout(timer);
          if (error === undefined) resolve();
          else reject(error);
        };
        const timer = setTimeout(
          () =>
            end(
              new PortError(
                'deadline_exceeded',
                `stream "${stream}": the end was not reached in ${bounds.callTimeoutMs} ms`,
              ),
            ),
          bounds.callTimeoutMs,
        ).unref();
        onMessage((message) => {
          if (isOver) return;
          seen += 1;
          const offset = offsetOf(message);
          try {
            if ((offset < next && visit(message, offset)) || offset >= next - 1) {
              end();
              return;
            }
          } catch (reason) {
            end(reason);
            return;
          }
          channel.ack(message); // the broker sends one more
        });
        // A position after the last message brings nothing.
        twoBarriers(channel, stream).then(() => seen === 0 && end(), end);
      });
    });
  }

  async #consume(
    stream: string,
    from: OffsetSpec,
    prefetch: number,
    work: (channel: DeliveryChannel, onMessage: (handle: (message: ConsumeMessage) => void) => void) => Promise<void>,
  ): Promise<void> {
    const model = await this.#connection.whenOpen();
    let fail: (reason: PortError) => void = () => undefined;
    const failed = new Promise<never>((_, reject) => (fail = reject));
    failed.catch(() => undefined); // it may fail after the work is done
    const ended = (): void => fail(new PortError('backend_unavailable', `stream "${stream}": the connection ended`));
    let channel: DeliveryChannel | undefined;
    try {
      channel = await DeliveryChannel.open(model, ended);
      const early: ConsumeMessage[] = [];
      let handle: (message: ConsumeMessage) => void = (message) => void early.push(message);
      const onMessage = (message: ConsumeMessage | null): void => (message === null ? ended() : handle(message));
      await channel.consume(stream, prefetch, onMessage, { 'x-stream-offset': from });
      const setHandler = (handler: (message: ConsumeMessage) => void): void => {
        handle = handler;
        for (const message of early.splice(0)) handler(message);
      };
      await Promise.race([work(channel, setHandler), failed]);
    } catch (reason) {
      if (isGone(reason))
        throw new PortError('topic_not_found', `stream "${stream}" does not exist`, { cause: reason });
      throw errorFromAmqp(reason, `read stream "${stream}"`);
    } finally {
      channel?.abandon();
    }
  }
}

/** Two: the first may overtake a chunk whose reading was about to begin. */
async function twoBarriers(channel: DeliveryChannel, stream: string): Promise<void> {
  await channel.barrier(stream);
  await channel.barrier(stream);
}

function outOfRange(stream: string, what: string): PortError {
  return new PortError('offset_out_of_range', `stream "${stream}": ${what}`);
}

const SCAN_PREFETCH = 1_000;
