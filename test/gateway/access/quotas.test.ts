/** Quotas: one bucket for a principal, whichever door it comes by. */

import { once } from 'node:events';
import { credentials, loadPackageDefinition, Metadata } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { Caller, Pace } from '../../../src/gateway/access/caller.ts';
import { Scopes } from '../../../src/gateway/access/scopes.ts';
import { Quota } from '../../../src/gateway/access/quota.ts';
import type { ProtoGrpcType } from '../../../src/gateway/grpc/generated/sluice.ts';
import { loadProto } from '../../../src/gateway/grpc/proto.ts';
import { asking, refusal } from '../grpc/support.ts';
import { guarded, type Guarded, issuer, keyWith } from './support.ts';

describe('a bucket', () => {
  it('holds a burst, fills at its rate, and says how long to wait', () => {
    let now = 0;
    const quota = new Quota({ messagesPerSecond: 10, burstSeconds: 2 }, () => now);
    expect(quota.take({ messages: 20 })).toBe(0);
    expect(quota.take({ messages: 1 })).toBe(100);
    now += 100;
    expect(quota.take({ messages: 1 })).toBe(0);
    now += 60_000;
    expect([quota.take({ messages: 20 }), quota.take({ messages: 1 })]).toEqual([0, 100]);
  });

  it('admits what is larger than itself when it is full, and owes the rest', () => {
    let now = 0;
    const quota = new Quota({ messagesPerSecond: 10, burstSeconds: 1 }, () => now);
    expect(quota.take({ messages: 1_000 })).toBe(0);
    expect(quota.take({ messages: 0 })).toBe(99_000);
    now += 99_000;
    expect(quota.take({ messages: 0 })).toBe(0);
    expect(quota.take({ messages: 1_000 })).toBe(1_000);
  });

  it('takes from all or from none', () => {
    const quota = new Quota({ messagesPerSecond: 10, bytesPerSecond: 100, burstSeconds: 1 }, () => 0);
    expect(quota.take({ messages: 1, bytes: 100 })).toBe(0);
    expect(quota.take({ messages: 9, bytes: 1 })).toBe(10);
    expect(quota.take({ messages: 9 })).toBe(0);
  });

  it('over any time grants no more than the burst and the rate', () => {
    let now = 0;
    const quota = new Quota({ requestsPerSecond: 7, burstSeconds: 3 }, () => now);
    let taken = 0;
    for (; now < 10_000; now += 13) while (quota.take({ requests: 1 }) === 0) taken += 1;
    expect(taken).toBeGreaterThanOrEqual(7 * 3 + 69);
    expect(taken).toBeLessThanOrEqual(7 * 3 + 70);
  });
});

it('a stream that leaves while it waits owes what it had sent', async () => {
  const quota = new Quota({ messagesPerSecond: 1, burstSeconds: 10 }, () => 0);
  const caller = new Caller({ principal: 'key:a', scopes: new Scopes(['admin']), credential: { kind: 'none' }, quota });
  let isGone = false;
  const pace = new Pace(caller, () => isGone);
  await pace.next({ messages: 10 });
  const waiting = pace.next({ messages: 10 });
  isGone = true;
  await waiting;
  expect(quota.take({ messages: 1 })).toBe(11_000);
});

