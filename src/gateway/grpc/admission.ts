/**
 * What happens to a call before its handler: it is known whose it is before anything of its message is read, and one that does not arrive
 * is not waited for. Without this the library would read, unpack and keep a message of whoever connects, for as long as he likes to wait
 * with its end.
 *
 * Health and reflection are open to everybody, and their messages are names.
 */

import { type Metadata, ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js';
import { PortError } from '../../adapters/index.ts';
import type { Caller } from '../access/caller.ts';
import { authenticateCall, noteCaller } from '../access/grpc-access.ts';
import { overloaded } from '../byte-budget.ts';
import type { GatewayContext } from '../context.ts';
import { gatewayLimits } from '../limits.ts';
import { refusalStatus } from './calls.ts';

const OURS = '/sluice.v1.';

export function admission(context: GatewayContext): ServerInterceptor {
  return (method, call) => {
    const isOurs = method.path.startsWith(OURS);
    const rpc = isOurs ? method.path.slice(OURS.length) : undefined;
    let hold = context.bodies.hold();
    let late: NodeJS.Timeout | undefined;
    let isOver = false;
    const settle = (): void => {
      clearTimeout(late);
      hold.set(0);
    };
    const refuse = (metadata: Metadata, reason: unknown): void => {
      if (isOver) return;
      isOver = true;
      settle();
      call.sendStatus(refusalStatus(context, rpc, { metadata }, reason));
    };
    let about: Metadata;
    return new ServerInterceptingCall(call, {
      start: (next) => {
        next({
          onReceiveMetadata: (metadata, admit) => {
            about = metadata;
            const goOn = (caller?: Caller): void => {
              if (isOver) return;
              if (caller !== undefined) {
                noteCaller(metadata, caller);
                hold = context.bodies.hold(caller.owner);
              }
              if (!method.requestStream) {
                const tooLate = new PortError('invalid_argument', 'the request did not arrive in time');
                late = setTimeout(() => refuse(metadata, tooLate), context.limits.requestTimeoutMs);
                late.unref();
              }
              admit(metadata);
            };
            if (!isOurs) {
              goOn();
              return;
            }
            try {
              const found = authenticateCall(context.access, metadata, () => call.getAuthContext());
              if (found instanceof Promise) void found.then(goOn).catch((reason: unknown) => refuse(metadata, reason));
              else goOn(found);
            } catch (reason) {
              refuse(metadata, reason);
            }
          },
          onReceiveMessage: (message, take) => {
            if (isOver) return;
            const bytes = isOurs && method.requestStream ? 0 : sizeOf(message);
            if (!isOurs && bytes > gatewayLimits.grpcOpenMessageBytesMax) {
              const most = `${gatewayLimits.grpcOpenMessageBytesMax} bytes`;
              refuse(about, new PortError('message_too_large', `a message to ${method.path} has at most ${most}`));
              return;
            }
            // Held until its end has come: then it is worked on, and what it is about has bounds of its own.
            if (!method.requestStream && !hold.set(bytes)) {
              refuse(about, overloaded(context.bodies));
              return;
            }
            take(message);
          },
          onReceiveHalfClose: (end) => {
            if (isOver) return;
            settle();
            end();
          },
          onCancel: () => {
            isOver = true;
            settle();
          },
        });
      },
    });
  };
}

/** Of texts and bytes in a decoded message, about. */
function sizeOf(part: unknown): number {
  if (typeof part === 'string') return part.length;
  if (part instanceof Uint8Array) return part.length;
  if (typeof part !== 'object' || part === null) return 0;
  let bytes = 0;
  for (const inner of Object.values(part)) bytes += sizeOf(inner);
  return bytes;
}
