/**
 * Two gateways in front of one broker, as processes of their own, one of them killed with -9: any of them publishes, a token tells
 * whose it is, and the survivor takes over without losing what was stored or bringing back what was acknowledged.
 */

import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, inject, it, type TestContext } from 'vitest';
import { GatewayProcess } from '../support/gateway-process.ts';

/** From the kill to the last of its messages: Kafka misses a member after 15 s; RabbitMQ sees the connection end. */
const TAKEOVER_MS = { rabbitmq: 15_000, kafka: 45_000 } as const;
/** What was acknowledged so long before the kill never comes again: Kafka commits every 100 ms, RabbitMQ's acks travel. */
const ACK_IS_SAFE_MS = 1_000;
const MESSAGES = 400;

type Kind = 'rabbitmq' | 'kafka';

const running: GatewayProcess[] = [];
afterAll(() => {
  for (const gateway of running) gateway.kill('SIGKILL');
});

describe.concurrent('two gateways', () => {
  it.for(['rabbitmq', 'kafka'] as const)(
    'on %s: tokens tell whose they are, and the survivor of a kill -9 takes over',
    { timeout: 180_000 },
    killedBesideAnother,
  );
});

async function killedBesideAnother(kind: Kind, context: TestContext): Promise<void> {
  const address = addressOf(kind);
  if (address === undefined) context.skip(`no ${kind}`);
  const [first, second] = await Promise.all([started(kind, address, 'one'), started(kind, address, 'two')]);
  const topic = `several-${randomUUID().slice(0, 8)}`;
  const reader = `${topic}-reader`;
  expect((await first.post('topics', { name: topic, partitions: 4 })).status).toBe(201);
  expect((await first.post('subscriptions', { name: reader, topic, start: 'latest' })).status).toBe(201);
  const ids = Array.from({ length: MESSAGES }, (_, index) => `m-${index}`);
  // Both publish; the second one had to hear of the topic.
  await expect.poll(async () => (await second.get(`/v1/topics/${topic}`)).status).toBe(200);
  for (let from = 0; from < MESSAGES; from += 50) {
    const gateway = from % 100 === 0 ? first : second;
    const messages = ids.slice(from, from + 50).map((id, index) => ({ id, value: id, partition: index % 4 }));
    expect((await gateway.post(`topics/${topic}/messages`, { messages })).status).toBe(200);
  }

  const settle = async (gateway: GatewayProcess, call: string, tokens: readonly string[]) => {
    const { json } = await gateway.post(`subscriptions/${reader}/${call}`, { tokens });
    return json.results as { status: string; gateway?: string }[];
  };
  const held = (await pulled(first, reader, 20, 30_000)) as Delivered[];
  expect(held.length).toBeGreaterThan(1);
  const [token, kept] = [held[0]!.ackToken, held[1]!.ackToken];
  expect(await settle(second, 'ack', [token])).toMatchObject([{ status: 'elsewhere', gateway: 'one' }]);
  expect(await settle(second, 'nack', [token])).toMatchObject([{ status: 'elsewhere', gateway: 'one' }]);
  const forged = `${token.slice(0, -1)}${token.endsWith('A') ? 'E' : 'A'}`;
  expect(await settle(second, 'ack', [forged, 'nonsense'])).toMatchObject([
    { status: 'invalid' },
    { status: 'invalid' },
  ]);
  expect(await settle(first, 'ack', [token, token])).toMatchObject([{ status: 'ok' }, { status: 'already' }]);
  if (kind === 'kafka') {
    // What was committed, any of them can read.
    await expect.poll(async () => (await settle(second, 'ack', [token]))[0]?.status).toBe('already');
    const seek = await second.post(`subscriptions/${reader}/seek`, { to: 'earliest' });
    expect([seek.status, seek.json.code]).toEqual([409, 'subscription_in_use']);
  }

  // Both read now. The first one is killed with deliveries out, among them those that were kept.
  const ledger = new Ledger();
  ledger.acked(held[0]!.message.id);
  const readers = [ledger.read(first, reader, 150), ledger.read(second, reader, Number.POSITIVE_INFINITY)];
  await readers[0];
  first.kill('SIGKILL');
  const killedAtMs = performance.now();
  await first.exit;
  ledger.killed(killedAtMs);
  await expect
    .poll(() => ids.filter((id) => !ledger.has(id)), { timeout: TAKEOVER_MS[kind], interval: 200 })
    .toEqual([]);
  ledger.stop();
  await readers[1];
  expect(ledger.cameAgain).toEqual([]);

  const late = (await settle(second, 'ack', [kept]))[0];
  // RabbitMQ gave the message to the second one, which cannot know; on Kafka it took the partition over, with its position.
  expect(late).toMatchObject(kind === 'kafka' ? { status: 'already' } : { status: 'elsewhere', gateway: 'one' });
  const again = await started(kind, address, 'one');
  expect((await settle(again, 'ack', [kept]))[0]?.status).toBe(kind === 'kafka' ? 'already' : 'expired');
  await second.post(`topics/${topic}/messages`, { messages: [{ value: 'the last' }] });
  for (const gateway of [second, again]) {
    gateway.kill('SIGTERM');
    expect(await gateway.exit).toBe(0);
  }
}

