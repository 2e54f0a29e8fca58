/**
 * A subscription on quorum or classic queues: one channel, a consumer on each of its queues, made again whenever the channel
 * or connection ends, until it is closed or the queue is gone.
 *
 * - Ordered: a queue for each partition with a single active consumer. Its prefetch comes from the subscription, not from the
 *   grant, and is never changed: cancelling would make another process active while ours still holds messages before it.
 * - Unordered: one queue shared by all. Its prefetch follows the grant, so that no process holds what it cannot use.
 */

import type { ConsumeMessage } from 'amqplib';
import type { DriverDelivery, Intake, IntakeCredit, IntakeSink } from '../driver.ts';
import { PortError } from '../errors.ts';
import { messageBytes } from '../log-codec.ts';
import type { Message, SubscriptionDefinition, TopicDefinition } from '../port.ts';
import type { AttemptMemory } from './attempt-memory.ts';
import { bounds } from './bounds.ts';
import { type SupervisedConnection, withChannel } from './connection.ts';
import { CreditGate } from './credit-gate.ts';
import { DeliveryChannel } from './delivery-channel.ts';
import { fromAmqp as errorFromAmqp, isGone } from './errors.ts';
import { DELIVERY_COUNT, fromAmqp } from './message-codec.ts';
import { orderedPrefetch, sharedPrefetch } from './prefetch.ts';
import { Presence } from './presence.ts';
import { Reattacher } from './reattacher.ts';
import type { ReleaseMemory } from './release-memory.ts';

class QueueDelivery implements DriverDelivery {
  readonly message: Message;
  readonly attempt: number;
  readonly bytes: number;
  readonly channel: DeliveryChannel;
  readonly raw: ConsumeMessage;

  constructor(message: Message, attempt: number, channel: DeliveryChannel, raw: ConsumeMessage) {
    this.message = message;
    this.attempt = attempt;
    this.bytes = messageBytes(message);
    this.channel = channel;
    this.raw = raw;
  }
}

export interface HeldOfQueue {
  readonly count: number;
  /** Timestamp of the oldest, undefined when there is none. */
  readonly oldestMs: number | undefined;
}

export interface QueueIntakeOptions {
  readonly connection: SupervisedConnection;
  readonly subscription: SubscriptionDefinition;
  readonly topic: TopicDefinition;
  readonly queues: readonly { readonly name: string; readonly partitions: readonly number[] }[];
  /** Which partition a message was routed to. */
  readonly partitionOf: (routingKey: string) => number;
  /** Where the processes that have this subscription open are counted (presence.ts). Undefined: they are not. */
  readonly presenceQueue: string | undefined;
  readonly sink: IntakeSink;
  readonly credit: IntakeCredit;
  /** Whether a message can be given back without counting an attempt (from 4.3 on). */
  readonly canReleaseUncounted: boolean;
  /** Of the subscription, for classic queues: it outlives an intake. Quorum queues count themselves. */
  readonly attempts: AttemptMemory | undefined;
  /** The same for quorum queues: what they counted and should not have. */
  readonly released: ReleaseMemory | undefined;
  /** Told at the end: what was held of a queue goes back to it. */
  readonly gaveBack: (queue: string, oldestMs: number) => void;
}

export class QueueIntake implements Intake {
  readonly retryMode: 'local' | 'requeue';
  readonly #options: QueueIntakeOptions;
  readonly #gate: CreditGate<QueueDelivery>;
  readonly #attempts: AttemptMemory | undefined;
  readonly #isShared: boolean;
  readonly #reattacher: Reattacher;
  /** Of an ordered subscription, where its processes are counted. */
  readonly #presence: Presence | undefined;
  /** Of an ordered subscription: to be given back as failed when it closes. */
  readonly #failed = new WeakSet<ConsumeMessage>();
  #channel: DeliveryChannel | undefined;
  /** Of the last consumer made: the only one where there is one queue. */
  #consumerTag: string | undefined;
  #prefetch: number;
  /** What the consumers were made with; `#prefetch` is what is wanted. */
  #consumingWith = 0;
  #isResizing = false;
  /** What arrived since the prefetch was looked at. */
  #weighed = { messages: 0, bytes: 0 };
  #credit: IntakeCredit;
  #closing: Promise<void> | undefined;

