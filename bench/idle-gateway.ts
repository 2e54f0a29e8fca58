/** What a gateway costs that has nothing to do: `sluice serve` on Kafka with consumers on ten subscriptions, and no message. */

import { randomBytes } from 'node:crypto';
import type { BenchRow } from './row.ts';
import { againstLimit } from './rounds.ts';
import { passes, post, processorSeconds, serve } from './served.ts';

const SUBSCRIPTIONS = 10;
/** Groups are formed and what a start leaves to do is done; then it is measured. */
const SETTLE_MS = 8_000;
const MEASURE_MS = 10_000;
const ROUNDS = 3;
const CORE_PERCENT_MAX = 1;

export async function idleOnKafka(options: { readonly brokers: readonly string[] }): Promise<BenchRow> {
  const gateway = await serve(['--backend', 'kafka'], { SLUICE_KAFKA_BROKERS: options.brokers.join(',') });
  const closing = new AbortController();
  const name = `bench-idle-${randomBytes(4).toString('hex')}`;
  try {
    for (let index = 0; index < SUBSCRIPTIONS; index += 1) {
      await post(`${gateway.url}/v1/topics`, { name: `${name}-${index}` });
      await post(`${gateway.url}/v1/subscriptions`, { name: `${name}-${index}`, topic: `${name}-${index}` });
      const stream = await fetch(`${gateway.url}/v1/subscriptions/${name}-${index}/stream`, { signal: closing.signal });
      if (!stream.ok) throw new Error(`the stream answered ${stream.status}`);
    }
    await passes(SETTLE_MS);
    const percents: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const before = processorSeconds(gateway.pid);
      const startedMs = performance.now();
      await passes(MEASURE_MS);
      percents.push(((processorSeconds(gateway.pid) - before) * 100_000) / (performance.now() - startedMs));
    }
    return againstLimit(`gateway on kafka, ${SUBSCRIPTIONS} subscriptions consumed, idle: processor`, percents, {
      unit: '% of a core',
      limit: CORE_PERCENT_MAX,
    });
  } finally {
    closing.abort();
    for (let index = 0; index < SUBSCRIPTIONS; index += 1)
      await fetch(`${gateway.url}/v1/topics/${name}-${index}`, { method: 'DELETE' }).catch(() => undefined);
    await gateway.stop();
  }
}
