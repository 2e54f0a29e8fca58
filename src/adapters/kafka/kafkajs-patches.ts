/**
 * Counter-measures against known faults of kafkajs 2.2.4, put on our own connections one by one: kafkajs as other code of
 * this process loads it (the bare layer of the comparison) stays as it was published.
 */

import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { TlsSettings } from '../broker-login.ts';
import type { Connection, ConnectionPool, RequestQueue } from './kafkajs-internals.ts';

const KEEP_ALIVE_DELAY_MS = 60_000;

/** A socket without Nagle's algorithm: kafkajs leaves it on, and a produce request is followed by waiting for its answer. */
export function openSocket(host: string, port: number, tls: TlsSettings | null, onConnect: () => void): Socket {
  const socket = tls === null ? connect({ host, port }, onConnect) : openTlsSocket(host, port, tls, onConnect);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
  return socket;
}

/** `onConnect` after the handshake. An address that is no name is no server name either. */
function openTlsSocket(host: string, port: number, tls: TlsSettings, onConnect: () => void): Socket {
  return connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...tls }, onConnect);
}

export function patchConnectionPool(pool: ConnectionPool): void {
  for (const connection of pool.pool) {
    patchRequestQueue(connection.requestQueue);
    shareConnect(connection);
  }
}

/**
 * After the first response kafkajs arms a timer of `-1 - Date.now()` ms, which Node makes 1 ms, and arms it again for ever.
 * A check is needed only while something waits for a throttle to end. Its other timer looks for timed-out requests ten times
 * a second, also when there are none; here one runs out when the oldest request is due: a fetch that waits for news wakes nobody.
 */
export function patchRequestQueue(queue: RequestQueue): void {
  queue.scheduleCheckPendingRequests = () => {
    if (queue.pending.length === 0 || queue.throttleCheckTimeoutId !== null) return;
    queue.throttleCheckTimeoutId = setTimeout(
      () => {
        queue.throttleCheckTimeoutId = null;
        queue.checkPendingRequests();
      },
      Math.max(1, queue.throttledUntil - Date.now()),
    );
  };
  queue.scheduleRequestTimeoutCheck = () => {
    // Armed by sendSocketRequest below.
  };
  let dueAtMs = Number.POSITIVE_INFINITY;
  /** For the request that is due first. An answered one leaves its timer, which then finds the next: no timer for each request. */
  const arm = (): void => {
    const dues = [...queue.inflight.values()].map(({ sentAt, requestTimeout }) => sentAt + requestTimeout);
    if (dues.length === 0) return;
    dueAtMs = Math.min(...dues);
    // Not longer than that, should the clock have been set back.
    const waitMs = Math.min(Math.max(1, dueAtMs - Date.now()), queue.requestTimeout);
    queue.requestTimeoutIntervalId = setTimeout(() => {
      disarm();
      const now = Date.now();
      for (const request of queue.inflight.values())
        if (now - request.sentAt >= request.requestTimeout) request.timeoutRequest();
      if (dueAtMs === Number.POSITIVE_INFINITY) arm();
    }, waitMs);
  };
  const disarm = (): void => {
    clearTimeout(queue.requestTimeoutIntervalId ?? undefined);
    queue.requestTimeoutIntervalId = null;
    dueAtMs = Number.POSITIVE_INFINITY;
  };
  const sendSocketRequest = queue.sendSocketRequest.bind(queue);
  queue.sendSocketRequest = (request) => {
    sendSocketRequest(request);
    if (request.sentAt + request.requestTimeout >= dueAtMs) return;
    disarm();
    arm();
  };
  const destroy = queue.destroy.bind(queue);
  queue.destroy = () => {
    destroy();
    disarm();
    arm(); // what was sent in the same moment must not wait for ever
  };
}

/** Two requests that find the connection closed each open a socket, and one of them leaks: share the attempt. */
function shareConnect(connection: Connection): void {
  const connectOnce = connection.connect.bind(connection);
  let connecting: Promise<boolean> | null = null;
  connection.connect = () => {
    connecting ??= connectOnce().finally(() => {
      connecting = null;
    });
    return connecting;
  };
}
