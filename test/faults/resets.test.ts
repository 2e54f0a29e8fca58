import { describe, expect, inject, it } from 'vitest';
import { openPort } from '../../src/adapters/index.ts';
import type { BrokerKind } from '../../src/brokers/index.ts';
import type { Direction } from '../../src/faults/index.ts';
import { Load } from './load.ts';
import { behindProxy } from './proxied.ts';
import { keepRows, totals } from './rows.ts';
import { rounds, until } from './waiting.ts';

/** More than a handshake has, so that the last resets hit what comes after it. */
const HANDSHAKE_BYTES = 1_024;
/** More than one publish of the load has. */
const PUBLISH_BYTES = 4_096;
const STEP_BYTES = 64;
const PLAN_AGAIN_MS = 4_000;
const directions: readonly Direction[] = ['toBroker', 'toClient'];
const resultsDir = inject('faultResultsDir');

describe('R11: a proxy that resets connections after so many bytes', () => {
  it.concurrent.each(['rabbitmq', 'kafka'] as const)(
    '%s: wherever a handshake or a publish is cut, all settles and the next connection works',
    { timeout: 900_000 },
    async (kind: BrokerKind) => {
      await behindProxy(kind, async ({ handle, proxy, config }) => {
        const port = await openPort({ backend: kind, config });
        const system = kind === 'kafka' ? 'kafka' : 'rabbitmq-quorum';
        const load = await Load.start(port, { system, lanes: 2 });
        await load.flowed(100);
        let resets = 0;
        for (const direction of directions) {
          for (let bytes = 0; bytes <= HANDSHAKE_BYTES; bytes += STEP_BYTES) {
            const plan = proxy.resetNext(direction, bytes);
            proxy.cut();
            await until(`a reset after ${bytes} bytes ${direction} of a new connection`, () => plan.hasFired);
            resets += 1;
          }
        }
        await load.flowed(100);
        for (const direction of directions) {
          for (let bytes = 0; bytes <= PUBLISH_BYTES; bytes += rounds(4 * STEP_BYTES, STEP_BYTES)) {
            await until('a connection', () => proxy.clients > 1);
            let plan = proxy.resetOpen(direction, bytes);
            let plannedMs = performance.now();
            await until(`a reset after ${bytes} more bytes ${direction}`, () => {
              // The client may have given those up that were open then, for the one that was reset before.
              if (!plan.hasFired && performance.now() - plannedMs > PLAN_AGAIN_MS) {
                plan = proxy.resetOpen(direction, bytes);
                plannedMs = performance.now();
              }
              return plan.hasFired;
            });
            resets += 1;
          }
        }
        const healedMs = performance.now();
        const { storedMs, deliveredMs } = await load.recovered(healedMs, 30_000);
        const { none, key } = await load.audit();
        const row = {
          fault: 'R11' as const,
          system: `${system} ${handle.version}`,
          rounds: `${resets} resets`,
          ...totals([none, key]),
          recoveredMs: [Math.max(storedMs, deliveredMs)],
          notes: 'recovery after the last reset',
        };
        keepRows(resultsDir, [row]);
        await load.end();
        await port.close();
        expect(row).toMatchObject({ lost: 0, phantom: 0, refusedButThere: 0, reordered: 0 });
        expect(row.recoveredMs[0]).toBeLessThan(10_000);
      });
    },
  );
});
