/**
 * One channel that consumes, and the deliveries on it that are not settled. Delivery tags belong to their channel: when it
 * ends they mean nothing, and what they named comes again from the broker.
 *
 * Acks are written together: all below the lowest unsettled tag with one `multiple`, the rest one by one. Each write costs the client
 * a system call and a quorum queue an entry of its log, so an eighth of the prefetch is collected, for 2 ms at the most (`ackDelayMs`).
 */

import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import { bounds } from './bounds.ts';
import { guardChannel } from './connection.ts';
import { within } from './errors.ts';

/** Into so many groups the acks of a prefetch are collected. */
const ACK_GROUPS = 8;

export class DeliveryChannel {
  readonly #channel: Channel;
  readonly #onEnd: () => void;
  /** By delivery tag, ascending: a Map keeps the order of arrival. */
  readonly #unsettled = new Map<number, ConsumeMessage>();
  readonly #consumerTags = new Set<string>();
  /** Consumers of streams, also those that were cancelled. */
  readonly #streamTags = new Set<string>();
  #acked: ConsumeMessage[] = [];
  /** As many acks are worth a write: the broker still has the rest of the prefetch to send from. */
  #ackGroup = 1;
  #flushSoon: NodeJS.Immediate | undefined;
  #flushTimer: NodeJS.Timeout | undefined;
  #isOver = false;
  #tagNumber = 0;

  private constructor(channel: Channel, onEnd: () => void) {
    this.#channel = channel;
    this.#onEnd = onEnd;
  }

