/**
 * One process's share of one partition of a subscription on streams: the lease, the cursor, and reading while it is held.
 *
 * RabbitMQ keeps no cursors for AMQP 0-9-1, and has no single active consumer on streams. Both come from the cursor queue,
 * which has a single active consumer: whoever is given its messages is the one reader, and they say where to go on. All that
 * were in the queue before have arrived when the reader's own claim arrives.
 *
 *   standby --own claim arrives--> leading --channel ended--> standby (attached anew)
 *
 * Leading: the newest cursor stays unacknowledged in hand. A newer one is published, arrives here again, and then the older is
 * acknowledged: at no time is there no cursor on the broker. When this process dies, what is in its hand goes to the next.
 * Its deliveries and its lease are on one channel, so it never reads on after it lost the lease.
 */

import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { ConsumeMessage } from 'amqplib';
import { AckTracker } from '../ack-tracker.ts';
import type { DriverDelivery } from '../driver.ts';
import { PortError } from '../errors.ts';
import { messageBytes } from '../log-codec.ts';
import type { Message, SubscriptionDefinition, TopicDefinition } from '../port.ts';
import { bounds } from './bounds.ts';
import { type SupervisedConnection, withChannel } from './connection.ts';
import type { CreditGate } from './credit-gate.ts';
import {
  applyCursorMessage,
  type CursorState,
  cursorMessageOf,
  decodeCursorMessage,
  startOfStream,
} from './cursor-state.ts';
import type { CursorStore } from './cursor-store.ts';
import { DeliveryChannel } from './delivery-channel.ts';
import { fromAmqp as errorFromAmqp, isGone, within } from './errors.ts';
import { fromAmqp } from './message-codec.ts';
import { Reattacher } from './reattacher.ts';
import { offsetOf } from './stream-reader.ts';

export class StreamDelivery implements DriverDelivery {
  readonly message: Message;
  readonly attempt: number;
  readonly bytes: number;
  readonly partition: StreamPartition;
  readonly offset: number;
  readonly raw: ConsumeMessage;

  constructor(partition: StreamPartition, message: Message, offset: number, attempt: number, raw: ConsumeMessage) {
    this.partition = partition;
    this.message = message;
    this.attempt = attempt;
    this.bytes = messageBytes(message);
    this.offset = offset;
    this.raw = raw;
  }
}

export interface StreamPartitionOptions {
  readonly connection: SupervisedConnection;
  readonly cursors: CursorStore;
  readonly cursorQueue: string;
  readonly stream: string;
  readonly endOf: (stream: string) => Promise<number>;
  readonly subscription: SubscriptionDefinition;
  readonly topic: TopicDefinition;
  readonly partition: number;
  readonly prefetch: number;
  readonly gate: CreditGate<StreamDelivery>;
  readonly gone: (error: PortError) => void;
}

type StreamOffset = number | 'first' | { readonly '!': 'timestamp'; readonly value: number };

/** Cursor messages in hand: more than a cursor queue can hold, so that the claim always arrives. */
const LEASE_PREFETCH = bounds.cursorQueueLength * 2;

