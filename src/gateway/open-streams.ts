/** Every stream that is open, of whatever kind: how many there may be, how many there are, and how they end together. */

import { type Health, PortError } from '../adapters/index.ts';
import type { Caller } from './access/caller.ts';
import { gatewayLimits } from './limits.ts';

export const streamKinds = ['grpc_pull', 'grpc_publish', 'grpc_other', 'sse', 'websocket', 'ndjson'] as const;
export type StreamKind = (typeof streamKinds)[number];

/** Tells the client why and resolves when nothing is held any more. */
export type EndStream = (reason: PortError) => Promise<void>;

/** Tells the client that the backend went away, or is back. */
export type TellBackend = (health: Health) => void;

export class OpenStreams {
  readonly #open = new Map<EndStream, { readonly caller: Caller | undefined }>();
  readonly #listeners = new Set<TellBackend>();
  readonly #opened = noneOfEach();
  readonly #count = noneOfEach();
  /** By principal. */
  readonly #owned = new Map<string, number>();
  readonly #max: number;
  #isDraining = false;

  constructor(max: number = gatewayLimits.streamsMax) {
    this.#max = max;
  }

  /**
   * Call what comes back when the stream has ended.
   * @param caller whose stream it is; absent for one that is open to everybody.
   * @throws PortError `too_many_in_flight` above the bounds, `draining` at the end of the gateway.
   */
  add(kind: StreamKind, end: EndStream, caller?: Caller): () => void {
    if (this.#isDraining) throw drainingError();
    this.#refuseAboveBounds(kind, caller);
    this.#open.set(end, { caller });
    this.#note(kind, caller, 1);
    this.#opened[kind] += 1;
    return () => {
      if (this.#open.delete(end)) this.#note(kind, caller, -1);
    };
  }

  /** What needs no credentials has a bound of its own, and one principal a share: neither can take the streams of all. */
  #refuseAboveBounds(kind: StreamKind, caller: Caller | undefined): void {
    const isOpenToAll = kind === 'grpc_other';
    const count = isOpenToAll ? this.#count.grpc_other : this.#open.size - this.#count.grpc_other;
    if (count >= (isOpenToAll ? gatewayLimits.grpcOpenStreamsMax : this.#max))
      throw new PortError('too_many_in_flight', `${count} streams are open`, { retryAfterMs: 1_000 });
    const owner = caller?.owner;
    const own = owner === undefined ? 0 : (this.#owned.get(owner) ?? 0);
    if (owner !== undefined && own >= Math.max(1, this.#max * gatewayLimits.principalShare))
      throw new PortError('too_many_in_flight', `${own} streams of ${owner} are open`, { retryAfterMs: 1_000 });
  }

  #note(kind: StreamKind, caller: Caller | undefined, more: 1 | -1): void {
    this.#count[kind] += more;
    const owner = caller?.owner;
    if (owner === undefined) return;
    const own = (this.#owned.get(owner) ?? 0) + more;
    if (own === 0) this.#owned.delete(owner);
    else this.#owned.set(owner, own);
  }

  /** Since the start. */
  openedCount(kind: StreamKind): number {
    return this.#opened[kind];
  }

  /** Until what comes back is called. */
  listen(tell: TellBackend): () => void {
    this.#listeners.add(tell);
    return () => void this.#listeners.delete(tell);
  }

  get areThereListeners(): boolean {
    return this.#listeners.size > 0;
  }

  tell(health: Health): void {
    for (const listener of this.#listeners) listener(health);
  }

  count(kind: StreamKind): number {
    return this.#count[kind];
  }

  /** Ends those whose caller may not go on. */
  review(refusalOf: (caller: Caller) => PortError | undefined): void {
    for (const [end, { caller }] of this.#open) {
      const reason = caller === undefined ? undefined : refusalOf(caller);
      // Whatever becomes of one, the others are looked at.
      if (reason !== undefined) void end(reason).catch(() => undefined);
    }
  }

  /** Ends all of them as `draining`. Later ones are refused. */
  async close(): Promise<void> {
    this.#isDraining = true;
    await Promise.allSettled([...this.#open.keys()].map(async (end) => await end(drainingError())));
  }
}

function noneOfEach(): Record<StreamKind, number> {
  return Object.fromEntries(streamKinds.map((kind) => [kind, 0])) as Record<StreamKind, number>;
}

export function drainingError(): PortError {
  return new PortError('draining', 'this gateway is shutting down', { retryAfterMs: 1_000 });
}
