/** A real gateway over the native log in a directory of its own, or over the model, and a client of it. */

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { connect as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { MessagingPort } from '../../src/adapters/index.ts';
import { connect, type ConnectOptions, type SluiceClient } from '../../src/client/index.ts';
import { type Gateway, startGateway } from '../../src/gateway/index.ts';

export async function nativeGateway(): Promise<Gateway> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-client-'));
  const gateway = await startGateway({ port: 0, grpcPort: 'off', native: { dataDir, durability: 'os' } });
  onTestFinished(async () => {
    await gateway.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  return gateway;
}

export async function gatewayOver(port: MessagingPort): Promise<Gateway> {
  const gateway = await startGateway({ port: 0, grpcPort: 'off' }, { port });
  onTestFinished(async () => await gateway.close());
  return gateway;
}

export async function world(options: ConnectOptions = {}): Promise<{ gateway: Gateway; sluice: SluiceClient }> {
  const gateway = await nativeGateway();
  return { gateway, sluice: connect(gateway.url, options) };
}

export interface Proxy {
  readonly url: string;
  /** Requests go through, answers do not; then the connections are cut. */
  cutAnswers(times: number): void;
  cutAll(): void;
}

/** Between client and gateway: a network that loses answers. */
export async function proxyTo(url: string): Promise<Proxy> {
  const { port } = new URL(url);
  const sockets = new Set<Socket>();
  let cuts = 0;
  const server: Server = createServer((client) => {
    const upstream = connectSocket(Number(port), '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream);
    upstream.on('data', (chunk) => {
      if (cuts > 0) {
        cuts -= 1;
        client.destroy();
      } else client.write(chunk);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cutAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(() => {
    cutAll();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no address');
  return { url: `http://127.0.0.1:${address.port}`, cutAnswers: (times) => (cuts = times), cutAll };
}
