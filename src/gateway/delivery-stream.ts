/**
 * One subscriber that is pushed to: the same for gRPC's StreamingPull, WebSocket and SSE. It has a consumer of the port of its
 * own and the credit that its client granted; each delivery uses credit up.
 *
 * Non-obvious: the next deliveries are asked for only when the last frame has left the process. So a client that does not
 * read costs one frame beside the socket's buffer, however much credit it gave, and holds the leases of no more.
 */

import {
  type Consumer,
  type Delivery,
  type Health,
  limits,
  messageBytes,
  PortError,
  type TokenResult,
} from '../adapters/index.ts';
import { type Caller, nothingOwed, Pace } from './access/caller.ts';
import { settle, type SettleBody, type SettleCall } from './consuming.ts';
import { toldTo } from './backend-watch.ts';
import type { GatewayContext } from './context.ts';
import { gatewayLimits } from './limits.ts';
import type { StreamKind } from './open-streams.ts';

export interface StreamCredit {
  readonly messages: number;
  /** Absent at the start: bytes are not counted. */
  readonly bytes?: number | undefined;
}

export interface DeliveryPeer {
  readonly kind: StreamKind;
  readonly caller: Caller;
  /** Resolves when the frame has left the process, or the peer is gone. */
  deliver(deliveries: readonly Delivery[]): Promise<void>;
  /** The backend went away, or is back. The stream stays open either way. */
  backend(health: Health): void;
  /** Told once, after everything held was given back; without a reason when the client ended it. */
  ended(reason: PortError | undefined): void;
}

interface DeliveryStreamOptions {
  readonly outstandingMax?: number | undefined;
  readonly hasLocalTokens?: boolean;
  readonly after?: Promise<void>;
  readonly isCounted?: boolean;
}

export class DeliveryStream {
  readonly #context: GatewayContext;
  readonly #subscription: string;
  readonly #consumer: Consumer;
  readonly #peer: DeliveryPeer;
  readonly #closing = new AbortController();
  readonly #forget: () => void;
  readonly #pace: Pace;
  #messages: number;
  #bytes: number;
  #onGrant: (() => void) | undefined;
  #closed: Promise<void> | undefined;

  private constructor(
    context: GatewayContext,
    consumer: Consumer,
    { messages, bytes }: StreamCredit,
    peer: DeliveryPeer,
    isCounted: boolean,
  ) {
    this.#context = context;
    this.#subscription = consumer.subscription;
    this.#consumer = consumer;
    this.#peer = peer;
    this.#messages = messages;
    this.#bytes = bytes ?? Number.POSITIVE_INFINITY;
    this.#pace = new Pace(peer.caller, () => this.#closing.signal.aborted);
    const forget = isCounted
      ? context.streams.add(peer.kind, async (reason) => await this.close(reason), peer.caller)
      : undefined;
    const stopListening = context.streams.listen((health) => peer.backend(toldTo(peer.caller, health)));
    this.#forget = () => {
      forget?.();
      stopListening();
    };
  }

  /**
   * Resolves when the subscription is open; deliveries begin.
   * @param options.outstandingMax how many may be out and not settled, below what the subscription allows.
   * @param options.hasLocalTokens the peer settles by itself and shows no token to its client.
   * @param options.after nothing is pulled before it: a lease begins with the pull.
   * @param options.isCounted false: whoever opens it has added it to the open streams already.
   * @throws PortError `scope_missing`, `subscription_not_found`, `too_many_in_flight`, `draining`.
   */
  static async open(
    context: GatewayContext,
    subscription: string,
    credit: StreamCredit,
    peer: DeliveryPeer,
    { outstandingMax, hasLocalTokens = false, after = Promise.resolve(), isCounted = true }: DeliveryStreamOptions = {},
  ): Promise<DeliveryStream> {
    peer.caller.requireNamed('consume', subscription);
    // The subscription's own bounds are the port's to hold, as they are and as they will be changed.
    const consumer = await context.port.subscribe(subscription, {
      credit: { messages: outstandingMax ?? limits.maxInFlightMessages, bytes: limits.maxInFlightBytes },
      hasLocalTokens,
    });
    try {
      const stream = new DeliveryStream(context, consumer, credit, peer, isCounted);
      const { trouble } = context.backend;
      if (trouble !== undefined) peer.backend(toldTo(peer.caller, trouble));
      void stream.#run(after);
      return stream;
    } catch (reason) {
      await consumer.close();
      throw reason;
    }
  }

  /** @throws PortError `invalid_argument` above what a subscription may have out: nobody could use it. */
  grant({ messages, bytes = 0 }: StreamCredit): void {
    if (this.#messages + messages > limits.maxInFlightMessages) {
      const problem = {
        path: 'credit.messages',
        message: `must not add up to more than ${limits.maxInFlightMessages}`,
      };
      throw new PortError('invalid_argument', `${problem.path} ${problem.message}`, { errors: [problem] });
    }
    this.#messages += messages;
    this.#bytes += bytes;
    if (this.#hasCredit) this.#onGrant?.();
  }

  async settle(call: SettleCall, body: SettleBody): Promise<readonly TokenResult[]> {
    return await settle(this.#context, this.#subscription, call, body);
  }

  /** Gives back what is held, uncounted, then tells the peer. Idempotent; the first reason counts. */
  async close(reason?: PortError): Promise<void> {
    this.#closed ??= this.#closeNow(reason);
    await this.#closed;
  }

  async #closeNow(reason: PortError | undefined): Promise<void> {
    this.#closing.abort();
    this.#onGrant?.();
    try {
      await this.#consumer.close();
    } catch {
      // A backend that is gone gives back by itself; the client hears the reason either way.
    }
    this.#forget();
    this.#peer.ended(reason);
  }

  async #run(after: Promise<void>): Promise<void> {
    try {
      await after;
      while (!this.#closing.signal.aborted) {
        if (!this.#hasCredit) {
          await this.#granted();
          continue;
        }
        await this.#pace.next(nothingOwed);
        const deliveries = await this.#consumer.pull({
          maxMessages: Math.min(this.#messages, gatewayLimits.streamFrameMessagesMax),
          maxBytes: Math.min(this.#bytes, gatewayLimits.streamFrameBytesMax),
          waitMs: Number.POSITIVE_INFINITY,
          signal: this.#closing.signal,
        });
        if (deliveries.length === 0) break; // the stream or the port closes
        this.#messages -= deliveries.length;
        for (const { message } of deliveries) this.#bytes -= messageBytes(message);
        this.#peer.caller.debitDelivered(deliveries);
        this.#context.metrics.delivered(this.#subscription, deliveries.length);
        await this.#peer.deliver(deliveries);
      }
      await this.close(new PortError('closed', 'the port was closed'));
    } catch (reason) {
      await this.close(PortError.from(reason));
    }
  }

  get #hasCredit(): boolean {
    return this.#messages > 0 && this.#bytes > 0;
  }

  /** Nobody pulls meanwhile, so nobody would hear that the subscription was deleted: it is asked after. */
  async #granted(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#onGrant = resolve;
      timer = setTimeout(resolve, gatewayLimits.streamHeartbeatMs);
    });
    clearTimeout(timer);
    this.#onGrant = undefined;
    if (!this.#hasCredit && !this.#closing.signal.aborted)
      await this.#context.port.describeSubscription(this.#subscription);
  }
}
