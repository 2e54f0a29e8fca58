import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, inject, it } from 'vitest';
import { openPort } from '../../src/adapters/index.ts';
import { limits } from '../../src/adapters/limits.ts';
import { type BrokerKind, obtainBrokers } from '../../src/brokers/index.ts';
import { CutNetwork } from '../../src/faults/index.ts';
import { Load } from './load.ts';
import { keepRows, totals } from './rows.ts';
import { configOf, requireProcess } from './systems.ts';
import { rounds } from './waiting.ts';

const SECOND = 1_000;
/** TCP itself tries again after up to twice the time that the network was away. */
const RECOVERED_MS = 30 * SECOND;
/** A timer of 30 s on a busy machine. */
const MARGIN_MS = 5 * SECOND;
const resultsDir = inject('faultResultsDir');
const obstacle = await CutNetwork.obstacle();

describe.skipIf(obstacle !== null)(`R12: the network is cut${obstacle === null ? '' : ` (${obstacle})`}`, () => {
  it.concurrent.each(['rabbitmq', 'kafka'] as const)(
    '%s: each publish is answered in time, nothing that was stored is lost, and it heals by itself',
    { timeout: 900_000 },
    async (kind: BrokerKind) => {
      await using network = await CutNetwork.make();
      const brokers = await obtainBrokers({ want: [kind], network, fresh: true });
      try {
        const handle = requireProcess(brokers, kind);
        if (handle === null) return;
        const port = await openPort({ backend: kind, config: configOf(handle) });
        const system = kind === 'kafka' ? 'kafka' : 'rabbitmq-quorum';
        const load = await Load.start(port, { system });
        await load.flowed(500);
        const recoveredMs: number[] = [];
        const cuts = rounds(1, 2) === 1 ? [10] : [10, 30];
        for (const seconds of cuts) {
          await network.cut();
          const stored = load.stored;
          await delay(seconds * SECOND);
          expect(load.stored - stored, 'a cut network passes nothing but what was under way').toBeLessThan(500);
          await network.restore();
          const restoredMs = performance.now();
          const { storedMs, deliveredMs } = await load.recovered(restoredMs, 60 * SECOND);
          recoveredMs.push(Math.max(storedMs, deliveredMs));
          await load.flowed(500);
        }
        const { none, key } = await load.audit();
        const slowest = Math.max(...Object.values(load.slowestMs));
        const row = {
          fault: 'R12-cut' as const,
          system: `${system} ${handle.version}`,
          rounds: cuts.map((seconds) => `${seconds} s`).join(', '),
          ...totals([none, key]),
          recoveredMs,
          notes: `slowest answer ${(slowest / SECOND).toFixed(1)} s`,
        };
        keepRows(resultsDir, [row]);
        await load.end();
        await port.close();
        expect(row).toMatchObject({ lost: 0, phantom: 0, refusedButThere: 0, reordered: 0 });
        expect(slowest).toBeLessThan(limits.publishTimeoutMs + MARGIN_MS);
        expect(Math.max(...recoveredMs)).toBeLessThan(RECOVERED_MS);
      } finally {
        await brokers.stop();
      }
    },
  );
});
