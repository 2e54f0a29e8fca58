/** A small service as one would write it on Sluice: takes orders, and charges them from a subscription of its own. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Delivery, MessagingPort } from 'sluice';

export interface Order {
  readonly id: string;
  readonly customer: string;
  readonly amount: number;
}

const TRIES_MAX = 3;
const RETRY_DELAY_MS = 10;

export class OrderService {
  readonly #port: MessagingPort;

  constructor(port: MessagingPort) {
    this.#port = port;
  }

  /**
   * Resolves when the order is stored. An answer that was lost is asked for again under the same id, so the order may be
   * there twice: whoever charges it must look at the id.
   */
  async place(order: Order): Promise<void> {
    const message = { key: order.customer, value: JSON.stringify(order), id: order.id };
    for (let tries = 1; ; tries += 1) {
      const [outcome] = await this.#port.publish('orders', [message]);
      if (outcome === undefined || outcome.kind === 'stored') return;
      if (tries >= TRIES_MAX || !outcome.error.retryable) throw outcome.error;
      await delay(RETRY_DELAY_MS);
    }
  }

  /** Charges orders until the signal aborts. What cannot be charged is tried again, and in the end is a dead letter. */
  async bill(charge: (order: Order) => Promise<void>, signal: AbortSignal): Promise<void> {
    const consumer = await this.#port.subscribe('billing', { credit: { messages: 10 }, signal });
    for await (const delivery of consumer) await this.#billOne(delivery, charge);
  }

  async #billOne({ token, message }: Delivery, charge: (order: Order) => Promise<void>): Promise<void> {
    try {
      await charge(JSON.parse(String(message.value)) as Order);
      await this.#port.ack('billing', [token]);
    } catch (reason) {
      await this.#port.nack('billing', [token], { reason: String(reason) });
    }
  }
}
