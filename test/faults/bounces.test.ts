import { beforeAll, describe, expect, inject, it } from 'vitest';
import { openPort } from '../../src/adapters/index.ts';
import type { MessagingPort } from '../../src/adapters/port.ts';
import { type BrokerKind, type EndingSignal, obtainBrokers } from '../../src/brokers/index.ts';
import { heldNoMoreThan, type Holdings, holdings, watchListeners } from './leaks.ts';
import { Load } from './load.ts';
import { type FaultRow, keepRows, totals } from './rows.ts';
import { registered } from './registered.ts';
import { configOf, requireProcess, systemsOf } from './systems.ts';
import { rounds } from './waiting.ts';

const RECOVERED_MS = 10_000;
const NOTICED_MS = 20_000;
const ADMIN_ANSWERED_MS = 3_000;
const resultsDir = inject('faultResultsDir');

describe('R10: a broker that ends under load and comes back', () => {
  let before: Holdings;
  let listeners: ReturnType<typeof watchListeners>;

  beforeAll(() => {
    before = holdings();
    listeners = watchListeners();
  });

  it.concurrent.each(['rabbitmq', 'kafka'] as const)(
    '%s: nothing that was stored is lost, it is well again within 10 s',
    { timeout: 900_000 },
    async (kind: BrokerKind) => {
      const brokers = await obtainBrokers({ want: [kind], fresh: true });
      try {
        const handle = requireProcess(brokers, kind);
        if (handle === null) return;
        const port = await openPort({ backend: kind, config: configOf(handle) });
        const loads: Load[] = [];
        for (const { system, topic } of systemsOf(kind)) loads.push(await Load.start(port, { system, topic }));
        await Promise.all(loads.map((load) => load.flowed(500)));
        if (handle.kind === 'rabbitmq') {
          const quorum = loads.filter(({ system }) => system === 'rabbitmq-quorum');
          await registered(handle, { queues: quorum.flatMap(({ subscriptions }) => subscriptions), streams: true });
        }

        const signals: EndingSignal[] = ['SIGTERM', 'SIGKILL'];
        const recoveredMs = new Map<string, number[]>();
        for (let round = 0; round < rounds(1, 5); round += 1) {
          for (const signal of signals) {
            const failures = loads.map(({ notStored }) => notStored);
            await brokers.killNode(kind, 0, signal);
            const outage = loads.map((load, index) => load.untilNotStored(failures[index] ?? 0, NOTICED_MS));
            await Promise.all(outage);
            expect(await port.health()).toMatchObject({ ok: false });
            await refusedSoon(port);
            await brokers.startNode(kind);
            const answersAtMs = performance.now();
            for (const { load, recovery } of await Promise.all(
              loads.map(async (load) => ({ load, recovery: await load.recovered(answersAtMs, 60_000) })),
            )) {
              const key = `${load.system} ${signal}`;
              recoveredMs.set(key, [
                ...(recoveredMs.get(key) ?? []),
                Math.max(recovery.storedMs, recovery.deliveredMs),
              ]);
            }
            await Promise.all(loads.map((load) => load.flowed(200)));
            expect(await port.health()).toMatchObject({ ok: true });
          }
        }

        const rows: FaultRow[] = [];
        for (const load of loads) {
          const { none, key } = await load.audit();
          rows.push({
            fault: 'R10',
            system: `${load.system} ${handle.version}`,
            rounds: `${rounds(1, 5)} x SIGTERM, ${rounds(1, 5)} x SIGKILL`,
            ...totals([none, key]),
            recoveredMs: signals.flatMap((signal) => recoveredMs.get(`${load.system} ${signal}`) ?? []),
            notes: `slowest answer: stored ${load.slowestMs.stored} ms, refused ${load.slowestMs.refused} ms, unknown ${load.slowestMs.unknown} ms`,
          });
          if (kind === 'kafka') expect(await load.misplaced()).toEqual([]);
          await load.end();
        }
        await port.close();
        keepRows(resultsDir, rows);
        for (const row of rows) {
          expect(row, row.system).toMatchObject({ lost: 0, phantom: 0, refusedButThere: 0, reordered: 0 });
          expect(Math.max(...row.recoveredMs), row.system).toBeLessThan(RECOVERED_MS);
        }
      } finally {
        await brokers.stop();
      }
    },
  );

  /** Many callers at once: none waits for the others. */
  async function refusedSoon(port: MessagingPort): Promise<void> {
    const askedAtMs = performance.now();
    const calls = Array.from({ length: 10 }, async (_, index) => await port.createTopic({ name: `away-${index}` }));
    for (const call of await Promise.allSettled(calls)) {
      expect(call).toMatchObject({ status: 'rejected', reason: { code: 'backend_unavailable', httpStatus: 503 } });
    }
    expect(performance.now() - askedAtMs).toBeLessThan(ADMIN_ANSWERED_MS);
  }

  it('leaves no timer, no socket and no listener behind', async () => {
    listeners.stop();
    expect(listeners.warnings).toEqual([]);
    await heldNoMoreThan(before);
  });
});
