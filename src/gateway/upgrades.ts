/**
 * Requests that ask for another protocol. Node, once anyone listens for them, hands all of them over, without their bodies; yet
 * Java's client and `curl --http2` ask for h2c with every first request, POST or not, and expect HTTP/1.1 to go on where it is
 * not had. So only a WebSocket on its route is handed on; every other request is read once more, without the question.
 */

import { EventEmitter } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';

const webSocketPath = /^\/v1\/subscriptions\/[^/?]+\/ws(\?|$)/;
/** Of one hop, and about the upgrade alone. */
const dropped = new Set(['upgrade', 'connection', 'http2-settings']);

/** Emits `upgrade` as a server does, for WebSockets only. */
export function webSocketUpgrades(server: Server): EventEmitter {
  const upgrades = new EventEmitter();
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (request.headers.upgrade?.toLowerCase() === 'websocket' && webSocketPath.test(request.url ?? '')) {
      upgrades.emit('upgrade', request, socket, head);
      return;
    }
    socket.unshift(Buffer.concat([plainHead(request), head]));
    // With TLS the other event is for what has not had its handshake yet.
    server.emit(socket instanceof TLSSocket ? 'secureConnection' : 'connection', socket);
  });
  return upgrades;
}

function plainHead({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (!dropped.has(name.toLowerCase())) text += `${name}: ${rawHeaders[index + 1]}\r\n`;
  }
  // As it came: Node gives and takes header bytes as latin1.
  return Buffer.from(`${text}\r\n`, 'latin1');
}
