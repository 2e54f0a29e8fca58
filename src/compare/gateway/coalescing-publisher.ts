/**
 * A publisher that does what a good client of a server does: while requests are under way, what comes meanwhile waits and goes out
 * together in the next. Without it every tick of the generator would be a request of its own, and the layer would look slower than it is.
 */

import type { SendResult, WireMessage, WirePublisher } from '../systems/wire.ts';

export const coalescingLimits = {
  /** Requests under way: enough that the gateway always has one to work on. */
  requestsMax: 8,
  /** As the port wire hands over at once. */
  messagesPerRequestMax: 500,
  /** Well under what a request may have, also as Base64. */
  bytesPerRequestMax: 1024 * 1024,
} as const;

interface Waiting {
  readonly message: WireMessage;
  readonly settled: (result: SendResult) => void;
}

/** `send` resolves with one result for each message and rejects only when nobody knows what became of them. */
export class CoalescingPublisher implements WirePublisher {
  readonly #send: (messages: readonly WireMessage[]) => Promise<readonly SendResult[]>;
  readonly #waiting: Waiting[] = [];
  #underWay = 0;
  #whenIdle: (() => void) | null = null;

  constructor(send: (messages: readonly WireMessage[]) => Promise<readonly SendResult[]>) {
    this.#send = send;
  }

  publish(messages: readonly WireMessage[], settled: (index: number, result: SendResult) => void): void {
    for (const [index, message] of messages.entries())
      this.#waiting.push({ message, settled: (result) => settled(index, result) });
    this.#pump();
  }

  async close(): Promise<void> {
    if (this.#underWay === 0) return;
    await new Promise<void>((resolve) => {
      this.#whenIdle = resolve;
    });
  }

  #pump(): void {
    while (this.#waiting.length > 0 && this.#underWay < coalescingLimits.requestsMax) void this.#sendOne(this.#take());
    if (this.#underWay === 0) this.#whenIdle?.();
  }

  #take(): readonly Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const { message } of this.#waiting) {
      bytes += message.value.length;
      if (count > 0 && (count >= coalescingLimits.messagesPerRequestMax || bytes > coalescingLimits.bytesPerRequestMax))
        break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  async #sendOne(batch: readonly Waiting[]): Promise<void> {
    this.#underWay++;
    try {
      const results = await this.#send(batch.map(({ message }) => message));
      for (const [index, { settled }] of batch.entries())
        settled(results[index] ?? { fate: 'unknown', code: 'invalid_answer' });
    } catch (reason) {
      const code = reason instanceof Error && 'code' in reason ? String(reason.code) : 'connection_lost';
      for (const { settled } of batch) settled({ fate: 'unknown', code });
    } finally {
      this.#underWay--;
      this.#pump();
    }
  }
}
