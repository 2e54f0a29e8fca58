/** What broker and client used between two moments, and what was done meanwhile. */

import { type EventLoopUtilization, monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { type Usage, UsageWatch } from './process-usage.ts';

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

/** CPU, bytes and memory of broker and client, and how busy this event loop was, between start and stop. */
export class Meter {
  readonly #lag = monitorEventLoopDelay({ resolution: lagEveryMs });
  readonly #startedMs = performance.now();
  readonly #loop: EventLoopUtilization = performance.eventLoopUtilization();
  readonly #broker: UsageWatch | null;
  readonly #client: UsageWatch;

  readonly #count: () => Counted;
  readonly #before: Counted;

  /** Without `pids` there is no broker to see. */
  constructor(pids: readonly number[], count: () => Counted) {
    this.#broker = pids.length === 0 ? null : new UsageWatch(pids);
    this.#client = new UsageWatch([process.pid]);
    this.#count = count;
    this.#before = count();
    this.#lag.enable();
  }

  stop(): Measured {
    const seconds = (performance.now() - this.#startedMs) / 1000;
    const eventLoop = performance.eventLoopUtilization(this.#loop).utilization;
    const after = this.#count();
    const counted = { messages: after.messages - this.#before.messages, bytes: after.bytes - this.#before.bytes };
    const broker = this.#broker === null ? null : this.#broker.stop();
    const client = this.#client.stop() ?? { cpuSeconds: Number.NaN, bytesWritten: 0, rssBytes: 0 };
    this.#lag.disable();
    const lagMs = (nanoseconds: number) => Math.max(0, Math.round(nanoseconds / 1e3) / 1e3 - lagEveryMs);
    const eventLoopLagMs = {
      p50: rounded(lagMs(this.#lag.percentile(50))),
      p99: rounded(lagMs(this.#lag.percentile(99))),
      max: rounded(lagMs(this.#lag.max)),
    };
    return { broker, client, eventLoop, eventLoopLagMs, seconds, counted };
  }
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
