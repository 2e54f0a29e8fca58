/**
 * A subscription's intake on the native log: one loop per partition reads ahead as far as the credit goes and waits for
 * appends; acks go to the partition's tracker, and trackers that changed are written together, one write under way at a
 * time. An ack resolves when the write that holds it is done, so it survives the death of the process.
 */

import { type Engine, EngineError } from '../../core-log/index.ts';
import type { DriverDelivery, Intake, IntakeCredit, IntakeSink, PositionState } from '../driver.ts';
import { PortError } from '../errors.ts';
import { messageBytes } from '../log-codec.ts';
import type { Message, SubscriptionDefinition, TopicDefinition } from '../port.ts';
import { AckTracker } from '../ack-tracker.ts';
import { Fifo } from '../ready-queue.ts';
import { loadTracker, saveTracker } from './cursors.ts';
import { toPortError } from './errors.ts';
import type { SharedReads } from './shared-reads.ts';

class NativeDelivery implements DriverDelivery {
  readonly message: Message;
  readonly attempt: number;
  readonly bytes: number;
  readonly tracker: AckTracker;
  isSettled = false;

  constructor(message: Message, attempt: number, tracker: AckTracker) {
    this.message = message;
    this.attempt = attempt;
    this.bytes = messageBytes(message);
    this.tracker = tracker;
  }
}

export class NativeIntake implements Intake {
  readonly retryMode = 'local';
  readonly #engine: Engine;
  readonly #reads: SharedReads;
  readonly #subscription: SubscriptionDefinition;
  readonly #topic: TopicDefinition;
  readonly #sink: IntakeSink;
  readonly #trackers: AckTracker[] = [];
  readonly #stop = new AbortController();
  readonly #changed = new Set<number>();
  #credit: IntakeCredit;
  #unsettledMessages = 0;
  #unsettledBytes = 0;
  #creditWaiters: (() => void)[] = [];
  #flush: Promise<void> | undefined;
  #ackFlush: Promise<void> | undefined;
  #loops: Promise<void>[] = [];
  #damage: PortError | undefined;
  #damagedPartitions = 0;

  constructor(
    engine: Engine,
    reads: SharedReads,
    subscription: SubscriptionDefinition,
    topic: TopicDefinition,
    sink: IntakeSink,
    credit: IntakeCredit,
  ) {
    this.#engine = engine;
    this.#reads = reads;
    this.#subscription = subscription;
    this.#topic = topic;
    this.#sink = sink;
    this.#credit = credit;
  }

  start(): void {
    this.#reads.join(this.#topic.name);
    for (let partition = 0; partition < this.#topic.partitions; partition += 1) {
      const { earliest } = this.#engine.status(this.#topic.name, partition);
      this.#trackers.push(loadTracker(this.#engine, this.#subscription.name, partition) ?? new AckTracker(earliest));
      this.#loops.push(this.#run(partition));
    }
  }

  grant(credit: IntakeCredit): void {
    this.#credit = credit;
    this.#wakeLoops();
  }

  ack(delivery: DriverDelivery): Promise<void> | void {
    this.#settle(delivery as NativeDelivery);
    const { offset, partition } = delivery.message;
    if (!(delivery as NativeDelivery).tracker.settle(offset as number)) return;
    this.#changed.add(partition);
    return this.#acksFlushed();
  }

