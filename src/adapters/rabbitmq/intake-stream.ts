/** A subscription on streams: a reader for each partition, one gate for the credit over all of them. */

import type { Intake, IntakeCredit, IntakeSink } from '../driver.ts';
import type { PortError } from '../errors.ts';
import type { SubscriptionDefinition, TopicDefinition } from '../port.ts';
import { streamPrefetch } from './prefetch.ts';
import type { SupervisedConnection } from './connection.ts';
import { CreditGate } from './credit-gate.ts';
import type { CursorStore } from './cursor-store.ts';
import { type StreamDelivery, StreamPartition } from './stream-partition.ts';
import type { Topology } from './topology.ts';

export interface StreamIntakeOptions {
  readonly connection: SupervisedConnection;
  readonly cursors: CursorStore;
  readonly topology: Topology;
  /** The offset that the next message of a stream gets, of which there were messages. */
  readonly endOf: (stream: string) => Promise<number>;
  readonly subscription: SubscriptionDefinition;
  readonly topic: TopicDefinition;
  readonly sink: IntakeSink;
  readonly credit: IntakeCredit;
}

export class StreamIntake implements Intake {
  readonly retryMode = 'local';
  readonly #gate: CreditGate<StreamDelivery>;
  readonly #partitions: readonly StreamPartition[];
  readonly #sink: IntakeSink;
  #closing: Promise<void> | undefined;

  constructor(options: StreamIntakeOptions) {
    const { connection, cursors, topology, endOf, subscription, topic, sink, credit } = options;
    this.#sink = sink;
    this.#gate = new CreditGate(sink, credit, (delivery) => delivery.partition.handedOut(delivery));
    this.#partitions = Array.from(
      { length: topic.partitions },
      (_, partition) =>
        new StreamPartition({
          connection,
          cursors,
          cursorQueue: topology.cursorQueue(subscription.name, partition),
          stream: topology.stream(topic.name, partition),
          endOf,
          subscription,
          topic,
          partition,
          prefetch: streamPrefetch(subscription.maxInFlight, topic.partitions),
          gate: this.#gate,
          gone: (error) => this.#end(error),
        }),
    );
  }

  /** @throws PortError `subscription_not_found` when its cursors do not exist, `backend_unavailable` when nothing answers. */
  async open(): Promise<void> {
    try {
      await Promise.all(this.#partitions.map(async (partition) => await partition.open()));
    } catch (reason) {
      await this.close();
      throw reason;
    }
  }

  get isClosed(): boolean {
    return this.#closing !== undefined;
  }

  /** Undefined when another process reads that partition. */
  progressOf(partition: number): StreamPartition['progress'] {
    return this.#partitions[partition]?.progress;
  }

  /** Of a delivery in hand; undefined when that one is not. */
  timestampMsAt(partition: number, offset: number): number | undefined {
    return this.#gate.all().find(({ message, offset: at }) => at === offset && message.partition === partition)?.message
      .timestampMs;
  }

  grant(credit: IntakeCredit): void {
    this.#gate.grant(credit);
  }

  /** Stored with the next cursor, at most `bounds.cursorCommitMs` later. */
  ack(delivery: StreamDelivery): void {
    if (this.#gate.settle(delivery)) delivery.partition.settled(delivery);
  }

  /** It stays unsettled, and comes again to whoever reads next. */
  giveBack(delivery: StreamDelivery, counted: boolean): void {
    if (this.#gate.settle(delivery) && counted) delivery.partition.attempted(delivery, delivery.attempt);
  }

  noteAttempt(delivery: StreamDelivery, attempt: number): void {
    delivery.partition.attempted(delivery, attempt);
  }

  async close(): Promise<void> {
    this.#closing ??= Promise.all(this.#partitions.map(async (partition) => await partition.close())).then(
      () => undefined,
    );
    await this.#closing;
  }

  #end(error: PortError): void {
    if (this.#closing !== undefined) return;
    void this.close();
    this.#sink.ended(error);
  }
}
