/** The readers of bench/gateway-streams.ts: event streams over plain sockets, because Node's own client costs more than the gateway. */

import { connect } from 'node:net';
import type { StreamOrder, StreamReport } from './gateway-streams.ts';

/** So many are being opened at a time: a listener's backlog is not what is measured. */
const OPENING_AT_ONCE = 100;
const MARK = 'at:';
const TIME_DIGITS = 13;
/** Of a report: every so many-th message is timed, so that timing does not become the work. */
const TIMED_ONE_IN = 7;

let opened = 0;
let received = 0;
let latenciesMs: number[] = [];

process.on('message', (message: StreamOrder | 'report') => {
  if (message === 'report') {
    const report: StreamReport = { opened, received, latenciesMs };
    process.send?.(report);
    received = 0;
    latenciesMs = [];
  } else {
    void open(message).then(() => process.send?.('opened'));
  }
});

async function open({ url, paths }: StreamOrder): Promise<void> {
  const { hostname, port } = new URL(url);
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < paths.length) {
      const path = paths[next] as string;
      next += 1;
      await openOne(hostname, Number(port), path);
    }
  };
  await Promise.all(Array.from({ length: OPENING_AT_ONCE }, lane));
}

async function openOne(host: string, port: number, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const socket = connect({ host, port });
    let isOpen = false;
    let rest = '';
    socket.on('connect', () =>
      socket.write(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\naccept: text/event-stream\r\n\r\n`),
    );
    socket.on('error', reject);
    socket.on('data', (chunk: Buffer) => {
      const text = rest + chunk.toString('latin1');
      if (!isOpen) {
        if (!text.startsWith('HTTP/1.1 200')) {
          reject(new Error(text.slice(0, 300)));
          return;
        }
        isOpen = true;
        opened += 1;
        resolve();
      }
      rest = count(text);
    });
  });
}

/** Counts the messages in it, and returns the end that may be half of one. */
function count(text: string): string {
  const nowMs = Date.now();
  let from = 0;
  for (let at = text.indexOf(MARK); at !== -1; at = text.indexOf(MARK, from)) {
    if (at + MARK.length + TIME_DIGITS > text.length) return text.slice(at);
    received += 1;
    if (received % TIMED_ONE_IN === 0)
      latenciesMs.push(nowMs - Number(text.slice(at + MARK.length, at + MARK.length + TIME_DIGITS)));
    from = at + MARK.length + TIME_DIGITS;
  }
  return text.slice(Math.max(from, text.length - MARK.length + 1));
}