describe('above its quota', () => {
  it('a publish is refused over REST and gRPC from one bucket, with the time to wait; another principal is not', async () => {
    const { world, key, other } = await worldWith({ messagesPerSecond: 0.01, burstSeconds: 1_000 });
    const rest = async (count: number, who = key) =>
      await world.ask('POST', '/v1/topics/a/messages', {
        key: who,
        body: { messages: Array(count).fill({ value: 'x' }) },
      });
    expect((await rest(6)).status).toBe(200);
    const clients = connected(world);
    const grpc = asking(clients).publish;
    const metadata = bearer(key);
    await grpc({ topic: 'a', messages: Array.from({ length: 4 }, () => ({ text: 'x' })) }, { metadata });
    const refused = await refusal(grpc({ topic: 'a', messages: [{ text: 'x' }] }, { metadata }));
    expect([refused.status, refused.reason]).toEqual(['RESOURCE_EXHAUSTED', 'quota_exceeded']);
    expect(Number(refused.about['retryAfterMs'])).toBeGreaterThan(60_000);
    const problem = await rest(1);
    expect([problem.status, problem.json.code, problem.json.retryable]).toEqual([429, 'quota_exceeded', true]);
    expect(problem.json.detail).toMatch(/^key:k-\w+ is above its quota of 0\.01 messages\/s$/);
    expect(Number(problem.headers.get('retry-after'))).toBeGreaterThanOrEqual(60);
    expect(problem.json.retryAfterMs).toBeGreaterThan(60_000);
    expect((await rest(1, other)).status).toBe(200);
    expect((await world.port.read('a', 0, 'earliest', 100)).messages).toHaveLength(11);
  });

  it('what was pulled counts too: who owes is refused until it is paid', async () => {
    const { world, key } = await worldWith({ bytesPerSecond: 1, burstSeconds: 10 });
    await world.port.publish('a', [{ value: 'x'.repeat(500) }]);
    const pull = async () => await world.ask('POST', '/v1/subscriptions/r/pull', { key, body: { waitMs: 1_000 } });
    const first = await pull();
    expect([first.status, first.json.deliveries.length]).toEqual([200, 1]);
    expect((await pull()).json).toMatchObject({ code: 'quota_exceeded', status: 429 });
  });

  it('what was browsed counts like what was pulled, dead letters too', async () => {
    const { world, key } = await worldWith({ bytesPerSecond: 1, burstSeconds: 10 });
    await world.port.publish('a', [{ value: 'x'.repeat(500) }]);
    const browse = async () => await world.ask('GET', '/v1/topics/a/partitions/0/messages', { key });
    expect((await browse()).json.messages).toHaveLength(1);
    expect((await browse()).json.code).toBe('quota_exceeded');
    expect((await world.ask('GET', '/v1/subscriptions/r/deadletters', { key })).json.code).toBe('quota_exceeded');
  });

  it('the headers of a frame of PublishStream count as those of a request do', async () => {
    const { world, key } = await worldWith({ bytesPerSecond: 1, burstSeconds: 10 });
    const stream = connected(world).publisher.publishStream(bearer(key));
    const headers = [{ name: 'h', value: Buffer.alloc(500) }];
    stream.write({ topic: 'a', messages: [{ text: '', headers }], correlationId: 1 });
    await once(stream, 'data');
    stream.end();
    expect(
      (await world.ask('POST', '/v1/topics/a/messages', { key, body: { messages: [{ value: 'x' }] } })).json.code,
    ).toBe('quota_exceeded');
  });

  it('what a stream of events sends again counts, too', async () => {
    const { world, key } = await worldWith({ bytesPerSecond: 1, burstSeconds: 10 });
    await world.port.publish('a', [{ value: 'x'.repeat(500) }]);
    const consumer = await world.port.subscribe('r', { credit: { messages: 1 } });
    const [delivery] = await consumer.pull({ maxMessages: 1, waitMs: 5_000 });
    await world.port.ack('r', [delivery?.token ?? '']);
    await consumer.close();
    const events = await fetch(`${world.url}/v1/subscriptions/r/stream`, {
      headers: { authorization: `Bearer ${key}`, 'last-event-id': '0:0' },
    });
    onTestFinished(async () => await events.body?.cancel().catch(() => undefined));
    expect(await readUntil(events, 'xxx')).toContain('data: ');
    const pulled = await world.ask('POST', '/v1/subscriptions/r/pull', { key, body: { waitMs: 0 } });
    expect(pulled.json.code).toBe('quota_exceeded');
  });

  it('requests count whatever they are about; probes do not', async () => {
    const { world, key } = await worldWith({ requestsPerSecond: 0.1, burstSeconds: 30 });
    const statuses: number[] = [];
    for (let round = 0; round < 4; round += 1) statuses.push((await world.ask('GET', '/v1/topics', { key })).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    for (let round = 0; round < 10; round += 1) expect((await world.ask('GET', '/livez')).status).toBe(200);
  });

  it('streams are slowed down, not refused: SSE, WebSocket, lines and PublishStream', async () => {
    const { world, key } = await worldWith({ messagesPerSecond: 20, burstSeconds: 0.05 });
    // In: 10 lines of their own, one after the other.
    const lines = await timed(async () => {
      const body = new ReadableStream({
        async pull(controller) {
          for (let line = 0; line < 10; line += 1) {
            controller.enqueue(new TextEncoder().encode('{"value":"x"}\n'));
            await new Promise((resolve) => setImmediate(resolve));
          }
          controller.close();
        },
      });
      const answer = await fetch(`${world.url}/v1/topics/a/messages`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/x-ndjson' },
        body,
        duplex: 'half',
      } as RequestInit);
      expect(
        (await answer.text())
          .trim()
          .split('\n')
          .every((line) => line.includes('"offset"')),
      ).toBe(true);
    });
    const frames = await timed(async () => {
      const stream = connected(world).publisher.publishStream(bearer(key));
      let answered = 0;
      stream.on('data', (frame: { problem?: unknown }) => {
        if (frame.problem === undefined) answered += 1;
      });
      for (let frame = 0; frame < 10; frame += 1)
        stream.write({ correlationId: frame, topic: 'a', messages: [{ text: 'x' }] });
      stream.end();
      await once(stream, 'end');
      expect(answered).toBe(10);
    });
    expect(frames).toBeGreaterThan(300);
    expect(lines).toBeGreaterThan(0);
    const { messages } = await world.port.read('a', 0, 'earliest', 100);
    expect(messages).toHaveLength(20);

    // Out: the same 20, a frame at a time.
    const socket = new WebSocket(`${world.url.replace('http', 'ws')}/v1/subscriptions/r/ws`, {
      headers: { 'x-api-key': key },
    });
    let got = 0;
    socket.on('message', (data: Buffer) => {
      const { deliveries = [] } = JSON.parse(data.toString()) as { deliveries?: unknown[] };
      got += deliveries.length;
      if (got < 20) socket.send('{"credit":{"messages":1}}');
    });
    await once(socket, 'open');
    const pushed = await timed(async () => {
      socket.send('{"start":{"credit":{"messages":1}}}');
      await expect.poll(() => got, { interval: 10 }).toBe(20);
    });
    socket.close();
    // 19 of them wait for a twentieth of a second each.
    expect(pushed).toBeGreaterThan(700);
  });
});