  /** @param onEnd the channel or its connection ended, and not by `close`. */
  static async open(model: ChannelModel, onEnd: () => void): Promise<DeliveryChannel> {
    const channel = await within(model.createChannel(), bounds.callTimeoutMs, 'open a channel');
    guardChannel(channel);
    const self = new DeliveryChannel(channel, onEnd);
    channel.on('close', () => self.#ended());
    // A delivery that was under way when its consumer was cancelled finds no consumer: amqplib throws, we give it back first.
    channel.prependListener('delivery', (message: ConsumeMessage) => {
      if (!self.#consumerTags.has(message.fields.consumerTag)) self.#returnLate(message);
    });
    return self;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * `onMessage` gets null when the broker cancels the consumer (its queue was deleted or moved).
   * @returns the consumer's tag.
   */
  async consume(
    queue: string,
    prefetch: number,
    onMessage: (message: ConsumeMessage | null) => void,
    consumerArguments: Readonly<Record<string, unknown>> = {},
  ): Promise<string> {
    this.#tagNumber += 1;
    const consumerTag = `sluice-${this.#tagNumber}`;
    const work = async (): Promise<void> => {
      // Counts for the consumers that start after it. 0 would be no bound.
      await this.#channel.prefetch(Math.min(bounds.prefetchMax, Math.max(1, prefetch)));
      await this.#channel.consume(
        queue,
        (message) => {
          if (message === null) this.#consumerTags.delete(consumerTag);
          else this.#unsettled.set(message.fields.deliveryTag, message);
          onMessage(message);
        },
        { consumerTag, arguments: consumerArguments },
      );
    };
    this.#consumerTags.add(consumerTag);
    this.#ackGroup = Math.max(1, Math.floor(prefetch / ACK_GROUPS));
    if ('x-stream-offset' in consumerArguments) this.#streamTags.add(consumerTag);
    try {
      await within(work(), bounds.callTimeoutMs, `consume from "${queue}"`);
    } catch (reason) {
      this.#consumerTags.delete(consumerTag);
      throw reason;
    }
    return consumerTag;
  }

  /** What comes after it is given back uncounted. */
  async cancel(consumerTag: string): Promise<void> {
    if (this.#isOver || !this.#consumerTags.has(consumerTag)) return;
    await within(this.#channel.cancel(consumerTag), bounds.callTimeoutMs, 'cancel a consumer');
    this.#consumerTags.delete(consumerTag);
  }

  /** A round trip on this channel: what the broker sent before has arrived when it resolves. @returns the count of ready messages. */
  async barrier(queue: string): Promise<number> {
    const { messageCount } = await within(this.#channel.checkQueue(queue), bounds.callTimeoutMs, `check "${queue}"`);
    return messageCount;
  }

  /**
   * Joins a queue that never has a message, made when it is not there and gone with its last consumer.
   * @param onCancelled the broker took the queue away, as it does when the queue's node ends.
   */
  async beCountedOn(queue: string, onCancelled: () => void): Promise<void> {
    const options = { durable: true, autoDelete: true, arguments: { 'x-queue-type': 'classic' } };
    await within(this.#channel.assertQueue(queue, options), bounds.callTimeoutMs, `declare "${queue}"`);
    await this.consume(queue, 1, (message) => {
      if (message === null) onCancelled();
    });
  }

  ack(message: ConsumeMessage): void {
    if (this.#isOver || !this.#unsettled.delete(message.fields.deliveryTag)) return;
    this.#acked.push(message);
    const count = this.#acked.length;
    if (count >= bounds.ackBatchMax) this.flush();
    else if (count >= this.#ackGroup) this.#flushSoon ??= setImmediate(() => this.flush());
    else this.#flushTimer ??= setTimeout(() => this.flush(), bounds.ackDelayMs);
  }

  /** `counted` as a failed attempt (from 4.3 on only `basic.reject` counts), else untouched. */
  giveBack(message: ConsumeMessage, counted: boolean): void {
    if (this.#isOver || !this.#unsettled.delete(message.fields.deliveryTag)) return;
    this.#write(() => this.#return(message, counted));
  }

  /** Writes the acks that wait. */
  flush(): void {
    clearImmediate(this.#flushSoon);
    clearTimeout(this.#flushTimer);
    this.#flushSoon = undefined;
    this.#flushTimer = undefined;
    const acked = this.#acked;
    if (acked.length === 0 || this.#isOver) return;
    this.#acked = [];
    const lowest = this.#unsettled.keys().next();
    const lowestUnsettled = lowest.done === true ? Number.POSITIVE_INFINITY : lowest.value;
    let highestBelow: ConsumeMessage | undefined;
    this.#write(() => {
      for (const message of acked) {
        const { deliveryTag } = message.fields;
        if (deliveryTag > lowestUnsettled) this.#channel.ack(message);
        else if (highestBelow === undefined || deliveryTag > highestBelow.fields.deliveryTag) highestBelow = message;
      }
      if (highestBelow !== undefined) this.#channel.ack(highestBelow, true);
    });
  }

  /** Gives back what is not settled, in the order it came, and closes. Idempotent, bounded in time. */
  async close(isCounted: (message: ConsumeMessage) => boolean = () => false): Promise<void> {
    if (this.#isOver) return;
    for (const tag of this.#consumerTags) {
      await this.cancel(tag).catch(() => undefined); // the close below ends it as well
    }
    this.flush();
    for (const message of this.#unsettled.values()) this.giveBack(message, isCounted(message));
    this.#isOver = true;
    await within(this.#channel.close(), bounds.closeTimeoutMs, 'close a channel').catch(() => undefined); // over already
  }

  /** Writes the acks and closes: what is not settled goes back all at once, in order, before another consumer gets anything. */
  async closeHoldingBack(): Promise<void> {
    if (this.#isOver) return;
    this.flush();
    this.#isOver = true;
    await within(this.#channel.close(), bounds.closeTimeoutMs, 'close a channel').catch(() => undefined); // over already
  }

  /** For streams, where it only frees the broker's reader. */
  abandon(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    within(this.#channel.close(), bounds.closeTimeoutMs, 'close a channel').catch(() => undefined); // over already
  }

  #returnLate(message: ConsumeMessage): void {
    this.#write(() => this.#return(message, false));
  }

  /**
   * A stream takes nothing back, it is read again; RabbitMQ 3.10 ends the whole connection, and with it every lease on it, when it
   * is told to (540 not_implemented). An ack is no more than credit there.
   */
  #return(message: ConsumeMessage, counted: boolean): void {
    if (this.#streamTags.has(message.fields.consumerTag)) this.#channel.ack(message);
    else if (counted) this.#channel.reject(message, true);
    else this.#channel.nack(message, false, true);
  }

  /** The channel may have ended a moment ago: then there is nobody to tell, and the messages come again. */
  #write(work: () => void): void {
    try {
      work();
    } catch {
      this.#ended();
    }
  }

  #ended(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#unsettled.clear();
    this.#acked = [];
    this.#onEnd();
  }
}
