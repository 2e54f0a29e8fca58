/** A TCP proxy that can cut every connection, refuse new ones, and swallow what comes back: for connections that die in mid-flight. */

import { createServer, connect, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

export class TcpProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #refuses = false;
  /** While set, answers are thrown away: the other side has read what was sent, and nobody learns it. */
  swallowsAnswers = false;

  private constructor(host: string, port: number) {
    this.#server = createServer((client) => {
      if (this.#refuses) {
        client.destroy();
        return;
      }
      const broker = connect({ host, port, noDelay: true });
      client.setNoDelay(true);
      for (const socket of [client, broker]) {
        this.#sockets.add(socket);
        socket.on('error', () => undefined); // both ends are closed below
        socket.on('close', () => {
          this.#sockets.delete(socket);
          client.destroy();
          broker.destroy();
        });
      }
      client.on('data', (chunk) => broker.write(chunk));
      broker.on('data', (chunk) => {
        if (!this.swallowsAnswers) client.write(chunk);
      });
    });
  }

  /** @returns the proxy, and the url that leads through it. */
  static async before(url: string): Promise<{ proxy: TcpProxy; url: string }> {
    const target = new URL(url);
    const proxy = new TcpProxy(target.hostname, Number(target.port || 5672));
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    target.hostname = '127.0.0.1';
    target.port = String((proxy.#server.address() as AddressInfo).port);
    return { proxy, url: target.href };
  }

  /** Clients that are connected now. */
  get clients(): number {
    return this.#sockets.size / 2;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  set refuses(refuses: boolean) {
    this.#refuses = refuses;
    if (refuses) this.cut();
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
