/** What a process holds: timers, sockets, listeners. Taken before and after a fault, it shows what was left behind. */

import { until } from './waiting.ts';

/** By kind; timers of vitest and of waiting here come and go, so a comparison waits for the moment when all are gone. */
export type Holdings = Readonly<Record<string, number>>;

export function holdings(): Holdings {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  for (const event of process.eventNames()) counts[`process.on ${String(event)}`] = process.listenerCount(event);
  return counts;
}

/** Resolves when the process holds no more of anything than `before`; else fails with what is too much. */
export async function heldNoMoreThan(before: Holdings, withinMs = 15_000): Promise<void> {
  const excess = (): string[] =>
    Object.entries(holdings())
      .filter(([kind, count]) => isOfConnections(kind) && count > (before[kind] ?? 0))
      .map(([kind, count]) => `${count - (before[kind] ?? 0)} x ${kind}`);
  await until(
    () => `nothing is left behind, but there are ${excess().join(', ')}`,
    () => excess().length === 0,
    withinMs,
  );
}

/** File requests and the like belong to whoever runs the test. */
function isOfConnections(kind: string): boolean {
  return /^(Timeout|Immediate|TCP|TTY|GetAddrInfo|process\.on)/.test(kind) && !kind.startsWith('TTY');
}

/** Collects warnings of too many listeners on one emitter while it is watched. */
export function watchListeners(): { readonly warnings: string[]; stop(): void } {
  const warnings: string[] = [];
  const onWarning = (warning: Error): void => {
    if (warning.name === 'MaxListenersExceededWarning') warnings.push(warning.message);
  };
  process.on('warning', onWarning);
  return { warnings, stop: () => void process.off('warning', onWarning) };
}
