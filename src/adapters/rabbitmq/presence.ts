/**
 * Counts the processes that have an ordered subscription open: each is a consumer of a queue that never has a message. Its members
 * cannot be counted on the subscription's own queues: one with a single active consumer does not tell of those that wait.
 *
 * The queue lies on one node. While that is away nobody can be counted: the subscription goes on without, and closing it then assumes
 * that others wait. So being counted has a channel of its own, and is tried again beside the work.
 */

import type { PortError } from '../errors.ts';
import { bounds } from './bounds.ts';
import { type SupervisedConnection, withChannel } from './connection.ts';
import { DeliveryChannel } from './delivery-channel.ts';
import { fromAmqp, within } from './errors.ts';
import { Reattacher } from './reattacher.ts';

export class Presence {
  readonly #connection: SupervisedConnection;
  readonly #queue: string;
  readonly #reattacher: Reattacher;
  #channel: DeliveryChannel | undefined;
  #isOver = false;

  constructor(connection: SupervisedConnection, queue: string) {
    this.#connection = connection;
    this.#queue = queue;
    this.#reattacher = new Reattacher({
      connection,
      attach: async () => await this.#attach(),
      gone: () => undefined, // never: attaching makes the queue
    });
  }

  /** Resolves when this process is counted, or could not be just now and will be later. Never rejects, soon over. */
  async join(): Promise<void> {
    const joined = this.#reattacher.startOrLater();
    await within(joined, bounds.presenceWaitMs, 'be counted').catch(() => undefined); // it goes on beside the work
  }

  /** Whether another process is counted. True where it cannot be known: order first. */
  async othersWait(): Promise<boolean> {
    if (this.#channel === undefined) return true;
    try {
      return await withChannel(
        this.#connection,
        `count the consumers of "${this.#queue}"`,
        async (channel) => (await channel.checkQueue(this.#queue)).consumerCount > 1,
      );
    } catch {
      return true; // order first
    }
  }

  leave(): void {
    this.#isOver = true;
    this.#reattacher.stop();
    void this.#channel?.close();
    this.#channel = undefined;
  }

  async #attach(): Promise<PortError | undefined> {
    const { model } = this.#connection;
    if (this.#channel !== undefined || model === undefined || this.#isOver) return undefined;
    let channel: DeliveryChannel | undefined;
    try {
      channel = await DeliveryChannel.open(model, () => this.#lost(channel));
      const own = channel;
      await channel.beCountedOn(this.#queue, () => this.#lost(own));
      if (this.#isOver) await channel.close();
      else this.#channel = channel;
      return undefined;
    } catch (reason) {
      void channel?.close();
      return fromAmqp(reason, `be counted on "${this.#queue}"`);
    }
  }

  /** The channel ended, or its node took the queue away. */
  #lost(channel: DeliveryChannel | undefined): void {
    if (this.#isOver || channel === undefined || this.#channel !== channel) return;
    this.#channel = undefined;
    void channel.close();
    this.#reattacher.soon();
  }
}
