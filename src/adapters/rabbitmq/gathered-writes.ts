/**
 * What is written to a connection in one turn of the event loop leaves in one system call. amqplib writes each message, or each frame of
 * a larger one, by itself: a system call and a packet each, a third to a half of what a publish costs (docs/PERFORMANCE.md).
 */

import type { Socket } from 'node:net';
import type { ChannelModel } from 'amqplib';

/** Nothing waits longer than without it: the turn that wrote ends before the socket could be heard again. */
export function gatherWrites(model: ChannelModel): void {
  const { stream } = model.connection as { readonly stream?: Socket };
  if (stream === undefined) return;
  const write = stream.write.bind(stream) as Socket['write'];
  let isGathering = false;
  const release = (): void => {
    isGathering = false;
    stream.uncork();
  };
  stream.write = ((...given: Parameters<Socket['write']>) => {
    if (!isGathering) {
      isGathering = true;
      stream.cork();
      process.nextTick(release);
    }
    return write(...given);
  }) as Socket['write'];
}
