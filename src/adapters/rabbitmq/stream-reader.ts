/**
 * Reading streams without a subscription: their ends, positions by time, and browsing. Each call uses a channel of its own.
 *
 * RabbitMQ tells the end of a stream over AMQP 0-9-1 only by letting one consume the last chunk (the count of a passive
 * declare is seconds old). In a cluster this is the end as the connected node knows it.
 *
 * Non-obvious: the broker sends the first chunk when the stream's own process has answered the channel's, and under load that
 * is after any round trip of ours. So silence means "empty" only for a stream of which nobody knows better: one that this
 * process stored to or read from before, or that counts messages, is waited for. From the first message on a round trip does
 * tell: it is answered behind the rest of the chunk.
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
  /** Streams that hold messages, as far as this process has seen. */
  readonly #filled = new Set<string>();

  constructor(connection: SupervisedConnection) {
    this.#connection = connection;
  }

  /** This process has stored to the stream: it is not empty, however silent it is. */
  noteStored(stream: string): void {
    this.#filled.add(stream);
  }

  /** The stream is deleted: one of its name may be empty again. */
  forget(stream: string): void {
    this.#filled.delete(stream);
  }

  /** Of a stream that messages were read from: one that is silent is waited for, until it is certain that they are gone. */
  async endOfRead(stream: string): Promise<number> {
    this.#filled.add(stream);
    return await this.nextOffset(stream);
  }

  async nextOffset(stream: string): Promise<number> {
    return (await this.#lastChunk(stream)).next;
  }

  /** @returns the offset behind the last message, and the newest time of a message in the last chunk. */
  async #lastChunk(stream: string): Promise<{ readonly next: number; readonly newestMs: number }> {
    let next = 0;
    let newestMs = 0;
    await this.#consume(stream, 'last', bounds.chunkMessagesMax, async (channel, onMessage) => {
      const came = new Promise<void>((resolve) => {
        onMessage((message) => {
          next = Math.max(next, offsetOf(message) + 1);
          newestMs = Math.max(newestMs, fromAmqp(message, NOWHERE).timestampMs);
          resolve();
        });
      });
      if (!(await this.#comes(channel, stream, came))) return;
      this.#filled.add(stream);
      await channel.barrier(stream); // the rest of the chunk
    });
    return { next, newestMs };
  }

  /** Whether the first message comes, for a consumer that was just made. */
  async #comes(channel: DeliveryChannel, stream: string, came: Promise<void>): Promise<boolean> {
    const count = await Promise.race([came.then(() => undefined), twoBarriers(channel, stream)]);
    if (count === undefined) return true;
    const isFilled = count > 0 || this.#filled.has(stream);
    const hasCome = await isWithin(came, isFilled ? bounds.streamAnswerMs : bounds.streamSilenceMs);
    if (!hasCome) this.#filled.delete(stream); // deleted and made again, by another process
    return hasCome;
  }

  async ends(stream: string): Promise<StreamEnds> {
    const next = await this.nextOffset(stream);
    if (next === 0) return { first: 0, next };
    const first = await this.#firstMatch(stream, 'first', next, () => true);
    return { first: first ?? next, next };
  }

  /** Of the message at an offset that is known to be there; undefined when it went meanwhile. */
  async timestampAt(stream: string, offset: number): Promise<number | undefined> {
    let timestampMs: number | undefined;
    const visit = (message: ConsumeMessage, at: number): boolean => {
      if (at < offset) return false; // the chunk that holds the offset begins before it
      timestampMs = fromAmqp(message, NOWHERE).timestampMs;
      return true;
    };
    await this.#scan(stream, offset, offset + 1, visit, true, LOOK_PREFETCH);
    return timestampMs;
  }

  /** The first message at or after a time by the messages' own timestamps; the end when there is none. */
  async offsetAt(stream: string, timestampMs: number, nowMs: number): Promise<number> {
    const { next, newestMs } = await this.#lastChunk(stream);
    // Publishers may give times ahead of the broker's clock: then its index of chunks is no help.
    const isPast = timestampMs + bounds.clockSkewMs < nowMs;
    const fromMs = Math.max(0, timestampMs - bounds.clockSkewMs);
    const from: OffsetSpec = isPast ? { '!': 'timestamp', value: Math.floor(fromMs / 1_000) } : 'first';
    const isSure = from === 'first' || newestMs >= timestampMs;
    const found = await this.#firstMatch(
      stream,
      from,
      next,
      (message) => fromAmqp(message, NOWHERE).timestampMs >= timestampMs,
      isSure,
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
    isSure = true,
  ): Promise<number | undefined> {
    let found: number | undefined;
    const visit = (message: ConsumeMessage, offset: number): boolean => {
      if (!matches(message)) return false;
      found = offset;
      return true;
    };
    await this.#scan(stream, from, next, visit, isSure);
    return found;
  }

  /**
   * Until `visit` returns true or the message before `next` was visited.
   * @param isSure that there is a message at `from` or after; without it, silence is an end too.
   */
  async #scan(
    stream: string,
    from: OffsetSpec,
    next: number,
    visit: (message: ConsumeMessage, offset: number) => boolean,
    isSure = true,
    prefetch = SCAN_PREFETCH,
  ): Promise<void> {
    if (next === 0) return;
    await this.#consume(stream, from, prefetch, async (channel, onMessage) => {
      await new Promise<void>((resolve, reject) => {
        let isOver = false;
        let noteCame: () => void = () => undefined;
        const came = new Promise<void>((arrived) => (noteCame = arrived));
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
          noteCame();
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
        if (isSure) return;
        // A position after the last message brings nothing.
        twoBarriers(channel, stream)
          .then(async () => await isWithin(came, bounds.streamSilenceMs))
          .then((hasCome) => hasCome || end(), end);
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

/** Two: the first may overtake a chunk whose reading was about to begin. @returns the count of the stream, which may be old. */
async function twoBarriers(channel: DeliveryChannel, stream: string): Promise<number> {
  await channel.barrier(stream);
  return await channel.barrier(stream);
}

async function isWithin(event: Promise<void>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, milliseconds, false);
  });
  try {
    return await Promise.race([event.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

function outOfRange(stream: string, what: string): PortError {
  return new PortError('offset_out_of_range', `stream "${stream}": ${what}`);
}

const SCAN_PREFETCH = 1_000;
/** For one message, which may be large, as those behind it. */
const LOOK_PREFETCH = 10;

/** For messages of which only the time is looked at. */
const NOWHERE = { topic: '', partition: 0 };
