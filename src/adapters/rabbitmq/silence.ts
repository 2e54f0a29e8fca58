/**
 * Notices a peer that went silent: RabbitMQ sends something at least every half heartbeat, so a connection on which nothing arrived
 * for more than a whole one is dead. amqplib looks for it too, and takes two to three heartbeats, in which every publish hangs.
 *
 * Looks are counted, not time: an event loop that was blocked for long makes one late look, and finds what arrived meanwhile at the next.
 */

import type { Socket } from 'node:net';
import type { ChannelModel } from 'amqplib';

const LOOKS_PER_HEARTBEAT = 4;
const SILENT_LOOKS_MAX = 5;

/** Ends the connection's socket once it is silent. Without heartbeats nobody can tell. Ends itself with the connection. */
export function endWhenSilent(model: ChannelModel): void {
  const { heartbeat, stream } = model.connection as { readonly heartbeat?: number; readonly stream?: Socket };
  if (stream === undefined || heartbeat === undefined || heartbeat <= 0) return;
  let read = stream.bytesRead;
  let silentLooks = 0;
  const timer = setInterval(
    () => {
      silentLooks = stream.bytesRead === read ? silentLooks + 1 : 0;
      read = stream.bytesRead;
      if (silentLooks < SILENT_LOOKS_MAX) return;
      clearInterval(timer);
      stream.destroy(new Error(`nothing came from RabbitMQ for more than its heartbeat of ${heartbeat} s`));
    },
    (heartbeat * 1_000) / LOOKS_PER_HEARTBEAT,
  );
  timer.unref();
  stream.once('close', () => clearInterval(timer));
}
