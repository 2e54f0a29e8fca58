/**
 * A broker that hangs (SIGSTOP) and one that dies (SIGKILL) under the gateway, with streams of all three kinds open: readiness says why,
 * publishes are answered in time and honestly, streams stay and say what happened, and all of it goes on when the broker is
 * back, without a restart of ours.
 */

import { expect, it, onTestFinished } from 'vitest';
import { limits } from '../../src/adapters/index.ts';
import { type BrokerKind, obtainBrokers, type ObtainedBrokers } from '../../src/brokers/index.ts';
import { type Gateway, type GatewayConfigInput, startGateway } from '../../src/gateway/index.ts';
import { connect } from '../gateway/grpc/support.ts';
import { openEvents, openPull, openSocket } from '../support/stream-clients.ts';
import { registered } from '../faults/registered.ts';
import { get, post } from './rest-support.ts';

/** From the fault to a `/readyz` that says so: a probe waits 2 s. */
const UNREADY_MS = 10_000;
/** From the fault to the streams' frame that says so: they are looked after every 2 s. */
const TOLD_MS = 15_000;
/** From the death of the broker to the first answer that says so; a publish that was under way may be unknown before. */
const NOTICED_MS = 35_000;
/** From the broker's return to the first publish that is stored. */
const RECOVERED_MS = 60_000;

/** Calls that make something, also several at once, do not wait for a broker that is known to be away. */
const ADMIN_ANSWERED_MS = 3_000;

// Side by side: most of it is waiting for a broker.
it('a broker that hangs, then dies, and comes back each time', { timeout: 300_000 }, async (context) => {
  const worlds = await Promise.all((['rabbitmq', 'kafka'] as const).map(started));
  const there = worlds.filter((world) => world !== undefined);
  if (there.length === 0) context.skip('no broker that could be stopped');
  await Promise.all(there.map(outages));
});

interface World {
  readonly kind: BrokerKind;
  readonly brokers: ObtainedBrokers;
  readonly gateway: Gateway;
}

async function started(kind: BrokerKind): Promise<World | undefined> {
  const brokers = await obtainBrokers({ want: [kind], fresh: true });
  onTestFinished(async () => await brokers.stop());
  const handle = brokers[kind];
  if (handle?.source !== 'process') return undefined;
  const config: GatewayConfigInput =
    handle.kind === 'rabbitmq'
      ? { backend: 'rabbitmq', rabbitmq: { urls: [...handle.urls] } }
      : { backend: 'kafka', kafka: { brokers: [...handle.brokers] } };
  const gateway = await startGateway({ port: 0, ...config });
  onTestFinished(async () => await gateway.close());
  return { kind, brokers, gateway };
}

