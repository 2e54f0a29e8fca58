/** Tokens of another gateway, of before a restart, forged and repeated: the same answer through every door. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openPort } from '../../src/adapters/index.ts';
import { portFromDriver } from '../../src/adapters/open-port.ts';
import type { MessagingPort } from '../../src/adapters/port.ts';
import { type Gateway, startGateway } from '../../src/gateway/start.ts';
import { ModelDriver } from '../support/model-driver.ts';
import { openEvents, openPull, openSocket } from '../support/stream-clients.ts';
import { asking, connect } from './grpc/support.ts';

describe.each(['REST', 'WebSocket', 'gRPC', 'StreamingPull'] as const)('through %s', (door) => {
  it('a token of another gateway says whose it is, a forged one nothing', async () => {
    const one = await started(await portNamed('one'));
    const two = await started(await portNamed('two'));
    const token = await one.token('manual');
    const forged = `${token.slice(0, 30)}${token[30] === 'A' ? 'B' : 'A'}${token.slice(31)}`;
    const elsewhere = { status: 'elsewhere', gateway: 'one' };
    expect(await two.ack(door, [token, forged, 'nonsense'])).toEqual([
      elsewhere,
      { status: 'invalid' },
      { status: 'invalid' },
    ]);
    expect(await one.ack(door, [token])).toEqual([{ status: 'ok' }]);
    expect(await one.ack(door, [token])).toEqual([{ status: 'already' }]);
  });

  it('a token of before a restart counts once', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'sluice-tokens-'));
    onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
    const open = async (): Promise<MessagingPort> => await openPort({ backend: 'native', config: { dataDir } });
    const before = await started(await open());
    const token = await before.token('manual');
    await before.close();
    const after = await started(await open());
    // With no credit nobody is handed the message, as long as a stream is the door.
    expect(await after.ack(door, [token], 0)).toEqual([{ status: 'ok' }]);
    expect(await after.ack(door, [token], 0)).toEqual([{ status: 'already' }]);
    await after.port.publish('orders', [{ value: 'next' }]);
    const consumer = await after.port.subscribe('reader', { credit: { messages: 10 } });
    const [next] = await consumer.pull({ maxMessages: 10, waitMs: 5_000 });
    expect(String(next?.message.value)).toBe('next');
  });
});

async function portNamed(gateway: string): Promise<MessagingPort> {
  const keys = ['the same secret for both of these gateways'];
  return await portFromDriver(new ModelDriver(), {}, undefined, { gateway, keys });
}

async function started(port: MessagingPort) {
  await port.createTopic({ name: 'orders' });
  await port.createSubscription({ name: 'reader', topic: 'orders' });
  const gateway: Gateway = await startGateway({ port: 0 }, { port });
  const clients = connect(gateway.grpcAddress ?? '');
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> =>
    await (closing ??= (async () => {
      for (const client of Object.values(clients)) client.close();
      await gateway.close();
      await port.close();
    })());
  onTestFinished(close);
  const { url } = gateway;
  return {
    port,
    close,
    /** Of a message that was published now, handed out by events that carry tokens. */
    token: async (ack: 'manual'): Promise<string> => {
      await port.publish('orders', [{ value: 'x' }]);
      const events = await openEvents({ url }, 'reader', { query: `?ack=${ack}` });
      await expect.poll(() => events.messages().length).toBe(1);
      return JSON.parse(events.messages()[0]?.data ?? '').ackToken;
    },
    ack: async (door: string, tokens: readonly string[], credit = 1) => {
      const results = await settle(door, { url, ...clients }, tokens, credit);
      return results.map(({ status, gateway: whose }) => ({
        status: status.replace('TOKEN_STATUS_', '').toLowerCase(),
        ...(whose === undefined ? {} : { gateway: whose }),
      }));
    },
  };
}

type Results = readonly { readonly status: string; readonly gateway?: string }[];

async function settle(
  door: string,
  world: { readonly url: string } & ReturnType<typeof connect>,
  tokens: readonly string[],
  credit: number,
): Promise<Results> {
  const { publisher, subscriber, admin } = world;
  switch (door) {
    case 'REST': {
      const answer = await fetch(`${world.url}/v1/subscriptions/reader/ack`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ tokens }),
      });
      return ((await answer.json()) as { results: Results }).results;
    }
    case 'gRPC':
      return (
        await asking({ publisher, subscriber, admin }).acknowledge({ subscription: 'reader', tokens: [...tokens] })
      ).results as Results;
    case 'WebSocket': {
      const socket = await openSocket(world, 'reader');
      socket.send({ start: { credit: { messages: credit } } });
      socket.send({ ack: { tokens }, correlationId: 1 });
      await expect.poll(() => socket.results(1)).toBeDefined();
      socket.socket.close();
      return socket.results(1) as unknown as Results;
    }
    default: {
      const { stream, frames } = openPull(world, { subscription: 'reader', credit: { messages: credit } });
      stream.write({ ack: { tokens: [...tokens] }, correlationId: 1 });
      await expect.poll(() => frames.find(({ correlationId }) => correlationId !== undefined)).toBeDefined();
      stream.end();
      return (frames.find(({ correlationId }) => correlationId !== undefined)?.results ?? []) as Results;
    }
  }
}
