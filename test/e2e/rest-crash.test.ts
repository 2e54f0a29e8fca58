/**
 * `sluice serve` killed with -9 under load, again and again on the same data: what was acknowledged over REST is there, at its place, in
 * order, and once; nothing is there that nobody sent; what a consumer acknowledged does not come again, and everything else comes.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const isLong = process.env['SLUICE_LONG'] === '1';
/** Side by side, each with data of its own: starting a process is most of the time. */
const LANES = 2;
const KILLS_PER_LANE = isLong ? 100 : 10;
const PUBLISHERS = 6;
const PARTITIONS = 3;
const START_MS = 40_000;

it(`serve is killed ${LANES * KILLS_PER_LANE} times under load, and keeps what it promised`, {
  timeout: LANES * KILLS_PER_LANE * 15_000,
}, async () => {
  const lanes = await Promise.all(Array.from({ length: LANES }, (_, lane) => killAgainAndAgain(lane)));
  for (const { stored, acked } of lanes) {
    expect(stored).toBeGreaterThan(KILLS_PER_LANE * 20);
    expect(acked).toBeGreaterThan(0);
  }
});

async function killAgainAndAgain(lane: number): Promise<{ readonly stored: number; readonly acked: number }> {
  const dataDir = mkdtempSync(join(tmpdir(), `sluice-rest-crash-${lane}-`));
  const history = new History();
  try {
    for (let life = 0; life < KILLS_PER_LANE; life += 1) {
      const server = await Server.start(dataDir);
      try {
        if (life === 0) await setUp(server);
        await history.check(server);
        await underLoad(server, history, life);
      } finally {
        await server.end('SIGKILL');
      }
    }
    const last = await Server.start(dataDir);
    try {
      await history.check(last);
      await history.drain(last);
    } finally {
      await last.end('SIGTERM');
    }
    return { stored: history.places.size, acked: history.acked.size };
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function setUp(server: Server): Promise<void> {
  await server.post('topics', { name: 'orders', partitions: PARTITIONS });
  await server.post('subscriptions', { name: 'reader', topic: 'orders', start: 'earliest' });
}

/** Publishes and consumes until so many messages are acknowledged, and a request is surely under way. */
async function underLoad(server: Server, history: History, life: number): Promise<void> {
  const enough = history.places.size + 50 + Math.floor(Math.random() * 1_000);
  let isEnough: () => void = () => undefined;
  const reached = new Promise<void>((done) => {
    isEnough = done;
  });
  const publishers = Array.from({ length: PUBLISHERS }, async (_, publisher) => {
    for (let call = 0; ; call += 1) {
      if (!(await history.publish(server, `${life}.${publisher}`, call))) return;
      if (history.places.size >= enough) isEnough();
    }
  });
  const consumer = (async () => {
    while (await history.consume(server));
  })();
  await Promise.race([reached, Promise.all([...publishers, consumer])]);
  await server.end('SIGKILL');
  await Promise.all([...publishers, consumer]); // cut off
}

class History {
  readonly sent = new Set<string>();
  /** `partition/offset` -> id of what was answered as stored. */
  readonly places = new Map<string, string>();
  readonly acked = new Set<string>();
  readonly #seen = new Set<string>();

  /** False when the server is gone. */
  async publish(server: Server, publisher: string, call: number): Promise<boolean> {
    const ids = Array.from({ length: 1 + (call % 20) }, (_, index) => `${publisher}.${call * 20 + index}`);
    for (const id of ids) this.sent.add(id);
    const messages = ids.map((id, index) => ({ id, value: `value of ${id}`, partition: (call + index) % PARTITIONS }));
    const durability = call % 3 === 0 ? 'os' : 'fsync';
    const answer = await server.tryPost('topics/orders/messages', { messages, durability });
    if (answer === undefined) return false;
    for (const { id, partition, offset } of answer['results'] as { id: string; partition: number; offset: number }[])
      this.places.set(`${partition}/${offset}`, id);
    return true;
  }

  async consume(server: Server): Promise<boolean> {
    const pulled = await server.tryPost('subscriptions/reader/pull', { maxMessages: 100, waitMs: 200 });
    if (pulled === undefined) return false;
    const deliveries = pulled['deliveries'] as { ackToken: string; message: { id: string } }[];
    for (const { message } of deliveries) {
      if (this.acked.has(message.id)) throw new Error(`${message.id} was acknowledged, and came again`);
      this.#seen.add(message.id);
    }
    if (deliveries.length === 0) return true;
    const tokens = deliveries.map(({ ackToken }) => ackToken);
    const answer = await server.tryPost('subscriptions/reader/ack', { tokens });
    if (answer === undefined) return false;
    const results = answer['results'] as { status: string }[];
    for (const [index, { status }] of results.entries())
      if (status === 'ok') this.acked.add(deliveries[index]?.message.id ?? '');
    return true;
  }

  async check(server: Server): Promise<void> {
    const found = new Map<string, string>();
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      const lastOf = new Map<string, number>();
      for (const [index, { offset, id, value }] of (await server.browse(partition)).entries()) {
        expect([offset, value]).toEqual([index, `value of ${id}`]);
        if (!this.sent.has(id)) throw new Error(`offset ${offset} of ${partition} holds ${id}, which nobody sent`);
        const at = id.lastIndexOf('.');
        const [publisher, number] = [id.slice(0, at), Number(id.slice(at + 1))];
        expect(number, id).toBeGreaterThan(lastOf.get(publisher) ?? -1);
        lastOf.set(publisher, number);
        found.set(`${partition}/${offset}`, id);
      }
    }
    for (const [place, id] of this.places)
      if (found.get(place) !== id) throw new Error(`${id} was stored at ${place}, where now ${found.get(place)} is`);
  }

  /** What was stored and not acknowledged is delivered still. */
  async drain(server: Server): Promise<void> {
    const giveUpMs = performance.now() + 30_000;
    const missing = (): string[] => [...this.places.values()].filter((id) => !this.#seen.has(id));
    while (missing().length > 0) {
      if (performance.now() > giveUpMs) throw new Error(`never delivered: ${missing().slice(0, 5).join(', ')}`);
      await this.consume(server);
    }
  }
}

type Body = Readonly<Record<string, unknown>>;

class Server {
  readonly #process: ChildProcess;
  readonly #ended: Promise<void>;
  #url = '';

  private constructor(dataDir: string) {
    const args = ['--import', 'tsx', 'src/cli.ts', 'serve', '--data-dir', dataDir, '--port', '0'];
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SLUICE_')));
    this.#process = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#ended = new Promise((done) => this.#process.once('close', () => done()));
  }

  static async start(dataDir: string): Promise<Server> {
    const server = new Server(dataDir);
    let output = '';
    let deadline: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((done, fail) => {
        const note = (chunk: Buffer): void => {
          output += chunk.toString();
          if (output.includes('Ctrl-C ends it.')) done();
        };
        server.#process.stdout?.on('data', note);
        server.#process.stderr?.on('data', note);
        deadline = setTimeout(() => fail(new Error(`serve did not start: ${output}`)), START_MS);
        void server.#ended.then(() => fail(new Error(`serve ended: ${output}`)));
      });
    } catch (reason) {
      await server.end('SIGKILL');
      throw reason;
    } finally {
      clearTimeout(deadline);
    }
    server.#url = / on (http:\/\/[^\s]+)/.exec(output)?.[1] ?? '';
    return server;
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    this.#process.kill(signal);
    await this.#ended;
  }

  async post(path: string, body: unknown): Promise<Body> {
    const answer = await fetch(`${this.#url}/v1/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const json = (await answer.json()) as Body;
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${JSON.stringify(json)}`);
    return json;
  }

  /** undefined when the connection is cut, which is what this test does. */
  async tryPost(path: string, body: unknown): Promise<Body | undefined> {
    try {
      return await this.post(path, body);
    } catch (reason) {
      if (reason instanceof TypeError || reason instanceof SyntaxError) return undefined;
      throw reason;
    }
  }

  async browse(partition: number): Promise<{ offset: number; id: string; value: string }[]> {
    const found: { offset: number; id: string; value: string }[] = [];
    for (let from = 0; ; ) {
      const answer = await fetch(
        `${this.#url}/v1/topics/orders/partitions/${partition}/messages?from=${from}&limit=1000`,
      );
      const { messages, next } = (await answer.json()) as { messages: typeof found; next: number };
      if (messages.length === 0) return found;
      found.push(...messages);
      from = next;
    }
  }
}
