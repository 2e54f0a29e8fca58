import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openPort } from '../../src/adapters/index.ts';
import { limits } from '../../src/adapters/limits.ts';
import type { BrokerKind } from '../../src/brokers/index.ts';
import type { TcpProxy } from '../../src/faults/index.ts';
import { heldNoMoreThan, type Holdings, holdings } from './leaks.ts';
import { Load } from './load.ts';
import { behindProxy } from './proxied.ts';
import { keepRows, totals } from './rows.ts';
import { rounds } from './waiting.ts';

interface Trouble {
  readonly what: string;
  /** Does it to connections under load; resolves when it is over. */
  readonly done: (proxy: TcpProxy, load: Load) => Promise<void>;
}

/** Kafka's request timeout, and three heartbeats of RabbitMQ: whoever waits for a silent peer knows after this. */
const SILENCE_NOTICED_MS = 45_000;
const RECOVERED_MS = 15_000;
const MARGIN_MS = 5_000;

const troubles: readonly Trouble[] = [
  {
    what: 'slow',
    done: async (proxy, load) => {
      proxy.latencyMs = 100;
      await load.flowed(200);
      proxy.latencyMs = 0;
    },
  },
  {
    what: 'black hole',
    done: async (proxy) => {
      proxy.blackhole = true;
      await delay(3_000);
      proxy.blackhole = false;
    },
  },
  {
    what: 'slow close',
    done: async (proxy, load) => {
      proxy.closeDelayMs = 2_000;
      const before = load.notStored;
      proxy.endBroker();
      await load.untilNotStored(before, SILENCE_NOTICED_MS);
      proxy.closeDelayMs = 0;
    },
  },
  {
    what: 'half open',
    done: async (proxy, load) => {
      const before = load.notStored;
      proxy.halfOpen();
      await load.untilNotStored(before, SILENCE_NOTICED_MS);
    },
  },
];

describe('R14: connections that are slow, silent or half closed', () => {
  let before: Holdings;
  beforeAll(() => {
    before = holdings();
  });

  it.concurrent.each(['rabbitmq', 'kafka'] as const)(
    '%s: every publish is answered in its time, nothing that was stored is lost, and it heals by itself',
    { timeout: 900_000 },
    async (kind: BrokerKind) => {
      await behindProxy(kind, async ({ handle, proxy, config }) => {
        const port = await openPort({ backend: kind, config });
        const system = kind === 'kafka' ? 'kafka' : 'rabbitmq-quorum';
        const load = await Load.start(port, { system });
        await load.flowed(200);
        const recoveredMs: number[] = [];
        for (let round = 0; round < rounds(1, 3); round += 1) {
          for (const { done } of troubles) {
            await done(proxy, load);
            const overMs = performance.now();
            const { storedMs, deliveredMs } = await load.recovered(overMs, 60_000);
            recoveredMs.push(Math.max(storedMs, deliveredMs));
            await load.flowed(100);
          }
        }
        const { none, key } = await load.audit();
        const slowest = Math.max(...Object.values(load.slowestMs));
        const row = {
          fault: 'R14' as const,
          system: `${system} ${handle.version}`,
          rounds: `${rounds(1, 3)} x ${troubles.map(({ what }) => what).join(', ')}`,
          ...totals([none, key]),
          recoveredMs,
          notes: `slowest answer ${(slowest / 1_000).toFixed(1)} s`,
        };
        keepRows(inject('faultResultsDir'), [row]);
        await load.end();
        await port.close();
        expect(row).toMatchObject({ lost: 0, phantom: 0, refusedButThere: 0, reordered: 0 });
        expect(slowest).toBeLessThan(limits.publishTimeoutMs + MARGIN_MS);
        expect(Math.max(...recoveredMs)).toBeLessThan(RECOVERED_MS);
      });
    },
  );

  afterAll(async () => {
    await heldNoMoreThan(before);
  });
});
