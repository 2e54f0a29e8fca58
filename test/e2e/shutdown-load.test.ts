/**
 * `sluice serve` told to end under load, again and again on the same data, with every door in use: it ends with 0 in under ten
 * seconds, no client sees a reset, and afterwards nothing that was answered is lost and nothing that was acknowledged comes again.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ServiceError, status } from '@grpc/grpc-js';
import { expect, it, onTestFinished } from 'vitest';
import { connect } from '../gateway/grpc/support.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { openEvents, openPull, openSocket } from '../support/stream-clients.ts';

const ROUNDS = process.env['SLUICE_LONG'] === '1' ? 100 : 5;
const READERS = ['polled', 'socket', 'pulled', 'events'] as const;
const SHUTDOWN_MS = 10_000;
const PUBLISHERS = 4;
/** Messages stored before the signal, by REST and by gRPC each; then all doors are in use for certain. */
const ENOUGH = 150;

it(`serve ends well under load, ${ROUNDS} times`, { timeout: ROUNDS * 30_000 }, async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-shutdown-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const ledger = new Ledger();
  for (let round = 0; round < ROUNDS; round += 1) {
    const gateway = await start(dataDir);
    if (round === 0) await setUp(gateway);
    const load = new Load(gateway, ledger, round);
    await load.isUnderWay();
    const signalledAt = performance.now();
    gateway.kill('SIGTERM');
    expect(await gateway.exit, gateway.output).toBe(0);
    expect(performance.now() - signalledAt).toBeLessThan(SHUTDOWN_MS);
    await load.ended();
    expect(ledger.surprises).toEqual([]);
  }
  const last = await start(dataDir);
  await ledger.checkStored(last);
  await ledger.drain(last);
  expect(ledger.surprises).toEqual([]);
  for (const reader of READERS) expect(ledger.acked(reader).size, reader).toBeGreaterThan(0);
  expect(ledger.draining, 'answers and streams that said `draining`').toBeGreaterThan(ROUNDS);
});

async function start(dataDir: string): Promise<GatewayProcess> {
  const gateway = await GatewayProcess.start(['--data-dir', dataDir, '--port', '0', '--durability', 'os']);
  onTestFinished(() => gateway.kill('SIGKILL'));
  return gateway;
}

async function setUp(gateway: GatewayProcess): Promise<void> {
  await gateway.post('topics', { name: 'orders', partitions: 2 });
  for (const name of READERS) {
    const answer = await gateway.post('subscriptions', {
      name,
      topic: 'orders',
      start: 'earliest',
      ackDeadlineMs: 600_000,
    });
    expect(answer.status).toBe(201);
  }
}

/** What was promised to whom. */
class Ledger {
  readonly surprises: string[] = [];
  draining = 0;
  readonly #stored = new Set<string>();
  readonly #acked = new Map<string, Set<string>>(READERS.map((reader) => [reader, new Set<string>()]));
  readonly #seen = new Map<string, Set<string>>(READERS.map((reader) => [reader, new Set<string>()]));

  stored(id: string): void {
    this.#stored.add(id);
  }

  acked(reader: string): Set<string> {
    return this.#acked.get(reader) as Set<string>;
  }

  delivered(reader: string, id: string): void {
    if (this.acked(reader).has(id)) this.surprises.push(`${id} was acknowledged on ${reader}, and came again`);
    this.#seen.get(reader)?.add(id);
  }

  surprise(where: string, reason: unknown): void {
    const { message, cause } = reason as Error & { cause?: { code?: string } };
    this.surprises.push(`${where}: ${message} ${cause?.code ?? ''}`);
  }