export class StreamPartition {
  readonly #options: StreamPartitionOptions;
  readonly #reattacher: Reattacher;
  #channel: DeliveryChannel | undefined;
  /** Unacknowledged messages of the cursor queue, the newest last. */
  #inHand: ConsumeMessage[] = [];
  /** What the messages that arrived add up to. */
  #state: CursorState = startOfStream;
  /** Of the cursors that this process writes while it leads. */
  #epoch = 0;
  #seq = 0;
  /** Progress since the last stored cursor, when the channel ended: still true if nobody else had the lease meanwhile. */
  #remembered: CursorState | undefined;
  #tracker: AckTracker | undefined;
  #streamConsumer: string | undefined;
  #claims = new Set<string>();
  #hasClaimedAgain = false;
  #unstored = 0;
  #commitTimer: NodeJS.Timeout | undefined;
  #renewTimer: NodeJS.Timeout | undefined;
  #committing: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: StreamPartitionOptions) {
    this.#options = options;
    this.#reattacher = new Reattacher({
      connection: options.connection,
      attach: async () => await this.#attach(),
      gone: options.gone,
    });
  }

  /** Resolves when it takes part: leading, or waiting for the lease. @throws PortError */
  async open(): Promise<void> {
    await this.#reattacher.start();
  }

  /** What is read and settled, when this process leads; undefined when it does not. */
  get progress(): { readonly watermark: number; readonly settledAbove: number } | undefined {
    if (this.#tracker === undefined) return undefined;
    return { watermark: this.#tracker.watermark, settledAbove: this.#tracker.settledAboveWatermark };
  }

  /** Frees the broker to send one more: on a stream an ack is nothing but that. */
  handedOut(delivery: StreamDelivery): void {
    this.#channel?.ack(delivery.raw);
  }

  settled(delivery: StreamDelivery): void {
    this.#tracker?.settle(delivery.offset);
    this.#changed();
  }

  attempted(delivery: StreamDelivery, attempts: number): void {
    if (this.#tracker === undefined || this.#tracker.attemptsOf(delivery.offset) >= attempts) return;
    this.#tracker.setAttempts(delivery.offset, attempts);
    this.#changed();
  }

  /** Stores the cursor and gives up the lease. */
  async close(): Promise<void> {
    this.#closing ??= this.#closeNow();
    await this.#closing;
  }

  async #closeNow(): Promise<void> {
    this.#reattacher.stop();
    clearTimeout(this.#commitTimer);
    clearInterval(this.#renewTimer);
    if (this.#tracker !== undefined && this.#unstored > 0) {
      await within(this.#commit(), bounds.closeTimeoutMs, 'store the cursor').catch(() => undefined); // what it covers comes again
    }
    const channel = this.#channel;
    this.#channel = undefined;
    this.#tracker = undefined;
    await channel?.close();
  }

  // ------------------------------------------------------------------------------------------ lease

  async #attach(): Promise<PortError | undefined> {
    const { connection, cursorQueue, subscription } = this.#options;
    const { model } = connection;
    if (this.#channel !== undefined || model === undefined || this.#closing !== undefined) return undefined;
    let channel: DeliveryChannel | undefined;
    try {
      channel = await DeliveryChannel.open(model, () => this.#ended(channel));
      this.#channel = channel;
      this.#state = startOfStream;
      this.#inHand = [];
      this.#hasClaimedAgain = false;
      await channel.consume(cursorQueue, LEASE_PREFETCH, (message) =>
        this.#cursorMessage(channel as DeliveryChannel, message),
      );
      await this.#claim();
      return undefined;
    } catch (reason) {
      this.#ended(channel);
      channel?.abandon();
      return isGone(reason) ? this.#goneError() : errorFromAmqp(reason, `consume subscription "${subscription.name}"`);
    }
  }

  async #claim(): Promise<void> {
    const nonce = randomUUID();
    this.#claims.add(nonce);
    const { cursors, subscription, partition } = this.#options;
    await cursors.write(subscription.name, partition, { kind: 'claim', nonce });
  }

  #cursorMessage(channel: DeliveryChannel, raw: ConsumeMessage | null): void {
    if (channel !== this.#channel) return;
    if (raw === null) {
      void this.#checkAfterCancel(channel, this.#options.cursorQueue);
      return;
    }
    const message = decodeCursorMessage(raw.content);
    if (message === undefined || message.kind === 'claim') {
      channel.ack(raw);
      if (message !== undefined && this.#claims.delete(message.nonce) && this.#tracker === undefined)
        void this.#lead(channel);
      return;
    }
    const before = this.#state;
    this.#state = applyCursorMessage(before, message);
    const isOld = this.#state === before || (message.kind === 'cursor' && message.epoch < this.#epoch);
    if (isOld) {
      channel.ack(raw); // a newer one is in hand, or a reader wrote it that had lost its lease
      return;
    }
    const older = this.#inHand;
    this.#inHand = [...older, raw];
    if (this.#tracker === undefined) {
      this.#claimAgain(channel);
    } else if (message.kind === 'seek') {
      void this.#moved(channel);
    } else {
      for (const each of older) channel.ack(each);
      this.#inHand = [raw];
    }
  }

  /** The first claim may have gone to the reader that led before us: then its arrival will not tell us that all is here. */
  #claimAgain(channel: DeliveryChannel): void {
    if (this.#hasClaimedAgain) return;
    this.#hasClaimedAgain = true;
    this.#claim().catch(() => this.#restart(channel));
  }

  async #lead(channel: DeliveryChannel): Promise<void> {
    const remembered = this.#remembered;
    this.#remembered = undefined;
    const { epoch, seq } = this.#state;
    const from =
      remembered !== undefined && remembered.epoch === epoch && remembered.seq >= seq ? remembered : this.#state;
    this.#epoch = epoch + 1;
    this.#seq = 0;
    this.#tracker = trackerFrom(from);
    this.#renewTimer = setInterval(() => void this.#commit(), bounds.cursorRenewMs).unref();
    await this.#readFrom(channel);
  }

  /** Somebody sought: what is out is void, and reading goes on elsewhere. */
  async #moved(channel: DeliveryChannel): Promise<void> {
    this.#loseDeliveries();
    this.#epoch = Math.max(this.#epoch, this.#state.epoch) + 1;
    this.#seq = 0;
    this.#tracker = new AckTracker(this.#state.watermark);
    const consumer = this.#streamConsumer;
    this.#streamConsumer = undefined;
    try {
      if (consumer !== undefined) await channel.cancel(consumer);
      await this.#readFrom(channel);
    } catch {
      this.#restart(channel);
    }
  }

  async #readFrom(channel: DeliveryChannel): Promise<void> {
    const tracker = this.#tracker;
    if (tracker === undefined) return;
    try {
      const from = await this.#placeToReadFrom(tracker);
      if (tracker !== this.#tracker || this.#closing !== undefined) return;
      this.#unstored = 1; // the new epoch is stored before anything is handed out, so that readers of older ones are fenced off
      await this.#commit();
      if (tracker !== this.#tracker || this.#closing !== undefined) return;
      this.#streamConsumer = await channel.consume(
        this.#options.stream,
        this.#options.prefetch,
        (raw) => this.#streamMessage(channel, tracker, raw),
        { 'x-stream-offset': from },
      );
    } catch (reason) {
      if (isGone(reason)) this.#options.gone(this.#goneError());
      else this.#restart(channel);
    }
  }

  /**
   * A stream does not sync, its cursor queue does. So a power cut may leave a cursor ahead of the stream, and so does one that is deleted and
   * made again. RabbitMQ would take such an offset for the end, and what was given those offsets since would be passed over in silence. It
   * was published after the cursor was written: reading goes on a little before that time, and some of it comes again. Only a stream that has
   * not grown past its cursor again shows it.
   */
  async #placeToReadFrom(tracker: AckTracker): Promise<StreamOffset> {
    if (tracker.knownTo === 0 || (await this.#hasAllUpTo(tracker.knownTo))) return tracker.next;
    tracker.endAt(0);
    const writtenAtSeconds: unknown = this.#inHand.at(-1)?.properties.timestamp;
    if (typeof writtenAtSeconds !== 'number') return 'first';
    return { '!': 'timestamp', value: Math.max(0, writtenAtSeconds - Math.ceil(bounds.clockSkewMs / 1_000)) };
  }

  /** A replica may be behind for a moment. What cannot be known now is taken for there. */
  async #hasAllUpTo(offset: number): Promise<boolean> {
    const { endOf, stream } = this.#options;
    const untilMs = performance.now() + bounds.streamAnswerMs;
    try {
      while ((await endOf(stream)) < offset) {
        if (performance.now() > untilMs) return false;
        await delay(bounds.streamSilenceMs);
      }
    } catch {
      return true;
    }
    return true;
  }

  // ------------------------------------------------------------------------------------------ reading

  #streamMessage(channel: DeliveryChannel, tracker: AckTracker, raw: ConsumeMessage | null): void {
    if (channel !== this.#channel || this.#closing !== undefined) return;
    if (raw === null) {
      void this.#checkAfterCancel(channel, this.#options.stream);
      return;
    }
    if (tracker !== this.#tracker) return; // of before a seek
    const offset = offsetOf(raw);
    // Reading starts with the chunk that holds the offset; and what was settled above the watermark is not delivered again.
    if (offset < tracker.next || !tracker.take(offset)) {
      channel.ack(raw);
      return;
    }
    const { topic, partition, gate } = this.#options;
    const message = fromAmqp(raw, { topic: topic.name, partition });
    gate.arrived(new StreamDelivery(this, message, offset, tracker.attemptsOf(offset) + 1, raw));
  }

  // ------------------------------------------------------------------------------------------ cursor

  #changed(): void {
    this.#unstored += 1;
    if (this.#closing !== undefined) return;
    if (this.#unstored >= bounds.cursorCommitMessages && this.#committing === undefined) this.#commitSoon(0);
    else this.#commitTimer ??= this.#timerFor(bounds.cursorCommitMs);
  }

  #commitSoon(delayMs: number): void {
    clearTimeout(this.#commitTimer);
    this.#commitTimer = this.#timerFor(delayMs);
  }

  #timerFor(delayMs: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.#commitTimer = undefined;
      void this.#commit();
    }, delayMs);
  }

  /** Never rejects: what could not be stored is stored with the next one. One at a time. */
  async #commit(): Promise<void> {
    if (this.#committing !== undefined) {
      await this.#committing;
      if (this.#unstored === 0) return;
    }
    this.#committing = this.#commitNow();
    await this.#committing;
  }

  async #commitNow(): Promise<void> {
    const tracker = this.#tracker;
    const { cursors, subscription, partition } = this.#options;
    try {
      if (tracker === undefined) return;
      const covered = this.#unstored;
      this.#seq += 1;
      await cursors.write(subscription.name, partition, cursorMessageOf(this.#cursorOf(tracker)));
      if (tracker === this.#tracker) this.#unstored -= covered;
    } catch {
      // Blocked or away: the deliveries that this cursor would cover come again if we die before it can be stored.
    } finally {
      this.#committing = undefined;
    }
    if (this.#closing !== undefined || this.#tracker === undefined || this.#unstored === 0) return;
    this.#commitTimer ??= this.#timerFor(bounds.cursorCommitMs);
  }

  #cursorOf(tracker: AckTracker): CursorState {
    const state = tracker.encode(bounds.cursorBytesMax);
    return { epoch: this.#epoch, seq: this.#seq, watermark: tracker.watermark, state };
  }

  // ------------------------------------------------------------------------------------------ ends

  /** The broker ended a consumer: gone for good, or only away. */
  async #checkAfterCancel(channel: DeliveryChannel, queue: string): Promise<void> {
    if (this.#closing !== undefined || channel.isOver) return;
    try {
      await withChannel(
        this.#options.connection,
        `check "${queue}"`,
        async (throwAway) => await throwAway.checkQueue(queue),
      );
    } catch (reason) {
      if (reason instanceof PortError && isGone(reason.cause)) {
        this.#options.gone(this.#goneError());
        return;
      }
      // Away for another reason: attaching anew tries until it is back or known to be gone.
    }
    this.#restart(channel);
  }

  #restart(channel: DeliveryChannel): void {
    if (this.#closing !== undefined || this.#channel !== channel) return;
    this.#ended(channel);
    void channel.close();
  }

  #ended(channel: DeliveryChannel | undefined): void {
    if (this.#closing !== undefined || channel === undefined || this.#channel !== channel) return;
    this.#channel = undefined;
    if (this.#tracker !== undefined) this.#remembered = this.#cursorOf(this.#tracker);
    this.#tracker = undefined;
    this.#epoch = 0;
    clearInterval(this.#renewTimer);
    this.#streamConsumer = undefined;
    clearTimeout(this.#commitTimer);
    this.#commitTimer = undefined;
    this.#unstored = 0;
    this.#claims.clear();
    this.#loseDeliveries();
    this.#reattacher.soon();
  }

  #loseDeliveries(): void {
    this.#options.gate.lose((delivery) => delivery.partition === this);
  }

  #goneError(): PortError {
    const { name } = this.#options.subscription;
    return new PortError(
      'subscription_not_found',
      `the cursor or the stream of subscription "${name}" does not exist any more`,
    );
  }
}

/** A state that cannot be read leaves the watermark: what was settled above it comes again. */
function trackerFrom({ watermark, state }: CursorState): AckTracker {
  try {
    return AckTracker.decode(watermark, state);
  } catch {
    return new AckTracker(watermark);
  }
}
