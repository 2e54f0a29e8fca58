/**
 * The load of bench/rest.ts, in a process of its own so that the server has a core to itself: keep-alive connections, each with
 * one request at a time. Told by its parent: {host, port, path, body, contentType?, connections, seconds}; answers {requestsPerSecond, failed}.
 *
 * Raw sockets, because Node's own client costs more a request than the servers that are measured.
 */

import { connect } from 'node:net';

interface Order {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly body: string;
  /** Default application/json. */
  readonly contentType?: string;
  readonly connections: number;
  readonly seconds: number;
}

process.on('message', (order: Order) => {
  void run(order).then((result) => process.send?.(result));
});

async function run(order: Order): Promise<{ requestsPerSecond: number; failed: number }> {
  const request = Buffer.from(
    `POST ${order.path} HTTP/1.1\r\nhost: ${order.host}\r\ncontent-type: ${order.contentType ?? 'application/json'}\r\ncontent-length: ${Buffer.byteLength(order.body)}\r\n\r\n${order.body}`,
  );
  const until = performance.now() + order.seconds * 1_000;
  const counts = { answered: 0, failed: 0 };
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: order.connections }, async () => await oneConnection(order, request, until, counts)),
  );
  return { requestsPerSecond: counts.answered / ((performance.now() - startedAt) / 1_000), failed: counts.failed };
}

async function oneConnection(
  { host, port }: Order,
  request: Buffer,
  until: number,
  counts: { answered: number; failed: number },
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true });
    let pending = Buffer.alloc(0);
    socket.on('connect', () => socket.write(request));
    socket.on('error', reject);
    socket.on('close', () => resolve());
    socket.on('data', (chunk) => {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      const length = answerLength(pending);
      if (length === undefined || pending.length < length) return;
      if (pending.toString('latin1', 9, 12) === '200') counts.answered += 1;
      else counts.failed += 1;
      pending = pending.subarray(length);
      if (performance.now() < until) socket.write(request);
      else socket.end();
    });
  });
}

/** Bytes of the first whole answer: its head and its content-length; undefined while the head is not there. */
function answerLength(bytes: Buffer): number | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const length = /content-length: (\d+)/i.exec(bytes.toString('latin1', 0, headEnd))?.[1];
  if (length === undefined) throw new Error('an answer without content-length');
  return headEnd + 4 + Number(length);
}
