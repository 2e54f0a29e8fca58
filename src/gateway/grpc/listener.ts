/**
 * The socket of gRPC. It listens from the start; the library behind it, which takes longer to load than all the rest of the
 * gateway, is loaded by the first connection.
 */

import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { ServerCertificates } from '../access/server-certificates.ts';
import type { GatewayContext } from '../context.ts';
import type { GrpcServer } from './server.ts';

export class GrpcListener {
  readonly #context: GatewayContext;
  readonly #sockets = new Set<Socket>();
  readonly #listener: Server;
  #loading: Promise<GrpcServer> | undefined;
  #server: GrpcServer | undefined;

  /** @param certificates with them, TLS ends here: the library is handed what is inside. */
  constructor(context: GatewayContext, certificates?: ServerCertificates) {
    this.#context = context;
    if (certificates === undefined) this.#listener = createServer({ noDelay: true }, (socket) => this.#take(socket));
    else {
      const options = { ...certificates.serverOptions, noDelay: true, ALPNProtocols: ['h2'] };
      const listener = createTlsServer(options, (socket) => this.#take(socket));
      certificates.keepFresh(listener);
      // During the handshake they are nobody's yet, and must be cut at the end all the same.
      listener.on('connection', (socket: Socket) => this.#keep(socket));
      this.#listener = listener;
    }
    this.#listener.maxConnections = context.limits.grpcConnectionsMax;
  }

  /** Resolves with the port number. Rejects as node:net does, such as with EADDRINUSE. */
  async listen(host: string, port: number): Promise<number> {
    this.#listener.listen({ host, port });
    await once(this.#listener, 'listening');
    return (this.#listener.address() as AddressInfo).port;
  }

  /** No new connections and calls; resolves when every call under way has ended and every connection is closed. */
  async drain(): Promise<void> {
    this.#listener.close();
    try {
      await (await this.#loading)?.drain();
    } catch {
      // It could not be loaded: whoever connected was cut off then, and it was logged.
    }
  }

  /** Cuts what is left. */
  destroy(): void {
    this.#listener.close();
    this.#server?.destroy();
    for (const socket of this.#sockets) socket.destroy();
  }

  #take(socket: Socket): void {
    this.#keep(socket);
    // Reported by the connection's own end; without a listener it would end the process.
    socket.on('error', () => undefined);
    if (this.#server === undefined) void this.#loadAndTake(socket);
    else this.#server.take(socket);
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  async #loadAndTake(socket: Socket): Promise<void> {
    try {
      this.#loading ??= load(this.#context);
      this.#server = await this.#loading;
      if (!socket.destroyed) this.#server.take(socket);
    } catch (reason) {
      this.#context.log.error({ err: reason }, 'gRPC cannot be served');
      socket.destroy();
    }
  }
}

async function load(context: GatewayContext): Promise<GrpcServer> {
  const { buildGrpcServer } = await import('./server.ts');
  return buildGrpcServer(context);
}
