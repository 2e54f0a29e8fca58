/** A consumer on one queue or stream: prefetch, acks of many at once, a timer for the last of them. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import { type ConsumeOptions, type WireConsumer, type WireDelivery, WireRefusal } from '../systems/wire.ts';
import type { QueueReader } from './rabbitmq.ts';

/** A started batch of acks waits this long for more, as any careful consumer does. */
const ackFlushMs = 10;

export async function consumeQueue(
  connection: ChannelModel,
  reader: QueueReader,
  options: ConsumeOptions,
): Promise<WireConsumer> {
  const channel = await connection.createChannel();
  let isClosed = false;
  let failure: Error | null = null;
  let working: Promise<void> = Promise.resolve();
  const batcher = options.settle.kind === 'batch' ? new AckBatcher(channel, options.settle.ackBatch) : null;
  channel.on('error', (error: Error) => {
    failure = error;
    batcher?.drop();
    if (!isClosed) options.onError(error);
    isClosed = true;
  });
  // Also when its connection ends: then nobody else says so, and an ack would throw.
  channel.on('close', () => {
    if (isClosed) return;
    isClosed = true;
    batcher?.drop();
    // What the broker has against the connection is told after its channels have ended.
    setImmediate(() => options.onError(asRefusal(failure ?? new Error('the channel was closed'))));
  });
  const noteFailure = (error: Error) => (failure ??= error);
  connection.on('error', noteFailure);
  channel.on('close', () => setImmediate(() => connection.removeListener('error', noteFailure)));
  // Without acks the broker pays no heed to a prefetch; a stream wants one all the same.
  await channel.prefetch(options.credit);

  const onMessage = (message: ConsumeMessage | null) => {
    if (message === null) {
      options.onError(new Error(`the consumer on ${reader.queue} was cancelled by the broker`));
      return;
    }
    if (isClosed) return;
    const offset = streamOffset(message);
    if (offset !== null) reader.streamOffset = offset + 1;
    const delivery: WireDelivery = {
      key: message.fields.routingKey === '' ? null : message.fields.routingKey,
      value: message.content,
      partition: 0,
      offset,
      attempt: attemptOf(message),
      isRedelivered: reader.isStream ? null : message.fields.redelivered,
      headers: () => headersOf(message),
      // After the channel's end there is nobody to tell; the broker gives the message to the next consumer.
      ack: () => (isClosed ? undefined : channel.ack(message)),
      nack: () => (isClosed ? undefined : channel.nack(message, false, true)),
      fail: () => (isClosed ? undefined : channel.reject(message, true)),
      reject: () => (isClosed ? undefined : channel.reject(message, false)),
    };
    if (options.settle.kind === 'before') {
      const { workMs } = options.settle;
      working = working.then(() => sleep(workMs)).then(() => options.onDelivery(delivery));
      return;
    }
    options.onDelivery(delivery);
    batcher?.note(message);
  };

  const consumeArguments = {
    ...(reader.streamOffset === null ? {} : { 'x-stream-offset': streamArgument(reader.streamOffset) }),
    ...(reader.streamFilter === null ? {} : { 'x-stream-filter': reader.streamFilter }),
  };
  try {
    await channel.consume(reader.queue, onMessage, {
      noAck: options.settle.kind === 'before',
      arguments: consumeArguments,
    });
  } catch (reason) {
    isClosed = true;
    const message = failure === null ? String(reason) : (failure as Error).message;
    throw new WireRefusal('broker_refused', message, { cause: reason });
  }

  return {
    async close() {
      if (isClosed) return;
      batcher?.flush();
      isClosed = true;
      await channel.close();
    },
  };
}

/** 540 is the broker's word for "there is no such thing here". */
function asRefusal(error: Error): Error {
  const isRefusal = 'code' in error && error.code === 540;
  return isRefusal ? new WireRefusal('broker_refused', error.message, { cause: error }) : error;
}

/** Acks up to `size` deliveries with one frame; what is left after a pause goes by itself. */
class AckBatcher {
  readonly #channel: Channel;
  readonly #size: number;
  #last: ConsumeMessage | null = null;
  #waiting = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(channel: Channel, size: number) {
    this.#channel = channel;
    this.#size = size;
  }

  note(message: ConsumeMessage): void {
    this.#last = message;
    this.#waiting++;
    if (this.#waiting >= this.#size) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), ackFlushMs);
  }

  /** Nobody is left to tell. */
  drop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#last = null;
    this.#waiting = 0;
  }

  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#last !== null) this.#channel.ack(this.#last, true);
    this.#last = null;
    this.#waiting = 0;
  }
}

function streamOffset(message: ConsumeMessage): number | null {
  const value: unknown = message.properties.headers?.['x-stream-offset'];
  return typeof value === 'number' ? value : null;
}

function headersOf(message: ConsumeMessage): Readonly<Record<string, string>> {
  const headers: Record<string, unknown> = message.properties.headers ?? {};
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}

/** Quorum queues count; classic queues only say that it is not the first time. */
function attemptOf(message: ConsumeMessage): number | null {
  const count: unknown =
    message.properties.headers?.['x-acquired-count'] ?? message.properties.headers?.['x-delivery-count'];
  if (typeof count === 'number') return count + 1;
  return message.fields.redelivered ? null : 1;
}

/** amqplib writes a timestamp only when told so; AMQP's are whole seconds. */
function streamArgument(offset: string | number | Date): unknown {
  if (!(offset instanceof Date)) return offset;
  return { '!': 'timestamp', value: Math.floor(offset.getTime() / 1000) };
}
