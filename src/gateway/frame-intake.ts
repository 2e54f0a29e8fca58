/** Frames of a client as fast as they are worked on: some at a time, then the client waits. */

import { PortError } from '../adapters/index.ts';
import { gatewayLimits } from './limits.ts';

export interface FrameHandler<Frame> {
  /** Frames are given in the order they come, some at a time. A rejection ends the stream. */
  frame(frame: Frame): Promise<void>;
  /** Of what a frame costs while it is worked on. */
  bytesOf?(frame: Frame): number;
  /** The client has nothing more to say, and all that it said was worked on. */
  finished(): Promise<void>;
  /** A frame was refused; or, without a reason, the client is gone and nothing can be written. Told once. */
  failed(reason: PortError | undefined): Promise<void>;
}

export class FrameIntake<Frame> {
  readonly #source: { pause(): void; resume(): void };
  readonly #handler: FrameHandler<Frame>;
  #frames = 0;
  #bytes = 0;
  #hasEnded = false;
  #hasFailed = false;

  constructor(source: { pause(): void; resume(): void }, handler: FrameHandler<Frame>) {
    this.#source = source;
    this.#handler = handler;
  }

  take(frame: Frame): void {
    if (!this.#hasFailed) void this.#work(frame);
  }

  end(): void {
    this.#hasEnded = true;
    this.#finishIfDone();
  }

  fail(reason: PortError | undefined): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    void this.#handler.failed(reason);
  }

  async #work(frame: Frame): Promise<void> {
    const bytes = this.#handler.bytesOf?.(frame) ?? 0;
    this.#frames += 1;
    this.#bytes += bytes;
    if (this.#isFull) this.#source.pause();
    try {
      await this.#handler.frame(frame);
    } catch (reason) {
      this.fail(PortError.from(reason));
    }
    this.#frames -= 1;
    this.#bytes -= bytes;
    if (!this.#isFull) this.#source.resume();
    this.#finishIfDone();
  }

  get #isFull(): boolean {
    return this.#frames >= gatewayLimits.streamFramesInFlightMax || this.#bytes >= gatewayLimits.streamBytesInFlightMax;
  }

  #finishIfDone(): void {
    if (this.#hasEnded && this.#frames === 0 && !this.#hasFailed) void this.#handler.finished();
  }
}
