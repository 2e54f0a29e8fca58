/**
 * Definitions shared by every process on the broker: entries in the stream PREFIX.meta, the last one of a key counts. All of
 * it is read at the start and followed from then on.
 *
 * Bound: the stream is never cut (no x-max-length-bytes), so it grows by about 500 bytes for each create or delete. A
 * broker where a million topics come and go would hold half a gigabyte of it; rewriting it is not done yet.
 */

import type { ConsumeMessage } from 'amqplib';
import type { MetaStore } from '../driver.ts';
import { PortError } from '../errors.ts';
import { bounds } from './bounds.ts';
import { type SupervisedConnection, withChannel } from './connection.ts';
import { DeliveryChannel } from './delivery-channel.ts';
import { fromAmqp as errorFromAmqp } from './errors.ts';
import { fromAmqp, toAmqp } from './message-codec.ts';
import type { Publisher } from './publisher.ts';
import { Reattacher } from './reattacher.ts';
import { offsetOf, type StreamReader } from './stream-reader.ts';
import type { Topology } from './topology.ts';

type Apply = (key: string, value: string | null) => void;

interface MetaStreamOptions {
  readonly connection: SupervisedConnection;
  readonly publisher: Publisher;
  readonly reader: StreamReader;
  readonly topology: Topology;
  readonly replicas: number;
  readonly apply: Apply;
}

interface Waiter {
  readonly offset: number;
  readonly resolve: () => void;
}

export class MetaStream implements MetaStore {
  readonly #options: MetaStreamOptions;
  readonly #stream: string;
  readonly #reattacher: Reattacher;
  #channel: DeliveryChannel | undefined;
  /** The offset to apply next: what comes twice after a reconnect is applied once. */
  #next = 0;
  #waiters: Waiter[] = [];
  #isClosed = false;
  #putNumber = 0;

  constructor(options: MetaStreamOptions) {
    this.#options = options;
    this.#stream = options.topology.metaStream;
    this.#reattacher = new Reattacher({
      connection: options.connection,
      attach: async () => await this.#attach(),
      gone: () => undefined, // never `subscription_not_found`: attaching makes the stream again
    });
  }

  /** Resolves when all that was there is applied. */
  async open(): Promise<void> {
    await this.#reattacher.start();
    await this.refresh();
  }

  async refresh(): Promise<void> {
    const next = await this.#options.reader.nextOffset(this.#stream);
    await this.#applied(next - 1);
  }

  async put(key: string, value: string | null): Promise<void> {
    this.#putNumber += 1;
    const { content, options } = toAmqp(
      {
        key: Buffer.from(key),
        value: value === null ? null : Buffer.from(value),
        headers: [],
        contentType: 'application/json',
        id: `${process.pid}-${this.#putNumber}`,
        timestampMs: Date.now(),
        partition: 0,
      },
      true,
    );
    await this.#options.publisher.store({ exchange: '', routingKey: this.#stream, content, options });
    this.#options.reader.noteStored(this.#stream);
    await this.refresh();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#reattacher.stop();
    this.#channel?.abandon();
  }

  async #attach(): Promise<PortError | undefined> {
    const { connection, topology, replicas } = this.#options;
    const { model } = connection;
    if (this.#channel !== undefined || model === undefined || this.#isClosed) return undefined;
    let channel: DeliveryChannel | undefined;
    try {
      await withChannel(connection, `declare "${this.#stream}"`, async (throwAway) => {
        await throwAway.assertQueue(this.#stream, { durable: true, arguments: topology.metaArguments(replicas) });
      }).catch((reason: PortError) => {
        // Made by a process that knows of another number of nodes: it is there, and that is all that is needed.
        if (reason.code !== 'already_exists') throw reason;
      });
      channel = await DeliveryChannel.open(model, () => this.#ended(channel));
      this.#channel = channel;
      const consuming = channel;
      await channel.consume(this.#stream, META_PREFETCH, (raw) => this.#arrived(consuming, raw), {
        'x-stream-offset': this.#next,
      });
      return undefined;
    } catch (reason) {
      channel?.abandon();
      if (this.#channel === channel) this.#channel = undefined;
      return errorFromAmqp(reason, `follow "${this.#stream}"`);
    }
  }

  #arrived(channel: DeliveryChannel, raw: ConsumeMessage | null): void {
    if (channel !== this.#channel) return;
    if (raw === null) {
      channel.abandon();
      this.#ended(channel);
      return;
    }
    channel.ack(raw);
    const offset = offsetOf(raw);
    if (offset < this.#next) return;
    this.#next = offset + 1;
    const { key, value } = fromAmqp(raw, { topic: this.#stream, partition: 0 });
    if (key !== null) this.#options.apply(key.toString(), value === null ? null : value.toString());
    const due = this.#waiters.filter((waiter) => waiter.offset < this.#next);
    if (due.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => waiter.offset >= this.#next);
    for (const waiter of due) waiter.resolve();
  }

  #ended(channel: DeliveryChannel | undefined): void {
    if (this.#isClosed || channel === undefined || this.#channel !== channel) return;
    this.#channel = undefined;
    this.#reattacher.soon();
  }

  async #applied(offset: number): Promise<void> {
    if (offset < this.#next) return;
    await new Promise<void>((resolve, reject) => {
      const waiter: Waiter = {
        offset,
        resolve: () => {
          clearTimeout(timer);
          resolve();
        },
      };
      const timer = setTimeout(() => {
        this.#waiters = this.#waiters.filter((each) => each !== waiter);
        reject(new PortError('backend_unavailable', `"${this.#stream}" did not arrive up to offset ${offset} in time`));
      }, bounds.callTimeoutMs);
      this.#waiters.push(waiter);
    });
  }
}

const META_PREFETCH = 500;