  constructor(options: QueueIntakeOptions) {
    this.#options = options;
    this.#isShared = options.subscription.ordering === 'none';
    this.#gate = new CreditGate(options.sink, options.credit);
    this.#attempts = options.attempts;
    this.retryMode = this.#isShared && this.#attempts === undefined ? 'requeue' : 'local';
    this.#credit = options.credit;
    this.#prefetch = this.#prefetchFor(options.credit);
    const { connection, presenceQueue } = options;
    this.#presence =
      this.#isShared || presenceQueue === undefined ? undefined : new Presence(connection, presenceQueue);
    this.#reattacher = new Reattacher({
      connection: options.connection,
      attach: async () => await this.#attach(),
      gone: (error) => this.#end(error),
    });
  }

  get isClosed(): boolean {
    return this.#closing !== undefined;
  }

  /** Arrived here and not settled, in the order of the queues: what their own counts of ready messages do not include. */
  get heldByQueue(): readonly HeldOfQueue[] {
    const { queues } = this.#options;
    const held = queues.map((): HeldOfQueue => ({ count: 0, oldestMs: undefined }));
    const places = new Map(queues.map(({ partitions }, index) => [partitions[0] ?? 0, index]));
    for (const { message } of this.#gate.all()) {
      const index = queues.length === 1 ? 0 : (places.get(message.partition) ?? 0);
      const { count, oldestMs = message.timestampMs } = held[index] as HeldOfQueue;
      held[index] = { count: count + 1, oldestMs: Math.min(oldestMs, message.timestampMs) };
    }
    return held;
  }

  /** @throws PortError `subscription_not_found` when its queues do not exist, `backend_unavailable` when nothing answers. */
  async open(): Promise<void> {
    try {
      await this.#reattacher.start();
    } catch (reason) {
      await this.close();
      throw reason;
    }
  }

  grant(credit: IntakeCredit): void {
    this.#credit = credit;
    this.#gate.grant(credit);
    // More than was found to fit the bytes is not given up by a new grant; more than the messages granted is.
    if (this.#isShared)
      this.#setPrefetch(Math.min(credit.messages, Math.max(this.#prefetch, this.#prefetchFor(credit))));
  }

  ack(delivery: QueueDelivery): void {
    this.#attempts?.forget(delivery.message.id);
    this.#options.released?.forget(delivery.message.id);
    delivery.channel.ack(delivery.raw);
    this.#gate.settle(delivery);
  }

  giveBack(delivery: QueueDelivery, counted: boolean): void {
    this.#remember(delivery, counted);
    // Only called before `close` on ordered ones: given back now, it would come again here at once, behind what we still hold.
    if (this.#isShared) delivery.channel.giveBack(delivery.raw, counted);
    else if (counted) this.#failed.add(delivery.raw);
    this.#gate.settle(delivery);
  }

  noteAttempt(delivery: QueueDelivery, attempt: number): void {
    this.#attempts?.set(delivery.message.id, attempt);
  }

  async close(): Promise<void> {
    this.#closing ??= this.#closeNow();
    await this.#closing;
  }

  async #closeNow(): Promise<void> {
    this.#reattacher.stop();
    const channel = this.#channel;
    this.#channel = undefined;
    for (const [index, { oldestMs }] of this.heldByQueue.entries())
      if (oldestMs !== undefined) this.#options.gaveBack(this.#options.queues[index]?.name ?? '', oldestMs);
    if (channel !== undefined) {
      // What is left is given back untouched; it will look as if it had been delivered before.
      for (const delivery of this.#gate.all()) this.#remember(delivery, false);
      if (!this.#isShared && (await this.#mustHoldBack())) await channel.closeHoldingBack();
      else await channel.close((message) => this.#failed.has(message));
    }
    this.#presence?.leave();
    this.#gate.takeHeld(0);
  }

  /**
   * Whether the consumer may not be cancelled before its messages are back. Another process that waits would get the messages behind those in
   * our hands the moment it is. And what a quorum queue had sent when it is cancelled, and the channel not yet seen, the broker itself gives
   * back at once, before all that came earlier. Closing the channel instead hands over all at once, in order; the queue then counts
   * an attempt.
   */
  async #mustHoldBack(): Promise<boolean> {
    if (this.#attempts === undefined) return true;
    return this.#presence === undefined || (await this.#presence.othersWait());
  }

  /** Failures that a local retry noted are kept; without one, a counted delivery is the one that failed. */
  #remember({ message, attempt, raw }: QueueDelivery, counted: boolean): void {
    if (this.#attempts === undefined) {
      if (!this.#isShared && !counted && !this.#failed.has(raw)) this.#options.released?.note(message.id);
      return;
    }
    const failed = this.#attempts.attemptOf(message.id, false) - 1;
    this.#attempts.set(message.id, Math.max(failed, counted ? attempt : attempt - 1));
  }

  #prefetchFor(credit: IntakeCredit): number {
    if (this.#isShared) return sharedPrefetch(credit);
    return orderedPrefetch(this.#options.subscription.maxInFlight, this.#options.queues.length);
  }

  /**
   * RabbitMQ counts messages only: what they turn out to weigh decides how many may be sent ahead within the credit. Looked at once a
   * prefetch's worth has arrived, and enlarged only by half at least: each change makes the consumer anew.
   */
  #adaptPrefetch(): void {
    if (!this.#isShared) return;
    if (this.#gate.heldBytes > this.#credit.bytes) {
      this.#setPrefetch(Math.max(1, this.#prefetch >> 1));
      this.#weighed = { messages: 0, bytes: 0 };
      return;
    }
    const { messages, bytes } = this.#weighed;
    if (messages < this.#prefetch) return;
    const fitting = Math.floor(this.#credit.bytes / (bounds.weightMargin * Math.max(1, bytes / messages)));
    const wanted = Math.min(this.#credit.messages, fitting);
    if (wanted >= this.#prefetch * 1.5) this.#setPrefetch(wanted);
    this.#weighed = { messages: 0, bytes: 0 };
  }

  #setPrefetch(prefetch: number): void {
    this.#prefetch = prefetch;
    if (this.#isResizing || prefetch === this.#consumingWith) return;
    this.#isResizing = true;
    void this.#resize().finally(() => (this.#isResizing = false));
  }

  /** Undefined when it consumes; else why not. */
  async #attach(): Promise<PortError | undefined> {
    const { model } = this.#options.connection;
    if (this.#channel !== undefined || model === undefined || this.#closing !== undefined) return undefined;
    let channel: DeliveryChannel | undefined;
    try {
      // Before anything is consumed: who closes meanwhile must know of us.
      await this.#presence?.join();
      channel = await DeliveryChannel.open(model, () => this.#channelEnded(channel));
      for (const queue of this.#options.queues) await this.#consume(channel, queue);
      if (channel.isOver) return new PortError('backend_unavailable', 'the channel ended while it was set up');
      this.#channel = channel;
      if (this.#closing !== undefined) await channel.close();
      return undefined;
    } catch (reason) {
      void channel?.close();
      if (channel !== undefined) this.#lose(channel);
      if (!isGone(reason)) return errorFromAmqp(reason, `consume subscription "${this.#options.subscription.name}"`);
      return this.#goneError();
    }
  }

  async #consume(channel: DeliveryChannel, queue: QueueIntakeOptions['queues'][number]): Promise<void> {
    const onMessage = (message: ConsumeMessage | null): void => {
      if (message === null) void this.#cancelled(channel, queue);
      else this.#arrived(channel, message, queue.partitions);
    };
    const prefetch = this.#prefetch;
    this.#consumerTag = await channel.consume(queue.name, prefetch, onMessage);
    this.#consumingWith = prefetch;
  }

  #arrived(channel: DeliveryChannel, raw: ConsumeMessage, partitions: readonly number[]): void {
    if (this.#closing !== undefined) return; // closing the channel gives it back
    const routed = this.#options.partitionOf(raw.fields.routingKey);
    const partition = partitions.includes(routed) ? routed : (partitions[0] ?? 0);
    const message = fromAmqp(raw, { topic: this.#options.topic.name, partition });
    const delivery = new QueueDelivery(message, this.#attemptOf(message, raw), channel, raw);
    this.#weighed.messages += 1;
    this.#weighed.bytes += delivery.bytes;
    this.#gate.arrived(delivery);
    this.#adaptPrefetch();
  }

  #attemptOf(message: Message, raw: ConsumeMessage): number {
    if (this.#attempts !== undefined) return this.#attempts.attemptOf(message.id, raw.fields.redelivered);
    const failed: unknown = raw.properties.headers?.[DELIVERY_COUNT];
    const counted = typeof failed === 'number' ? failed : 0;
    return Math.max(0, counted - (this.#options.released?.countedFor(message.id) ?? 0)) + 1;
  }

  /** The broker ended the consumer: the queue was deleted, or its node went away. The channel stays open and silent. */
  async #cancelled(channel: DeliveryChannel, queue: QueueIntakeOptions['queues'][number]): Promise<void> {
    if (this.#closing !== undefined || channel.isOver) return;
    try {
      await withChannel(
        this.#options.connection,
        `check "${queue.name}"`,
        async (throwAway) => await throwAway.checkQueue(queue.name),
      );
    } catch (reason) {
      if (reason instanceof PortError && isGone(reason.cause)) {
        this.#end(this.#goneError());
        return;
      }
      // Away for another reason: attaching anew tries until it is back or known to be gone.
    }
    if (this.#channel === channel) await this.#restart(channel);
  }

  #channelEnded(channel: DeliveryChannel | undefined): void {
    if (this.#closing !== undefined) return;
    if (this.#channel === channel) this.#channel = undefined;
    if (channel !== undefined) this.#lose(channel);
    this.#reattacher.soon();
  }

  #lose(channel: DeliveryChannel): void {
    this.#gate.lose((delivery) => delivery.channel === channel);
  }

  #end(error: PortError): void {
    if (this.#closing !== undefined) return;
    void this.close();
    this.#options.sink.ended(error);
  }

  #goneError(): PortError {
    const { name } = this.#options.subscription;
    return new PortError('subscription_not_found', `the queue of subscription "${name}" does not exist any more`);
  }

  /** Consumes again with the wanted prefetch, until it is what is wanted. Held messages beyond it go back to the others. */
  async #resize(): Promise<void> {
    const [queue] = this.#options.queues;
    for (let channel = this.#channel; channel !== undefined && queue !== undefined; channel = this.#channel) {
      if (this.#consumingWith === this.#prefetch || this.#closing !== undefined) return;
      try {
        if (this.#consumerTag !== undefined) await channel.cancel(this.#consumerTag);
        if (this.#options.canReleaseUncounted) {
          for (const delivery of this.#gate.takeHeld(this.#prefetch)) channel.giveBack(delivery.raw, false);
        }
        if (this.#closing === undefined) await this.#consume(channel, queue);
      } catch {
        if (this.#channel === channel) await this.#restart(channel);
        return;
      }
    }
  }

  async #restart(channel: DeliveryChannel): Promise<void> {
    this.#channel = undefined;
    // First: what is given back while the channel closes must not be acknowledged any more.
    this.#lose(channel);
    await channel.close();
    this.#reattacher.soon();
  }
}
