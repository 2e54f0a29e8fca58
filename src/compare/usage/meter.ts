/** What broker and client used between two moments, and what was done meanwhile. */

import { type EventLoopUtilization, monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { Usage } from './process-usage.ts';
import type { UsageObserver, UsageWatching } from './usage-observer.ts';
import { rounded } from '../statistics/index.ts';

/** Messages and bytes that costs are divided by: counted between the same moments as the costs. */
export interface Counted {
  readonly messages: number;
  readonly bytes: number;
}

export interface Measured {
  readonly broker: Usage | null;
  readonly client: Usage;
  readonly eventLoop: number;
  /** How much later than it should this event loop came round: what a timer of the generator is late by. Not of a generator without one. */
  readonly eventLoopLagMs?: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly seconds: number;
  readonly counted: Counted;
}

/** The loop is asked so often; what Node records has this wait in it. */
const lagEveryMs = 5;

/** Of a run of which nothing is known. */
export const nothingMeasured: Measured = {
  broker: null,
  client: { cpuSeconds: 0, rssBytes: 0, bytesWritten: 0 },
  eventLoop: 0,
  eventLoopLagMs: { p50: 0, p99: 0, max: 0 },
  seconds: 1,
  counted: { messages: 0, bytes: 0 },
};

/** How busy this event loop was and what was done in it, between start and stop; what that took, by an observer. */
export class Meter {
  readonly #lag = monitorEventLoopDelay({ resolution: lagEveryMs });
  readonly #loop: EventLoopUtilization = performance.eventLoopUtilization();
  readonly #watching: UsageWatching;
  readonly #count: () => Counted;
  readonly #before: Counted;
  #isOver = false;

  constructor(usage: UsageObserver, count: () => Counted) {
    this.#watching = usage.watch();
    this.#count = count;
    this.#before = count();
    this.#lag.enable();
  }

  /** What this process knows is taken at once, whatever the observer takes. */
  async stop(): Promise<Measured> {
    this.#isOver = true;
    const eventLoop = performance.eventLoopUtilization(this.#loop).utilization;
    const after = this.#count();
    const counted = { messages: after.messages - this.#before.messages, bytes: after.bytes - this.#before.bytes };
    const observed = this.#watching.stop();
    this.#lag.disable();
    const lagMs = (nanoseconds: number) => Math.max(0, Math.round(nanoseconds / 1e3) / 1e3 - lagEveryMs);
    const eventLoopLagMs = {
      p50: rounded(lagMs(this.#lag.percentile(50))),
      p99: rounded(lagMs(this.#lag.percentile(99))),
      max: rounded(lagMs(this.#lag.max)),
    };
    return { ...(await observed), eventLoop, eventLoopLagMs, counted };
  }

  /** What it has seen is of no use. Idempotent, also after `stop`. */
  discard(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#lag.disable();
    void this.#watching.stop();
  }
}
