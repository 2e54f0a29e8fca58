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
  readonly #open = new Map<EndStream, { readonly kind: StreamKind; readonly caller: Caller | undefined }>();
  readonly #listeners = new Set<TellBackend>();
  readonly #opened = Object.fromEntries(streamKinds.map((kind) => [kind, 0])) as Record<StreamKind, number>;
  readonly #max: number;
  #isDraining = false;

  constructor(max: number = gatewayLimits.streamsMax) {
    this.#max = max;
  }

  /**
   * Call what comes back when the stream has ended.
   * @param caller whose stream it is; absent for one that is open to everybody.
   * @throws PortError `too_many_in_flight` above the bound, `draining` at the end of the gateway.
   */
  add(kind: StreamKind, end: EndStream, caller?: Caller): () => void {
    if (this.#isDraining) throw drainingError();
    if (this.#open.size >= this.#max) {
      throw new PortError('too_many_in_flight', `${this.#open.size} streams are open`, { retryAfterMs: 1_000 });
    }
    this.#open.set(end, { kind, caller });
    this.#opened[kind] += 1;
    return () => void this.#open.delete(end);
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
    let count = 0;
    for (const open of this.#open.values()) if (open.kind === kind) count += 1;
    return count;
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

export function drainingError(): PortError {
  return new PortError('draining', 'this gateway is shutting down', { retryAfterMs: 1_000 });
}
