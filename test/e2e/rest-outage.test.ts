/** A broker that dies under the gateway: an honest 503 in time, and work again when it is back, without a restart of ours. */

import { describe, expect, it } from 'vitest';
import { type BrokerKind, obtainBrokers } from '../../src/brokers/index.ts';
import { type GatewayConfigInput, startGateway } from '../../src/gateway/index.ts';
import { registered } from '../faults/registered.ts';
import { get, post } from './rest-support.ts';

/** From the death of the broker to the first answer that says so; a publish that was under way may be unknown before. */
const NOTICED_MS = 35_000;
/** From the broker's return to the first publish that is stored. */
const RECOVERED_MS = 60_000;
/** Calls that make something, also several at once, do not wait for a broker that is known to be away. */
const ADMIN_ANSWERED_MS = 3_000;

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
    await post(gateway, 'topics', { name: 'outage' });
    await post(gateway, 'subscriptions', { name: 'outage-reader', topic: 'outage', ackDeadlineMs: 300_000 });
    if (handle?.kind === 'rabbitmq')
      await registered(handle, { queues: ['sluice.s.outage-reader.all'], streams: true });
    const publish = async (id: string) =>
      await post(gateway, 'topics/outage/messages', { messages: [{ value: id, id }] });
    expect((await publish('before')).status).toBe(200);

    await brokers.killNode(kind);
    const refused = await until(NOTICED_MS, async () => {
      const answer = await publish('during');
      return answer.status === 503 ? answer : undefined;
    });
    expect(refused.json).toMatchObject({ status: 503, code: 'backend_unavailable', retryable: true });
    const askedAtMs = performance.now();
    const topics = await Promise.all(
      Array.from({ length: 5 }, async (_, index) => await post(gateway, 'topics', { name: `away-${index}` })),
    );
    expect(topics.map(({ status }) => status)).toEqual(Array.from({ length: 5 }, () => 503));
    expect(performance.now() - askedAtMs).toBeLessThan(ADMIN_ANSWERED_MS);
    expect((await get(gateway, 'livez')).status).toBe(200);
    const unready = await get(gateway, 'readyz');
    expect([unready.status, unready.json.code]).toEqual([503, 'backend_unavailable']);

    await brokers.startNode(kind);
    await until(RECOVERED_MS, async () => ((await publish('after')).status === 200 ? true : undefined));
    await until(RECOVERED_MS, async () => ((await get(gateway, 'readyz')).status === 200 ? true : undefined));

    const received = new Set<string>();
    await until(RECOVERED_MS, async () => {
      const { json } = await post(gateway, 'subscriptions/outage-reader/pull', { waitMs: 1_000 });
      for (const { ackToken, message } of json.deliveries ?? []) {
        received.add(message.id);
        await post(gateway, 'subscriptions/outage-reader/ack', { tokens: [ackToken] });
      }
      return received.has('before') && received.has('after') ? true : undefined;
    });
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
