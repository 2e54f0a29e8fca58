/**
 * Who looks at what broker and generator use. The generator does not look itself: the process that started it does, which has nothing
 * else to do meanwhile. In tests, and for what runs in the process of its caller, that one looks.
 */

import { type Usage, UsageWatch } from './process-usage.ts';

export interface UsageObserver {
  /** From now on. */
  watch(): UsageWatching;
}

export interface UsageWatching {
  /** Resolves with what was used until now; once. */
  stop(): Promise<ObservedUsage>;
}

export interface ObservedUsage {
  /** null where there is no broker process to see. */
  readonly broker: Usage | null;
  readonly client: Usage;
  /** Between the two looks, by the clock of the one who looked. */
  readonly seconds: number;
}

/** `client` is this process by default. */
export function observeHere(
  brokerPids: readonly number[],
  clientPids: readonly number[] = [process.pid],
): UsageObserver {
  return {
    watch() {
      const startedMs = performance.now();
      const broker = brokerPids.length === 0 ? null : new UsageWatch(brokerPids);
      const client = new UsageWatch(clientPids);
      return {
        stop: () =>
          Promise.resolve({
            broker: broker === null ? null : broker.stop(),
            client: client.stop() ?? { cpuSeconds: Number.NaN, bytesWritten: 0, rssBytes: 0 },
            seconds: (performance.now() - startedMs) / 1000,
          }),
      };
    },
  };
}
