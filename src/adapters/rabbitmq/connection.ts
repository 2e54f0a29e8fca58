/**
 * One connection that is kept: made again whenever it ends, with growing delays and jitter, until it is closed. amqplib's own
 * recovery is not used: a connection that drops while its `setup` runs leaves it dead for good, with an uncaught error.
 *
 * There are two of these for each driver. RabbitMQ stops reading from a connection that published during an alarm; acks on
 * the same connection would wait with the publishes, and then nothing could drain what raised the alarm.
 *
 *   connecting --> open <--> blocked
 *       ^           |          |
 *       +-----------+----------+        any state --> closed
 */

import { type ChannelModel, connect } from 'amqplib';
import { PortError } from '../errors.ts';
import { bounds } from './bounds.ts';
import { fromAmqp, isRefusedAtHandshake, messageOf, within } from './errors.ts';
import { type RabbitMqOptions, withoutCredentials } from './options.ts';

export type ConnectionState = 'connecting' | 'open' | 'blocked' | 'closed';

interface Listener {
  /** After every connect, the first one included when it comes later. */
  readonly up?: (model: ChannelModel) => void;
  readonly down?: () => void;
  readonly blocked?: (reason: string) => void;
}

export class SupervisedConnection {
  readonly #options: RabbitMqOptions;
  readonly #purpose: string;
  readonly #listeners = new Set<Listener>();
  #model: ChannelModel | undefined;
  #blockedReason: string | undefined;
  #lastError = 'not connected yet';
  #retryTimer: NodeJS.Timeout | undefined;
  #failures = 0;
  #isClosed = false;

  /** @param purpose shown by the broker as part of the connection's name. */
  constructor(options: RabbitMqOptions, purpose: string) {
    this.#options = options;
    this.#purpose = purpose;
  }

