/** The process of the generator: clients, plans, books and histograms; what is used meanwhile is for its parent to look at. It ends with it. */

import { generatorCeiling } from '../load/generator-ceiling.ts';
import { measureWith } from '../load/measure-cell.ts';
import { openTarget } from '../remote/index.ts';
import { NotMeasurable } from '../load/workload-run.ts';
import type { ObservedUsage, UsageObserver } from '../usage/usage-observer.ts';
import type { Wire } from '../systems/wire.ts';
import type { WorkloadSpec } from '../workloads/index.ts';
import type { CellAnswer, CellOrder, FromGenerator, ToGenerator } from './protocol.ts';

const clients = new Map<string, Wire>();
const waiting = new Map<number, (usage: ObservedUsage) => void>();
let lastWatch = 0;
let warmRounds = 0;
const warmRoundsLeast = 2;

process.on('message', (message: ToGenerator) => void take(message));
process.on('disconnect', () => process.exit(0));
// Ctrl-C goes to the whole group of processes: what ends the run, and when, is for the parent to decide.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});

/** A parent that was killed is told by the end of the channel, and not by a failed write. */
function tell(message: FromGenerator): void {
  if (process.connected) process.send?.(message, () => {});
}

async function take(message: ToGenerator): Promise<void> {
  if (message.call === 'used') {
    waiting.get(message.watch)?.(message.usage);
    waiting.delete(message.watch);
    return;
  }
  try {
    tell({ kind: 'answer', id: message.id, value: await answer(message) });
  } catch (reason) {
    tell({ kind: 'failed', id: message.id, message: reason instanceof Error ? reason.message : String(reason) });
  }
}

async function answer(message: Exclude<ToGenerator, { call: 'used' }>): Promise<unknown> {
  switch (message.call) {
    case 'open':
      clients.set(message.client, await openTarget(message.target));
      return null;
    case 'ceiling':
      return await ceilingOf(message.spec);
    case 'measure':
      return await measured(message.cell);
    case 'close':
      await Promise.all([...clients.values()].map(async (wire) => await wire.close().catch(() => undefined)));
      return null;
  }
}

/** The first rounds of a process that has just started are slower by a third: what limits a cell later is what it does when it is warm. */
async function ceilingOf(spec: WorkloadSpec): Promise<number> {
  for (; warmRounds < warmRoundsLeast; warmRounds++) await generatorCeiling(spec);
  return await generatorCeiling(spec);
}

async function measured({ client, ...question }: CellOrder): Promise<CellAnswer> {
  const wire = clients.get(client);
  if (wire === undefined) throw new Error(`there is no client ${client}`);
  const measure = measureWith({ wire, pids: [], usage: parentLooks });
  try {
    return await measure({ ...question, onSample: (point) => tell({ kind: 'point', point }) });
  } catch (reason) {
    if (reason instanceof NotMeasurable) return { notMeasurable: reason.message };
    throw reason;
  }
}

const parentLooks: UsageObserver = {
  watch() {
    const watch = ++lastWatch;
    tell({ kind: 'watch', watch });
    return {
      stop: async () =>
        await new Promise<ObservedUsage>((resolve) => {
          waiting.set(watch, resolve);
          tell({ kind: 'unwatch', watch });
        }),
    };
  },
};
