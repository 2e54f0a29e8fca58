/** A broker that dies under the gateway: an honest 503 in time, and work again when it is back, without a restart of ours. */

import { describe, expect, it } from 'vitest';
import { type BrokerKind, obtainBrokers } from '../../src/brokers/index.ts';
import { connect } from '../../src/client/index.ts';
import { type GatewayConfigInput, startGateway } from '../../src/gateway/index.ts';

/** From the death of the broker to the first answer that says so; a publish that was under way may be unknown before. */
const NOTICED_MS = 35_000;
/** From the broker's return to the first publish that is stored. */
const RECOVERED_MS = 60_000;

/**
 * RabbitMQ 4.3 registers a new quorum queue lazily: killed with -9 in the first seconds of the queue's life, the node comes back
 * with the queue empty, confirmed messages included (seen in each of several runs; never with an older queue). There is no event
 * to wait for.
 */
const NEW_QUEUE_IS_REGISTERED_MS = 6_000;

describe.each(['rabbitmq', 'kafka'] as const)('%s is killed and comes back', (kind: BrokerKind) => {
  it('publishes are 503 and retryable while it is away; what was stored before and after is delivered', {
    timeout: 240_000,
  }, async (context) => {
    const brokers = await obtainBrokers({ want: [kind], fresh: true });
    context.onTestFinished(async () => await brokers.stop());
    const handle = brokers[kind];
    if (handle === undefined) context.skip(brokers.skipped.map(({ reason }) => reason).join('; '));
    if (handle?.source !== 'process') context.skip(`a ${kind} by ${handle?.source} is not ours to kill`);
    const config: GatewayConfigInput =
      handle?.kind === 'rabbitmq'
        ? { backend: 'rabbitmq', rabbitmq: { urls: [...handle.urls] } }
        : { backend: 'kafka', kafka: { brokers: [...(handle?.brokers ?? [])] } };
    const gateway = await startGateway({ port: 0, ...config });
    context.onTestFinished(async () => await gateway.close());
    // Its own tries would hide what this is about.
    const sluice = connect(gateway.url, { attempts: 1 });
    await sluice.topics.create({ name: 'outage' });
    await sluice.subscriptions.create({ name: 'outage-reader', topic: 'outage', ackDeadlineMs: 300_000 });
    if (kind === 'rabbitmq') await new Promise((resolve) => setTimeout(resolve, NEW_QUEUE_IS_REGISTERED_MS));
    const publish = async (id: string) => (await sluice.publishBatch('outage', [{ value: id, id }]))[0];
    const get = async (path: string): Promise<{ readonly status: number; readonly code: unknown }> => {
      const answer = await fetch(`${gateway.url}/${path}`);
      const { code } = (await answer.json()) as { readonly code?: unknown };
      return { status: answer.status, code };
    };
    expect((await publish('before'))?.kind).toBe('stored');

    await brokers.killNode(kind);
    const refused = await until(NOTICED_MS, async () => {
      const outcome = await publish('during');
      return outcome?.kind === 'refused' && outcome.error.status === 503 ? outcome : undefined;
    });
    expect(refused.error).toMatchObject({ status: 503, code: 'backend_unavailable', retryable: true });
    expect((await get('livez')).status).toBe(200);
    expect(await get('readyz')).toEqual({ status: 503, code: 'backend_unavailable' });

    await brokers.startNode(kind);
    await until(RECOVERED_MS, async () => ((await publish('after'))?.kind === 'stored' ? true : undefined));
    await until(RECOVERED_MS, async () => ((await get('readyz')).status === 200 ? true : undefined));

    const received = new Set<string | null>();
    // It waits by itself for what its backend cannot give yet.
    for await (const delivery of sluice.subscribe('outage-reader', { waitMs: 1_000, outageMs: RECOVERED_MS })) {
      received.add(delivery.message.id);
      await delivery.ack();
      if (received.has('before') && received.has('after')) break;
    }
  });
});

/** Tries until there is something to tell, or the time is over. */
async function until<T>(timeoutMs: number, attempt: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const result = await attempt();
    if (result !== undefined) return result;
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