  async checkStored(gateway: GatewayProcess): Promise<void> {
    const found = new Set<string>();
    for (const partition of [0, 1]) {
      for (let from = 0; ; ) {
        const { json } = await gateway.get(
          `/v1/topics/orders/partitions/${partition}/messages?from=${from}&limit=1000`,
        );
        for (const { id } of json.messages) found.add(id);
        if (json.messages.length === 0) break;
        from = json.next;
      }
    }
    expect([...this.#stored].filter((id) => !found.has(id))).toEqual([]);
  }

  /** All that is stored and was not acknowledged still comes, to each reader. */
  async drain(gateway: GatewayProcess): Promise<void> {
    for (const reader of READERS) {
      for (;;) {
        const { json } = await gateway.post(`subscriptions/${reader}/pull`, { maxMessages: 1_000, waitMs: 300 });
        if (json.deliveries.length === 0) break;
        for (const { message } of json.deliveries) this.delivered(reader, message.id);
        await gateway.post(`subscriptions/${reader}/ack`, {
          tokens: json.deliveries.map(({ ackToken }: { ackToken: string }) => ackToken),
        });
      }
      const missing = [...this.#stored].filter((id) => !this.#seen.get(reader)?.has(id));
      // Events with ack=auto are acknowledged when they have left: what was on the wire to a client that is gone needs its cursor.
      if (reader !== 'events') expect(missing, `never came to ${reader}`).toEqual([]);
    }
  }
}

/** Every door of one gateway in use, until it says that it ends. */
class Load {
  readonly #gateway: GatewayProcess;
  readonly #ledger: Ledger;
  readonly #round: number;
  readonly #work: Promise<void>[];
  #byRest = 0;
  #byGrpc = 0;

  constructor(gateway: GatewayProcess, ledger: Ledger, round: number) {
    this.#gateway = gateway;
    this.#ledger = ledger;
    this.#round = round;
    const clients = connect(gateway.grpcAddress);
    onTestFinished(() => {
      for (const client of Object.values(clients)) client.close();
    });
    this.#work = [
      ...Array.from({ length: PUBLISHERS }, async (_, publisher) => await this.#publish(publisher)),
      ...[0, 1].map(async () => await this.#poll()),
      this.#events(),
      this.#socket(),
      this.#publishStream(clients),
      this.#pull(clients),
    ];
  }

  async isUnderWay(): Promise<void> {
    await expect
      .poll(() => Math.min(this.#byRest, this.#byGrpc), { timeout: 30_000, interval: 20 })
      .toBeGreaterThan(ENOUGH);
  }

  async ended(): Promise<void> {
    await Promise.all(this.#work);
  }

  /** The answer; undefined once it is `draining`, or the gateway does not listen any more. A reset is a surprise. */
  async #post(path: string, body: unknown) {
    try {
      const answer = await this.#gateway.post(path, body);
      if (answer.status < 300) return answer.json;
      if (answer.json.code === 'draining') this.#ledger.draining += 1;
      else this.#ledger.surprises.push(`${path}: ${answer.status} ${JSON.stringify(answer.json)}`);
    } catch (reason) {
      const { code } = (reason as { cause?: { code?: string } }).cause ?? {};
      if (code !== 'ECONNREFUSED') this.#ledger.surprise(path, reason);
    }
    return undefined;
  }

  async #publish(publisher: number): Promise<void> {
    for (let call = 0; ; call += 1) {
      const ids = [0, 1, 2].map((index) => `${this.#round}.${publisher}.${call}.${index}`);
      const answer = await this.#post('topics/orders/messages', { messages: ids.map((id) => ({ id, value: id })) });
      if (answer === undefined) return;
      for (const id of ids) this.#ledger.stored(id);
      this.#byRest += ids.length;
    }
  }

  async #poll(): Promise<void> {
    for (;;) {
      const pulled = await this.#post('subscriptions/polled/pull', { maxMessages: 20, waitMs: 20_000 });
      if (pulled === undefined) return;
      const deliveries = pulled.deliveries as { ackToken: string; message: { id: string } }[];
      for (const { message } of deliveries) this.#ledger.delivered('polled', message.id);
      if (deliveries.length === 0) continue;
      const tokens = deliveries.map(({ ackToken }) => ackToken);
      const settled = await this.#post('subscriptions/polled/ack', { tokens });
      for (const [index, { status: told }] of (settled?.results ?? []).entries())
        if (told === 'ok') this.#ledger.acked('polled').add(deliveries[index]?.message.id ?? '');
    }
  }

  async #events(): Promise<void> {
    const client = await openEvents(this.#gateway, 'events');
    await client.closed;
    for (const { data } of client.messages()) {
      const { id } = JSON.parse(data) as { id: string };
      this.#ledger.delivered('events', id);
      this.#ledger.acked('events').add(id);
    }
    if (client.problem()?.code === 'draining') this.#ledger.draining += 1;
    else this.#ledger.surprises.push(`events ended with ${JSON.stringify(client.problem())}`);
  }

  async #socket(): Promise<void> {
    const client = await openSocket(this.#gateway, 'socket');
    const out = new Map<number, string[]>();
    let sent = 0;
    const closed = new Promise<number>((resolve) => client.socket.on('close', resolve));
    client.socket.on('message', (data: Buffer) => {
      const frame = JSON.parse(data.toString());
      for (const { message } of frame.deliveries ?? []) this.#ledger.delivered('socket', message.id);
      if (frame.deliveries !== undefined) {
        sent += 1;
        out.set(
          sent,
          frame.deliveries.map(({ message }: { message: { id: string } }) => message.id),
        );
        const tokens = frame.deliveries.map(({ ackToken }: { ackToken: string }) => ackToken);
        client.send({ ack: { tokens }, correlationId: sent });
        client.send({ credit: { messages: tokens.length } });
      }
      for (const [index, { status: told }] of (frame.results ?? []).entries())
        if (told === 'ok') this.#ledger.acked('socket').add(out.get(frame.correlationId)?.[index] ?? '');
      if (frame.problem?.code === 'draining') this.#ledger.draining += 1;
    });
    client.send({ start: { credit: { messages: 50 } } });
    const code = await closed;
    if (code !== 1001) this.#ledger.surprises.push(`the WebSocket was closed with ${code}`);
  }

  async #publishStream({ publisher }: ReturnType<typeof connect>): Promise<void> {
    const stream = publisher.publishStream();
    const out = new Map<number, string>();
    let frame = 0;
    const next = (): void => {
      frame += 1;
      const id = `${this.#round}.grpc.${frame}`;
      out.set(frame, id);
      stream.write({ correlationId: frame, topic: 'orders', messages: [{ text: id, id }] });
    };
    stream.on('data', ({ correlationId, results }) => {
      if (results?.[0]?.stored === undefined) return;
      this.#ledger.stored(out.get(Number(correlationId)) ?? '');
      this.#byGrpc += 1;
      next();
    });
    for (let credit = 0; credit < 8; credit += 1) next();
    this.#toldDraining('PublishStream', await ended(stream));
  }

  async #pull(clients: ReturnType<typeof connect>): Promise<void> {
    const { stream } = openPull(clients, { subscription: 'pulled', credit: { messages: 50 } });
    const ids = new Map<string, string>();
    stream.on('data', ({ deliveries = [], results = [] }) => {
      for (const { ackToken = '', message } of deliveries) {
        ids.set(ackToken, message?.id ?? '');
        this.#ledger.delivered('pulled', message?.id ?? '');
      }
      if (deliveries.length > 0) {
        stream.write({ ack: { tokens: deliveries.map(({ ackToken = '' }) => ackToken) } });
        stream.write({ credit: { messages: deliveries.length } });
      }
      for (const { token = '', status: told } of results)
        if (told === 'TOKEN_STATUS_OK') this.#ledger.acked('pulled').add(ids.get(token) ?? '');
    });
    this.#toldDraining('StreamingPull', await ended(stream));
  }

  #toldDraining(where: string, error: ServiceError | undefined): void {
    if (error?.code === status.UNAVAILABLE && error.details.includes('shutting down')) this.#ledger.draining += 1;
    else this.#ledger.surprises.push(`${where} ended with ${error?.message}`);
  }
}

async function ended(stream: NodeJS.EventEmitter): Promise<ServiceError | undefined> {
  return await new Promise((resolve) => {
    stream.once('error', resolve);
    stream.once('end', () => setImmediate(resolve, undefined)); // an error comes right after the end of the data
  });
}