  /** One promise for all acks up to the moment at which the next write takes what it writes. */
  #acksFlushed(): Promise<void> {
    this.#ackFlush ??= this.#flushed().then(() => this.#endIfAllIsDamaged());
    return this.#ackFlush;
  }

  /** The cursor was not moved, so it comes again with the next intake; `noteAttempt` counted it already. */
  giveBack(delivery: DriverDelivery): void {
    this.#settle(delivery as NativeDelivery);
  }

  noteAttempt(delivery: DriverDelivery, attempt: number): void {
    (delivery as NativeDelivery).tracker.setAttempts(delivery.message.offset as number, attempt);
    this.#changed.add(delivery.message.partition);
    void this.#flushed().catch(() => undefined); // the count is kept on a best effort; the next flush writes it again
  }

  async settlePosition(partition: number, offset: number, settles: boolean): Promise<PositionState> {
    const tracker = this.#trackers[partition];
    if (tracker === undefined) return 'settled';
    if (tracker.isSettled(offset)) {
      await this.written();
      return 'settled';
    }
    if (settles && tracker.settleAhead(offset)) {
      this.#changed.add(partition);
      await this.#flushed();
    }
    return 'free';
  }

  async written(): Promise<void> {
    if (this.#changed.size === 0 && this.#flush === undefined) return;
    await this.#flushed();
    this.#endIfAllIsDamaged();
  }

  async close(): Promise<void> {
    if (!this.#stop.signal.aborted) this.#reads.leave(this.#topic.name);
    this.#stop.abort();
    this.#wakeLoops();
    await Promise.all(this.#loops);
    await this.#flush?.catch(() => undefined); // its own waiters are told
    if (this.#changed.size > 0) await this.#flushed();
  }

  async #run(partition: number): Promise<void> {
    const tracker = this.#trackers[partition] as AckTracker;
    let next = tracker.next;
    /** Read, and waiting for credit: at most one read. All of it was checked, so none of it is thrown away. */
    const ahead = new Fifo<Message>();
    const { name } = this.#topic;
    const { signal } = this.#stop;
    try {
      while (!signal.aborted) {
        if (this.#room() <= 0) {
          await new Promise<void>((resolve) => this.#creditWaiters.push(resolve));
          continue;
        }
        if (ahead.length === 0) {
          const read = await this.#reads.read(name, partition, next);
          if (signal.aborted) return;
          for (const message of read.messages) ahead.push(message);
          next = read.next;
          if (ahead.length === 0) await this.#engine.waitForAppend(name, partition, next, signal);
        }
        while (ahead.length > 0 && this.#room() > 0) this.#take(tracker, ahead.shift() as Message);
      }
    } catch (reason) {
      if (signal.aborted) return;
      if (this.#isDamage(reason, partition)) {
        this.#damage = toPortError(reason);
        this.#damagedPartitions += 1;
        this.#endIfAllIsDamaged();
      } else this.#sink.ended(toEnd(reason, this.#subscription.name));
    }
  }

  /** Of this partition alone: damaged, or its disk does not let it be read. The others go on. */
  #isDamage(reason: unknown, partition: number): boolean {
    if (!(reason instanceof EngineError)) return false;
    if (reason.code === 'log_corrupt') return true;
    return reason.code === 'read_failed' && this.#engine.status(this.#topic.name, partition).state === 'fenced';
  }

  /**
   * What lies before the damage is whole, and so are the other partitions. Ended while something of it is out, its acks would be
   * refused and it would come again with each new intake, for ever.
   */
  #endIfAllIsDamaged(): void {
    const isAllDamaged = this.#damagedPartitions === this.#topic.partitions;
    if (this.#damage !== undefined && isAllDamaged && this.#unsettledMessages === 0) this.#sink.ended(this.#damage);
  }

  #take(tracker: AckTracker, message: Message): void {
    const offset = message.offset as number;
    if (!tracker.take(offset)) return;
    const delivery = new NativeDelivery(message, tracker.attemptsOf(offset) + 1, tracker);
    this.#unsettledMessages += 1;
    this.#unsettledBytes += delivery.bytes;
    this.#sink.deliver(delivery);
  }

  #settle(delivery: NativeDelivery): void {
    if (delivery.isSettled) return;
    delivery.isSettled = true;
    this.#unsettledMessages -= 1;
    this.#unsettledBytes -= delivery.bytes;
    if (this.#creditWaiters.length > 0 && this.#room() > 0) this.#wakeLoops();
  }

  /** Messages that may still be taken; a first one is always allowed. */
  #room(): number {
    if (this.#unsettledMessages > 0 && this.#unsettledBytes >= this.#credit.bytes) return 0;
    return this.#credit.messages - this.#unsettledMessages;
  }

  #wakeLoops(): void {
    const waiters = this.#creditWaiters;
    this.#creditWaiters = [];
    for (const wake of waiters) wake();
  }

  /** Joins the next write of changed trackers: the one under way may have read its tracker before this change. */
  async #flushed(): Promise<void> {
    const underWay = this.#flush;
    if (underWay !== undefined) {
      await underWay.catch(() => undefined);
      if (this.#changed.size === 0) return;
    }
    this.#flush ??= this.#flushNow().finally(() => {
      this.#flush = undefined;
    });
    await this.#flush;
  }

  async #flushNow(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve)); // the acks of this tick share the write
    this.#ackFlush = undefined; // what is acked from here on is not in this write
    const partitions = [...this.#changed];
    this.#changed.clear();
    // To the end of all of them: who looks whether something is still to be written must not find this done while a part is under way.
    const written = await Promise.allSettled(
      partitions.map(async (partition) => {
        try {
          await saveTracker(this.#engine, this.#subscription.name, partition, this.#trackers[partition] as AckTracker);
        } catch (reason) {
          this.#changed.add(partition); // the next write, at the latest that of the close, tries it again
          throw toPortError(reason);
        }
      }),
    );
    for (const one of written) if (one.status === 'rejected') throw one.reason;
  }
}

function toEnd(reason: unknown, subscription: string): PortError {
  if (reason instanceof EngineError && reason.code === 'topic_not_found') {
    return new PortError('subscription_not_found', `the topic of subscription "${subscription}" was deleted`, {
      cause: reason,
    });
  }
  return toPortError(reason);
}