it('a token has the quota that the configuration gives its principal, and others the one of everybody', async () => {
  const made = await issuer();
  const quotas = { 'jwt:alice': { requestsPerSecond: 0.01, burstSeconds: 300 } };
  const access = { jwt: made.config, quotas, quota: { requestsPerSecond: 0.01, burstSeconds: 100 } };
  const world = await guarded({ access });
  const admitted = async (sub: string): Promise<number> => {
    let count = 0;
    // A token of its own each time: the principal counts, not the credential.
    while (
      (await world.ask('GET', '/v1/topics', { key: await made.token({ sub, jti: String(count) }) })).status === 200
    )
      count += 1;
    return count;
  };
  expect([await admitted('alice'), await admitted('bob')]).toEqual([3, 1]);
});

async function readUntil(answer: Response, part: string): Promise<string> {
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  let text = '';
  while (!text.includes(part)) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`ended without it: ${text}`);
    text += Buffer.from(value).toString();
  }
  reader.releaseLock();
  return text;
}

async function worldWith(quota: object): Promise<{ world: Guarded; key: string; other: string }> {
  const scopes = ['publish:a', 'consume:r', 'read:a'];
  const [one, two] = [keyWith(scopes, { quota }), keyWith(scopes)];
  const world = await guarded({ access: { keys: [one.entry, two.entry] } });
  await world.port.createTopic({ name: 'a' });
  await world.port.createSubscription({ name: 'r', topic: 'a' });
  return { world, key: one.key, other: two.key };
}

function connected(world: Guarded) {
  const { sluice } = loadPackageDefinition(loadProto()) as unknown as ProtoGrpcType;
  const address = world.gateway.grpcAddress ?? '';
  const options = { 'grpc.use_local_subchannel_pool': 1 };
  const insecure = credentials.createInsecure();
  const clients = {
    publisher: new sluice.v1.Publisher(address, insecure, options),
    subscriber: new sluice.v1.Subscriber(address, insecure, options),
    admin: new sluice.v1.Admin(address, insecure, options),
  };
  onTestFinished(() => {
    for (const client of Object.values(clients)) client.close();
  });
  return clients;
}

function bearer(key: string): Metadata {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${key}`);
  return metadata;
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
