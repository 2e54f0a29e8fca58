/** What broker and client used between two moments, and what was done meanwhile. */

import { type EventLoopUtilization, performance } from 'node:perf_hooks';
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
  readonly seconds: number;
  readonly counted: Counted;
}

/** CPU, bytes and memory of broker and client, and how busy this event loop was, between start and stop. */
export class Meter {
  readonly #startedMs = performance.now();
  readonly #loop: EventLoopUtilization = performance.eventLoopUtilization();
  readonly #broker: UsageWatch | null;
  readonly #client: UsageWatch;

  readonly #count: () => Counted;
  readonly #before: Counted;

  private constructor(broker: UsageWatch | null, client: UsageWatch, count: () => Counted) {
    this.#broker = broker;
    this.#client = client;
    this.#count = count;
    this.#before = count();
  }

  static async start(pids: readonly number[], count: () => Counted): Promise<Meter> {
    const broker = pids.length === 0 ? null : await UsageWatch.start(pids);
    return new Meter(broker, await UsageWatch.start([process.pid]), count);
  }

  async stop(): Promise<Measured> {
    const seconds = (performance.now() - this.#startedMs) / 1000;
    const eventLoop = performance.eventLoopUtilization(this.#loop).utilization;
    const after = this.#count();
    const counted = { messages: after.messages - this.#before.messages, bytes: after.bytes - this.#before.bytes };
    const broker = this.#broker === null ? null : await this.#broker.stop();
    const client = (await this.#client.stop()) ?? { cpuSeconds: Number.NaN, bytesWritten: 0, rssBytes: 0 };
    return { broker, client, eventLoop, seconds, counted };
  }
}
