/**
 * Writing and peeking at cursors. Two durable quorum queues for each subscription and partition:
 *
 *   PREFIX.c.SUB.P   the lease: a single active consumer holds its messages (see stream-partition.ts); the newest cursor
 *                    is never acknowledged before a newer one is in the queue
 *   PREFIX.k.SUB.P   x-max-length 1: the newest cursor or seek, to be read by anyone, for lag
 *
 * Why queues: cursors are small, overwritten often and must be as durable as the stream; a stream of cursors would only grow.
 */

import { PortError } from '../errors.ts';
import type { TopicDefinition } from '../port.ts';
import { type SupervisedConnection, withChannel } from './connection.ts';
import {
  applyCursorMessage,
  type CursorMessage,
  type CursorState,
  decodeCursorMessage,
  encodeCursorMessage,
  startOfStream,
} from './cursor-state.ts';
import type { Publisher } from './publisher.ts';
import type { Topology } from './topology.ts';

export class CursorStore {
  readonly #connection: SupervisedConnection;
  readonly #publisher: Publisher;
  readonly #topology: Topology;

  constructor(connection: SupervisedConnection, publisher: Publisher, topology: Topology) {
    this.#connection = connection;
    this.#publisher = publisher;
    this.#topology = topology;
  }

  /** Makes both queues. Resolves with whether a cursor was there already. Idempotent. */
  async create(subscription: string, partition: number, topic: TopicDefinition): Promise<boolean> {
    const lease = this.#topology.cursorQueue(subscription, partition);
    const copy = this.#topology.cursorCopy(subscription, partition);
    return await withChannel(this.#connection, `create the cursor of "${subscription}"`, async (channel) => {
      const { messageCount, consumerCount } = await channel.assertQueue(lease, {
        durable: true,
        arguments: this.#topology.cursorQueueArguments(topic),
      });
      await channel.assertQueue(copy, { durable: true, arguments: this.#topology.cursorCopyArguments(topic) });
      // With a consumer, the cursor is in its hands and not counted.
      return messageCount > 0 || consumerCount > 0;
    });
  }

  async delete(subscription: string, partition: number): Promise<void> {
    await withChannel(this.#connection, `delete the cursor of "${subscription}"`, async (channel) => {
      await channel.deleteQueue(this.#topology.cursorQueue(subscription, partition));
      await channel.deleteQueue(this.#topology.cursorCopy(subscription, partition));
    });
  }

  /** The lease queue first: after a crash in between, the copy is old, which only misstates a lag. */
  async write(subscription: string, partition: number, message: CursorMessage): Promise<void> {
    const content = encodeCursorMessage(message);
    const timestamp = Math.floor(Date.now() / 1_000);
    const options = { persistent: true, mandatory: true, contentType: 'application/json', timestamp };
    await this.#publisher.store({
      exchange: '',
      routingKey: this.#topology.cursorQueue(subscription, partition),
      content,
      options,
    });
    if (message.kind === 'claim') return;
    await this.#publisher.store({
      exchange: '',
      routingKey: this.#topology.cursorCopy(subscription, partition),
      content,
      options,
    });
  }

  /** The newest cursor as far as it was written. @throws PortError `backend_unavailable` when another reader looks just now, each time. */
  async peek(subscription: string, partition: number): Promise<CursorState> {
    const copy = this.#topology.cursorCopy(subscription, partition);
    return await withChannel(this.#connection, `read the cursor of "${subscription}"`, async (channel) => {
      for (let attempt = 0; attempt < PEEK_ATTEMPTS; attempt += 1) {
        const message = await channel.get(copy, { noAck: false });
        if (message === false) continue; // another one has it in hand for a moment
        const decoded = decodeCursorMessage(message.content);
        channel.nack(message, false, true);
        await channel.checkQueue(copy); // the message is back before the channel closes
        return decoded === undefined ? startOfStream : applyCursorMessage(startOfStream, decoded);
      }
      throw new PortError('backend_unavailable', `the cursor of "${subscription}" could not be read now`, {
        retryAfterMs: 100,
      });
    });
  }
}

const PEEK_ATTEMPTS = 20;
