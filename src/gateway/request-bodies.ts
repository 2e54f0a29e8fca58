/** The bodies of requests: the room that each holds from its head to its answer, and until when it has to be here. */

import type { FastifyRequest } from 'fastify';
import { PortError } from '../adapters/index.ts';
import { ownerOf } from './access/rest-access.ts';
import { type Hold, overloaded } from './byte-budget.ts';
import { answerLate, LATE_TEXT } from './connections.ts';
import type { GatewayContext } from './context.ts';
import { gatewayLimits } from './limits.ts';

export class RequestBodies {
  readonly #context: Pick<GatewayContext, 'bodies' | 'limits'>;
  readonly #holds = new WeakMap<object, Hold>();
  readonly #due = new WeakMap<object, NodeJS.Timeout>();
  readonly #late = new WeakSet<object>();

  constructor(context: Pick<GatewayContext, 'bodies' | 'limits'>) {
    this.#context = context;
  }

  /** Of a head that announces a body. @returns why it cannot be taken. */
  begin(request: FastifyRequest): PortError | undefined {
    const bytes = announcedBytes(request);
    if (bytes === 0) return undefined;
    const { bodies, limits } = this.#context;
    const hold = bodies.hold(ownerOf(request));
    if (!hold.set(bytes)) return overloaded(bodies);
    this.#holds.set(request, hold);
    const { socket } = request.raw;
    const due = setTimeout(() => {
      this.#late.add(request);
      hold.set(0);
      answerLate(socket);
    }, limits.requestTimeoutMs);
    due.unref();
    this.#due.set(request, due);
    return undefined;
  }

  /**
   * The body is here and has this size: a chunked one, such as that of a pull that waits, need not keep its room for the largest.
   * @throws PortError `invalid_argument` when it was late: it was told that nothing of it was done.
   */
  arrived(request: object, bytes: number): void {
    if (this.#late.has(request)) throw new PortError('invalid_argument', LATE_TEXT);
    this.#inTime(request);
    // One that was aborted meanwhile holds nothing any more, and nobody would settle it again.
    this.#holds.get(request)?.set(bytes);
  }

  /** The body is a stream: it has no size and no end that one could wait for. What of it is kept, its reader holds. */
  streams(request: object): Hold {
    this.settle(request);
    return this.#context.bodies.hold(ownerOf(request));
  }

  /** It was answered, or is gone. */
  settle(request: object): void {
    this.#inTime(request);
    this.#holds.get(request)?.set(0);
    this.#holds.delete(request);
  }

  /** It was answered without its whole body: what still comes of it is dropped, and not for longer than it might have taken. */
  letGo({ raw }: FastifyRequest): void {
    if (raw.complete || raw.socket.destroyed) return;
    setTimeout(() => {
      if (!raw.complete) raw.socket.destroy();
    }, this.#context.limits.requestTimeoutMs).unref();
  }

  #inTime(request: object): void {
    clearTimeout(this.#due.get(request));
    this.#due.delete(request);
  }
}

function announcedBytes({ headers }: FastifyRequest): number {
  const { 'content-length': length, 'transfer-encoding': encoding } = headers;
  if (typeof length === 'string') return Math.min(Number(length) || 0, gatewayLimits.bodyBytesMax);
  return encoding === undefined ? 0 : gatewayLimits.bodyBytesMax;
}
