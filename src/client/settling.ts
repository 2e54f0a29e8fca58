/** Settling by token: what is settled in one turn of the event loop goes out as one request for each call and its options. */

import type { SettleAnswer } from './generated/schemas.ts';
import type { Gateway } from './http.ts';
import { clientLimits } from './limits.ts';
import { activeTraceHeaders, type TraceHeaders } from './trace-headers.ts';

export type SettleStatus = SettleAnswer['results'][number]['status'];
export type SettleCall = 'ack' | 'nack' | 'release' | 'reject' | 'extend';

export interface SettleOptions {
  readonly delayMs?: number;
  readonly reason?: string;
  readonly deadlineMs?: number;
}

interface Waiting {
  readonly token: string;
  /** Of whoever settles it. */
  readonly trace: TraceHeaders | undefined;
  readonly resolve: (status: SettleStatus) => void;
  readonly reject: (reason: unknown) => void;
}

export class Settling {
  readonly #gateway: Gateway;
  readonly #path: string;
  /** By call and options. */
  readonly #waiting = new Map<
    string,
    { readonly call: SettleCall; readonly options: SettleOptions; tokens: Waiting[] }
  >();
  #isScheduled = false;

  constructor(gateway: Gateway, subscription: string) {
    this.#gateway = gateway;
    this.#path = `/v1/subscriptions/${encodeURIComponent(subscription)}`;
  }

  async settle(call: SettleCall, token: string, options: SettleOptions = {}): Promise<SettleStatus> {
    return await new Promise<SettleStatus>((resolve, reject) => {
      const name = `${call} ${JSON.stringify(options)}`;
      const group = this.#waiting.get(name) ?? { call, options, tokens: [] };
      group.tokens.push({ token, trace: activeTraceHeaders(), resolve, reject });
      this.#waiting.set(name, group);
      if (this.#isScheduled) return;
      this.#isScheduled = true;
      setImmediate(() => this.#send());
    });
  }

  #send(): void {
    this.#isScheduled = false;
    const groups = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { call, options, tokens } of groups) {
      for (let from = 0; from < tokens.length; from += clientLimits.tokensPerRequestMax)
        void this.#sendBatch(call, options, tokens.slice(from, from + clientLimits.tokensPerRequestMax));
    }
  }

  async #sendBatch(call: SettleCall, options: SettleOptions, batch: readonly Waiting[]): Promise<void> {
    try {
      const { body, attempt } = await this.#gateway.call<SettleAnswer>({
        method: 'POST',
        path: `${this.#path}/${call}`,
        body: { tokens: batch.map(({ token }) => token), ...options },
        isRepeatable: true,
        trace: sharedTrace(batch),
      });
      for (const [index, { resolve }] of batch.entries()) {
        const status = body.results[index]?.status ?? 'invalid';
        // Settled by an earlier try of this call, whose answer was lost.
        resolve(status === 'already' && attempt > 1 ? 'ok' : status);
      }
    } catch (reason) {
      for (const { reject } of batch) reject(reason);
    }
  }
}

/** A request belongs to one trace or to none: what is settled in it links to its messages all the same. */
function sharedTrace([first, ...others]: readonly Waiting[]): TraceHeaders | null {
  const trace = first?.trace;
  if (trace === undefined || others.some((other) => other.trace?.traceparent !== trace.traceparent)) return null;
  return trace;
}