  get state(): ConnectionState {
    if (this.#isClosed) return 'closed';
    if (this.#model === undefined) return 'connecting';
    return this.#blockedReason === undefined ? 'open' : 'blocked';
  }

  /** Why it is not open, in a sentence. */
  get detail(): string {
    return this.#blockedReason === undefined ? this.#lastError : `blocked by the broker: ${this.#blockedReason}`;
  }

  /** Undefined while there is no connection; also set while blocked. */
  get model(): ChannelModel | undefined {
    return this.#model;
  }

  /** Calls `listener.up` at once when there is a connection. Returns what stops it. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    if (this.#model !== undefined) listener.up?.(this.#model);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * The first connection. From then on it is kept.
   * @throws PortError `backend_unavailable` when no url answers, `backend_rejected` when the broker refuses user or vhost.
   */
  async open(): Promise<ChannelModel> {
    try {
      return this.#established(await this.#connectAny());
    } catch (reason) {
      this.#isClosed = true;
      const code = isRefusedAtHandshake(reason) ? 'backend_rejected' : 'backend_unavailable';
      const tried = this.#options.urls.map(withoutCredentials).join(', ');
      throw new PortError(code, `RabbitMQ at ${tried}: ${messageOf(reason)}`, { cause: reason });
    }
  }

  /** @throws PortError `backend_unavailable` when there is none within `waitMs`. */
  async whenOpen(waitMs: number = bounds.connectionWaitMs): Promise<ChannelModel> {
    if (this.#model !== undefined) return this.#model;
    if (this.#isClosed) throw new PortError('closed', 'the connection was closed');
    return await new Promise((resolve, reject) => {
      const stop = this.listen({
        up: (model) => {
          clearTimeout(timer);
          queueMicrotask(() => stop());
          resolve(model);
        },
      });
      const timer = setTimeout(() => {
        stop();
        reject(new PortError('backend_unavailable', `no connection to RabbitMQ: ${this.detail}`));
      }, waitMs);
    });
  }

  /** Ends it for good. Idempotent; resolves within `bounds.closeTimeoutMs`, also when the broker is dead. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retryTimer);
    const model = this.#model;
    this.#model = undefined;
    if (model !== undefined) await closeModel(model);
  }

  async #connectAny(): Promise<ChannelModel> {
    let failure: unknown = new Error('no url');
    for (const url of this.#options.urls) {
      try {
        return await this.#connectTo(url);
      } catch (reason) {
        failure = reason;
      }
    }
    throw failure;
  }

  async #connectTo(url: string): Promise<ChannelModel> {
    const timeoutMs = this.#options.connectTimeoutMs / this.#options.urls.length;
    const connecting = connect(url, {
      // Without it a body of 2 KiB and more leaves in several writes, and each lone publish waits 40 ms for a delayed ACK.
      noDelay: true,
      keepAlive: true,
      timeout: timeoutMs,
      clientProperties: { connection_name: `sluice ${this.#purpose}` },
    });
    try {
      return await within(connecting, timeoutMs, `connect to ${withoutCredentials(url)}`);
    } catch (reason) {
      // It may still succeed after we gave up.
      connecting.then(closeModel, () => undefined);
      throw reason;
    }
  }

  #established(model: ChannelModel): ChannelModel {
    let isOver = false;
    const over = (reason: unknown): void => {
      if (reason !== undefined) this.#lastError = messageOf(reason);
      if (isOver) return;
      isOver = true;
      this.#lost(model);
    };
    // Errors without a listener end the process; after each comes a close.
    model.on('error', (error) => (this.#lastError = messageOf(error)));
    model.on('handler-error', (error: Error) => (this.#lastError = messageOf(error)));
    model.on('close', over);
    model.on('blocked', (reason) => {
      this.#blockedReason = reason;
      for (const listener of this.#listeners) listener.blocked?.(reason);
    });
    model.on('unblocked', () => (this.#blockedReason = undefined));
    if (this.#isClosed) {
      void closeModel(model);
      throw new PortError('closed', 'the connection was closed');
    }
    this.#model = model;
    this.#failures = 0;
    for (const listener of Array.from(this.#listeners)) listener.up?.(model);
    return model;
  }

  #lost(model: ChannelModel): void {
    if (this.#model !== model) return;
    this.#model = undefined;
    this.#blockedReason = undefined;
    for (const listener of this.#listeners) listener.down?.();
    this.#retryLater();
  }

  #retryLater(): void {
    if (this.#isClosed) return;
    const delay = Math.min(bounds.reconnectMaxMs, bounds.reconnectMinMs * 2 ** Math.min(this.#failures, 20));
    const jitter = 1 - bounds.reconnectJitter * Math.random();
    this.#failures += 1;
    this.#retryTimer = setTimeout(() => void this.#retry(), delay * jitter);
  }

  async #retry(): Promise<void> {
    try {
      this.#established(await this.#connectAny());
    } catch (reason) {
      this.#lastError = messageOf(reason);
      this.#retryLater();
    }
  }
}

async function closeModel(model: ChannelModel): Promise<void> {
  try {
    await within(model.close(), bounds.closeTimeoutMs, 'close the connection');
  } catch {
    // The peer is dead or the connection is over already. Its socket would keep the process alive until the heartbeat ends it.
    const { stream } = model.connection as { readonly stream?: { destroy?: () => void } };
    stream?.destroy?.();
  }
}

/** The listeners every channel must have: an error without one ends the process. A channel's death is told by `close`. */
export function guardChannel(channel: {
  on(event: 'error' | 'handler-error', listener: (error: Error) => void): unknown;
}): void {
  const ignore = (): void => undefined; // whoever waits for an answer gets the error; `close` follows
  channel.on('error', ignore);
  channel.on('handler-error', ignore);
}

/**
 * Runs `work` on a channel of its own: a protocol error closes the channel, and nothing else is on it.
 * @param what the sentence before the reason of an error.
 */
export async function withChannel<T>(
  connection: SupervisedConnection,
  what: string,
  work: (channel: Awaited<ReturnType<ChannelModel['createChannel']>>) => Promise<T>,
): Promise<T> {
  const model = await connection.whenOpen();
  try {
    const channel = await within(model.createChannel(), bounds.callTimeoutMs, what);
    guardChannel(channel);
    try {
      return await within(work(channel), bounds.callTimeoutMs, what);
    } finally {
      // Closed by the broker already when the work failed on a protocol error.
      within(channel.close(), bounds.closeTimeoutMs, what).catch(() => undefined);
    }
  } catch (reason) {
    throw fromAmqp(reason, what);
  }
}