async function outages({ kind, brokers, gateway }: World): Promise<void> {
  const what = (text: string): string => `${kind}: ${text}`;
  await post(gateway, 'topics', { name: 'outage' });
  const subscriptions = ['pulled', 'events', 'socket', 'grpc'];
  for (const name of subscriptions)
    await post(gateway, 'subscriptions', { name, topic: 'outage', ackDeadlineMs: 300_000 });
  const clients = connect(gateway.grpcAddress ?? '');
  onTestFinished(() => {
    for (const client of Object.values(clients)) client.close();
  });
  const events = await openEvents(gateway, 'events', { query: '?ack=manual' });
  const socket = await openSocket(gateway, 'socket');
  socket.send({ start: { credit: { messages: 1_000 } } });
  const pull = openPull(clients, { subscription: 'grpc', credit: { messages: 1_000 } });
  const streams = [
    { name: 'SSE', backend: events.backend, ids: () => events.messages().map(({ data }) => idOf(JSON.parse(data))) },
    { name: 'WebSocket', backend: socket.backend, ids: () => socket.deliveries().map(idOf) },
    { name: 'gRPC', backend: pull.backend, ids: () => pull.ids },
  ];
  const publish = async (id: string) =>
    await post(gateway, 'topics/outage/messages', { messages: [{ value: id, id }] });
  const isReady = async (): Promise<boolean> => (await get(gateway, 'readyz')).status === 200;
  const away = async (): Promise<void> => {
    const unready = await until(what('unready'), UNREADY_MS, async () => {
      const answer = await get(gateway, 'readyz');
      return answer.status === 503 ? answer : undefined;
    });
    expect(unready.json, kind).toMatchObject({ code: 'backend_unavailable', detail: expect.stringMatching(/./) });
    expect((await get(gateway, 'livez')).status).toBe(200);
    for (const { name, backend } of streams)
      await until(what(`${name} is told that it is away`), TOLD_MS, () =>
        backend().at(-1)?.ok === false ? true : undefined,
      );
  };
  const goesOn = async (id: string): Promise<void> => {
    await until(what(`stored: ${id}`), RECOVERED_MS, async () =>
      (await publish(id)).status === 200 ? true : undefined,
    );
    await until(what('ready'), RECOVERED_MS, async () => ((await isReady()) ? true : undefined));
    for (const { name, ids } of streams)
      await until(what(`${name} goes on with ${id}`), RECOVERED_MS, () => (ids().includes(id) ? true : undefined));
  };
  const back = async (id: string): Promise<void> => {
    await goesOn(id);
    for (const { name, backend } of streams)
      await until(what(`${name} is told that it is back`), TOLD_MS, () =>
        backend().at(-1)?.ok === true ? true : undefined,
      );
  };

  await goesOn('before');
  if (brokers.rabbitmq !== undefined)
    await registered(brokers.rabbitmq, {
      queues: subscriptions.map((name) => `sluice.s.${name}.all`),
      streams: true,
    });

  // It hangs: what was sent to it may be stored, and that is what is said.
  const pid = brokers[kind]?.nodes[0]?.pid ?? 0;
  process.kill(pid, 'SIGSTOP');
  const stoppedAt = performance.now();
  const hanging = publish('while it hangs');
  await away();
  const answer = await hanging;
  expect(performance.now() - stoppedAt, kind).toBeLessThan(limits.publishTimeoutMs + 5_000);
  expect([503, 504], JSON.stringify(answer.json)).toContain(answer.status);
  expect(answer.json).toMatchObject({ retryable: true });
  process.kill(pid, 'SIGCONT');
  await back('after the stop');

  // It dies: after a moment it is certain that nothing is stored.
  await brokers.killNode(kind);
  const refused = await until(what('503'), NOTICED_MS, async () => {
    const during = await publish('while it is dead');
    return during.status === 503 ? during : undefined;
  });
  expect(refused.json, kind).toMatchObject({ code: 'backend_unavailable', retryable: true });
  const askedAtMs = performance.now();
  const topics = await Promise.all(
    Array.from({ length: 5 }, async (_, index) => await post(gateway, 'topics', { name: `away-${index}` })),
  );
  expect(topics.map(({ status }) => status)).toEqual(Array.from({ length: 5 }, () => 503));
  expect(performance.now() - askedAtMs).toBeLessThan(ADMIN_ANSWERED_MS);
  await away();
  await brokers.startNode(kind);
  await back('after the kill');

  const received = new Set<string>();
  await until(what('all that was stored is pulled'), RECOVERED_MS, async () => {
    const { json } = await post(gateway, 'subscriptions/pulled/pull', { waitMs: 1_000 });
    for (const { ackToken, message } of json.deliveries ?? []) {
      received.add(message.id);
      await post(gateway, 'subscriptions/pulled/ack', { tokens: [ackToken] });
    }
    return ['before', 'after the stop', 'after the kill'].every((id) => received.has(id)) ? true : undefined;
  });
}

function idOf({ message }: { readonly message: { readonly id: string } }): string {
  return message.id;
}

/** Tries until there is something to tell, or the time is over. */
async function until<T>(
  what: string,
  timeoutMs: number,
  attempt: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const result = await attempt();
    if (result !== undefined) return result;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
