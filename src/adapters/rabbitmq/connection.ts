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
import { tlsTrouble } from '../broker-login.ts';
import { PortError } from '../errors.ts';
import { bounds } from './bounds.ts';
import { fromAmqp, isRefusedAtHandshake, isVhostRefused, messageOf, within } from './errors.ts';
import { gatherWrites } from './gathered-writes.ts';
import { vhostOf } from './login.ts';
import { type RabbitMqOptions, withoutCredentials } from './options.ts';
import { endWhenSilent } from './silence.ts';

export type ConnectionState = 'connecting' | 'open' | 'blocked' | 'closed';

interface Listener {
  /** After every connect, the first one included when it comes later. */
  readonly up?: (model: ChannelModel) => void;
  readonly down?: () => void;
  readonly blocked?: (reason: string) => void;
  /** An attempt to connect again failed. */
  readonly failed?: () => void;
}

export class SupervisedConnection {
  readonly #options: RabbitMqOptions;
  readonly #purpose: string;
  readonly #listeners = new Set<Listener>();
  #model: ChannelModel | undefined;
  #blockedReason: string | undefined;
  #lastError = 'not connected yet';
  #retryTimer: NodeJS.Timeout | undefined;
  /** Attempts since the last connection. */
  #failures = 0;
  #isTrying = false;
  #triedAtMs = Number.NEGATIVE_INFINITY;
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
   * @throws PortError `backend_unavailable` when no url answers, `backend_rejected` when one side refuses the other's certificate, or
   * the broker the login or the vhost.
   */
  async open(): Promise<ChannelModel> {
    try {
      return this.#established(await this.#connectAny());
    } catch (reason) {
      this.#isClosed = true;
      throw reason;
    }
  }

  /**
   * For a caller that needs it now: while there is none, the next attempt is made at once, and decides. A caller does not wait out
   * the delay between attempts for an answer that is known.
   * @throws PortError `backend_unavailable` when that attempt fails, when one failed a moment ago, or after `connectionWaitMs`.
   */
  async whenOpen(): Promise<ChannelModel> {
    if (this.#model !== undefined) return this.#model;
    if (this.#isClosed) throw new PortError('closed', 'the connection was closed');
    if (!this.#tryNow()) throw this.#absent();
    return await new Promise((resolve, reject) => {
      const over = (): void => {
        clearTimeout(timer);
        queueMicrotask(() => stop());
      };
      const fail = (): void => {
        over();
        reject(this.#absent());
      };
      const timer = setTimeout(fail, bounds.connectionWaitMs);
      const stop = this.listen({
        up: (model) => {
          over();
          resolve(model);
        },
        failed: fail,
      });
    });
  }

  /** Resolves when the broker has answered on this connection. Rejects when it does not within `timeoutMs`. */
  async probe(timeoutMs: number): Promise<void> {
    if (this.#model === undefined) throw new PortError('backend_unavailable', this.detail);
    const opening = this.#model.createChannel().then((channel) => {
      guardChannel(channel);
      channel.close().catch(() => undefined); // also of an answer that comes too late; it is all that was asked for
    });
    await within(opening, timeoutMs, 'RabbitMQ');
  }

  #absent(): PortError {
    return new PortError('backend_unavailable', `no connection to RabbitMQ: ${this.detail}`, {
      retryAfterMs: bounds.reconnectAskedMs,
    });
  }

  /** False when an attempt failed so short a time ago that another one would only be a burden. */
  #tryNow(): boolean {
    // One is under way, or the first one since the loss is due in a moment.
    if (this.#isTrying || this.#failures <= 1) return true;
    if (performance.now() - this.#triedAtMs < bounds.reconnectAskedMs) return false;
    clearTimeout(this.#retryTimer);
    void this.#retry();
    return true;
  }

  /** Ends it for good. Idempotent; resolves within `bounds.closeTimeoutMs`, also when the broker is dead. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retryTimer);
    const model = this.#model;
    this.#model = undefined;
    if (model !== undefined) await closeModel(model);
  }

  /** The first address that lets us in. Else the reason of each; being turned away by one says more than silence of the others. */
  async #connectAny(): Promise<ChannelModel> {
    const failures: PortError[] = [];
    for (const url of this.#options.urls) {
      try {
        return await this.#connectTo(url);
      } catch (reason) {
        const failure = this.#explained(reason, url);
        if (failure.code === 'invalid_argument') throw failure;
        failures.push(failure);
      }
    }
    const [first] = failures;
    if (failures.length === 1 && first !== undefined) throw first;
    const isRefused = failures.some(({ code }) => code === 'backend_rejected');
    const text = failures.map(({ message }) => message).join('; ');
    throw new PortError(isRefused ? 'backend_rejected' : 'backend_unavailable', text, { cause: first });
  }

  #explained(reason: unknown, url: string): PortError {
    if (reason instanceof PortError && reason.code === 'invalid_argument') return reason;
    const where = `RabbitMQ at ${withoutCredentials(url)}`;
    const trouble = tlsTrouble(reason);
    const options = { cause: reason };
    if (trouble !== undefined) {
      return new PortError('backend_rejected', `${where}: ${trouble}`, options);
    }
    const who = this.#options.login.who(url);
    if (isVhostRefused(reason)) {
      const why = 'there is none of this name, or this user has no access to it, or it takes no more connections';
      return new PortError(
        'backend_rejected',
        `${where}: the vhost "${vhostOf(url)}" is not open to ${who}: ${why}`,
        options,
      );
    }
    if (!isRefusedAtHandshake(reason))
      return new PortError('backend_unavailable', `${where}: ${messageOf(reason)}`, options);
    return new PortError('backend_rejected', `${where}: the login of ${who} is refused: ${messageOf(reason)}`, options);
  }

  async #connectTo(url: string): Promise<ChannelModel> {
    const timeoutMs = this.#options.connectTimeoutMs / this.#options.urls.length;
    const settings = {
      // Without it a body of 2 KiB and more leaves in several writes, and each lone publish waits 40 ms for a delayed ACK.
      noDelay: true,
      keepAlive: true,
      writableHighWaterMark: bounds.socketBufferBytes,
      timeout: timeoutMs,
      ...this.#options.login.settingsFor(url),
      clientProperties: { connection_name: `sluice ${this.#purpose}` },
    };
    const connecting = connect(url, settings);
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
    endWhenSilent(model);
    gatherWrites(model);
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
    this.#isTrying = true;
    try {
      this.#established(await this.#connectAny());
    } catch (reason) {
      this.#lastError = messageOf(reason);
      this.#retryLater();
      for (const listener of Array.from(this.#listeners)) listener.failed?.();
    } finally {
      this.#isTrying = false;
      this.#triedAtMs = performance.now();
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