interface Delivered {
  readonly ackToken: string;
  readonly message: { readonly id: string };
}

/** Which messages were acknowledged, and when; and those that came again although nobody may have forgotten them. */
class Ledger {
  readonly cameAgain: string[] = [];
  readonly #ackedAtMs = new Map<string, number>();
  #safeBeforeMs = Number.NEGATIVE_INFINITY;
  #isStopped = false;

  has(id: string): boolean {
    return this.#ackedAtMs.has(id);
  }

  acked(id: string): void {
    this.#ackedAtMs.set(id, Math.min(performance.now(), this.#ackedAtMs.get(id) ?? Number.POSITIVE_INFINITY));
  }

  killed(atMs: number): void {
    this.#safeBeforeMs = atMs - ACK_IS_SAFE_MS;
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** Pulls and acknowledges until so many were its own, or the gateway is gone. */
  async read(gateway: GatewayProcess, reader: string, enough: number): Promise<void> {
    let own = 0;
    while (!this.#isStopped && own < enough) {
      const deliveries = await pulled(gateway, reader, 10, 500);
      if (deliveries === undefined) return;
      for (const { message } of deliveries) {
        const ackedAtMs = this.#ackedAtMs.get(message.id);
        if (ackedAtMs !== undefined && ackedAtMs < this.#safeBeforeMs) this.cameAgain.push(message.id);
      }
      if (deliveries.length === 0) continue;
      const tokens = deliveries.map(({ ackToken }) => ackToken);
      const { json } = await gateway.post(`subscriptions/${reader}/ack`, { tokens });
      for (const [index, { status }] of (json.results as { status: string }[]).entries()) {
        if (status !== 'ok') continue;
        own += 1;
        this.acked(deliveries[index]!.message.id);
      }
    }
  }
}

/** undefined when the gateway is gone. */
async function pulled(
  gateway: GatewayProcess,
  reader: string,
  maxMessages: number,
  waitMs: number,
): Promise<Delivered[] | undefined> {
  try {
    const { json } = await gateway.post(`subscriptions/${reader}/pull`, { maxMessages, waitMs });
    return json.deliveries ?? [];
  } catch {
    return undefined;
  }
}

async function started(kind: Kind, address: readonly string[], name: string): Promise<GatewayProcess> {
  const flag = kind === 'rabbitmq' ? '--rabbitmq-url' : '--kafka-brokers';
  const gateway = await GatewayProcess.start([
    '--backend',
    kind,
    flag,
    address.join(','),
    '--port',
    '0',
    '--gateway-name',
    name,
  ]);
  running.push(gateway);
  return gateway;
}

function addressOf(kind: Kind): readonly string[] | undefined {
  return kind === 'rabbitmq' ? inject('rabbitmq')?.urls : inject('kafka')?.brokers;
}
