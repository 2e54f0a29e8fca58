/** Sockets of HTTP: how many there may be, and what is said to those that bring no request. */

import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { errorCodes, PortError } from '../adapters/index.ts';
import { gatewayLimits } from './limits.ts';
import { problemOf } from './rest/problem-handler.ts';

/**
 * Whoever connects above the bound is told so by the answer to its request, and leaves; above a second one nobody is let in.
 * @returns whether a socket is one above the bound.
 */
export function boundConnections(server: Server, max: number, hasTls: boolean): (socket: Socket) => boolean {
  const open = new Set<Socket>();
  const surplus = new WeakSet<Socket>();
  server.maxConnections = max + gatewayLimits.connectionsRefusedMax;
  // With TLS a request knows the socket inside, which is there after the handshake.
  server.on(hasTls ? 'secureConnection' : 'connection', (socket: Socket) => {
    // Once more for a request that asked for another protocol (upgrades.ts).
    if (open.has(socket) || surplus.has(socket)) return;
    if (open.size >= max) {
      surplus.add(socket);
      return;
    }
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  return (socket) => surplus.has(socket);
}

/** Node's own code of a head that is late. */
const LATE = 'ERR_HTTP_REQUEST_TIMEOUT';
export const LATE_TEXT = 'the request did not arrive in time';

/** What is wrong before there is a request: not HTTP, a head that is too large, a sender that is too slow. */
export function clientErrorHandler(reason: Error & { code?: string }, socket: Socket): void {
  if (reason.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const error =
    reason.code === 'HPE_HEADER_OVERFLOW'
      ? new PortError(
          'message_too_large',
          `the head of the request is above the limit of ${gatewayLimits.requestHeadBytesMax} bytes`,
        )
      : new PortError('invalid_argument', reason.code === LATE ? LATE_TEXT : 'this is not HTTP/1.1');
  const body = JSON.stringify(problemOf(error));
  const { httpStatus } = errorCodes[error.code];
  socket.end(
    `HTTP/1.1 ${httpStatus} ${httpStatus === 413 ? 'Payload Too Large' : 'Bad Request'}\r\ncontent-type: application/problem+json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

/** A body that is late: it is told so, and after a moment, in which the answer can be read, is not listened to any more. */
export function answerLate(socket: Socket): void {
  clientErrorHandler(Object.assign(new Error(LATE_TEXT), { code: LATE }), socket);
  setTimeout(() => socket.destroy(), gatewayLimits.lateLingerMs).unref();
}
