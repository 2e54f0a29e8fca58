/** What a channel says to the broker about deliveries that nobody settled. */

import { EventEmitter } from 'node:events';
import type { ChannelModel, ConsumeMessage } from 'amqplib';
import { describe, expect, it } from 'vitest';
import { DeliveryChannel } from '../../../src/adapters/rabbitmq/delivery-channel.ts';

/** Writes down what it is told, and delivers by hand. */
class TalkingChannel extends EventEmitter {
  readonly said: string[] = [];
  readonly #handlers = new Map<string, (message: ConsumeMessage) => void>();

  async prefetch(): Promise<void> {}
  async cancel(consumerTag: string): Promise<void> {
    this.#handlers.delete(consumerTag);
  }
  async close(): Promise<void> {}
  async consume(
    _queue: string,
    handler: (message: ConsumeMessage) => void,
    options: { consumerTag: string },
  ): Promise<void> {
    this.#handlers.set(options.consumerTag, handler);
  }
  ack({ fields }: ConsumeMessage): void {
    this.said.push(`ack ${fields.deliveryTag}`);
  }
  nack({ fields }: ConsumeMessage): void {
    this.said.push(`nack ${fields.deliveryTag}`);
  }
  reject({ fields }: ConsumeMessage): void {
    this.said.push(`reject ${fields.deliveryTag}`);
  }

  /** As amqplib does: the event first, then the consumer's own handler. */
  deliver(consumerTag: string, deliveryTag: number): void {
    const message = { fields: { consumerTag, deliveryTag } } as ConsumeMessage;
    this.emit('delivery', message);
    this.#handlers.get(consumerTag)?.(message);
  }
}

async function consuming(consumerArguments: Readonly<Record<string, unknown>>) {
  const wire = new TalkingChannel();
  const model = { createChannel: async () => wire } as unknown as ChannelModel;
  const channel = await DeliveryChannel.open(model, () => undefined);
  const tag = await channel.consume('q', 10, () => undefined, consumerArguments);
  return { wire, channel, tag };
}

describe('a delivery that nobody settled', () => {
  it('goes back to its queue when the channel closes, and when it comes after the cancel', async () => {
    const { wire, channel, tag } = await consuming({});
    wire.deliver(tag, 1);
    await channel.cancel(tag);
    wire.deliver(tag, 2);
    await channel.close();
    expect(wire.said).toEqual(['nack 2', 'nack 1']);
  });

  it('is never given back to a stream: RabbitMQ 3.10 ends the connection for it', async () => {
    const { wire, channel, tag } = await consuming({ 'x-stream-offset': 'first' });
    wire.deliver(tag, 1);
    await channel.cancel(tag);
    wire.deliver(tag, 2);
    await channel.close(() => true);
    expect(wire.said.filter((said) => !said.startsWith('ack '))).toEqual([]);
  });
});
