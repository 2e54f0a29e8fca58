import { describe, expect, inject, it } from 'vitest';
import { openPort } from '../../src/adapters/index.ts';
import { type BrokerKind, obtainBrokers } from '../../src/brokers/index.ts';
import { Load } from './load.ts';
import { keepRows, totals } from './rows.ts';
import { configOf, requireProcess } from './systems.ts';
import { rounds } from './waiting.ts';

/** Kafka's `broker.session.timeout.ms`: a leader that is silent is replaced after it, never sooner. */
const KAFKA_SESSION_MS = 9_000;
const FAILED_OVER_MS = { rabbitmq: 10_000, kafka: KAFKA_SESSION_MS + 10_000 };
const NODES = 3;
const resultsDir = inject('faultResultsDir');

describe('R13: a cluster of three, whose leader is killed with -9 under load', () => {
  it.concurrent.each(['rabbitmq', 'kafka'] as const)(
    '%s: nothing that was stored on three nodes is lost, and the others go on',
    { timeout: 900_000 },
    async (kind: BrokerKind) => {
      const brokers = await obtainBrokers({ want: [kind], nodes: NODES, fresh: true });
      try {
        const handle = requireProcess(brokers, kind);
        if (handle === null) return;
        const port = await openPort({ backend: kind, config: configOf(handle) });
        const system = kind === 'kafka' ? 'kafka' : 'rabbitmq-quorum';
        const load = await Load.start(port, { system, topic: { replicas: NODES } });
        await load.flowed(500);
        const [outcome] = await port.publish(load.topic, [{ value: 'how many copies?' }], { minCopies: NODES });
        expect(outcome).toMatchObject({ kind: 'stored', durability: { copies: NODES } });

        const recoveredMs: number[] = [];
        const led = kind === 'kafka' ? load.topic : `sluice.s.${load.subscriptions[0]}.all`;
        for (let round = 0; round < rounds(1, 5); round += 1) {
          const leader = await brokers.leaderOf(kind, led);
          const killedAtMs = performance.now();
          await brokers.killNode(kind, leader);
          const { storedMs, deliveredMs } = await load.recovered(killedAtMs, 60_000);
          recoveredMs.push(Math.max(storedMs, deliveredMs));
          await load.flowed(500);
          expect(await brokers.leaderOf(kind, led)).not.toBe(leader);
          await brokers.startNode(kind, leader);
          await load.flowed(500);
        }

        const { none, key } = await load.audit();
        const row = {
          fault: 'R13' as const,
          system: `${system} ${handle.version}, 3 nodes`,
          rounds: `${rounds(1, 5)} x leader killed`,
          ...totals([none, key]),
          recoveredMs,
          notes: `from the kill, the node still away; slowest answer: stored ${load.slowestMs.stored} ms, unknown ${load.slowestMs.unknown} ms`,
        };
        keepRows(resultsDir, [row]);
        await load.end();
        await port.close();
        expect(row).toMatchObject({ lost: 0, refusedButThere: 0, reordered: 0 });
        expect(Math.max(...recoveredMs)).toBeLessThan(FAILED_OVER_MS[kind]);
      } finally {
        await brokers.stop();
      }
    },
  );
});
