/** The frames of one client's stream, in order: what StreamingPull and WebSocket have in common beside the way they travel. */

import { PortError, type TokenResult } from '../adapters/index.ts';
import { Pace } from './access/caller.ts';
import type { GatewayContext } from './context.ts';
import { type DeliveryPeer, DeliveryStream, type StreamCredit } from './delivery-stream.ts';
import { errorFromIssues } from './rest/problem-handler.ts';
import { StreamFrame } from './schema/consume.ts';

export interface FramePeer extends DeliveryPeer {
  /** Resolves when the frame has left the process, or the peer is gone. */
  results(results: readonly TokenResult[], correlationId: number | undefined): Promise<void>;
}

const settleCalls = ['ack', 'nack', 'release', 'reject', 'extend'] as const;

export class StreamFrames {
  readonly #context: GatewayContext;
  readonly #peer: FramePeer;
  /** Of the path, where the way has one; else the first frame names it. */
  readonly #subscription: string | undefined;
  #stream: Promise<DeliveryStream> | undefined;
  readonly #pace: Pace;
  #isClosed = false;

  constructor(context: GatewayContext, peer: FramePeer, subscription?: string) {
    this.#context = context;
    this.#peer = peer;
    this.#subscription = subscription;
    this.#pace = new Pace(peer.caller, () => this.#isClosed);
  }

  /**
   * Resolves when the frame was worked on and its results, if it has any, have left.
   * @throws PortError for a frame that is none: the stream has to end then.
   */
  async take(given: unknown): Promise<void> {
    const result = StreamFrame.safeParse(given);
    if (!result.success) throw errorFromIssues(result.error.issues, 'frame');
    const frame = result.data;
    const turn = this.#pace.next({ requests: 1 });
    if (turn !== undefined) await turn;
    if (frame.start !== undefined) {
      await this.#start(frame.start);
      return;
    }
    if (this.#stream === undefined) throw new PortError('invalid_argument', 'frame: the first one must be start');
    const stream = await this.#stream;
    if (frame.credit !== undefined) stream.grant(frame.credit);
    for (const call of settleCalls) {
      const body = frame[call];
      if (body !== undefined) await this.#peer.results(await stream.settle(call, body), frame.correlationId);
    }
  }

  /** Gives back what is held. The peer is told, once. */
  async close(reason?: PortError): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    let stream: DeliveryStream | undefined;
    try {
      stream = await this.#stream;
    } catch {
      // Never opened: whoever asked for it was told why.
    }
    if (stream === undefined) this.#peer.ended(reason);
    else await stream.close(reason);
  }

  async #start({
    subscription,
    credit,
  }: {
    readonly subscription?: string;
    readonly credit: StreamCredit;
  }): Promise<void> {
    if (this.#stream !== undefined) throw new PortError('invalid_argument', 'frame: start comes once');
    if (this.#subscription !== undefined && subscription !== undefined && subscription !== this.#subscription) {
      throw new PortError('invalid_argument', `frame: start.subscription is not that of the path`);
    }
    this.#stream = DeliveryStream.open(this.#context, this.#subscription ?? subscription ?? '', credit, this.#peer);
    const stream = await this.#stream;
    // The client left while the backend was asked.
    if (this.#isClosed) await stream.close();
  }
}
