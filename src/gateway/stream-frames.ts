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
  readonly #forget: () => void;
  #closed: Promise<void> | undefined;

  /**
   * It counts as an open stream from now on, started or not: it is held to what its caller may still do.
   * @throws PortError `too_many_in_flight`, `draining`.
   */
  constructor(context: GatewayContext, peer: FramePeer, subscription?: string) {
    this.#context = context;
    this.#peer = {
      ...peer,
      // It may take the client a while to leave.
      ended: (reason) => {
        this.#forget();
        peer.ended(reason);
      },
    };
    this.#subscription = subscription;
    this.#pace = new Pace(peer.caller, () => this.#closed !== undefined);
    this.#forget = context.streams.add(peer.kind, async (reason) => await this.close(reason), peer.caller);
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

  /** Resolves when what is held was given back. The peer is told, once. */
  async close(reason?: PortError): Promise<void> {
    this.#closed ??= this.#closeNow(reason);
    await this.#closed;
  }

  async #closeNow(reason: PortError | undefined): Promise<void> {
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
    // Between two reviews the key may have been taken away.
    const refusal = this.#context.access.review(this.#peer.caller);
    if (refusal !== undefined) throw refusal;
    const name = this.#subscription ?? subscription ?? '';
    this.#stream = DeliveryStream.open(this.#context, name, credit, this.#peer, { isCounted: false });
    const stream = await this.#stream;
    // It was ended while the backend was asked, with its own reason; or the start came after the end.
    if (this.#closed === undefined) return;
    await this.#closed;
    await stream.close();
  }
}
